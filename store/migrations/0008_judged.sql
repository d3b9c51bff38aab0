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
