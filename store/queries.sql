-- Statements of the room store. `describe_*` give the schema `public` as one text column, a line or block an object, in a
-- fixed order; they run with an empty search_path, so that every name comes out qualified. Monthly partitions of
-- `reading` come and go and are left out.

-- name: reading_is_partitioned
SELECT relkind = 'p' FROM pg_class WHERE oid = 'public.reading'::regclass

-- name: reading_partitions
-- Ours by their name; a detached one is what a drop left that was interrupted.
SELECT c.relname, coalesce(i.inhparent IS NOT NULL, false) AS attached, coalesce(i.inhdetachpending, false) AS pending
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = 'public.reading'::regclass
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^reading_[0-9]{4}_[0-9]{2}$'
ORDER BY c.relname

-- name: lock_partitions
-- One job at a time makes or drops partitions; freed at the end of the transaction.
SELECT pg_advisory_xact_lock(91638244460034)

-- name: drop_chunks
SELECT drop_chunks('public.reading', older_than => %s::timestamptz)

-- name: describe_schema
SELECT format('schema %s owner %s', nspname, pg_get_userbyid(nspowner)) FROM pg_namespace WHERE nspname = 'public'

-- name: describe_extensions
SELECT format('extension %s', extname) FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname

-- name: describe_types
SELECT format('type %s %s owner %s %s', t.oid::regtype, t.typtype, pg_get_userbyid(t.typowner),
    coalesce((SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
        FROM pg_enum e WHERE e.enumtypid = t.oid), format_type(t.typbasetype, t.typtypmod)))
FROM pg_type t
WHERE t.typnamespace = 'public'::regnamespace AND t.typtype IN ('e', 'd', 'r')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
ORDER BY t.typname

-- name: describe_functions
SELECT format(E'function owner %s\n%s', pg_get_userbyid(p.proowner), pg_get_functiondef(p.oid))
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY p.oid::regprocedure::text

-- name: describe_relations
SELECT format('%s %s owner %s persistence %s rls %s%s options %s%s',
    CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
        WHEN 'S' THEN 'sequence' ELSE c.relkind::text END,
    c.oid::regclass, pg_get_userbyid(c.relowner), c.relpersistence, c.relrowsecurity,
    CASE WHEN c.relforcerowsecurity THEN ' forced' END,
    (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) AS o),
    CASE c.relkind WHEN 'p' THEN ' by ' || pg_get_partkeydef(c.oid)
        WHEN 'v' THEN E'\n' || pg_get_viewdef(c.oid) WHEN 'm' THEN E'\n' || pg_get_viewdef(c.oid) END)
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname

-- name: describe_columns
SELECT format('column %s.%I %s%s%s%s%s%s', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || a.attcollation::regcollation::text END,
    CASE WHEN a.attnotnull THEN ' not null' END,
    CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text END,
    CASE WHEN a.attgenerated <> '' THEN ' generated ' || a.attgenerated::text END,
    CASE WHEN d.adbin IS NOT NULL THEN ' default ' || pg_get_expr(d.adbin, d.adrelid) END)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
ORDER BY c.relname, a.attnum

-- name: describe_constraints
SELECT format('constraint %s on %s: %s', n.conname, n.conrelid::regclass, pg_get_constraintdef(n.oid))
FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
WHERE n.connamespace = 'public'::regnamespace AND NOT c.relispartition
ORDER BY c.relname, n.conname

-- name: describe_indexes
SELECT format('%s%s', pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indisvalid THEN ' invalid' END)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
ORDER BY i.indexrelid::regclass::text

-- name: describe_triggers
SELECT pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal AND NOT c.relispartition
ORDER BY c.relname, t.tgname

-- name: describe_policies
SELECT format('policy %s on %s %s%s to %s using %s check %s', p.polname, p.polrelid::regclass, p.polcmd,
    CASE WHEN NOT p.polpermissive THEN ' restrictive' END,
    (SELECT string_agg(CASE WHEN r = 0 THEN 'public' ELSE pg_get_userbyid(r) END, ', '
        ORDER BY CASE WHEN r = 0 THEN 'public' ELSE pg_get_userbyid(r) END) FROM unnest(p.polroles) AS r),
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = 'public'::regnamespace
ORDER BY c.relname, p.polname

-- name: describe_grants
SELECT format('grant %s on %s to %s%s', string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type), o.name,
    CASE WHEN a.grantee = 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END,
    CASE WHEN a.is_grantable THEN ' with grant option' END)
FROM (
    SELECT nspname::text AS name, coalesce(nspacl, acldefault('n', nspowner)) AS acl
        FROM pg_namespace WHERE nspname = 'public'
    UNION ALL
    SELECT c.oid::regclass::text, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END,
        c.relowner))
        FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT c.relispartition
    UNION ALL
    SELECT format('%s.%I', c.oid::regclass, t.attname), t.attacl
        FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND t.attacl IS NOT NULL AND NOT t.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
    UNION ALL
    SELECT p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
) AS o, aclexplode(o.acl) AS a
GROUP BY o.name, a.grantee, a.is_grantable
ORDER BY o.name, a.grantee = 0, CASE WHEN a.grantee = 0 THEN '' ELSE pg_get_userbyid(a.grantee) END, a.is_grantable

-- name: describe_comments
SELECT format('comment on %s: %s', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description)
FROM pg_description d LEFT JOIN pg_class c ON d.classoid = 'pg_class'::regclass AND c.oid = d.objoid
LEFT JOIN pg_proc p ON d.classoid = 'pg_proc'::regclass AND p.oid = d.objoid
WHERE 'public'::regnamespace IN (c.relnamespace, p.pronamespace)
ORDER BY 1

-- name: describe_hypertables
-- Only where the extension is.
SELECT format('hypertable %s.%I dimension %s column %I every %s', hypertable_schema, hypertable_name, dimension_number,
    column_name, coalesce(time_interval::text, integer_interval::text, num_partitions::text))
FROM timescaledb_information.dimensions
WHERE hypertable_schema = 'public'
ORDER BY hypertable_name, dimension_number

-- name: make_hypertables
-- The statements that make them anew on tables as pg_dump writes them, which know nothing of it.
SELECT format('SELECT public.create_hypertable(%L, public.by_range(%L, %L::interval), create_default_indexes => false);',
    format('%I.%I', hypertable_schema, hypertable_name), column_name, time_interval::text)
FROM timescaledb_information.dimensions
WHERE hypertable_schema = 'public' AND dimension_number = 1 AND time_interval IS NOT NULL
ORDER BY hypertable_name
