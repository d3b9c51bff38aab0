"""Who knows the password gets a credential: a program a bearer token, a browser a session (`api.browser`)."""

from datetime import datetime

from psycopg.rows import DictRow

from api.accounts import create_token
from api.audit import Detail, Entry, append
from api.context import Context
from api.credentials import mint_session, mint_token
from api.database import one
from api.limits import network_of
from api.problems import Problem, ProblemCode
from store.pool import EVERY_ORG, scoped


async def check_password(context: Context, *, user: str, password: str, address: str, now: datetime) -> DictRow:
    """The account (`id`, `name`, `role`, `org_id`) of a user and password. Raises Problem 401, or 429 after too many.

    Failures are counted by account and network, and by network, whichever credential was asked for.
    """
    account, network = (user, network_of(address)), network_of(address)
    wait(max(context.per_account.wait_s(account, now), context.per_network.wait_s(network, now)))
    context.per_account.begin(account, now)
    context.per_network.begin(network, now)
    async with context.pool.connection() as connection:
        found = await one(connection, "account_by_name", {"name": user})
    # Outside of a transaction: hashing is slow on purpose, and must not hold a connection.
    stored = None if found is None else found["password_hash"]
    if not await context.passwords.verify(stored, password) or found is None:
        if found is not None:
            async with scoped(context.pool, EVERY_ORG) as connection:
                await append(connection, _entry(now, found, "login-failed", {"address": address}))
        raise Problem(
            ProblemCode.LOGIN_FAILED,
            "User or password is wrong: check both.",
            where="body",
            headers={"WWW-Authenticate": "Bearer"},
        )
    context.per_account.forget(account)
    context.per_network.succeeded(network, now)
    return found


async def issue(
    context: Context, account: DictRow, *, browser: bool, address: str, now: datetime
) -> tuple[int, str, datetime]:
    """A new credential of an account: its id, itself, and when it expires."""
    expires_at = now + context.settings.login_lasts
    async with scoped(context.pool, EVERY_ORG) as connection:
        token_id, token = await create_token(
            connection,
            account=account["id"],
            token=mint_session() if browser else mint_token(),
            label="browser" if browser else "login",
            now=now,
            expires_at=expires_at,
        )
        await append(connection, _entry(now, account, "login", {"address": address, "token": token_id}))
    return token_id, token, expires_at


def wait(wait_s: int) -> None:
    """Raises Problem 429 unless there is nothing to wait for."""
    if wait_s:
        raise Problem(
            ProblemCode.TOO_MANY, f"Too many failures: try again in {wait_s} s.", headers={"Retry-After": str(wait_s)}
        )


def _entry(now: datetime, account: DictRow, action: str, detail: Detail) -> Entry:
    return Entry(
        org=account["org_id"],
        at=now,
        actor=account["name"],
        action=action,
        subject=f"account:{account['name']}",
        detail=detail,
    )
