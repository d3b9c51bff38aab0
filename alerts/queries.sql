-- Alerts' statements. Times pass as milliseconds since 1970 UTC. The rows of a statement pass as one JSON array, so that
-- a batch of hundreds of episodes costs as many statements as a batch of one.

-- name: open_alerts
INSERT INTO alert (id, device_id, org_id, dealer_id, lane, rule, kind, subject, family, severity, condition, occurred_at,
                   learned_at, changed_at, count, message, params)
SELECT a.id, a.device_id, a.org_id, (SELECT d.dealer_id FROM device d WHERE d.id = a.device_id), a.lane, a.rule, a.kind, a.subject, a.family, a.severity, a.condition,
       to_timestamp(a.occurred_ms / 1000.0), to_timestamp(a.learned_ms / 1000.0),
       to_timestamp(a.occurred_ms / 1000.0), a.count, a.message, a.params
FROM jsonb_to_recordset(%s::jsonb) AS a(
    id uuid, device_id integer, org_id integer, lane smallint, rule text, kind text, subject text, family text,
    severity text, condition text, occurred_ms bigint, learned_ms bigint, count bigint, message text, params jsonb);

-- name: change_alerts
-- The last condition and count of each. Nulls leave what is there: an alert keeps the message that says what is wrong.
UPDATE alert a
SET condition = coalesce(c.condition, a.condition),
    changed_at = coalesce(to_timestamp(c.changed_ms / 1000.0), a.changed_at),
    cleared_at = CASE WHEN c.condition = 'ok' THEN to_timestamp(c.changed_ms / 1000.0) END,
    count = c.count,
    message = coalesce(c.message, a.message),
    params = coalesce(c.params, a.params)
FROM jsonb_to_recordset(%s::jsonb) AS c(
    id uuid, condition text, changed_ms bigint, count bigint, message text, params jsonb)
WHERE a.id = c.id;

-- name: add_events
INSERT INTO alert_event (alert_id, device_id, org_id, dealer_id, at, learned_at, event, from_state, to_state, message, params)
SELECT (e ->> 'alert_id')::uuid, (e ->> 'device_id')::integer, (e ->> 'org_id')::integer,
       (SELECT d.dealer_id FROM device d WHERE d.id = (e ->> 'device_id')::integer),
       to_timestamp((e ->> 'at_ms')::bigint / 1000.0), to_timestamp((e ->> 'learned_ms')::bigint / 1000.0),
       e ->> 'event', e ->> 'from_state', e ->> 'to_state', e ->> 'message', e -> 'params'
FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS rows(e, nth)
ORDER BY nth;

-- name: set_operator
INSERT INTO alert_operator AS o (alert_id, org_id, dealer_id, state, actor, note, at, version)
SELECT id, org_id, dealer_id, %(state)s, %(actor)s, %(note)s, %(now)s, 1 FROM alert WHERE id = %(alert)s
ON CONFLICT (alert_id) DO UPDATE
SET state = excluded.state, actor = excluded.actor, note = excluded.note, at = excluded.at, version = o.version + 1
WHERE o.version = %(version)s
RETURNING version

-- name: add_alert_event
INSERT INTO alert_event (alert_id, device_id, org_id, dealer_id, at, learned_at, event, from_state, to_state, actor, message, params)
SELECT id, device_id, org_id, dealer_id, %(now)s, %(now)s, %(event)s, %(from)s, %(to)s, %(actor)s, %(message)s, %(params)s
FROM alert WHERE id = %(alert)s

-- name: opened
SELECT a.device_id, a.id, a.lane, a.rule, a.condition, (extract(epoch FROM a.occurred_at) * 1000)::bigint, a.count,
    CASE WHEN jsonb_typeof(a.params -> 'value') = 'number' THEN (a.params ->> 'value')::float8 ELSE 0 END
FROM unnest(%(devices)s::integer[]) AS u (id)
JOIN alert a ON a.device_id = u.id AND a.condition <> 'ok'
ORDER BY a.device_id, a.occurred_at, a.id;

-- name: opened_of_retired
SELECT d.uid FROM device d
WHERE d.partition = %(partition)s AND d.status <> 'active' AND EXISTS (
    SELECT FROM alert a WHERE a.device_id = d.id AND a.condition <> 'ok');

-- name: sweep_alert
-- What belongs to a ticket stays as long as the ticket.
WITH gone AS (
    DELETE FROM alert WHERE ctid = ANY (ARRAY(
        SELECT a.ctid FROM alert a
        WHERE a.condition = 'ok' AND a.cleared_at < %(before)s
            AND NOT EXISTS (SELECT FROM ticket_alert t WHERE t.alert_id = a.id)
        ORDER BY a.cleared_at LIMIT %(most)s))
    RETURNING id
), operators AS (
    DELETE FROM alert_operator o USING gone WHERE o.alert_id = gone.id
), events AS (
    DELETE FROM alert_event e USING gone WHERE e.alert_id = gone.id
)
SELECT id FROM gone;

-- name: sweep_alert_event
-- Summaries of late facts, which opened nothing; the others go with their alert.
DELETE FROM alert_event WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM alert_event WHERE alert_id IS NULL AND learned_at < %(before)s ORDER BY learned_at LIMIT %(most)s));
