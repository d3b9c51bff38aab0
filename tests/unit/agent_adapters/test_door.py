"""Who may be connected to a listener: the rule, in whatever time."""

from collections.abc import Callable

import pytest

from agent.adapters.connection import BURST_S, EACH, TOTAL, Door, Guest, address_of
from agent.config.addresses import network_of
from tests.fixtures.sink import MemorySink

HOUR = 3600.0


class Listener:
    """A door whose guests have names; ``inside``: those that weren't sent away."""

    def __init__(self, *peers: str, speak: bool = True) -> None:
        self.speak = speak
        self.sink = MemorySink()
        self.door = Door(name="x", sink=self.sink, peers=peers)
        self.inside: dict[str, Guest] = {}
        self.cut: dict[str, Guest] = {}

    def comes(self, name: str, host: str, now: float) -> bool:
        guest = self.door.admit(host, now=now, cut=self._cutting(name))
        if guest is not None:
            self.inside[name] = guest
            guest.said = self.speak
        return guest is not None

    def _cutting(self, name: str) -> Callable[[], None]:
        def cut() -> None:
            self.cut[name] = self.inside.pop(name)

        return cut

    def fill(self, host: str, number: int = EACH, now: float = 0.0) -> None:
        for each in range(number):
            assert self.comes(f"{host}/{each}", host, now + each)

    def over(self) -> None:
        """Those that were cut are gone."""
        for guest in self.cut.values():
            self.door.leave(guest)


def test_who_only_waits_stays_however_long() -> None:
    listener = Listener()
    listener.fill("10.0.0.5", now=0.0)
    listener.fill("10.0.0.6", TOTAL - EACH, now=24 * HOUR)
    assert len(listener.inside) == TOTAL
    assert not listener.sink.counts


def test_a_full_address_loses_its_longest_silent_one() -> None:
    listener = Listener()
    assert listener.comes("analyzer", "10.0.0.9", 0.0)
    listener.fill("10.0.0.5", now=1.0)
    listener.inside["10.0.0.5/0"].heard = HOUR
    assert listener.comes("late", "10.0.0.5", HOUR + 1)
    assert list(listener.cut) == ["10.0.0.5/1"]
    assert "analyzer" in listener.inside
    assert listener.sink.counts == {"x:evicted": 1}


def test_when_all_is_full_the_address_with_most_pays() -> None:
    listener = Listener()
    listener.fill("10.0.0.5", 3, now=0.0)
    listener.fill("10.0.0.6", EACH, now=HOUR)
    listener.fill("10.0.0.7", TOTAL - EACH - 3, now=0.0)
    assert listener.comes("dr", "10.0.0.8", 2 * HOUR)
    assert list(listener.cut) == ["10.0.0.6/0"]
    assert listener.comes("dr again", "10.0.0.8", 2 * HOUR)
    assert len(listener.inside) == TOTAL


def test_who_has_most_with_the_one_that_comes_pays_itself() -> None:
    listener = Listener()
    for each in range(TOTAL):
        assert listener.comes(f"one/{each}", f"10.0.0.{each}", each)
    assert listener.comes("second", "10.0.0.7", HOUR)
    assert list(listener.cut) == ["one/7"]
    assert listener.comes("new", "10.0.1.1", HOUR)
    assert list(listener.cut) == ["one/7", "one/0"]


def test_no_address_shuts_another_out_whatever_it_opens() -> None:
    listener = Listener()
    assert listener.comes("dr", "10.0.0.5", 0.0)
    for each in range(32):
        listener.comes(f"{each}", f"10.0.0.{6 + each % 3}", HOUR + each)
        listener.over()
    assert "dr" in listener.inside
    assert listener.comes("dr 2", "10.0.0.5", 2 * HOUR)
    assert {"dr", "dr 2"} <= set(listener.inside)
    assert len(listener.inside) == TOTAL


def test_those_that_are_entered_still_are_bounded_too() -> None:
    """Who is sent away while its message is being entered holds it for a while; nobody may pile that up."""
    listener = Listener()
    came = [listener.comes(f"{each}", "10.0.0.5", each) for each in range(5 * EACH)]
    assert came == [True] * 3 * EACH + [False] * 2 * EACH
    assert listener.sink.counts == {"x:evicted": 2 * EACH, "x:too-many-connections": 2 * EACH}
    assert listener.comes("dr", "10.0.0.6", HOUR)
    listener.over()
    assert listener.comes("again", "10.0.0.5", HOUR)


def test_of_those_that_never_said_anything_nothing_is_held() -> None:
    """So a burst of them, which the system hands over at once, shuts nobody out."""
    listener = Listener(speak=False)
    for each in range(20 * EACH):
        assert listener.comes(f"{each}", f"10.0.0.{each % 7}", each)
    assert listener.comes("dr", "10.0.1.1", HOUR)
    assert listener.sink.counts == {"x:evicted": 20 * EACH + 1 - TOTAL}


def test_who_left_makes_room_for_nobody_to_be_sent_away() -> None:
    listener = Listener()
    listener.fill("10.0.0.5")
    listener.door.leave(listener.inside["10.0.0.5/4"])
    assert listener.comes("next", "10.0.0.5", HOUR)
    assert not listener.sink.counts


def test_a_mapped_address_is_the_same_address() -> None:
    listener = Listener()
    for each in range(EACH + 1):
        assert listener.comes(f"{each}", ("10.0.0.5", "::ffff:10.0.0.5", "::FFFF:A00:5")[each % 3], each)
    assert list(listener.cut) == ["0"]
    assert address_of("fe80::1%eth0") == address_of("fe80:0::1")


@pytest.mark.parametrize(
    ("host", "listed"),
    [
        ("10.0.0.5", True),
        ("::ffff:10.0.0.5", True),
        ("10.0.0.6", False),
        ("10.0.1.77", True),
        ("10.0.2.1", False),
        ("fd00::17", True),
        ("fe80::1%eth0", False),
        ("::1", False),
        ("::ffff:10.0.3.9", True),
        ("10.0.3.9", True),
        ("10.0.4.200", True),
    ],
)
def test_only_those_listed_get_in(host: str, listed: bool) -> None:
    peers = ("10.0.0.5", "10.0.1.0/24", "fd00::/8", "::ffff:10.0.3.0/120", "10.0.4.0/255.255.255.0")
    listener = Listener(*peers)
    assert listener.comes("it", host, 0.0) is listed
    assert listener.sink.counts == ({} if listed else {"x:unlisted-peer": 1})


def test_a_burst_of_those_not_listed_is_counted_once_and_takes_no_place() -> None:
    listener = Listener("10.0.0.0/24")
    listener.fill("10.0.0.5")
    for each in range(1000):
        assert not listener.comes("it", "10.0.9.9", each / 100)
    assert listener.sink.counts == {"x:unlisted-peer": 1}
    assert not listener.comes("another", "10.0.9.8", 11.0)
    assert not listener.comes("it", "10.0.9.9", BURST_S)
    assert listener.sink.counts == {"x:unlisted-peer": 3}
    for each in range(200):
        assert not listener.comes("scan", f"10.1.0.{each}", BURST_S)
    assert listener.sink.counts["x:unlisted-peer"] <= 3 + TOTAL
    assert not listener.cut


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dr.hospital", "'dr.hospital' is neither an address nor a network"),
        ("10.0.0.300", "neither"),
        ("10.0.0.5/33", "neither"),
        ("10.0.0.5/24", "'10.0.0.5/24' is an address within the network 10.0.0.0/24"),
        ("fd00::5/8", "within the network fd00::/8"),
        ("", "neither"),
    ],
)
def test_what_is_no_network_says_why(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        network_of(text)
