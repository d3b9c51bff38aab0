-- Let no one in, keep nothing of a patient.

-- Names of metrics ------------------------------------------------------------------------------------------------------

-- Dead letters ------------------------------------------------------------------------------------------------------------

-- The role of jobs --------------------------------------------------------------------------------------------------------

-- Accounts ----------------------------------------------------------------------------------------------------------------

-- Audit -------------------------------------------------------------------------------------------------------------------

-- A chain is a thing of its own: whose it is may change as organisations do, its entries and their numbers don't. The
-- trigger keeps number and head, and refuses what doesn't follow; so a fork can't come about, whoever writes.
DROP INDEX audit_chain;
CREATE TABLE audit_chain (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id integer UNIQUE NULLS NOT DISTINCT REFERENCES org,     -- null: the provider's own
    entries bigint NOT NULL DEFAULT 0,
    head bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'), -- the last entry's hash
    signed jsonb                                                -- the head that was signed last; beside it, only a copy
);
ALTER TABLE audit_chain ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_chain USING (sees_org(org_id));
GRANT SELECT ON audit_chain TO steth_api;

INSERT INTO audit_chain (org_id, entries, head)
SELECT org_id, count(*), (array_agg(hash ORDER BY id DESC))[1] FROM audit GROUP BY org_id;
ALTER TABLE audit ADD COLUMN chain_id integer, ADD COLUMN position bigint;
UPDATE audit a SET chain_id = c.id, position = n.position
FROM (SELECT id, row_number() OVER (PARTITION BY org_id ORDER BY id) AS position FROM audit) n, audit_chain c
WHERE n.id = a.id AND c.org_id IS NOT DISTINCT FROM a.org_id;
ALTER TABLE audit
    ALTER COLUMN chain_id SET NOT NULL,
    ALTER COLUMN position SET NOT NULL,
    ADD FOREIGN KEY (chain_id) REFERENCES audit_chain,
    ADD CONSTRAINT audit_position_key UNIQUE (chain_id, position);

CREATE FUNCTION audit_follows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO audit_chain (org_id) SELECT NEW.org_id
    WHERE NOT EXISTS (SELECT FROM audit_chain WHERE org_id IS NOT DISTINCT FROM NEW.org_id)
    ON CONFLICT (org_id) DO NOTHING;
    UPDATE audit_chain SET entries = entries + 1, head = NEW.hash
    WHERE org_id IS NOT DISTINCT FROM NEW.org_id AND head = NEW.previous
    RETURNING id, entries INTO NEW.chain_id, NEW.position;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'an entry of the audit log must follow the last one of its chain' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER follows BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_follows();

-- For the owner too, who can drop it: against mistakes. Against intent there are the signed heads.
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is never changed' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();

-- Recipients --------------------------------------------------------------------------------------------------------------

