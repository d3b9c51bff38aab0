-- Roll-ups of readings: continuous aggregates, each made from the finer one, with the newest readings made on the spot.
-- n, lo, hi and total are of readings whose quality isn't bad; bad counts the others. A mean is total / n.
CREATE MATERIALIZED VIEW reading_1m WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT time_bucket(INTERVAL '1 minute', ts) AS bucket, device_id, metric_id,
        count(*) FILTER (WHERE quality < 2)::integer AS n, count(*) FILTER (WHERE quality = 2)::integer AS bad,
        min(value) FILTER (WHERE quality < 2) AS lo, max(value) FILTER (WHERE quality < 2) AS hi,
        coalesce(sum(value) FILTER (WHERE quality < 2), 0) AS total
    FROM reading GROUP BY 1, 2, 3
    WITH NO DATA;
CREATE MATERIALIZED VIEW reading_1h WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT time_bucket(INTERVAL '1 hour', bucket) AS bucket, device_id, metric_id,
        sum(n)::integer AS n, sum(bad)::integer AS bad, min(lo) AS lo, max(hi) AS hi, sum(total) AS total
    FROM reading_1m GROUP BY 1, 2, 3
    WITH NO DATA;
CREATE MATERIALIZED VIEW reading_1d WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
    SELECT time_bucket(INTERVAL '1 day', bucket) AS bucket, device_id, metric_id,
        sum(n)::integer AS n, sum(bad)::integer AS bad, min(lo) AS lo, max(hi) AS hi, sum(total) AS total
    FROM reading_1h GROUP BY 1, 2, 3
    WITH NO DATA;

-- What is old is compressed, one segment a signal of a device; how old, and what is dropped when, are settings
-- (store.policies).
ALTER TABLE reading SET (timescaledb.compress, timescaledb.compress_segmentby = 'device_id, metric_id',
    timescaledb.compress_orderby = 'ts');
ALTER MATERIALIZED VIEW reading_1m SET (timescaledb.compress, timescaledb.compress_segmentby = 'device_id, metric_id',
    timescaledb.compress_orderby = 'bucket');

-- Ingest calls it in the transaction of each batch; the aggregates find out by themselves what was written.
CREATE FUNCTION readings_written(devices integer[], lo bigint[], hi bigint[]) RETURNS void LANGUAGE sql AS '';

GRANT SELECT ON reading_1m, reading_1h, reading_1d TO steth_view;

-- What the API sees of roll-ups (DESIGN, tenancy). Ask by device_id and metric_id: they reach into each part.
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
