-- The desk's statements. Times pass as milliseconds since 1970 UTC. Rows of one statement pass as one JSON array,
-- so that a batch of hundreds of tickets costs as many statements as a batch of one.

-- name: open_tickets
-- One open ticket per device and family: what loses against ticket_one_open is not returned. In the order of the keys,
-- so that two transactions never wait for one another in a circle. The number comes last (number_tickets).
INSERT INTO ticket (number, org_id, site_id, device_id, family, severity, occurred_at, detected_at, opened_at,
                    evidence_from, evidence_to, causes, parts, message, params)
SELECT 'opening-' || gen_random_uuid(), o.org_id, o.site_id, o.device_id, o.family, o.severity,
       to_timestamp(o.occurred_ms / 1000.0), to_timestamp(o.detected_ms / 1000.0), to_timestamp(o.opened_ms / 1000.0),
       to_timestamp(o.evidence_from_ms / 1000.0), to_timestamp(o.evidence_to_ms / 1000.0),
       o.causes, o.parts, o.message, o.params
FROM jsonb_to_recordset(%s::jsonb) AS o(
    org_id integer, site_id integer, device_id integer, family text, severity text, occurred_ms bigint,
    detected_ms bigint, opened_ms bigint, evidence_from_ms bigint, evidence_to_ms bigint, causes jsonb, parts jsonb,
    message text, params jsonb)
ORDER BY o.device_id, o.family
ON CONFLICT (device_id, family) WHERE status <> 'closed' DO NOTHING
RETURNING id, device_id, family, (SELECT s.time_zone FROM site s WHERE s.id = ticket.site_id);

-- name: lock_open_tickets
SELECT t.id, t.device_id, t.family, t.severity
FROM ticket t JOIN unnest(%s::integer[], %s::text[]) AS k(device_id, family) USING (device_id, family)
WHERE t.status <> 'closed'
ORDER BY t.device_id, t.family
FOR NO KEY UPDATE OF t;

-- name: join_alerts
INSERT INTO ticket_alert (ticket_id, alert_id, org_id)
SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::integer[])
ON CONFLICT (ticket_id, alert_id) DO NOTHING
RETURNING ticket_id, alert_id;

-- name: raise_severities
UPDATE ticket t SET severity = k.severity, version = version + 1
FROM unnest(%s::bigint[], %s::text[]) AS k(id, severity)
WHERE t.id = k.id;

-- name: add_events
INSERT INTO ticket_event (ticket_id, org_id, at, event, actor, message, params)
SELECT (e ->> 'ticket_id')::bigint, (e ->> 'org_id')::integer, to_timestamp((e ->> 'at_ms')::bigint / 1000.0),
       e ->> 'event', e ->> 'actor', e ->> 'message', e -> 'params'
FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS rows(e, nth)
ORDER BY nth;

-- name: add_tellings
-- Keyed (ticket, step, recipient): twice is once.
INSERT INTO telling (ticket_id, step, recipient_id, org_id, message, params, next_at)
SELECT t.ticket_id, t.step, r.id, t.org_id, t.message, t.params, to_timestamp(t.at_ms / 1000.0)
FROM jsonb_to_recordset(%s::jsonb) AS t(
    ticket_id bigint, org_id integer, step text, message text, params jsonb, at_ms bigint)
JOIN recipient r ON r.active AND (r.org_id IS NULL OR r.org_id = t.org_id)
ON CONFLICT (ticket_id, step, recipient_id) DO NOTHING;

-- name: tickets_of_alerts
-- The open tickets of alerts that are over, and whether nothing of the ticket is wrong any more.
SELECT a.alert_id, t.id, t.org_id, NOT EXISTS (
    SELECT FROM ticket_alert o JOIN alert l ON l.id = o.alert_id WHERE o.ticket_id = t.id AND l.condition <> 'ok')
FROM ticket_alert a JOIN ticket t ON t.id = a.ticket_id
WHERE a.alert_id = ANY (%s::uuid[]) AND t.status <> 'closed'
ORDER BY t.id;

-- name: number_tickets
-- The day's counter is a hot row: taken by the last statement of the stage, and given back by the commit alone, so that
-- a number never belongs to a ticket that doesn't exist.
WITH opened AS (
    SELECT id, day, row_number() OVER (PARTITION BY day ORDER BY id) AS nth, count(*) OVER (PARTITION BY day) AS many
    FROM unnest(%s::bigint[], %s::date[]) AS o(id, day)
), counted AS (
    INSERT INTO ticket_day (day, last)
    SELECT day, count(*) FROM opened GROUP BY day ORDER BY day
    ON CONFLICT (day) DO UPDATE SET last = ticket_day.last + excluded.last
    RETURNING day, last
), numbered AS (
    SELECT o.id, to_char(c.day, 'YYYYMMDD') AS day, (c.last - o.many + o.nth)::text AS nth
    FROM opened o JOIN counted c USING (day)
)
UPDATE ticket t SET number = 'WX' || n.day || '-' || lpad(n.nth, greatest(3, length(n.nth)), '0')
FROM numbered n WHERE t.id = n.id
RETURNING t.id, t.number;
