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
INSERT INTO alert_operator AS o (alert_id, org_id, state, actor, note, at, version)
VALUES (%(alert)s, %(org)s, %(state)s, %(actor)s, %(note)s, %(now)s, 1)
ON CONFLICT (alert_id) DO UPDATE
SET state = excluded.state, actor = excluded.actor, note = excluded.note, at = excluded.at, version = o.version + 1
WHERE o.version = %(version)s
RETURNING version

-- name: add_alert_event
INSERT INTO alert_event (alert_id, device_id, org_id, at, learned_at, event, from_state, to_state, actor, message, params)
VALUES (%(alert)s, %(device)s, %(org)s, %(now)s, %(now)s, %(event)s, %(from)s, %(to)s, %(actor)s, %(message)s, %(params)s)
