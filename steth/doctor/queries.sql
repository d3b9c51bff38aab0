-- What `steth doctor` looks at in the database. As steth_jobs or steth_owner.

-- name: jobs_that_fail
-- A sign of life that is due further ahead than any is (two hours and a bit) was noted before the clock was put right.
SELECT name, failing_since, failures, error, ended_at FROM job
WHERE failing_since IS NOT NULL OR due_at NOT BETWEEN now() AND now() + INTERVAL '3 hours' ORDER BY name;

-- name: jobs_known
SELECT count(*), count(*) FILTER (WHERE due_at NOT BETWEEN now() AND now() + INTERVAL '3 hours') FROM job;

-- name: rollups_aside
SELECT count(*), count(DISTINCT device_id), min(since), string_agg(DISTINCT error, ', ') FROM rollup_aside;

-- name: recipients_failing
SELECT id, name, address, failing_since, error, error_params FROM recipient
WHERE active AND failing_since IS NOT NULL ORDER BY failing_since, id;

-- name: outbox
SELECT count(*) FILTER (WHERE state = 'waiting'),
    greatest(0, coalesce(extract(epoch FROM now() - min(at) FILTER (WHERE state = 'waiting')), 0))::float8,
    count(*) FILTER (WHERE state = 'given-up')
FROM telling WHERE state = 'waiting'
    OR state = 'given-up' AND error <> 'telling.handed_over' AND next_at > now() - INTERVAL '1 day';

-- name: pipeline
SELECT (SELECT count(*) FROM partition_lease WHERE owner IS NULL OR NOT lease_holds(lease_until)),
    (SELECT coalesce(jsonb_object_agg(id, clock_ms), '{}') FROM partition_lease),
    (SELECT count(*) FROM device WHERE status = 'active'),
    -- What a client without numbers reports moves no mark: its state says when it was heard.
    (SELECT extract(epoch FROM now() - greatest(
        (SELECT max(at) FROM mark), (SELECT max(seen_at) FROM device_state)))::float8),
    (SELECT count(*) FROM device d WHERE d.status = 'active'
        AND NOT EXISTS (SELECT FROM mark m WHERE m.device_id = d.id AND m.at > now() - INTERVAL '1 hour')
        AND NOT EXISTS (SELECT FROM device_state s WHERE s.device_id = d.id AND s.seen_at > now() - INTERVAL '1 hour')),
    d.dead, d.before, d.codes,
    (SELECT count(*) FROM to_judge),
    (SELECT coalesce(extract(epoch FROM now() - min(at)), 0)::float8 FROM to_judge)
FROM (
    -- Each row is of ten minutes, which are counted whole.
    SELECT coalesce(sum(count) FILTER (WHERE late), 0)::bigint AS dead,
        coalesce(sum(count) FILTER (WHERE NOT late), 0)::bigint AS before,
        string_agg(DISTINCT code, ', ') FILTER (WHERE late) AS codes
    FROM (SELECT code, count, began > now() - INTERVAL '1 hour' AS late FROM dead_letter
        WHERE at > now() - INTERVAL '2 hours' AND began > now() - INTERVAL '2 hours') AS of_two_hours
) AS d;

-- name: copy
SELECT i.restored_at, i.restored_by, i.known_until, now(),
    ARRAY(SELECT d.name || ' (' || d.uid || ')' FROM restored_device r JOIN device d ON d.id = r.device_id
        WHERE d.status = 'active' ORDER BY d.id),
    ARRAY(SELECT d.name || ' (' || d.uid || ')' FROM device d
        WHERE EXISTS (SELECT FROM gap g WHERE g.device_id = d.id AND g.lane = 0 AND g.at > i.restored_at)
        ORDER BY d.id)
FROM installation i WHERE i.restored_at IS NOT NULL;

-- name: refusals
SELECT d.uid, d.name, s.name, d.model, r.source, r.reason, r.count, (extract(epoch FROM r.since) * 1000)::bigint,
    (extract(epoch FROM r.last) * 1000)::bigint, r.form
FROM device_refusal r JOIN device d ON d.id = r.device_id JOIN site s ON s.id = d.site_id
WHERE d.status = 'active' AND r.kind = 'refused' AND r.last > now() - INTERVAL '1 day'
    AND split_part(r.reason, ':', 1) <> ALL(%(kept)s) AND r.reason NOT LIKE '%%:time'
ORDER BY r.last DESC, d.uid, r.source, r.reason;

-- name: clock
SELECT clock_timestamp();

-- name: partitioned
-- Else the engine makes chunks by itself.
SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass('public.reading');

-- name: lacks
SELECT to_regclass(%s) IS NULL;
