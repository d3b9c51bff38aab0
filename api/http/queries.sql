-- What every request needs. The API's statements run as steth_api with steth.org set: row-level security adds whose rows are seen.

-- name: schema_version
SELECT max(version) AS version FROM schema_version

-- name: idempotency_lock
SELECT pg_advisory_xact_lock(hashtextextended(%(principal)s::text || ' ' || %(key)s, 1))

-- name: idempotency_expire
DELETE FROM idempotency WHERE account_id = %(principal)s AND at < %(before)s

-- name: idempotency_find
SELECT status, headers, answer FROM idempotency WHERE account_id = %(principal)s AND key = %(key)s

-- name: idempotency_keep
INSERT INTO idempotency (account_id, key, status, headers, answer, at)
VALUES (%(principal)s, %(key)s, %(status)s, %(headers)s, %(answer)s, %(at)s)

-- name: sweep_idempotency
DELETE FROM idempotency WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency WHERE at < %(before)s ORDER BY at LIMIT %(most)s))
