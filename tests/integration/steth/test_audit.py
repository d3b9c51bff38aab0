"""The audit log against who owns its table: whatever he does, the signed heads show it, to us and to a hospital."""

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from api.audit import GENESIS, Entry, Link, append, chained, link_of
from api.heads import HeadError, make_key, public_pem
from api.routes.audit import _entry
from catalog.load import load
from desk.telling.channels import Channels
from steth.audit import app
from steth.doctor.audit import check_audit
from steth.heads import UNCOVERED, Heads
from steth.settings import Settings, SettingsError
from store.migrate import MIGRATIONS, migrate
from tests.fixtures.postgres import Cluster, Database
from tests.integration.desk.listeners import HERE, webhook

CATALOG: Final = load()
NOW: Final = datetime(2026, 11, 22, 4, tzinfo=UTC)
ROW: Final = "SELECT * FROM audit WHERE org_id IS NOT DISTINCT FROM %s ORDER BY position"


@dataclass(kw_only=True)
class Kept:
    """A database with three chains, and what its administrator has beside it."""

    database: Database
    folder: Path
    settings: Settings
    now: datetime = NOW

    def write(self, org: int | None, *actions: str) -> None:
        """As the API does."""

        async def work() -> None:
            options = "-c steth.org=*"
            async with await psycopg.AsyncConnection.connect(self.database.api, options=options) as connection:
                for action in actions:
                    entry = Entry(org=org, at=self.now, actor="王 li", action=action, subject="x:1", detail={"n": 1})
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


@pytest.fixture
def kept(database: Database, tmp_path: Path) -> Kept:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute("INSERT INTO org (name) VALUES ('First'), ('Second')")
    signer = make_key(tmp_path / "audit.key")
    (tmp_path / "audit.pub").write_text(public_pem(signer.public))
    dsns = {
        "dsn_owner": database.owner,
        "audit_key": str(tmp_path / "audit.key"),
        "audit_heads": str(tmp_path / "heads"),
    }
    (tmp_path / "steth.toml").write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in dsns.items()))
    made = Kept(database=database, folder=tmp_path, settings=Settings(**dsns))  # type: ignore[arg-type]
    made.write(1, "a", "b", "c")
    made.write(2, "d", "e", "f")
    made.write(None, "g")
    return made


def uncovered() -> float:
    ((metric,),) = (list(UNCOVERED.collect()),)
    return metric.samples[0].value


# what is whole --------------------------------------------------------------------------------------------------------


def test_what_is_whole_is_said_to_be_whole_and_by_how_many_heads(kept: Kept) -> None:
    assert kept.verify()[0] == 0
    assert kept.sign() == 3
    kept.write(1, "h")
    code, said = kept.verify()
    assert code == 0, said
    assert "the chain of hospital 1: 4 entries, whole, 1 signed heads hold" in said
    assert "the provider's chain: 1 entries, whole, 1 signed heads hold" in said


def test_a_head_a_day_for_each_chain_that_grew(kept: Kept) -> None:
    assert kept.sign() == 3
    assert kept.sign(after=timedelta(days=2)) == 0, "none grew"
    kept.write(1, "h")
    assert kept.sign() == 1, "its last head is older than a day"
    kept.write(1, "i")
    assert kept.sign(after=timedelta(hours=23)) == 0
    assert uncovered() == 23 * 3600
    assert kept.sign(after=timedelta(hours=1)) == 1
    assert uncovered() == 0
    lines = [json.loads(line) for line in (kept.folder / "heads").read_bytes().splitlines()]
    assert [(line["org"], line["entries"]) for line in lines] == [(1, 3), (2, 3), (None, 1), (1, 4), (1, 5)]


def test_without_a_key_it_measures(kept: Kept) -> None:
    kept.settings = Settings(dsn_owner=kept.database.owner)
    assert kept.sign(after=timedelta(days=3)) == 0
    assert uncovered() == 3 * 86_400
    with pytest.raises(SettingsError, match="belong together"):
        Heads(settings=Settings(audit_key="x"), channel=Channels(way=HERE), catalog=CATALOG)


def test_who_keeps_heads_is_sent_each_once_and_again_until_it_is_taken(kept: Kept) -> None:
    with webhook() as hook, psycopg.connect(kept.database.superuser, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO recipient (org_id, name, address, language, active, heads) VALUES"
            " (1, 'Security', %(to)s, 'zh', false, true), (NULL, 'Ours', %(to)s, 'en', true, true),"
            " (2, 'Duty', %(to)s, 'zh', true, false)",
            {"to": hook.address()},
        )
        hook.status = 500
        with pytest.raises(HeadError, match=r"recipient 1 wasn't sent its head: telling.status"):
            kept.sign()
        assert len((kept.folder / "heads").read_bytes().splitlines()) == 3, "they are signed all the same"
        hook.status, hook.bodies[:] = 200, []
        assert kept.sign(after=timedelta(hours=1)) == 0
        assert kept.sign(after=timedelta(hours=1)) == 0
        assert [body["title"] for body in hook.bodies] == [
            "Steth 审计日志链头：2026-11-22T04:00:00Z，共 3 条",
            "Steth: head of the audit log, 2026-11-22T04:00:00Z, 1 entries",
        ]
        mail = kept.folder / "mail"
        mail.write_text(hook.bodies[0]["message"].splitlines()[-1])
        kept.forge(1, [_changed(entry) for entry in _of(kept)])
        (kept.folder / "heads").unlink()
        code, said = kept.verify("--heads", str(mail))
        assert (code, "written anew" in said) == (1, True), "what the hospital kept is enough"


# what the owner can do ------------------------------------------------------------------------------------------------


def _of(kept: Kept, org: int | None = 1) -> list[Entry]:
    return [link.entry for link in kept.links(org)]


def _changed(entry: Entry) -> Entry:
    return replace(entry, actor="x")


def _swap_contents(kept: Kept) -> None:
    first, second = _of(kept, 1), _of(kept, 2)
    kept.forge(1, second)
    kept.forge(2, first)


def _remove_chain(kept: Kept) -> None:
    kept.forge(1, [])
    kept.rows("DELETE FROM audit_chain WHERE org_id = 1")


def _swap_chains(kept: Kept) -> None:
    kept.rows("ALTER TABLE audit_chain DROP CONSTRAINT audit_chain_org_id_key")
    kept.rows("UPDATE audit_chain SET org_id = 3 - org_id WHERE org_id IS NOT NULL")
    kept.rows("ALTER TABLE audit_chain ADD CONSTRAINT audit_chain_org_id_key UNIQUE NULLS NOT DISTINCT (org_id)")


def _forge(make: Callable[[list[Entry]], list[Entry]]) -> Callable[[Kept], None]:
    return lambda kept: kept.forge(1, make(_of(kept)))


ATTACKS: Final[dict[str, tuple[Callable[[Kept], None], str]]] = {
    "rewrites the first": (_forge(lambda e: [_changed(e[0]), *e[1:]]), "written anew"),
    "rewrites the last": (_forge(lambda e: [*e[:2], _changed(e[2])]), "written anew"),
    "takes one out": (_forge(lambda e: [e[0], e[2], e[2]]), "written anew"),
    "puts one in": (_forge(lambda e: [e[0], *e]), "written anew"),
    "changes their order": (_forge(lambda e: e[::-1]), "written anew"),
    "cuts the end": (_forge(lambda e: e[:2]), "was cut off"),
    "empties it": (_forge(lambda _: []), "was cut off"),
    "removes the chain": (_remove_chain, "was cut off"),
    "swaps contents": (_swap_contents, "written anew"),
    "swaps the chains": (_swap_chains, "another organisation's"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_heads_show_what_the_owner_did(kept: Kept, attack: str) -> None:
    do, said = ATTACKS[attack]
    kept.sign()
    do(kept)
    unheld = kept.verify("--heads", "/dev/null")
    if attack != "swaps the chains":
        assert unheld[0] == 0, "by itself it fits"
    code, output = kept.verify()
    assert code == 1, output
    assert said in output
    assert "When the audit log doesn't verify" in output
    with pytest.raises(HeadError, match="breaks at entry"):
        kept.sign(after=timedelta(days=1))
    kept.write(2, "later")
    with pytest.raises(HeadError, match="breaks at entry"):
        kept.sign(after=timedelta(days=1))
    assert kept.verify()[0] == 1, "it is never vouched for later"


def test_what_was_broken_gets_no_new_head_and_the_others_do(kept: Kept) -> None:
    kept.sign()
    kept.write(1, "h", "i", "j")
    kept.write(2, "h")
    kept.rows("UPDATE audit SET actor = 'x' WHERE org_id = 1 AND position = 5")
    with pytest.raises(HeadError, match=r"hospital 1 breaks at entry 5 \(id \d+\): it isn't what"):
        kept.sign(after=timedelta(days=1))
    last = json.loads((kept.folder / "heads").read_bytes().splitlines()[-1])
    assert (last["org"], last["entries"]) == (2, 4)


@pytest.mark.parametrize("harm", ["removed", "cut", "changed", "of another key"])
def test_who_comes_to_the_file_too(kept: Kept, harm: str) -> None:
    kept.sign()
    file = kept.folder / "heads"
    lines = file.read_bytes().splitlines(keepends=True)
    if harm == "removed":
        file.unlink()
    elif harm == "cut":
        file.write_bytes(b"".join(lines[:2]))
    elif harm == "changed":
        file.write_bytes(lines[0].replace(b'"entries":3', b'"entries":2') + b"".join(lines[1:]))
    else:
        (kept.folder / "audit.key").unlink()
        make_key(kept.folder / "audit.key")
    with pytest.raises(HeadError, match=r"isn't in it|signature is wrong|signed by the key"):
        kept.sign(after=timedelta(days=1))
    if harm not in {"removed", "cut"}:
        code, said = kept.verify()
        assert (code, "heads:1: " in said) == (2, True)


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
    for bad in ([{"id": 1}], ["x"]):
        code, said = ask(bad)
        assert (code, "pages:1: this is no entry" in said) == (2, True), said
    code, said = kept.verify("--entries", str(pages), "--heads", heads, config=False)
    assert (code, "give that one's public key" in said) == (2, True)


def test_a_head_on_demand_and_a_key(kept: Kept) -> None:
    given = ["--config", str(kept.folder / "steth.toml")]
    done = CliRunner().invoke(app, ["head", *given])
    assert done.exit_code == 0
    (kept.folder / "mine").write_text(done.stdout)
    assert kept.verify("--heads", str(kept.folder / "mine"))[0] == 0
    kept.forge(1, _of(kept)[:2])
    code, said = kept.verify("--heads", str(kept.folder / "mine"))
    assert (code, "was cut off" in said) == (1, True)
    made = CliRunner().invoke(app, ["key", str(kept.folder / "second")])
    assert (made.exit_code, made.stdout.startswith("-----BEGIN PUBLIC KEY-----")) == (0, True)
    assert CliRunner().invoke(app, ["key", str(kept.folder / "second")]).exit_code == 2


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
    kept.forge(1, [_changed(entry) for entry in _of(kept)])
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
    (tmp_path / "steth.toml").write_text(f"dsn_owner = {json.dumps(database.owner)}\n")
    kept = Kept(database=database, folder=tmp_path, settings=Settings(dsn_owner=database.owner))
    kept.write(1, "later")
    kept.write(3, "first")
    code, said = kept.verify()
    assert code == 0, said
    for whose in ("hospital 1: 4", "hospital 2: 2", "hospital 3: 1", "the provider's chain: 2"):
        assert f"{whose} entries, whole" in said
    plain_cluster.drop(name)


def test_an_entry_that_cant_even_be_read(kept: Kept) -> None:
    kept.rows("UPDATE audit SET at = 'infinity' WHERE org_id = 1 AND position = 2")
    code, said = kept.verify()
    assert (code, said.startswith("ok")) == (2, False), said
    assert "steth: the database: " in said
    assert looked(kept) == {"audit.chains": ("fail", "the audit log can't be read: DataError")}
