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

-- One bad thing hurts only itself --------------------------------------------------------------------------------------

-- What can be added up: neither infinite nor not a number, and so far from the largest that no sum of it ever overflows.
-- A value beyond is bad, whatever quality it was given.
CREATE FUNCTION adds_up(value double precision) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT abs(value) < 1e100 $$;

CREATE OR REPLACE VIEW device_reading WITH (security_barrier) AS
    SELECT r.ts, d.uid AS device, d.id AS device_id, r.metric_id, m.name AS metric, m.unit, r.value,
        CASE WHEN adds_up(r.value) THEN r.quality ELSE 2::smallint END AS quality
    FROM reading r JOIN device d ON d.id = r.device_id JOIN metric m ON m.id = r.metric_id;

-- How the jobs of `steth alerts` are, as whoever leads last said (steth.jobs).
CREATE TABLE job (
    name text PRIMARY KEY,
    ended_at timestamptz,                           -- its last turn that ended well; noted once a minute
    due_at timestamptz NOT NULL,                    -- by when another turn ends at the latest, where somebody leads
    failing_since timestamptz,                      -- null: its last turn ended well
    failures integer NOT NULL DEFAULT 0,            -- turns in a row
    error text NOT NULL DEFAULT ''                  -- type and code, never what it was about
);
GRANT SELECT, INSERT, UPDATE, DELETE ON job TO steth_ingest;

-- Buckets of a roll-up that couldn't be made: each is tried again by itself, ever more seldom, and the rest goes on.
CREATE TABLE rollup_aside (
    level smallint NOT NULL,
    device_id integer NOT NULL,
    lo timestamptz NOT NULL,                        -- where the bucket begins
    error text NOT NULL,                            -- SQLSTATE
    attempts integer NOT NULL DEFAULT 1,
    since timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    PRIMARY KEY (level, device_id, lo)
);
CREATE INDEX rollup_aside_next ON rollup_aside (level, next_at);
GRANT SELECT ON rollup_aside TO steth_ingest;

-- Leases: no promise of a wall clock ---------------------------------------------------------------------------------------

-- A lease that lies further ahead than its length was given before the server's clock was put right: it is void.
-- clock_timestamp(), not now(): what committed after a transaction began must not look as if it lay ahead.
CREATE FUNCTION lease_holds(until timestamptz) RETURNS boolean LANGUAGE sql VOLATILE
    RETURN coalesce(until > clock_timestamp() AND until <= clock_timestamp() + INTERVAL '6 seconds', false);

CREATE OR REPLACE VIEW ingest_partition AS
    SELECT l.id, l.owner IS NOT NULL AND lease_holds(l.lease_until) AS owned, l.clock_ms
    FROM partition_lease l;
