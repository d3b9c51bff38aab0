-- Alerts as they are read; what people do with them is in alerts/.

-- name: alerts
-- The most urgent first, or the newest; the order that isn't wanted is constant, and no order to the planner.
SELECT a.*, coalesce(o.state, 'unacknowledged') AS operator_state, o.actor, o.note, o.at AS operator_at,
       coalesce(o.version, 0) AS version,
       coalesce((SELECT max(t.holder) FROM ticket_alert ta JOIN ticket t ON t.id = ta.ticket_id
                 WHERE ta.alert_id = a.id AND t.status <> 'closed' AND t.holder <> ''),
                CASE WHEN o.state = 'acknowledged' THEN o.actor ELSE '' END) AS holder,
       (SELECT array_agg(t.number ORDER BY t.id) FROM ticket_alert ta JOIN ticket t ON t.id = ta.ticket_id
        WHERE ta.alert_id = a.id) AS tickets
FROM (
    SELECT a.id, d.uid, d.name AS device_name, d.model, d.time_zone, d.site_id, d.site, d.hospital, a.rule, a.kind, a.subject,
           a.family, a.severity, a.condition, a.occurred_at, a.learned_at, a.changed_at, a.cleared_at, a.count, a.message, a.params,
           a.org_id, a.device_id, sees(a.org_id, a.dealer_id) AND d.served AS own
    FROM alert a
    JOIN shown_device d ON d.id = a.device_id
    WHERE (%(ids)s::uuid[] IS NULL OR a.id = ANY(%(ids)s))
      AND (%(device)s::text[] IS NULL OR d.uid = ANY(%(device)s))
      AND (%(severity)s::text[] IS NULL OR a.severity = ANY(%(severity)s))
      AND (%(hospital)s::integer IS NULL OR a.org_id = %(hospital)s)
      AND (%(hospitals)s::integer[] IS NULL OR a.org_id = ANY(%(hospitals)s))
      AND (%(dealer)s::integer IS NULL OR a.dealer_id = %(dealer)s)
      AND (%(site)s::integer[] IS NULL OR d.site_id = ANY(%(site)s))
      AND (%(model)s::text[] IS NULL OR d.model = ANY(%(model)s))
      AND (%(family)s::text[] IS NULL OR a.family = ANY(%(family)s))
      AND (%(conditions)s::text[] IS NULL OR a.condition = ANY(%(conditions)s))
      AND (%(watched)s::text[] IS NULL OR a.condition <> 'ok' OR a.message <> ALL(%(watched)s))
      AND (%(acknowledged)s::boolean IS NULL OR %(acknowledged)s = coalesce(
          (SELECT o.state = 'acknowledged' FROM alert_operator o WHERE o.alert_id = a.id), false))
      AND (%(wanted)s::uuid[] IS NULL OR a.id = ANY(%(wanted)s))
      AND (%(age)s::text[] IS NULL OR age_of(a.occurred_at, %(now)s) = ANY(%(age)s))
      AND (%(sought)s::integer[] IS NULL OR a.device_id = ANY(%(sought)s) OR a.subject = ANY(%(subjects)s::text[])
           OR a.id = ANY(%(ticketed)s::uuid[])
           OR (%(many)s::integer[] IS NOT NULL AND a.device_id IN (SELECT unnest(%(many)s))))
      AND (%(before_at)s::timestamptz IS NULL OR (a.occurred_at, a.id) < (%(before_at)s, %(before_id)s))
      AND (%(rank)s::integer IS NULL
           OR (severity_rank(a.severity), a.occurred_at, a.id) > (%(rank)s, %(after_at)s::timestamptz, %(after_id)s::uuid))
    ORDER BY CASE WHEN %(urgency)s THEN severity_rank(a.severity) END, CASE WHEN %(urgency)s THEN a.occurred_at END,
             CASE WHEN %(urgency)s THEN a.id END,
             CASE WHEN %(urgency)s::boolean IS NULL THEN a.occurred_at END DESC,
             CASE WHEN %(urgency)s::boolean IS NULL THEN a.id END DESC
    LIMIT %(limit)s
) a
LEFT JOIN alert_operator o ON o.alert_id = a.id
ORDER BY CASE WHEN %(urgency)s THEN severity_rank(a.severity) END, CASE WHEN %(urgency)s THEN a.occurred_at END,
         CASE WHEN %(urgency)s THEN a.id END, a.occurred_at DESC, a.id DESC

-- name: alerts_counted
-- The same alerts, of each value how many: one row a value of each kind. `most`: the newest so many, where what is over is
-- among them.
SELECT CASE grouping(x.severity, x.state, x.operator, x.age, x.key)
           WHEN 15 THEN 'severity' WHEN 23 THEN 'state' WHEN 27 THEN 'operator' WHEN 29 THEN 'age' WHEN 30 THEN 'group'
       END AS of,
       coalesce(x.severity, x.state, x.operator, x.age, x.key) AS value,
       count(*) AS count, min(x.rank) AS rank, min(x.occurred_at) AS oldest, min(x.name) AS name, min(x.place) AS place,
       min(x.model) AS model
FROM (
    SELECT a.severity, a.occurred_at, severity_rank(a.severity) AS rank,
           CASE a.condition WHEN 'ok' THEN 'over' WHEN 'pending' THEN 'pending' ELSE 'open' END AS state,
           coalesce((SELECT o.state FROM alert_operator o WHERE o.alert_id = a.id), 'unacknowledged') AS operator,
           age_of(a.occurred_at, %(now)s) AS age, a.model, a.key, a.name, a.place
    FROM (
        SELECT a.id, a.severity, a.occurred_at, a.condition, d.model,
               CASE %(by)s::text WHEN 'site' THEN d.site_id::text WHEN 'hospital' THEN a.org_id::text WHEN 'model' THEN d.model
                   WHEN 'family' THEN a.family WHEN 'device' THEN d.uid
                   WHEN 'ticket' THEN coalesce((SELECT t.number FROM ticket_alert ta JOIN ticket t ON t.id = ta.ticket_id
                                                WHERE ta.alert_id = a.id ORDER BY t.id DESC LIMIT 1), 'none') END AS key,
               CASE %(by)s::text WHEN 'site' THEN d.site WHEN 'hospital' THEN d.hospital WHEN 'device' THEN d.name END AS name,
               CASE WHEN %(by)s::text IN ('site', 'device') THEN d.hospital WHEN %(by)s::text = 'ticket' THEN d.name END AS place
        FROM alert a
        JOIN shown_device d ON d.id = a.device_id
        WHERE (%(device)s::text[] IS NULL OR d.uid = ANY(%(device)s))
          AND (%(severity)s::text[] IS NULL OR a.severity = ANY(%(severity)s))
          AND (%(hospital)s::integer IS NULL OR a.org_id = %(hospital)s)
          AND (%(hospitals)s::integer[] IS NULL OR a.org_id = ANY(%(hospitals)s))
          AND (%(dealer)s::integer IS NULL OR a.dealer_id = %(dealer)s)
          AND (%(site)s::integer[] IS NULL OR d.site_id = ANY(%(site)s))
          AND (%(model)s::text[] IS NULL OR d.model = ANY(%(model)s))
          AND (%(family)s::text[] IS NULL OR a.family = ANY(%(family)s))
          AND (%(conditions)s::text[] IS NULL OR a.condition = ANY(%(conditions)s))
          AND (%(watched)s::text[] IS NULL OR a.condition <> 'ok' OR a.message <> ALL(%(watched)s))
          AND (%(acknowledged)s::boolean IS NULL OR %(acknowledged)s = coalesce(
              (SELECT o.state = 'acknowledged' FROM alert_operator o WHERE o.alert_id = a.id), false))
          AND (%(wanted)s::uuid[] IS NULL OR a.id = ANY(%(wanted)s))
          AND (%(age)s::text[] IS NULL OR age_of(a.occurred_at, %(now)s) = ANY(%(age)s))
          AND (%(sought)s::integer[] IS NULL OR a.device_id = ANY(%(sought)s) OR a.subject = ANY(%(subjects)s::text[])
               OR a.id = ANY(%(ticketed)s::uuid[])
               OR (%(many)s::integer[] IS NOT NULL AND a.device_id IN (SELECT unnest(%(many)s))))
        ORDER BY CASE WHEN %(most)s::integer IS NOT NULL THEN a.occurred_at END DESC,
                 CASE WHEN %(most)s::integer IS NOT NULL THEN a.id END DESC
        LIMIT %(most)s
    ) a
) x
GROUP BY GROUPING SETS ((x.severity), (x.state), (x.operator), (x.age), (x.key))
ORDER BY rank, count DESC, oldest, value

-- name: alerts_of_tickets
SELECT ta.alert_id AS id FROM ticket t JOIN ticket_alert ta ON ta.ticket_id = t.id WHERE t.number = ANY(%(numbers)s::text[])

-- name: alerts_of_none
-- Of what isn't over, those that have no ticket.
SELECT a.id FROM alert a
WHERE a.condition <> 'ok' AND (SELECT count(*) FROM ticket_alert ta WHERE ta.alert_id = a.id) = 0

-- name: alerts_held
-- Of what isn't over, those that somebody acknowledged.
SELECT a.id FROM alert a JOIN alert_operator o ON o.alert_id = a.id
WHERE a.condition <> 'ok' AND o.state = 'acknowledged' AND o.actor = ANY(%(actors)s::text[])

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
