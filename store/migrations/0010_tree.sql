-- Room to grow: a tree of organisations, who serves a device since when, boxes. One transaction, all of it quick: columns
-- come with a constant, no row of a table that grows is written; two indexes on alerts and tickets take the longest.

-- Organisations ---------------------------------------------------------------------------------------------------------
-- operator → dealers → hospitals → sites → boxes → devices (ADR 0036). There is one operator, and its id is 0, so that
-- policies know it without looking.

ALTER TABLE org
    ADD COLUMN kind text NOT NULL DEFAULT 'hospital' CHECK (kind IN ('operator', 'dealer', 'hospital')),
    ADD COLUMN prefix text CHECK (prefix ~ '^[A-Z]{2,6}$') UNIQUE,     -- a dealer's tickets are numbered by it
    ADD CONSTRAINT org_kind_key UNIQUE (id, kind),
    ADD CHECK ((id = 0) = (kind = 'operator')),
    ADD CHECK ((prefix IS NOT NULL) = (kind = 'dealer'));

-- Whose eyes: the organisation of who asks. Set by SET LOCAL only; unset, nothing is seen.
CREATE FUNCTION viewer() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('steth.org', true), '')::integer $$;

-- What belongs to a hospital and to the dealer that served it then.
CREATE FUNCTION sees(org integer, dealer integer) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('steth.org', true), '')::integer IN (0, org, dealer), false) $$;

-- The same, for whoever tells many at once: the live stream.
CREATE FUNCTION seen_by(org integer, dealer integer) RETURNS integer[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT ARRAY[0, org, dealer] $$;

INSERT INTO org (id, name, kind) OVERRIDING SYSTEM VALUE VALUES (0, '平台 Operator', 'operator')
ON CONFLICT (name) DO NOTHING;
INSERT INTO org (id, name, kind) OVERRIDING SYSTEM VALUE SELECT 0, '平台 Operator #0', 'operator'
WHERE NOT EXISTS (SELECT FROM org WHERE id = 0);
-- All that there was belonged to one dealer.
INSERT INTO org (name, kind, prefix) VALUES (
    '服务商 Dealer' || CASE WHEN EXISTS (SELECT FROM org WHERE name = '服务商 Dealer') THEN ' #0' ELSE '' END, 'dealer', 'WX');

-- Whose it is where nobody says it: the dealer's, as long as there is one alone. Null with two of them.
CREATE FUNCTION only_dealer() RETURNS integer LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT CASE count(*) WHEN 1 THEN min(id) END FROM (SELECT id FROM org WHERE kind = 'dealer' LIMIT 2) AS d $$;

-- Hospitals that a dealer works for: it may install there, and sees their names and sites.
CREATE TABLE clientele (
    dealer_id integer NOT NULL REFERENCES org,
    org_id integer NOT NULL REFERENCES org,
    PRIMARY KEY (dealer_id, org_id)
);
CREATE INDEX clientele_org ON clientele (org_id);
INSERT INTO clientele (dealer_id, org_id) SELECT only_dealer(), id FROM org WHERE kind = 'hospital';

-- The order of severities, the worst first (catalog.model.SEVERITIES).
CREATE FUNCTION severity_rank(severity text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT array_position(ARRAY['critical', 'major', 'minor', 'warning'], severity) $$;

-- Who serves a device -----------------------------------------------------------------------------------------------------

ALTER TABLE device ADD COLUMN dealer_id integer REFERENCES org;
UPDATE device SET dealer_id = only_dealer();
ALTER TABLE device ALTER COLUMN dealer_id SET NOT NULL, ALTER COLUMN dealer_id SET DEFAULT only_dealer();
CREATE INDEX device_dealer ON device (dealer_id, id);

-- Dated, without holes: the row without an end is device.dealer_id. Each has what the device, its place and its dealer are
-- called, or were when it ended: that much a dealer goes on seeing, and a list needs no more than this row of each device.
-- `shown`: what tells its dealer who the device is; of each pair of them one.
CREATE TABLE service (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id integer NOT NULL REFERENCES device,
    org_id integer NOT NULL REFERENCES org,
    dealer_id integer NOT NULL REFERENCES org,
    since timestamptz NOT NULL,
    until timestamptz CHECK (until >= since),
    shown boolean NOT NULL DEFAULT true CHECK (shown OR until IS NOT NULL),
    uid text NOT NULL,
    name text NOT NULL,
    model text NOT NULL,
    site_id integer NOT NULL,
    site text NOT NULL,
    time_zone text NOT NULL,
    hospital text NOT NULL,
    dealer text NOT NULL
);
CREATE UNIQUE INDEX service_now ON service (device_id) WHERE until IS NULL;
CREATE UNIQUE INDEX service_shown ON service (device_id, dealer_id) WHERE shown;
CREATE INDEX service_device ON service (device_id, since);
CREATE INDEX service_uid ON service (uid);
CREATE INDEX service_org ON service (org_id);

CREATE FUNCTION begin_service(device integer, since timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO service (device_id, org_id, dealer_id, since, uid, name, model, site_id, site, time_zone, hospital, dealer)
    SELECT d.id, d.org_id, d.dealer_id, begin_service.since, d.uid, d.name, d.model, s.id, s.name, s.time_zone, o.name, k.name
    FROM device d JOIN site s ON s.id = d.site_id JOIN org o ON o.id = d.org_id JOIN org k ON k.id = d.dealer_id
    WHERE d.id = begin_service.device
$$;
SELECT begin_service(id, created_at) FROM device;

-- What is called otherwise now.
CREATE FUNCTION rename_service(devices integer[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE service v SET org_id = d.org_id, name = d.name, model = d.model, site_id = s.id, site = s.name, time_zone = s.time_zone,
        hospital = o.name, dealer = k.name
    FROM device d JOIN site s ON s.id = d.site_id JOIN org o ON o.id = d.org_id JOIN org k ON k.id = d.dealer_id
    WHERE d.id = ANY (devices) AND v.device_id = d.id AND v.until IS NULL
$$;
REVOKE EXECUTE ON FUNCTION begin_service, rename_service FROM PUBLIC;

-- A change that is asked for: `steth jobs` carries it out when it is due.
CREATE TABLE service_change (
    device_id integer PRIMARY KEY REFERENCES device,
    org_id integer NOT NULL REFERENCES org,
    dealer_id integer NOT NULL REFERENCES org,
    due_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL
);
CREATE INDEX service_change_due ON service_change (due_at);

CREATE FUNCTION service_follows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'org' THEN PERFORM rename_service(ARRAY(SELECT d.id FROM device d WHERE d.org_id = NEW.id OR d.dealer_id = NEW.id));
        WHEN 'site' THEN PERFORM rename_service(ARRAY(SELECT d.id FROM device d WHERE d.site_id = NEW.id));
        ELSE IF TG_OP = 'UPDATE' THEN
            PERFORM rename_service(ARRAY[NEW.id]);
        ELSE
            PERFORM begin_service(NEW.id, NEW.created_at);
            INSERT INTO clientele (dealer_id, org_id) VALUES (NEW.dealer_id, NEW.org_id) ON CONFLICT DO NOTHING;
        END IF;
    END CASE;
    RETURN NULL;
END $$;
CREATE TRIGGER service_begins AFTER INSERT ON device FOR EACH ROW EXECUTE FUNCTION service_follows();
CREATE TRIGGER service_follows AFTER UPDATE OF name, model, site_id, org_id ON device FOR EACH ROW EXECUTE FUNCTION service_follows();
CREATE TRIGGER service_follows AFTER UPDATE OF name, time_zone ON site FOR EACH ROW EXECUTE FUNCTION service_follows();
CREATE TRIGGER service_follows AFTER UPDATE OF name ON org FOR EACH ROW EXECUTE FUNCTION service_follows();

DROP TRIGGER device_changed ON device;
CREATE TRIGGER device_changed BEFORE INSERT
    OR UPDATE OF uid, org_id, dealer_id, site_id, partition, model, name, status, enrolled_at
    ON device FOR EACH ROW EXECUTE FUNCTION device_changed();

-- Boxes -------------------------------------------------------------------------------------------------------------------
-- What an agent runs on, as its birth says. The id is the box's word: a copied one is another box at another site.
CREATE TABLE box (
    site_id integer NOT NULL REFERENCES site,
    id text NOT NULL,
    org_id integer NOT NULL REFERENCES org,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,                 -- when the newest session began that named it
    PRIMARY KEY (site_id, id)
);
ALTER TABLE device ADD COLUMN box_id text,          -- null: an agent of a former version, or a maker's client
    ADD FOREIGN KEY (site_id, box_id) REFERENCES box (site_id, id);
CREATE INDEX device_box ON device (site_id, box_id) WHERE box_id IS NOT NULL;

-- Whose a row is --------------------------------------------------------------------------------------------------------
-- Beside the hospital, the dealer that served the device then. Written once: a change of dealer moves what lasts alone, and
-- how the device is, which is of now.

DO $$
DECLARE
    dealer integer := only_dealer();
    grown text;
BEGIN
    FOREACH grown IN ARRAY ARRAY['device_state', 'device_refusal', 'alert', 'alert_operator', 'alert_event', 'ticket', 'ticket_alert', 'ticket_event', 'ticket_evidence',
        'ticket_evidence_event', 'remote_session', 'command', 'ticket_day'] LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN dealer_id integer NOT NULL DEFAULT %s', grown, dealer);
        EXECUTE format('ALTER TABLE %I ALTER COLUMN dealer_id DROP DEFAULT', grown);
    END LOOP;
    -- Recipients, and what they are told, belong to a dealer or to a hospital.
    EXECUTE format('ALTER TABLE recipient ADD COLUMN owner_id integer NOT NULL DEFAULT %s REFERENCES org', dealer);
    EXECUTE format('ALTER TABLE telling ADD COLUMN owner_id integer NOT NULL DEFAULT %s', dealer);
END $$;
ALTER TABLE recipient ALTER COLUMN owner_id SET DEFAULT only_dealer(),
    DROP CONSTRAINT recipient_name,
    ADD CONSTRAINT recipient_name UNIQUE NULLS NOT DISTINCT (owner_id, org_id, name),
    ADD CHECK (owner_id <> 0 AND org_id <> owner_id);       -- org_id: this hospital's tickets alone
ALTER TABLE telling ALTER COLUMN owner_id DROP DEFAULT;
CREATE INDEX alert_dealer ON alert (dealer_id, occurred_at, id);
CREATE INDEX ticket_dealer ON ticket (dealer_id, id);
-- A counter a dealer.
ALTER TABLE ticket_day DROP CONSTRAINT ticket_day_pkey, ADD PRIMARY KEY (dealer_id, day, block);
-- A prepared session of a dealer that left.
ALTER TABLE remote_session DROP CONSTRAINT remote_session_state_check,
    ADD CONSTRAINT remote_session_state_check CHECK (state IN ('prepared', 'withdrawn'));

-- Accounts ----------------------------------------------------------------------------------------------------------------
-- Each of one organisation, with a role of its kind. Old roles and new ones: docs/adr/0036.

DROP POLICY no_administrator ON account;
ALTER TABLE account DROP CONSTRAINT account_role_check, DROP CONSTRAINT account_check, ADD COLUMN org_kind text;
UPDATE account SET
    org_id = coalesce(org_id, CASE role WHEN 'admin' THEN 0 ELSE only_dealer() END),
    org_kind = CASE role WHEN 'admin' THEN 'operator' WHEN 'hospital' THEN 'hospital' ELSE 'dealer' END,
    role = CASE role WHEN 'admin' THEN 'staff' WHEN 'operator' THEN 'noc' WHEN 'hospital' THEN 'equipment' ELSE role END;
ALTER TABLE account ALTER COLUMN org_id SET NOT NULL, ALTER COLUMN org_kind SET NOT NULL,
    ADD FOREIGN KEY (org_id, org_kind) REFERENCES org (id, kind),
    ADD CONSTRAINT account_role_check CHECK (CASE org_kind
        WHEN 'operator' THEN role = 'staff'
        WHEN 'dealer' THEN role IN ('manager', 'noc', 'engineer')
        ELSE role IN ('equipment', 'it', 'department') END);
CREATE INDEX account_org ON account (org_id, id);
CREATE POLICY no_staff ON account AS RESTRICTIVE FOR INSERT WITH CHECK (role <> 'staff');
GRANT SELECT (org_kind), INSERT (org_kind) ON account TO steth_api;

DROP FUNCTION authenticate, account_by_name;
CREATE FUNCTION authenticate(token_hash bytea, now timestamptz,
    OUT token_id integer, OUT account_id integer, OUT name text, OUT role text, OUT org_id integer, OUT org text, OUT version integer,
    OUT password_made boolean, OUT expires_at timestamptz)
RETURNS SETOF record ROWS 1 LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT t.id, a.id, a.name, a.role, a.org_id, o.name, a.version, a.password_made, t.expires_at
    FROM api_token t JOIN account a ON a.id = t.account_id JOIN org o ON o.id = a.org_id
    WHERE t.hash = authenticate.token_hash AND t.revoked_at IS NULL AND a.active
      AND (t.expires_at IS NULL
           OR t.expires_at > authenticate.now AND t.created_at < authenticate.now + INTERVAL '1 day');
END $$;
CREATE FUNCTION account_by_name(login text,
    OUT id integer, OUT name text, OUT role text, OUT org_id integer, OUT org text, OUT version integer,
    OUT password_made boolean, OUT password_hash text)
RETURNS SETOF record ROWS 1 LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, a.name, a.role, a.org_id, o.name, a.version, a.password_made, a.password_hash
    FROM account a JOIN org o ON o.id = a.org_id WHERE a.name = login AND a.active
$$;
REVOKE ALL ON FUNCTION authenticate, account_by_name FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authenticate, account_by_name TO steth_api;

-- The visible set ---------------------------------------------------------------------------------------------------------
-- A hospital sees what is its own; a dealer what it serves now, with its history, and what was its own then; the operator
-- all. sees() comes first and costs nothing; what follows is asked of the rows that it denies, and planned once a session,
-- whatever the session's plan_cache_mode.

CREATE FUNCTION serves_device(device integer) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN EXISTS (SELECT FROM device d WHERE d.id = serves_device.device AND d.dealer_id = viewer());
END $$;
-- For rows of tickets, which don't know their device.
CREATE FUNCTION serves_ticket(ticket bigint) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ticket t JOIN device d ON d.id = t.device_id
        WHERE t.id = serves_ticket.ticket AND d.dealer_id = viewer());
END $$;
-- Those that serve, served or are to serve a hospital: it sees their names.
CREATE FUNCTION serving_dealers() RETURNS SETOF integer LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 5
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT s.dealer_id FROM service s WHERE s.org_id = viewer()
        UNION ALL SELECT c.dealer_id FROM service_change c WHERE c.org_id = viewer();
END $$;

ALTER POLICY tenant ON org USING (sees(id, NULL)
        OR EXISTS (SELECT FROM clientele c WHERE c.dealer_id = viewer() AND c.org_id = org.id)
        OR id IN (SELECT d FROM serving_dealers() AS d))
    WITH CHECK (viewer() = 0);
ALTER POLICY tenant ON site USING (sees(org_id, NULL)
        OR EXISTS (SELECT FROM clientele c WHERE c.dealer_id = viewer() AND c.org_id = site.org_id))
    WITH CHECK (viewer() = 0 OR EXISTS (SELECT FROM clientele c WHERE c.dealer_id = viewer() AND c.org_id = site.org_id));
ALTER POLICY tenant ON device USING (sees(org_id, dealer_id))
    WITH CHECK (viewer() = 0
        OR dealer_id = viewer() AND EXISTS (SELECT FROM clientele c WHERE c.dealer_id = viewer() AND c.org_id = device.org_id));
ALTER POLICY tenant ON device_state USING (sees(org_id, dealer_id));
ALTER POLICY tenant ON device_event USING (sees(org_id, NULL));
ALTER POLICY tenant ON device_refusal USING (sees(org_id, dealer_id));
ALTER POLICY tenant ON org_metric USING (sees(org_id, NULL));
ALTER POLICY tenant ON alert USING (sees(org_id, dealer_id) OR serves_device(device_id));
-- What people add to an alert or a ticket is of the same hospital and dealer: else one could write into another's.
ALTER POLICY tenant ON alert_event USING (sees(org_id, dealer_id) OR serves_device(device_id))
    WITH CHECK (sees(org_id, dealer_id) AND EXISTS (SELECT FROM alert a
        WHERE a.id = alert_id AND (a.device_id, a.org_id, a.dealer_id) = (alert_event.device_id, alert_event.org_id, alert_event.dealer_id)));
ALTER POLICY tenant ON alert_operator USING (sees(org_id, dealer_id))
    WITH CHECK (sees(org_id, dealer_id) AND EXISTS (SELECT FROM alert a
        WHERE a.id = alert_id AND (a.org_id, a.dealer_id) = (alert_operator.org_id, alert_operator.dealer_id)));
ALTER POLICY tenant ON ticket USING (sees(org_id, dealer_id) OR serves_device(device_id))
    WITH CHECK (sees(org_id, dealer_id));
ALTER POLICY tenant ON remote_session USING (sees(org_id, dealer_id) OR serves_device(device_id))
    WITH CHECK (sees(org_id, dealer_id));
ALTER POLICY tenant ON command USING (sees(org_id, dealer_id) OR serves_device(device_id))
    WITH CHECK (sees(org_id, dealer_id));
ALTER POLICY tenant ON ticket_alert USING (sees(org_id, dealer_id) OR serves_ticket(ticket_id)) WITH CHECK (sees(org_id, dealer_id));
ALTER POLICY tenant ON ticket_evidence USING (sees(org_id, dealer_id) OR serves_ticket(ticket_id));
ALTER POLICY tenant ON ticket_evidence_event USING (sees(org_id, dealer_id) OR serves_ticket(ticket_id));
-- Whom a dealer told, and what became of it, is the dealer's own.
ALTER POLICY tenant ON ticket_event
    USING (CASE event WHEN 'telling-given-up' THEN sees(NULL, dealer_id) ELSE sees(org_id, dealer_id) OR serves_ticket(ticket_id) END)
    WITH CHECK (sees(org_id, dealer_id) AND EXISTS (SELECT FROM ticket t
        WHERE t.id = ticket_id AND (t.org_id, t.dealer_id) = (ticket_event.org_id, ticket_event.dealer_id)));
ALTER POLICY tenant ON recipient USING (sees(NULL, owner_id)) WITH CHECK (sees(NULL, owner_id));
ALTER POLICY tenant ON telling USING (sees(NULL, owner_id));
ALTER POLICY tenant ON account USING (sees(org_id, NULL));
ALTER POLICY tenant ON audit USING (sees(org_id, NULL));
ALTER POLICY tenant ON audit_chain USING (sees(org_id, NULL));
DROP FUNCTION sees_org(integer);

ALTER TABLE clientele ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON clientele USING (sees(org_id, dealer_id)) WITH CHECK (viewer() = 0);
ALTER TABLE service ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON service USING (sees(org_id, dealer_id));
ALTER TABLE service_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON service_change USING (viewer() = 0);
CREATE POLICY hospital ON service_change FOR SELECT USING (sees(org_id, NULL));
CREATE POLICY every_change ON service_change TO steth_jobs USING (true);
ALTER TABLE box ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON box USING (sees(org_id, NULL)
    OR EXISTS (SELECT FROM device d WHERE d.site_id = box.site_id AND d.box_id = box.id AND d.dealer_id = viewer()));
CREATE POLICY every_box ON box TO steth_ingest USING (true) WITH CHECK (true);

-- A dealer finds or makes a hospital by its name. Null: there is one of this name, and it isn't this dealer's to see:
-- the operator brings the two together.
CREATE FUNCTION add_hospital(hospital text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found integer;
BEGIN
    IF (viewer() = 0 OR EXISTS (SELECT FROM org WHERE id = viewer() AND kind = 'dealer')) IS NOT TRUE THEN
        RAISE EXCEPTION 'hospitals are made by the operator and by dealers' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO org (name) VALUES (hospital) ON CONFLICT (name) DO NOTHING RETURNING id INTO found;
    IF found IS NOT NULL THEN
        INSERT INTO clientele (dealer_id, org_id) SELECT viewer(), found WHERE viewer() <> 0;
    ELSE
        SELECT o.id INTO found FROM org o WHERE o.name = hospital AND o.kind = 'hospital'
            AND (viewer() = 0 OR EXISTS (SELECT FROM clientele c WHERE c.dealer_id = viewer() AND c.org_id = o.id));
    END IF;
    RETURN found;
END $$;

-- Whose entry is next, whoever writes it: an act on a hospital's equipment stands in the hospital's chain.
CREATE FUNCTION audit_head(org integer) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT c.head FROM audit_chain c WHERE c.org_id IS NOT DISTINCT FROM org $$;
REVOKE ALL ON FUNCTION add_hospital, audit_head, only_dealer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION add_hospital, audit_head, only_dealer TO steth_api;
REVOKE ALL ON FUNCTION serves_device, serves_ticket, serving_dealers FROM PUBLIC;
GRANT EXECUTE ON FUNCTION serves_device, serves_ticket, serving_dealers TO steth_api, steth_view, steth_ingest, steth_jobs;

-- What of another dealer's time is shown ------------------------------------------------------------------------------------
-- Who a device is: as it is called, or, to a dealer that served it once, as it was called then (`served`: the former). For
-- joins: no barrier, which would have all of it read for each; service has a policy of its own.
CREATE VIEW shown_device AS
    SELECT e.device_id AS id, e.uid, e.org_id, e.dealer_id, e.name, e.model, e.site_id, e.site, e.time_zone, e.hospital, e.dealer,
        e.until IS NULL AS served
    FROM service e
    WHERE e.shown AND (e.until IS NULL OR e.dealer_id = viewer());
-- What devices told, as their readings: by the device's policy, which is asked once.
CREATE VIEW seen_device_event WITH (security_barrier) AS
    SELECT e.id, d.id AS device_id, e.at, e.learned_at, e.kind, e.body FROM device_event e JOIN device d ON d.id = e.device_id;
CREATE POLICY shown ON device_event FOR SELECT TO steth_view USING (true);
REVOKE SELECT ON device_event FROM steth_api;
-- The names of the metrics that devices of its own have, or of a hospital that it works for.
CREATE FUNCTION sees_metric(metric integer) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN viewer() = 0 OR EXISTS (SELECT FROM org_metric o WHERE o.metric_id = sees_metric.metric AND o.org_id = viewer())
        OR EXISTS (SELECT FROM clientele c JOIN org_metric o ON o.org_id = c.org_id AND o.metric_id = sees_metric.metric
            WHERE c.dealer_id = viewer());
END $$;
REVOKE ALL ON FUNCTION sees_metric FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sees_metric TO steth_api;
CREATE OR REPLACE VIEW seen_metric WITH (security_barrier) AS SELECT m.id, m.name, m.unit FROM metric m WHERE sees_metric(m.id);
REVOKE SELECT ON org_metric FROM steth_view;
-- What was done, without who did it and what he noted, to whoever came later.
CREATE VIEW seen_alert_event WITH (security_barrier) AS
    SELECT e.id, e.alert_id, e.device_id, e.at, e.learned_at, e.event, e.from_state, e.to_state, e.message,
        CASE WHEN sees(e.org_id, e.dealer_id) THEN e.actor ELSE '' END AS actor,
        CASE WHEN e.actor = '' OR sees(e.org_id, e.dealer_id) THEN e.params ELSE '{"who": "", "note": ""}' END AS params
    FROM alert_event e;
CREATE VIEW seen_ticket_event WITH (security_barrier) AS
    SELECT e.id, e.ticket_id, e.at, e.event, e.message,
        CASE WHEN sees(e.org_id, e.dealer_id) THEN e.actor ELSE '' END AS actor,
        CASE WHEN e.actor = '' OR sees(e.org_id, e.dealer_id) THEN e.params
            ELSE jsonb_build_object('who', '', 'note', '', 'old', e.params -> 'old', 'new', e.params -> 'new',
                'active_alerts', e.params -> 'active_alerts') END AS params
    FROM ticket_event e;
ALTER VIEW shown_device OWNER TO steth_view;
ALTER VIEW seen_device_event OWNER TO steth_view;
ALTER VIEW seen_alert_event OWNER TO steth_view;
ALTER VIEW seen_ticket_event OWNER TO steth_view;
GRANT SELECT ON service, device_event, alert_event, ticket_event TO steth_view;
GRANT SELECT ON shown_device, seen_device_event, seen_alert_event, seen_ticket_event TO steth_api;
REVOKE SELECT ON alert_event, ticket_event FROM steth_api;
GRANT SELECT (id, xid, alert_id, device_id, org_id, dealer_id, at, learned_at, event) ON alert_event TO steth_api;
GRANT SELECT (id, xid, ticket_id, org_id, dealer_id, at, event) ON ticket_event TO steth_api;

-- What the roles may ------------------------------------------------------------------------------------------------------
GRANT SELECT (dealer_id, box_id), UPDATE (box_id) ON device TO steth_ingest;
GRANT SELECT (id, prefix) ON org TO steth_ingest;
ALTER POLICY every_org ON org TO steth_ingest, steth_jobs;
GRANT SELECT, INSERT, DELETE, UPDATE (last_seen) ON box TO steth_ingest;
GRANT SELECT (dealer_id) ON device TO steth_jobs;
GRANT SELECT ON service_change TO steth_jobs;
-- The API writes what its routes write; whose a row is stays. Commands are made by who opens a ticket.
REVOKE INSERT ON command FROM steth_api;
REVOKE UPDATE ON device, ticket, alert_operator FROM steth_api;
GRANT UPDATE (status, closed_at, version) ON ticket TO steth_api;
GRANT UPDATE (state, actor, note, at, version) ON alert_operator TO steth_api;
GRANT UPDATE (name, department, serial, status, code_hash, code_expires_at, enrolled_at, version) ON device TO steth_api;
GRANT UPDATE (name, prefix) ON org TO steth_api;
GRANT SELECT, INSERT ON clientele TO steth_api;
GRANT SELECT ON service, box TO steth_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON service_change TO steth_api;

-- Telling -----------------------------------------------------------------------------------------------------------------
-- A row for each recipient of the ticket's dealer and of its hospital, none of whom ingest sees.
CREATE OR REPLACE FUNCTION tell(told jsonb) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO telling (ticket_id, step, recipient_id, org_id, owner_id, message, params, next_at)
    SELECT k.id, t.step, r.id, k.org_id, r.owner_id, t.message, t.params, to_timestamp(t.at_ms / 1000.0)
    FROM jsonb_to_recordset(told) AS t (ticket_id bigint, step text, message text, params jsonb, at_ms bigint)
    JOIN ticket k ON k.id = t.ticket_id
    JOIN recipient r ON r.active AND r.owner_id IN (k.dealer_id, k.org_id) AND (r.org_id IS NULL OR r.org_id = k.org_id)
    ON CONFLICT (ticket_id, step, recipient_id) DO NOTHING;
$$;

-- A change of dealer --------------------------------------------------------------------------------------------------------
-- In one transaction, of `steth jobs`: from its commit on the former dealer sees nothing new. The partition's lock lets
-- batches that run end first, and whoever begins afterwards reads whose the device is now. Returns the tickets that open
-- for the new dealer because something is still wrong, without number, session and telling yet, which ticket was there before,
-- and the runbook that was prepared for it.
CREATE FUNCTION change_dealer(device integer, at timestamptz)
RETURNS TABLE (ticket_id bigint, before text, runbook text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    asked service_change;
    known device;
    former integer;
    ended ticket;
    lasting uuid[];
    worst text;
BEGIN
    PERFORM FROM partition p WHERE p.id = (SELECT d.partition FROM device d WHERE d.id = change_dealer.device) FOR UPDATE;
    DELETE FROM service_change c WHERE c.device_id = change_dealer.device AND c.due_at <= change_dealer.at RETURNING c.* INTO asked;
    SELECT * INTO known FROM device d WHERE d.id = change_dealer.device FOR NO KEY UPDATE;
    former := known.dealer_id;
    IF asked.dealer_id IS NULL OR former = asked.dealer_id THEN
        RETURN;
    END IF;

    UPDATE service v SET until = greatest(change_dealer.at, v.since) WHERE v.device_id = known.id AND v.until IS NULL;
    UPDATE service v SET shown = false WHERE v.device_id = known.id AND v.dealer_id = asked.dealer_id AND v.shown;
    -- A one-time code that the former one minted is good no more.
    UPDATE device d SET dealer_id = asked.dealer_id, code_hash = NULL, code_expires_at = NULL WHERE d.id = known.id;
    PERFORM begin_service(known.id, (SELECT max(v.until) FROM service v WHERE v.device_id = known.id));
    UPDATE device_state s SET dealer_id = asked.dealer_id WHERE s.device_id = known.id;
    UPDATE device_refusal r SET dealer_id = asked.dealer_id WHERE r.device_id = known.id;
    INSERT INTO clientele (dealer_id, org_id) VALUES (asked.dealer_id, known.org_id) ON CONFLICT DO NOTHING;
    DELETE FROM clientele c WHERE c.dealer_id = former AND c.org_id = known.org_id
        AND NOT EXISTS (SELECT FROM device d WHERE d.dealer_id = former AND d.org_id = known.org_id);

    -- What lasts is the new one's, and nobody of it has taken note of it yet. A row for each: somebody of the former one's may
    -- be about to make the first at this moment, and then one of the two waits for the other.
    INSERT INTO alert_operator AS p (alert_id, org_id, dealer_id, state, actor, note, at, version)
    SELECT a.id, a.org_id, asked.dealer_id, 'unacknowledged', '', '', change_dealer.at, 1
    FROM alert a WHERE a.device_id = known.id AND a.condition <> 'ok' ORDER BY a.id
    ON CONFLICT (alert_id) DO UPDATE SET dealer_id = excluded.dealer_id, state = excluded.state, actor = '', note = '',
        at = excluded.at, version = p.version + 1;
    UPDATE alert a SET dealer_id = asked.dealer_id WHERE a.device_id = known.id AND a.condition <> 'ok';

    -- The former one's tickets end here, with what was known by now. Where something is still wrong, the new one gets its own,
    -- whatever the former one made of it: he may have closed his while it lasted.
    FOR ended IN SELECT t.* FROM ticket t WHERE t.device_id = known.id
        AND (t.status <> 'closed' OR EXISTS (SELECT FROM ticket_alert b JOIN alert a ON a.id = b.alert_id
            WHERE b.ticket_id = t.id AND a.condition NOT IN ('ok', 'pending')))
        ORDER BY t.family, t.status = 'closed', t.id DESC FOR NO KEY UPDATE LOOP
        IF ended.status <> 'closed' THEN
            INSERT INTO ticket_event (ticket_id, org_id, dealer_id, at, event, message, params)
            VALUES (ended.id, ended.org_id, ended.dealer_id, change_dealer.at, 'handed-over', 'ticket.handed_over',
                jsonb_build_object('old', ended.status));
            UPDATE ticket t SET status = 'closed', closed_at = change_dealer.at, version = t.version + 1 WHERE t.id = ended.id;
        END IF;
        SELECT array_agg(DISTINCT a.id), (array_agg(a.severity ORDER BY severity_rank(a.severity)))[1] INTO lasting, worst
        FROM ticket t JOIN ticket_alert b ON b.ticket_id = t.id JOIN alert a ON a.id = b.alert_id
        WHERE t.device_id = known.id AND t.family = ended.family AND a.condition NOT IN ('ok', 'pending');
        CONTINUE WHEN lasting IS NULL OR known.status <> 'active' OR EXISTS (
            SELECT FROM ticket t WHERE t.device_id = known.id AND t.family = ended.family AND t.status <> 'closed');
        INSERT INTO ticket (number, org_id, dealer_id, site_id, device_id, family, severity, occurred_at, detected_at, opened_at,
            evidence_from, evidence_to, causes, parts, message, params)
        VALUES ('opening-' || gen_random_uuid(), known.org_id, asked.dealer_id, known.site_id, known.id, ended.family, worst,
            ended.occurred_at, ended.detected_at, change_dealer.at, ended.evidence_from, ended.evidence_to, ended.causes, ended.parts,
            ended.message, ended.params)
        RETURNING id INTO ticket_id;
        INSERT INTO ticket_alert (ticket_id, alert_id, org_id, dealer_id)
        SELECT change_dealer.ticket_id, unnest(lasting), known.org_id, asked.dealer_id;
        before := ended.number;
        SELECT r.runbook INTO runbook FROM remote_session r WHERE r.ticket_id = ended.id ORDER BY r.id DESC LIMIT 1;
        RETURN NEXT;
    END LOOP;
    UPDATE ticket t SET evidence_to = greatest(t.evidence_from, least(t.evidence_to, change_dealer.at))
    WHERE t.device_id = known.id AND t.dealer_id = former AND t.evidence_readings IS NULL;
    UPDATE telling g SET state = 'given-up', error = 'telling.handed_over', error_params = '{}'
    FROM ticket t WHERE t.device_id = known.id AND t.dealer_id = former AND g.ticket_id = t.id AND g.state = 'waiting'
        -- The hospital's own are told of what was, where they aren't told of the new one's ticket instead.
        AND (g.owner_id <> t.org_id OR EXISTS (
            SELECT FROM ticket k WHERE k.device_id = known.id AND k.family = t.family AND k.status <> 'closed'));
    UPDATE remote_session r SET state = 'withdrawn', version = r.version + 1
    WHERE r.device_id = known.id AND r.dealer_id = former AND r.state = 'prepared';
    -- An answer that still comes is the new one's to see.
    UPDATE command c SET status = 'expired', dealer_id = asked.dealer_id WHERE c.device_id = known.id AND c.status = 'waiting';
END $$;
REVOKE EXECUTE ON FUNCTION change_dealer(integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION change_dealer(integer, timestamptz) TO steth_jobs;
-- What opens by it is numbered, prepared and told as what a batch opens.
GRANT UPDATE (number) ON ticket TO steth_jobs;
GRANT INSERT ON remote_session, command TO steth_jobs;
ALTER POLICY every_session ON remote_session TO steth_ingest, steth_jobs;
GRANT SELECT, INSERT, UPDATE ON ticket_day TO steth_jobs;
GRANT EXECUTE ON FUNCTION tell(jsonb) TO steth_jobs;
