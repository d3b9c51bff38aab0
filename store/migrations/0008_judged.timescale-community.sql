-- A continuous aggregate can't be changed, so new ones take the place of those whose refresh one impossible value stops.
-- Where anything is rolled up, the old ones stand aside until `steth migrate` has made the new ones from the readings and
-- carried over what is older, as after a move from the Apache edition (store.move).
DROP VIEW series_1m, series_1h, series_1d;
DO $$
DECLARE
    kept interval := (SELECT (config ->> 'drop_after')::interval FROM timescaledb_information.jobs
        WHERE hypertable_schema = 'public' AND hypertable_name = 'reading' AND proc_name = 'policy_retention');
    whole timestamptz := (SELECT min(range_start) FROM timescaledb_information.chunks
        WHERE hypertable_schema = 'public' AND hypertable_name = 'reading');
    name text;
BEGIN
    IF to_regclass('public.old_rollup') IS NOT NULL
        OR NOT (EXISTS (SELECT FROM reading) OR EXISTS (SELECT FROM reading_1d)) THEN
        DROP MATERIALIZED VIEW reading_1d;
        DROP MATERIALIZED VIEW reading_1h;
        DROP MATERIALIZED VIEW reading_1m;
        RETURN;
    END IF;
    -- Readings that came in where all others were dropped: nothing is to be made again from them.
    whole := greatest(coalesce(whole, now()), date_trunc('day', now() - kept, 'UTC'));
    PERFORM drop_chunks('reading', older_than => whole);
    CREATE TABLE old_rollup AS SELECT 0::smallint AS level, whole AS whole_from;
    FOREACH name IN ARRAY ARRAY['reading_1m', 'reading_1h', 'reading_1d'] LOOP
        PERFORM remove_continuous_aggregate_policy(name, if_exists => true);
        PERFORM remove_retention_policy(name, if_exists => true);
        EXECUTE format('ALTER MATERIALIZED VIEW %I SET (timescaledb.materialized_only = true)', name);
        EXECUTE format('ALTER MATERIALIZED VIEW %I RENAME TO %I', name, 'old_' || name);
    END LOOP;
    PERFORM remove_compression_policy('old_reading_1m', if_exists => true);
END
$$;

CREATE MATERIALIZED VIEW reading_1m WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT time_bucket(INTERVAL '1 minute', ts) AS bucket, device_id, metric_id,
        count(*) FILTER (WHERE quality < 2 AND abs(value) < 1e100)::integer AS n,
        count(*) FILTER (WHERE quality >= 2 OR NOT abs(value) < 1e100)::integer AS bad,
        min(value) FILTER (WHERE quality < 2 AND abs(value) < 1e100) AS lo,
        max(value) FILTER (WHERE quality < 2 AND abs(value) < 1e100) AS hi,
        coalesce(sum(value) FILTER (WHERE quality < 2 AND abs(value) < 1e100), 0) AS total
    FROM reading GROUP BY 1, 2, 3
    WITH NO DATA;
CREATE MATERIALIZED VIEW reading_1h WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT time_bucket(INTERVAL '1 hour', bucket) AS bucket, device_id, metric_id,
        least(sum(n), 2147483647)::integer AS n, least(sum(bad), 2147483647)::integer AS bad,
        min(lo) AS lo, max(hi) AS hi, sum(total) AS total
    FROM reading_1m GROUP BY 1, 2, 3
    WITH NO DATA;
CREATE MATERIALIZED VIEW reading_1d WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT time_bucket(INTERVAL '1 day', bucket) AS bucket, device_id, metric_id,
        least(sum(n), 2147483647)::integer AS n, least(sum(bad), 2147483647)::integer AS bad,
        min(lo) AS lo, max(hi) AS hi, sum(total) AS total
    FROM reading_1h GROUP BY 1, 2, 3
    WITH NO DATA;
ALTER MATERIALIZED VIEW reading_1m SET (timescaledb.compress, timescaledb.compress_segmentby = 'device_id, metric_id',
    timescaledb.compress_orderby = 'bucket');
GRANT SELECT ON reading_1m, reading_1h, reading_1d TO steth_view;

CREATE VIEW series_1m WITH (security_barrier) AS
    SELECT r.bucket, d.uid AS device, r.device_id, r.metric_id, m.name AS metric, m.unit, r.n, r.bad, r.lo, r.hi, r.total
    FROM reading_1m r JOIN device d ON d.id = r.device_id JOIN metric m ON m.id = r.metric_id;
CREATE VIEW series_1h WITH (security_barrier) AS
    SELECT r.bucket, d.uid AS device, r.device_id, r.metric_id, m.name AS metric, m.unit, r.n, r.bad, r.lo, r.hi, r.total
    FROM reading_1h r JOIN device d ON d.id = r.device_id JOIN metric m ON m.id = r.metric_id;
CREATE VIEW series_1d WITH (security_barrier) AS
    SELECT r.bucket, d.uid AS device, r.device_id, r.metric_id, m.name AS metric, m.unit, r.n, r.bad, r.lo, r.hi, r.total
    FROM reading_1d r JOIN device d ON d.id = r.device_id JOIN metric m ON m.id = r.metric_id;
ALTER VIEW series_1m OWNER TO steth_view;
ALTER VIEW series_1h OWNER TO steth_view;
ALTER VIEW series_1d OWNER TO steth_view;
GRANT SELECT ON series_1m, series_1h, series_1d TO steth_api;
