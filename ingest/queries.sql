-- Statements of ingest. Run as steth_ingest.

-- name: load_devices
SELECT d.id, d.uid, d.org_id, d.site_id, d.partition, d.model, d.name, d.status = 'retired',
    k.epoch, k.seq, k.digest, k.previous_epoch, k.seen_clock_ms, k.at,
    s.engine, s.latest, s.epoch, s.boot, s.connected, s.interval_s, s.agent, s.equipment_connected, s.clock_offset_ms,
    s.as_of,
    EXISTS (SELECT FROM to_judge j WHERE j.device_id = d.id AND j.lane = %(lane)s),
    k.reached, d.box_id
FROM device d
LEFT JOIN mark k ON k.device_id = d.id AND k.lane = %(lane)s
LEFT JOIN device_state s ON s.device_id = d.id AND s.lane = %(lane)s
WHERE d.uid = ANY (%(uids)s) AND (d.status = 'active' OR %(retired)s);

-- name: watched_devices
-- Those enrolled, so that their silence is heard.
SELECT uid FROM device WHERE partition = %(partition)s AND status = 'active' AND enrolled_at IS NOT NULL;

-- name: changed_devices
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, ARRAY(
    SELECT d.id || ' ' || d.changed_xid FROM device d
    WHERE d.changed_xid >= coalesce(%(since)s::text::xid8, pg_snapshot_xmax(pg_current_snapshot()))
        AND d.changed_xid < pg_snapshot_xmax(pg_current_snapshot()));

-- name: devices_now
SELECT id, uid, org_id, site_id, partition, model, name, status = 'retired', enrolled_at IS NOT NULL
FROM device WHERE id = ANY (%(ids)s);

-- name: latest_since
SELECT u.device_id, r.metric_id, r.ts, r.value, r.quality
FROM unnest(%(devices)s::integer[], %(since)s::timestamptz[]) AS u (device_id, since)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (metric_id) metric_id, ts, value, quality FROM reading
    WHERE reading.device_id = u.device_id AND ts > u.since AND ts <= %(until)s
    ORDER BY metric_id, ts DESC
) AS r;

-- name: copy_readings
COPY reading (ts, device_id, metric_id, value, quality) FROM STDIN (FORMAT BINARY);

-- name: write_touched
-- Does nothing where continuous aggregates find it out by themselves.
SELECT readings_written(%(devices)s::integer[], %(lo)s, %(hi)s);

-- name: kept_from
SELECT (extract(epoch FROM whole_from) * 1000)::bigint FROM rollup WHERE level = 0;

-- What of the partitions is ours, and what an operator changed since: before anything is judged by what is in memory.
-- name: fence
WITH mine AS (
    SELECT p.id FROM partition p
    JOIN unnest(%(ids)s::smallint[], %(generations)s::bigint[]) AS held (id, generation)
        ON p.id = held.id AND p.generation = held.generation
    FOR SHARE OF p
)
SELECT ARRAY(SELECT id FROM mine), pg_snapshot_xmin(pg_current_snapshot())::text, ARRAY(
    SELECT d.id || ' ' || d.changed_xid FROM device d
    WHERE d.changed_xid >= coalesce(%(since)s::text::xid8, pg_snapshot_xmax(pg_current_snapshot()))
        AND d.changed_xid < pg_snapshot_xmax(pg_current_snapshot()));

-- name: recent_digests
SELECT d.device_id, d.digest FROM recent_digest d
JOIN unnest(%(devices)s, %(digests)s) AS u (device_id, digest)
    ON d.device_id = u.device_id AND d.digest = u.digest;

-- name: remember_digests
INSERT INTO recent_digest (device_id, digest, at)
SELECT device_id, digest, %(at)s FROM unnest(%(devices)s, %(digests)s) AS u (device_id, digest);

-- name: forget_digests
DELETE FROM recent_digest WHERE at < now() - interval '24 hours';

-- name: stored_readings
SELECT metric_id, ts, value FROM reading WHERE device_id = %(device)s AND ts BETWEEN %(first)s AND %(last)s;

-- name: stored_events
SELECT kind, at, body FROM device_event WHERE device_id = %(device)s AND at BETWEEN %(first)s AND %(last)s;

-- As they are corrected: a folded fault begins at its time and lasts from its first occurrence to its last.
-- One may have begun long before what is asked about, but not before what ingest takes.
-- name: stored_faults
SELECT body->>'source', body->>'code', body->>'state', first_ms, first_ms + length_ms,
    coalesce((body->>'count')::bigint, 1)
FROM device_event,
    LATERAL (SELECT
        coalesce((body->>'first')::bigint, (body->>'at')::bigint) - (body->>'at')::bigint
            + (extract(epoch FROM at) * 1000)::bigint AS first_ms,
        coalesce((body->>'last')::bigint, (body->>'at')::bigint)
            - coalesce((body->>'first')::bigint, (body->>'at')::bigint) AS length_ms) AS span
WHERE device_id = %(device)s AND kind = 'fault' AND body->>'code' = ANY (%(codes)s)
    AND at BETWEEN %(first)s - interval '90 days' AND %(last)s
    AND first_ms + length_ms >= (extract(epoch FROM %(first)s::timestamptz) * 1000)::bigint;

-- name: write_gaps
-- Before the mark is moved: it says when the lane was last heard.
INSERT INTO gap (device_id, lane, epoch, first_seq, last_seq, at, since)
SELECT g.*, (SELECT k.at FROM mark k WHERE k.device_id = g.device_id AND k.lane = g.lane)
FROM (VALUES (%s::integer, %s::smallint, %s, %s::bigint, %s::bigint, %s::timestamptz)) AS g(device_id, lane, epoch, first, last, at);

-- name: heard_again
-- Devices that are heard for the first time since the database was restored. Who goes on in the epoch that the copy knows
-- shows by its numbers what is lost. Whoever doesn't had reports acknowledged that nobody knows: a gap without a number.
WITH heard AS (
    DELETE FROM restored_device r
    USING installation i, device d LEFT JOIN mark m ON m.device_id = d.id AND m.lane = 0
        LEFT JOIN device_state s ON s.device_id = d.id AND s.lane = 0
    WHERE d.id = r.device_id
        AND (d.status = 'retired' OR m.at > i.restored_at OR (m.at IS NULL AND s.seen_at > i.restored_at))
    RETURNING r.device_id, r.epoch AS known, r.heard_at, m.epoch, greatest(m.at, s.seen_at) AS at, d.status
)
INSERT INTO gap (device_id, lane, epoch, first_seq, last_seq, at, since)
SELECT device_id, 0, coalesce(epoch, ''), 0, -1, at, heard_at FROM heard
WHERE status = 'active' AND (epoch IS NULL OR epoch IS DISTINCT FROM known);

-- name: take_gaps
-- Gaps that no ticket has been told of yet, by device: how many reports of the live lane, and from when to when.
WITH taken AS (
    UPDATE gap SET said = true WHERE id = ANY (ARRAY(
        SELECT id FROM gap WHERE NOT said ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED))
    RETURNING device_id, lane, since, at, last_seq - first_seq + 1 AS reports
)
SELECT device_id, min(since), max(at), sum(reports)::bigint FROM taken WHERE lane = 0 GROUP BY device_id;

-- Those alike of ten minutes are one row; beyond so many of a sender's they are counted without their place. Only the
-- owner of a partition writes its letters, and each lane its own: nobody counts at the same time.
-- name: write_letters
INSERT INTO dead_letter AS l (partition, device_id, lane, began, code, place, detail, since, at, count,
    epoch, seq, content_type, digest, bytes, excerpt)
SELECT %(partition)s, %(device)s, %(lane)s, %(began)s, %(code)s, CASE WHEN kinds.beyond THEN '' ELSE %(place)s END,
    %(detail)s, %(at)s, %(at)s, %(count)s, %(epoch)s, %(seq)s, %(content_type)s, %(digest)s, %(bytes)s, %(excerpt)s
FROM (
    SELECT count(*) >= %(each)s AND count(*) FILTER (WHERE k.code = %(code)s AND k.place = %(place)s) = 0 AS beyond
    FROM dead_letter k
    WHERE k.partition = %(partition)s AND k.device_id = %(device)s AND k.lane = %(lane)s AND k.began = %(began)s
) AS kinds
ON CONFLICT (partition, device_id, lane, began, code, place) DO UPDATE
    SET count = l.count + excluded.count, at = excluded.at
RETURNING count;

-- name: write_asides
INSERT INTO reading_aside (device_id, metric_id, at_ms, value, quality, received_at) VALUES (%s, %s, %s, %s, %s, %s);

-- name: write_events
-- The number of the transaction is asked once, not by each row's default.
INSERT INTO device_event (xid, device_id, org_id, at, learned_at, kind, body)
SELECT (SELECT row_xid()), device_id, org_id, at, learned_at, kind, body::jsonb
FROM unnest(%(devices)s, %(orgs)s, %(at)s, %(learned)s, %(kinds)s, %(bodies)s)
    WITH ORDINALITY AS u (device_id, org_id, at, learned_at, kind, body, number)
ORDER BY number;

-- In order, as everything that two transactions may write. What may be older than what is there stands back. What our
-- own gate refused is counted here: it adds up.
-- name: write_refusals
INSERT INTO device_refusal (device_id, org_id, dealer_id, kind, source, reason, count, since, last, form, told_at)
SELECT device_id, org_id, (SELECT d.dealer_id FROM device d WHERE d.id = u.device_id), kind, source, reason, count, since, last,
    form, told_at
FROM unnest(%(devices)s, %(orgs)s, %(kinds)s, %(sources)s, %(reasons)s, %(counts)s, %(since)s, %(last)s, %(forms)s,
    %(told)s, %(again)s)
    AS u (device_id, org_id, kind, source, reason, count, since, last, form, told_at, again)
WHERE NOT again OR NOT EXISTS (
    SELECT FROM device_refusal r
    WHERE (r.device_id, r.kind, r.source, r.reason) = (u.device_id, u.kind, u.source, u.reason)
        AND r.told_at > u.told_at)
ORDER BY device_id, kind, source, reason
ON CONFLICT (device_id, kind, source, reason) DO UPDATE SET org_id = excluded.org_id,
    count = excluded.count + CASE WHEN excluded.source = 'server' THEN device_refusal.count ELSE 0 END,
    since = CASE WHEN excluded.source = 'server' THEN device_refusal.since ELSE excluded.since END, last = excluded.last, form = excluded.form, told_at = excluded.told_at;

-- name: bound_refusals
DELETE FROM device_refusal r USING (
    SELECT device_id, kind, source, reason,
        row_number() OVER (PARTITION BY device_id ORDER BY told_at DESC, last DESC, reason) AS place
    FROM device_refusal WHERE device_id = ANY (%(devices)s)) AS old
WHERE old.place > %(most)s
    AND (r.device_id, r.kind, r.source, r.reason) = (old.device_id, old.kind, old.source, old.reason);

-- name: wait_less
-- What is tried alone waits for others' locks for a second, not for ten: the whole lane waits with it.
SELECT set_config('lock_timeout', '1s', true), set_config('statement_timeout', '5s', true);

-- name: write_to_judge
INSERT INTO to_judge (device_id, lane, at, error, facts) VALUES (%s, %s, %s, %s, %s);

-- The first of each device: one of which much waits takes no other's turn.
-- name: first_to_judge
SELECT j.id, j.device_id, j.attempts, j.facts FROM unnest(%(devices)s::integer[]) AS u (device_id)
CROSS JOIN LATERAL (
    SELECT id, device_id, attempts, facts FROM to_judge
    WHERE to_judge.device_id = u.device_id AND lane = %(lane)s ORDER BY id LIMIT %(most)s
) AS j
ORDER BY j.device_id, j.id;

-- name: waiting_devices
SELECT d.uid FROM device d
WHERE d.partition = %(partition)s AND EXISTS (
    SELECT FROM to_judge j WHERE j.device_id = d.id AND j.lane = %(lane)s);

-- name: too_many_to_judge
SELECT id, attempts, facts FROM (
    SELECT id, attempts, facts FROM to_judge
    WHERE device_id = %(device)s AND lane = %(lane)s ORDER BY id DESC OFFSET %(most)s) AS beyond
ORDER BY id;

-- name: drop_to_judge
DELETE FROM to_judge WHERE lane = %(lane)s
    AND device_id IN (SELECT id FROM device WHERE uid = ANY (%(uids)s) AND status = 'retired');

-- Or given up.
-- name: judged
DELETE FROM to_judge WHERE id = %(id)s;

-- name: judge_failed
UPDATE to_judge SET attempts = attempts + 1, error = %(error)s WHERE id = %(id)s;

-- In the order of devices, so that two transactions never wait for each other in a circle; marks too.
-- name: write_states
INSERT INTO device_state (device_id, lane, org_id, dealer_id, engine, latest, epoch, boot, connected, interval_s, agent,
    seen_at, heartbeat, equipment_connected, clock_offset_ms, as_of)
SELECT device_id, %(lane)s, org_id, (SELECT d.dealer_id FROM device d WHERE d.id = u.device_id), engine, latest, epoch, boot, connected, interval_s, agent,
    nullif(seen_at, '-infinity'), heartbeat::jsonb, CASE equipment WHEN 0 THEN false WHEN 1 THEN true END,
    nullif(clock_offset_ms, %(never)s), %(now)s
FROM unnest(%(devices)s, %(orgs)s, %(engines)s, %(latest)s, %(epochs)s, %(boots)s, %(connected)s, %(intervals)s,
    %(agents)s, %(seen)s, %(heartbeats)s, %(equipment)s, %(offsets)s)
    AS u (device_id, org_id, engine, latest, epoch, boot, connected, interval_s, agent, seen_at, heartbeat,
        equipment, clock_offset_ms)
ORDER BY device_id
ON CONFLICT (device_id, lane) DO UPDATE SET org_id = excluded.org_id, engine = excluded.engine,
    latest = excluded.latest, epoch = excluded.epoch, boot = excluded.boot, connected = excluded.connected,
    interval_s = excluded.interval_s, agent = excluded.agent, seen_at = excluded.seen_at,
    heartbeat = excluded.heartbeat, equipment_connected = excluded.equipment_connected,
    clock_offset_ms = excluded.clock_offset_ms, as_of = excluded.as_of;

-- name: write_marks
INSERT INTO mark AS k (device_id, lane, epoch, seq, digest, previous_epoch, reached, seen_clock_ms, at)
SELECT device_id, %(lane)s, epoch, seq, digest, previous_epoch, nullif(reached, '-infinity'), seen_clock_ms, %(at)s
FROM unnest(%(devices)s, %(epochs)s, %(seqs)s, %(digests)s, %(previous)s, %(reached)s, %(clocks)s)
    AS u (device_id, epoch, seq, digest, previous_epoch, reached, seen_clock_ms)
ORDER BY device_id
ON CONFLICT (device_id, lane) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, digest = excluded.digest,
    previous_epoch = excluded.previous_epoch, reached = coalesce(excluded.reached, k.reached),
    seen_clock_ms = excluded.seen_clock_ms, at = excluded.at;

-- name: both_marks
SELECT device_id, lane, epoch, seq, digest FROM mark WHERE device_id = ANY (%(devices)s);

-- name: metric_ids
SELECT id, name, unit FROM metric;

-- name: add_metrics
INSERT INTO metric (name, unit) SELECT DISTINCT name, unit
FROM unnest(%(names)s::text[], %(units)s::text[]) AS u (name, unit) ORDER BY name, unit
ON CONFLICT (name, unit) DO NOTHING;

-- name: org_metrics
SELECT org_id, metric_id FROM org_metric;

-- name: add_org_metrics
INSERT INTO org_metric (metric_id, org_id)
SELECT m.id, u.org_id FROM unnest(%(orgs)s::integer[], %(names)s::text[], %(units)s::text[]) AS u (org_id, name, unit)
JOIN metric m ON m.name = u.name AND m.unit = u.unit ORDER BY m.id, u.org_id
ON CONFLICT DO NOTHING;

-- name: some_metric_ids
SELECT m.id, m.name, m.unit FROM metric m
JOIN unnest(%(names)s::text[], %(units)s::text[]) AS u (name, unit) ON m.name = u.name AND m.unit = u.unit;

-- name: here
INSERT INTO ingest_process (name, seen_at) VALUES (%(name)s, now())
ON CONFLICT (name) DO UPDATE SET seen_at = now();

-- What was seen later than now was seen before the clock was put right: by a process that may be dead.
-- name: others
SELECT count(*) FROM ingest_process
WHERE seen_at > clock_timestamp() - make_interval(secs => %(ttl)s) AND seen_at <= clock_timestamp();

-- name: holders
SELECT owner, count(*), min(lease_until - now())::text FROM partition_lease GROUP BY owner ORDER BY owner;

-- name: gone
DELETE FROM ingest_process
WHERE name = %(name)s OR seen_at NOT BETWEEN now() - interval '1 hour' AND now() + interval '1 minute';

-- name: renew
UPDATE partition_lease l SET lease_until = now() + make_interval(secs => %(ttl)s),
    clock_ms = greatest(l.clock_ms, u.clock_ms)
FROM unnest(%(ids)s::smallint[], %(clocks)s::bigint[]) AS u (id, clock_ms)
WHERE l.id = u.id AND l.owner = %(owner)s RETURNING l.id;

-- name: claim_leases
UPDATE partition_lease SET owner = %(owner)s, lease_until = now() + make_interval(secs => %(ttl)s)
WHERE id IN (
    SELECT id FROM partition_lease WHERE owner IS NULL OR NOT lease_holds(lease_until)
    ORDER BY id FOR UPDATE SKIP LOCKED LIMIT %(most)s
) RETURNING id, clock_ms;

-- name: raise_generation
UPDATE partition SET generation = generation + 1 WHERE id = ANY (%(ids)s) RETURNING id, generation;

-- name: release
UPDATE partition_lease SET owner = NULL, lease_until = NULL, clock_ms = greatest(clock_ms, %(clock)s)
WHERE id = %(id)s AND owner = %(owner)s;

-- name: sweep_dead_letter
DELETE FROM dead_letter WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM dead_letter WHERE at < %(before)s ORDER BY at LIMIT %(most)s));

-- name: bound_letters
DELETE FROM dead_letter WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM (
        SELECT ctid, row_number() OVER (PARTITION BY partition, device_id ORDER BY at DESC) AS nth
        FROM dead_letter) AS of_device
    WHERE nth > %(each)s LIMIT %(most)s));

-- name: sweep_reading_aside
-- The first by id are the oldest, but for those of a time when the clock was ahead: they must not stand before the rest.
WITH oldest AS (
    SELECT id, received_at AS at FROM reading_aside WHERE received_at < %(now)s + INTERVAL '1 day' ORDER BY id LIMIT %(most)s)
DELETE FROM reading_aside t USING oldest o WHERE t.id = o.id AND o.at < %(before)s;

-- name: sweep_gap
WITH oldest AS (
    SELECT id, at AS at FROM gap WHERE at < %(now)s + INTERVAL '1 day' ORDER BY id LIMIT %(most)s)
DELETE FROM gap t USING oldest o WHERE t.id = o.id AND o.at < %(before)s;

-- name: sweep_device_event
WITH oldest AS (
    SELECT id, learned_at AS at FROM device_event WHERE learned_at < %(now)s + INTERVAL '1 day' ORDER BY id LIMIT %(most)s)
DELETE FROM device_event t USING oldest o WHERE t.id = o.id AND o.at < %(before)s;
