"""Who knows the password gets a credential: a program a bearer token, a browser a session (`api.browser`)."""

from datetime import datetime

from api.accounts import Holder, create_token, entry_of, holder
from api.audit import Detail, Entry, append
from api.context import Context, Session
from api.credentials import browser_of, mint_browser, mint_session, mint_token
from api.database import one
from api.limits import Try, network_of
from api.problems import Problem, ProblemCode
from store.pool import EVERY_ORG, scoped


async def check_password(
    context: Context, *, user: str, password: str, address: str, now: datetime, browser: str = ""
) -> tuple[Holder, str]:
    """The account of a user and password, and what its browser may keep for the next time (`browser`: what it kept).

    Raises Problem 401, 429 after too many failures (`api.limits.Logins`), 503 where too many passwords wait to be
    checked. Failures are counted whichever credential was asked for.
    """
    async with context.pool.connection() as connection:
        found = await one(connection, "account_by_name", {"name": user})
    stored = None if found is None else found["password_hash"]
    name = None if stored is None else browser_of(browser, stored)
    tried = _or_wait(context.logins.begin(account=user, network=network_of(address), browser=name, now=now))
    # Outside of a transaction: hashing is slow on purpose, and must not hold a connection. Whether there is such an
    # account changes nothing on the way: neither the turn nor the work, nor what is written afterwards.
    if await _is_right(context, tried, stored, password) and found is not None:
        context.logins.succeeded(tried)
        return holder(found), browser if name else mint_browser(found["password_hash"])
    entry = context.failures.tell(None if found is None else holder(found), user, address=address, now=now)
    if entry is not None:
        async with scoped(context.pool, EVERY_ORG) as connection:
            await append(connection, entry)
    raise too_many(tried.wait_s) if tried.wait_s else _refused()


async def tell_failures(context: Context, *, all_: bool = False) -> None:
    """Write to the audit log what was only counted of failed logins and is due, or all of it."""
    for whose, entry in context.failures.due(None if all_ else context.clock()):
        async with scoped(context.pool, EVERY_ORG) as connection:
            await append(connection, entry)
        context.failures.told(whose, entry)


async def confirm_password(asked: Session, *, password: str, address: str, where: str) -> None:
    """Whoever asks knows the account's password too. Raises Problem 403, or 429: each credential has its own attempts,
    and all of an account some together.

    `where`: the password stands in the request.
    """
    context, account, now = asked.context, asked.account, asked.now
    network = network_of(address)
    tried = _or_wait(context.logins.confirm(account=account.name, network=network, token=account.token_id, now=now))
    found = await one(asked.connection, "account_by_name", {"name": account.name})
    stored = None if found is None else found["password_hash"]
    if not await _is_right(context, tried, stored, password):
        await asked.audit(
            org=account.org, action="password-wrong", subject=f"account:{account.name}", detail={"address": address}
        )
        raise Problem(ProblemCode.PASSWORD_NEEDED, "This password is wrong.", where=where, kept=True)
    context.logins.succeeded(tried)


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


def _or_wait(tried: Try | int) -> Try:
    if isinstance(tried, int):
        raise too_many(tried)
    return tried


async def _is_right(context: Context, tried: Try, stored: str | None, password: str) -> bool:
    try:
        return await context.passwords.verify(stored, password, lane=tried.lane, first=tried.home)
    except Problem:  # 503: too many wait
        context.logins.unchecked(tried)
        raise


def _refused() -> Problem:
    return Problem(
        ProblemCode.LOGIN_FAILED,
        "User or password is wrong: check both.",
        where="body",
        headers={"WWW-Authenticate": "Bearer"},
    )


def too_many(wait_s: int) -> Problem:
    """429 with the seconds to wait."""
    return Problem(
        ProblemCode.TOO_MANY, f"Too many failures: try again in {wait_s} s.", headers={"Retry-After": str(wait_s)}
    )


def _entry(now: datetime, account: Holder, action: str, detail: Detail) -> Entry:
    return entry_of(account, action=action, actor=account.name, now=now, detail=detail)
