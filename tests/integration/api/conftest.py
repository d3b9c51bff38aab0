from collections.abc import AsyncIterator

import pytest

from tests.fixtures.postgres import Database
from tests.integration.api.world import World, world


@pytest.fixture
async def here(database: Database) -> AsyncIterator[World]:
    """The API over two hospitals."""
    async with world(database) as made:
        yield made
