-- Accounts, their credentials, and the places people work at. They run as steth_api with steth.org set, or as the owner.

-- name: authenticate
SELECT token_id, account_id, name, role, org_id, version, password_made, expires_at,
       set_config('steth.org', coalesce(org_id::text, '*'), true),
       -- A list's filters may be given or not: a plan for all cases at once is a bad one for each.
       set_config('plan_cache_mode', 'force_custom_plan', true)
FROM authenticate(%(hash)s, %(now)s)

-- name: add_account
INSERT INTO account (org_id, name, role, password_hash, password_made)
VALUES (%(org)s, %(name)s, %(role)s, %(password_hash)s, %(made)s)
RETURNING id, name, role, org_id, version, password_made

-- name: accounts
SELECT a.id, a.name, a.role, a.org_id, o.name AS hospital, a.active, a.password_made, a.created_at,
       a.last_login_at, a.version
FROM account a LEFT JOIN org o ON o.id = a.org_id
WHERE (%(id)s::integer IS NULL OR a.id = %(id)s) AND (%(name)s::text IS NULL OR a.name = %(name)s)
  AND (%(above)s::bigint IS NULL OR a.id > %(above)s)
ORDER BY a.id LIMIT %(limit)s

-- name: administrators
-- Whoever would end one of them waits here for the others.
SELECT id FROM account WHERE role = 'admin' AND active ORDER BY id FOR UPDATE

-- name: set_active
UPDATE account SET active = %(active)s, version = version + 1 WHERE id = %(id)s AND version = %(version)s RETURNING version

-- name: set_password
UPDATE account SET password_hash = %(password_hash)s, password_made = %(made)s, version = version + 1
WHERE id = %(id)s AND version = %(version)s RETURNING version

-- name: hold_account
-- Who disables it or changes its password meanwhile waits, and ends what is made here too.
SELECT id FROM account WHERE id = %(id)s AND active AND version = %(version)s FOR SHARE

-- name: add_token
INSERT INTO api_token (account_id, hash, label, created_at, expires_at)
VALUES (%(account)s, %(hash)s, %(label)s, %(now)s, %(expires_at)s) RETURNING id

-- name: tokens
SELECT id, label, created_at, expires_at FROM api_token
WHERE account_id = %(account)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(now)s)
  AND (%(below)s::bigint IS NULL OR id < %(below)s)
ORDER BY id DESC LIMIT %(limit)s

-- name: revoke_token
UPDATE api_token SET revoked_at = %(now)s
WHERE id = %(id)s AND account_id = %(account)s AND revoked_at IS NULL RETURNING id

-- name: revoke_tokens
UPDATE api_token SET revoked_at = %(now)s
WHERE account_id = %(account)s AND revoked_at IS NULL AND id <> %(but)s::bigint

-- name: sites
SELECT s.id, s.org_id, s.name, s.time_zone, o.name AS hospital FROM site s JOIN org o ON o.id = s.org_id
WHERE (%(above)s::bigint IS NULL OR s.id > %(above)s) AND (%(hospital)s::integer IS NULL OR s.org_id = %(hospital)s)
ORDER BY s.id LIMIT %(limit)s

-- name: site_by_id
SELECT s.id, s.org_id, s.name, s.time_zone, o.name AS hospital FROM site s JOIN org o ON o.id = s.org_id WHERE s.id = %(id)s

-- name: site_by_name
SELECT s.id, s.org_id, s.name, s.time_zone, o.name AS hospital
FROM site s JOIN org o ON o.id = s.org_id WHERE s.org_id = %(org)s AND s.name = %(site)s

-- name: add_site
INSERT INTO site (org_id, name, time_zone) SELECT %(org)s::integer, %(site)s::text, %(time_zone)s::text
WHERE NOT EXISTS (SELECT FROM site WHERE org_id = %(org)s::integer AND name = %(site)s::text)
ON CONFLICT (org_id, name) DO NOTHING RETURNING id

-- name: hospital
SELECT id, name FROM org WHERE id = %(id)s

-- name: hospital_by_name
SELECT id, name FROM org WHERE name = %(hospital)s

-- name: add_hospital
-- No row: there is one of this name, perhaps since a moment.
INSERT INTO org (name) SELECT %(hospital)s::text
WHERE NOT EXISTS (SELECT FROM org WHERE name = %(hospital)s::text)
ON CONFLICT (name) DO NOTHING RETURNING id, name

-- name: sweep_api_token
-- Those that ended; there are as many as people and programs sign in.
DELETE FROM api_token WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM api_token WHERE least(expires_at, revoked_at) < %(before)s LIMIT %(most)s))
