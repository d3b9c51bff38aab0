-- What a login looks up and writes.

-- name: account_by_name
SELECT id, name, role, org_id, org, version, password_made, password_hash FROM account_by_name(%(name)s)

-- name: note_login
-- No row: it was disabled, or has another password, since the password was checked.
UPDATE account SET last_login_at = %(now)s WHERE id = %(id)s AND active AND version = %(version)s RETURNING id
