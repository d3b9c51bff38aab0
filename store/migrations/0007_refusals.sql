-- What was refused of a device's input, or answered well and told nothing, as its newest heartbeat says (wire.items.Refusal).
CREATE TABLE device_refusal (
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('refused', 'untold')),
    source text NOT NULL,
    reason text NOT NULL,
    count bigint NOT NULL,                          -- all since `since`, as told: never summed up here
    since timestamptz NOT NULL,                     -- corrected device time, never later than we learned of it
    last timestamptz NOT NULL,
    form text NOT NULL,                             -- what the last one looked like: masks, nothing of its text
    told_at timestamptz NOT NULL,                   -- corrected time of the heartbeat
    PRIMARY KEY (device_id, kind, source, reason)
);
CREATE INDEX device_refusal_last ON device_refusal (last) WHERE kind = 'refused';
ALTER TABLE device_refusal ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON device_refusal USING (sees_org(org_id));
CREATE POLICY every_refusal ON device_refusal TO steth_ingest USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON device_refusal TO steth_ingest;
GRANT SELECT ON device_refusal TO steth_api;
