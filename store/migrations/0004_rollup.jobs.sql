-- Where no continuous aggregates are: what store.rollup needs to keep the roll-ups, and the views on them.

-- Per level (0: minutes from readings, 1: hours from minutes, 2: days from hours) the watermark, below which the table
-- holds every bucket, and since when what it is made from is whole: older ones are gone and nothing is made from them.
CREATE TABLE rollup (
    level smallint PRIMARY KEY CHECK (level BETWEEN 0 AND 2),
    watermark timestamptz NOT NULL DEFAULT 'epoch',
    whole_from timestamptz NOT NULL DEFAULT 'epoch'
);
INSERT INTO rollup (level) VALUES (0), (1), (2);

-- What is to be made, or made again: each transaction that writes readings says here which times it touched. A row is
-- deleted in the transaction, and so by the snapshot, that made the roll-ups of it: whatever commits late comes late,
-- but is never passed by (DELIVERY 19). device_id null: of all devices. From lo up to, not including, hi.
CREATE TABLE rollup_dirty (
    level smallint NOT NULL,
    device_id integer,
    lo timestamptz NOT NULL,
    hi timestamptz NOT NULL CHECK (hi > lo)
);
CREATE INDEX rollup_dirty_hi ON rollup_dirty (level, hi);

-- What stands in reading already. Up to a day from now, for an ingest that writes meanwhile and doesn't know the table.
INSERT INTO rollup_dirty (level, lo, hi)
SELECT 0, date_trunc('day', min(first.ts), 'UTC'), now() + INTERVAL '1 day'
FROM device d CROSS JOIN LATERAL (SELECT min(r.ts) AS ts FROM reading r WHERE r.device_id = d.id) AS first
HAVING min(first.ts) IS NOT NULL;

-- Ingest calls it in the transaction of each batch: columns of device (null: all), and times in seconds since 1970.
CREATE FUNCTION readings_written(devices integer[], lo bigint[], hi bigint[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO rollup_dirty (level, device_id, lo, hi)
    SELECT 0, u.device, to_timestamp(u.lo), to_timestamp(u.hi) FROM unnest(devices, lo, hi) AS u (device, lo, hi);
$$;
GRANT INSERT ON rollup_dirty TO steth_ingest;
GRANT SELECT ON rollup TO steth_ingest;

-- Materialised below the watermark, made on the spot above it.
CREATE VIEW whole_1m AS
    SELECT bucket, device_id, metric_id, n, bad, lo, hi, total FROM reading_1m
    WHERE bucket < (SELECT watermark FROM rollup WHERE level = 0)
    UNION ALL
    SELECT date_bin('1 minute', ts, 'epoch'), device_id, metric_id, count(*) FILTER (WHERE quality < 2)::integer,
        count(*) FILTER (WHERE quality = 2)::integer, min(value) FILTER (WHERE quality < 2),
        max(value) FILTER (WHERE quality < 2), coalesce(sum(value) FILTER (WHERE quality < 2), 0)
    FROM reading WHERE ts >= (SELECT watermark FROM rollup WHERE level = 0)
    GROUP BY 1, 2, 3;
CREATE VIEW whole_1h AS
    SELECT bucket, device_id, metric_id, n, bad, lo, hi, total FROM reading_1h
    WHERE bucket < (SELECT watermark FROM rollup WHERE level = 1)
    UNION ALL
    SELECT date_bin('1 hour', bucket, 'epoch'), device_id, metric_id, sum(n)::integer, sum(bad)::integer, min(lo),
        max(hi), sum(total)
    FROM whole_1m WHERE bucket >= (SELECT watermark FROM rollup WHERE level = 1)
    GROUP BY 1, 2, 3;
CREATE VIEW whole_1d AS
    SELECT bucket, device_id, metric_id, n, bad, lo, hi, total FROM reading_1d
    WHERE bucket < (SELECT watermark FROM rollup WHERE level = 2)
    UNION ALL
    SELECT date_bin('1 day', bucket, 'epoch'), device_id, metric_id, sum(n)::integer, sum(bad)::integer, min(lo),
        max(hi), sum(total)
    FROM whole_1h WHERE bucket >= (SELECT watermark FROM rollup WHERE level = 2)
    GROUP BY 1, 2, 3;
ALTER VIEW whole_1m OWNER TO steth_view;
ALTER VIEW whole_1h OWNER TO steth_view;
ALTER VIEW whole_1d OWNER TO steth_view;
GRANT SELECT ON rollup, reading_1m, reading_1h, reading_1d TO steth_view;

-- What the API sees of roll-ups (DESIGN, tenancy). Ask by device_id and metric_id: they reach into each part.
CREATE VIEW series_1m WITH (security_barrier) AS
    SELECT r.bucket, d.uid AS device, r.device_id, r.metric_id, m.name AS metric, m.unit, r.n, r.bad, r.lo, r.hi, r.total
    FROM whole_1m r JOIN device d ON d.id = r.device_id JOIN metric m ON m.id = r.metric_id;
CREATE VIEW series_1h WITH (security_barrier) AS
    SELECT r.bucket, d.uid AS device, r.device_id, r.metric_id, m.name AS metric, m.unit, r.n, r.bad, r.lo, r.hi, r.total
    FROM whole_1h r JOIN device d ON d.id = r.device_id JOIN metric m ON m.id = r.metric_id;
CREATE VIEW series_1d WITH (security_barrier) AS
    SELECT r.bucket, d.uid AS device, r.device_id, r.metric_id, m.name AS metric, m.unit, r.n, r.bad, r.lo, r.hi, r.total
    FROM whole_1d r JOIN device d ON d.id = r.device_id JOIN metric m ON m.id = r.metric_id;
ALTER VIEW series_1m OWNER TO steth_view;
ALTER VIEW series_1h OWNER TO steth_view;
ALTER VIEW series_1d OWNER TO steth_view;
GRANT SELECT ON series_1m, series_1h, series_1d TO steth_api;
