-- Who is told of tickets.

-- name: recipients
SELECT id, owner_id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at FROM recipient
WHERE %(above)s::bigint IS NULL OR id > %(above)s ORDER BY id LIMIT %(limit)s

-- name: recipient
SELECT id, owner_id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at FROM recipient WHERE id = %(id)s

-- name: add_recipient
INSERT INTO recipient (owner_id, org_id, name, address, language, active, heads)
VALUES (%(owner)s, %(org)s, %(name)s, %(address)s, %(language)s, %(active)s, %(heads)s)
ON CONFLICT (owner_id, org_id, name) DO NOTHING
RETURNING id, owner_id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at

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
    told_at, failing_since, error, error_params, test_state, test_at

-- name: test_recipient
-- A channel that rests after a failure is tried at once; the pace of one that works is kept.
UPDATE recipient SET test_state = 'waiting', test_at = CASE WHEN test_state = 'waiting' THEN test_at ELSE %(now)s END,
    rest_from = CASE WHEN failures = 0 THEN rest_from END, rest_until = CASE WHEN failures = 0 THEN rest_until END
WHERE id = %(id)s
RETURNING id, owner_id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at
