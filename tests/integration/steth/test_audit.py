"""The audit log against who owns its table: whatever he does, the signed heads show it, to us and to a hospital."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import psycopg
import pytest

from desk.telling.channels import Channels
from people.audit.chain import Entry
from people.audit.heads import HeadError, make_key
from steth.jobs.heads import UNCOVERED, Heads
from steth.settings import Settings, SettingsError
from tests.integration.desk.listeners import HERE, webhook
from tests.integration.steth.kept import CATALOG, Kept, changed, of


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
    assert "the chain of organisation 1: 4 entries, whole, 1 signed heads hold" in said
    assert "the former provider's closed chain: 1 entries, whole, 1 signed heads hold" in said


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
    kept.settings = Settings(dsn_jobs=kept.database.jobs)
    assert kept.sign(after=timedelta(days=3)) == 0
    assert uncovered() == 3 * 86_400
    with pytest.raises(SettingsError, match="belong together"):
        Heads(settings=Settings(audit_key="x"), channel=Channels(way=HERE), catalog=CATALOG)


def test_who_keeps_heads_is_sent_each_once_and_again_until_it_is_taken(kept: Kept) -> None:
    with webhook() as hook, psycopg.connect(kept.database.superuser, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO recipient (owner_id, org_id, name, address, language, active, heads) VALUES"
            " (1, NULL, 'Security', %(to)s, 'zh', false, true), (1, 2, 'Ours', %(to)s, 'en', true, true),"
            " (2, NULL, 'Duty', %(to)s, 'zh', true, false)",
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
            "Steth 审计日志链头：2026-11-22 04:00:00 UTC，共 3 条",
            "Steth: head of the audit log, 2026-11-22 04:00:00 UTC, entries: 3",
        ]
        mail = kept.folder / "mail"
        mail.write_text(hook.bodies[0]["message"].splitlines()[-1])
        kept.forge(1, [changed(entry) for entry in of(kept)])
        (kept.folder / "heads").unlink()
        code, said = kept.verify("--heads", str(mail))
        assert (code, "written anew" in said) == (1, True), "what the hospital kept is enough"


# what the owner can do ------------------------------------------------------------------------------------------------


def _swap_contents(kept: Kept) -> None:
    first, second = of(kept, 1), of(kept, 2)
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
    return lambda kept: kept.forge(1, make(of(kept)))


ATTACKS: Final[dict[str, tuple[Callable[[Kept], None], str]]] = {
    "rewrites the first": (_forge(lambda e: [changed(e[0]), *e[1:]]), "written anew"),
    "rewrites the last": (_forge(lambda e: [*e[:2], changed(e[2])]), "written anew"),
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
    with pytest.raises(HeadError, match=r"organisation 1 breaks at entry 5 \(id \d+\): it isn't what"):
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


# what a process that was taken over can do ----------------------------------------------------------------------------

NEXT: Final = """
INSERT INTO audit (org_id, at, actor, action, subject, detail, previous, hash)
SELECT org_id, %s::timestamptz, 'a', 'b', 'c', %s::jsonb, head, '\\x01' FROM audit_chain WHERE org_id = 1
"""
UNREADABLE: Final = {
    "no end": ("infinity", "{}"),
    "before our era": ("0044-03-15 BC", "{}"),
    "no object": ("2026-11-22", "[]"),
    "deep": ("2026-11-22", '{"a": ' + "[" * 3000 + "]" * 3000 + "}"),
    "long": ("2026-11-22", '{"a": 1' + "0" * 5000 + "}"),
}


@pytest.mark.parametrize("entry", UNREADABLE)
def test_nobody_writes_what_no_reader_can_read(kept: Kept, entry: str) -> None:
    """It would end all verifying and signing, of every chain."""
    with (
        psycopg.connect(kept.database.api, options="-c steth.org=0") as api,
        pytest.raises(psycopg.errors.CheckViolation, match="audit_readable"),
    ):
        api.execute(NEXT.encode(), UNREADABLE[entry])


@pytest.mark.parametrize("copy", ['"x"', "5", "{}", '{"key": 1, "entries": "many"}'])
def test_a_spoilt_copy_of_a_head_stops_nobody(kept: Kept, copy: str) -> None:
    kept.sign()
    with psycopg.connect(kept.database.jobs, options="-c steth.org=0") as jobs:
        assert jobs.execute("UPDATE audit_chain SET signed = %s WHERE org_id = 1", (copy,)).rowcount == 1
    code, said = kept.verify()
    assert (code, "the chain of organisation 1: 3 entries, whole, 1 signed heads hold" in said) == (0, True), said
    kept.write(1, "h")
    assert kept.sign(after=timedelta(days=1)) == 1


def test_a_clock_that_was_ahead_ends_neither_signing_nor_sending(kept: Kept) -> None:
    with webhook() as hook, psycopg.connect(kept.database.superuser, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO recipient (owner_id, name, address, heads) VALUES (1, 'Security', %s, true)", (hook.address(),)
        )
        kept.sign(after=timedelta(days=3650))
        kept.write(1, "h")
        assert kept.sign(after=-timedelta(days=3650)) == 1
        assert kept.sign(after=timedelta(hours=1)) == 0
    assert [body["title"].split()[-2] for body in hook.bodies] == ["3", "4"]


def test_a_head_that_was_cut_off_in_writing_is_said_to_be_that(kept: Kept) -> None:
    kept.sign()
    file = kept.folder / "heads"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:40])
    with pytest.raises(HeadError, match="heads:4: writing it was cut off: take this last line out"):
        kept.sign(after=timedelta(days=1))
