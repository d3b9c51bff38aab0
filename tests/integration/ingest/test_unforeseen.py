"""What nobody foresaw in ingest's own chores ends neither the process nor another: it is said, and tried again."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from ingest.mqtt import Session
from ingest.service import Ingest
from tests.integration.ingest.harness import Bench, Client, until, wall_ms
from wire.items import Readings


def broken(monkeypatch: pytest.MonkeyPatch, chore: str, times: int) -> None:
    """The chore raises so many times, then it works."""
    works = getattr(Ingest, chore)
    left = iter(range(times))

    async def fail(self: Ingest[Any]) -> None:
        if next(left, None) is not None:
            raise KeyError(chore)
        await works(self)

    monkeypatch.setattr(Ingest, chore, fail)


CHORES = {"_renew": "leases", "_probe": "probes", "_beat": "beat", "_look": "directory", "_forget_digests": "digests"}


@pytest.mark.parametrize("chore", CHORES)
async def test_a_chore_that_fails_is_said_once_and_tried_again(
    bench: Bench, chore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, chore, 2)
    uid = bench.device()
    with capture_logs() as lines:
        async with bench.ingest(), Client(bench=bench, uid=uid) as device:
            await device.send(1, Readings(at=wall_ms(), metric=["a"], value=[1]))
            await device.acked(1)
            if chore != "_forget_digests":  # it rests for ten minutes
                await until(lambda: [line for line in lines if line["event"] == "turn_works_again"])
    said = [line for line in lines if line["event"] == "turn_failed"]
    assert [(line["task"], line["error"], line["log_level"]) for line in said] == [(CHORES[chore], "KeyError", "error")]


async def test_a_session_whose_connection_fails_oddly_is_connected_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = Session._keep_alive
    left = iter(range(1))

    async def fail(self: Session) -> None:
        if self._partition == 3 and next(left, None) is not None:
            raise ValueError
        await works(self)

    monkeypatch.setattr(Session, "_keep_alive", fail)
    with capture_logs() as lines:
        async with bench.ingest() as ingest:
            assert ingest.ready
    said = [line["reason"] for line in lines if line["event"] == "session_failed"]
    assert said == ["ValueError"]


async def test_a_claim_that_broke_off_leaves_no_partition_deaf(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leased, renewed for ever, and without a session."""
    connect = Ingest._connect
    left = iter(range(1))

    def fail(self: Ingest[Any], partition: int, lane: Any) -> None:
        if partition == 3 and next(left, None) is not None:
            raise RuntimeError
        connect(self, partition, lane)

    monkeypatch.setattr(Ingest, "_connect", fail)
    async with bench.ingest(wait=False) as ingest:
        await until(lambda: ingest.ready and len(ingest.owned) == 16, seconds=20)
        assert all(set(sessions) == set(range(16)) for sessions in ingest._sessions.values())
