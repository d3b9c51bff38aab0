#!/bin/sh
# Runs once, when the database's volume is empty: the roles with their passwords, so that everything else runs without a
# superuser. Migrations would make the same roles, without passwords.
set -eu
secret() { # doubled quotes, for a literal of SQL
  sed "s/'/''/g" "/run/secrets/$1"
}
# Read before anything is made: a file that can't be read ends this here, and no role gets an empty password.
owner=$(secret owner_password)
ingest=$(secret ingest_password)
api=$(secret api_password)
[ -n "$owner" ] && [ -n "$ingest" ] && [ -n "$api" ] || { echo "10-steth.sh: a password in /run/secrets is empty" >&2; exit 1; }
psql --set ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
CREATE ROLE steth_owner LOGIN PASSWORD '$owner';
CREATE ROLE steth_ingest LOGIN PASSWORD '$ingest';
CREATE ROLE steth_api LOGIN PASSWORD '$api';
CREATE ROLE steth_view NOLOGIN;
GRANT steth_view TO steth_owner;
GRANT CREATE, USAGE ON SCHEMA public TO steth_owner, steth_view;
ALTER DATABASE "$POSTGRES_DB" OWNER TO steth_owner;
CREATE EXTENSION IF NOT EXISTS timescaledb;
SQL
