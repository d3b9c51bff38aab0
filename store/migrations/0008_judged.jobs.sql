-- Roll-ups hold only what adds up. Those that don't are made again, where what they are made from is still there.
INSERT INTO rollup_dirty (level, device_id, lo, hi)
SELECT 0, device_id, bucket, bucket + INTERVAL '1 minute' FROM reading_1m WHERE NOT (adds_up(lo) AND adds_up(hi))
UNION ALL
SELECT 1, device_id, bucket, bucket + INTERVAL '1 hour' FROM reading_1h WHERE NOT (adds_up(lo) AND adds_up(hi))
UNION ALL
SELECT 2, device_id, bucket, bucket + INTERVAL '1 day' FROM reading_1d WHERE NOT (adds_up(lo) AND adds_up(hi));
UPDATE reading_1m SET n = 0, bad = least(n::bigint + bad, 2147483647), lo = NULL, hi = NULL, total = 0 WHERE NOT (adds_up(lo) AND adds_up(hi));
UPDATE reading_1h SET n = 0, bad = least(n::bigint + bad, 2147483647), lo = NULL, hi = NULL, total = 0 WHERE NOT (adds_up(lo) AND adds_up(hi));
UPDATE reading_1d SET n = 0, bad = least(n::bigint + bad, 2147483647), lo = NULL, hi = NULL, total = 0 WHERE NOT (adds_up(lo) AND adds_up(hi));

CREATE OR REPLACE VIEW whole_1m AS
    SELECT bucket, device_id, metric_id, n, bad, lo, hi, total FROM reading_1m
    WHERE bucket < (SELECT watermark FROM rollup WHERE level = 0)
    UNION ALL
    SELECT date_bin('1 minute', ts, 'epoch'), device_id, metric_id,
        count(*) FILTER (WHERE quality < 2 AND adds_up(value))::integer,
        count(*) FILTER (WHERE quality >= 2 OR NOT adds_up(value))::integer,
        min(value) FILTER (WHERE quality < 2 AND adds_up(value)),
        max(value) FILTER (WHERE quality < 2 AND adds_up(value)),
        coalesce(sum(value) FILTER (WHERE quality < 2 AND adds_up(value)), 0)
    FROM reading WHERE ts >= (SELECT watermark FROM rollup WHERE level = 0)
    GROUP BY 1, 2, 3;
CREATE OR REPLACE VIEW whole_1h AS
    SELECT bucket, device_id, metric_id, n, bad, lo, hi, total FROM reading_1h
    WHERE bucket < (SELECT watermark FROM rollup WHERE level = 1)
    UNION ALL
    SELECT date_bin('1 hour', bucket, 'epoch'), device_id, metric_id, least(sum(n), 2147483647)::integer,
        least(sum(bad), 2147483647)::integer, min(lo), max(hi), sum(total)
    FROM whole_1m WHERE bucket >= (SELECT watermark FROM rollup WHERE level = 1)
    GROUP BY 1, 2, 3;
CREATE OR REPLACE VIEW whole_1d AS
    SELECT bucket, device_id, metric_id, n, bad, lo, hi, total FROM reading_1d
    WHERE bucket < (SELECT watermark FROM rollup WHERE level = 2)
    UNION ALL
    SELECT date_bin('1 day', bucket, 'epoch'), device_id, metric_id, least(sum(n), 2147483647)::integer,
        least(sum(bad), 2147483647)::integer, min(lo), max(hi), sum(total)
    FROM whole_1h WHERE bucket >= (SELECT watermark FROM rollup WHERE level = 2)
    GROUP BY 1, 2, 3;
