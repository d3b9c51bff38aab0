-- What the live stream reads.

-- name: custom_plans
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: stream_boundary
-- Below it every transaction has ended, and none of them can appear any more (delivery 19).
SELECT b.xid::text::bigint AS xid,
       extract(epoch FROM clock_timestamp() - least(
           (SELECT min(a.learned_at) FROM alert_event a WHERE a.xid >= b.xid),
           (SELECT min(t.at) FROM ticket_event t WHERE t.xid >= b.xid)))::double precision AS held_s,
       (SELECT i.xid_from FROM installation i) AS begins
FROM (SELECT row_horizon() AS xid) b

-- name: stream_alert_events
SELECT xid::text::bigint AS xid, id, alert_id AS subject FROM alert_event
WHERE (xid, id) > (%(xid)s::text::xid8, %(row)s::bigint) AND xid < %(boundary)s::text::xid8 AND alert_id IS NOT NULL
ORDER BY alert_event.xid, id LIMIT %(limit)s

-- name: stream_ticket_events
SELECT xid::text::bigint AS xid, id, ticket_id AS subject FROM ticket_event
WHERE (xid, id) > (%(xid)s::text::xid8, %(row)s::bigint) AND xid < %(boundary)s::text::xid8
ORDER BY ticket_event.xid, id LIMIT %(limit)s

-- name: stream_concerned
-- Whom these alerts or tickets may concern; what each of them sees of it, the policies say.
SELECT DISTINCT unnest(seen_by(x.org_id, x.dealer_id) || d.dealer_id) AS org
FROM (
    SELECT a.org_id, a.dealer_id, a.device_id FROM alert a WHERE a.id = ANY(%(alerts)s::uuid[])
    UNION ALL
    SELECT t.org_id, t.dealer_id, t.device_id FROM ticket t WHERE t.id = ANY(%(tickets)s::bigint[])
) x JOIN device d ON d.id = x.device_id

-- name: see_as
SELECT set_config('steth.org', %(org)s::text, true)

-- name: stream_devices
-- Columns in the order of api.feed.facts.look.
SELECT d.id, d.uid, seen_by(d.org_id, d.dealer_id) AS viewers, live.connected, live.interval_s, live.equipment_connected,
       greatest(live.seen_at, heard.at) AS last_seen,
       coalesce(worst.open_alerts, 0) AS open_alerts, worst.severity, worst.since, worst.doubted_since,
       coalesce(work.open_tickets, 0) AS open_tickets, lost.at AS lost_at
FROM device d
LEFT JOIN device_state live ON live.device_id = d.id AND live.lane = 0
LEFT JOIN (SELECT device_id, max(at) AS at FROM device_mark GROUP BY device_id) heard ON heard.device_id = d.id
LEFT JOIN (
    SELECT a.device_id, count(*) AS open_alerts,
           (array_agg(a.severity ORDER BY severity_rank(a.severity), a.occurred_at)
               FILTER (WHERE a.kind IN ('fault', 'limit')))[1] AS severity,
           (array_agg(a.occurred_at ORDER BY severity_rank(a.severity), a.occurred_at)
               FILTER (WHERE a.kind IN ('fault', 'limit')))[1] AS since,
           min(a.occurred_at) FILTER (
               WHERE a.kind NOT IN ('fault', 'limit') OR a.condition = 'unconfirmed'
           ) AS doubted_since
    FROM alert a WHERE a.condition <> 'ok' AND a.condition <> 'pending' GROUP BY a.device_id
) worst ON worst.device_id = d.id
LEFT JOIN (
    SELECT t.device_id, count(*) AS open_tickets FROM ticket t WHERE t.status <> 'closed' GROUP BY t.device_id
) work ON work.device_id = d.id
LEFT JOIN (
    SELECT r.device_id, max(r.last) AS at FROM device_refusal r
    WHERE r.kind = 'refused' AND r.last > %(lost_from)s
      AND split_part(r.reason, ':', 1) <> ALL(%(kept)s) AND r.reason NOT LIKE '%%:time'
    GROUP BY r.device_id
) lost ON lost.device_id = d.id
WHERE d.status = 'active'

-- name: stream_partitions
SELECT id, owned, clock_ms FROM ingest_partition

-- name: stream_newest_mark
SELECT max(at) AS at FROM device_mark

-- name: stream_tokens
-- With the organisation that each sees by now.
SELECT t.id, a.org_id FROM api_token t JOIN account a ON a.id = t.account_id
WHERE t.id = ANY(%(ids)s) AND t.revoked_at IS NULL AND a.active
  AND (t.expires_at IS NULL OR t.expires_at > %(now)s AND t.created_at < %(now)s + INTERVAL '1 day')
