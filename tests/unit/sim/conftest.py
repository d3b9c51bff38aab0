import pytest

from catalog.load import load
from catalog.model import Model


@pytest.fixture(scope="session")
def model() -> Model:
    return load().models["generic-dr"]


@pytest.fixture(scope="session")
def analyzer() -> Model:
    return load().models["generic-analyzer"]


@pytest.fixture(scope="session")
def shipped_models() -> dict[str, Model]:
    return dict(load().models)
