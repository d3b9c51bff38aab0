"""The roles of the database. They belong to the whole cluster, so several databases may need them at the same time.

`steth_owner` owns everything and is whom migrations run as; `steth_ingest`, `steth_jobs` and `steth_api` are the
processes' logins; `steth_view` owns the security-barrier views, is nobody's login, and is subject to the policies of
what the views read.
"""

import time
from collections.abc import Mapping
from typing import Any, Final, LiteralString

import psycopg
from psycopg import errors, sql

from store.errors import StoreError, StoreErrorCode
from store.pool import ROLES, Role, role_name

OWNER: Final = "steth_owner"
VIEW: Final = "steth_view"
_LOGINS: Final = tuple(map(role_name, ROLES))
_ATTEMPTS: Final = 50

_Sync = psycopg.Connection[tuple[Any, ...]]


def ensure_roles(connection: _Sync) -> None:
    """Make the roles that are missing and give the current database to its owner. `connection` must be in autocommit.

    Needs a superuser only where something is missing. Raises StoreError (ROLE) when something is and we are none.
    """
    try:
        for name in (*_LOGINS, VIEW):
            if not _yes(connection, b"SELECT count(*) FROM pg_roles WHERE rolname = %s", name):
                _execute(connection, "CREATE ROLE {} " + ("NOLOGIN" if name == VIEW else "LOGIN"), name)
        if not _yes(connection, b"SELECT pg_has_role(%s, %s, 'SET')::int", OWNER, VIEW):
            _execute(connection, "GRANT {} TO {}", VIEW, OWNER)
        row = connection.execute(
            "SELECT datname, pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        if row is not None and row[1] != OWNER:
            _execute(connection, "ALTER DATABASE {} OWNER TO {}", row[0], OWNER)
        # Views are given to their owner by migrations, which needs the right to have things in the schema.
        for name in (OWNER, VIEW):
            if not _yes(connection, b"SELECT has_schema_privilege(%s, 'public', 'CREATE')::int", name):
                _execute(connection, "GRANT CREATE, USAGE ON SCHEMA public TO {}", name)
    except errors.InsufficientPrivilege as error:
        raise StoreError(
            StoreErrorCode.ROLE,
            f"{error.diag.message_primary}: run `steth migrate` once as a superuser, to make the steth roles"
            " (docs/deploy.md, Upgrade)",
        ) from error


def make_database(connection: _Sync, name: str) -> None:
    """Make a database unless there is one of this name. `connection`: a superuser's, in autocommit."""
    if not _yes(connection, b"SELECT count(*) FROM pg_database WHERE datname = %s", name):
        _execute(connection, "CREATE DATABASE {}", name)


def set_passwords(connection: _Sync, passwords: Mapping[Role, str]) -> None:
    """Set the passwords of login roles, hashed here (SCRAM): no statement and no server log ever holds one."""
    for role, password in passwords.items():
        name = role_name(role)
        secret = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
        _run(connection, sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(secret)))


def _yes(connection: _Sync, query: bytes, *names: str) -> bool:
    row = connection.execute(query, names).fetchone()
    return row is not None and row[0] != 0


def _execute(connection: _Sync, statement: LiteralString, *names: str) -> None:
    _run(connection, sql.SQL(statement).format(*map(sql.Identifier, names)))


def _run(connection: _Sync, statement: sql.Composed) -> None:
    """Run a statement on roles; another database's migration may be doing the same at this moment.

    That it made what we wanted is as good. That it changed the same row (`tuple concurrently updated`, an XX000) is
    tried again: roles have no lock that a session could take across databases.
    """
    for attempt in range(_ATTEMPTS):
        try:
            connection.execute(statement)
        except (errors.DuplicateObject, errors.UniqueViolation):
            return
        except errors.InternalError_ as error:
            if "concurrently" not in str(error) or attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.005 * (attempt + 1))
        else:
            return
