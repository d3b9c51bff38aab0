-- Administration: roles that change, contacts, addresses of sites, where somebody signed in (ADR 0044). Columns come with a constant.

-- Whether an organisation's things are the asking dealer's alone to change: nobody else works for that hospital.
CREATE FUNCTION works_alone(org integer) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN EXISTS (SELECT FROM clientele c WHERE c.org_id = works_alone.org AND c.dealer_id = viewer())
        AND NOT EXISTS (SELECT FROM clientele c WHERE c.org_id = works_alone.org AND c.dealer_id <> viewer());
END $$;
REVOKE ALL ON FUNCTION works_alone FROM PUBLIC;
GRANT EXECUTE ON FUNCTION works_alone TO steth_api;

ALTER TABLE org ADD COLUMN version integer NOT NULL DEFAULT 1;
ALTER POLICY tenant ON org WITH CHECK (viewer() = 0 OR works_alone(id));
GRANT UPDATE (version) ON org TO steth_api;

ALTER TABLE site ADD COLUMN address text NOT NULL DEFAULT '', ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD CONSTRAINT site_of_org UNIQUE (id, org_id);
CREATE POLICY alone ON site AS RESTRICTIVE FOR UPDATE TO steth_api USING (viewer() = 0 OR works_alone(org_id));
GRANT UPDATE (name, time_zone, address, version) ON site TO steth_api;

-- Whom to call at a hospital: its own staff, never a patient. Gone when it is removed; the audit log names its number alone.
CREATE TABLE contact (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id integer NOT NULL REFERENCES org,
    site_id integer,                                -- null: of the whole hospital
    name text NOT NULL,
    part text NOT NULL CHECK (part IN ('department', 'equipment', 'it', 'other')),
    phone text NOT NULL,
    hours text NOT NULL DEFAULT '',                 -- when to call, in words
    night smallint CHECK (night BETWEEN 1 AND 9),   -- who is called at night, the first first; null: not at night
    version integer NOT NULL DEFAULT 1,
    FOREIGN KEY (site_id, org_id) REFERENCES site (id, org_id)
);
CREATE INDEX contact_org ON contact (org_id, id);
ALTER TABLE contact ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact USING (sees(org_id, NULL)
    OR EXISTS (SELECT FROM clientele c WHERE c.dealer_id = viewer() AND c.org_id = contact.org_id));
GRANT SELECT, DELETE, INSERT (org_id, site_id, name, part, phone, hours, night),
    UPDATE (site_id, name, part, phone, hours, night, version) ON contact TO steth_api;

-- What a credential is, and where it was asked for.
ALTER TABLE api_token ADD COLUMN kind text NOT NULL DEFAULT 'token' CHECK (kind IN ('token', 'login', 'browser')),
    ADD COLUMN address text NOT NULL DEFAULT '';
GRANT SELECT (kind, address), INSERT (kind, address) ON api_token TO steth_api;

-- Of its organisation's kind it stays: account_role_check.
GRANT UPDATE (role) ON account TO steth_api;
