-- How a device is, in a word, for lists that choose, order and count by it: what api.devices.state.how() says of the same,
-- which a test compares over every case. `lost_at`: when something that it said was last refused. No row is touched.
CREATE FUNCTION how_device_is(severity text, connected boolean, seen timestamptz, interval_s double precision,
    lost_at timestamptz, doubted_since timestamptz, reached boolean, now timestamptz, heartbeat_s double precision)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN severity IN ('critical', 'major') THEN 'ill'
        WHEN connected AND doubted_since IS NULL AND reached IS DISTINCT FROM false
            AND (lost_at IS NULL OR now - lost_at > INTERVAL '24 hours')
            AND abs(extract(epoch FROM now - seen)) <= 3 * coalesce(nullif(interval_s, 0), heartbeat_s) THEN 'well'
        ELSE 'unknown' END
$$;
