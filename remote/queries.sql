-- Remote assist: prepared sessions and commands. Times pass as milliseconds since 1970 UTC.

-- name: add_sessions
INSERT INTO remote_session (ticket_id, device_id, org_id, dealer_id, scopes, runbook, minutes, at)
SELECT (s ->> 'ticket_id')::bigint, (s ->> 'device_id')::integer, (s ->> 'org_id')::integer,
       (SELECT t.dealer_id FROM ticket t WHERE t.id = (s ->> 'ticket_id')::bigint),
       ARRAY(SELECT jsonb_array_elements_text(s -> 'scopes')), s ->> 'runbook', (s ->> 'minutes')::integer,
       to_timestamp((s ->> 'at_ms')::bigint / 1000.0)
FROM jsonb_array_elements(%s::jsonb) AS rows(s);

-- name: add_commands
INSERT INTO command (id, device_id, org_id, dealer_id, ticket_id, body, issued_at, expires_at)
SELECT c.body ->> 'id', c.device_id, c.org_id, (SELECT d.dealer_id FROM device d WHERE d.id = c.device_id), c.ticket_id, c.body,
       to_timestamp((c.body ->> 'issued')::bigint / 1000.0), to_timestamp((c.body ->> 'expires')::bigint / 1000.0)
FROM jsonb_to_recordset(%s::jsonb) AS c(device_id integer, org_id integer, ticket_id bigint, body jsonb);

-- name: expire_commands
-- Whatever the device may yet answer, it can't answer any more in time; the grace is for an answer on its way. One that
-- lasts longer than any does was made before the clock was put right: its device would do it at whatever time.
WITH due AS (
    SELECT id FROM command
    WHERE status = 'waiting' AND (expires_at <= to_timestamp((%(now_ms)s - %(grace_ms)s) / 1000.0)
        OR expires_at > to_timestamp((%(now_ms)s + %(ahead_ms)s) / 1000.0))
    ORDER BY expires_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE command c SET status = 'expired' FROM due WHERE c.id = due.id
RETURNING c.id, c.ticket_id, c.org_id, c.body #>> '{do,runbook}';

-- name: claim_commands
-- Claimed by sent_at: sent again only after the pause, by whichever process then comes first. A device that is retired
-- is not spoken to. What was sent later than now was sent before the clock was put right.
WITH due AS (
    SELECT c.id, c.sent_at FROM command c JOIN device d ON d.id = c.device_id AND d.status = 'active'
    WHERE c.status = 'waiting' AND c.expires_at > to_timestamp(%(now_ms)s / 1000.0)
        AND (c.sent_at IS NULL OR c.sent_at <= to_timestamp((%(now_ms)s - %(again_ms)s) / 1000.0)
             OR c.sent_at > to_timestamp((%(now_ms)s + %(again_ms)s) / 1000.0))
    ORDER BY c.sent_at NULLS FIRST, c.issued_at LIMIT %(most)s FOR UPDATE OF c SKIP LOCKED
)
UPDATE command c SET sent_at = to_timestamp(%(now_ms)s / 1000.0) FROM due, device d
WHERE c.id = due.id AND d.id = c.device_id
RETURNING c.id, d.uid, c.body, due.sent_at;

-- name: release_commands
-- Not sent after all: as it was before the claim, unless somebody else has claimed it since.
UPDATE command c SET sent_at = r.sent_at FROM unnest(%(ids)s::text[], %(befores)s::timestamptz[]) AS r(id, sent_at)
WHERE c.id = r.id AND c.status = 'waiting' AND c.sent_at = to_timestamp(%(now_ms)s / 1000.0);

-- name: lock_commands
-- An answer after our own `expired` still counts: replied_at is set by the device's answer alone.
SELECT id, device_id, org_id, dealer_id, ticket_id, replied_at IS NOT NULL, body #>> '{do,runbook}',
       (SELECT t.family FROM ticket t WHERE t.id = ticket_id)
FROM command WHERE id = ANY (%s::text[]) ORDER BY id FOR UPDATE;

-- name: answer_commands
UPDATE command c SET status = r.status, replied_at = to_timestamp(r.at_ms / 1000.0), reason = r.reason,
    verdict = r.verdict
FROM jsonb_to_recordset(%s::jsonb) AS r(id text, status text, at_ms bigint, reason text, verdict jsonb)
WHERE c.id = r.id;

-- name: sweep_command
DELETE FROM command WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM command WHERE status <> 'waiting' AND issued_at < %(before)s ORDER BY issued_at LIMIT %(most)s));
