-- The role of jobs: months of readings and of their roll-ups, as the owner.

-- Months of our era alone: a name has no place for the other, and the piece of 2026 BC would be called as this year's.
-- Attached, not created in place: CREATE TABLE ... PARTITION OF would lock out every writer of the table.
CREATE FUNCTION make_piece(whole text, begins timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz := date_trunc('month', begins);
    piece text := whole || to_char(month, '"_"YYYY"_"MM');
BEGIN
    IF whole NOT IN ('reading', 'reading_1m', 'reading_1h') OR (month BETWEEN '2000-01-01' AND now() + INTERVAL '100 days') IS NOT TRUE THEN
        RAISE EXCEPTION 'no piece of % is made for %', whole, month USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', piece, whole);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', whole, piece, month,
        month + INTERVAL '1 month');
END $$;

CREATE FUNCTION drop_piece(whole text, begins timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz := date_trunc('month', begins);
BEGIN
    IF (month >= '2000-01-01' AND month + INTERVAL '1 month' <= kept_since(whole)) IS NOT TRUE THEN
        RAISE EXCEPTION 'the piece of % for % is kept', whole, month USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DROP TABLE %I', whole || to_char(month, '"_"YYYY"_"MM'));
END $$;
REVOKE EXECUTE ON FUNCTION make_piece(text, timestamptz), drop_piece(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_piece(text, timestamptz), drop_piece(text, timestamptz) TO steth_jobs;
