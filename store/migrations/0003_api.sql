-- What the API's lists and names need.

-- Names and units of metrics are nobody's data; device_state.latest knows them by id only.
GRANT SELECT ON metric TO steth_api;

-- Lists by device and pages by key.
CREATE INDEX ticket_device ON ticket (device_id, id);
CREATE INDEX alert_device ON alert (device_id, occurred_at, id);
CREATE INDEX audit_chain ON audit (org_id, id);
CREATE INDEX api_token_account ON api_token (account_id, id);

-- A mutable row has a version (If-Match).
ALTER TABLE recipient ADD COLUMN version integer NOT NULL DEFAULT 1;
