-- A signal over time.

-- name: metrics_named
SELECT id, unit FROM seen_metric WHERE name = %(name)s

-- name: series_readings
SELECT floor(extract(epoch FROM ts) * 1000)::bigint AS t, v AS lo, v AS avg, v AS hi,
       (quality <> %(bad)s)::integer AS n, (quality = %(bad)s)::integer AS bad
FROM (SELECT ts, quality, CASE WHEN quality <> %(bad)s THEN value END AS v FROM device_reading
      WHERE device_id = %(device)s AND metric_id = ANY(%(metrics)s) AND ts >= %(from)s AND ts < %(to)s) r
ORDER BY ts LIMIT %(limit)s

-- name: series_raw
SELECT (extract(epoch FROM date_bin(%(width)s, ts, 'epoch')) * 1000)::bigint AS t,
       min(value) FILTER (WHERE quality <> %(bad)s) AS lo, avg(value) FILTER (WHERE quality <> %(bad)s) AS avg,
       max(value) FILTER (WHERE quality <> %(bad)s) AS hi,
       count(*) FILTER (WHERE quality <> %(bad)s) AS n, count(*) FILTER (WHERE quality = %(bad)s) AS bad
FROM device_reading
WHERE device_id = %(device)s AND metric_id = ANY(%(metrics)s) AND ts >= %(from)s AND ts < %(to)s
GROUP BY 1 ORDER BY 1

-- name: series_1m
SELECT (extract(epoch FROM date_bin(%(width)s, bucket, 'epoch')) * 1000)::bigint AS t,
       min(lo) AS lo, sum(total) / nullif(sum(n), 0) AS avg, max(hi) AS hi, sum(n) AS n, sum(bad) AS bad
FROM series_1m
WHERE device_id = %(device)s AND metric_id = ANY(%(metrics)s) AND bucket >= %(from)s AND bucket < %(to)s
GROUP BY 1 ORDER BY 1

-- name: series_1h
SELECT (extract(epoch FROM date_bin(%(width)s, bucket, 'epoch')) * 1000)::bigint AS t,
       min(lo) AS lo, sum(total) / nullif(sum(n), 0) AS avg, max(hi) AS hi, sum(n) AS n, sum(bad) AS bad
FROM series_1h
WHERE device_id = %(device)s AND metric_id = ANY(%(metrics)s) AND bucket >= %(from)s AND bucket < %(to)s
GROUP BY 1 ORDER BY 1

-- name: series_1d
SELECT (extract(epoch FROM date_bin(%(width)s, bucket, 'epoch')) * 1000)::bigint AS t,
       min(lo) AS lo, sum(total) / nullif(sum(n), 0) AS avg, max(hi) AS hi, sum(n) AS n, sum(bad) AS bad
FROM series_1d
WHERE device_id = %(device)s AND metric_id = ANY(%(metrics)s) AND bucket >= %(from)s AND bucket < %(to)s
GROUP BY 1 ORDER BY 1

-- name: series_marks
SELECT a.id, a.kind, a.subject, a.severity, a.condition, a.occurred_at, a.cleared_at, a.message, a.params, d.model,
       d.time_zone
FROM alert a JOIN shown_device d ON d.id = a.device_id
WHERE a.device_id = %(device)s AND a.occurred_at < %(to)s AND (a.cleared_at IS NULL OR a.cleared_at >= %(from)s)
  AND a.condition <> 'pending'
ORDER BY a.occurred_at DESC, a.id DESC LIMIT %(limit)s
