-- The desk's statements. Times pass as milliseconds since 1970 UTC. Rows of one statement pass as one JSON array,
-- so that a batch of hundreds of tickets costs as many statements as a batch of one.

-- name: repeats_at_hand
-- Of alerts that happened again, those that the open ticket of their family has already: nothing is to do for them.
-- Nothing is locked: a ticket that is closed at this moment was open when it happened.
SELECT a.alert_id
FROM unnest(%s::integer[], %s::text[], %s::uuid[]) AS k(device_id, family, alert_id)
JOIN ticket t ON t.device_id = k.device_id AND t.family = k.family AND t.status <> 'closed'
JOIN ticket_alert a ON a.ticket_id = t.id AND a.alert_id = k.alert_id;

-- name: lock_tickets
-- All that a batch touches at once, in the order of the keys, so that two transactions never wait for one another in a
-- circle: the open tickets of these devices and families, and those of these alerts.
WITH wanted AS (
    SELECT t.id FROM unnest(%s::integer[], %s::text[]) AS k(device_id, family)
    JOIN ticket t ON t.device_id = k.device_id AND t.family = k.family AND t.status <> 'closed'
    UNION SELECT a.ticket_id FROM ticket_alert a WHERE a.alert_id = ANY (%s::uuid[])
)
SELECT t.id, t.device_id, t.family, t.org_id, t.severity FROM ticket t JOIN wanted USING (id)
WHERE t.status <> 'closed' ORDER BY t.device_id, t.family FOR NO KEY UPDATE OF t;

-- name: open_tickets
-- One open ticket per device and family: what loses against ticket_one_open is not returned, nor what belongs to a
-- device that is retired. Whose and where it is, the device's own row says: ingest may learn of a move a little later.
-- In the order of the keys. The number comes last (number_tickets).
INSERT INTO ticket (number, org_id, dealer_id, site_id, device_id, family, severity, occurred_at, detected_at, opened_at,
                    evidence_from, evidence_to, causes, parts, message, params)
SELECT 'opening-' || gen_random_uuid(), d.org_id, d.dealer_id, d.site_id, o.device_id, o.family, o.severity,
       to_timestamp(o.occurred_ms / 1000.0), to_timestamp(o.detected_ms / 1000.0), to_timestamp(o.opened_ms / 1000.0),
       to_timestamp(o.evidence_from_ms / 1000.0), to_timestamp(o.evidence_to_ms / 1000.0),
       o.causes, o.parts, o.message, o.params
FROM jsonb_to_recordset(%s::jsonb) AS o(
    device_id integer, family text, severity text, occurred_ms bigint,
    detected_ms bigint, opened_ms bigint, evidence_from_ms bigint, evidence_to_ms bigint, causes jsonb, parts jsonb,
    message text, params jsonb)
JOIN device d ON d.id = o.device_id AND d.status = 'active'
ORDER BY o.device_id, o.family
ON CONFLICT (device_id, family) WHERE status <> 'closed' DO NOTHING
RETURNING id, device_id, family, org_id, (SELECT s.time_zone FROM site s WHERE s.id = ticket.site_id),
    (SELECT (extract(epoch FROM i.restored_at) * 1000)::bigint FROM installation i);

-- name: retired_devices
SELECT id FROM device WHERE id = ANY (%s::integer[]) AND status = 'retired';

-- name: closed_before
-- The latest closed ticket of each of these alerts.
SELECT DISTINCT ON (a.alert_id) a.alert_id, t.number
FROM ticket_alert a JOIN ticket t ON t.id = a.ticket_id
WHERE a.alert_id = ANY (%s::uuid[]) AND t.status = 'closed'
ORDER BY a.alert_id, t.id DESC;

-- name: join_alerts
INSERT INTO ticket_alert (ticket_id, alert_id, org_id, dealer_id)
SELECT k.*, (SELECT t.dealer_id FROM ticket t WHERE t.id = k.ticket_id)
FROM unnest(%s::bigint[], %s::uuid[], %s::integer[]) AS k(ticket_id, alert_id, org_id)
ON CONFLICT (ticket_id, alert_id) DO NOTHING
RETURNING ticket_id, alert_id;

-- name: raise_severities
UPDATE ticket t SET severity = k.severity, version = version + 1
FROM unnest(%s::bigint[], %s::text[]) AS k(id, severity)
WHERE t.id = k.id;

-- name: add_events
INSERT INTO ticket_event (ticket_id, org_id, dealer_id, at, event, actor, message, params)
SELECT (e ->> 'ticket_id')::bigint, (e ->> 'org_id')::integer,
       coalesce((e ->> 'dealer_id')::integer, (SELECT t.dealer_id FROM ticket t WHERE t.id = (e ->> 'ticket_id')::bigint)),
       to_timestamp((e ->> 'at_ms')::bigint / 1000.0), e ->> 'event', e ->> 'actor', e ->> 'message', e -> 'params'
FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS rows(e, nth)
ORDER BY nth;

-- name: add_tellings
-- For each recipient of the ticket's dealer and of its hospital, none of whom ingest sees (migration 0010).
SELECT tell(%s::jsonb);

-- name: tickets_of_alerts
-- The open tickets of alerts that are over, and whether nothing of the ticket is wrong any more.
SELECT a.alert_id, t.id, t.org_id, NOT EXISTS (
    SELECT FROM ticket_alert o JOIN alert l ON l.id = o.alert_id WHERE o.ticket_id = t.id AND l.condition <> 'ok')
FROM ticket_alert a JOIN ticket t ON t.id = a.ticket_id
WHERE a.alert_id = ANY (%s::uuid[]) AND t.status <> 'closed'
ORDER BY t.id;

-- name: number_tickets
-- The day's counter is a hot row: taken by the last statement of the stage, and given back by the commit alone, so that
-- a number never belongs to a ticket that doesn't exist (migration 0013).
SELECT id, number FROM number_tickets(%s::bigint[], %s::date[], %s::integer[]);

-- name: change_dealer
-- A change of dealer that is due (migration 0010): the tickets that open by it, the number of the one before, its runbook.
SELECT ticket_id, before, runbook FROM change_dealer(%(device)s, to_timestamp(%(now_ms)s / 1000.0));

-- name: opened_anew
SELECT t.id, t.org_id, t.family, t.severity, (extract(epoch FROM t.occurred_at) * 1000)::bigint,
    (extract(epoch FROM t.detected_at) * 1000)::bigint, (extract(epoch FROM t.evidence_from) * 1000)::bigint,
    (extract(epoch FROM t.evidence_to) * 1000)::bigint, s.time_zone,
    (SELECT (extract(epoch FROM i.restored_at) * 1000)::bigint FROM installation i)
FROM ticket t JOIN site s ON s.id = t.site_id WHERE t.id = ANY (%s::bigint[]) ORDER BY t.id;

-- name: due_evidence
-- Bulk has passed the range, or can't be waited for; and some that the former version froze without a copy. What was put
-- off further than it ever is was put off before the clock was put right.
(SELECT t.id FROM ticket t LEFT JOIN mark k ON k.device_id = t.device_id AND k.lane = 1
 WHERE t.evidence_frozen_at IS NULL
    AND (k.reached > t.evidence_to OR t.opened_at <= to_timestamp((%(now_ms)s - %(patience_ms)s) / 1000.0))
    AND (t.evidence_next_at > to_timestamp(%(now_ms)s / 1000.0)
         AND t.evidence_next_at <= to_timestamp((%(now_ms)s + %(again_ms)s) / 1000.0)) IS NOT TRUE
 ORDER BY t.id LIMIT %(most)s)
UNION ALL
(SELECT t.id FROM ticket t
 WHERE t.evidence_readings IS NULL AND t.evidence_frozen_at IS NOT NULL
    AND (t.evidence_next_at > to_timestamp(%(now_ms)s / 1000.0)
         AND t.evidence_next_at <= to_timestamp((%(now_ms)s + %(again_ms)s) / 1000.0)) IS NOT TRUE
 ORDER BY t.id LIMIT %(few)s);

-- name: lock_evidence
-- Nothing where it was copied meanwhile, or is being copied.
SELECT t.org_id, t.device_id, t.evidence_from, t.evidence_to, t.evidence_frozen_at IS NOT NULL,
    EXISTS (SELECT FROM mark k WHERE k.device_id = t.device_id AND k.lane = 1 AND k.reached > t.evidence_to),
    (SELECT count(*) FROM reading r WHERE r.device_id = t.device_id AND r.ts BETWEEN t.evidence_from AND t.evidence_to)
FROM ticket t WHERE t.id = %s AND t.evidence_readings IS NULL FOR NO KEY UPDATE OF t SKIP LOCKED;

-- name: copy_readings
-- The newest first, so that what is cut is the furthest from the fault.
INSERT INTO ticket_evidence (ticket_id, org_id, dealer_id, metric, unit, at, value, quality)
SELECT %(ticket)s, %(org)s, (SELECT t.dealer_id FROM ticket t WHERE t.id = %(ticket)s), m.name, m.unit, array_agg(r.ts ORDER BY r.ts), array_agg(r.value ORDER BY r.ts),
       array_agg(CASE WHEN adds_up(r.value) THEN r.quality ELSE 2::smallint END ORDER BY r.ts)
FROM (SELECT ts, metric_id, value, quality FROM reading
      WHERE device_id = %(device)s AND ts BETWEEN %(begins)s AND %(ends)s
      ORDER BY ts DESC, metric_id LIMIT %(most)s) r
JOIN metric m ON m.id = r.metric_id
GROUP BY m.name, m.unit;

-- name: copy_events
INSERT INTO ticket_evidence_event (ticket_id, org_id, dealer_id, event_id, at, kind, body)
SELECT %(ticket)s, %(org)s, (SELECT t.dealer_id FROM ticket t WHERE t.id = %(ticket)s), e.id, e.at, e.kind, e.body
FROM (SELECT id, at, kind, body, sum(octet_length(body::text)) OVER (ORDER BY at DESC, id DESC) AS bytes
      FROM (SELECT id, at, kind, body FROM device_event
            WHERE device_id = %(device)s AND at BETWEEN %(begins)s AND %(ends)s
            ORDER BY at DESC, id DESC LIMIT %(most)s) newest) e
WHERE e.bytes <= %(bytes)s;

-- name: count_events
SELECT count(*) FROM (SELECT FROM device_event WHERE device_id = %(device)s AND at BETWEEN %(begins)s AND %(ends)s
    LIMIT %(most)s + 1) counted;

-- name: freeze_evidence
-- The version stays: nothing that an operator edits has changed.
UPDATE ticket SET evidence_frozen_at = coalesce(evidence_frozen_at, to_timestamp(%(now_ms)s / 1000.0)),
    evidence_readings = %(readings)s, evidence_cut = %(cut)s, evidence_next_at = NULL
WHERE id = %(ticket)s;

-- name: put_off_evidence
UPDATE ticket SET evidence_next_at = to_timestamp(%(next_ms)s / 1000.0) WHERE id = %(ticket)s;

-- name: evidence_range
SELECT device_id, evidence_from, evidence_to, evidence_frozen_at, evidence_readings IS NOT NULL, evidence_cut
FROM ticket WHERE id = %s;

-- name: evidence_readings
-- Of the copy; of what is there meanwhile (below).
SELECT r.at, e.metric, e.unit, r.value, r.quality
FROM ticket_evidence e CROSS JOIN LATERAL unnest(e.at, e.value, e.quality) AS r(at, value, quality)
WHERE e.ticket_id = %s ORDER BY r.at, e.metric LIMIT %s;

-- name: uncopied_readings
SELECT ts, metric, unit, value, quality FROM device_reading
WHERE device_id = %s AND ts BETWEEN %s AND %s ORDER BY ts, metric LIMIT %s;

-- name: evidence_signals
SELECT metric, unit, at, value, quality FROM ticket_evidence WHERE ticket_id = %s ORDER BY metric, unit;

-- name: uncopied_signals
SELECT metric, unit, array_agg(ts ORDER BY ts), array_agg(value ORDER BY ts), array_agg(quality ORDER BY ts)
FROM (SELECT ts, metric, unit, value, quality FROM device_reading
      WHERE device_id = %s AND ts BETWEEN %s AND %s ORDER BY ts DESC, metric LIMIT %s) r
GROUP BY metric, unit ORDER BY metric, unit;

-- name: evidence_events
SELECT at, kind, body FROM ticket_evidence_event WHERE ticket_id = %s ORDER BY at, event_id;

-- name: uncopied_events
SELECT at, kind, body FROM (SELECT id, at, kind, body FROM seen_device_event
    WHERE device_id = %s AND at BETWEEN %s AND %s ORDER BY at DESC, id DESC LIMIT %s) newest
ORDER BY at, id;

-- name: lock_ticket
SELECT org_id, status, holder, repaired_by, (extract(epoch FROM arrived_at) * 1000)::bigint, causes, parts, version
FROM ticket WHERE id = %s FOR NO KEY UPDATE;

-- name: count_open_alerts
-- Apart from the lock: what was committed while it was waited for counts.
SELECT count(*) FROM ticket_alert a JOIN alert l ON l.id = a.alert_id WHERE a.ticket_id = %s AND l.condition <> 'ok';

-- name: open_tickets_of
SELECT id, org_id FROM ticket WHERE device_id = %s AND status <> 'closed' ORDER BY family FOR NO KEY UPDATE;

-- name: tickets_move
UPDATE ticket SET site_id = %(site)s WHERE device_id = %(device)s AND status <> 'closed';

-- name: move_ticket
UPDATE ticket SET status = %(status)s, holder = %(holder)s, repaired_by = %(repaired_by)s,
    arrived_at = to_timestamp(%(arrived_ms)s::bigint / 1000.0), version = version + 1,
    closed_at = CASE WHEN %(status)s = 'closed' THEN to_timestamp(%(now_ms)s / 1000.0) END
WHERE id = %(id)s;

-- name: add_repair
INSERT INTO ticket_repair (ticket_id, org_id, dealer_id, device_id, model, family, at, actor, cause, cause_words, actions, parts, note)
SELECT t.id, t.org_id, t.dealer_id, t.device_id, d.model, t.family, to_timestamp(%(now_ms)s / 1000.0), %(actor)s, %(cause)s, %(words)s::jsonb,
    %(actions)s, %(parts)s::jsonb, %(note)s
FROM ticket t JOIN device d ON d.id = t.device_id WHERE t.id = %(ticket)s;

-- name: report_fault
-- A report's own ticket, of a device that is watched; nothing where there is an open one. The number comes last.
INSERT INTO ticket (number, org_id, dealer_id, site_id, device_id, family, severity, occurred_at, reported_at, opened_at,
                    evidence_from, evidence_to, message, params)
SELECT 'opening-' || gen_random_uuid(), d.org_id, d.dealer_id, d.site_id, d.id, 'reported', %(severity)s,
       to_timestamp(%(since_ms)s / 1000.0), to_timestamp(%(now_ms)s / 1000.0), to_timestamp(%(now_ms)s / 1000.0),
       to_timestamp((%(since_ms)s - %(before_ms)s) / 1000.0), to_timestamp(%(now_ms)s / 1000.0), 'ticket.title.reported', %(params)s::jsonb
FROM device d WHERE d.id = %(device)s AND d.status = 'active'
ON CONFLICT (device_id, family) WHERE status <> 'closed' DO NOTHING
RETURNING id, org_id, (SELECT s.time_zone FROM site s WHERE s.id = ticket.site_id),
    (SELECT (extract(epoch FROM i.restored_at) * 1000)::bigint FROM installation i);

-- name: lock_reported
-- The ticket that a report joins: an open one of the device.
SELECT id, org_id, severity FROM ticket
WHERE device_id = %(device)s AND number = %(number)s AND status <> 'closed' FOR NO KEY UPDATE;

-- name: join_report
UPDATE ticket SET reported_at = coalesce(reported_at, to_timestamp(%(now_ms)s / 1000.0)), severity = %(severity)s,
    version = version + 1
WHERE id = %(id)s;

-- name: tell_own
-- As add_tellings, of a ticket that the asking organisation sees.
SELECT tell_own(%s::jsonb);

-- name: helped
-- What closed tickets of a family: their last repair, and when the same came again on the same device, if it did within
-- so many days.
SELECT t.number, d.uid, d.name AS device_name, d.hospital, r.model, r.at, t.closed_at, r.actor, r.cause, r.cause_words, r.actions, r.parts, r.note,
    (SELECT min(n.opened_at) FROM ticket n WHERE n.device_id = r.device_id AND n.id > t.id AND n.family = r.family
        AND n.opened_at <= r.at + make_interval(days => %(days)s)) AS again_at
FROM seen_ticket_repair r JOIN ticket t ON t.id = r.ticket_id AND t.status = 'closed' JOIN shown_device d ON d.id = r.device_id
WHERE r.family = %(family)s AND (%(device)s::integer IS NULL OR r.device_id = %(device)s)
    AND (%(model)s::text IS NULL OR r.model = %(model)s)
    AND (%(hospital)s::integer IS NULL OR r.org_id = %(hospital)s) AND (%(dealer)s::integer IS NULL OR r.dealer_id = %(dealer)s)
    AND r.id = (SELECT max(o.id) FROM seen_ticket_repair o WHERE o.ticket_id = r.ticket_id)
ORDER BY r.id DESC LIMIT %(limit)s;

-- name: tickets_of_gaps
-- A device whose reports go missing again and again is written down once in a while.
SELECT t.id, t.device_id, t.org_id FROM ticket t
WHERE t.device_id = ANY (%(devices)s::integer[]) AND t.status <> 'closed' AND NOT EXISTS (
    SELECT FROM ticket_event e WHERE e.ticket_id = t.id AND e.event = 'gap' AND e.at > to_timestamp(%(since_ms)s / 1000.0))
ORDER BY t.id FOR NO KEY UPDATE OF t;

-- name: gaps_at_once
-- Of how many devices reports went missing lately that a restore that is known doesn't explain, and of how many it could be.
SELECT (SELECT count(DISTINCT g.device_id) FROM gap g, installation i
        WHERE g.lane = 0 AND g.at > to_timestamp(%(since_ms)s / 1000.0)
            AND (i.restored_at IS NULL OR g.since > i.restored_at)),
    (SELECT count(*) FROM device WHERE status = 'active');

-- name: lasting_alerts
-- Alerts that had a ticket, last, and have no open one. Of retired devices nothing lasts.
SELECT count(*), min(c.closed_at)
FROM alert l CROSS JOIN LATERAL (
    SELECT max(t.closed_at) AS closed_at FROM ticket_alert a JOIN ticket t ON t.id = a.ticket_id
    WHERE a.alert_id = l.id HAVING bool_and(t.status = 'closed')) c
WHERE l.condition <> 'ok';

-- name: tickets_apart
SELECT t.number FROM ticket t CROSS JOIN LATERAL (
    SELECT bool_and(l.condition = 'ok') AS over,
        min(severity_rank(l.severity)) FILTER (WHERE l.condition <> 'ok')
            AS worst
    FROM ticket_alert a JOIN alert l ON l.id = a.alert_id WHERE a.ticket_id = t.id) l
WHERE t.status <> 'closed' AND (
    l.worst < severity_rank(t.severity)
    OR t.number LIKE 'opening-%'
    OR l.over AND NOT EXISTS (
        SELECT FROM ticket_event e WHERE e.ticket_id = t.id AND e.event IN ('alert-over', 'condition-over')))
ORDER BY t.id;

-- name: astray
-- What lasts is of the dealer that serves the device now, and nobody else waits to be told of it but the hospital itself.
SELECT t.number FROM ticket t JOIN device d ON d.id = t.device_id WHERE t.status <> 'closed' AND t.dealer_id <> d.dealer_id
UNION ALL
SELECT a.id::text FROM alert a JOIN device d ON d.id = a.device_id WHERE a.condition <> 'ok' AND a.dealer_id <> d.dealer_id
UNION ALL
SELECT t.number FROM ticket t CROSS JOIN LATERAL (
    SELECT bool_or(b.dealer_id <> t.dealer_id) AS another FROM ticket_alert b WHERE b.ticket_id = t.id) b
WHERE t.status <> 'closed' AND b.another
UNION ALL
SELECT g.id::text FROM telling g JOIN ticket t ON t.id = g.ticket_id JOIN device d ON d.id = t.device_id
WHERE g.state = 'waiting' AND g.owner_id NOT IN (d.dealer_id, t.org_id);
