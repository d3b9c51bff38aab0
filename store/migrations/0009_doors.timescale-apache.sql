-- The role of jobs: chunks that are too old, as the owner. On the community edition policies drop them.
CREATE FUNCTION drop_piece(whole text, begins timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ends timestamptz := (SELECT c.range_end FROM timescaledb_information.chunks c
        WHERE c.hypertable_schema = 'public' AND c.hypertable_name = whole AND c.range_start = begins);
BEGIN
    IF (ends <= kept_since(whole)) IS NOT TRUE THEN
        RAISE EXCEPTION 'the piece of % for % is kept', whole, begins USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM drop_chunks(format('public.%I', whole)::regclass, newer_than => begins, older_than => ends);
END $$;
REVOKE EXECUTE ON FUNCTION drop_piece(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_piece(text, timestamptz) TO steth_jobs;
