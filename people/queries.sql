-- Accounts, their credentials, and the places people work at. They run as steth_api with steth.org set, or as the owner.

-- name: authenticate
SELECT token_id, account_id AS id, name, role, org_id, org, version, password_made, expires_at,
       set_config('steth.org', org_id::text, true),
       -- A list's filters may be given or not: a plan for all cases at once is a bad one for each.
       set_config('plan_cache_mode', 'force_custom_plan', true)
FROM authenticate(%(hash)s, %(now)s)

-- name: add_account
WITH made AS (
    INSERT INTO account (org_id, org_kind, name, role, password_hash, password_made)
    VALUES (%(org)s, %(kind)s, %(name)s, %(role)s, %(password_hash)s, %(made)s)
    RETURNING id, name, role, org_id, version, password_made
)
SELECT m.id, m.name, m.role, m.org_id, o.name AS org, m.version, m.password_made FROM made m JOIN org o ON o.id = m.org_id

-- name: accounts
SELECT a.id, a.name, a.role, a.org_id, o.name AS org, a.active, a.password_made, a.created_at, a.last_login_at, a.version
FROM account a JOIN org o ON o.id = a.org_id
WHERE (%(id)s::integer IS NULL OR a.id = %(id)s) AND (%(name)s::text IS NULL OR a.name = %(name)s)
  AND (%(org)s::integer IS NULL OR a.org_id = %(org)s) AND (%(role)s::text IS NULL OR a.role = %(role)s)
  AND (%(active)s::boolean IS NULL OR a.active = %(active)s)
  AND (%(part)s::text IS NULL OR strpos(lower(a.name), lower(%(part)s)) > 0 OR strpos(lower(o.name), lower(%(part)s)) > 0)
  AND (%(above)s::bigint IS NULL OR a.id > %(above)s)
ORDER BY a.id LIMIT %(limit)s

-- name: keepers
-- Who makes and changes an organisation's accounts. Whoever would end one of them waits here for the others.
SELECT id FROM account WHERE org_id = %(org)s AND role = ANY (%(roles)s) AND active ORDER BY id FOR UPDATE

-- name: set_role
UPDATE account SET role = %(role)s, version = version + 1 WHERE id = %(id)s AND version = %(version)s RETURNING version

-- name: set_active
UPDATE account SET active = %(active)s, version = version + 1 WHERE id = %(id)s AND version = %(version)s RETURNING version

-- name: set_password
UPDATE account SET password_hash = %(password_hash)s, password_made = %(made)s, version = version + 1
WHERE id = %(id)s AND version = %(version)s RETURNING version

-- name: hold_account
-- Who disables it or changes its password meanwhile waits, and ends what is made here too.
SELECT id FROM account WHERE id = %(id)s AND active AND version = %(version)s FOR SHARE

-- name: add_token
INSERT INTO api_token (account_id, hash, label, kind, address, created_at, expires_at)
VALUES (%(account)s, %(hash)s, %(label)s, %(kind)s, %(address)s, %(now)s, %(expires_at)s) RETURNING id

-- name: tokens
-- Those that are good, of one account or of all that are seen.
SELECT t.id, t.label, t.kind, t.address, t.created_at, t.expires_at, t.account_id, a.name AS account, a.role, a.org_id, o.name AS org
FROM api_token t JOIN account a ON a.id = t.account_id JOIN org o ON o.id = a.org_id
WHERE t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
  AND (%(account)s::integer IS NULL OR t.account_id = %(account)s) AND (%(kind)s::text IS NULL OR t.kind = %(kind)s)
  AND (%(part)s::text IS NULL OR strpos(lower(t.label), lower(%(part)s)) > 0 OR strpos(lower(a.name), lower(%(part)s)) > 0
       OR t.address = %(part)s)
  AND (%(below)s::bigint IS NULL OR t.id < %(below)s)
ORDER BY t.id DESC LIMIT %(limit)s

-- name: revoke_token
UPDATE api_token SET revoked_at = %(now)s
WHERE id = %(id)s AND account_id = %(account)s AND revoked_at IS NULL RETURNING id

-- name: revoke_tokens
UPDATE api_token SET revoked_at = %(now)s
WHERE account_id = %(account)s AND revoked_at IS NULL AND id <> %(but)s::bigint

-- name: sites
-- `shared`: another dealer works there too, so that it isn't this one's to rename.
SELECT s.id, s.org_id, s.name, s.time_zone, s.address, s.version, o.name AS hospital,
       viewer() <> 0 AND NOT works_alone(s.org_id) AS shared
FROM site s JOIN org o ON o.id = s.org_id
WHERE (%(above)s::bigint IS NULL OR s.id > %(above)s) AND (%(hospital)s::integer IS NULL OR s.org_id = %(hospital)s)
  AND (%(part)s::text IS NULL OR strpos(lower(s.name), lower(%(part)s)) > 0 OR strpos(lower(o.name), lower(%(part)s)) > 0
       OR strpos(lower(s.address), lower(%(part)s)) > 0)
ORDER BY s.id LIMIT %(limit)s

-- name: site_by_id
SELECT s.id, s.org_id, s.name, s.time_zone, s.address, s.version, o.name AS hospital,
       viewer() <> 0 AND NOT works_alone(s.org_id) AS shared
FROM site s JOIN org o ON o.id = s.org_id WHERE s.id = %(id)s

-- name: site_by_name
SELECT s.id, s.org_id, s.name, s.time_zone, o.name AS hospital
FROM site s JOIN org o ON o.id = s.org_id WHERE s.org_id = %(org)s AND s.name = %(site)s

-- name: add_site
INSERT INTO site (org_id, name, time_zone, address)
SELECT %(org)s::integer, %(site)s::text, %(time_zone)s::text, %(address)s::text
WHERE NOT EXISTS (SELECT FROM site WHERE org_id = %(org)s::integer AND name = %(site)s::text)
ON CONFLICT (org_id, name) DO NOTHING RETURNING id

-- name: change_site
UPDATE site SET name = coalesce(%(name)s, name), time_zone = coalesce(%(time_zone)s, time_zone),
    address = coalesce(%(address)s, address), version = version + 1
WHERE id = %(id)s AND version = %(version)s RETURNING id

-- name: org
SELECT id, name, kind FROM org WHERE id = %(id)s

-- name: orgs
SELECT id, name, kind FROM org ORDER BY id

-- name: orgs_page
SELECT o.id, o.name, o.kind, o.prefix, o.version, (SELECT count(*) FROM site s WHERE s.org_id = o.id) AS sites,
       viewer() <> 0 AND NOT works_alone(o.id) AS shared
FROM org o
WHERE (%(id)s::integer IS NULL OR o.id = %(id)s) AND (%(kind)s::text IS NULL OR o.kind = %(kind)s)
  AND (%(part)s::text IS NULL OR strpos(lower(o.name), lower(%(part)s)) > 0)
  AND (%(above)s::text IS NULL OR o.name > %(above)s)
ORDER BY o.name LIMIT %(limit)s

-- name: rename_org
UPDATE org SET name = %(name)s, version = version + 1 WHERE id = %(id)s AND version = %(version)s RETURNING id

-- name: contacts
-- Of a site: its own and those of the whole hospital.
SELECT c.id, c.org_id, o.name AS hospital, c.site_id, s.name AS site, c.name, c.part, c.phone, c.hours, c.night, c.version
FROM contact c JOIN org o ON o.id = c.org_id LEFT JOIN site s ON s.id = c.site_id
WHERE (%(id)s::integer IS NULL OR c.id = %(id)s) AND (%(hospital)s::integer IS NULL OR c.org_id = %(hospital)s)
  AND (%(of)s::integer IS NULL OR c.org_id = (SELECT w.org_id FROM site w WHERE w.id = %(of)s)
       AND (c.site_id IS NULL OR c.site_id = %(of)s))
  AND (%(above)s::bigint IS NULL OR c.id > %(above)s)
ORDER BY c.id LIMIT %(limit)s

-- name: add_contact
INSERT INTO contact (org_id, site_id, name, part, phone, hours, night)
VALUES (%(org)s, %(site)s, %(name)s, %(part)s, %(phone)s, %(hours)s, %(night)s) RETURNING id

-- name: change_contact
UPDATE contact SET site_id = %(site)s, name = %(name)s, part = %(part)s, phone = %(phone)s, hours = %(hours)s,
    night = %(night)s, version = version + 1
WHERE id = %(id)s AND version = %(version)s RETURNING id

-- name: remove_contact
DELETE FROM contact WHERE id = %(id)s RETURNING org_id

-- name: find_or_make_hospital
-- Null: there is one of this name, which the asker can't see.
SELECT add_hospital(%(hospital)s::text) AS id

-- name: dealers
SELECT id, name, prefix FROM org
WHERE kind = 'dealer' AND (%(id)s::integer IS NULL OR id = %(id)s) AND (%(above)s::bigint IS NULL OR id > %(above)s)
ORDER BY id LIMIT %(limit)s

-- name: add_dealer
INSERT INTO org (name, kind, prefix) VALUES (%(name)s, 'dealer', %(prefix)s) RETURNING id, name, prefix

-- name: only_dealer
SELECT only_dealer() AS id

-- name: services
-- From when until when each dealer served a device: to a dealer, its own times alone.
SELECT dealer_id, dealer, since, until FROM service WHERE device_id = %(device)s ORDER BY since, id

-- name: service_change
SELECT c.dealer_id, o.name AS dealer, c.due_at, c.asked_by, c.asked_at
FROM service_change c JOIN org o ON o.id = c.dealer_id WHERE c.device_id = %(device)s

-- name: ask_for_change
INSERT INTO service_change (device_id, org_id, dealer_id, due_at, asked_by, asked_at)
VALUES (%(device)s, %(org)s, %(dealer)s, %(due)s, %(by)s, %(now)s)
ON CONFLICT (device_id) DO UPDATE SET dealer_id = excluded.dealer_id, due_at = excluded.due_at, asked_by = excluded.asked_by,
    asked_at = excluded.asked_at

-- name: withdraw_change
DELETE FROM service_change WHERE device_id = %(device)s RETURNING dealer_id

-- name: add_device
INSERT INTO device (uid, org_id, dealer_id, site_id, partition, model, name, department, serial, asset_number, registration_number,
    udi, made_on, in_use_since, use_until, code_hash, code_expires_at, created_at, moved_from)
VALUES (%(uid)s, %(org)s, %(dealer)s, %(site)s, %(partition)s, %(model)s, %(name)s, %(department)s, %(serial)s, %(asset_number)s,
    %(registration_number)s, %(udi)s, %(made_on)s, %(in_use_since)s, %(use_until)s, %(code_hash)s, %(code_expires_at)s, %(now)s,
    %(moved_from)s)

-- name: enrol
UPDATE device SET code_hash = NULL, code_expires_at = NULL, enrolled_at = %(now)s
WHERE code_hash = %(code_hash)s AND code_expires_at > %(now)s AND status = 'active'
RETURNING uid, org_id

-- name: change_device
UPDATE device SET name = %(name)s, department = %(department)s, serial = %(serial)s, asset_number = %(asset_number)s,
    registration_number = %(registration_number)s, udi = %(udi)s, made_on = %(made_on)s, in_use_since = %(in_use_since)s,
    use_until = %(use_until)s, version = version + 1
WHERE uid = %(uid)s AND version = %(version)s

-- name: retire_device
UPDATE device SET status = 'retired', retired_at = %(now)s, retired_reason = %(reason)s, version = version + 1
WHERE uid = %(uid)s AND version = %(version)s AND status = 'active'

-- name: reactivate_device
UPDATE device SET status = 'active', retired_at = NULL, retired_reason = '', version = version + 1
WHERE uid = %(uid)s AND version = %(version)s AND status = 'retired'

-- name: move_device
UPDATE device SET site_id = %(site)s, box_id = NULL, version = version + 1 WHERE uid = %(uid)s AND version = %(version)s

-- name: set_code
UPDATE device SET code_hash = %(code_hash)s, code_expires_at = %(code_expires_at)s WHERE uid = %(uid)s

-- name: note_inventory
UPDATE device SET serial = coalesce(%(serial)s, serial), inventory = inventory || %(fields)s::jsonb WHERE id = %(device)s

-- name: note_boxes
-- In order, as everything that two transactions may write. Answers which boxes devices left.
WITH told AS (
    SELECT d.id, d.org_id, d.site_id, nullif(u.box, '') AS box, d.box_id AS former
    FROM unnest(%(devices)s::integer[], %(boxes)s::text[]) AS u (device, box) JOIN device d ON d.id = u.device
), named AS (
    INSERT INTO box (site_id, id, org_id, first_seen, last_seen)
    SELECT DISTINCT site_id, box, org_id, %(at)s::timestamptz, %(at)s::timestamptz FROM told WHERE box IS NOT NULL
    ORDER BY site_id, box
    ON CONFLICT (site_id, id) DO UPDATE SET last_seen = greatest(box.last_seen, excluded.last_seen)
)
UPDATE device d SET box_id = t.box FROM told t WHERE d.id = t.id AND t.box IS DISTINCT FROM t.former
RETURNING d.site_id, t.former

-- name: forget_box
DELETE FROM box b WHERE b.site_id = %(site)s AND b.id = %(box)s
    AND NOT EXISTS (SELECT FROM device d WHERE d.site_id = b.site_id AND d.box_id = b.id)

-- name: sweep_api_token
-- Those that ended; there are as many as people and programs sign in.
DELETE FROM api_token WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM api_token WHERE least(expires_at, revoked_at) < %(before)s LIMIT %(most)s))
