"""What each role of the database may do is what rights.toml says, no more and no less, on every edition."""

import json
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.fixtures.pglite import Pglite
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import Hospital, rows

RIGHTS: Final = Path(__file__).with_name("rights.toml")
ROLES: Final = ("ingest", "jobs", "api", "view")
_NEVER: Final = ("TRUNCATE", "REFERENCES", "TRIGGER")
_OF_TABLES: Final = b"""
SELECT c.relname, r.role, pg_get_userbyid(c.relowner) = 'steth_' || r.role, p.privilege,
    has_table_privilege('steth_' || r.role, c.oid, p.privilege),
    ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
        AND (a.attnum > 0 OR a.attname = 'ctid') AND p.privilege IN ('SELECT', 'INSERT', 'UPDATE')
        AND has_column_privilege('steth_' || r.role, c.oid, a.attnum, p.privilege) ORDER BY a.attnum < 0, a.attnum)
FROM pg_class c, unnest(%(roles)s::text[]) AS r (role),
    unnest(%(privileges)s::text[]) WITH ORDINALITY AS p (privilege, nth)
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname, r.role, p.nth
"""
_OF_FUNCTIONS: Final = b"""
SELECT p.proname, ARRAY(SELECT r.role FROM unnest(%(roles)s::text[]) WITH ORDINALITY AS r (role, nth)
    WHERE has_function_privilege('steth_' || r.role, p.oid, 'EXECUTE') ORDER BY r.nth),
    coalesce('search_path=public, pg_temp' = ANY (p.proconfig), false), p.prorettype = 'trigger'::regtype
FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
_PRIVILEGES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", *_NEVER)

Rights = dict[str, dict[str, str]]


def found(connection: psycopg.Connection[tuple[Any, ...]]) -> tuple[Rights, dict[str, list[str]]]:
    """By relation and role the rights in words, as rights.toml has them; who may call the functions that act as their
    owner. All of these must pin their search path, with pg_temp last: unnamed it would be the first, and the caller's.
    """
    given = {"roles": list(ROLES), "privileges": list(_PRIVILEGES)}
    words: dict[tuple[str, str], list[str]] = {}
    for table, role, owns, privilege, whole, columns in connection.execute(_OF_TABLES, given).fetchall():
        if owns:
            words[table, role] = ["owns"]
        elif whole or columns:
            what = privilege.lower() if whole else f"{privilege.lower()} ({', '.join(columns)})"
            words.setdefault((table, role), []).append(what)
        words.setdefault((table, "?"), [])
    rights: Rights = {}
    for (table, role), what in words.items():
        rights.setdefault(table, {})
        if role != "?":
            rights[table][role] = ", ".join(what)
    functions = connection.execute(_OF_FUNCTIONS, given).fetchall()
    assert [name for name, _, pinned, _ in functions if not pinned] == []
    return rights, {name: roles for name, roles, _, fires in functions if not fires}


def said(edition: str) -> tuple[Rights, dict[str, list[str]]]:
    """What rights.toml says of an edition."""
    page = tomllib.loads(RIGHTS.read_text(encoding="utf-8"))
    tables: Rights = {}
    for name, rights in page["tables"].items():
        only, less = rights.pop("only", None), rights.pop("not", {})
        if only is None or edition in only:
            tables[name] = {role: what for role, what in rights.items() if edition not in less.get(role, [])}
    functions = {n: f["to"] for n, f in page["functions"].items() if edition in f.get("only", [edition])}
    return tables, functions


def differences(connection: psycopg.Connection[tuple[Any, ...]], edition: str) -> Iterator[str]:
    there, callers = found(connection)
    tables, functions = said(edition)
    for name in sorted({*there, *tables}):
        if there.get(name) != tables.get(name):
            yield f"{name}: is {there.get(name)}, rights.toml says {tables.get(name)}"
    for name in sorted({*callers, *functions}):
        if callers.get(name) != functions.get(name):
            yield f"{name}(): is for {callers.get(name)}, rights.toml says {functions.get(name)}"


def test_the_rights_are_those_written_down(engine_database: Database) -> None:
    with psycopg.connect(engine_database.superuser) as connection:
        timescale = connection.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is not None
        assert list(differences(connection, "timescale-apache" if timescale else "plain")) == []


def test_the_rights_are_those_written_down_on_the_community_edition(community: Pglite) -> None:
    with community.connect() as connection:
        assert list(differences(connection, "timescale-community")) == []


def test_a_right_too_many_and_a_table_without_a_row_are_noticed(database: Database) -> None:
    with psycopg.connect(database.superuser) as connection:
        connection.execute("GRANT SELECT (hash) ON api_token TO steth_jobs")
        connection.execute("CREATE TABLE another (id integer)")
        connection.execute("GRANT EXECUTE ON FUNCTION drop_piece TO steth_ingest")
        names = [line.split(":")[0] for line in differences(connection, "plain")]
        assert names == ["another", "api_token", "drop_piece()"]


SENT: Final = (
    ("ingest", "SELECT name FROM recipient"),
    ("ingest", "INSERT INTO telling (ticket_id, step, recipient_id, org_id, message) VALUES (1, 'x', 1, 1, 'm')"),
    ("ingest", "SELECT code_hash FROM device"),
    ("ingest", "UPDATE command SET sent_at = now()"),
    ("ingest", "DELETE FROM reading"),
    ("jobs", "SELECT password_hash FROM account"),
    ("jobs", "SELECT hash FROM api_token"),
    ("jobs", "SELECT excerpt FROM dead_letter"),
    ("jobs", "SELECT facts FROM to_judge"),
    ("jobs", "INSERT INTO audit (actor, action, subject, previous, hash) VALUES ('a', 'b', 'c', '', '')"),
    ("jobs", "UPDATE device SET dealer_id = 1"),
    ("jobs", "SELECT begin_service(1, now())"),
    ("jobs", "UPDATE recipient SET address = 'json://elsewhere'"),
    ("jobs", "UPDATE keeping SET days = 1"),
    ("jobs", "UPDATE rollup SET whole_from = 'infinity'"),
    ("jobs", "DELETE FROM reading"),
    ("jobs", "DELETE FROM audit"),
    ("jobs", "TRUNCATE device_event"),
    ("jobs", "DROP TABLE reading"),
    ("jobs", "SET ROLE steth_owner"),
    ("jobs", "CREATE TABLE mine (id integer)"),
    ("jobs", "SELECT drop_piece('reading', date_trunc('month', now()))"),
    ("jobs", "SELECT drop_piece('ticket', '2000-01-01')"),
    ("jobs", "SELECT make_piece('ticket', '2000-01-01')"),
    ("jobs", "SELECT make_piece('reading', now() + INTERVAL '1 year')"),
    ("jobs", "SELECT drop_piece('reading', '2026-11-15 BC')"),  # called as this year's
    ("jobs", "SELECT make_piece('reading', '2026-11-15 BC')"),
    ("jobs", "SELECT make_piece('reading', '1000-01-01')"),
    ("ingest", "SELECT change_dealer(1, now())"),
    ("api", "SELECT change_dealer(1, now())"),
    ("api", "UPDATE device SET dealer_id = 1"),
    ("api", "UPDATE ticket SET dealer_id = 1"),
    ("api", "UPDATE alert_operator SET alert_id = gen_random_uuid()"),
    ("api", "INSERT INTO command (id, device_id, org_id, dealer_id, body) VALUES ('x', 1, 1, 1, '{}')"),
    ("api", "SELECT actor FROM alert_event"),
    ("api", "SELECT params FROM ticket_event"),
)


def test_what_a_taken_process_would_try_is_refused(database: Database) -> None:
    done = []
    for role, statement in SENT:
        with psycopg.connect(getattr(database, role)) as connection, suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
            done.append((role, statement))
    assert done == []


def test_a_ticket_is_told_to_those_of_its_own_hospital_whatever_ingest_says(database: Database) -> None:
    first, second = Hospital.make(database), Hospital.make(database, name="Second")
    own = first.recipient("json://first")
    second.recipient("json://second")
    everybody = first.recipient("json://noc", own=False)
    told = [{"ticket_id": 1, "org_id": second.org_id, "step": "opened", "message": "m", "params": {}, "at_ms": 0}]
    rows(
        database,
        "INSERT INTO ticket (dealer_id, number, org_id, site_id, device_id, family, severity, occurred_at, detected_at,"
        " evidence_from, evidence_to, message)"
        " VALUES (only_dealer(), 'WX', %s, %s, 1, 'f', 'major', now(), now(), now(), now(), 'm')",
        first.org_id,
        first.site_id,
    )
    with psycopg.connect(database.ingest) as ingest:
        for _ in range(2):  # twice is once
            ingest.execute("SELECT tell(%s)", (json.dumps(told),))
    assert rows(database, "SELECT recipient_id, org_id FROM telling ORDER BY 1") == [
        (own, first.org_id),
        (everybody, first.org_id),
    ]
