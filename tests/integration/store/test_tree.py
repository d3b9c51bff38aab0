"""What each organisation sees of every table and view, and may write, before and after a device changes its dealer."""

from collections.abc import Iterator
from typing import Final

import psycopg
import pytest

from tests.fixtures.postgres import Cluster, Database
from tests.integration.store.tree import APART, WHOSE, Tree, fill, readable, seen, words

SAID: Final = {
    "alert": {"family", "message", "params", "rule", "subject"},
    "alert_event": {"event", "from_state", "to_state", "message"},
    "box": {"id"},
    "command": {"id", "body", "reason", "verdict"},
    "device": {"name", "department", "serial"},
    "device_event": {"kind", "body"},
    "device_refusal": {"form", "reason", "source"},
    "device_state": {"agent", "engine", "epoch", "heartbeat", "latest"},
    "remote_session": {"runbook", "scopes"},
    "ticket": {"number", "family", "severity", "message", "params", "causes", "parts"},
    "ticket_event": {"event", "message"},
    "ticket_evidence": {"metric", "unit"},
    "ticket_repair": {"model", "family", "cause", "cause_words", "actions", "parts"},
    "ticket_evidence_event": {"kind", "body"},
}
"""What the equipment said and what was done: whoever serves a device reads it of all its times."""
DONE_BY: Final = {
    "alert_event": {"actor", "params"}, "alert_operator": {"actor", "note"}, "ticket_event": {"actor", "params"},
    "ticket_repair": {"actor", "note"},
}  # fmt: skip
"""Who did it and what they noted: the dealer's of that time, and the hospital's."""
IN_HOUSE: Final = {
    "account": {"name"},
    "api_token": {"label", "address"},
    "audit": {"actor", "action", "subject", "detail", "hash", "previous"},
    "recipient": {"name", "address", "error", "error_params"},
    "telling": {"step", "message", "params", "error", "error_params"},
}
"""A dealer's own."""
CALLED: Final = {"device.name", "device.serial", "device.department"}
"""Of a device as it was called then, by which it is found."""
OF_NOW: Final = {"box", "device", "device_event", "device_refusal", "device_state"}
"""What a dealer sees no more once it serves the device no more, of its own time neither."""
EVENTS: Final = {"device_event.kind", "device_event.body"}


def flat(*parts: dict[str, set[str]], but: frozenset[str] | set[str] = frozenset()) -> set[str]:
    return {f"{table}.{column}" for part in parts for table in part.keys() - but for column in part[table]}


@pytest.fixture(scope="module")
def tree(plain_cluster: Cluster) -> Iterator[Tree]:
    """After the change, with all that comes then."""
    database = plain_cluster.create()
    made = Tree.plant(database)
    made.change()
    made.go_on()
    yield made
    plain_cluster.drop(database.name)


@pytest.fixture
def planted(plain_cluster: Cluster) -> Iterator[Tree]:
    """Before the change; for one test."""
    database = plain_cluster.create()
    yield Tree.plant(database)
    plain_cluster.drop(database.name)


def test_nothing_of_what_comes_after_reaches_the_former_dealer(planted: Tree) -> None:
    """On any table or view: all that it can read stays as it was at the change, to the letter."""
    planted.change()
    at_the_change = seen(planted.database, planted.first)
    planted.go_on()
    assert seen(planted.database, planted.first) == at_the_change
    assert len(at_the_change) > 30
    assert seen(planted.database, planted.second) != at_the_change


@pytest.mark.parametrize(
    ("who", "of", "reads"),
    [
        ("first", "before", flat(SAID, DONE_BY, IN_HOUSE, but=OF_NOW) | CALLED),
        ("first", "after", set()),
        ("first", "kept", flat(SAID, DONE_BY, IN_HOUSE)),
        ("first", "other", set()),
        ("second", "before", flat(SAID, but=OF_NOW) | EVENTS),
        ("second", "after", flat(SAID, DONE_BY, IN_HOUSE)),
        ("second", "kept", set()),
        ("second", "other", flat(SAID, DONE_BY, IN_HOUSE)),
        ("third", "before", set()),
        ("third", "after", set()),
        ("third", "other", set()),
        ("hospital", "before", flat(SAID, DONE_BY, but=OF_NOW) | EVENTS | CALLED | {"box.id"}),
        ("hospital", "after", flat(SAID, DONE_BY)),
        ("hospital", "kept", flat(SAID, DONE_BY)),
        ("hospital", "other", set()),
        ("elsewhere", "after", set()),
        ("elsewhere", "other", flat(SAID, DONE_BY)),
    ],
)  # fmt: skip
def test_who_reads_what_of_whose_time(tree: Tree, who: str, of: str, reads: set[str]) -> None:
    """A new column, or table, is neither here nor there: whoever adds it says to whom it belongs."""
    with psycopg.connect(tree.database.superuser) as connection:
        tables = readable(connection)
    found = words(seen(tree.database, getattr(tree, who)), getattr(tree, of), tables)
    assert {word for word in found if not word.startswith("audit_chain.")} == reads


def test_the_operator_reads_all_that_anybody_reads(tree: Tree) -> None:
    with psycopg.connect(tree.database.superuser) as connection:
        tables = readable(connection)
    for span in (tree.after, tree.kept, tree.other):
        assert flat(SAID, DONE_BY, IN_HOUSE) <= words(seen(tree.database, 0), span, tables)


def test_unset_it_shows_nothing_that_is_somebodys(tree: Tree) -> None:
    found = seen(tree.database, None)
    assert {relation for relation, rows in found.items() if rows} <= {
        "idempotency", "ingest_partition", "installation", "schema_version",
    }  # fmt: skip


def test_dealers_hear_no_name_of_one_another(tree: Tree) -> None:
    names = {
        who: {
            other
            for other in ("first", "second", "third", "hospital", "elsewhere")
            if f'"org.name.{other}"'
            in "\n".join(row for rows in seen(tree.database, getattr(tree, who)).values() for row in rows)
        }
        for who in ("first", "second", "third", "hospital", "elsewhere")
    }
    assert names == {
        "first": {"first", "hospital"},
        "second": {"second", "hospital", "elsewhere"},
        "third": {"third"},
        "hospital": {"hospital", "first", "second"},
        "elsewhere": {"elsewhere", "second"},
    }


def test_a_change_to_come_is_the_hospitals_to_know_and_the_operators_to_withdraw(planted: Tree) -> None:
    with psycopg.connect(planted.database.superuser, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO service_change (device_id, org_id, dealer_id, due_at, asked_by, asked_at)"
            " VALUES (%s, %s, %s, now() + INTERVAL '1 day', 'chief', now())",
            (planted.kept.device, planted.hospital, planted.second),
        )
    knows = {
        who: len(seen(planted.database, getattr(planted, who))["service_change"])
        for who in ("first", "second", "hospital", "elsewhere")
    }
    assert knows == {"first": 0, "second": 0, "hospital": 1, "elsewhere": 0}
    for org, gone in ((planted.hospital, 0), (planted.first, 0), (0, 1)):
        with psycopg.connect(planted.database.api) as api:
            api.execute("SELECT set_config('steth.org', %s, true)", (str(org),))
            assert api.execute("DELETE FROM service_change").rowcount == gone


def test_every_table_that_is_somebodys_has_policies(database: Database) -> None:
    """Of which the API may read a column."""
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        assert open_tables(connection) == {"idempotency"}
        connection.execute("CREATE TABLE another (org_id integer, note text)")
        connection.execute("GRANT SELECT (note) ON another TO steth_api")
        assert open_tables(connection) == {"another", "idempotency"}
        connection.execute("ALTER TABLE another ENABLE ROW LEVEL SECURITY")
        assert open_tables(connection) == {"idempotency"}


def open_tables(connection: psycopg.Connection[tuple[str]]) -> set[str]:
    found = connection.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND NOT c.relrowsecurity AND has_any_column_privilege('steth_api', c.oid, 'SELECT') AND EXISTS ("
        "SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = ANY (%s))",
        ([*WHOSE],),
    )
    return {table for (table,) in found.fetchall()}


def test_who_is_not_in_the_picture_is_noticed(planted: Tree) -> None:
    """A table that comes, with a policy that shows too much: the walk finds its rows."""
    with psycopg.connect(planted.database.superuser, autocommit=True) as connection:
        connection.execute("CREATE TABLE remark (id integer, org_id integer, dealer_id integer, text text)")
        connection.execute("ALTER TABLE remark ENABLE ROW LEVEL SECURITY")
        connection.execute("CREATE POLICY tenant ON remark USING (sees(org_id, NULL) OR dealer_id > 0)")
        connection.execute("GRANT SELECT ON remark TO steth_api")
        fill(connection, planted.other)
        tables = readable(connection)
    assert "remark" in tables.keys() - APART
    assert "remark.text" in words(seen(planted.database, planted.third), planted.other, tables)


_EVENT: Final = (
    "INSERT INTO ticket_event (ticket_id, org_id, dealer_id, at, event, message) VALUES (%s, now(), 'x', 'x')"
)
_DEVICE: Final = (
    "INSERT INTO device (uid, org_id, dealer_id, site_id, partition, model, name) VALUES ('x', %s, 0, 'dr', 'x')"
)
WRITES: Final = (
    ("first", "UPDATE device SET name = 'x' WHERE id = {after.device}", 0),
    ("first", "UPDATE ticket SET status = 'new' WHERE id = {after.number}", 0),
    ("first", "UPDATE alert_operator SET note = 'x' WHERE dealer_id = {second}", 0),
    ("first", "UPDATE remote_session SET state = 'prepared' WHERE dealer_id = {second}", 0),
    ("first", "UPDATE recipient SET address = 'x' WHERE owner_id = {second}", 0),
    ("first", _EVENT % "{after.number}, {hospital}, {first}", None),
    ("first", "INSERT INTO clientele VALUES ({first}, {elsewhere})", None),
    ("first", "INSERT INTO service_change VALUES ({after.device}, {hospital}, {first}, now(), 'x', now())", None),
    ("second", "UPDATE ticket SET status = 'new' WHERE id = {before.number}", None),
    ("second", "UPDATE ticket SET status = 'new' WHERE id = {after.number}", 1),
    ("second", _EVENT % "{before.number}, {hospital}, {second}", None),
    ("second", _EVENT % "{after.number}, {elsewhere}, {second}", None),
    ("second", _EVENT % "{after.number}, {hospital}, {second}", 1),
    ("second", _DEVICE % "{hospital}, {first}, {after.site}", None),
    ("second", _DEVICE % "{hospital}, {second}, {after.site}", 1),
    ("third", _DEVICE % "{hospital}, {third}, {after.site}", None),
    ("third", "INSERT INTO site (org_id, name) VALUES ({hospital}, 'x')", None),
    ("third", "INSERT INTO recipient (owner_id, name, address) VALUES ({second}, 'x', 'x')", None),
    ("third", "UPDATE org SET name = 'x' WHERE id = {third}", None),
    ("hospital", "UPDATE device SET name = 'x' WHERE id = {other.device}", 0),
    ("hospital", "UPDATE device SET name = 'x' WHERE id = {after.device}", None),  # its dealer's to name
)
"""Who tries what, and how many rows it changes; None: it is refused."""


@pytest.mark.parametrize(("who", "statement", "changed"), WRITES)
def test_nobody_writes_into_what_is_anothers(tree: Tree, who: str, statement: str, changed: int | None) -> None:
    with psycopg.connect(tree.database.api) as api:
        api.execute("SELECT set_config('steth.org', %s, true)", (str(getattr(tree, who)),))
        try:
            done: int | None = api.execute(statement.format(**vars(tree)).encode()).rowcount
        except psycopg.errors.InsufficientPrivilege:
            done = None
        api.rollback()
    assert done == changed
