"""`desk.telling.channels.Channel`: sent is taken; everything else is a TellingError; to check sends nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from desk.telling.channels import Channel, Channels
from desk.telling.reasons import TellingError
from tests.integration.desk.listeners import HERE, webhook
from tests.integration.desk.tellers import ILL, Recorder

PORT: Final = "desk.telling.channels.Channel"
Sent = Callable[[], int]


@contextmanager
def real() -> Iterator[tuple[Channel, str, Sent, str]]:
    """A channel, a good address, how many messages came there, and an address where nothing may be sent."""
    with webhook() as hook:
        yield Channels(way=HERE), hook.address(), lambda: len(hook.bodies), "gopher://127.0.0.1/"


@contextmanager
def fake() -> Iterator[tuple[Channel, str, Sent, str]]:
    recorder = Recorder()
    recorder.failing["json://ill"] = ILL
    yield recorder, "json://well", lambda: len(recorder.sent), "json://ill"


BEHIND: Final = {"desk.telling.channels.Channels": real, "tests.integration.desk.tellers.Recorder": fake}


@pytest.mark.parametrize("name", list(BEHIND))
async def test_sent_is_taken_and_everything_else_is_an_error(name: str) -> None:
    with BEHIND[name]() as (channel, good, sent, bad):
        await channel.check(good)
        assert sent() == 0
        await channel.send(address=good, subject="[紧急] WX", body="kV", severity="critical")
        assert sent() == 1
        with pytest.raises(TellingError):
            await channel.check(bad)
        with pytest.raises(TellingError):
            await channel.send(address=bad, subject="[紧急] WX", body="kV", severity="critical")
        await channel.send(address=good, subject="[紧急] WX", body="kV", severity="warning")
        assert sent() == 2
