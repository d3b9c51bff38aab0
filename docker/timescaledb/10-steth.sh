#!/bin/sh
# The roles with the passwords of docker/secrets, so that everything else runs without a superuser. Runs by itself when
# the database's volume is empty; after an upgrade that brought a role, or a password that was changed, run it again.
# Migrations would make the same roles, without passwords.
set -eu
secret() { # doubled quotes, for a literal of SQL
  sed "s/'/''/g" "/run/secrets/$1"
}
# Read before anything is made: a file that can't be read ends this here, and no role gets an empty password.
owner=$(secret owner_password)
ingest=$(secret ingest_password)
jobs=$(secret jobs_password)
api=$(secret api_password)
[ -n "$owner" ] && [ -n "$ingest" ] && [ -n "$jobs" ] && [ -n "$api" ] || {
  echo "10-steth.sh: a password in /run/secrets is empty" >&2
  exit 1
}
psql --set ON_ERROR_STOP=1 --quiet --username "${POSTGRES_USER:-postgres}" --dbname "$POSTGRES_DB" <<SQL
-- No statement of these is logged, not even one that fails: they hold passwords.
SET log_statement = none;
SET log_min_duration_statement = -1;
SET log_min_error_statement = panic;
SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['steth_owner', 'steth_ingest', 'steth_jobs', 'steth_api', 'steth_view'])
    AS roles (name) WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE steth_owner LOGIN PASSWORD '$owner';
ALTER ROLE steth_ingest LOGIN PASSWORD '$ingest';
ALTER ROLE steth_jobs LOGIN PASSWORD '$jobs';
ALTER ROLE steth_api LOGIN PASSWORD '$api';
GRANT steth_view TO steth_owner;
GRANT CREATE, USAGE ON SCHEMA public TO steth_owner, steth_view;
ALTER DATABASE "$POSTGRES_DB" OWNER TO steth_owner;
CREATE EXTENSION IF NOT EXISTS timescaledb;
SQL
