-- A hypertable of one-day chunks. Its own index is ours: (device, time) serves evidence and charts alike.
CREATE TABLE reading (
    ts timestamptz NOT NULL,
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    value double precision NOT NULL,
    quality smallint NOT NULL
);
SELECT create_hypertable('reading', by_range('ts', INTERVAL '1 day'), create_default_indexes => false);
CREATE INDEX reading_device_ts ON reading (device_id, ts);
