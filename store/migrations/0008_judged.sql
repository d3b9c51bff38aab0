-- Judged rightly, told for sure, bounded.

-- Beyond faults, limits, silence and identity: a client's clock that is wrong, equipment that its agent can't reach,
-- a report that can't be judged. `unconfirmed`: what came since is lost (a restored database), so nobody knows.
ALTER TABLE alert DROP CONSTRAINT alert_kind_check, ADD CONSTRAINT alert_kind_check
    CHECK (kind IN ('fault', 'limit', 'silence', 'identity', 'clock', 'connection', 'unjudged'));
ALTER TABLE alert DROP CONSTRAINT alert_condition_check, ADD CONSTRAINT alert_condition_check
    CHECK (condition IN ('pending', 'active', 'clearing', 'no-data', 'unconfirmed', 'ok'));

ALTER TABLE device_state
    ADD COLUMN equipment_connected boolean,         -- whether the agent reaches the equipment; null: it can't tell
    ADD COLUMN clock_offset_ms bigint;              -- to be added to a numberless client's times; null: not known (16)

-- Names of hospitals, sites and recipients ------------------------------------------------------------------------------
-- What looks alike is one name: composed (NFC), single spaces, none at its ends; api.shapes.base.clean_name does the same.

CREATE FUNCTION clean_name(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    btrim(regexp_replace(normalize(name, NFC), '[\s\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+', ' ', 'g'));

-- Two that are one now: the one that was clean already, else the older one, keeps the name; the other gets its id beside.
UPDATE org o SET name = c.name || CASE WHEN c.nth > 1 THEN ' #' || o.id ELSE '' END
FROM (SELECT id, clean_name(name) AS name, row_number() OVER (
    PARTITION BY clean_name(name) ORDER BY name <> clean_name(name), id) AS nth FROM org) AS c
WHERE c.id = o.id AND (o.name <> c.name OR c.nth > 1);
UPDATE site s SET name = c.name || CASE WHEN c.nth > 1 THEN ' #' || s.id ELSE '' END
FROM (SELECT id, clean_name(name) AS name, row_number() OVER (
    PARTITION BY org_id, clean_name(name) ORDER BY name <> clean_name(name), id) AS nth FROM site) AS c
WHERE c.id = s.id AND (s.name <> c.name OR c.nth > 1);
UPDATE recipient r SET name = c.name || CASE WHEN c.nth > 1 THEN ' #' || r.id ELSE '' END
FROM (SELECT id, clean_name(name) AS name, row_number() OVER (
    PARTITION BY org_id, clean_name(name) ORDER BY name <> clean_name(name), id) AS nth FROM recipient) AS c
WHERE c.id = r.id AND (r.name <> c.name OR c.nth > 1);
ALTER TABLE org ADD CONSTRAINT org_name_clean CHECK (name = clean_name(name));
ALTER TABLE site ADD CONSTRAINT site_name_clean CHECK (name = clean_name(name));
ALTER TABLE recipient ADD CONSTRAINT recipient_name_clean CHECK (name = clean_name(name)),
    ADD CONSTRAINT recipient_name UNIQUE NULLS NOT DISTINCT (org_id, name);

-- No places: what these files beside the zones mean is each machine's own affair.
UPDATE site SET time_zone = 'Asia/Shanghai' WHERE time_zone IN ('localtime', 'Factory');
