"""Chains of the audit log: what is hashed, and that whatever is done to them shows, with heads and without."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from people.audit.chain import GENESIS, Chain, Entry, Link, canonical, chained
from people.audit.walk import Broken, Fault, Walk, own_head

NOW: Final = datetime(2026, 11, 22, 4, tzinfo=UTC)
ENTRY: Final = Entry(org=1, at=NOW, actor="王 li", action="login", subject="account:王 li", detail={"b": 1, "a": None})


def test_the_bytes_that_are_hashed() -> None:
    assert canonical(ENTRY).decode() == (
        '{"action":"login","actor":"王 li","at":"2026-11-22T04:00:00.000000Z","detail":{"a":null,"b":1},'
        '"org":1,"subject":"account:王 li"}'
    )
    assert chained(ENTRY, GENESIS) == hashlib.sha256(canonical(ENTRY) + bytes(32)).digest()


def linked(entries: Sequence[Entry]) -> list[Link]:
    """Entries in a chain of their own: what its rightful writer makes, and who rewrites all of it."""
    made: list[Link] = []
    for position, entry in enumerate(entries, start=1):
        previous = made[-1].hash if made else GENESIS
        hash_ = chained(entry, previous)
        made.append(Link(id=100 + position, position=position, entry=entry, previous=previous, hash=hash_))
    return made


ENTRIES: Final = [replace(ENTRY, at=NOW + timedelta(seconds=number)) for number in range(6)]
WHOLE: Final = linked(ENTRIES)
HEADS: Final = {3: {WHOLE[2].hash.hex()}, 5: {WHOLE[4].hash.hex()}}


def walked(links: Sequence[Link], *, heads: Mapping[int, set[str]] | None = None) -> Broken | None:
    walk = Walk(org=1, heads=heads or {})
    for link in links:
        if broken := walk.step(link):
            return broken
    return walk.end()


def test_a_chain_that_nobody_touched() -> None:
    assert walked(WHOLE) is None
    assert walked(WHOLE, heads=HEADS) is None
    assert walked([]) is None


def test_it_goes_on_behind_what_is_known_to_be_good() -> None:
    walk = Walk(org=1, heads=HEADS, behind=3, previous=WHOLE[2].hash)
    assert [walk.step(link) for link in WHOLE[3:]] == [None] * 3
    assert (walk.position, walk.hash) == (6, WHOLE[5].hash)


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda link: replace(link, entry=replace(link.entry, actor="x")), Fault.CHANGED),
        (lambda link: replace(link, entry=replace(link.entry, org=None)), Fault.CHANGED),
        (lambda link: replace(link, entry=replace(link.entry, at=NOW - timedelta(days=1))), Fault.CHANGED),
        (lambda link: replace(link, entry=replace(link.entry, detail={})), Fault.CHANGED),
        (lambda link: replace(link, entry=replace(link.entry, detail=["no", "object"])), Fault.CHANGED),
        (lambda link: replace(link, entry=replace(link.entry, detail={"n": float("nan")})), Fault.CHANGED),
        (lambda link: replace(link, hash=bytes(32)), Fault.CHANGED),
        (lambda link: replace(link, previous=bytes(31) + b"x"), Fault.UNLINKED),
        (lambda link: replace(link, position=link.position + 1), Fault.UNLINKED),
    ],
    ids=["actor", "org", "at", "detail", "no detail", "no number", "hash", "previous", "position"],
)
def test_any_change_of_any_link_shows_where_it_is(place: int, change: Callable[[Link], Link], fault: Fault) -> None:
    changed = change(WHOLE[place])
    broken = walked([*WHOLE[:place], changed, *WHOLE[place + 1 :]])
    assert broken == Broken(position=place + 1, id=101 + place, fault=fault)


@pytest.mark.parametrize("place", range(5))
def test_what_is_missing_or_elsewhere_shows(place: int) -> None:
    here = Broken(position=place + 1, id=102 + place, fault=Fault.UNLINKED)
    assert walked([*WHOLE[:place], *WHOLE[place + 1 :]]) == here
    assert walked([*WHOLE[:place], WHOLE[place + 1], WHOLE[place], *WHOLE[place + 2 :]]) == here


def test_an_entry_that_was_forged_with_a_right_hash_shows_at_the_next() -> None:
    entry = replace(ENTRIES[1], actor="x")
    forged = replace(WHOLE[1], entry=entry, hash=chained(entry, WHOLE[1].previous))
    assert walked([WHOLE[0], forged, *WHOLE[2:]]) == Broken(position=3, id=103, fault=Fault.UNLINKED)


@pytest.mark.parametrize(
    ("forged", "broken"),
    [
        (WHOLE[:4], Broken(position=5, id=None, fault=Fault.CUT)),
        ([], Broken(position=1, id=None, fault=Fault.CUT)),
        (linked([replace(ENTRIES[0], actor="x"), *ENTRIES[1:]]), Broken(position=3, id=103, fault=Fault.REWRITTEN)),
        (linked([*ENTRIES[:4], ENTRIES[5]]), Broken(position=5, id=105, fault=Fault.REWRITTEN)),
        (linked([*ENTRIES[:3], ENTRIES[4], ENTRIES[3]]), Broken(position=5, id=105, fault=Fault.REWRITTEN)),
        (linked([*ENTRIES[:2], ENTRY, *ENTRIES[2:]]), Broken(position=3, id=103, fault=Fault.REWRITTEN)),
    ],
    ids=["cut", "emptied", "rewritten", "one removed", "swapped", "one put in"],
)
def test_who_makes_all_of_it_anew_is_shown_by_the_heads_alone(forged: list[Link], broken: Broken) -> None:
    assert walked(forged) is None
    assert walked(forged, heads=HEADS) == broken


def test_what_was_written_after_the_last_head_can_be_made_anew() -> None:
    """What is promised ends there: hence a head a day."""
    assert walked(linked([*ENTRIES[:5], replace(ENTRIES[5], actor="x")]), heads=HEADS) is None


def test_a_chain_of_another_organisation() -> None:
    assert walked(linked([replace(ENTRY, org=2)])) == Broken(position=1, id=101, fault=Fault.FOREIGN)


def test_the_database_too_is_held_to_what_it_says_of_the_end() -> None:
    chain = Chain(id=1, org=1, entries=6, head=WHOLE[5].hash, signed=None)
    assert walked(WHOLE, heads=own_head(chain)) is None
    assert walked(WHOLE[:5], heads=own_head(chain)) == Broken(position=6, id=None, fault=Fault.CUT)
    nothing = Chain(id=1, org=1, entries=0, head=GENESIS, signed=None)
    assert walked([], heads=own_head(nothing)) is None


def test_two_heads_that_contradict_each_other_cant_both_hold() -> None:
    broken = walked(WHOLE, heads={3: {WHOLE[2].hash.hex(), "00" * 32}})
    assert broken == Broken(position=3, id=103, fault=Fault.REWRITTEN)
