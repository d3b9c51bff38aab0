-- 200 dealers for a database of tests.fixtures.filled, after its migration: the greatest serves a sixth of the hospitals,
-- the least some. Every tenth device has had another dealer until half a year ago.

-- name: give
SET session_replication_role = replica;
INSERT INTO org (name, kind, prefix)
SELECT 'dealer ' || k, 'dealer', 'D' || chr(65 + k / 26) || chr(65 + k % 26) FROM generate_series(1, 199) AS k;
CREATE TEMP TABLE dealer AS SELECT id, row_number() OVER (ORDER BY id) AS n FROM org WHERE kind = 'dealer';
CREATE TEMP TABLE given AS
SELECT d.id, d.org_id, s.id AS dealer_id, coalesce(f.id, s.id) AS former_id, now() - INTERVAL '183 days' AS at
FROM device d
JOIN dealer s ON s.n = 1 + floor(200 * ((d.org_id * 7919 % 10007) / 10007.0) ^ 3)::integer
LEFT JOIN dealer f ON d.id % 10 = 5 AND f.n = 1 + d.id / 10 % 200;
UPDATE given SET dealer_id = (SELECT dealer_id FROM given GROUP BY 1 ORDER BY abs(count(*) - 50), 1 LIMIT 1) WHERE id = 2001;
UPDATE given SET dealer_id = (SELECT dealer_id FROM given GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1) WHERE id = 3001;
UPDATE given SET former_id = dealer_id WHERE id IN (2001, 3001);
CREATE UNIQUE INDEX ON given (id);
ANALYZE given;
UPDATE device d SET dealer_id = g.dealer_id FROM given g WHERE g.id = d.id;
UPDATE service s SET dealer_id = g.dealer_id, dealer = o.name FROM given g, org o WHERE g.id = s.device_id AND o.id = g.dealer_id;
DELETE FROM clientele;
INSERT INTO clientele (dealer_id, org_id) SELECT DISTINCT dealer_id, org_id FROM given;
INSERT INTO service (device_id, org_id, dealer_id, since, until, uid, name, model, site_id, site, time_zone, hospital, dealer)
SELECT d.id, d.org_id, g.former_id, g.at - INTERVAL '2 years', g.at, d.uid, d.name, d.model, s.id, s.name, s.time_zone, o.name, f.name
FROM given g JOIN device d USING (id) JOIN site s ON s.id = d.site_id JOIN org o ON o.id = d.org_id JOIN org f ON f.id = g.former_id
WHERE g.former_id <> g.dealer_id;
UPDATE device_state t SET dealer_id = g.dealer_id FROM given g WHERE g.id = t.device_id;
UPDATE device_refusal t SET dealer_id = g.dealer_id FROM given g WHERE g.id = t.device_id;
UPDATE alert t SET dealer_id = CASE WHEN occurred_at < g.at AND condition = 'ok' THEN g.former_id ELSE g.dealer_id END
    FROM given g WHERE g.id = t.device_id;
UPDATE alert_operator t SET dealer_id = a.dealer_id FROM alert a WHERE a.id = t.alert_id;
UPDATE alert_event t SET dealer_id = CASE WHEN t.at < g.at THEN g.former_id ELSE g.dealer_id END
    FROM given g WHERE g.id = t.device_id;
UPDATE ticket t SET dealer_id = CASE WHEN opened_at < g.at AND status = 'closed' THEN g.former_id ELSE g.dealer_id END
    FROM given g WHERE g.id = t.device_id;
UPDATE ticket_alert r SET dealer_id = t.dealer_id FROM ticket t WHERE t.id = r.ticket_id;
UPDATE ticket_event r SET dealer_id = t.dealer_id FROM ticket t WHERE t.id = r.ticket_id;
UPDATE ticket_evidence r SET dealer_id = t.dealer_id FROM ticket t WHERE t.id = r.ticket_id;
UPDATE ticket_evidence_event r SET dealer_id = t.dealer_id FROM ticket t WHERE t.id = r.ticket_id;
UPDATE remote_session r SET dealer_id = t.dealer_id FROM ticket t WHERE t.id = r.ticket_id;
UPDATE command r SET dealer_id = t.dealer_id FROM ticket t WHERE t.id = r.ticket_id;
UPDATE telling r SET owner_id = t.dealer_id FROM ticket t WHERE t.id = r.ticket_id;

-- name: dealers_of
SELECT dealer_id FROM device WHERE id = ANY(%s) ORDER BY id
