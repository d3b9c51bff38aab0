-- What a hospital's register has of a device, and what became of it. One transaction; columns come with a constant.

ALTER TABLE device
    ADD COLUMN asset_number text NOT NULL DEFAULT '',       -- 院内资产编号
    ADD COLUMN registration_number text NOT NULL DEFAULT '', -- 注册证号
    ADD COLUMN udi text NOT NULL DEFAULT '',
    ADD COLUMN made_on date,
    ADD COLUMN in_use_since date,
    ADD COLUMN use_until date,                               -- 使用期限
    ADD COLUMN retired_at timestamptz,
    ADD COLUMN retired_reason text NOT NULL DEFAULT '',
    ADD COLUMN moved_from integer REFERENCES device,         -- the same equipment at the hospital before
    ADD CONSTRAINT device_dates_check CHECK (made_on <= in_use_since AND in_use_since <= use_until AND made_on <= use_until);
CREATE INDEX device_moved_from ON device (moved_from) WHERE moved_from IS NOT NULL;

-- Another site of its hospital: its agent names its box anew, and the box that nothing names any more is forgotten.
CREATE FUNCTION leave_box() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM box b WHERE b.site_id = OLD.site_id AND b.id = OLD.box_id
        AND NOT EXISTS (SELECT FROM device d WHERE d.site_id = b.site_id AND d.box_id = b.id);
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION leave_box FROM PUBLIC;
CREATE TRIGGER leave_box AFTER UPDATE OF site_id ON device FOR EACH ROW WHEN (OLD.box_id IS NOT NULL) EXECUTE FUNCTION leave_box();

GRANT UPDATE (asset_number, registration_number, udi, made_on, in_use_since, use_until, retired_at, retired_reason, site_id, box_id)
    ON device TO steth_api;
GRANT UPDATE (site_id) ON ticket TO steth_api;
