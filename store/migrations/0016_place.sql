-- The list of devices goes by hospital, site and name: a page of it is read where it stands. Written when something is renamed.
CREATE INDEX service_place ON service (hospital, site, name, device_id) WHERE shown;
