from collections.abc import Iterator

import pytest

from tests.attack.installation import Installation, installed
from tests.fixtures.deployed import DeployedBroker
from tests.fixtures.postgres import Cluster


@pytest.fixture(scope="module")
def target(
    deployed: DeployedBroker, plain_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A deployment of the module's own."""
    database = plain_cluster.create()
    with installed(deployed, database, tmp_path_factory.mktemp("installation")) as made:
        yield made
    plain_cluster.drop(database.name)
