"""A link against a broker that misbehaves on demand: what no real one can be asked to do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import mqtt5
import pytest

from sim.link import Endpoint, Link, Refused
from tests.fixtures.ports import free_port


class Broker:
    """Accepts each connection with `receive_max`; acknowledges PUBLISHes when told to."""

    def __init__(
        self, *, receive_max: int = 100, reason: mqtt5.ConnAckReasonCode = mqtt5.ConnAckReasonCode.SUCCESS
    ) -> None:
        self.port = free_port()
        self.got: list[mqtt5.PublishPacket] = []
        self.connects: list[mqtt5.ConnectPacket] = []
        self.present = False
        self._receive_max = receive_max
        self._reason = reason
        self._writer: asyncio.StreamWriter | None = None

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Broker"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            server.close()
            self.drop()

    def acknowledge(self, packet_id: int, code: mqtt5.PubAckReasonCode = mqtt5.PubAckReasonCode.SUCCESS) -> None:
        self.write(mqtt5.PubAckPacket(packet_id, reason_code=code).write())

    def write(self, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(data)

    def drop(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        rest = b""
        while data := await reader.read(65_536):
            rest += data
            while rest:
                try:
                    packet, size = mqtt5.read(memoryview(rest))
                except IndexError:
                    break
                rest = rest[size:]
                if isinstance(packet, mqtt5.ConnectPacket):
                    self.connects.append(packet)
                    answer = mqtt5.ConnAckPacket(
                        session_present=self.present, reason_code=self._reason, receive_max=self._receive_max
                    )
                    writer.write(answer.write())
                elif isinstance(packet, mqtt5.PublishPacket):
                    self.got.append(packet)
        writer.close()


@asynccontextmanager
async def linked(broker: Broker, window: int = 50) -> AsyncIterator[Link]:
    link = Link(endpoint=Endpoint(host="127.0.0.1", port=broker.port), client_id="c", window=window)
    running = asyncio.create_task(link.run())
    async with asyncio.timeout(10):
        await link.ready()
    try:
        yield link
    finally:
        link.close()
        async with asyncio.timeout(10):
            await running


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError("it did not come to pass")


def messages(*numbers: int) -> list[tuple[str, bytes, str, list[tuple[str, str]]]]:
    return [("t", b"%d" % number, "application/json", [("seq", str(number))]) for number in numbers]


def bodies(packets: list[mqtt5.PublishPacket]) -> list[int]:
    return [int(packet.payload) for packet in packets]


async def test_at_most_the_receive_maximum_is_in_flight() -> None:
    async with Broker(receive_max=3).listening() as broker, linked(broker) as link:
        assert link.room == 3
        link.publish(messages(1, 2, 3))
        assert link.room == 0
        await until(lambda: len(broker.got) == 3)
        broker.acknowledge(broker.got[1].packet_id or 0)
        await until(lambda: link.room == 1)
        assert (link.published, link.acknowledged, link.in_flight) == (3, 1, 2)


async def test_the_own_window_bounds_as_well() -> None:
    async with Broker(receive_max=1000).listening() as broker, linked(broker, window=7) as link:
        assert link.room == 7


async def test_what_has_no_acknowledgement_is_sent_again_in_order_after_a_lost_connection() -> None:
    async with Broker().listening() as broker, linked(broker) as link:
        link.publish(messages(1, 2, 3, 4))
        await until(lambda: len(broker.got) == 4)
        broker.acknowledge(broker.got[1].packet_id or 0)
        await until(lambda: link.acknowledged == 1)
        broker.present = True
        broker.drop()
        await until(lambda: len(broker.got) == 7)
        assert bodies(broker.got) == [1, 2, 3, 4, 1, 3, 4]
        assert [packet.duplicate for packet in broker.got] == [False] * 4 + [True] * 3
        assert [connect.clean_start for connect in broker.connects] == [True, False]
        assert broker.got[4].user_properties == [("seq", "1")]
        link.publish(messages(5))
        for packet in broker.got[4:]:
            broker.acknowledge(packet.packet_id or 0)
        await until(lambda: bodies(broker.got)[-1] == 5 and link.in_flight == 1)


async def test_a_broker_that_forgot_the_session_gets_them_as_new() -> None:
    async with Broker().listening() as broker, linked(broker) as link:
        link.publish(messages(1))
        await until(lambda: len(broker.got) == 1)
        broker.drop()
        await until(lambda: len(broker.got) == 2)
        assert not broker.got[1].duplicate


async def test_an_acknowledgement_with_an_error_is_no_delivery() -> None:
    async with Broker().listening() as broker, linked(broker) as link:
        link.publish(messages(1, 2, 3))
        await until(lambda: len(broker.got) == 3)
        for packet, code in zip(broker.got, ("QUOTA_EXCEEDED", "NO_MATCHING_SUBSCRIBERS", "SUCCESS"), strict=True):
            broker.acknowledge(packet.packet_id or 0, getattr(mqtt5.PubAckReasonCode, code))
        await until(lambda: link.in_flight == 0)
        assert (link.acknowledged, link.refused) == (2, 1)


async def test_acknowledgements_may_come_in_pieces() -> None:
    async with Broker().listening() as broker, linked(broker) as link:
        link.publish(messages(1, 2))
        await until(lambda: len(broker.got) == 2)
        whole = b"".join(mqtt5.PubAckPacket(packet.packet_id or 0).write() for packet in broker.got)
        for byte in whole:
            broker.write(bytes([byte]))
            await asyncio.sleep(0.002)
        await until(lambda: link.acknowledged == 2)


async def test_bytes_that_are_no_mqtt_end_the_connection_and_it_comes_back() -> None:
    async with Broker().listening() as broker, linked(broker) as link:
        link.publish(messages(1))
        await until(lambda: len(broker.got) == 1)
        broker.write(b"\xff" * 20)
        await until(lambda: link.connections == 2)
        await until(lambda: len(broker.got) == 2)


async def test_a_broker_that_does_not_want_us_is_an_error() -> None:
    reason = mqtt5.ConnAckReasonCode.NOT_AUTHORIZED
    async with Broker(reason=reason).listening() as broker:
        link = Link(endpoint=Endpoint(host="127.0.0.1", port=broker.port), client_id="c", window=1)
        with pytest.raises(Refused, match="NOT_AUTHORIZED"):
            await asyncio.wait_for(link.run(), 10)
