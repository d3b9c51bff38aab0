-- Lists that are searched and counted by the database (ADR 0039). One transaction: `service` is written anew, some 10,000
-- rows; an index on alerts takes the longest.

-- What a device is found by, also by the dealer that served it once: as it was called then. `sought`: in small letters, each
-- name a line.
ALTER TABLE service
    ADD COLUMN department text NOT NULL DEFAULT '',
    ADD COLUMN serial text NOT NULL DEFAULT '';
UPDATE service v SET department = d.department, serial = d.serial FROM device d WHERE d.id = v.device_id AND v.until IS NULL;
ALTER TABLE service ADD COLUMN sought text NOT NULL GENERATED ALWAYS AS (lower(
    name || E'\n' || hospital || E'\n' || site || E'\n' || department || E'\n' || serial || E'\n' || uid || E'\n' || model)) STORED;

CREATE OR REPLACE FUNCTION begin_service(device integer, since timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO service (device_id, org_id, dealer_id, since, uid, name, model, department, serial, site_id, site, time_zone, hospital,
        dealer)
    SELECT d.id, d.org_id, d.dealer_id, begin_service.since, d.uid, d.name, d.model, d.department, d.serial, s.id, s.name, s.time_zone,
        o.name, k.name
    FROM device d JOIN site s ON s.id = d.site_id JOIN org o ON o.id = d.org_id JOIN org k ON k.id = d.dealer_id
    WHERE d.id = begin_service.device
$$;
CREATE OR REPLACE FUNCTION rename_service(devices integer[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE service v SET org_id = d.org_id, name = d.name, model = d.model, department = d.department, serial = d.serial,
        site_id = s.id, site = s.name, time_zone = s.time_zone, hospital = o.name, dealer = k.name
    FROM device d JOIN site s ON s.id = d.site_id JOIN org o ON o.id = d.org_id JOIN org k ON k.id = d.dealer_id
    WHERE d.id = ANY (devices) AND v.device_id = d.id AND v.until IS NULL
$$;
DROP TRIGGER service_follows ON device;
CREATE TRIGGER service_follows AFTER UPDATE OF name, model, department, serial, site_id, org_id ON device
    FOR EACH ROW EXECUTE FUNCTION service_follows();

CREATE OR REPLACE VIEW shown_device AS
    SELECT e.device_id AS id, e.uid, e.org_id, e.dealer_id, e.name, e.model, e.site_id, e.site, e.time_zone, e.hospital, e.dealer,
        e.until IS NULL AS served, e.sought
    FROM service e
    WHERE e.shown AND (e.until IS NULL OR e.dealer_id = viewer());

-- By its code or signal, which a search is turned into.
CREATE INDEX alert_subject ON alert (subject, occurred_at, id);
-- A ticket's number is said by its end. The policies of `ticket` let no LIKE be answered by an index, as it could tell of rows
-- that they hide: here both are asked.
CREATE INDEX ticket_number_end ON ticket (reverse(number) text_pattern_ops);
CREATE FUNCTION tickets_ending(number text, most integer, OUT id bigint, OUT device_id integer)
RETURNS SETOF record ROWS 10 LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT t.id, t.device_id FROM ticket t
        WHERE reverse(t.number) LIKE regexp_replace(reverse(tickets_ending.number), '([\\%_])', '\\\1', 'g') || '%'
            AND (sees(t.org_id, t.dealer_id) OR serves_device(t.device_id))
        ORDER BY t.id DESC LIMIT most;
END $$;
REVOKE ALL ON FUNCTION tickets_ending FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tickets_ending TO steth_api;
CREATE INDEX ticket_family ON ticket (family, id);

-- How long ago something began, as lists and their counts say it.
CREATE FUNCTION age_of(at timestamptz, now timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN now - at < INTERVAL '1 hour' THEN 'hour' WHEN now - at < INTERVAL '1 day' THEN 'day'
        WHEN now - at < INTERVAL '7 days' THEN 'week' ELSE 'older' END
$$;
