-- As describe.sql, of what TimescaleDB knows beside PostgreSQL's own catalogs.

-- name: hypertables
SELECT format('hypertable %s.%I dimension %s column %I every %s', hypertable_schema, hypertable_name, dimension_number,
    column_name, coalesce(time_interval::text, integer_interval::text, num_partitions::text))
FROM timescaledb_information.dimensions
WHERE hypertable_schema = 'public'
ORDER BY hypertable_name, dimension_number

-- name: aggregates
SELECT format(E'continuous aggregate %s on %s materialized only %s\n%s', view_name, hypertable_name, materialized_only,
    view_definition)
FROM timescaledb_information.continuous_aggregates
WHERE view_schema = 'public'
ORDER BY view_name

-- name: compression
SELECT format('compressed %s by %s segment %s order %s %s', hypertable_name, attname, segmentby_column_index,
    orderby_column_index, orderby_asc)
FROM timescaledb_information.compression_settings
ORDER BY hypertable_name, segmentby_column_index, orderby_column_index
