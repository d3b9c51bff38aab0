-- Range partitions by month, created ahead by store.partitions, outside ingest.
CREATE TABLE reading (
    ts timestamptz NOT NULL,
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    value double precision NOT NULL,
    quality smallint NOT NULL
) PARTITION BY RANGE (ts);
CREATE INDEX reading_device_ts ON reading (device_id, ts);
