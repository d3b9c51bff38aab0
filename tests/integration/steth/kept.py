"""An audit log with signed heads, and what may be done to it."""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from catalog.load import load
from desk.telling.channels import Channels
from people.audit.chain import GENESIS, Entry, Link, append, chained, link_of
from people.audit.heads import make_key, public_pem
from steth.audit import app
from steth.jobs.heads import Heads
from steth.settings import Settings
from tests.fixtures.postgres import Database
from tests.integration.desk.listeners import HERE

CATALOG: Final = load()
NOW: Final = datetime(2026, 11, 22, 4, tzinfo=UTC)
ROW: Final = "SELECT * FROM audit WHERE org_id IS NOT DISTINCT FROM %s ORDER BY position"


@dataclass(kw_only=True)
class Kept:
    """A database with three chains, of the dealer (1), of a hospital (2) and the closed one (None), and what its
    administrator has beside it."""

    database: Database
    folder: Path
    settings: Settings
    now: datetime = NOW

    def write(self, org: int | None, *subjects: str) -> None:
        """As the API does."""

        async def work() -> None:
            options = "-c steth.org=0"
            async with await psycopg.AsyncConnection.connect(self.database.api, options=options) as connection:
                for subject in subjects:
                    entry = Entry(org=org, at=self.now, actor="王 li", action="login", subject=subject, detail={"n": 1})
                    await append(connection, entry)

        asyncio.run(work())

    def sign(self, *, after: timedelta = timedelta()) -> int:
        """A turn of the job, so much later."""
        self.now += after
        channel = Channels(way=HERE)
        heads = Heads(settings=self.settings, channel=channel, catalog=CATALOG, clock=lambda: self.now)
        return asyncio.run(heads.run_once())

    def verify(self, *args: str, config: bool = True) -> tuple[int, str]:
        given = ["--config", str(self.folder / "steth.toml")] if config else []
        done = CliRunner().invoke(app, ["verify", *given, "--lang", "en", *args])
        return done.exit_code, done.output

    def links(self, org: int | None) -> list[Link]:
        with psycopg.connect(self.database.superuser, row_factory=psycopg.rows.dict_row) as connection:
            return [link_of(row) for row in connection.execute(ROW, (org,))]

    def forge(self, org: int | None, entries: list[Entry]) -> None:
        """Make a chain anew from end to end, as well as it can be done."""
        with psycopg.connect(self.database.owner) as owner:
            owner.execute("ALTER TABLE audit DISABLE TRIGGER stays")
            owner.execute("DELETE FROM audit WHERE org_id IS NOT DISTINCT FROM %s", (org,))
            owner.execute(
                "UPDATE audit_chain SET entries = 0, head = %s WHERE org_id IS NOT DISTINCT FROM %s", (GENESIS, org)
            )
            previous = GENESIS
            for each in entries:
                entry = replace(each, org=org)
                hash_ = chained(entry, previous)
                owner.execute(
                    "INSERT INTO audit (org_id, at, actor, action, subject, detail, previous, hash)"
                    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                    (org, entry.at, entry.actor, entry.action, entry.subject, Jsonb(entry.detail), previous, hash_),
                )
                previous = hash_
            owner.execute("ALTER TABLE audit ENABLE TRIGGER stays")

    def rows(self, statement: str) -> None:
        with psycopg.connect(self.database.owner, autocommit=True) as owner:
            owner.execute("ALTER TABLE audit DISABLE TRIGGER stays")
            owner.execute(statement.encode())


def of(kept: Kept, org: int | None = 1) -> list[Entry]:
    return [link.entry for link in kept.links(org)]


def changed(entry: Entry) -> Entry:
    return replace(entry, actor="x")


def keep(database: Database, tmp_path: Path) -> Kept:
    """Three chains, a key and its public half, and the settings of `steth jobs`."""
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("INSERT INTO org (name) VALUES ('First'), ('Second')")
    signer = make_key(tmp_path / "audit.key")
    (tmp_path / "audit.pub").write_text(public_pem(signer.public))
    dsns = {
        "dsn_jobs": database.jobs,
        "audit_key": str(tmp_path / "audit.key"),
        "audit_heads": str(tmp_path / "heads"),
    }
    (tmp_path / "steth.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in dsns.items()))
    made = Kept(database=database, folder=tmp_path, settings=Settings(**dsns))  # type: ignore[arg-type]
    made.write(1, "a", "b", "c")
    made.write(2, "d", "e", "f")
    made.write(None, "g")
    return made
