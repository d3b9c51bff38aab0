-- `steth up`'s looks, and `steth forget`, which goes once over all that is stored. As steth_owner.

-- name: flow
SELECT (SELECT count(*) FROM device WHERE status = 'active'),
    (SELECT count(DISTINCT device_id) FROM mark WHERE at > now() - make_interval(secs => %s)),
    (SELECT count(*) FROM alert WHERE condition <> 'ok'),
    (SELECT count(*) FROM ticket WHERE status <> 'closed');

-- name: opened
-- Only what every reader can see by now: a serial cursor would skip a row that commits late (delivery 19).
SELECT e.xid::text, e.id, t.number, d.name, t.severity, t.message, t.params
FROM ticket_event e JOIN ticket t ON t.id = e.ticket_id JOIN device d ON d.id = t.device_id
WHERE e.event = 'opened' AND (e.xid, e.id) > (%s::xid8, %s) AND e.xid < row_horizon()
ORDER BY e.xid, e.id LIMIT 20;

-- name: newest_event
SELECT coalesce(max(xid)::text, '0'), coalesce(max(id), 0) FROM ticket_event;

-- name: account_of
SELECT id FROM account WHERE name = %s;

-- name: models
SELECT DISTINCT model FROM device;

-- name: metrics
SELECT id, name, unit FROM metric WHERE name <> 'other.' || id;

-- name: forget_metrics_of_evidence
UPDATE ticket_evidence e SET metric = 'other.' || m.id, unit = '' FROM metric m
WHERE m.id = ANY (%s) AND (e.metric, e.unit) = (m.name, m.unit);

-- name: forget_metrics
UPDATE metric SET name = 'other.' || id, unit = '' WHERE id = ANY (%s);

-- name: inventories
SELECT id, model, serial, inventory FROM device;

-- name: keep_inventory
UPDATE device SET inventory = %s, serial = %s WHERE id = %s;

-- name: agents
SELECT DISTINCT agent FROM device_state WHERE agent <> '';

-- name: forget_agents
UPDATE device_state SET agent = %s WHERE agent = ANY (%s);

-- name: refusals_told
SELECT r.device_id, d.model, r.kind, r.source, r.reason FROM device_refusal r JOIN device d ON d.id = r.device_id
WHERE r.source <> %s;

-- name: forget_refusal
DELETE FROM device_refusal WHERE (device_id, kind, source, reason) = (%s, %s, %s, %s);

-- name: read_device_event
SELECT e.id, d.model, e.body FROM device_event e JOIN device d ON d.id = e.device_id;

-- name: keep_device_event
UPDATE device_event SET body = %(body)s WHERE id = %(id)s;

-- name: forget_device_event
DELETE FROM device_event WHERE id = %(id)s;

-- name: read_ticket_evidence_event
SELECT e.event_id, d.model, e.body FROM ticket_evidence_event e
JOIN ticket t ON t.id = e.ticket_id JOIN device d ON d.id = t.device_id;

-- name: keep_ticket_evidence_event
UPDATE ticket_evidence_event SET body = %(body)s WHERE event_id = %(id)s;

-- name: forget_ticket_evidence_event
DELETE FROM ticket_evidence_event WHERE event_id = %(id)s;

-- name: verdicts
SELECT id, verdict FROM command WHERE verdict IS NOT NULL AND verdict <> 'null';

-- name: keep_verdict
UPDATE command SET verdict = %s WHERE id = %s;

-- name: verdicts_told
SELECT id, params FROM ticket_event WHERE event = 'verdict' AND jsonb_exists(params, 'steps');

-- name: keep_verdict_told
UPDATE ticket_event SET params = %s WHERE id = %s;

-- name: faults_over
SELECT a.id, d.model, a.subject FROM alert a JOIN device d ON d.id = a.device_id
WHERE a.kind = 'fault' AND a.condition = 'ok' AND a.subject NOT IN (%s, '*');

-- name: forget_codes
UPDATE alert SET rule = 'fault:' || %(code)s::text, subject = %(code)s, params = params || %(params)s
WHERE id = ANY (%(ids)s);

-- name: forget_codes_told
UPDATE alert_event SET params = params || %(params)s WHERE alert_id = ANY (%(ids)s);
