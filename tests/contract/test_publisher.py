"""`remote.commands.Publisher`: what it says it published is there; what it can't, it says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import aiomqtt
import pytest

from ingest.mqtt import Endpoint
from remote.commands import Publisher, PublishError
from steth.run_jobs import MqttPublisher
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.ports import free_port
from tests.integration.remote.test_commands import Broker

PORT: Final = "remote.commands.Publisher"
Way = Callable[[], Publisher]
Got = Callable[[], Awaitable[tuple[str, bytes]]]


@asynccontextmanager
async def real(port: int) -> AsyncIterator[tuple[Publisher, Got]]:
    """Over a broker, with somebody who listens."""
    publisher = MqttPublisher(endpoint=lambda: Endpoint(host="127.0.0.1", port=port), name="steth-contract")
    try:
        async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
            await client.subscribe("contract/#", qos=1)

            async def got() -> tuple[str, bytes]:
                async with asyncio.timeout(10):
                    message = await anext(aiter(client.messages))
                assert (message.qos, message.retain, isinstance(message.payload, bytes)) == (1, False, True)
                return str(message.topic), bytes(message.payload)

            yield publisher, got
    finally:
        await publisher.close()


@asynccontextmanager
async def fake(_: int) -> AsyncIterator[tuple[Publisher, Got]]:
    broker = Broker()

    async def got() -> tuple[str, bytes]:
        return broker.published[-1]

    yield broker, got


def away() -> Publisher:
    broker = Broker()
    broker.away = True
    return broker


BEHIND: Final[dict[str, tuple[Callable[[int], AbstractAsyncContextManager[tuple[Publisher, Got]]], Way]]] = {
    "steth.run_jobs.MqttPublisher": (
        real,
        lambda: MqttPublisher(endpoint=lambda: Endpoint(host="127.0.0.1", port=free_port()), name="steth-contract"),
    ),
    "tests.integration.remote.test_commands.Broker": (fake, away),
}


@pytest.mark.parametrize("name", list(BEHIND))
async def test_what_is_published_is_there(mosquitto: Mosquitto, name: str) -> None:
    async with BEHIND[name][0](mosquitto.port) as (publisher, got):
        for payload in (b"one", b""):
            await publisher.publish("contract/a", payload)
            assert await got() == ("contract/a", payload)


@pytest.mark.parametrize("name", list(BEHIND))
async def test_where_nobody_listens_it_says_so(name: str) -> None:
    publisher = BEHIND[name][1]()
    for _ in range(2):
        with pytest.raises(PublishError):
            await publisher.publish("contract/a", b"one")
