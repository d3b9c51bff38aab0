-- Let no one in, keep nothing of a patient.

-- Names of metrics ------------------------------------------------------------------------------------------------------
-- No name but the catalog's is taken any more (ADR 0028), so that nobody has to count those that a device makes.
DROP TABLE device_metric;

-- Which metrics the devices of a tenant have: it sees the names of no others.
CREATE TABLE org_metric (
    metric_id integer NOT NULL,
    org_id integer NOT NULL,
    PRIMARY KEY (metric_id, org_id)
);
ALTER TABLE org_metric ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON org_metric USING (sees_org(org_id));
CREATE POLICY every_metric ON org_metric TO steth_ingest USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON org_metric TO steth_ingest;
GRANT SELECT ON org_metric TO steth_view;
-- Of those that are watched, ingest knows when it loads them.
SELECT set_config('steth.org', '*', true);
INSERT INTO org_metric (metric_id, org_id)
SELECT DISTINCT r.metric_id, d.org_id FROM device d
CROSS JOIN LATERAL (SELECT DISTINCT s.metric_id FROM series_1d s WHERE s.device_id = d.id) AS r
WHERE d.status = 'retired';
SELECT set_config('steth.org', '', true);

CREATE VIEW seen_metric WITH (security_barrier) AS
    SELECT m.id, m.name, m.unit FROM metric m WHERE EXISTS (SELECT FROM org_metric o WHERE o.metric_id = m.id);
ALTER VIEW seen_metric OWNER TO steth_view;
REVOKE SELECT ON metric FROM steth_api;
GRANT SELECT ON seen_metric TO steth_api;

-- Dead letters ------------------------------------------------------------------------------------------------------------
-- What a message was like, never what was in it (ADR 0029). A new table, since a column that is dropped stays on the disk
-- in every row written before.

CREATE TABLE letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition smallint NOT NULL,
    device_id integer NOT NULL,                     -- 0: not a device of ours
    lane smallint NOT NULL,
    began timestamptz NOT NULL,                     -- of the ten minutes whose letters alike are this row
    code text NOT NULL,                             -- a WireErrorCode or another stable word
    place text NOT NULL,                            -- empty: any of those beyond what a device has of its own
    detail text NOT NULL,                           -- this and what follows count: of the first of them
    since timestamptz NOT NULL,
    at timestamptz NOT NULL,                        -- of the last of them
    count bigint NOT NULL,
    epoch text,
    seq bigint,
    content_type text NOT NULL,                     -- one of the contract's, other, or empty
    digest bytea NOT NULL,                          -- SHA-256 of the body
    bytes integer NOT NULL,
    excerpt text NOT NULL                           -- the body's structure, without its values
);

-- A place and a detail are the words of a former version, in which nothing of a sender is known to be; what has another
-- form than ours goes. Of senders that are none of ours the first kilobyte was kept: digest and size are of that.
WITH old AS (
    SELECT id, at, partition, coalesce(device_id, 0) AS device_id, coalesce(lane, 0) AS lane,
        date_bin('10 minutes', at, '2000-01-01 00:00+00') AS began, code,
        CASE WHEN place ~ '^[][$a-z_0-9., ]*$' AND device_id IS NOT NULL THEN place ELSE '' END AS place
    FROM dead_letter
), kinds AS (
    SELECT partition, device_id, lane, began, code, place, min(id) AS first, min(at) AS since, max(at) AS at, count(*) AS count
    FROM old GROUP BY partition, device_id, lane, began, code, place
)
INSERT INTO letter (partition, device_id, lane, began, code, place, detail, since, at, count, epoch, seq, content_type,
    digest, bytes, excerpt)
SELECT k.partition, k.device_id, k.lane, k.began, k.code, k.place, '', k.since, k.at, k.count, d.epoch, d.seq,
    CASE WHEN d.content_type IN ('', 'application/json', 'application/msgpack') THEN d.content_type ELSE 'other' END,
    sha256(d.body), length(d.body), ''
FROM kinds k JOIN dead_letter d ON d.id = k.first ORDER BY d.id;

DROP TABLE dead_letter;
ALTER TABLE letter RENAME TO dead_letter;
ALTER SEQUENCE letter_id_seq RENAME TO dead_letter_id_seq;
ALTER INDEX letter_pkey RENAME TO dead_letter_pkey;
CREATE UNIQUE INDEX dead_letter_kind ON dead_letter (partition, device_id, lane, began, code, place);
CREATE INDEX dead_letter_device ON dead_letter (device_id, at);
CREATE INDEX dead_letter_at ON dead_letter (at);
GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letter TO steth_ingest;

-- The role of jobs --------------------------------------------------------------------------------------------------------
-- `steth alerts` logs in as steth_jobs, with what its jobs need and no more; steth_ingest keeps what a batch needs. What
-- takes an owner is done by functions of the owner's, which refuse what is asked beyond that purpose. tests/integration/store/rights.toml
-- has every right of every role.

-- How long what is kept, in days, as `steth migrate` was told: steth_jobs can drop and delete nothing younger.
CREATE TABLE keeping (
    what text PRIMARY KEY,                          -- a table of readings; event; letter
    days integer NOT NULL CHECK (days >= 1)
);
INSERT INTO keeping (what, days)
VALUES ('reading', 92), ('reading_1m', 366), ('reading_1h', 1830), ('event', 366), ('letter', 92);
CREATE FUNCTION kept_since(what text) RETURNS timestamptz LANGUAGE sql STABLE RETURN
    (SELECT now() - make_interval(days => k.days) FROM keeping k WHERE k.what = kept_since.what);
GRANT SELECT ON keeping TO steth_ingest, steth_jobs;

-- Ingest, in the transaction that opens a ticket: a row of telling for each recipient, none of whom it sees. Whose the
-- ticket is, the ticket says. Keyed (ticket, step, recipient): twice is once.
CREATE FUNCTION tell(told jsonb) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO telling (ticket_id, step, recipient_id, org_id, message, params, next_at)
    SELECT k.id, t.step, r.id, k.org_id, t.message, t.params, to_timestamp(t.at_ms / 1000.0)
    FROM jsonb_to_recordset(told) AS t (ticket_id bigint, step text, message text, params jsonb, at_ms bigint)
    JOIN ticket k ON k.id = t.ticket_id
    JOIN recipient r ON r.active AND (r.org_id IS NULL OR r.org_id = k.org_id)
    ON CONFLICT (ticket_id, step, recipient_id) DO NOTHING;
$$;
REVOKE EXECUTE ON FUNCTION tell(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tell(jsonb) TO steth_ingest;

REVOKE ALL ON org, recipient, telling, job, rollup_aside, restored_device, ticket_evidence, ticket_evidence_event,
    device, ticket, alert_event, ticket_event, remote_session, command, partition, partition_lease, mark, gap,
    dead_letter, recent_digest, to_judge, device_state, reading_aside FROM steth_ingest;
-- As each column was granted by itself, so it is taken.
REVOKE UPDATE (rest_from, rest_until, told_at, failing_since, failures, error, error_params, test_state, test_at)
    ON recipient FROM steth_ingest;
GRANT SELECT (id, uid, org_id, site_id, partition, model, name, serial, status, enrolled_at, inventory, changed_xid),
    UPDATE (inventory, serial) ON device TO steth_ingest;
GRANT SELECT, INSERT, UPDATE (number, severity, version) ON ticket TO steth_ingest;
GRANT SELECT, INSERT, UPDATE (status, replied_at, reason, verdict) ON command TO steth_ingest;
GRANT INSERT ON alert_event, ticket_event, remote_session, gap, reading_aside TO steth_ingest;
GRANT SELECT, UPDATE (generation) ON partition TO steth_ingest;
GRANT SELECT, UPDATE ON partition_lease TO steth_ingest;
GRANT SELECT, INSERT, UPDATE ON mark, device_state TO steth_ingest;
GRANT SELECT, INSERT, DELETE ON recent_digest TO steth_ingest;
GRANT SELECT, INSERT, UPDATE (attempts, error), DELETE ON to_judge TO steth_ingest;
GRANT SELECT, INSERT, UPDATE (count, at) ON dead_letter TO steth_ingest;

GRANT USAGE ON SCHEMA public TO steth_jobs;
GRANT EXECUTE ON FUNCTION settle_installation(boolean) TO steth_jobs;
GRANT SELECT ON schema_version, installation, partition_lease, mark, metric, reading TO steth_jobs;
GRANT SELECT ON org, site, ticket, ticket_alert, ticket_event, alert, recipient TO steth_jobs;
GRANT SELECT (id, uid, org_id, site_id, model, name, status) ON device TO steth_jobs;
GRANT SELECT (device_id, lane, interval_s, seen_at, heartbeat) ON device_state TO steth_jobs;
GRANT SELECT (at) ON to_judge TO steth_jobs;
-- Telling.
GRANT UPDATE (rest_from, rest_until, told_at, failing_since, failures, error, error_params, test_state, test_at)
    ON recipient TO steth_jobs;
GRANT SELECT, UPDATE (state, attempts, refused, next_at, told_at, error, error_params), DELETE ON telling TO steth_jobs;
-- Commands, evidence, gaps, and what they write into tickets.
GRANT SELECT, UPDATE (status, sent_at), DELETE ON command TO steth_jobs;
GRANT UPDATE (evidence_frozen_at, evidence_readings, evidence_cut, evidence_next_at) ON ticket TO steth_jobs;
GRANT INSERT ON ticket_event, ticket_evidence, ticket_evidence_event TO steth_jobs;
GRANT SELECT, INSERT, UPDATE (said), DELETE ON gap TO steth_jobs;
GRANT SELECT, DELETE ON restored_device TO steth_jobs;
-- Its own notes.
GRANT SELECT, INSERT, UPDATE, DELETE ON job, rollup_aside TO steth_jobs;
-- What is swept.
GRANT SELECT, DELETE ON device_event TO steth_jobs;
GRANT DELETE ON alert TO steth_jobs;
GRANT SELECT (alert_id, learned_at, ctid), DELETE ON alert_event TO steth_jobs;
GRANT SELECT (alert_id), DELETE ON alert_operator TO steth_jobs;
GRANT SELECT (at, partition, device_id, count, ctid), DELETE ON dead_letter TO steth_jobs;
GRANT SELECT (id, received_at), DELETE ON reading_aside TO steth_jobs;
GRANT SELECT (expires_at, revoked_at, ctid), DELETE ON api_token TO steth_jobs;
GRANT SELECT (at, ctid), DELETE ON idempotency TO steth_jobs;

-- Every organisation's, for who serves them all.
DROP POLICY every_org ON org;
DROP POLICY every_recipient ON recipient;
DROP POLICY every_telling ON telling;
DROP POLICY every_evidence ON ticket_evidence;
DROP POLICY every_evidence_event ON ticket_evidence_event;
CREATE POLICY every_org ON org TO steth_jobs USING (true);
CREATE POLICY every_recipient ON recipient TO steth_jobs USING (true);
CREATE POLICY every_telling ON telling TO steth_jobs USING (true);
CREATE POLICY every_evidence ON ticket_evidence TO steth_jobs USING (true);
CREATE POLICY every_evidence_event ON ticket_evidence_event TO steth_jobs USING (true);
CREATE POLICY every_operator ON alert_operator TO steth_jobs USING (true);
ALTER POLICY every_site ON site TO steth_ingest, steth_jobs;
ALTER POLICY every_device ON device TO steth_ingest, steth_jobs;
ALTER POLICY every_state ON device_state TO steth_ingest, steth_jobs;
ALTER POLICY every_event ON device_event TO steth_ingest, steth_jobs;
ALTER POLICY every_alert ON alert TO steth_ingest, steth_jobs;
ALTER POLICY every_alert_event ON alert_event TO steth_ingest, steth_jobs;
ALTER POLICY every_ticket ON ticket TO steth_ingest, steth_jobs;
ALTER POLICY every_ticket_alert ON ticket_alert TO steth_ingest, steth_jobs;
ALTER POLICY every_ticket_event ON ticket_event TO steth_ingest, steth_jobs;
ALTER POLICY every_command ON command TO steth_ingest, steth_jobs;

-- What steth_jobs may delete goes by age, whatever statement it sends. Restrictive: no other policy gives more.
ALTER TABLE gap ENABLE ROW LEVEL SECURITY;
CREATE POLICY every_gap ON gap TO steth_ingest, steth_view, steth_jobs USING (true);
ALTER TABLE reading_aside ENABLE ROW LEVEL SECURITY;
CREATE POLICY every_aside ON reading_aside TO steth_ingest, steth_jobs USING (true);
CREATE POLICY every_token ON api_token TO steth_jobs USING (true);
CREATE POLICY old ON gap AS RESTRICTIVE FOR DELETE TO steth_jobs USING (at < (SELECT kept_since('event')));
CREATE POLICY old ON device_event AS RESTRICTIVE FOR DELETE TO steth_jobs
    USING (learned_at < (SELECT kept_since('event')));
CREATE POLICY old ON telling AS RESTRICTIVE FOR DELETE TO steth_jobs USING (at < (SELECT kept_since('event')));
CREATE POLICY old ON command AS RESTRICTIVE FOR DELETE TO steth_jobs
    USING (issued_at < (SELECT kept_since('event')));
CREATE POLICY old ON reading_aside AS RESTRICTIVE FOR DELETE TO steth_jobs
    USING (received_at < (SELECT kept_since('letter')));
CREATE POLICY old ON api_token AS RESTRICTIVE FOR DELETE TO steth_jobs
    USING (least(expires_at, revoked_at) < (SELECT kept_since('letter')));
CREATE POLICY old ON alert AS RESTRICTIVE FOR DELETE TO steth_jobs
    USING (condition = 'ok' AND cleared_at < (SELECT kept_since('event'))
        AND NOT EXISTS (SELECT FROM ticket_alert t WHERE t.alert_id = id));
CREATE POLICY old ON alert_operator AS RESTRICTIVE FOR DELETE TO steth_jobs
    USING (EXISTS (SELECT FROM alert a WHERE a.id = alert_id AND a.condition = 'ok'
        AND a.cleared_at < (SELECT kept_since('event'))
        AND NOT EXISTS (SELECT FROM ticket_alert t WHERE t.alert_id = a.id)));
CREATE POLICY old ON alert_event AS RESTRICTIVE FOR DELETE TO steth_jobs
    USING (CASE WHEN alert_id IS NULL THEN learned_at < (SELECT kept_since('event'))
        ELSE EXISTS (SELECT FROM alert a WHERE a.id = alert_id AND a.condition = 'ok'
            AND a.cleared_at < (SELECT kept_since('event'))
            AND NOT EXISTS (SELECT FROM ticket_alert t WHERE t.alert_id = a.id)) END);

-- Accounts ----------------------------------------------------------------------------------------------------------------

ALTER TABLE account ADD COLUMN version integer NOT NULL DEFAULT 1, ADD COLUMN last_login_at timestamptz,
    ADD COLUMN password_made boolean NOT NULL DEFAULT false;    -- by us: good for nothing but to choose another

-- Who runs statements in the API's process may write what a route of it writes, and nothing else: no role, no name, no
-- organisation, no administrator; a credential ends for good; hashes are found by who knows what they are of.
REVOKE SELECT, INSERT, UPDATE ON account, api_token FROM steth_api;
GRANT SELECT (id, org_id, name, role, active, password_made, created_at, last_login_at, version),
    INSERT (org_id, name, role, password_hash, password_made),
    UPDATE (password_hash, password_made, active, last_login_at, version) ON account TO steth_api;
GRANT SELECT (id, account_id, label, created_at, expires_at, revoked_at),
    INSERT (account_id, hash, label, created_at, expires_at),
    UPDATE (revoked_at) ON api_token TO steth_api;

ALTER TABLE account ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON account USING (sees_org(org_id));
CREATE POLICY no_administrator ON account AS RESTRICTIVE FOR INSERT WITH CHECK (role <> 'admin');
ALTER TABLE api_token ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON api_token TO steth_api USING (EXISTS (SELECT FROM account a WHERE a.id = account_id));
CREATE POLICY for_good ON api_token AS RESTRICTIVE FOR UPDATE USING (revoked_at IS NULL) WITH CHECK (revoked_at IS NOT NULL);

-- Before it is known who asks, no policy lets anything be seen.
-- A token that is made a day ahead of now was made before the clock was put back, and would last as much longer.
CREATE FUNCTION authenticate(token_hash bytea, now timestamptz,
    OUT token_id integer, OUT account_id integer, OUT name text, OUT role text, OUT org_id integer, OUT version integer,
    OUT password_made boolean, OUT expires_at timestamptz)
RETURNS SETOF record ROWS 1 LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT t.id, a.id, a.name, a.role, a.org_id, a.version, a.password_made, t.expires_at
    FROM api_token t JOIN account a ON a.id = t.account_id
    WHERE t.hash = authenticate.token_hash AND t.revoked_at IS NULL AND a.active
      AND (t.expires_at IS NULL
           OR t.expires_at > authenticate.now AND t.created_at < authenticate.now + INTERVAL '1 day');
END $$;

CREATE FUNCTION account_by_name(login text,
    OUT id integer, OUT name text, OUT role text, OUT org_id integer, OUT version integer,
    OUT password_made boolean, OUT password_hash text)
RETURNS SETOF record ROWS 1 LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT a.id, a.name, a.role, a.org_id, a.version, a.password_made, a.password_hash FROM account a WHERE a.name = login AND a.active $$;

REVOKE ALL ON FUNCTION authenticate, account_by_name FROM PUBLIC;
GRANT EXECUTE ON FUNCTION authenticate, account_by_name TO steth_api;

-- It held a digest of the request, and with that a quick way to guess a password in it. What is sealed says it itself.
ALTER TABLE idempotency DROP COLUMN request;

-- Audit -------------------------------------------------------------------------------------------------------------------

-- A chain is a thing of its own: whose it is may change as organisations do, its entries and their numbers don't. The
-- trigger keeps number and head, and refuses what doesn't follow; so a fork can't come about, whoever writes.
DROP INDEX audit_chain;
CREATE TABLE audit_chain (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id integer UNIQUE NULLS NOT DISTINCT REFERENCES org,     -- null: the provider's own
    entries bigint NOT NULL DEFAULT 0,
    head bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'), -- the last entry's hash
    signed jsonb                                                -- the head that was signed last; beside it, only a copy
);
ALTER TABLE audit_chain ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_chain USING (sees_org(org_id));
GRANT SELECT ON audit_chain TO steth_api;

INSERT INTO audit_chain (org_id, entries, head)
SELECT org_id, count(*), (array_agg(hash ORDER BY id DESC))[1] FROM audit GROUP BY org_id;
ALTER TABLE audit ADD COLUMN chain_id integer, ADD COLUMN position bigint;
UPDATE audit a SET chain_id = c.id, position = n.position
FROM (SELECT id, row_number() OVER (PARTITION BY org_id ORDER BY id) AS position FROM audit) n, audit_chain c
WHERE n.id = a.id AND c.org_id IS NOT DISTINCT FROM a.org_id;
ALTER TABLE audit
    ALTER COLUMN chain_id SET NOT NULL,
    ALTER COLUMN position SET NOT NULL,
    ADD FOREIGN KEY (chain_id) REFERENCES audit_chain,
    ADD CONSTRAINT audit_position_key UNIQUE (chain_id, position),
    -- What any reader can read: else one entry of somebody in the API's process ends all verifying and signing. What was
    -- written before isn't looked at.
    ADD CONSTRAINT audit_readable CHECK (at >= '0001-01-02 00:00+00' AND at <= '9999-12-30 00:00+00'
        AND jsonb_typeof(detail) = 'object' AND NOT jsonb_path_exists(detail,
            'strict $.* ? (@.type() == "object" || @.type() == "array" || @ > 9007199254740992 || @ < -9007199254740992)')) NOT VALID;

CREATE FUNCTION audit_follows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_chain (org_id) SELECT NEW.org_id
    WHERE NOT EXISTS (SELECT FROM audit_chain WHERE org_id IS NOT DISTINCT FROM NEW.org_id)
    ON CONFLICT (org_id) DO NOTHING;
    UPDATE audit_chain SET entries = entries + 1, head = NEW.hash
    WHERE org_id IS NOT DISTINCT FROM NEW.org_id AND head = NEW.previous
    RETURNING id, entries INTO NEW.chain_id, NEW.position;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'an entry of the audit log must follow the last one of its chain' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER follows BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_follows();

-- For the owner too, who can drop it: against mistakes. Against intent there are the signed heads.
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is never changed' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();

-- Who keeps signed heads for a hospital: sent by the way that tickets are told, once a day.
ALTER TABLE recipient ADD COLUMN heads boolean NOT NULL DEFAULT false, ADD COLUMN head_told_at timestamptz;

GRANT SELECT ON audit, audit_chain TO steth_jobs;
GRANT UPDATE (signed) ON audit_chain TO steth_jobs;
GRANT UPDATE (head_told_at) ON recipient TO steth_jobs;

-- Recipients --------------------------------------------------------------------------------------------------------------

-- Whom the provider tells, and what became of it, is staff's: a hospital sees no recipient, no telling, and no event of
-- its ticket that names one. sees_org(NULL) is true for those who see every hospital.
ALTER POLICY tenant ON recipient USING (sees_org(NULL)) WITH CHECK (sees_org(NULL));
ALTER POLICY tenant ON telling USING (sees_org(NULL));
ALTER POLICY tenant ON ticket_event USING (sees_org(org_id) AND (event <> 'telling-given-up' OR sees_org(NULL)));
