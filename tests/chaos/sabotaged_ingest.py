"""`steth ingest` with one of the rules of delivery broken on purpose: `make chaos` must notice.

    python -m tests.chaos.sabotaged_ingest NAME ingest

The product has no switches; what is broken is put in here, by sub-classing and wiring.
"""

import sys
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType, MethodType
from typing import Any, Final
from unittest.mock import patch

from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ingest.admitted import Admitted
from ingest.memory import DeviceMemory
from ingest.message import Message
from ingest.numbers import Decision, Fate, Mark, decide
from ingest.service import Ingest
from ingest.writer import LaneWriter
from steth import run_ingest
from steth.cli import main
from wire.report import Numbers


class AcknowledgesFirst(LaneWriter[Any]):
    """Delivery 10 broken: PUBACK and acknowledgements leave before the rows are even written."""

    async def _transact(self, messages: list[Message], ticks: set[str], poison: dict[int, str]) -> Admitted[Any]:
        self._batch = messages
        return await super()._transact(messages, ticks, poison)

    async def _store(
        self, connection: AsyncConnection[Any], admitted: Admitted[Any], now: datetime, now_ms: int
    ) -> tuple[bool, list[tuple[Any, ...]]]:
        hello, admitted.hello = admitted.hello, {}  # the answer to a birth needs marks that aren't read yet
        admitted.urgent = dict(admitted.touched)
        self._acknowledge(self._batch, admitted)
        admitted.hello = hello
        return await super()._store(connection, admitted, now, now_ms)


class IgnoresTheMark(LaneWriter[Any]):
    """Delivery 5 broken: what comes again is applied again."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.gate._decide = _apply_again


def _apply_again(mark: Mark | None, numbers: Numbers, digest: bytes) -> Decision:
    decision = decide(mark, numbers, digest)
    if decision.fate in (Fate.DUPLICATE, Fate.MISMATCH, Fate.STALE):
        return replace(decision, fate=Fate.APPLY)
    return decision


class KeepsTheState(LaneWriter[Any]):
    """Delivery 13 broken: after a rollback the engine goes on from the state that was never committed."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._kept: dict[str, Any] = {}

    def _forget(self, messages: list[Message], ticks: set[str]) -> None:
        self._kept.update({uid: m.state for uid in self.judge.changed if (m := self.memory.get(uid)) is not None})
        super()._forget(messages, ticks)

    async def _fence(self, connection: AsyncConnection[Any], messages: list[Message]) -> None:
        await super()._fence(connection, messages)
        if self._kept:
            await self.memory.load(connection, list(self._kept), now_ms=self._wall_ms())
            for uid, state in self._kept.items():
                memory: DeviceMemory[Any] | None = self.memory.get(uid)
                if memory is not None:
                    memory.state = state
            self._kept.clear()


class HasNoFence(LaneWriter[Any]):
    """Delivery 9 broken: whoever thinks that it owns a partition writes."""

    async def _fence(self, connection: AsyncConnection[Any], messages: list[Message]) -> None:
        pass


class ForgetsGaps(LaneWriter[Any]):
    """Delivery 4 broken: numbers that can never come any more are passed over in silence."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.gate._decide = _without_gap


def _without_gap(mark: Mark | None, numbers: Numbers, digest: bytes) -> Decision:
    return replace(decide(mark, numbers, digest), gap=None)


class WaitsForSessions(Ingest[Any]):
    """Sessions that were cut are got over as the library does it: a second after the first, then twice as long."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        checking = AsyncConnectionPool.check_connection
        self._pool.getconn = MethodType(AsyncConnectionPool.getconn, self._pool)  # type: ignore[method-assign]
        self._pool._check = checking


class TrustsLeases(Ingest[Any]):
    """A lease is taken for a promise of the wall's clock, however far ahead of it."""

    async def _claim(self, most: int) -> None:
        async with self._pool.connection() as connection:
            ahead = "SELECT count(*) FROM partition_lease WHERE lease_until > now() + INTERVAL '1 minute'"
            held = await connection.execute(ahead)
            if (await held.fetchone() or (0,))[0] == 0:
                await super()._claim(most)


SABOTAGES: Final[Mapping[str, type[LaneWriter[Any]] | type[Ingest[Any]]]] = MappingProxyType(
    {
        "forget-gaps": ForgetsGaps,
        "wait-for-sessions": WaitsForSessions,
        "trust-leases": TrustsLeases,
        "ack-before-commit": AcknowledgesFirst,
        "ignore-mark": IgnoresTheMark,
        "keep-state-after-rollback": KeepsTheState,
        "no-fencing": HasNoFence,
    }
)


if __name__ == "__main__":
    broken = SABOTAGES[sys.argv.pop(1)]
    with patch.object(run_ingest, "Ingest", broken if issubclass(broken, Ingest) else partial(Ingest, writer=broken)):
        main()
