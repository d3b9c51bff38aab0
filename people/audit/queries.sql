-- The audit log's chains.

-- name: audit_lock
SELECT pg_advisory_xact_lock(hashtextextended('audit ' || coalesce(%(org)s::integer, 0), 2))

-- name: audit_last
SELECT audit_head(%(org)s::integer) AS head

-- name: audit_append
INSERT INTO audit (org_id, at, actor, action, subject, detail, previous, hash)
VALUES (%(org)s, %(at)s, %(actor)s, %(action)s, %(subject)s, %(detail)s::jsonb, %(previous)s, %(hash)s)

-- name: audit_page
SELECT id, org_id, position, at, actor, action, subject, detail, previous, hash FROM audit
WHERE chain_id = (SELECT id FROM audit_chain WHERE org_id IS NOT DISTINCT FROM %(org)s::integer)
    AND (%(below)s::bigint IS NULL OR position < %(below)s)
    AND (%(actor)s::text IS NULL OR actor = %(actor)s) AND (%(action)s::text IS NULL OR action = %(action)s)
    AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
    AND (%(part)s::text IS NULL OR strpos(lower(subject), lower(%(part)s)) > 0 OR strpos(lower(actor), lower(%(part)s)) > 0)
ORDER BY position DESC LIMIT %(limit)s

-- name: audit_chains
SELECT id, org_id, entries, head, signed FROM audit_chain ORDER BY id

-- name: audit_chain_of
SELECT id, org_id, entries, head, signed FROM audit_chain WHERE org_id IS NOT DISTINCT FROM %(org)s::integer

-- name: audit_walk
SELECT id, org_id, position, at, actor, action, subject, detail, previous, hash FROM audit
WHERE chain_id = %(chain)s AND position > %(behind)s ORDER BY position LIMIT %(limit)s

-- name: audit_signed
UPDATE audit_chain SET signed = %(signed)s::jsonb WHERE id = %(chain)s
