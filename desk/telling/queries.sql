-- Telling people. Times pass as milliseconds since 1970 UTC.

-- name: claim_recipients
-- Whoever has something due and isn't resting, each for one message. A rest that began in the future is void, and so is
-- a next_at further ahead than any delay can explain: the clock was put right.
WITH due AS (
    SELECT r.id FROM recipient r
    WHERE r.id <> ALL (%(busy)s::integer[])
        AND (r.rest_from <= to_timestamp((%(now_ms)s + %(skew_ms)s) / 1000.0)
             AND r.rest_until > to_timestamp(%(now_ms)s / 1000.0)) IS NOT TRUE
        AND (r.test_state = 'waiting' OR EXISTS (
            SELECT FROM telling t WHERE t.recipient_id = r.id AND t.state = 'waiting'
                AND t.next_at <= to_timestamp(%(now_ms)s / 1000.0))
        OR EXISTS (
            SELECT FROM telling t WHERE t.recipient_id = r.id AND t.state = 'waiting'
                AND t.next_at > to_timestamp((%(now_ms)s + %(ahead_ms)s) / 1000.0)))
    ORDER BY r.rest_until NULLS FIRST, r.id LIMIT %(most)s
    FOR NO KEY UPDATE OF r SKIP LOCKED
)
UPDATE recipient r SET rest_from = to_timestamp(%(now_ms)s / 1000.0),
    rest_until = to_timestamp((%(now_ms)s + %(lease_ms)s) / 1000.0)
FROM due WHERE r.id = due.id
RETURNING r.id, r.name, r.address, r.language, r.active, r.failures, coalesce(r.test_state = 'waiting', false),
    r.rest_until;

-- name: due_tellings
-- What is due of one recipient, the first due first. What a ticket rests on may be gone: then its columns are null.
SELECT t.id, t.ticket_id, t.org_id, t.attempts, t.refused, (extract(epoch FROM t.at) * 1000)::bigint,
    t.message, t.params, k.number, k.message, k.params, k.parts, (extract(epoch FROM k.occurred_at) * 1000)::bigint,
    d.name, d.model, o.name, s.id, s.name, s.time_zone, k.status = 'closed'
FROM (
    SELECT * FROM telling
    WHERE recipient_id = %(recipient)s AND state = 'waiting'
        AND (next_at <= to_timestamp(%(now_ms)s / 1000.0)
             OR next_at > to_timestamp((%(now_ms)s + %(ahead_ms)s) / 1000.0))
    ORDER BY next_at, id LIMIT %(most)s
) t
LEFT JOIN ticket k ON k.id = t.ticket_id LEFT JOIN device d ON d.id = k.device_id
LEFT JOIN org o ON o.id = k.org_id LEFT JOIN site s ON s.id = k.site_id
ORDER BY t.next_at, t.id;

-- name: end_tellings
UPDATE telling SET state = 'told', attempts = attempts + 1, told_at = to_timestamp(%(now_ms)s / 1000.0), error = '',
    error_params = '{}'
WHERE id = ANY (%(ids)s::bigint[]) AND state = 'waiting';

-- name: postpone_tellings
UPDATE telling SET attempts = attempts + 1, refused = refused + %(refused)s,
    next_at = to_timestamp(%(next_ms)s / 1000.0), error = %(error)s, error_params = %(params)s
WHERE id = ANY (%(ids)s::bigint[]) AND state = 'waiting';

-- name: give_up_tellings
-- next_at is when it was given up: what counts those of a day.
UPDATE telling SET state = 'given-up', attempts = attempts + %(tried)s, refused = refused + %(refused)s,
    next_at = to_timestamp(%(now_ms)s / 1000.0), error = %(error)s, error_params = %(params)s
WHERE id = ANY (%(ids)s::bigint[]) AND state = 'waiting'
RETURNING ticket_id, org_id, attempts, EXISTS (SELECT FROM ticket k WHERE k.id = ticket_id);

-- name: recipient_told
-- rest_until is the claim: another process that has claimed since is not disturbed.
UPDATE recipient SET told_at = to_timestamp(%(now_ms)s / 1000.0), failing_since = NULL, failures = 0, error = '',
    error_params = '{}', rest_from = to_timestamp(%(now_ms)s / 1000.0),
    rest_until = to_timestamp(%(next_ms)s / 1000.0)
WHERE id = %(id)s AND rest_until = %(claim)s;

-- name: recipient_failed
-- least() passes over null, and over a beginning that a clock which was ahead wrote.
UPDATE recipient SET failing_since = least(failing_since, to_timestamp(%(now_ms)s / 1000.0)),
    failures = failures + 1, error = %(error)s, error_params = %(params)s,
    rest_from = to_timestamp(%(now_ms)s / 1000.0), rest_until = to_timestamp(%(next_ms)s / 1000.0)
WHERE id = %(id)s AND rest_until = %(claim)s;

-- name: recipient_free
UPDATE recipient SET rest_from = NULL, rest_until = NULL WHERE id = %(id)s AND rest_until = %(claim)s;

-- name: well_recipients
SELECT id, address FROM recipient WHERE active AND failing_since IS NULL ORDER BY id;

-- name: recipient_forbidden
-- Not one whose address was changed meanwhile.
UPDATE recipient SET failing_since = to_timestamp(%(now_ms)s / 1000.0), error = %(error)s, error_params = '{}'
WHERE id = %(id)s AND address = %(address)s AND failing_since IS NULL;

-- name: end_trial
-- By the claim: an address that was changed meanwhile, with a test asked for anew, was not tried.
UPDATE recipient SET test_state = %(state)s, test_at = to_timestamp(%(now_ms)s / 1000.0)
WHERE id = %(id)s AND rest_until = %(claim)s AND test_state = 'waiting';

-- name: untold
-- By who serves there: the hospitals with equipment of whose tickets nobody of the dealer's is told, and why: no recipient
-- is active, or none can be reached. Whom a hospital has told itself is no matter of the dealer's.
SELECT o.id, o.name, g.name AS dealer, CASE WHEN bool_or(r.id IS NOT NULL) THEN 'failing' ELSE 'no-recipient' END AS why,
    max(r.failing_since) AS since
FROM (SELECT DISTINCT d.org_id, d.dealer_id FROM device d WHERE d.status = 'active') AS served
JOIN org o ON o.id = served.org_id JOIN org g ON g.id = served.dealer_id
LEFT JOIN recipient r ON r.active AND r.owner_id = g.id AND (r.org_id IS NULL OR r.org_id = o.id)
GROUP BY o.id, o.name, g.id, g.name
HAVING NOT coalesce(bool_or(r.id IS NOT NULL AND (r.failing_since IS NULL
    OR r.failing_since > to_timestamp((%(now_ms)s - %(patience_ms)s) / 1000.0))), false)
ORDER BY o.id, g.id;

-- name: overdue
SELECT coalesce(extract(epoch FROM to_timestamp(%(now_ms)s / 1000.0) - min(at)), 0)::float8 FROM telling
WHERE state = 'waiting';

-- name: sweep_telling
DELETE FROM telling WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM telling WHERE state <> 'waiting' AND next_at < %(before)s ORDER BY next_at LIMIT %(most)s));

-- name: keepers
-- Who keeps signed heads of the audit log: of the hospital whose tickets he is told of, or of whose he is.
SELECT id, coalesce(org_id, owner_id), address, language, head_told_at FROM recipient WHERE heads ORDER BY id;

-- name: head_told
UPDATE recipient SET head_told_at = %(at)s WHERE id = %(id)s;

-- name: recipients
SELECT id, owner_id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at,
    (SELECT o.kind FROM org o WHERE o.id = owner_id) AS owner_kind FROM recipient
WHERE (%(above)s::bigint IS NULL OR id > %(above)s)
  AND (%(part)s::text IS NULL OR strpos(lower(name), lower(%(part)s)) > 0
       OR EXISTS (SELECT FROM org o WHERE o.id = coalesce(org_id, owner_id) AND strpos(lower(o.name), lower(%(part)s)) > 0))
ORDER BY id LIMIT %(limit)s;

-- name: recipients_of
SELECT count(*) AS count FROM recipient WHERE owner_id = %(owner)s;

-- name: recipient
SELECT id, owner_id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at,
    (SELECT o.kind FROM org o WHERE o.id = owner_id) AS owner_kind FROM recipient WHERE id = %(id)s;

-- name: add_recipient
INSERT INTO recipient (owner_id, org_id, name, address, language, active, heads)
VALUES (%(owner)s, %(org)s, %(name)s, %(address)s, %(language)s, %(active)s, %(heads)s)
ON CONFLICT (owner_id, org_id, name) DO NOTHING
RETURNING id, owner_id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at,
    (SELECT o.kind FROM org o WHERE o.id = owner_id) AS owner_kind;

-- name: change_recipient
UPDATE recipient SET name = coalesce(%(name)s, name), address = coalesce(%(address)s, address),
    language = coalesce(%(language)s, language), active = coalesce(%(active)s, active),
    heads = coalesce(%(heads)s, heads), version = version + 1,
    -- Of another address nothing is known yet.
    rest_from = CASE WHEN %(address)s::text IS NULL THEN rest_from END,
    rest_until = CASE WHEN %(address)s::text IS NULL THEN rest_until END,
    failing_since = CASE WHEN %(address)s::text IS NULL THEN failing_since END,
    failures = CASE WHEN %(address)s::text IS NULL THEN failures ELSE 0 END,
    error = CASE WHEN %(address)s::text IS NULL THEN error ELSE '' END,
    test_state = CASE WHEN %(address)s::text IS NULL THEN test_state END
WHERE id = %(id)s AND version = %(version)s
RETURNING id, owner_id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at,
    (SELECT o.kind FROM org o WHERE o.id = owner_id) AS owner_kind;

-- name: test_recipient
-- A channel that rests after a failure is tried at once; the pace of one that works is kept.
UPDATE recipient SET test_state = 'waiting', test_at = CASE WHEN test_state = 'waiting' THEN test_at ELSE %(now)s END,
    rest_from = CASE WHEN failures = 0 THEN rest_from END, rest_until = CASE WHEN failures = 0 THEN rest_until END
WHERE id = %(id)s
RETURNING id, owner_id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at,
    (SELECT o.kind FROM org o WHERE o.id = owner_id) AS owner_kind;
