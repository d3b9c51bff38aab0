-- Roll-ups of readings: hypertables, their chunks dropped by age. The Apache edition has no continuous aggregates.
-- n, lo, hi and total are of readings whose quality isn't bad; bad counts the others. A mean is total / n.
CREATE TABLE reading_1m (
    bucket timestamptz NOT NULL,
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    lo double precision,
    hi double precision,
    total double precision NOT NULL,
    PRIMARY KEY (device_id, bucket, metric_id)
);
CREATE TABLE reading_1h (
    bucket timestamptz NOT NULL,
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    lo double precision,
    hi double precision,
    total double precision NOT NULL,
    PRIMARY KEY (device_id, bucket, metric_id)
);
CREATE TABLE reading_1d (
    bucket timestamptz NOT NULL,
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    lo double precision,
    hi double precision,
    total double precision NOT NULL,
    PRIMARY KEY (device_id, bucket, metric_id)
);
SELECT create_hypertable('reading_1m', by_range('bucket', INTERVAL '7 days'), create_default_indexes => false);
SELECT create_hypertable('reading_1h', by_range('bucket', INTERVAL '90 days'), create_default_indexes => false);
SELECT create_hypertable('reading_1d', by_range('bucket', INTERVAL '730 days'), create_default_indexes => false);
