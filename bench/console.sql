-- What happens on a platform while its page is looked at: each statement is one commit that the live stream tells. Written
-- for the schema of the revision fb9a737 and for today's alike.

-- name: whole_defaults
-- Whose a row is, where today's schema asks for it: there is one dealer.
DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'dealer_id'
            AND is_nullable = 'NO' AND column_default IS NULL AND table_name IN ('alert', 'alert_event', 'ticket_event') LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN dealer_id SET DEFAULT only_dealer()', t);
    END LOOP;
END $$

-- name: live
-- Ingest is at work: a lease of up to six seconds holds.
UPDATE partition_lease SET owner = 'bench', lease_until = now() + INTERVAL '5 seconds', clock_ms = clock_ms + 1000

-- name: open_alerts
-- The worst first, of those the oldest; and the newest first.
SELECT id, row_number() OVER (ORDER BY array_position(ARRAY['critical', 'major', 'minor', 'warning'], severity), occurred_at) AS urgent,
       row_number() OVER (ORDER BY occurred_at DESC) AS newest
FROM alert WHERE condition = 'active'

-- name: repeat
WITH a AS (
    UPDATE alert SET count = count + 1, changed_at = now() WHERE id = %(alert)s RETURNING *
)
INSERT INTO alert_event (alert_id, device_id, org_id, at, learned_at, event, from_state, to_state, message, params)
SELECT id, device_id, org_id, now(), now(), 'repeated', condition, condition, 'alert.code.repeated',
    jsonb_build_object('code', subject, 'count', count) FROM a

-- name: recode
-- The same alert with another code: text that is nowhere else.
WITH a AS (
    UPDATE alert SET subject = %(code)s, params = jsonb_build_object('code', %(code)s::text), changed_at = now()
    WHERE id = %(alert)s RETURNING *
)
INSERT INTO alert_event (alert_id, device_id, org_id, at, learned_at, event, from_state, to_state, message, params)
SELECT id, device_id, org_id, now(), now(), 'repeated', condition, condition, message, params FROM a

-- name: raise
WITH a AS (
    INSERT INTO alert (id, device_id, org_id, lane, rule, kind, subject, family, severity, condition, occurred_at, learned_at,
        changed_at, message, params)
    SELECT gen_random_uuid(), device_id, org_id, 0, rule || ':' || %(n)s, kind, subject, family, severity, 'active', now(), now(), now(),
        message, params FROM alert WHERE id = %(alert)s RETURNING *
)
INSERT INTO alert_event (alert_id, device_id, org_id, at, learned_at, event, from_state, to_state, message, params)
SELECT id, device_id, org_id, now(), now(), 'active', 'ok', 'active', message, params FROM a RETURNING alert_id

-- name: clear
WITH a AS (
    UPDATE alert SET condition = 'ok', cleared_at = now(), changed_at = now() WHERE id = %(alert)s RETURNING *
)
INSERT INTO alert_event (alert_id, device_id, org_id, at, learned_at, event, from_state, to_state, message, params)
SELECT id, device_id, org_id, now(), now(), 'cleared', 'active', 'ok', 'alert.code.cleared', params FROM a

-- name: open_tickets
SELECT id FROM ticket WHERE status <> 'closed' ORDER BY id

-- name: note
INSERT INTO ticket_event (ticket_id, org_id, at, event, message, params)
SELECT id, org_id, now(), 'alert-joined', 'ticket.opened', jsonb_build_object('family', family) FROM ticket WHERE id = %(ticket)s

-- name: heard
UPDATE mark SET at = now(), seq = seq + 1 WHERE device_id = %(device)s AND lane = 0

-- name: a_ticket
-- One that everybody would open: of a device with a plain name.
SELECT t.number FROM ticket t JOIN device d ON d.id = t.device_id
WHERE t.status = 'new' AND t.severity = 'critical' AND length(d.name) < 20 ORDER BY t.id LIMIT 1
