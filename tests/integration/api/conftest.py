import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import uvicorn

from api.feed import hub as hubs
from tests.fixtures.ports import free_port
from tests.fixtures.postgres import Cluster, Database
from tests.integration.api.crowd import crowd as fill_with_many
from tests.integration.api.listener import SOON_S
from tests.integration.api.world import Arranged, World, arrange, world


@pytest.fixture(scope="session")
def arranged(plain_cluster: Cluster) -> Arranged:
    """Two hospitals, arranged once; each test works on a copy."""
    return asyncio.run(arrange(plain_cluster.create()))


@pytest.fixture
def copy(plain_cluster: Cluster, arranged: Arranged) -> Iterator[Database]:
    """A fresh copy of what was arranged."""
    made = plain_cluster.database(plain_cluster.create_empty(template=arranged.name))
    yield made
    plain_cluster.drop(made.name)


@pytest.fixture(scope="session")
def shared_copy(plain_cluster: Cluster, arranged: Arranged) -> Database:
    """One copy for all tests that change nothing."""
    return plain_cluster.database(plain_cluster.create_empty(template=arranged.name))


@pytest.fixture(scope="session")
def crowded(plain_cluster: Cluster, arranged: Arranged) -> Database:
    """One copy, with many devices, for all tests of lists."""
    made = plain_cluster.database(plain_cluster.create_empty(template=arranged.name))
    fill_with_many(made)
    return made


@pytest.fixture
async def crowd(crowded: Database, arranged: Arranged) -> AsyncIterator[World]:
    """The API over it, where nothing is to change."""
    async with world(crowded, arranged) as made:
        yield made


@pytest.fixture
async def still(shared_copy: Database, arranged: Arranged) -> AsyncIterator[World]:
    """The API over two hospitals where nothing is to change: much quicker than `here`."""
    async with world(shared_copy, arranged) as made:
        yield made


@pytest.fixture
async def here(copy: Database, arranged: Arranged) -> AsyncIterator[World]:
    """The API over two hospitals."""
    async with world(copy, arranged) as made:
        yield made


@pytest.fixture
async def url(here: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The API on a port of its own, its stream in a hurry."""
    for name, value in (("POLL_S", 0.05), ("DEVICES_S", 0.1), ("BEAT_S", 0.3)):
        monkeypatch.setattr(hubs, name, value)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(here.app, host="127.0.0.1", port=port, log_level="error"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(SOON_S):
        while not server.started:  # noqa: ASYNC110 - a flag is all that uvicorn has
            await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}/api/v1"
    server.should_exit = True
    here.app.state.hub.close()
    await serving
