"""A subscriber that counts and remembers: QoS 1, acknowledging each message."""

import asyncio
from collections.abc import Callable
from typing import Self

import mqtt5


class Listener(asyncio.Protocol):
    """What arrived at `filters` on the broker at `port`."""

    def __init__(self, port: int, *filters: str, on_message: Callable[[mqtt5.PublishPacket], None]) -> None:
        self._port = port
        self._filters = filters
        self._on_message = on_message
        self._rest = b""
        self._subscribed = asyncio.Event()
        self._transport: asyncio.Transport | None = None

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)
        async with asyncio.timeout(10):
            await self._subscribed.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(mqtt5.ConnectPacket(f"listener-{id(self)}", clean_start=True, receive_max=5000).write())
        filters = [mqtt5.TopicFilter(one, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for one in self._filters]
        transport.write(mqtt5.SubscribePacket(1, filters).write())

    def publish(self, topic: str, body: bytes) -> None:
        assert self._transport is not None
        self._transport.write(mqtt5.PublishPacket(topic, body).write())

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        data = self._rest + data
        view, at = memoryview(data), 0
        acks = []
        while at < len(data):
            try:
                packet, size = mqtt5.read(view[at:])
            except IndexError:
                break
            at += size
            if isinstance(packet, mqtt5.PublishPacket):
                if packet.packet_id is not None:
                    acks.append(mqtt5.PubAckPacket(packet.packet_id).write())
                self._on_message(packet)
            elif isinstance(packet, mqtt5.SubAckPacket):
                self._subscribed.set()
        self._rest = data[at:]
        self._transport.write(b"".join(acks))
