-- Roll-ups of readings: range partitions by month, created ahead by store.partitions and dropped by age, as reading's.
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
) PARTITION BY RANGE (bucket);
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
) PARTITION BY RANGE (bucket);
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
