-- The base: who owns what, the partitions, marks, readings, facts, alerts, tickets, telling, remote sessions, access.
-- Runs as steth_owner. The roles steth_owner, steth_ingest, steth_api and steth_view exist already.
-- Times are timestamptz; `*_ms` columns are milliseconds since 1970 UTC where arithmetic on them is meant.

-- What a session may see. steth.org is set by SET LOCAL only: an org's id, '*' for the provider's own staff
-- (they serve every hospital), nothing at all when unset.
CREATE FUNCTION sees_org(org integer) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('steth.org', true), '') IN (org::text, '*'), false) $$;

-- Hospitals, their sites and devices ---------------------------------------------------------------------------------

CREATE TABLE org (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE org ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON org USING (sees_org(id));
CREATE POLICY every_org ON org TO steth_ingest USING (true);

CREATE TABLE site (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id integer NOT NULL REFERENCES org,
    name text NOT NULL,
    time_zone text NOT NULL DEFAULT 'Asia/Shanghai',
    UNIQUE (org_id, name)
);
ALTER TABLE site ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON site USING (sees_org(org_id));
CREATE POLICY every_site ON site TO steth_ingest USING (true);

CREATE TABLE device (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid text NOT NULL UNIQUE,                       -- minted by the server; what topics and the API call it
    org_id integer NOT NULL REFERENCES org,
    site_id integer NOT NULL REFERENCES site,
    partition smallint NOT NULL CHECK (partition BETWEEN 0 AND 15),
    model text NOT NULL,                            -- key of the catalog
    name text NOT NULL,
    department text NOT NULL DEFAULT '',
    serial text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'retired')),
    code_hash bytea,                                -- SHA-256 of the one-time code, null once used
    code_expires_at timestamptz,
    enrolled_at timestamptz,
    inventory jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1
);
CREATE INDEX device_partition ON device (partition);
CREATE INDEX device_org ON device (org_id);
CREATE UNIQUE INDEX device_code ON device (code_hash) WHERE code_hash IS NOT NULL;
ALTER TABLE device ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON device USING (sees_org(org_id));
CREATE POLICY every_device ON device TO steth_ingest USING (true) WITH CHECK (true);

-- Ingest: partitions, marks, what could not be applied ----------------------------------------------------------------

-- 16 for ever (DELIVERY 9). Only a takeover writes here: a batch locks its rows FOR SHARE, and must not wait for a lease.
CREATE TABLE partition (
    id smallint PRIMARY KEY CHECK (id BETWEEN 0 AND 15),
    generation bigint NOT NULL DEFAULT 0
);
INSERT INTO partition (id) SELECT generate_series(0, 15);

-- clock_ms advances only as probes come back through the broker (DELIVERY 15); saved so that a restart goes on from it.
CREATE TABLE partition_lease (
    id smallint PRIMARY KEY REFERENCES partition,
    owner text,
    lease_until timestamptz,
    clock_ms bigint NOT NULL DEFAULT 0
);
INSERT INTO partition_lease (id) SELECT id FROM partition;

CREATE TABLE ingest_process (
    name text PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

-- The highest number whose effects are committed, per device and lane (0 live, 1 bulk).
CREATE TABLE mark (
    device_id integer NOT NULL,
    lane smallint NOT NULL CHECK (lane IN (0, 1)),
    epoch text NOT NULL,
    seq bigint NOT NULL,
    digest bytea NOT NULL,
    previous_epoch text NOT NULL DEFAULT '',        -- reports of it are stale; its birth is a duplicate identity (6)
    reached timestamptz,                            -- the corrected time of the mark's report: how far the lane has come
    seen_clock_ms bigint NOT NULL DEFAULT 0,        -- the partition's clock when it was applied
    at timestamptz NOT NULL,
    PRIMARY KEY (device_id, lane)
) WITH (fillfactor = 60);

CREATE TABLE gap (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id integer NOT NULL,
    lane smallint NOT NULL,
    epoch text NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    partition smallint NOT NULL,
    device_id integer,                              -- null: not a device of ours
    topic text NOT NULL,
    lane smallint,
    epoch text,
    seq bigint,
    code text NOT NULL,                             -- a WireErrorCode or another stable word
    place text NOT NULL,
    detail text NOT NULL,
    content_type text NOT NULL DEFAULT '',
    body bytea NOT NULL                             -- hostile; for ingest's own replay, never granted to the API
);
CREATE INDEX dead_letter_device ON dead_letter (device_id, at);

-- A maker's own client has no numbers: its reports are recognised by digest for 24 h (DELIVERY 7).
CREATE TABLE recent_digest (
    device_id integer NOT NULL,
    digest bytea NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (device_id, digest)
);
CREATE INDEX recent_digest_at ON recent_digest (at);

-- Stored, but not judged: a stage failed on it. Judged later, in order (DELIVERY 13).
CREATE TABLE to_judge (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id integer NOT NULL,
    lane smallint NOT NULL,
    at timestamptz NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    facts bytea NOT NULL                            -- the applied report, packed
);
CREATE INDEX to_judge_device ON to_judge (device_id, lane, id);

-- One packed row per device and lane (DELIVERY 14): the engine's state and the latest values.
CREATE TABLE device_state (
    device_id integer NOT NULL,
    lane smallint NOT NULL CHECK (lane IN (0, 1)),
    org_id integer NOT NULL,
    engine bytea NOT NULL,
    latest bytea NOT NULL,                          -- MessagePack {metric_id: [ms, value, quality]}
    epoch text NOT NULL DEFAULT '',                 -- the session, from the last birth (18)
    boot bigint NOT NULL DEFAULT 0,
    connected boolean NOT NULL DEFAULT false,
    interval_s double precision NOT NULL DEFAULT 0,
    agent text NOT NULL DEFAULT '',
    seen_at timestamptz,                            -- server's clock at the last report applied
    heartbeat jsonb NOT NULL DEFAULT '{}',
    as_of timestamptz NOT NULL,                     -- when this row was written
    PRIMARY KEY (device_id, lane)
) WITH (fillfactor = 50);
ALTER TABLE device_state ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON device_state USING (sees_org(org_id));
CREATE POLICY every_state ON device_state TO steth_ingest USING (true) WITH CHECK (true);

-- Readings and facts ---------------------------------------------------------------------------------------------------

-- A name with another unit is another metric, so that nothing is judged in the wrong unit; '' = as the catalog says.
CREATE TABLE metric (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    unit text NOT NULL DEFAULT '',
    UNIQUE (name, unit)
);

-- Times outside the window, set aside before COPY (DELIVERY 12).
CREATE TABLE reading_aside (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    at_ms bigint NOT NULL,
    value double precision NOT NULL,
    quality smallint NOT NULL,
    received_at timestamptz NOT NULL
);

-- Everything of a report that is no reading: faults, states, inventory, births, replies, gaps, drops.
CREATE TABLE device_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    at timestamptz NOT NULL,                        -- corrected device time
    learned_at timestamptz NOT NULL,                -- server's time
    kind text NOT NULL,                             -- the item's tag
    body jsonb NOT NULL
);
CREATE INDEX device_event_device ON device_event (device_id, at);
CREATE INDEX device_event_tail ON device_event (xid, id);
ALTER TABLE device_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON device_event USING (sees_org(org_id));
CREATE POLICY every_event ON device_event TO steth_ingest USING (true) WITH CHECK (true);

-- Alerts: an episode's condition is written by its partition's owner, the operator's side by the API alone (15) --------

CREATE TABLE alert (
    id uuid PRIMARY KEY,
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    lane smallint NOT NULL,
    rule text NOT NULL,                             -- key of the rule within its model
    kind text NOT NULL CHECK (kind IN ('fault', 'limit', 'silence', 'identity')),
    subject text NOT NULL,                          -- the fault code or metric
    family text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('critical', 'major', 'minor', 'warning')),
    condition text NOT NULL CHECK (condition IN ('pending', 'active', 'clearing', 'no-data', 'ok')),
    occurred_at timestamptz NOT NULL,
    learned_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    cleared_at timestamptz,
    count bigint NOT NULL DEFAULT 1,
    message text NOT NULL,                          -- message id of the catalog
    params jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX alert_open ON alert (device_id) WHERE condition <> 'ok';
CREATE INDEX alert_page ON alert (occurred_at DESC, id DESC);
ALTER TABLE alert ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON alert USING (sees_org(org_id));
CREATE POLICY every_alert ON alert TO steth_ingest USING (true) WITH CHECK (true);

CREATE TABLE alert_operator (
    alert_id uuid PRIMARY KEY,
    org_id integer NOT NULL,
    state text NOT NULL CHECK (state IN ('unacknowledged', 'acknowledged')),
    actor text NOT NULL,
    note text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    version integer NOT NULL DEFAULT 1
);
ALTER TABLE alert_operator ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON alert_operator USING (sees_org(org_id)) WITH CHECK (sees_org(org_id));

-- Append-only: every transition with its reason as message id + parameters.
CREATE TABLE alert_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    alert_id uuid,                                  -- null: a summary of late facts, which opened nothing
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    at timestamptz NOT NULL,
    learned_at timestamptz NOT NULL,
    event text NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    actor text NOT NULL DEFAULT '',                 -- '' = the engine
    message text NOT NULL,
    params jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX alert_event_alert ON alert_event (alert_id, id);
CREATE INDEX alert_event_device ON alert_event (device_id, at);
CREATE INDEX alert_event_tail ON alert_event (xid, id);
ALTER TABLE alert_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON alert_event USING (sees_org(org_id)) WITH CHECK (sees_org(org_id));
CREATE POLICY every_alert_event ON alert_event TO steth_ingest USING (true) WITH CHECK (true);

-- Desk: tickets, telling -------------------------------------------------------------------------------------------------

CREATE TABLE ticket_day (day date PRIMARY KEY, last integer NOT NULL);

CREATE TABLE ticket (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text NOT NULL UNIQUE,                    -- WX20261122-007: one can say it on the phone
    org_id integer NOT NULL,
    site_id integer NOT NULL,
    device_id integer NOT NULL,
    family text NOT NULL,
    severity text NOT NULL,
    -- 待受理 待派单 已接单 已到场 待备件 待验收 已关闭
    status text NOT NULL DEFAULT 'new'
        CHECK (status IN ('new', 'to-dispatch', 'accepted', 'on-site', 'awaiting-parts', 'to-verify', 'closed')),
    occurred_at timestamptz NOT NULL,               -- on the equipment
    detected_at timestamptz NOT NULL,               -- when we learned of it
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    evidence_from timestamptz NOT NULL,
    evidence_to timestamptz NOT NULL,
    evidence_frozen_at timestamptz,                 -- set when bulk has passed evidence_to (DELIVERY 8)
    causes jsonb NOT NULL DEFAULT '[]',             -- [{"zh":…,"en":…}] as the catalog said when it opened
    parts jsonb NOT NULL DEFAULT '[]',
    message text NOT NULL,
    params jsonb NOT NULL DEFAULT '{}',
    version integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX ticket_one_open ON ticket (device_id, family) WHERE status <> 'closed';
CREATE INDEX ticket_unfrozen ON ticket (device_id) WHERE evidence_frozen_at IS NULL;
ALTER TABLE ticket ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ticket USING (sees_org(org_id)) WITH CHECK (sees_org(org_id));
CREATE POLICY every_ticket ON ticket TO steth_ingest USING (true) WITH CHECK (true);

CREATE TABLE ticket_alert (
    ticket_id bigint NOT NULL REFERENCES ticket,
    alert_id uuid NOT NULL,
    org_id integer NOT NULL,
    PRIMARY KEY (ticket_id, alert_id)
);
CREATE INDEX ticket_alert_alert ON ticket_alert (alert_id);
ALTER TABLE ticket_alert ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ticket_alert USING (sees_org(org_id)) WITH CHECK (sees_org(org_id));
CREATE POLICY every_ticket_alert ON ticket_alert TO steth_ingest USING (true) WITH CHECK (true);

-- Append-only.
CREATE TABLE ticket_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ticket_id bigint NOT NULL REFERENCES ticket,
    org_id integer NOT NULL,
    at timestamptz NOT NULL,
    event text NOT NULL,                            -- opened, alert-joined, evidence-frozen, session-prepared, verdict, …
    actor text NOT NULL DEFAULT '',
    message text NOT NULL,
    params jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX ticket_event_ticket ON ticket_event (ticket_id, id);
CREATE INDEX ticket_event_tail ON ticket_event (xid, id);
ALTER TABLE ticket_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ticket_event USING (sees_org(org_id)) WITH CHECK (sees_org(org_id));
CREATE POLICY every_ticket_event ON ticket_event TO steth_ingest USING (true) WITH CHECK (true);

-- Whom to tell. org_id null: every hospital's tickets (the dealer's own NOC). address is an apprise URL: a secret.
CREATE TABLE recipient (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id integer REFERENCES org,
    name text NOT NULL,
    address text NOT NULL,
    language text NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
    active boolean NOT NULL DEFAULT true
);
ALTER TABLE recipient ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON recipient USING (sees_org(org_id)) WITH CHECK (sees_org(org_id));
CREATE POLICY every_recipient ON recipient TO steth_ingest USING (true);

-- The outbox of telling, keyed so that twice is once: (ticket, step, recipient).
CREATE TABLE telling (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id bigint NOT NULL REFERENCES ticket,
    step text NOT NULL,
    recipient_id integer NOT NULL REFERENCES recipient,
    org_id integer NOT NULL,
    message text NOT NULL,
    params jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'told', 'given-up')),
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    told_at timestamptz,
    error text NOT NULL DEFAULT '',
    UNIQUE (ticket_id, step, recipient_id)
);
CREATE INDEX telling_due ON telling (next_at) WHERE state = 'waiting';
ALTER TABLE telling ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON telling USING (sees_org(org_id));
CREATE POLICY every_telling ON telling TO steth_ingest USING (true) WITH CHECK (true);

-- Remote: prepared sessions and commands ----------------------------------------------------------------------------------

CREATE TABLE remote_session (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id bigint NOT NULL REFERENCES ticket,
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    state text NOT NULL DEFAULT 'prepared' CHECK (state IN ('prepared')),
    scopes text[] NOT NULL,
    runbook text,
    minutes integer NOT NULL,
    at timestamptz NOT NULL,
    version integer NOT NULL DEFAULT 1
);
CREATE INDEX remote_session_ticket ON remote_session (ticket_id);
ALTER TABLE remote_session ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON remote_session USING (sees_org(org_id)) WITH CHECK (sees_org(org_id));
CREATE POLICY every_session ON remote_session TO steth_ingest USING (true) WITH CHECK (true);

CREATE TABLE command (
    id text PRIMARY KEY,
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    ticket_id bigint REFERENCES ticket,
    body jsonb NOT NULL,                            -- wire.commands.Command
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    sent_at timestamptz,
    status text NOT NULL DEFAULT 'waiting'
        CHECK (status IN ('waiting', 'done', 'refused', 'failed', 'expired')),
    replied_at timestamptz,
    reason text NOT NULL DEFAULT '',
    verdict jsonb
);
CREATE INDEX command_waiting ON command (expires_at) WHERE status = 'waiting';
CREATE INDEX command_ticket ON command (ticket_id);
ALTER TABLE command ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON command USING (sees_org(org_id)) WITH CHECK (sees_org(org_id));
CREATE POLICY every_command ON command TO steth_ingest USING (true) WITH CHECK (true);

-- Access ------------------------------------------------------------------------------------------------------------------

CREATE TABLE account (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id integer REFERENCES org,                  -- null: the provider's own staff
    name text NOT NULL UNIQUE,
    role text NOT NULL CHECK (role IN ('operator', 'engineer', 'manager', 'hospital', 'admin')),
    password_hash text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((role = 'hospital') = (org_id IS NOT NULL))
);

CREATE TABLE api_token (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id integer NOT NULL REFERENCES account,
    hash bytea NOT NULL UNIQUE,                     -- SHA-256 of the token
    label text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

-- Answers kept for 24 h, so that a POST sent again is answered again and done once.
CREATE TABLE idempotency (
    account_id integer NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,                         -- digest of method, path and body
    status integer NOT NULL,
    headers jsonb NOT NULL DEFAULT '{}',
    answer jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key)
);

-- Append-only, chained by hashes.
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id integer,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    previous bytea NOT NULL,
    hash bytea NOT NULL UNIQUE
);
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit USING (sees_org(org_id));
CREATE POLICY append ON audit FOR INSERT TO steth_api WITH CHECK (true);

-- Grants ------------------------------------------------------------------------------------------------------------------

GRANT USAGE ON SCHEMA public TO steth_ingest, steth_api, steth_view;

GRANT SELECT ON org, site, device, recipient, metric TO steth_ingest;
GRANT UPDATE (inventory, serial) ON device TO steth_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON partition, partition_lease, ingest_process, mark, gap, dead_letter, recent_digest, to_judge,
    device_state, reading_aside, telling TO steth_ingest;
GRANT SELECT, INSERT ON device_event, alert_event, ticket_event, ticket_alert TO steth_ingest;
GRANT INSERT ON metric TO steth_ingest;
GRANT SELECT, INSERT, UPDATE ON alert, ticket, ticket_day, remote_session, command TO steth_ingest;

GRANT SELECT ON org, site, device, device_state, device_event, alert, alert_event, alert_operator, ticket,
    ticket_alert, ticket_event, recipient, telling, remote_session, command, account, api_token, idempotency, audit
    TO steth_api;
GRANT INSERT ON org, site, device, recipient, alert_operator, alert_event, ticket_event, command, account, api_token,
    idempotency, audit TO steth_api;
GRANT UPDATE ON device, recipient, ticket, alert_operator, account, api_token TO steth_api;
GRANT UPDATE (state, version) ON remote_session TO steth_api;
GRANT DELETE ON idempotency TO steth_api;

-- The view's owner is subject to device's policies: it is neither the owner of device nor a superuser.
GRANT SELECT ON device, metric, mark TO steth_view;
