"""The audit log as others see it: a hospital by itself, the doctor, and what a former version wrote."""

import asyncio
import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from api.audit.routes import _entry
from people.audit.chain import GENESIS, Entry, chained
from steth.audit import app
from steth.doctor.audit import check_audit
from steth.settings import Settings
from store.migrate import MIGRATIONS, migrate
from tests.fixtures.postgres import Cluster
from tests.integration.steth.kept import NOW, ROW, Kept, changed, of

# a hospital by itself -------------------------------------------------------------------------------------------------


def test_a_hospital_verifies_what_the_api_gave_it_with_a_public_key_alone(kept: Kept) -> None:
    kept.sign()
    heads, public = (str(kept.folder / name) for name in ("heads", "audit.pub"))
    with psycopg.connect(kept.database.superuser, row_factory=psycopg.rows.dict_row) as connection:
        told = [_entry(row).model_dump(mode="json") for row in connection.execute(ROW, (1,))]
    pages = kept.folder / "pages"

    def ask(*items: Any) -> tuple[int, str]:
        pages.write_text("".join(json.dumps({"items": part, "next": None}) + "\n" for part in items))
        return kept.verify("--entries", str(pages), "--heads", heads, "--public", public, config=False)

    code, said = ask(told[:0:-1], told[:1])
    assert (code, "3 entries, whole, 1 signed heads hold" in said) == (0, True), said
    code, said = ask(told[:2])
    assert (code, "entry 3: it is missing" in said) == (1, True), said
    code, said = ask([told[0], {**told[1], "actor": "x"}, told[2]])
    assert (code, "entry 2" in said) == (1, True), said
    for bad in ([{"id": 1}], ["x"], [told[0], {**told[1], "position": "x"}]):
        code, said = ask(bad)
        assert (code, "pages:1: this is no entry" in said) == (2, True), said
    code, said = kept.verify("--entries", str(kept.folder / "none"), config=False)
    assert (code, "can't be read" in said) == (2, True), said
    code, said = kept.verify("--entries", str(pages), "--heads", heads, config=False)
    assert (code, "give that one's public key" in said) == (2, True)


def test_a_head_on_demand_and_a_key(kept: Kept) -> None:
    given = ["--config", str(kept.folder / "steth.toml")]
    done = CliRunner().invoke(app, ["head", *given])
    assert done.exit_code == 0
    (kept.folder / "mine").write_text(done.stdout)
    assert kept.verify("--heads", str(kept.folder / "mine"))[0] == 0
    kept.forge(1, of(kept)[:2])
    code, said = kept.verify("--heads", str(kept.folder / "mine"))
    assert (code, "was cut off" in said) == (1, True)
    made = CliRunner().invoke(app, ["key", str(kept.folder / "second")])
    assert (made.exit_code, made.stdout.startswith("-----BEGIN PUBLIC KEY-----")) == (0, True)
    assert CliRunner().invoke(app, ["key", str(kept.folder / "second")]).exit_code == 2


# the doctor -----------------------------------------------------------------------------------------------------------


def looked(kept: Kept, settings: Settings | None = None) -> dict[str, tuple[str, str]]:
    async def look() -> dict[str, tuple[str, str]]:
        found = [finding async for finding in check_audit(settings or kept.settings, kept.now)]
        assert all(finding.said.zh for finding in found)
        return {finding.check: (finding.level, finding.said.en) for finding in found}

    return asyncio.run(look())


def test_the_doctor_says_what_is_whole_what_is_late_and_what_is_not_set_up(kept: Kept) -> None:
    unset = Settings(dsn_api=kept.database.api)
    assert looked(kept, unset)["audit.heads"][0] == "warn"
    assert looked(kept, unset)["audit.chains"] == (
        "ok",
        "the last 7 entries of 3 of 3 chains fit; `steth audit verify` walks all",
    )
    kept.sign()
    kept.write(1, "h")
    assert [level for level, _ in looked(kept).values()] == ["ok", "ok"]
    assert [level for level, _ in looked(kept, unset).values()] == ["ok", "ok"], "another process has the key"
    kept.now += timedelta(days=2, seconds=1)
    assert looked(kept)["audit.heads"] == ("warn", "no signed head covers entries of the audit log since 48 h")


def test_the_doctor_finds_what_was_done_and_a_file_that_was_touched(kept: Kept) -> None:
    kept.sign()
    kept.forge(1, [changed(entry) for entry in of(kept)])
    level, said = looked(kept)["audit.1"]
    assert (level, "a head was signed of another one" in said) == ("fail", True)
    (kept.folder / "heads").unlink()
    level, said = looked(kept)["audit.heads"]
    assert (level, "isn't in it" in said) == ("fail", True)


# from the version before ----------------------------------------------------------------------------------------------


def test_what_was_written_before_there_were_chains_is_in_them(plain_cluster: Cluster, tmp_path: Path) -> None:
    name = plain_cluster.create_empty()
    database, before = plain_cluster.database(name), tmp_path / "before"
    before.mkdir()
    for path in MIGRATIONS.glob("*.sql"):
        if int(path.name[:4]) < 9:
            shutil.copy(path, before)
    migrate(database.superuser, folder=before)
    last: dict[int | None, bytes] = {}
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("INSERT INTO org (name) VALUES ('First'), ('Second'), ('Silent')")
        for n, org in enumerate([1, None, 2, 1, 2, 1, None]):
            entry = Entry(
                org=org, at=NOW + timedelta(seconds=n), actor="王 li", action="a", subject="x:1", detail={"n": n}
            )
            previous = last.get(org, GENESIS)
            last[org] = chained(entry, previous)
            connection.execute(
                "INSERT INTO audit (org_id, at, actor, action, subject, detail, previous, hash)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                (org, entry.at, entry.actor, "a", "x:1", Jsonb(entry.detail), previous, last[org]),
            )
    migrate(database.superuser)
    (tmp_path / "steth.toml").write_text(f"dsn_jobs = {json.dumps(database.jobs)}\n")
    kept = Kept(database=database, folder=tmp_path, settings=Settings(dsn_jobs=database.jobs))
    kept.write(1, "later")
    kept.write(3, "first")
    code, said = kept.verify()
    assert code == 0, said
    for whose in (
        "organisation 1: 4",
        "organisation 2: 2",
        "organisation 3: 1",
        "the former provider's closed chain: 2",
    ):
        assert f"{whose} entries, whole" in said
    plain_cluster.drop(name)


def test_an_entry_that_cant_even_be_read(kept: Kept) -> None:
    kept.rows("ALTER TABLE audit DROP CONSTRAINT audit_readable")
    kept.rows("UPDATE audit SET at = 'infinity' WHERE org_id = 1 AND position = 2")
    code, said = kept.verify()
    assert (code, said.startswith("ok")) == (2, False), said
    assert "steth: the database: " in said
    assert looked(kept) == {"audit.chains": ("fail", "the audit log can't be read: DataError")}
