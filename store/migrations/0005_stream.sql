-- What the live stream needs: whether ingest works, which is nobody's data.
CREATE VIEW ingest_partition AS
    SELECT l.id, coalesce(l.owner IS NOT NULL AND l.lease_until > now(), false) AS owned, l.clock_ms
    FROM partition_lease l;
ALTER VIEW ingest_partition OWNER TO steth_view;
GRANT SELECT ON partition_lease TO steth_view;
GRANT SELECT ON ingest_partition TO steth_api;
