-- What `steth jobs` does itself, and measures. As steth_jobs.

-- name: lead
SELECT pg_try_advisory_lock(%(lock)s);

-- name: lead_on
-- Whether the session that holds the lock is still there.
SELECT true;

-- name: lead_no_more
SELECT pg_advisory_unlock_all();

-- name: backlog
-- Columns in the order of backlog.py's, but for the last.
SELECT j.waiting, j.oldest, t.waiting, t.overdue,
    (SELECT count(*) FROM telling WHERE state = 'given-up' AND error <> 'telling.handed_over'
        AND next_at > now() - INTERVAL '1 day'),
    (SELECT count(*) FROM command WHERE status = 'waiting'),
    (SELECT count(*) FROM ticket WHERE evidence_frozen_at IS NULL),
    (SELECT coalesce(sum(count), 0) FROM dead_letter WHERE at > now() - INTERVAL '1 day'),
    (SELECT coalesce(extract(epoch FROM now() - max(at)), 0) FROM mark),
    l.unowned, l.behind
FROM (SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(at)), 0) AS oldest FROM to_judge) j,
    (SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(at)), 0) AS overdue
     FROM telling WHERE state = 'waiting') t,
    (SELECT count(*) FILTER (WHERE owner IS NULL OR NOT lease_holds(lease_until)) AS unowned,
            greatest(coalesce(extract(epoch FROM now() - min(lease_until)), 0), 0) AS behind
     FROM partition_lease) l;

-- name: fleet
-- Heard later than now: before the clock was put back, and not since.
WITH heard AS (
    SELECT s.heartbeat, coalesce(nullif(s.interval_s, 0), %(heartbeat_s)s) AS interval_s,
           greatest(s.seen_at, m.at) AS at
    FROM device d LEFT JOIN device_state s ON s.device_id = d.id AND s.lane = 0
    LEFT JOIN (SELECT device_id, max(at) AS at FROM mark GROUP BY device_id) m ON m.device_id = d.id
    WHERE d.status = 'active'
)
SELECT 'devices', CASE WHEN at IS NULL THEN 'never'
                       WHEN abs(extract(epoch FROM now() - at)) > %(beats)s * interval_s THEN 'late'
                       ELSE 'fresh' END AS label, count(*)
FROM heard GROUP BY label
UNION ALL
SELECT 'open_alerts', severity, count(*) FROM alert
WHERE condition <> 'ok' AND condition <> 'pending' GROUP BY severity
UNION ALL
SELECT 'open_tickets', status, count(*) FROM ticket WHERE status <> 'closed' GROUP BY status
UNION ALL
SELECT 'outbox_reports', lane, coalesce(sum((heartbeat ->> lane)::bigint), 0)
FROM heard CROSS JOIN (VALUES ('live'), ('bulk')) AS lanes (lane) GROUP BY lane;

-- name: note_job
INSERT INTO job AS j (name, ended_at, due_at, failing_since, failures, error)
VALUES (%(name)s, %(ended)s, %(due)s, %(since)s, %(failures)s, %(error)s)
ON CONFLICT (name) DO UPDATE SET ended_at = coalesce(excluded.ended_at, j.ended_at), due_at = excluded.due_at,
    failing_since = excluded.failing_since, failures = excluded.failures, error = excluded.error;

-- name: sweep_job
-- Of a version that knew other jobs.
DELETE FROM job WHERE name = ANY (ARRAY(SELECT name FROM job WHERE due_at < %(before)s LIMIT %(most)s));

-- name: changes_due
SELECT c.device_id, c.org_id, d.model FROM service_change c JOIN device d ON d.id = c.device_id
WHERE c.due_at <= to_timestamp(%(now_ms)s / 1000.0) ORDER BY c.due_at, c.device_id LIMIT %(most)s;
