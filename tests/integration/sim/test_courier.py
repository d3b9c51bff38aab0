"""Handing over by real sockets: in order, until it is acknowledged, whatever the host does meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import pytest

from sim.analyzer.courier import MAX_QUEUE, Courier
from sim.analyzer.e1381 import Transfer
from sim.analyzer.mllp import Exchange
from tests.fixtures.analyzer_host import Answer, hosting
from tests.fixtures.ports import free_port


def astm(number: int) -> bytes:
    return b"H|\\^&\rM|1|SIG|tests.total|%d|1|\rL|1|N\r" % number


def hl7(number: int) -> bytes:
    return b"MSH|^~\\&|SIM||||20261123060000||ESU^U01|id-%d|P|2.5.1\rEQU|X\r" % number


class Quick(Exchange):
    """An exchange that isn't as patient as real ones."""

    patience = 0.3


@contextmanager
def running(courier: Courier) -> Iterator[Courier]:
    thread = threading.Thread(target=courier.run, daemon=True)
    thread.start()
    try:
        yield courier
    finally:
        courier.stop()
        thread.join(10)
        assert not thread.is_alive()


def test_astm_arrives_in_order_and_refused_frames_come_again() -> None:
    refusals: list[bytes] = []

    def answer(offer: bytes) -> Answer:
        if b"SIG" in offer and refusals.count(offer) < 2:
            refusals.append(offer)
            return "later"
        return "yes"

    with hosting("astm", answer=answer) as (host, port):
        with running(Courier(host="127.0.0.1", port=port, dialogue=Transfer)) as courier:
            for number in range(5):
                assert courier.add(astm(number))
            host.wait_for(lambda: len(host.messages) == 5)
        assert host.messages == [astm(number) for number in range(5)]
        assert len(refusals) == 10
        assert host.connections == 1
        assert courier.taken == 5


def test_hl7_arrives_in_order_and_what_is_rejected_is_not_sent_again() -> None:
    with (
        hosting("hl7", answer=lambda offer: "no" if b"id-2" in offer else "yes") as (host, port),
        running(Courier(host="127.0.0.1", port=port, dialogue=Exchange)) as courier,
    ):
        for number in range(5):
            courier.add(hl7(number))
        host.wait_for(lambda: len(host.messages) == 4)
        assert host.messages == [hl7(number) for number in (0, 1, 3, 4)]
        deadline = monotonic() + 30
        while courier.waiting() and monotonic() < deadline:  # the last answer is on its way
            sleep(0.01)
        assert (courier.refused, courier.waiting()) == (1, [])


@pytest.mark.parametrize("protocol", ["astm", "hl7"])
def test_a_host_that_closes_is_called_again_and_gets_the_same(protocol: str) -> None:
    closed = threading.Event()

    def answer(_: bytes) -> Answer:
        if not closed.is_set():
            closed.set()
            return "close"
        return "yes"

    message, dialogue = (astm(7), Transfer) if protocol == "astm" else (hl7(7), Exchange)
    with (
        hosting("astm" if protocol == "astm" else "hl7", answer=answer) as (host, port),
        running(Courier(host="127.0.0.1", port=port, dialogue=dialogue)) as courier,
    ):
        courier.add(message)
        host.wait_for(lambda: message in host.messages)
        assert host.connections == 2
        assert courier.again == 1


def test_a_host_that_says_nothing_is_called_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.analyzer.mllp.PAUSE_S", 0.1)
    answers: Iterator[Answer] = iter(("nothing", "later", "yes"))
    with (
        hosting("hl7", answer=lambda _: next(answers)) as (host, port),
        running(Courier(host="127.0.0.1", port=port, dialogue=Quick)) as courier,
    ):
        courier.add(hl7(1))
        host.wait_for(lambda: host.messages == [hl7(1)])
        assert host.offered == [hl7(1)] * 3
        assert host.connections == 2, "a late answer to the first would have been lost with its connection"


def test_what_waits_is_taken_once_the_host_is_there() -> None:
    port = free_port()
    with running(Courier(host="127.0.0.1", port=port, dialogue=Exchange, waiting=[hl7(1)])) as courier:
        courier.add(hl7(2))
        assert courier.waiting() == [hl7(1), hl7(2)]
        with hosting("hl7", port=port) as (host, _):
            host.wait_for(lambda: len(host.messages) == 2)


def test_what_is_under_way_when_it_is_stopped_stays_in_the_queue() -> None:
    with hosting("hl7", answer=lambda _: "nothing") as (host, port):
        with running(Courier(host="127.0.0.1", port=port, dialogue=Exchange)) as courier:
            courier.add(hl7(1))
            host.wait_for(lambda: bool(host.offered))
        assert courier.waiting() == [hl7(1)]


def test_what_waits_is_bounded() -> None:
    courier = Courier(host="127.0.0.1", port=1, dialogue=Exchange, waiting=[hl7(0)] * MAX_QUEUE)
    assert not courier.add(hl7(1))
    assert courier.given_up == 1
