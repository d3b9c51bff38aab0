"""What requests share, and what one request has."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request

from api.settings import Clock, Settings
from catalog.model import Catalog
from people.accounts import Account
from people.audit.chain import Detail, Entry, append
from people.login.check import Door
from people.login.limits import Attempts
from people.login.turns import Turns
from people.roles import Kind
from store.pool import Connection, Pool


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the requests of one app share."""

    settings: Settings
    pool: Pool
    catalog: Catalog
    clock: Clock
    schema_version: int
    door: Door
    codes: Attempts = field(default_factory=lambda: Attempts(most=50, within=timedelta(minutes=5)))
    """Wrong one-time codes by network."""
    code_turns: Turns = field(default_factory=lambda: Turns(parallel=2, of_lane=8, waiting=100, wait_s=10.0))
    """A few at a time: whoever guesses codes doesn't take the pool's connections."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One request: one transaction that sees what its account may see, and commits when the answer is a success."""

    connection: Connection
    account: Account
    now: datetime
    context: Context

    def hospital(self, given: int | None) -> int | None:
        """The hospital that a list is of: given, or a hospital's own people's, by whose index its rows are found."""
        own = self.account.org if self.account.role.kind is Kind.HOSPITAL else None
        return own if given is None else given

    def dealer(self, device: str | None = None) -> int | None:
        """The dealer whose own rows a list has: its people's, by whose index they are found. Of one device: all."""
        return self.account.org if self.account.role.kind is Kind.DEALER and device is None else None

    async def audit(self, *, org: int, action: str, subject: str, detail: Detail | None = None) -> None:
        """Write to the chain of `org` what this request does."""
        entry = Entry(
            org=org, at=self.now, actor=self.account.name, action=action, subject=subject, detail=detail or {}
        )
        await append(self.connection, entry)


# Coroutines though nothing is awaited: what is none runs in a thread, and that takes longer than all it does.
async def context_of(request: Request) -> Context:
    """The app's context."""
    context: Context = request.app.state.context
    return context


async def _session(request: Request) -> Session:
    session: Session = request.state.session  # api.http.route opened it
    return session


async def address_of(request: Request) -> str:
    """Where a request comes from; "" where the server doesn't know."""
    return request.client.host if request.client else ""


Asked = Annotated[Session, Depends(_session)]
Shared = Annotated[Context, Depends(context_of)]
Address = Annotated[str, Depends(address_of)]
