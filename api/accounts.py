"""Accounts and tokens, for the first run and for the login."""

from datetime import datetime

from api.audit import Entry, append
from api.credentials import Passwords, mint_token, token_hash
from api.database import QUERIES, one
from api.roles import Role
from store.pool import EVERY_ORG, Connection


async def create_account(
    connection: Connection, *, name: str, password: str, role: Role, org: int | None = None, now: datetime
) -> int:
    """Make an account, in the caller's transaction, as the api role or the owner, and return its id.

    `org` belongs to the role `hospital` and to it alone (a CheckViolation otherwise); a name that is taken is a
    UniqueViolation.
    """
    await connection.execute(QUERIES["see"], {"org": EVERY_ORG})
    stored = await Passwords().hash(password)
    row = await one(connection, "add_account", {"org": org, "name": name, "role": role.value, "password_hash": stored})
    assert row is not None  # noqa: S101 - INSERT … RETURNING
    entry = Entry(
        org=org, at=now, actor="steth", action="account-created", subject=f"account:{name}", detail={"role": role.value}
    )
    await append(connection, entry)
    return int(row["id"])


async def create_token(
    connection: Connection,
    *,
    account: int,
    label: str,
    now: datetime,
    expires_at: datetime | None,
    token: str | None = None,
) -> tuple[int, str]:
    """Make a token of an account, in the caller's transaction: its id and the token itself, which nothing stores.

    `token`: the secret, of a browser's session; None: a new bearer token.
    """
    token = token or mint_token()
    row = await one(
        connection,
        "add_token",
        {"account": account, "hash": token_hash(token), "label": label, "now": now, "expires_at": expires_at},
    )
    assert row is not None  # noqa: S101 - INSERT … RETURNING
    return int(row["id"]), token
