-- Tickets as they are read; what people do with them is in desk/.

-- name: tickets
-- The most urgent first, or the newest; the order that isn't wanted is constant, and no order to the planner.
SELECT t.id, t.number, d.uid, d.name AS device_name, d.model, d.time_zone, t.site_id, d.site, d.hospital,
       t.org_id, t.family, t.severity, t.status, t.holder, t.repaired_by, t.occurred_at, t.detected_at, t.reported_at, t.arrived_at,
       t.opened_at, t.closed_at, t.message, t.params, t.version
FROM ticket t
JOIN shown_device d ON d.id = t.device_id
WHERE (%(ids)s::bigint[] IS NULL OR t.id = ANY(%(ids)s))
  AND (%(number)s::text IS NULL OR t.number = %(number)s)
  AND (%(device)s::text[] IS NULL OR d.uid = ANY(%(device)s))
  AND (%(family)s::text[] IS NULL OR t.family = ANY(%(family)s))
  AND (%(model)s::text[] IS NULL OR d.model = ANY(%(model)s))
  AND (%(severity)s::text[] IS NULL OR t.severity = ANY(%(severity)s))
  AND (%(hospital)s::integer IS NULL OR t.org_id = %(hospital)s)
  AND (%(hospitals)s::integer[] IS NULL OR t.org_id = ANY(%(hospitals)s))
  AND (%(dealer)s::integer IS NULL OR t.dealer_id = %(dealer)s)
  AND (%(site)s::integer[] IS NULL OR t.site_id = ANY(%(site)s))
  AND (%(status)s::text[] IS NULL OR t.status = ANY(%(status)s))
  AND (%(holder)s::text[] IS NULL OR t.holder = ANY(%(holder)s) AND t.status <> 'closed')
  AND (%(open)s::boolean IS NULL OR %(open)s OR t.status = 'closed')
  AND (%(open)s::boolean IS NULL OR NOT %(open)s OR t.status <> 'closed')
  AND (%(age)s::text[] IS NULL OR age_of(t.opened_at, %(now)s) = ANY(%(age)s) AND t.status <> 'closed')
  AND (%(sought)s::integer[] IS NULL OR t.device_id = ANY(%(sought)s) OR t.id = ANY(%(numbered)s::bigint[])
       OR t.family = ANY(%(families)s::text[])
       OR t.family = ANY(%(families_of_codes)s::text[]) AND t.params ->> 'code' = ANY(%(subjects)s::text[])
       OR (%(many)s::integer[] IS NOT NULL AND t.device_id IN (SELECT unnest(%(many)s))))
  AND (%(below)s::bigint IS NULL OR t.id < %(below)s)
  AND (%(rank)s::integer IS NULL
       OR (severity_rank(t.severity), t.opened_at, t.id) > (%(rank)s, %(after_at)s::timestamptz, %(after_id)s::bigint))
ORDER BY CASE WHEN %(urgency)s THEN severity_rank(t.severity) END, CASE WHEN %(urgency)s THEN t.opened_at END,
         CASE WHEN %(urgency)s THEN t.id END, CASE WHEN %(urgency)s::boolean IS NULL THEN t.id END DESC
LIMIT %(limit)s

-- name: tickets_counted
-- The same tickets, of each value how many: one row a value of each kind. `most`: the newest so many, where closed ones are
-- among them.
SELECT CASE grouping(x.severity, x.status, x.age, x.key)
           WHEN 7 THEN 'severity' WHEN 11 THEN 'status' WHEN 13 THEN 'age' WHEN 14 THEN 'group'
       END AS of,
       coalesce(x.severity, x.status, x.age, x.key) AS value,
       count(*) AS count, min(x.rank) AS rank, min(x.at) AS oldest, min(x.name) AS name, min(x.place) AS place,
       min(x.model) AS model
FROM (
    SELECT t.severity, t.status, t.opened_at AS at, severity_rank(t.severity) AS rank, age_of(t.opened_at, %(now)s) AS age, d.model,
           CASE %(by)s::text WHEN 'site' THEN t.site_id::text WHEN 'hospital' THEN t.org_id::text WHEN 'model' THEN d.model
               WHEN 'family' THEN t.family WHEN 'device' THEN d.uid WHEN 'holder' THEN coalesce(nullif(t.holder, ''), 'none') END AS key,
           CASE %(by)s::text WHEN 'site' THEN d.site WHEN 'hospital' THEN d.hospital WHEN 'device' THEN d.name
               WHEN 'holder' THEN t.holder END AS name,
           CASE WHEN %(by)s::text IN ('site', 'device') THEN d.hospital END AS place
    FROM ticket t
    JOIN shown_device d ON d.id = t.device_id
    WHERE (%(device)s::text[] IS NULL OR d.uid = ANY(%(device)s))
      AND (%(family)s::text[] IS NULL OR t.family = ANY(%(family)s))
      AND (%(model)s::text[] IS NULL OR d.model = ANY(%(model)s))
      AND (%(severity)s::text[] IS NULL OR t.severity = ANY(%(severity)s))
      AND (%(hospital)s::integer IS NULL OR t.org_id = %(hospital)s)
      AND (%(hospitals)s::integer[] IS NULL OR t.org_id = ANY(%(hospitals)s))
      AND (%(dealer)s::integer IS NULL OR t.dealer_id = %(dealer)s)
      AND (%(site)s::integer[] IS NULL OR t.site_id = ANY(%(site)s))
      AND (%(status)s::text[] IS NULL OR t.status = ANY(%(status)s))
      AND (%(holder)s::text[] IS NULL OR t.holder = ANY(%(holder)s) AND t.status <> 'closed')
      AND (%(open)s::boolean IS NULL OR %(open)s OR t.status = 'closed')
      AND (%(open)s::boolean IS NULL OR NOT %(open)s OR t.status <> 'closed')
      AND (%(age)s::text[] IS NULL OR age_of(t.opened_at, %(now)s) = ANY(%(age)s) AND t.status <> 'closed')
      AND (%(sought)s::integer[] IS NULL OR t.device_id = ANY(%(sought)s) OR t.id = ANY(%(numbered)s::bigint[])
           OR t.family = ANY(%(families)s::text[])
           OR t.family = ANY(%(families_of_codes)s::text[]) AND t.params ->> 'code' = ANY(%(subjects)s::text[])
           OR (%(many)s::integer[] IS NOT NULL AND t.device_id IN (SELECT unnest(%(many)s))))
    ORDER BY CASE WHEN %(most)s::integer IS NOT NULL THEN t.id END DESC
    LIMIT %(most)s
) x
GROUP BY GROUPING SETS ((x.severity), (x.status), (x.age), (x.key))
ORDER BY rank, count DESC, oldest, value

-- name: ticket_by_number
SELECT t.id, t.org_id, t.version, t.family, d.model,
       ARRAY(SELECT l.subject FROM ticket_alert a JOIN alert l ON l.id = a.alert_id
             WHERE a.ticket_id = t.id AND l.kind = 'limit' ORDER BY l.occurred_at DESC, l.id LIMIT 10) AS subjects,
       sees(t.org_id, t.dealer_id) AND d.served AS own
FROM ticket t JOIN shown_device d ON d.id = t.device_id WHERE t.number = %(number)s

-- name: ticket_bring
-- What may be the cause, and what to bring.
SELECT causes, parts FROM ticket WHERE id = %(ticket)s

-- name: ticket_events
SELECT id, at, event, actor, message, params FROM (
    SELECT * FROM seen_ticket_event WHERE ticket_id = %(ticket)s ORDER BY id DESC LIMIT %(limit)s) newest
ORDER BY id

-- name: ticket_alerts
SELECT l.id, l.kind, l.subject, l.severity, l.condition, l.occurred_at, l.cleared_at, l.count, l.message, l.params
FROM ticket_alert a JOIN alert l ON l.id = a.alert_id WHERE a.ticket_id = %(ticket)s
ORDER BY l.occurred_at DESC, l.id LIMIT %(limit)s

-- name: ticket_sessions
-- Those that somebody could start now: of who serves the device, which its agent is connected for, while the ticket is open.
SELECT r.id, r.state, r.scopes, r.runbook, r.minutes, r.at, r.version
FROM remote_session r JOIN ticket t ON t.id = r.ticket_id JOIN device_state s ON s.device_id = r.device_id AND s.lane = 0
JOIN device d ON d.id = r.device_id AND d.status = 'active' AND d.dealer_id = r.dealer_id
WHERE r.ticket_id = %(ticket)s AND r.state = 'prepared' AND r.at > %(prepared)s AND t.status <> 'closed' AND s.connected
ORDER BY r.id

-- name: ticket_commands
SELECT id, body #>> '{do,runbook}' AS runbook, status, issued_at, expires_at, sent_at, replied_at, reason, verdict
FROM command WHERE ticket_id = %(ticket)s ORDER BY issued_at, id

-- name: ticket_tellings
SELECT r.name AS recipient, t.step, t.state, t.attempts, t.told_at, t.error, t.error_params
FROM telling t JOIN recipient r ON r.id = t.recipient_id WHERE t.ticket_id = %(ticket)s ORDER BY t.id LIMIT %(limit)s

-- name: ticket_reports
-- What people told; whom to ask is for who serves the device since, and for the hospital.
SELECT at, actor, params ->> 'caller' AS caller, params ->> 'words' AS words, params ->> 'usable' AS usable,
       coalesce(params ->> 'contact', '') AS contact, (params ->> 'since')::bigint AS since
FROM seen_ticket_event WHERE ticket_id = %(ticket)s AND event = 'reported' ORDER BY id DESC LIMIT 20

-- name: ticket_repairs
SELECT at, actor, cause, cause_words, actions, parts, note FROM seen_ticket_repair
WHERE ticket_id = %(ticket)s ORDER BY id DESC LIMIT 20
