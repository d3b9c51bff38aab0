-- What the API sees of readings (DESIGN, tenancy): reading carries neither RLS nor org_id and is not granted to it.
GRANT SELECT ON reading TO steth_view;
GRANT SELECT, INSERT ON reading TO steth_ingest;

CREATE VIEW device_reading WITH (security_barrier) AS
    SELECT r.ts, d.uid AS device, d.id AS device_id, r.metric_id, m.name AS metric, m.unit, r.value, r.quality
    FROM reading r JOIN device d ON d.id = r.device_id JOIN metric m ON m.id = r.metric_id;
ALTER VIEW device_reading OWNER TO steth_view;
GRANT SELECT ON device_reading TO steth_api;

-- How far each lane of a device has come, and when it was last heard.
CREATE VIEW device_mark WITH (security_barrier) AS
    SELECT d.id AS device_id, d.uid AS device, k.lane, k.seq, k.reached, k.at
    FROM mark k JOIN device d ON d.id = k.device_id;
ALTER VIEW device_mark OWNER TO steth_view;
GRANT SELECT ON device_mark TO steth_api;
