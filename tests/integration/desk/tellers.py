"""A teller at work, and a channel that keeps what it is given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from catalog.model import Severity
from desk.telling.channels import Channel
from desk.telling.plan import Patience
from desk.telling.reasons import RefusedError, TellingError
from desk.telling.teller import Teller
from desk.tickets.stage import TicketStage
from store.pool import open_pool
from tests.fixtures.postgres import Database
from tests.integration.desk.arrange import CATALOG, NOW, Hospital, batch, connect, episode

STATES = "SELECT state, attempts, error FROM telling ORDER BY id"
CHANNEL = "SELECT failures, failing_since IS NOT NULL, error FROM recipient ORDER BY id"


class Recorder:
    """A channel that keeps what it is given; `failing`: what an address raises, `gate` holds all of them back."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.failing: dict[str, Exception] = {}
        self.refused: set[str] = set()
        self.tried: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, *, address: str, subject: str, body: str, severity: Severity) -> None:
        assert body
        assert severity
        self.tried.append(address)
        await self.gate.wait()
        if address in self.failing:
            raise self.failing[address]
        if any(number in subject for number in self.refused):
            raise RefusedError("telling.status", status=400)
        self.sent.append((address, subject))

    async def check(self, address: str) -> None:
        if address in self.failing:
            raise self.failing[address]

    def numbers(self) -> list[str]:
        return [subject.split()[1] for _, subject in self.sent]


ILL = TellingError("telling.status", status=503)


@asynccontextmanager
async def teller(database: Database, channel: Channel, *, patience: Patience | None = None) -> AsyncIterator[Teller]:
    async with (
        open_pool(database.jobs, role="jobs", max_size=4) as pool,
        Teller(pool=pool, channel=channel, catalog=CATALOG, patience=patience, random=Random(1)) as made,
    ):
        yield made


async def round_(made: Teller, now_ms: int) -> int:
    claimed = await made.run_once(now_ms)
    await made.idle()
    return claimed


async def seconds(made: Teller, count: int, *, begin_ms: int = NOW) -> None:
    """As `steth jobs` does it, twice a second."""
    for half in range(2 * count):
        await round_(made, begin_ms + half * 500)


async def open_tickets(database: Database, hospital: Hospital, *, count: int = 1, begin: int = 0) -> None:
    async with await connect(database.ingest) as connection:
        await TicketStage(catalog=CATALOG).run(
            connection, batch((hospital.devices[0], [episode(family=f"f{begin + n}") for n in range(count)]))
        )
