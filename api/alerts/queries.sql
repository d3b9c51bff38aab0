-- Alerts as they are read; what people do with them is in alerts/.

-- name: alerts
SELECT a.id, d.uid, d.name AS device_name, d.model, d.time_zone, a.rule, a.kind, a.subject, a.family, a.severity, a.condition,
       a.occurred_at, a.learned_at, a.changed_at, a.cleared_at, a.count, a.message, a.params, a.org_id, a.device_id,
       coalesce(o.state, 'unacknowledged') AS operator_state, o.actor, o.note, o.at AS operator_at,
       coalesce(o.version, 0) AS version,
       sees(a.org_id, a.dealer_id) AND d.served AS own,
       (SELECT array_agg(t.number ORDER BY t.id) FROM ticket_alert ta JOIN ticket t ON t.id = ta.ticket_id
        WHERE ta.alert_id = a.id) AS tickets
FROM alert a
JOIN shown_device d ON d.id = a.device_id
LEFT JOIN alert_operator o ON o.alert_id = a.id
WHERE (%(ids)s::uuid[] IS NULL OR a.id = ANY(%(ids)s))
  AND (%(device)s::text IS NULL OR d.uid = %(device)s)
  AND (%(severity)s::text IS NULL OR a.severity = %(severity)s)
  AND (%(hospital)s::integer IS NULL OR a.org_id = %(hospital)s)
  AND (%(dealer)s::integer IS NULL OR a.dealer_id = %(dealer)s)
  AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
  AND (%(conditions)s::text[] IS NULL OR a.condition = ANY(%(conditions)s))
  AND (%(watched)s::text[] IS NULL OR a.condition <> 'ok' OR a.message <> ALL(%(watched)s))
  AND (%(operator)s::text IS NULL OR coalesce(o.state, 'unacknowledged') = %(operator)s)
  AND (%(before_at)s::timestamptz IS NULL OR (a.occurred_at, a.id) < (%(before_at)s, %(before_id)s))
ORDER BY a.occurred_at DESC, a.id DESC LIMIT %(limit)s

-- name: alert_events
SELECT id, at, learned_at, event, from_state, to_state, actor, message, params FROM seen_alert_event
WHERE alert_id = %(alert)s ORDER BY id LIMIT %(limit)s

-- name: alert_earlier
-- The same on the same device before, the latest first, and how many they are.
SELECT a.id, a.occurred_at, a.cleared_at, a.count, count(*) OVER () AS total,
       CASE WHEN jsonb_typeof(a.params -> 'value') = 'number' THEN (a.params ->> 'value')::float8 END AS value
FROM alert a
WHERE a.device_id = %(device)s AND a.rule = %(rule)s AND (a.occurred_at, a.id) < (%(at)s, %(alert)s)
  AND (a.condition <> 'ok' OR a.message <> ALL(%(watched)s::text[]))
ORDER BY a.occurred_at DESC, a.id DESC LIMIT %(limit)s

-- name: alert_tickets
-- The tickets of alerts, and what ended each: a repair, or that there was nothing to do.
SELECT ta.alert_id, t.number, t.status, t.closed_at, e.event, e.at, e.actor, coalesce(e.params ->> 'note', '') AS note
FROM ticket_alert ta
JOIN ticket t ON t.id = ta.ticket_id
LEFT JOIN LATERAL (
    SELECT s.event, s.at, s.actor, s.params FROM seen_ticket_event s
    WHERE s.ticket_id = t.id AND s.event IN ('mend', 'dismiss') ORDER BY s.id DESC LIMIT 1) e ON true
WHERE ta.alert_id = ANY(%(alerts)s::uuid[])
ORDER BY t.id DESC

-- name: alert_elsewhere
-- The same at other devices of the model. A hospital's or a dealer's own rows are found by its index.
SELECT count(*) AS episodes, count(DISTINCT a.device_id) AS devices
FROM alert a
JOIN shown_device d ON d.id = a.device_id
WHERE a.rule = %(rule)s AND d.model = %(model)s AND a.device_id <> %(device)s AND a.occurred_at > %(since)s
  AND (%(hospital)s::integer IS NULL OR a.org_id = %(hospital)s)
  AND (%(dealer)s::integer IS NULL OR a.dealer_id = %(dealer)s)
  AND (a.condition <> 'ok' OR a.message <> ALL(%(watched)s::text[]))
