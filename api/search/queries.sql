-- What a search is turned into before a list is read, so that the list finds its rows by their indexes (ADR 0039).

-- name: sought_devices
-- Those in whose names each word is. A word is what it may look like there, in small letters as the database makes them.
SELECT v.id FROM shown_device v
WHERE v.sought LIKE ANY ((SELECT array_agg(lower(p)) FROM unnest(%(first)s::text[]) p)::text[])
  AND (%(second)s::text[] IS NULL
       OR v.sought LIKE ANY ((SELECT array_agg(lower(p)) FROM unnest(%(second)s::text[]) p)::text[]))
  AND (%(third)s::text[] IS NULL
       OR v.sought LIKE ANY ((SELECT array_agg(lower(p)) FROM unnest(%(third)s::text[]) p)::text[]))

-- name: sought_tickets
-- Those whose numbers end so, the latest first.
SELECT t.id, t.device_id, (SELECT array_agg(a.alert_id) FROM ticket_alert a WHERE a.ticket_id = t.id) AS alerts
FROM tickets_ending(%(number)s::text, %(limit)s::integer) t
