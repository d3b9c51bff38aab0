-- The API's statements. They run as steth_api with steth.org set: row-level security adds whose rows are seen.

-- Access ------------------------------------------------------------------------------------------------------------

-- name: schema_version
SELECT max(version) AS version FROM schema_version

-- name: authenticate
SELECT token_id, account_id, name, role, org_id, version, password_made, expires_at,
       set_config('steth.org', coalesce(org_id::text, '*'), true),
       -- A list's filters may be given or not: a plan for all cases at once is a bad one for each.
       set_config('plan_cache_mode', 'force_custom_plan', true)
FROM authenticate(%(hash)s, %(now)s)

-- name: account_by_name
SELECT id, name, role, org_id, version, password_made, password_hash FROM account_by_name(%(name)s)

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

-- name: note_login
-- No row: it was disabled, or has another password, since the password was checked.
UPDATE account SET last_login_at = %(now)s WHERE id = %(id)s AND active AND version = %(version)s RETURNING id

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

-- name: idempotency_lock
SELECT pg_advisory_xact_lock(hashtextextended(%(principal)s::text || ' ' || %(key)s, 1))

-- name: idempotency_expire
DELETE FROM idempotency WHERE account_id = %(principal)s AND at < %(before)s

-- name: idempotency_find
SELECT status, headers, answer FROM idempotency WHERE account_id = %(principal)s AND key = %(key)s

-- name: idempotency_keep
INSERT INTO idempotency (account_id, key, status, headers, answer, at)
VALUES (%(principal)s, %(key)s, %(status)s, %(headers)s, %(answer)s, %(at)s)

-- Audit -------------------------------------------------------------------------------------------------------------

-- name: audit_lock
SELECT pg_advisory_xact_lock(hashtextextended('audit ' || coalesce(%(org)s::integer, 0), 2))

-- name: audit_last
SELECT head FROM audit_chain WHERE org_id IS NOT DISTINCT FROM %(org)s::integer

-- name: audit_append
INSERT INTO audit (org_id, at, actor, action, subject, detail, previous, hash)
VALUES (%(org)s, %(at)s, %(actor)s, %(action)s, %(subject)s, %(detail)s::jsonb, %(previous)s, %(hash)s)

-- name: audit_page
SELECT id, org_id, position, at, actor, action, subject, detail, previous, hash FROM audit
WHERE chain_id = (SELECT id FROM audit_chain WHERE org_id IS NOT DISTINCT FROM %(org)s::integer)
    AND (%(below)s::bigint IS NULL OR position < %(below)s)
ORDER BY position DESC LIMIT %(limit)s

-- name: audit_chains
SELECT id, org_id, entries, head, signed FROM audit_chain ORDER BY id

-- name: audit_chain_of
SELECT id, org_id, entries, head, signed FROM audit_chain WHERE org_id IS NOT DISTINCT FROM %(org)s::integer

-- name: audit_walk
SELECT id, org_id, position, at, actor, action, subject, detail, previous, hash FROM audit
WHERE chain_id = %(chain)s AND position > %(behind)s ORDER BY position LIMIT %(limit)s

-- Sites and devices -------------------------------------------------------------------------------------------------

-- name: devices
SELECT d.id AS key, d.uid, d.name, d.model, d.department, d.serial, d.status, d.inventory, d.enrolled_at, d.created_at,
       d.version, d.org_id, o.name AS hospital, d.site_id, s.name AS site, s.time_zone,
       live.connected, live.interval_s, live.agent, live.boot, live.heartbeat, live.equipment_connected,
       live.clock_offset_ms,
       greatest(live.seen_at, (SELECT max(k.at) FROM device_mark k WHERE k.device_id = d.id)) AS last_seen,
       worst.open_alerts, worst.severity AS worst_severity, worst.since AS worst_since, worst.doubted_since,
       (SELECT max(r.last) FROM device_refusal r WHERE r.device_id = d.id AND r.kind = 'refused'
            AND split_part(r.reason, ':', 1) <> ALL(%(kept)s) AND r.reason NOT LIKE '%%:time') AS lost_at,
       (SELECT count(*) FROM ticket t WHERE t.device_id = d.id AND t.status <> 'closed') AS open_tickets
FROM device d
JOIN org o ON o.id = d.org_id
JOIN site s ON s.id = d.site_id
LEFT JOIN device_state live ON live.device_id = d.id AND live.lane = 0
CROSS JOIN LATERAL (
    SELECT count(*) AS open_alerts,
           (array_agg(a.severity ORDER BY array_position(ARRAY['critical', 'major', 'minor', 'warning'], a.severity),
                      a.occurred_at))[1] AS severity,
           (array_agg(a.occurred_at ORDER BY array_position(ARRAY['critical', 'major', 'minor', 'warning'], a.severity),
                      a.occurred_at))[1] AS since,
           min(a.occurred_at) FILTER (
               WHERE a.kind IN ('identity', 'clock', 'connection', 'unjudged') OR a.condition = 'unconfirmed'
           ) AS doubted_since
    FROM alert a WHERE a.device_id = d.id AND a.condition <> 'ok' AND a.condition <> 'pending'
) worst
WHERE (%(above)s::bigint IS NULL OR d.id > %(above)s)
  AND (%(uid)s::text IS NULL OR d.uid = %(uid)s)
  AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
  AND (%(hospital)s::integer IS NULL OR d.org_id = %(hospital)s)
  AND (%(model)s::text IS NULL OR d.model = %(model)s)
  AND (%(status)s::text IS NULL OR d.status = %(status)s)
ORDER BY d.id LIMIT %(limit)s

-- name: device_by_uid
SELECT d.id AS key, d.uid, d.org_id, d.site_id, d.name, d.model, d.department, d.serial, d.status, d.version, s.time_zone
FROM device d JOIN site s ON s.id = d.site_id WHERE d.uid = %(uid)s

-- name: device_latest
SELECT latest FROM device_state WHERE device_id = %(device)s

-- name: device_gaps
SELECT lane, since, at, reports FROM device_gap WHERE device_id = %(device)s ORDER BY at DESC, id DESC LIMIT %(limit)s

-- name: device_refusals
SELECT kind, source, reason, count, since, last, form FROM device_refusal
WHERE device_id = %(device)s ORDER BY last DESC, kind, source, reason

-- name: open_tickets
SELECT number FROM ticket WHERE device_id = %(device)s AND status <> 'closed' ORDER BY id

-- name: metrics
SELECT id, name, unit FROM seen_metric WHERE id = ANY(%(ids)s) ORDER BY name, unit

-- name: device_readings
SELECT ts, metric_id, metric, unit, value, quality FROM device_reading
WHERE device_id = %(device)s AND ts >= %(from)s AND ts < %(to)s
  AND (%(metric)s::text IS NULL OR metric = %(metric)s)
  AND (ts > %(from)s OR metric_id >= %(from_metric)s::bigint)
ORDER BY ts, metric_id, value, quality
OFFSET %(skip)s LIMIT %(limit)s

-- name: metrics_named
SELECT id, unit FROM seen_metric WHERE name = %(name)s

-- name: series_readings
SELECT floor(extract(epoch FROM ts) * 1000)::bigint AS t, v AS lo, v AS avg, v AS hi,
       (quality <> %(bad)s)::integer AS n, (quality = %(bad)s)::integer AS bad
FROM (SELECT ts, quality, CASE WHEN quality <> %(bad)s THEN value END AS v FROM device_reading
      WHERE device_id = %(device)s AND metric_id = ANY(%(metrics)s) AND ts >= %(from)s AND ts < %(to)s) r
ORDER BY ts LIMIT %(limit)s

-- name: series_raw
SELECT (extract(epoch FROM date_bin(%(width)s, ts, 'epoch')) * 1000)::bigint AS t,
       min(value) FILTER (WHERE quality <> %(bad)s) AS lo, avg(value) FILTER (WHERE quality <> %(bad)s) AS avg,
       max(value) FILTER (WHERE quality <> %(bad)s) AS hi,
       count(*) FILTER (WHERE quality <> %(bad)s) AS n, count(*) FILTER (WHERE quality = %(bad)s) AS bad
FROM device_reading
WHERE device_id = %(device)s AND metric_id = ANY(%(metrics)s) AND ts >= %(from)s AND ts < %(to)s
GROUP BY 1 ORDER BY 1

-- name: series_marks
SELECT a.id, a.kind, a.subject, a.severity, a.condition, a.occurred_at, a.cleared_at, a.message, a.params, d.model,
       s.time_zone
FROM alert a JOIN device d ON d.id = a.device_id JOIN site s ON s.id = d.site_id
WHERE a.device_id = %(device)s AND a.occurred_at < %(to)s AND (a.cleared_at IS NULL OR a.cleared_at >= %(from)s)
  AND a.condition <> 'pending'
ORDER BY a.occurred_at DESC, a.id DESC LIMIT %(limit)s

-- name: series_1m
SELECT (extract(epoch FROM date_bin(%(width)s, bucket, 'epoch')) * 1000)::bigint AS t,
       min(lo) AS lo, sum(total) / nullif(sum(n), 0) AS avg, max(hi) AS hi, sum(n) AS n, sum(bad) AS bad
FROM series_1m
WHERE device_id = %(device)s AND metric_id = ANY(%(metrics)s) AND bucket >= %(from)s AND bucket < %(to)s
GROUP BY 1 ORDER BY 1

-- name: series_1h
SELECT (extract(epoch FROM date_bin(%(width)s, bucket, 'epoch')) * 1000)::bigint AS t,
       min(lo) AS lo, sum(total) / nullif(sum(n), 0) AS avg, max(hi) AS hi, sum(n) AS n, sum(bad) AS bad
FROM series_1h
WHERE device_id = %(device)s AND metric_id = ANY(%(metrics)s) AND bucket >= %(from)s AND bucket < %(to)s
GROUP BY 1 ORDER BY 1

-- name: series_1d
SELECT (extract(epoch FROM date_bin(%(width)s, bucket, 'epoch')) * 1000)::bigint AS t,
       min(lo) AS lo, sum(total) / nullif(sum(n), 0) AS avg, max(hi) AS hi, sum(n) AS n, sum(bad) AS bad
FROM series_1d
WHERE device_id = %(device)s AND metric_id = ANY(%(metrics)s) AND bucket >= %(from)s AND bucket < %(to)s
GROUP BY 1 ORDER BY 1

-- name: device_events
SELECT id, at, learned_at, kind, body FROM device_event
WHERE device_id = %(device)s AND at >= %(from)s AND at < %(to)s
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
  AND (%(after_at)s::timestamptz IS NULL OR (at, id) > (%(after_at)s, %(after_id)s))
ORDER BY at, id LIMIT %(limit)s

-- name: add_device
INSERT INTO device (uid, org_id, site_id, partition, model, name, department, serial, code_hash, code_expires_at, created_at)
VALUES (%(uid)s, %(org)s, %(site)s, %(partition)s, %(model)s, %(name)s, %(department)s, %(serial)s, %(code_hash)s,
        %(code_expires_at)s, %(now)s)

-- name: enrol
UPDATE device SET code_hash = NULL, code_expires_at = NULL, enrolled_at = %(now)s
WHERE code_hash = %(code_hash)s AND code_expires_at > %(now)s AND status = 'active'
RETURNING uid, org_id

-- name: change_device
UPDATE device SET name = coalesce(%(name)s, name), department = coalesce(%(department)s, department),
    serial = coalesce(%(serial)s, serial), status = coalesce(%(status)s, status), version = version + 1
WHERE uid = %(uid)s AND version = %(version)s
RETURNING id

-- name: set_code
UPDATE device SET code_hash = %(code_hash)s, code_expires_at = %(code_expires_at)s WHERE uid = %(uid)s

-- name: site_by_id
SELECT s.id, s.org_id, s.name, s.time_zone, o.name AS hospital FROM site s JOIN org o ON o.id = s.org_id WHERE s.id = %(id)s

-- name: site_by_name
SELECT s.id, s.org_id, s.name, s.time_zone, o.name AS hospital
FROM site s JOIN org o ON o.id = s.org_id WHERE s.org_id = %(org)s AND s.name = %(site)s

-- name: hospital_by_name
SELECT id, name FROM org WHERE name = %(hospital)s

-- name: add_hospital
-- No row: there is one of this name, perhaps since a moment.
INSERT INTO org (name) SELECT %(hospital)s::text
WHERE NOT EXISTS (SELECT FROM org WHERE name = %(hospital)s::text)
ON CONFLICT (name) DO NOTHING RETURNING id, name

-- name: add_site
INSERT INTO site (org_id, name, time_zone) SELECT %(org)s::integer, %(site)s::text, %(time_zone)s::text
WHERE NOT EXISTS (SELECT FROM site WHERE org_id = %(org)s::integer AND name = %(site)s::text)
ON CONFLICT (org_id, name) DO NOTHING RETURNING id

-- Alerts and tickets ------------------------------------------------------------------------------------------------

-- name: alerts
SELECT a.id, d.uid, d.name AS device_name, d.model, s.time_zone, a.rule, a.kind, a.subject, a.family, a.severity, a.condition,
       a.occurred_at, a.learned_at, a.changed_at, a.cleared_at, a.count, a.message, a.params, a.org_id, a.device_id,
       coalesce(o.state, 'unacknowledged') AS operator_state, o.actor, o.note, o.at AS operator_at,
       coalesce(o.version, 0) AS version,
       (SELECT array_agg(t.number ORDER BY t.id) FROM ticket_alert ta JOIN ticket t ON t.id = ta.ticket_id
        WHERE ta.alert_id = a.id) AS tickets
FROM alert a
JOIN device d ON d.id = a.device_id
JOIN site s ON s.id = d.site_id
LEFT JOIN alert_operator o ON o.alert_id = a.id
WHERE (%(ids)s::uuid[] IS NULL OR a.id = ANY(%(ids)s))
  AND (%(device)s::text IS NULL OR d.uid = %(device)s)
  AND (%(severity)s::text IS NULL OR a.severity = %(severity)s)
  AND (%(hospital)s::integer IS NULL OR a.org_id = %(hospital)s)
  AND (%(site)s::integer IS NULL OR d.site_id = %(site)s)
  AND (%(conditions)s::text[] IS NULL OR a.condition = ANY(%(conditions)s))
  AND (%(operator)s::text IS NULL OR coalesce(o.state, 'unacknowledged') = %(operator)s)
  AND (%(before_at)s::timestamptz IS NULL OR (a.occurred_at, a.id) < (%(before_at)s, %(before_id)s))
ORDER BY a.occurred_at DESC, a.id DESC LIMIT %(limit)s

-- name: alert_events
SELECT id, at, learned_at, event, from_state, to_state, actor, message, params FROM alert_event
WHERE alert_id = %(alert)s ORDER BY id LIMIT %(limit)s

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

-- name: ticket_by_number
SELECT t.id, t.org_id, t.version, d.model FROM ticket t JOIN device d ON d.id = t.device_id WHERE t.number = %(number)s

-- name: tickets
SELECT t.id, t.number, d.uid, d.name AS device_name, d.model, s.time_zone, s.id AS site_id, s.name AS site, o.name AS hospital,
       t.org_id, t.family, t.severity, t.status, t.occurred_at, t.detected_at, t.opened_at, t.closed_at, t.message, t.params,
       t.version
FROM ticket t
JOIN device d ON d.id = t.device_id
JOIN site s ON s.id = t.site_id
JOIN org o ON o.id = t.org_id
WHERE (%(ids)s::bigint[] IS NULL OR t.id = ANY(%(ids)s))
  AND (%(device)s::text IS NULL OR d.uid = %(device)s)
  AND (%(family)s::text IS NULL OR t.family = %(family)s)
  AND (%(severity)s::text IS NULL OR t.severity = %(severity)s)
  AND (%(hospital)s::integer IS NULL OR t.org_id = %(hospital)s)
  AND (%(site)s::integer IS NULL OR t.site_id = %(site)s)
  AND (%(status)s::text IS NULL OR t.status = %(status)s)
  AND (%(open)s::boolean IS NULL OR %(open)s OR t.status = 'closed')
  AND (%(open)s::boolean IS NULL OR NOT %(open)s OR t.status <> 'closed')
  AND (%(below)s::bigint IS NULL OR t.id < %(below)s)
ORDER BY t.id DESC LIMIT %(limit)s

-- Places ------------------------------------------------------------------------------------------------------------

-- name: sites
SELECT s.id, s.org_id, s.name, s.time_zone, o.name AS hospital FROM site s JOIN org o ON o.id = s.org_id
WHERE (%(above)s::bigint IS NULL OR s.id > %(above)s) AND (%(hospital)s::integer IS NULL OR s.org_id = %(hospital)s)
ORDER BY s.id LIMIT %(limit)s

-- name: hospital
SELECT id, name FROM org WHERE id = %(id)s

-- name: recipients
SELECT id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at FROM recipient
WHERE %(above)s::bigint IS NULL OR id > %(above)s ORDER BY id LIMIT %(limit)s

-- name: recipient
SELECT id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at FROM recipient WHERE id = %(id)s

-- name: add_recipient
INSERT INTO recipient (org_id, name, address, language, active, heads)
VALUES (%(org)s, %(name)s, %(address)s, %(language)s, %(active)s, %(heads)s)
ON CONFLICT (org_id, name) DO NOTHING
RETURNING id, org_id, name, address, language, active, heads, version,
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
RETURNING id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at

-- name: test_recipient
-- A channel that rests after a failure is tried at once; the pace of one that works is kept.
UPDATE recipient SET test_state = 'waiting', test_at = CASE WHEN test_state = 'waiting' THEN test_at ELSE %(now)s END,
    rest_from = CASE WHEN failures = 0 THEN rest_from END, rest_until = CASE WHEN failures = 0 THEN rest_until END
WHERE id = %(id)s
RETURNING id, org_id, name, address, language, active, heads, version,
    told_at, failing_since, error, error_params, test_state, test_at

-- The live stream ---------------------------------------------------------------------------------------------------

-- name: custom_plans
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: stream_boundary
-- Below it every transaction has ended, and none of them can appear any more (delivery 19).
SELECT b.xid::text::bigint AS xid,
       extract(epoch FROM clock_timestamp() - least(
           (SELECT min(a.learned_at) FROM alert_event a WHERE a.xid >= b.xid),
           (SELECT min(t.at) FROM ticket_event t WHERE t.xid >= b.xid)))::double precision AS held_s,
       (SELECT i.xid_from FROM installation i) AS begins
FROM (SELECT row_horizon() AS xid) b

-- name: stream_alert_events
SELECT xid::text::bigint AS xid, id, alert_id AS subject FROM alert_event
WHERE (xid, id) > (%(xid)s::text::xid8, %(row)s::bigint) AND xid < %(boundary)s::text::xid8 AND alert_id IS NOT NULL
ORDER BY alert_event.xid, id LIMIT %(limit)s

-- name: stream_ticket_events
SELECT xid::text::bigint AS xid, id, ticket_id AS subject FROM ticket_event
WHERE (xid, id) > (%(xid)s::text::xid8, %(row)s::bigint) AND xid < %(boundary)s::text::xid8
ORDER BY ticket_event.xid, id LIMIT %(limit)s

-- name: stream_devices
-- Columns in the order of api.feed.facts.look.
SELECT d.id, d.uid, d.org_id, live.connected, live.interval_s, live.equipment_connected,
       greatest(live.seen_at, heard.at) AS last_seen,
       coalesce(worst.open_alerts, 0) AS open_alerts, worst.severity, worst.since, worst.doubted_since,
       coalesce(work.open_tickets, 0) AS open_tickets, lost.at AS lost_at
FROM device d
LEFT JOIN device_state live ON live.device_id = d.id AND live.lane = 0
LEFT JOIN (SELECT device_id, max(at) AS at FROM device_mark GROUP BY device_id) heard ON heard.device_id = d.id
LEFT JOIN (
    SELECT a.device_id, count(*) AS open_alerts,
           (array_agg(a.severity ORDER BY array_position(ARRAY['critical', 'major', 'minor', 'warning'], a.severity),
                      a.occurred_at))[1] AS severity,
           (array_agg(a.occurred_at ORDER BY array_position(ARRAY['critical', 'major', 'minor', 'warning'], a.severity),
                      a.occurred_at))[1] AS since,
           min(a.occurred_at) FILTER (
               WHERE a.kind IN ('identity', 'clock', 'connection', 'unjudged') OR a.condition = 'unconfirmed'
           ) AS doubted_since
    FROM alert a WHERE a.condition <> 'ok' AND a.condition <> 'pending' GROUP BY a.device_id
) worst ON worst.device_id = d.id
LEFT JOIN (
    SELECT t.device_id, count(*) AS open_tickets FROM ticket t WHERE t.status <> 'closed' GROUP BY t.device_id
) work ON work.device_id = d.id
LEFT JOIN (
    SELECT r.device_id, max(r.last) AS at FROM device_refusal r
    WHERE r.kind = 'refused' AND r.last > %(lost_from)s
      AND split_part(r.reason, ':', 1) <> ALL(%(kept)s) AND r.reason NOT LIKE '%%:time'
    GROUP BY r.device_id
) lost ON lost.device_id = d.id
WHERE d.status = 'active'

-- name: stream_partitions
SELECT id, owned, clock_ms FROM ingest_partition

-- name: stream_newest_mark
SELECT max(at) AS at FROM device_mark

-- name: stream_tokens
-- With the organisation that each sees by now.
SELECT t.id, a.org_id FROM api_token t JOIN account a ON a.id = t.account_id
WHERE t.id = ANY(%(ids)s) AND t.revoked_at IS NULL AND a.active
  AND (t.expires_at IS NULL OR t.expires_at > %(now)s AND t.created_at < %(now)s + INTERVAL '1 day')
