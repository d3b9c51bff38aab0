"""Sign-in: a password becomes a credential, for a program a bearer token, for a browser a session."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from people.accounts import Account, Holder, create_token, entry_of, holder
from people.audit.chain import Detail, Entry, append
from people.errors import BusyError, LoginRefusedError, TooManyFailuresError, WrongPasswordError
from people.login.credentials import Passwords, browser_of, mint_browser, mint_session, mint_token
from people.login.failures import Failures
from people.login.limits import Logins, Try, network_of
from store.pool import EVERY_ORG, Connection, Pool, scoped
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where passwords are tried: one of a process, which counts what failed."""

    pool: Pool
    passwords: Passwords = field(default_factory=Passwords)
    logins: Logins = field(default_factory=Logins)
    failures: Failures = field(default_factory=Failures)
    codes: Failures = field(default_factory=partial(Failures, action="enrolment-refused", subject="device"))

    async def check(
        self, *, user: str, password: str, address: str, now: datetime, browser: str = ""
    ) -> tuple[Holder, str]:
        """The account of a user and password, and what its browser may keep for the next time (`browser`: has kept).

        Raises LoginRefusedError, TooManyFailuresError (`people.login.limits.Logins`), and BusyError where too many
        passwords wait to be checked. Failures are counted whichever credential was asked for.
        """
        async with self.pool.connection() as connection:
            found = await _SQL.one(connection, "account_by_name", {"name": user})
        stored = None if found is None else found["password_hash"]
        name = None if stored is None else browser_of(browser, stored)
        tried = _or_wait(self.logins.begin(account=user, network=network_of(address), browser=name, now=now))
        # Outside of a transaction: hashing is slow on purpose, and must not hold a connection. Whether there is such an
        # account changes nothing on the way: neither the turn nor the work, nor what is written afterwards.
        if await self._is_right(tried, stored, password) and found is not None:
            self.logins.succeeded(tried)
            return holder(found), browser if name else mint_browser(found["password_hash"])
        await self._note(self.failures.tell(None if found is None else holder(found), user, address=address, now=now))
        raise TooManyFailuresError(tried.wait_s) if tried.wait_s else LoginRefusedError

    async def confirm(
        self, connection: Connection, account: Account, *, password: str, address: str, now: datetime
    ) -> None:
        """Whoever asks knows the account's password too: each credential has its own attempts, and all of an account
        some together. Raises WrongPasswordError, TooManyFailuresError, BusyError.
        """
        network = network_of(address)
        tried = _or_wait(self.logins.confirm(account=account.name, network=network, token=account.token_id, now=now))
        found = await _SQL.one(connection, "account_by_name", {"name": account.name})
        stored = None if found is None else found["password_hash"]
        if not await self._is_right(tried, stored, password):
            wrong = entry_of(account, action="password-wrong", actor=account.name, now=now, detail={"address": address})
            await append(connection, wrong)
            raise WrongPasswordError
        self.logins.succeeded(tried)

    async def issue(
        self, account: Holder, *, browser: bool, address: str, now: datetime, lasts: timedelta
    ) -> tuple[int, str, datetime]:
        """A new credential of an account: its id, itself, and when it expires. Raises LoginRefusedError."""
        expires_at = now + lasts
        async with scoped(self.pool, EVERY_ORG) as connection:
            if (
                await _SQL.one(connection, "note_login", {"id": account.id, "version": account.version, "now": now})
                is None
            ):
                raise LoginRefusedError
            token_id, token = await create_token(
                connection,
                account=account.id,
                token=mint_session() if browser else mint_token(),
                label="browser" if browser else "login",
                kind="browser" if browser else "login",
                address=address,
                now=now,
                expires_at=expires_at,
            )
            detail: Detail = {"address": address, "token": token_id}
            await append(connection, entry_of(account, action="login", actor=account.name, now=now, detail=detail))
        return token_id, token, expires_at

    async def code_refused(self, code: str, *, address: str, now: datetime) -> None:
        """Somebody gave a one-time code that is none: the operator's chain of the audit log says from where."""
        await self._note(self.codes.tell(None, code, address=address, now=now))

    async def tell_failures(self, now: datetime | None = None) -> None:
        """Write to the audit log what was only counted of failures and is due; None: all of it."""
        for failures in (self.failures, self.codes):
            for whose, entry in failures.due(now):
                await self._note(entry)
                failures.told(whose, entry)

    async def _note(self, entry: Entry | None) -> None:
        if entry is not None:
            async with scoped(self.pool, EVERY_ORG) as connection:
                await append(connection, entry)

    async def _is_right(self, tried: Try, stored: str | None, password: str) -> bool:
        try:
            return await self.passwords.verify(stored, password, lane=tried.lane, first=tried.home)
        except BusyError:
            self.logins.unchecked(tried)
            raise


def _or_wait(tried: Try | int) -> Try:
    if isinstance(tried, int):
        raise TooManyFailuresError(tried)
    return tried
