-- The schema `public` by the catalogs: each statement gives one kind of thing, a text a thing, and all together are
-- compared as a set (store.schema.describe). With an empty search_path every name comes out qualified. Both sides of a
-- comparison are on one server, so how a version prints an expression doesn't matter. Left out: what belongs to an
-- extension, and the monthly partitions of `reading`, which come and go.

-- name: schemas
SELECT format('schema %s owner %s', nspname, pg_get_userbyid(nspowner))
FROM pg_namespace n
WHERE nspname !~ '^(pg_|information_schema$)'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')

-- name: extensions
SELECT format('extension %s', extname) FROM pg_extension WHERE extname <> 'plpgsql'

-- name: types
SELECT format('type %s %s owner %s %s%s%s', t.oid::regtype, t.typtype, pg_get_userbyid(t.typowner),
    coalesce((SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
        FROM pg_enum e WHERE e.enumtypid = t.oid), format_type(t.typbasetype, t.typtypmod)),
    CASE WHEN t.typnotnull THEN ' not null' END, ' default ' || t.typdefault)
FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typnamespace = 'public'::regnamespace AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')

-- name: functions
SELECT format(E'function owner %s\n%s', pg_get_userbyid(p.proowner), pg_get_functiondef(p.oid))
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.prokind <> 'a'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')

-- name: relations
SELECT format('%s %s owner %s persistence %s access %s tablespace %s identity %s rls %s%s options %s%s%s',
    CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
        WHEN 'S' THEN 'sequence' ELSE c.relkind::text END,
    c.oid::regclass, pg_get_userbyid(c.relowner), c.relpersistence,
    (SELECT amname FROM pg_am a WHERE a.oid = c.relam), c.reltablespace, c.relreplident, c.relrowsecurity,
    CASE WHEN c.relforcerowsecurity THEN ' forced' END,
    (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) AS o),
    (SELECT ' inherits ' || string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
        FROM pg_inherits i WHERE i.inhrelid = c.oid),
    CASE c.relkind WHEN 'p' THEN ' by ' || pg_get_partkeydef(c.oid)
        WHEN 'v' THEN E'\n' || pg_get_viewdef(c.oid) WHEN 'm' THEN E'\n' || pg_get_viewdef(c.oid) END)
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')

-- name: sequences
SELECT format('sequence %s %s start %s by %s in %s..%s cache %s%s of %s', s.seqrelid::regclass, s.seqtypid::regtype,
    s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN ' cycle' END,
    (SELECT pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.deptype IN ('a', 'i')
            AND d.refclassid = 'pg_class'::regclass))
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
WHERE c.relnamespace = 'public'::regnamespace

-- name: columns
-- By their order, without the gaps of dropped ones. Of options only PostgreSQL's own: distributions add others.
SELECT format('column %s %s.%I %s storage %s%s%s%s%s%s%s%s%s',
    row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), c.oid::regclass, a.attname,
    format_type(a.atttypid, a.atttypmod), a.attstorage,
    CASE WHEN a.attcompression <> '' THEN ' compression ' || a.attcompression::text END,
    CASE WHEN a.attstattarget >= 0 THEN ' statistics ' || a.attstattarget END,
    CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || a.attcollation::regcollation::text END,
    CASE WHEN a.attnotnull THEN ' not null' END,
    CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text END,
    CASE WHEN a.attgenerated <> '' THEN ' generated ' || a.attgenerated::text END,
    CASE WHEN d.adbin IS NOT NULL THEN ' default ' || pg_get_expr(d.adbin, d.adrelid) END,
    (SELECT ' options ' || string_agg(o, ', ' ORDER BY o) FROM unnest(a.attoptions) AS o WHERE o ~ '^n_distinct'))
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND NOT c.relispartition

-- name: constraints
-- Whether a column may be null is the column's: only newer servers name it.
SELECT format('constraint %I on %s: %s', n.conname, coalesce(c.oid::regclass::text, n.contypid::regtype::text),
    pg_get_constraintdef(n.oid))
FROM pg_constraint n LEFT JOIN pg_class c ON c.oid = n.conrelid
WHERE n.connamespace = 'public'::regnamespace AND n.contype <> 'n' AND c.relispartition IS NOT TRUE

-- name: indexes
SELECT format('%s%s%s%s', pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indisvalid THEN ' invalid' END,
    CASE WHEN i.indisclustered THEN ' clustered' END, CASE WHEN i.indisreplident THEN ' identity' END)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition

-- name: statistics
SELECT format('%s owner %s', pg_get_statisticsobjdef(s.oid), pg_get_userbyid(s.stxowner))
FROM pg_statistic_ext s WHERE s.stxnamespace = 'public'::regnamespace

-- name: triggers
-- Of those that enforce a foreign key only whether somebody switched them off.
SELECT CASE WHEN t.tgisinternal THEN format('trigger of %s', (SELECT conname FROM pg_constraint WHERE oid = t.tgconstraint))
    ELSE pg_get_triggerdef(t.oid) END || format(' on %s enabled %s', t.tgrelid::regclass, t.tgenabled)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND (NOT t.tgisinternal OR t.tgenabled <> 'O')

-- name: event_triggers
SELECT format('event trigger %s on %s by %s enabled %s owner %s', e.evtname, e.evtevent, e.evtfoid::regprocedure,
    e.evtenabled, pg_get_userbyid(e.evtowner))
FROM pg_event_trigger e
WHERE NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e')

-- name: rules
SELECT format('%s enabled %s', pg_get_ruledef(r.oid), r.ev_enabled)
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = 'public'::regnamespace AND r.rulename <> '_RETURN'

-- name: policies
SELECT format('policy %s on %s %s%s to %s using %s check %s', p.polname, p.polrelid::regclass, p.polcmd,
    CASE WHEN NOT p.polpermissive THEN ' restrictive' END,
    (SELECT string_agg(CASE WHEN r = 0 THEN 'public' ELSE pg_get_userbyid(r) END, ', '
        ORDER BY CASE WHEN r = 0 THEN 'public' ELSE pg_get_userbyid(r) END) FROM unnest(p.polroles) AS r),
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = 'public'::regnamespace

-- name: grants
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
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT c.relispartition
    UNION ALL
    SELECT format('%s.%I', c.oid::regclass, t.attname), t.attacl
        FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND t.attacl IS NOT NULL AND NOT t.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
    UNION ALL
    SELECT p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT t.oid::regtype::text, coalesce(t.typacl, acldefault('T', t.typowner))
        FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE t.typnamespace = 'public'::regnamespace AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
) AS o, aclexplode(o.acl) AS a
GROUP BY o.name, a.grantee, a.is_grantable

-- name: default_grants
SELECT format('by default of %s in %s on %s: %s', pg_get_userbyid(d.defaclrole),
    coalesce(n.nspname::text, 'every schema'), d.defaclobjtype, d.defaclacl)
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace

-- name: comments
SELECT format('comment on %s: %s', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description)
FROM pg_description d
WHERE (d.objoid >= 16384 OR d.objoid = 'public'::regnamespace) -- what a server is born with has lower numbers
    AND d.classoid <> 'pg_extension'::regclass
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')

-- name: others
-- That it is there, of each kind that nothing above describes.
SELECT format('other %s', pg_describe_object(o.class, o.id, 0))
FROM (
    SELECT DISTINCT d.classid AS class, d.objid AS id FROM pg_depend d
        LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
        WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'public'::regnamespace
            AND (p.prokind = 'a' OR d.classid NOT IN ('pg_class'::regclass, 'pg_constraint'::regclass,
                'pg_default_acl'::regclass, 'pg_extension'::regclass, 'pg_proc'::regclass, 'pg_statistic_ext'::regclass,
                'pg_type'::regclass))
    UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
    UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language
    UNION ALL SELECT 'pg_publication'::regclass, oid FROM pg_publication
    UNION ALL SELECT 'pg_publication_rel'::regclass, oid FROM pg_publication_rel
) AS o
WHERE o.id >= 16384
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.id AND d.deptype = 'e')
