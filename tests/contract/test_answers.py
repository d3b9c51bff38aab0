"""`ingest.message.Answers`: a way back that is down loses what it is given, and never raises."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest

from ingest.message import Answers, Message
from ingest.mqtt import Endpoint, Session
from tests.unit.ingest.test_acks import UID, Caught
from wire.codec import encode
from wire.commands import Ack
from wire.topics import Down, Lane, down

PORT: Final = "ingest.message.Answers"


def session() -> Session:
    return Session(
        endpoint=lambda: Endpoint(host="127.0.0.1", port=1),
        client_id="contract",
        partition=0,
        filters=["a"],
        receive_max=10,
        on_message=lambda message: None,
        on_taken_over=lambda: None,
        wall_ms=lambda: 0,
    )


BEHIND: Final[dict[str, Callable[[], Answers]]] = {
    "ingest.mqtt.Session": session,
    "tests.unit.ingest.test_acks.Caught": Caught,
}
ACK: Final = (down(UID, Down.ACK), encode(Ack(lane=Lane.LIVE, epoch="", seq=0, now=1)))


def message(packet_id: int, link: int) -> Message:
    return Message(
        topic="t",
        body=b"",
        content_type=None,
        properties=[],
        packet_id=packet_id,
        partition=0,
        link=link,
        received_ms=0,
    )


@pytest.mark.parametrize("name", list(BEHIND))
def test_what_can_not_be_said_is_lost_without_a_word(name: str) -> None:
    answers = BEHIND[name]()
    answers.acknowledge([message(1, 1), message(0, 0)])
    answers.acknowledge([])
    answers.publish([ACK])
    answers.publish([])


class Line(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


def test_a_session_acknowledges_in_order_what_came_on_its_present_connection() -> None:
    made = session()
    for _ in range(2):
        before, line = made.link, Line()
        made.connection_made(line)
        link = made.link
        assert link != before
        line.written.clear()
        made.acknowledge([message(258, link), message(7, before), message(0, link), message(1, link)])
        assert b"".join(line.written) == b"\x40\x02\x01\x02\x40\x02\x00\x01"
        made.publish([ACK])
        assert len(line.written) == 1, "nothing is published before it is subscribed"
        made.data_received(b"\x20\x03\x00\x00\x00" + b"\x90\x04\x00\x01\x00\x01")
        line.written.clear()
        made.publish([ACK, ACK])
        assert b"".join(line.written).count(ACK[1]) == 2
        made.connection_lost(None)
        line.written.clear()
        made.acknowledge([message(1, link)])
        made.publish([ACK])
        assert line.written == []
