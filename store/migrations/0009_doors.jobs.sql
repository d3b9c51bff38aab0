-- The role of jobs: roll-ups, where our job keeps them.
GRANT SELECT, UPDATE (watermark) ON rollup TO steth_jobs;
GRANT SELECT, INSERT, DELETE ON rollup_dirty TO steth_jobs;
GRANT SELECT, INSERT, UPDATE ON reading_1m, reading_1h, reading_1d TO steth_jobs;

-- Before anything is dropped: what lies before is no longer whole. Never beyond what is rolled up, nor what is to be kept,
-- for ingest takes nothing older (ingest.queries, kept_from). From when on it is whole; null: there is no such level.
CREATE FUNCTION note_dropped(of_level integer, before timestamptz) RETURNS timestamptz
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE rollup SET whole_from = greatest(whole_from, least(before, watermark,
        coalesce(date_trunc('day', kept_since((ARRAY['reading', 'reading_1m', 'reading_1h'])[of_level + 1]), 'UTC'), '-infinity'),
        (SELECT date_trunc('day', min(d.lo), 'UTC') FROM rollup_dirty d WHERE d.level = rollup.level)))
    WHERE level = of_level
    RETURNING whole_from;
$$;
REVOKE EXECUTE ON FUNCTION note_dropped(integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_dropped(integer, timestamptz) TO steth_jobs;
