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

-- Names of metrics --------------------------------------------------------------------------------------------------------
-- What a device named beside its model's signals, whatever its time: it may make so many and no more (ingest.metrics).
CREATE TABLE device_metric (
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    PRIMARY KEY (device_id, metric_id)
);
GRANT SELECT, INSERT ON device_metric TO steth_ingest;

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

-- A restored copy ------------------------------------------------------------------------------------------------------
-- What the database knows of where it is, so that a copy notices that it is one: a dump restored into another database
-- (its identifier or oid), a base backup brought to a point in time (its timeline), or an older state put back in place
-- (several devices at once whose reports never came). What was given out after the copy was made can't be known from it.

CREATE TABLE installation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    system_identifier bigint,                       -- of the cluster; null: nobody has looked yet
    database oid,
    timeline integer,
    restores integer NOT NULL DEFAULT 0,
    restored_at timestamptz,                        -- when it was last noticed
    restored_by text CHECK (restored_by IN ('dump', 'timeline', 'gaps')),
    known_until timestamptz,                        -- the newest report that the copy knew then
    -- Numbers of transactions begin anew in another cluster. Rows that are read in their order bear the number plus this
    -- base, which a copy raises above all that its former life can have given out.
    xid_base bigint NOT NULL DEFAULT 0,
    xid_from bigint NOT NULL DEFAULT 0              -- the first of this life: a reader's position below is of another
);
INSERT INTO installation DEFAULT VALUES;
GRANT SELECT ON installation TO steth_ingest, steth_api;

-- Since the last restore: the devices that have not been heard, as the copy knew them.
CREATE TABLE restored_device (
    device_id integer PRIMARY KEY,
    epoch text,                                     -- of the live lane; null: a client without numbers
    heard_at timestamptz NOT NULL
);
GRANT SELECT, DELETE ON restored_device TO steth_ingest;

-- Of this transaction; and below which every transaction has ended (DELIVERY 19).
CREATE FUNCTION row_xid() RETURNS xid8 LANGUAGE sql STABLE RETURN
    ((pg_current_xact_id()::text::bigint + coalesce((SELECT i.xid_base FROM installation i), 0))::text::xid8);
CREATE FUNCTION row_horizon() RETURNS xid8 LANGUAGE sql STABLE RETURN
    ((pg_snapshot_xmin(pg_current_snapshot())::text::bigint + coalesce((SELECT i.xid_base FROM installation i), 0))::text::xid8);
ALTER TABLE device_event ALTER COLUMN xid SET DEFAULT row_xid();
ALTER TABLE alert_event ALTER COLUMN xid SET DEFAULT row_xid();
ALTER TABLE ticket_event ALTER COLUMN xid SET DEFAULT row_xid();

-- Called by each process as it starts, and now and then: cheap, and nothing where all is as known. True: it was noticed
-- now that this is a copy. `put_back`: somebody saw that an older state was put back in place.
CREATE FUNCTION settle_installation(put_back boolean DEFAULT false) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    known installation;
    here_system bigint := (SELECT c.system_identifier FROM pg_control_system() c);
    here_database oid := (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
    here_timeline integer := ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
    how text;
    mine bigint;
    beyond bigint;
BEGIN
    SELECT * INTO known FROM installation;
    IF NOT put_back AND (known.system_identifier, known.database, known.timeline)
            IS NOT DISTINCT FROM (here_system, here_database, here_timeline) THEN
        RETURN false;
    END IF;
    -- Waits for whoever has taken a number by the old base, so that none of them commits behind a reader.
    LOCK TABLE installation IN ACCESS EXCLUSIVE MODE;
    SELECT * INTO known FROM installation;
    mine := pg_current_xact_id()::text::bigint;
    beyond := greatest(
        (SELECT e.xid::text::bigint FROM device_event e ORDER BY e.xid DESC LIMIT 1),
        (SELECT e.xid::text::bigint FROM alert_event e ORDER BY e.xid DESC LIMIT 1),
        (SELECT e.xid::text::bigint FROM ticket_event e ORDER BY e.xid DESC LIMIT 1), 0);
    how := CASE
        -- A copy of before this table was there shows it by its rows alone.
        WHEN known.system_identifier IS NULL THEN CASE WHEN beyond > known.xid_base + mine THEN 'dump' END
        WHEN (known.system_identifier, known.database) <> (here_system, here_database) THEN 'dump'
        WHEN known.timeline <> here_timeline THEN 'timeline'
        -- Several who see the same are one.
        WHEN put_back AND coalesce(known.restored_at < clock_timestamp() - INTERVAL '1 minute', true) THEN 'gaps'
    END;
    UPDATE installation SET system_identifier = here_system, database = here_database, timeline = here_timeline;
    -- A template without devices has given out nothing.
    IF how IS NULL OR NOT EXISTS (SELECT FROM device) THEN
        RETURN false;
    END IF;
    -- By the time: a second copy made of the same backup knows nothing of what the first gave out. 2^31 transactions a
    -- second are more than any life has.
    beyond := greatest((extract(epoch FROM clock_timestamp())::bigint) << 31, beyond + 1, known.xid_base + mine + 1);
    UPDATE installation SET restores = restores + 1, restored_at = clock_timestamp(), restored_by = how,
        known_until = (SELECT max(m.at) FROM mark m), xid_base = beyond - mine, xid_from = beyond;
    DELETE FROM restored_device;
    INSERT INTO restored_device (device_id, epoch, heard_at)
    SELECT d.id, m.epoch, greatest(m.at, s.seen_at)
    FROM device d LEFT JOIN mark m ON m.device_id = d.id AND m.lane = 0
    LEFT JOIN device_state s ON s.device_id = d.id AND s.lane = 0
    WHERE d.status = 'active' AND greatest(m.at, s.seen_at) IS NOT NULL;
    RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION settle_installation(boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION settle_installation(boolean) TO steth_ingest, steth_api;

-- The day's numbers of tickets go on in a block of their own (desk.numbers); 0: nothing was restored.
ALTER TABLE ticket_day ADD COLUMN block integer NOT NULL DEFAULT 0, DROP CONSTRAINT ticket_day_pkey,
    ADD PRIMARY KEY (day, block);

-- What never came, on the device's page and its tickets. Of before this version nothing more is said.
ALTER TABLE gap ADD COLUMN since timestamptz,       -- when the lane was last heard before; null: never
    ADD COLUMN said boolean NOT NULL DEFAULT true;  -- written into the device's open tickets
ALTER TABLE gap ALTER COLUMN said SET DEFAULT false;
CREATE INDEX gap_unsaid ON gap (id) WHERE NOT said;
CREATE INDEX gap_device ON gap (device_id, at);
CREATE INDEX gap_live ON gap (at) WHERE lane = 0;
CREATE VIEW device_gap WITH (security_barrier) AS
    SELECT g.id, d.id AS device_id, g.lane, g.since, g.at, nullif(g.last_seq - g.first_seq + 1, 0) AS reports
    FROM gap g JOIN device d ON d.id = g.device_id;
ALTER VIEW device_gap OWNER TO steth_view;
GRANT SELECT ON gap TO steth_view;
GRANT SELECT ON device_gap TO steth_api;

-- What grows is bounded ------------------------------------------------------------------------------------------------
-- What ended, in the order in which it goes (store.sweep). device_event, gap and what else has no end goes by its number.
CREATE INDEX alert_ended ON alert (cleared_at) WHERE condition = 'ok';
CREATE INDEX alert_event_loose ON alert_event (learned_at) WHERE alert_id IS NULL;
CREATE INDEX telling_ended ON telling (next_at) WHERE state <> 'waiting';
CREATE INDEX command_ended ON command (issued_at) WHERE status <> 'waiting';
CREATE INDEX idempotency_at ON idempotency (at);
CREATE INDEX dead_letter_at ON dead_letter (at);

-- A hospital's and a site's own, in the order of their lists.
CREATE INDEX ticket_org ON ticket (org_id, id);
CREATE INDEX ticket_site ON ticket (site_id, id);
CREATE INDEX alert_org ON alert (org_id, occurred_at, id);

-- The evidence of a ticket: a copy, kept as long as the ticket ------------------------------------------------------------
-- Readings are dropped by age; what a ticket rests on isn't. Packed: a row a signal, in order of time.

CREATE TABLE ticket_evidence (
    ticket_id bigint NOT NULL REFERENCES ticket ON DELETE CASCADE,
    org_id integer NOT NULL,
    metric text NOT NULL,
    unit text NOT NULL,                             -- '' = as the catalog says
    at timestamptz[] NOT NULL,
    value double precision[] NOT NULL,
    quality smallint[] NOT NULL,
    PRIMARY KEY (ticket_id, metric, unit)
);
ALTER TABLE ticket_evidence ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ticket_evidence USING (sees_org(org_id));
CREATE POLICY every_evidence ON ticket_evidence TO steth_ingest USING (true) WITH CHECK (true);

CREATE TABLE ticket_evidence_event (
    ticket_id bigint NOT NULL REFERENCES ticket ON DELETE CASCADE,
    org_id integer NOT NULL,
    event_id bigint NOT NULL,                       -- of device_event
    at timestamptz NOT NULL,
    kind text NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (ticket_id, event_id)
);
ALTER TABLE ticket_evidence_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ticket_evidence_event USING (sees_org(org_id));
CREATE POLICY every_evidence_event ON ticket_evidence_event TO steth_ingest USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON ticket_evidence, ticket_evidence_event TO steth_ingest;
GRANT SELECT ON ticket_evidence, ticket_evidence_event TO steth_api;

-- Null: there is no copy; one that the former version froze gets it of what is still there.
ALTER TABLE ticket ADD COLUMN evidence_readings integer,        -- how many were copied
    ADD COLUMN evidence_cut boolean NOT NULL DEFAULT false,     -- there were more than a copy holds: it has the newest
    ADD COLUMN evidence_next_at timestamptz;                    -- copying failed: not tried again before
CREATE INDEX ticket_uncopied ON ticket (id) WHERE evidence_readings IS NULL AND evidence_frozen_at IS NOT NULL;
-- What an operator changes, ingest learns at once ----------------------------------------------------------------------

-- Which transaction last changed what ingest knows of a device. Ingest reads what lies between the oldest transaction
-- that ran when it last looked and the newest there can be by now: in a copy restored into another cluster, numbers of
-- that cluster's future tell nothing.
ALTER TABLE device ADD COLUMN changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX device_changed ON device (changed_xid);
CREATE FUNCTION device_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER device_changed BEFORE INSERT OR UPDATE OF uid, org_id, site_id, partition, model, name, status, enrolled_at
    ON device FOR EACH ROW EXECUTE FUNCTION device_changed();

-- Telling: bounded, and visibly so -------------------------------------------------------------------------------------

-- The desk tells a recipient one message at a time: the row is claimed, and rests after it, from rest_from until
-- rest_until. A rest that began in the future is void: the clock was put right.
ALTER TABLE recipient
    ADD COLUMN rest_from timestamptz,
    ADD COLUMN rest_until timestamptz,
    ADD COLUMN told_at timestamptz,                 -- when a message last got through
    ADD COLUMN failing_since timestamptz,           -- the first failure since then; null: none
    ADD COLUMN failures integer NOT NULL DEFAULT 0,
    ADD COLUMN error text NOT NULL DEFAULT '',      -- the last failure: a message of the catalog
    ADD COLUMN error_params jsonb NOT NULL DEFAULT '{}',
    -- A test message that somebody asked for, and what became of it.
    ADD COLUMN test_state text CHECK (test_state IN ('waiting', 'told', 'given-up')),
    ADD COLUMN test_at timestamptz;
GRANT UPDATE (rest_from, rest_until, told_at, failing_since, failures, error, error_params, test_state, test_at)
    ON recipient TO steth_ingest;

ALTER TABLE telling
    ADD COLUMN at timestamptz NOT NULL DEFAULT now(),       -- when it began to wait; of rows before this: the migration
    ADD COLUMN refused smallint NOT NULL DEFAULT 0,         -- of the attempts those that the receiver answered with no
    ADD COLUMN error_params jsonb NOT NULL DEFAULT '{}';
DROP INDEX telling_due;
CREATE INDEX telling_waiting ON telling (recipient_id, next_at, id) WHERE state = 'waiting';
CREATE INDEX telling_first ON telling (at) WHERE state = 'waiting';
-- A claim of the former desk: nobody holds it any more.
UPDATE telling SET next_at = now() WHERE state = 'waiting' AND next_at > now();
