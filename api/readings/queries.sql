-- What a device measured and told.

-- name: device_readings
SELECT ts, metric_id, metric, unit, value, quality FROM device_reading
WHERE device_id = %(device)s AND ts >= %(from)s AND ts < %(to)s
  AND (%(metric)s::text IS NULL OR metric = %(metric)s)
  AND (ts > %(from)s OR metric_id >= %(from_metric)s::bigint)
ORDER BY ts, metric_id, value, quality
OFFSET %(skip)s LIMIT %(limit)s

-- name: device_events
SELECT id, at, learned_at, kind, body FROM seen_device_event
WHERE device_id = %(device)s AND at >= %(from)s AND at < %(to)s
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(after_at)s::timestamptz IS NULL OR (at, id) > (%(after_at)s, %(after_id)s))
ORDER BY at, id LIMIT %(limit)s
