#!/bin/sh
# Runs once, when the database's volume is empty: the roles with their passwords, so that everything else runs without a
# superuser. Migrations would make the same roles, without passwords.
set -eu
secret() { # doubled quotes, for a literal of SQL
  sed "s/'/''/g" "/run/secrets/$1"
}
psql --set ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
CREATE ROLE steth_owner LOGIN PASSWORD '$(secret owner_password)';
CREATE ROLE steth_ingest LOGIN PASSWORD '$(secret ingest_password)';
CREATE ROLE steth_api LOGIN PASSWORD '$(secret api_password)';
CREATE ROLE steth_view NOLOGIN;
GRANT steth_view TO steth_owner;
GRANT CREATE, USAGE ON SCHEMA public TO steth_owner, steth_view;
ALTER DATABASE "$POSTGRES_DB" OWNER TO steth_owner;
CREATE EXTENSION IF NOT EXISTS timescaledb;
SQL
