-- Statements of the room store. `describe_*` give the schema `public` as one text column, a line or block an object, in a
-- fixed order; they run with an empty search_path, so that every name comes out qualified. Monthly partitions of
-- `reading` come and go and are left out.

-- name: is_partitioned
SELECT relkind = 'p' FROM pg_class WHERE oid = format('public.%%I', %s::text)::regclass

-- name: partitions_of
-- Ours by their name; a detached one is what a drop left that was interrupted.
SELECT c.relname, coalesce(i.inhparent IS NOT NULL, false) AS attached, coalesce(i.inhdetachpending, false) AS pending
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    AND i.inhparent = format('public.%%I', %(table)s::text)::regclass
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    AND c.relname ~ ('^' || %(table)s || '_[0-9]{4}_[0-9]{2}$')
ORDER BY c.relname

-- name: lock_partitions
-- One job at a time makes or drops partitions; freed at the end of the transaction.
SELECT pg_advisory_xact_lock(91638244460034)

-- name: drop_chunks
SELECT drop_chunks(format('public.%%I', %s::text)::regclass, older_than => %s::timestamptz)

-- name: keeps_rollups
-- Not where continuous aggregates do.
SELECT to_regclass('public.rollup') IS NOT NULL

-- name: begin_rollup
-- One job at a time. Limits of this transaction alone; every plan is for its own times, so that other parts are left out.
SELECT pg_try_advisory_xact_lock(91638244460035),
    set_config('statement_timeout', %(statement_ms)s, true), set_config('lock_timeout', '5000', true),
    set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: rollup_levels
SELECT level, extract(epoch FROM watermark)::bigint, extract(epoch FROM whole_from)::bigint FROM rollup ORDER BY level

-- name: take_head
-- What reaches beyond the watermark and begins in closed time.
DELETE FROM rollup_dirty WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM rollup_dirty
    WHERE level = %(level)s AND hi > to_timestamp(%(watermark)s) AND lo < to_timestamp(%(until)s)
    ORDER BY lo LIMIT %(most)s))
RETURNING device_id, floor(extract(epoch FROM lo))::bigint, ceil(extract(epoch FROM hi))::bigint

-- name: take_late
DELETE FROM rollup_dirty WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM rollup_dirty WHERE level = %(level)s AND hi <= to_timestamp(%(watermark)s)
    ORDER BY hi LIMIT %(most)s))
RETURNING device_id, floor(extract(epoch FROM lo))::bigint, ceil(extract(epoch FROM hi))::bigint

-- name: first_left
SELECT floor(extract(epoch FROM min(lo)))::bigint FROM rollup_dirty
WHERE level = %(level)s AND hi > to_timestamp(%(watermark)s)

-- name: put_dirty
INSERT INTO rollup_dirty (level, device_id, lo, hi)
SELECT %(level)s, u.device, to_timestamp(u.lo), to_timestamp(u.hi)
FROM unnest(%(devices)s::integer[], %(lo)s::bigint[], %(hi)s::bigint[]) AS u (device, lo, hi)

-- name: set_watermark
UPDATE rollup SET watermark = to_timestamp(%(watermark)s) WHERE level = %(level)s

-- name: note_dropped
-- Before anything is dropped: what lies before is no longer whole. Never beyond what is rolled up.
UPDATE rollup SET whole_from = greatest(whole_from, least(%(before)s, watermark,
    (SELECT date_trunc('day', min(d.lo), 'UTC') FROM rollup_dirty d WHERE d.level = rollup.level)))
WHERE level = %(level)s
RETURNING whole_from

-- name: make_0
-- Each device by itself: the index leads to its rows of the piece. first and last leave out other parts of the table.
INSERT INTO reading_1m (bucket, device_id, metric_id, n, bad, lo, hi, total)
SELECT s.bucket, p.device, s.metric_id, s.n, s.bad, s.lo, s.hi, s.total
FROM (
    SELECT device, lo, hi FROM unnest(%(devices)s::integer[], %(lo)s::bigint[], %(hi)s::bigint[]) AS u (device, lo, hi)
    WHERE device IS NOT NULL
    UNION ALL
    SELECT d.id, u.lo, u.hi FROM unnest(%(devices)s::integer[], %(lo)s::bigint[], %(hi)s::bigint[]) AS u (device, lo, hi)
    CROSS JOIN device d WHERE u.device IS NULL
) AS p
CROSS JOIN LATERAL (
    SELECT date_bin('1 minute', r.ts, 'epoch') AS bucket, r.metric_id, count(*) FILTER (WHERE r.quality < 2) AS n,
        count(*) FILTER (WHERE r.quality = 2) AS bad, min(r.value) FILTER (WHERE r.quality < 2) AS lo,
        max(r.value) FILTER (WHERE r.quality < 2) AS hi, coalesce(sum(r.value) FILTER (WHERE r.quality < 2), 0) AS total
    FROM reading r
    WHERE r.device_id = p.device AND r.ts >= to_timestamp(p.lo) AND r.ts < to_timestamp(p.hi)
        AND r.ts >= %(first)s AND r.ts < %(last)s
    GROUP BY 1, 2
) AS s
ON CONFLICT (device_id, bucket, metric_id) DO UPDATE
SET n = excluded.n, bad = excluded.bad, lo = excluded.lo, hi = excluded.hi, total = excluded.total
WHERE (reading_1m.n, reading_1m.bad, reading_1m.lo, reading_1m.hi, reading_1m.total)
    IS DISTINCT FROM (excluded.n, excluded.bad, excluded.lo, excluded.hi, excluded.total)

-- name: make_1
INSERT INTO reading_1h (bucket, device_id, metric_id, n, bad, lo, hi, total)
SELECT s.bucket, p.device, s.metric_id, s.n, s.bad, s.lo, s.hi, s.total
FROM (
    SELECT device, lo, hi FROM unnest(%(devices)s::integer[], %(lo)s::bigint[], %(hi)s::bigint[]) AS u (device, lo, hi)
    WHERE device IS NOT NULL
    UNION ALL
    SELECT d.id, u.lo, u.hi FROM unnest(%(devices)s::integer[], %(lo)s::bigint[], %(hi)s::bigint[]) AS u (device, lo, hi)
    CROSS JOIN device d WHERE u.device IS NULL
) AS p
CROSS JOIN LATERAL (
    SELECT date_bin('1 hour', r.bucket, 'epoch') AS bucket, r.metric_id, sum(r.n) AS n, sum(r.bad) AS bad,
        min(r.lo) AS lo, max(r.hi) AS hi, sum(r.total) AS total
    FROM reading_1m r
    WHERE r.device_id = p.device AND r.bucket >= to_timestamp(p.lo) AND r.bucket < to_timestamp(p.hi)
        AND r.bucket >= %(first)s AND r.bucket < %(last)s
    GROUP BY 1, 2
) AS s
ON CONFLICT (device_id, bucket, metric_id) DO UPDATE
SET n = excluded.n, bad = excluded.bad, lo = excluded.lo, hi = excluded.hi, total = excluded.total
WHERE (reading_1h.n, reading_1h.bad, reading_1h.lo, reading_1h.hi, reading_1h.total)
    IS DISTINCT FROM (excluded.n, excluded.bad, excluded.lo, excluded.hi, excluded.total)

-- name: make_2
INSERT INTO reading_1d (bucket, device_id, metric_id, n, bad, lo, hi, total)
SELECT s.bucket, p.device, s.metric_id, s.n, s.bad, s.lo, s.hi, s.total
FROM (
    SELECT device, lo, hi FROM unnest(%(devices)s::integer[], %(lo)s::bigint[], %(hi)s::bigint[]) AS u (device, lo, hi)
    WHERE device IS NOT NULL
    UNION ALL
    SELECT d.id, u.lo, u.hi FROM unnest(%(devices)s::integer[], %(lo)s::bigint[], %(hi)s::bigint[]) AS u (device, lo, hi)
    CROSS JOIN device d WHERE u.device IS NULL
) AS p
CROSS JOIN LATERAL (
    SELECT date_bin('1 day', r.bucket, 'epoch') AS bucket, r.metric_id, sum(r.n) AS n, sum(r.bad) AS bad,
        min(r.lo) AS lo, max(r.hi) AS hi, sum(r.total) AS total
    FROM reading_1h r
    WHERE r.device_id = p.device AND r.bucket >= to_timestamp(p.lo) AND r.bucket < to_timestamp(p.hi)
        AND r.bucket >= %(first)s AND r.bucket < %(last)s
    GROUP BY 1, 2
) AS s
ON CONFLICT (device_id, bucket, metric_id) DO UPDATE
SET n = excluded.n, bad = excluded.bad, lo = excluded.lo, hi = excluded.hi, total = excluded.total
WHERE (reading_1d.n, reading_1d.bad, reading_1d.lo, reading_1d.hi, reading_1d.total)
    IS DISTINCT FROM (excluded.n, excluded.bad, excluded.lo, excluded.hi, excluded.total)

-- name: policies
-- What the community edition's workers do, with its intervals.
SELECT hypertable_name::text, proc_name::text, (config->>'start_offset')::interval, (config->>'end_offset')::interval,
    (config->>'compress_after')::interval, (config->>'drop_after')::interval
FROM timescaledb_information.jobs WHERE hypertable_schema = 'public'

-- name: refresh
CALL refresh_continuous_aggregate(%(table)s::regclass, %(since)s::timestamptz, %(until)s::timestamptz)

-- name: leave_apache
-- What the community edition's files make anew goes, and what was kept stands aside. A view of others on series_* stops it.
-- Readings that came in where all others were dropped go too: nothing is to be made again from them.
SELECT drop_chunks('reading', older_than => whole_from) FROM rollup WHERE level = 0;
DROP VIEW series_1m, series_1h, series_1d, whole_1m, whole_1h, whole_1d;
DROP FUNCTION readings_written(integer[], bigint[], bigint[]);
DROP TABLE rollup_dirty;
ALTER TABLE reading_1m RENAME TO old_reading_1m;
ALTER TABLE reading_1h RENAME TO old_reading_1h;
ALTER TABLE reading_1d RENAME TO old_reading_1d;
ALTER TABLE rollup RENAME TO old_rollup;

-- name: is_moving
SELECT to_regclass('public.old_rollup') IS NOT NULL

-- name: moved_whole_from
SELECT whole_from FROM old_rollup WHERE level = 0

-- name: leave_apache_end
DROP TABLE old_reading_1m;
DROP TABLE old_reading_1h;
DROP TABLE old_reading_1d;
DROP TABLE old_rollup;

-- name: oldest_chunk
SELECT min(range_start) FROM timescaledb_information.chunks
WHERE hypertable_schema = 'public' AND hypertable_name = 'reading'

-- name: note_moved
UPDATE schema_version SET checksum = %(checksum)s, edition = %(edition)s WHERE version = %(version)s

-- name: aggregate_tables
SELECT view_name::text, materialization_hypertable_schema::text, materialization_hypertable_name::text
FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'public'

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

-- name: describe_aggregates
SELECT format(E'continuous aggregate %s on %s materialized only %s\n%s', view_name, hypertable_name, materialized_only,
    view_definition)
FROM timescaledb_information.continuous_aggregates
WHERE view_schema = 'public'
ORDER BY view_name

-- name: describe_compression
SELECT format('compressed %s by %s segment %s order %s %s', hypertable_name, attname, segmentby_column_index,
    orderby_column_index, orderby_asc)
FROM timescaledb_information.compression_settings
ORDER BY hypertable_name, segmentby_column_index, orderby_column_index

-- name: make_hypertables
-- The statements that make them anew on tables as pg_dump writes them, which know nothing of it.
SELECT format('SELECT public.create_hypertable(%L, public.by_range(%L, %L::interval), create_default_indexes => false);',
    format('%I.%I', d.hypertable_schema, d.hypertable_name), d.column_name, d.time_interval::text)
FROM timescaledb_information.dimensions d
WHERE d.hypertable_schema = 'public' AND d.dimension_number = 1 AND d.time_interval IS NOT NULL
    AND NOT EXISTS (SELECT FROM timescaledb_information.continuous_aggregates a
        WHERE a.view_schema = d.hypertable_schema AND a.view_name = d.hypertable_name)
UNION ALL
SELECT format('ALTER TABLE %s SET (timescaledb.compress, timescaledb.compress_segmentby = %L, timescaledb.compress_orderby = %L);',
    s.hypertable, s.segmentby, s.orderby)
FROM timescaledb_information.hypertable_compression_settings s
WHERE s.segmentby IS NOT NULL AND s.hypertable::text NOT LIKE '\_timescaledb\_internal.%'
ORDER BY 1 DESC

-- name: make_aggregates
-- Of each its statements, in the order in which one is made from another.
SELECT a.view_name::text, unnest(ARRAY[
    format(E'SET ROLE %I;\nCREATE MATERIALIZED VIEW %I.%I WITH (timescaledb.continuous, timescaledb.materialized_only = %s) AS\n%s\n    WITH NO DATA;',
        a.view_owner, a.view_schema, a.view_name, a.materialized_only, rtrim(a.view_definition, ';')),
    (SELECT format('ALTER MATERIALIZED VIEW %I.%I SET (timescaledb.compress, timescaledb.compress_segmentby = %L, timescaledb.compress_orderby = %L);',
        a.view_schema, a.view_name, s.segmentby, s.orderby)
        FROM timescaledb_information.hypertable_compression_settings s
        WHERE s.segmentby IS NOT NULL
            AND s.hypertable = format('%I.%I', a.materialization_hypertable_schema, a.materialization_hypertable_name)::regclass),
    'RESET ROLE;'])
FROM timescaledb_information.continuous_aggregates a
WHERE a.view_schema = 'public'
ORDER BY a.materialization_hypertable_name
