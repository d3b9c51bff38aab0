-- Statements of the room store.

-- name: is_partitioned
SELECT relkind = 'p' FROM pg_class WHERE oid = format('public.%%I', %s::text)::regclass

-- name: partitions_of
-- Ours by their name; a detached one is what a drop of the former version left that was interrupted.
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname ~ ('^' || %s || '_[0-9]{4}_[0-9]{2}$')
ORDER BY relname

-- name: lock_partitions
-- One job at a time makes or drops partitions; freed at the end of the transaction.
SELECT pg_advisory_xact_lock(91638244460034)

-- name: chunks_before
SELECT format('%%I.%%I', chunk_schema, chunk_name), range_start FROM timescaledb_information.chunks
WHERE hypertable_schema = 'public' AND hypertable_name = %s AND range_end <= %s ORDER BY range_start

-- name: make_piece
SELECT make_piece(%s, %s)

-- name: drop_piece
-- Not waited for long: whoever comes after waits behind it.
SELECT drop_piece(%s, %s) FROM set_config('lock_timeout', '100', true)

-- name: see
-- With whose eyes this transaction looks.
SELECT set_config('steth.org', %s, true)

-- name: schema_version
SELECT max(version) FROM schema_version

-- name: settle
SELECT settle_installation(%s)

-- name: horizon
SELECT row_horizon()::text::bigint

-- name: note_keeping
-- What differs from what is noted.
UPDATE keeping k SET days = n.days FROM unnest(%s::text[], %s::integer[]) AS n (what, days)
WHERE k.what = n.what AND k.days <> n.days

-- name: keeping
SELECT what, days FROM keeping

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

-- name: take_aside
-- Further ahead than a day: from before the clock was put right.
DELETE FROM rollup_aside WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM rollup_aside
    WHERE level = %(level)s AND (next_at <= %(now)s OR next_at > %(now)s + INTERVAL '1 day')
    ORDER BY next_at LIMIT %(most)s))
RETURNING device_id, extract(epoch FROM lo)::bigint, attempts, since

-- name: put_aside
-- Tried again after a minute, then after twice as long each time, at last once a day.
INSERT INTO rollup_aside AS a (level, device_id, lo, error, attempts, since, next_at)
VALUES (%(level)s, %(device)s, to_timestamp(%(lo)s), %(error)s, %(attempts)s, %(since)s,
    %(now)s + least(INTERVAL '1 minute' * 2 ^ (least(%(attempts)s, 12) - 1), INTERVAL '1 day'))
ON CONFLICT (level, device_id, lo) DO UPDATE SET error = excluded.error

-- name: all_devices
SELECT id FROM device ORDER BY id

-- name: set_watermark
UPDATE rollup SET watermark = to_timestamp(%(watermark)s) WHERE level = %(level)s

-- name: note_dropped
SELECT note_dropped(%(level)s, %(before)s)

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
    SELECT date_bin('1 minute', r.ts, 'epoch') AS bucket, r.metric_id,
        count(*) FILTER (WHERE r.quality < 2 AND adds_up(r.value)) AS n,
        count(*) FILTER (WHERE r.quality >= 2 OR NOT adds_up(r.value)) AS bad,
        min(r.value) FILTER (WHERE r.quality < 2 AND adds_up(r.value)) AS lo,
        max(r.value) FILTER (WHERE r.quality < 2 AND adds_up(r.value)) AS hi,
        coalesce(sum(r.value) FILTER (WHERE r.quality < 2 AND adds_up(r.value)), 0) AS total
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
    SELECT date_bin('1 hour', r.bucket, 'epoch') AS bucket, r.metric_id, least(sum(r.n), 2147483647) AS n,
        least(sum(r.bad), 2147483647) AS bad, min(r.lo) AS lo, max(r.hi) AS hi, sum(r.total) AS total
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
    SELECT date_bin('1 day', r.bucket, 'epoch') AS bucket, r.metric_id, least(sum(r.n), 2147483647) AS n,
        least(sum(r.bad), 2147483647) AS bad, min(r.lo) AS lo, max(r.hi) AS hi, sum(r.total) AS total
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

-- name: policies_failing
SELECT j.hypertable_name::text, j.proc_name::text
FROM timescaledb_information.job_stats s JOIN timescaledb_information.jobs j USING (job_id)
WHERE j.hypertable_schema = 'public' AND s.last_run_status = 'Failed' ORDER BY 1, 2

-- name: refresh
CALL refresh_continuous_aggregate(%(table)s::regclass, %(since)s::timestamptz, %(until)s::timestamptz)

-- name: leave_apache
-- What the community edition's files make anew goes, and what was kept stands aside. A view of others on series_* stops it.
-- Readings that came in where all others were dropped go too: nothing is to be made again from them.
SELECT drop_chunks('reading', older_than => whole_from) FROM rollup WHERE level = 0;
DROP FUNCTION drop_piece(text, timestamptz);
DROP FUNCTION note_dropped(integer, timestamptz);
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

-- name: forget_old
-- Tables of our job's, or aggregates that a migration made anew.
DO $$
DECLARE
    name text;
    kind text;
BEGIN
    FOREACH name IN ARRAY ARRAY['old_reading_1d', 'old_reading_1h', 'old_reading_1m'] LOOP
        kind := CASE WHEN EXISTS (SELECT FROM timescaledb_information.continuous_aggregates a
            WHERE a.view_schema = 'public' AND a.view_name = name) THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END;
        EXECUTE format('DROP %s %I', kind, name);
    END LOOP;
    DROP TABLE old_rollup;
END
$$

-- name: oldest_chunk
SELECT min(range_start) FROM timescaledb_information.chunks
WHERE hypertable_schema = 'public' AND hypertable_name = 'reading'

-- name: note_moved
UPDATE schema_version SET checksum = %(checksum)s, edition = %(edition)s WHERE version = %(version)s

-- name: aggregate_tables
SELECT view_name::text, materialization_hypertable_schema::text, materialization_hypertable_name::text
FROM timescaledb_information.continuous_aggregates WHERE view_schema = 'public' AND view_name NOT LIKE 'old\_%'

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
