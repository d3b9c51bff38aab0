-- Tickets as they are read; what people do with them is in desk/.

-- name: tickets
SELECT t.id, t.number, d.uid, d.name AS device_name, d.model, s.time_zone, s.id AS site_id, s.name AS site, o.name AS hospital,
       t.org_id, t.family, t.severity, t.status, t.occurred_at, t.detected_at, t.opened_at, t.closed_at, t.message, t.params,
       t.version
FROM ticket t
JOIN device d ON d.id = t.device_id
JOIN site s ON s.id = t.site_id
JOIN org o ON o.id = t.org_id
WHERE (%(ids)s::bigint[] IS NULL OR t.id = ANY(%(ids)s))
  AND (%(device)s::text IS NULL OR d.uid = %(device)s)
  AND (%(family)s::text IS NULL OR t.family = %(family)s)
  AND (%(severity)s::text IS NULL OR t.severity = %(severity)s)
  AND (%(hospital)s::integer IS NULL OR t.org_id = %(hospital)s)
  AND (%(site)s::integer IS NULL OR t.site_id = %(site)s)
  AND (%(status)s::text IS NULL OR t.status = %(status)s)
  AND (%(open)s::boolean IS NULL OR %(open)s OR t.status = 'closed')
  AND (%(open)s::boolean IS NULL OR NOT %(open)s OR t.status <> 'closed')
  AND (%(below)s::bigint IS NULL OR t.id < %(below)s)
ORDER BY t.id DESC LIMIT %(limit)s

-- name: ticket_by_number
SELECT t.id, t.org_id, t.version, d.model FROM ticket t JOIN device d ON d.id = t.device_id WHERE t.number = %(number)s
