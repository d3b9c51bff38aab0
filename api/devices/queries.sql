-- Devices: what they are and how they are.

-- name: devices
SELECT d.id AS key, d.uid, d.name, d.model, d.department, d.serial, d.status, d.inventory, d.enrolled_at, d.created_at,
       d.version, d.org_id, v.hospital, d.dealer_id, v.dealer, d.site_id, v.site, v.time_zone,
       live.connected, live.interval_s, live.agent, live.boot, live.heartbeat, live.equipment_connected,
       live.clock_offset_ms,
       greatest(live.seen_at, (SELECT max(m.at) FROM device_mark m WHERE m.device_id = d.id)) AS last_seen,
       worst.open_alerts, worst.severity AS worst_severity, worst.since AS worst_since, worst.doubted_since, worst.clock_wrong_since,
       (SELECT max(r.last) FROM device_refusal r WHERE r.device_id = d.id AND r.kind = 'refused'
            AND split_part(r.reason, ':', 1) <> ALL(%(kept)s) AND r.reason NOT LIKE '%%:time') AS lost_at,
       (SELECT count(*) FROM ticket t WHERE t.device_id = d.id AND t.status <> 'closed') AS open_tickets
FROM device d
LEFT JOIN shown_device v ON v.id = d.id
LEFT JOIN device_state live ON live.device_id = d.id AND live.lane = 0
CROSS JOIN LATERAL (
    SELECT count(*) AS open_alerts,
           (array_agg(a.severity ORDER BY severity_rank(a.severity), a.occurred_at)
               FILTER (WHERE a.kind IN ('fault', 'limit')))[1] AS severity,
           (array_agg(a.occurred_at ORDER BY severity_rank(a.severity), a.occurred_at)
               FILTER (WHERE a.kind IN ('fault', 'limit')))[1] AS since,
           min(a.occurred_at) FILTER (
               WHERE a.kind NOT IN ('fault', 'limit') OR a.condition = 'unconfirmed'
           ) AS doubted_since,
           min(a.occurred_at) FILTER (WHERE a.kind = 'clock' OR a.subject = 'SYS-CLK-01') AS clock_wrong_since
    FROM alert a WHERE a.device_id = d.id AND a.condition <> 'ok' AND a.condition <> 'pending'
) worst
WHERE (%(ids)s::integer[] IS NULL OR d.id = ANY(%(ids)s)) AND (%(uid)s::text IS NULL OR d.uid = %(uid)s)

-- name: devices_listed
-- Which devices a page of the list has, in its order. Where how they are doesn't matter (`judged` false), nothing of it is read.
SELECT x.id, x.rank, x.hospital, x.site, x.name FROM (
    SELECT d.id, x.how, v.name,
           CASE WHEN %(by_name)s THEN '' ELSE v.hospital END AS hospital, CASE WHEN %(by_name)s THEN '' ELSE v.site END AS site,
           CASE WHEN NOT %(urgency)s THEN 0 WHEN x.how = 'ill' THEN severity_rank(worst.severity) WHEN x.how = 'unknown' THEN 3
               ELSE 4 END AS rank
    FROM device d
    JOIN shown_device v ON v.id = d.id
    LEFT JOIN device_state live ON live.device_id = d.id AND live.lane = 0 AND %(judged)s
    LEFT JOIN (SELECT device_id, max(at) AS at FROM device_mark WHERE %(judged)s GROUP BY device_id) heard
        ON heard.device_id = d.id
    LEFT JOIN (
        SELECT a.device_id,
               (array_agg(a.severity ORDER BY severity_rank(a.severity)) FILTER (WHERE a.kind IN ('fault', 'limit')))[1] AS severity,
               min(a.occurred_at) FILTER (WHERE a.kind NOT IN ('fault', 'limit') OR a.condition = 'unconfirmed') AS doubted_since
        FROM alert a
        WHERE (%(hospital)s::integer IS NULL OR a.org_id = %(hospital)s)
          AND (%(dealer)s::integer IS NULL OR a.dealer_id = %(dealer)s)
          AND a.condition <> 'ok' AND a.condition <> 'pending' AND %(judged)s GROUP BY a.device_id
    ) worst ON worst.device_id = d.id
    LEFT JOIN (
        SELECT r.device_id, max(r.last) AS at FROM device_refusal r
        WHERE r.kind = 'refused' AND r.last >= %(lost_from)s
          AND split_part(r.reason, ':', 1) <> ALL(%(kept)s) AND r.reason NOT LIKE '%%:time' AND %(judged)s
        GROUP BY r.device_id
    ) lost ON lost.device_id = d.id
    CROSS JOIN LATERAL (SELECT how_device_is(worst.severity, live.connected, greatest(live.seen_at, heard.at), live.interval_s, lost.at,
                   worst.doubted_since, live.equipment_connected, %(now)s, %(heartbeat_s)s) AS how) x
    WHERE (%(after)s::integer IS NULL OR %(urgency)s OR %(by_name)s  -- by place: where the index goes on
           OR (v.hospital, v.site, v.name, v.id) > (%(after_hospital)s::text, %(after_site)s::text, %(after_name)s::text, %(after)s))
      AND (%(site)s::integer[] IS NULL OR d.site_id = ANY(%(site)s))
      AND (%(hospital)s::integer IS NULL OR d.org_id = %(hospital)s)
      AND (%(hospitals)s::integer[] IS NULL OR d.org_id = ANY(%(hospitals)s))
      AND (%(dealer)s::integer IS NULL OR d.dealer_id = %(dealer)s)
      AND (%(model)s::text[] IS NULL OR d.model = ANY(%(model)s))
      AND (%(status)s::text[] IS NULL OR d.status = ANY(%(status)s))
      AND (%(sought)s::integer[] IS NULL OR d.id = ANY(%(sought)s) OR d.id = ANY(%(ticketed)s::integer[])
           OR (%(many)s::integer[] IS NOT NULL AND d.id IN (SELECT unnest(%(many)s))))
) x
WHERE (%(how)s::text[] IS NULL OR x.how = ANY(%(how)s))
  AND (%(after)s::integer IS NULL OR (x.rank, x.hospital, x.site, x.name, x.id)
       > (%(after_rank)s::integer, %(after_hospital)s::text, %(after_site)s::text, %(after_name)s::text, %(after)s))
ORDER BY x.rank, x.hospital, x.site, x.name, x.id LIMIT %(limit)s

-- name: devices_counted
-- The same devices, how each is, by groups: the ones with most to do first, and in each row the whole.
SELECT x.key, min(x.name) AS name, min(x.place) AS place, count(*) AS count,
       count(*) FILTER (WHERE x.how = 'ill') AS ill, count(*) FILTER (WHERE x.how = 'unknown') AS unknown,
       count(*) FILTER (WHERE x.how = 'well') AS well,
       sum(count(*)) OVER ()::bigint AS all_count, sum(count(*) FILTER (WHERE x.how = 'ill')) OVER ()::bigint AS all_ill,
       sum(count(*) FILTER (WHERE x.how = 'unknown')) OVER ()::bigint AS all_unknown,
       sum(count(*) FILTER (WHERE x.how = 'well')) OVER ()::bigint AS all_well, count(*) OVER () AS groups
FROM (
    SELECT how_device_is(worst.severity, live.connected, greatest(live.seen_at, heard.at), live.interval_s, lost.at,
               worst.doubted_since, live.equipment_connected, %(now)s, %(heartbeat_s)s) AS how,
           CASE %(by)s::text WHEN 'site' THEN d.site_id::text WHEN 'hospital' THEN d.org_id::text WHEN 'model' THEN d.model END AS key,
           CASE %(by)s::text WHEN 'site' THEN v.site WHEN 'hospital' THEN v.hospital END AS name,
           CASE WHEN %(by)s::text = 'site' THEN v.hospital END AS place
    FROM device d
    JOIN shown_device v ON v.id = d.id
    LEFT JOIN device_state live ON live.device_id = d.id AND live.lane = 0
    LEFT JOIN (SELECT device_id, max(at) AS at FROM device_mark GROUP BY device_id) heard
        ON heard.device_id = d.id
    LEFT JOIN (
        SELECT a.device_id,
               (array_agg(a.severity ORDER BY severity_rank(a.severity)) FILTER (WHERE a.kind IN ('fault', 'limit')))[1] AS severity,
               min(a.occurred_at) FILTER (WHERE a.kind NOT IN ('fault', 'limit') OR a.condition = 'unconfirmed') AS doubted_since
        FROM alert a
        WHERE (%(hospital)s::integer IS NULL OR a.org_id = %(hospital)s)
          AND (%(dealer)s::integer IS NULL OR a.dealer_id = %(dealer)s)
          AND a.condition <> 'ok' AND a.condition <> 'pending' GROUP BY a.device_id
    ) worst ON worst.device_id = d.id
    LEFT JOIN (
        SELECT r.device_id, max(r.last) AS at FROM device_refusal r
        WHERE r.kind = 'refused' AND r.last >= %(lost_from)s
          AND split_part(r.reason, ':', 1) <> ALL(%(kept)s) AND r.reason NOT LIKE '%%:time'
        GROUP BY r.device_id
    ) lost ON lost.device_id = d.id
    WHERE (%(site)s::integer[] IS NULL OR d.site_id = ANY(%(site)s))
      AND (%(hospital)s::integer IS NULL OR d.org_id = %(hospital)s)
      AND (%(hospitals)s::integer[] IS NULL OR d.org_id = ANY(%(hospitals)s))
      AND (%(dealer)s::integer IS NULL OR d.dealer_id = %(dealer)s)
      AND (%(model)s::text[] IS NULL OR d.model = ANY(%(model)s))
      AND (%(status)s::text[] IS NULL OR d.status = ANY(%(status)s))
      AND (%(sought)s::integer[] IS NULL OR d.id = ANY(%(sought)s) OR d.id = ANY(%(ticketed)s::integer[])
           OR (%(many)s::integer[] IS NOT NULL AND d.id IN (SELECT unnest(%(many)s))))
) x
WHERE %(how)s::text[] IS NULL OR x.how = ANY(%(how)s)
GROUP BY x.key ORDER BY ill DESC, unknown DESC, count DESC, place, name, x.key LIMIT %(limit)s

-- name: device_by_uid
SELECT d.id AS key, d.uid, d.org_id, d.dealer_id, d.site_id, d.name, d.model, d.department, d.serial, d.status, d.version,
       d.inventory, d.asset_number, d.registration_number, d.udi, d.made_on, d.in_use_since, d.use_until,
       (SELECT v.time_zone FROM shown_device v WHERE v.id = d.id) AS time_zone
FROM device d WHERE d.uid = %(uid)s

-- name: device_latest
SELECT latest FROM device_state WHERE device_id = %(device)s

-- name: metrics
SELECT id, name, unit FROM seen_metric WHERE id = ANY(%(ids)s) ORDER BY name, unit

-- name: device_gaps
SELECT lane, since, at, reports FROM device_gap WHERE device_id = %(device)s ORDER BY at DESC, id DESC LIMIT %(limit)s

-- name: device_refusals
SELECT kind, source, reason, count, since, last, form FROM device_refusal
WHERE device_id = %(device)s ORDER BY last DESC, kind, source, reason

-- name: open_tickets
SELECT number FROM ticket WHERE device_id = %(device)s AND status <> 'closed' ORDER BY id

-- name: device_codes
-- The codes that came, by the alerts that each made.
SELECT subject AS code, max(occurred_at) AS last, count(*) AS times FROM alert
WHERE device_id = %(device)s AND kind = 'fault' AND condition <> 'pending' GROUP BY subject

-- name: device_box
SELECT b.id, b.first_seen, b.last_seen FROM device d JOIN box b ON b.site_id = d.site_id AND b.id = d.box_id
WHERE d.id = %(device)s

-- name: box_devices
-- The others that report from the same box.
SELECT o.uid AS id, o.name FROM device d JOIN device o ON o.site_id = d.site_id AND o.box_id = d.box_id AND o.id <> d.id
WHERE d.id = %(device)s ORDER BY o.name, o.id LIMIT %(limit)s

-- name: device_register
-- What people enter of a device, and what became of it: the same equipment at the hospital before and after, if the asker sees it.
SELECT d.asset_number, d.registration_number, d.udi, d.made_on, d.in_use_since, d.use_until, d.retired_at, d.retired_reason,
       f.uid AS former_uid, f.name AS former_name, l.uid AS later_uid, l.name AS later_name
FROM device d LEFT JOIN device f ON f.id = d.moved_from LEFT JOIN device l ON l.moved_from = d.id
WHERE d.id = %(device)s ORDER BY l.id DESC LIMIT 1
