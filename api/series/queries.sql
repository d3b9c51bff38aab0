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
-- The alerts that were ever raised. `again`: when one that was about to end came back.
SELECT a.id, a.rule, a.kind, a.subject, a.severity, a.condition, a.occurred_at, a.cleared_at, a.count, a.message, a.params,
       raised.again
FROM alert a
CROSS JOIN LATERAL (
    SELECT count(*) AS times,
           coalesce(array_agg(e.at ORDER BY e.at) FILTER (WHERE e.from_state = 'clearing' AND e.at < %(to)s), '{}') AS again
    FROM seen_alert_event e WHERE e.alert_id = a.id AND e.to_state = 'active'
) raised
WHERE a.device_id = %(device)s AND a.occurred_at < %(to)s AND (a.cleared_at IS NULL OR a.cleared_at >= %(from)s)
  AND a.condition <> 'pending' AND (raised.times > 0 OR a.condition = 'active')
ORDER BY a.occurred_at DESC, a.id DESC LIMIT %(limit)s

-- name: series_unheard
-- When the device wasn't heard, its equipment wasn't reached, and from when to when what was measured is lost.
SELECT a.kind, a.occurred_at AS begins, a.cleared_at AS ends FROM alert a
WHERE a.device_id = %(device)s AND a.kind IN ('silence', 'connection') AND a.condition <> 'pending'
  AND a.occurred_at < %(to)s AND (a.cleared_at IS NULL OR a.cleared_at >= %(from)s)
UNION ALL
SELECT 'lost', g.since, g.at FROM device_gap g
WHERE g.device_id = %(device)s AND g.since < %(to)s AND g.at >= %(from)s
ORDER BY begins DESC LIMIT %(limit)s

-- name: timeline_events
-- Of what a device told, the newest; before the range too, to know what was so when it begins.
SELECT at, kind, body FROM seen_device_event
WHERE device_id = %(device)s AND at >= %(before)s AND at < %(to)s
  AND kind IN ('fault', 'state', 'birth', 'clock', 'inventory', 'dropped', 'skipped')
ORDER BY at DESC, id DESC LIMIT %(limit)s

-- name: timeline_tickets
SELECT number, family, severity, opened_at, closed_at FROM ticket
WHERE device_id = %(device)s AND opened_at < %(to)s AND (closed_at IS NULL OR closed_at >= %(from)s)
ORDER BY id DESC LIMIT %(limit)s

-- name: timeline_work
-- What people did at a device, as its tickets have it: of each ticket the last.
SELECT e.at, e.event, e.message, e.params, t.number
FROM (SELECT id, number FROM ticket
      WHERE device_id = %(device)s AND opened_at < %(to)s AND (closed_at IS NULL OR closed_at >= %(from)s)
      ORDER BY id DESC LIMIT %(limit)s) t
CROSS JOIN LATERAL (
    SELECT id, at, event, message, params FROM seen_ticket_event
    WHERE ticket_id = t.id AND at >= %(from)s AND at < %(to)s AND event = ANY(%(events)s) ORDER BY id DESC LIMIT 20
) e
ORDER BY e.at DESC, e.id DESC LIMIT %(limit)s
