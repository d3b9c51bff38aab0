import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fixtures.postgres import Cluster, Database
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
