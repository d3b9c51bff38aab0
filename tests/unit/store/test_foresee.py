"""What statements do to whole tables, read from their text."""

import pytest

from store.foresee import Foreseen, Work, works


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("CREATE INDEX ticket_device ON ticket (device_id, id);", "index ticket"),
        ("CREATE UNIQUE INDEX one ON ONLY ticket (id) WHERE x <> '; CREATE INDEX x ON alert';", "index ticket"),
        ("create index on ticket (id)", "index ticket"),
        ("ALTER TABLE ticket ADD COLUMN x integer NOT NULL DEFAULT 1, ALTER COLUMN x DROP DEFAULT", ""),
        ("ALTER TABLE ticket DROP CONSTRAINT t, ADD PRIMARY KEY (day, block)", "index ticket"),
        ("ALTER TABLE ticket ADD CONSTRAINT t UNIQUE NULLS NOT DISTINCT (a, b)", "index ticket"),
        ("ALTER TABLE ticket ADD CONSTRAINT t CHECK (x > 0)", "read ticket"),
        ("ALTER TABLE ticket ADD CONSTRAINT t CHECK (x > 0) NOT VALID", ""),
        ("ALTER TABLE ticket ADD COLUMN x integer REFERENCES org", "read ticket"),
        ("ALTER TABLE ticket ALTER COLUMN x SET NOT NULL", "read ticket"),
        ("ALTER TABLE ticket ALTER COLUMN x TYPE bigint", "write ticket"),
        ("UPDATE ticket t SET x = a.x FROM alert a WHERE a.id = t.id", "write ticket, read alert"),
        ("WITH old AS (DELETE FROM gap RETURNING id) INSERT INTO letter SELECT id FROM old", "write gap, read old"),
        ("INSERT INTO service (device_id) SELECT id FROM device JOIN site s ON true", "read device, read site"),
        ("CREATE TABLE kept AS SELECT * FROM audit", "read audit"),
        ("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ UPDATE ticket SET x = 1; $$", ""),
        ("CREATE POLICY p ON gap USING (EXISTS (SELECT FROM device)); GRANT UPDATE ON gap TO steth_jobs", ""),
        ("ALTER POLICY p ON gap USING (EXISTS (SELECT FROM device))", ""),
        ("-- UPDATE ticket SET x = 1;\nUPDATE alert SET x = 'UPDATE ticket'", "write alert"),
    ],
)
def test_what_takes_time_is_seen(text: str, does: str) -> None:
    assert ", ".join(f"{work.kind} {work.table}" for work in works(text)) == does


def test_it_is_said_in_rows_and_seconds() -> None:
    index, read = Work(kind="index", table="alert"), Work(kind="read", table="gap")
    assert str(Foreseen(name="0010 tree", works=())) == "0010 tree: at once"
    many = Foreseen(name="0010 tree", works=((index, 1_000_000), (read, 2_000)))
    assert str(many) == "0010 tree: indexes alert (1,000,000 rows), reads gap (2,000 rows): about 3 s"
    more = Foreseen(name="0010 tree", works=((index, 120_000_000),))
    assert str(more) == "0010 tree: indexes alert (120,000,000 rows): about 5 min"
