"""Who knows the password gets a credential: a program a bearer token, a browser a session (`api.browser`)."""

from datetime import datetime

from api.accounts import Holder, create_token, entry_of, holder
from api.audit import Detail, Entry, append
from api.context import Context, Session
from api.credentials import mint_session, mint_token
from api.database import one
from api.limits import network_of
from api.problems import Problem, ProblemCode
from store.pool import EVERY_ORG, scoped


async def check_password(context: Context, *, user: str, password: str, address: str, now: datetime) -> Holder:
    """The account of a user and password. Raises Problem 401, or 429 after too many.

    Failures are counted by account and network, and by network, whichever credential was asked for.
    """
    _begin(context, user, address, now)
    async with context.pool.connection() as connection:
        found = await one(connection, "account_by_name", {"name": user})
    # Outside of a transaction: hashing is slow on purpose, and must not hold a connection.
    stored = None if found is None else found["password_hash"]
    if not await context.passwords.verify(stored, password) or found is None:
        if found is not None:
            async with scoped(context.pool, EVERY_ORG) as connection:
                await append(connection, _entry(now, holder(found), "login-failed", {"address": address}))
        raise _refused()
    _succeeded(context, user, address, now)
    return holder(found)


async def confirm_password(asked: Session, *, password: str, address: str, where: str) -> None:
    """Whoever asks knows the account's password too. Raises Problem 403, or 429: failures count as those of logins do.

    `where`: the password stands in the request.
    """
    context, account, now = asked.context, asked.account, asked.now
    _begin(context, account.name, address, now)
    found = await one(asked.connection, "account_by_name", {"name": account.name})
    if not await context.passwords.verify(None if found is None else found["password_hash"], password):
        await asked.audit(
            org=account.org, action="password-wrong", subject=f"account:{account.name}", detail={"address": address}
        )
        raise Problem(ProblemCode.PASSWORD_NEEDED, "This password is wrong.", where=where, kept=True)
    _succeeded(context, account.name, address, now)


async def issue(
    context: Context, account: Holder, *, browser: bool, address: str, now: datetime
) -> tuple[int, str, datetime]:
    """A new credential of an account: its id, itself, and when it expires."""
    expires_at = now + context.settings.login_lasts
    async with scoped(context.pool, EVERY_ORG) as connection:
        if await one(connection, "note_login", {"id": account.id, "version": account.version, "now": now}) is None:
            raise _refused()
        token_id, token = await create_token(
            connection,
            account=account.id,
            token=mint_session() if browser else mint_token(),
            label="browser" if browser else "login",
            now=now,
            expires_at=expires_at,
        )
        await append(connection, _entry(now, account, "login", {"address": address, "token": token_id}))
    return token_id, token, expires_at


def _begin(context: Context, user: str, address: str, now: datetime) -> None:
    """Count an attempt. Raises Problem 429 after too many that failed."""
    account, network = (user, network_of(address)), network_of(address)
    wait(max(context.per_account.wait_s(account, now), context.per_network.wait_s(network, now)))
    context.per_account.begin(account, now)
    context.per_network.begin(network, now)


def _succeeded(context: Context, user: str, address: str, now: datetime) -> None:
    context.per_account.forget((user, network_of(address)))
    context.per_network.succeeded(network_of(address), now)


def _refused() -> Problem:
    return Problem(
        ProblemCode.LOGIN_FAILED,
        "User or password is wrong: check both.",
        where="body",
        headers={"WWW-Authenticate": "Bearer"},
    )


def wait(wait_s: int) -> None:
    """Raises Problem 429 unless there is nothing to wait for."""
    if wait_s:
        raise Problem(
            ProblemCode.TOO_MANY, f"Too many failures: try again in {wait_s} s.", headers={"Retry-After": str(wait_s)}
        )


def _entry(now: datetime, account: Holder, action: str, detail: Detail) -> Entry:
    return entry_of(account, action=action, actor=account.name, now=now, detail=detail)
