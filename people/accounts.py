"""Accounts and their credentials: made, changed and ended, by the API and by who holds the owner's database address.

Each in the caller's transaction, which must see the account (`steth.org`, or be the owner's), and each with its entry
in the audit log.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import DictRow

from people.audit.chain import Detail, Entry, append
from people.errors import AccountChangedError, LastKeeperError
from people.login.credentials import Passwords, is_session, mint_password, mint_token, token_hash
from people.roles import OPERATOR, RIGHTS, Role
from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)

TOOL: Final = "steth"
"""The actor of what is done with the owner's database address."""
_NONE: Final = 0
"""No token's id."""
_KEEPS: Final = "accounts.manage"


@dataclass(frozen=True, kw_only=True)
class Holder:
    """An account of an organisation. `org_name`: what that is called.

    `version`: another one has another password, or was disabled or enabled. `password_made`: by us; it is good for
    nothing but to choose another.
    """

    id: int
    name: str
    role: Role
    org: int
    org_name: str
    version: int
    password_made: bool


def holder(row: DictRow) -> Holder:
    """The account of a row with its columns."""
    return Holder(**_fields(row))


def _fields(row: DictRow) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "role": Role(row["role"]),
        "org": row["org_id"],
        "org_name": row["org"],
        "version": row["version"],
        "password_made": row["password_made"],
    }


@dataclass(frozen=True, kw_only=True)
class Account(Holder):
    """Who asks, and with what. `browser`: a session's cookie, not a token. `expires_at`: None: never."""

    token_id: int
    expires_at: datetime | None
    browser: bool


async def authenticate(connection: Connection, token: str, now: datetime) -> Account | None:
    """Whose a token or session is: from then on the transaction sees what that account may see. None: nobody's."""
    row = await _SQL.one(connection, "authenticate", {"hash": token_hash(token), "now": now})
    if row is None:
        return None
    return Account(**_fields(row), token_id=row["token_id"], expires_at=row["expires_at"], browser=is_session(token))


async def create_account(
    connection: Connection,
    *,
    name: str,
    password: str,
    role: Role,
    org: int,
    now: datetime,
    actor: str = TOOL,
    made: bool = False,
    passwords: Passwords | None = None,
) -> int:
    """Make an account and return its id. As the api role: any but the operator's staff, whom only the owner makes.

    `made`: the password is one of our making (`mint_password`).
    An `org` that isn't there or isn't of the role's kind is a ForeignKeyViolation; a name that is taken a
    UniqueViolation.
    """
    stored = await (passwords or Passwords()).hash(password)
    row = await _SQL.one(
        connection,
        "add_account",
        {
            "org": org,
            "kind": role.kind.value,
            "name": name,
            "role": role.value,
            "password_hash": stored,
            "made": made,
        },
    )
    assert row is not None  # noqa: S101 - INSERT … RETURNING
    account = holder(row)
    await append(
        connection, entry_of(account, action="account-created", actor=actor, now=now, detail={"role": role.value})
    )
    return account.id


_ANY: Final[dict[str, Any]] = dict.fromkeys(("id", "name", "org", "role", "active", "part", "above"))


async def find_account(connection: Connection, *, id_: int | None = None, name: str | None = None) -> DictRow | None:
    """The row of an account by its id or name, if the transaction sees it."""
    return await _SQL.one(connection, "accounts", {**_ANY, "id": id_, "name": name, "limit": 1})


async def list_accounts(
    connection: Connection,
    *,
    org: int | None = None,
    role: Role | None = None,
    active: bool | None = None,
    part: str | None = None,
    above: int | None = None,
    limit: int,
) -> list[DictRow]:
    """Rows of accounts in the order of their ids. `part`: of the account's name or its organisation's."""
    asked = {"org": org, "role": role, "active": active, "part": part, "above": above, "limit": limit}
    return await _SQL.many(connection, "accounts", {**_ANY, **asked})


async def set_active(
    connection: Connection, account: Holder, *, active: bool, actor: str, now: datetime, by: int = OPERATOR
) -> int:
    """Disable an account, which ends its tokens and sessions for good, or enable it: then somebody signs in anew.

    `by`: the organisation of who asks. Returns how many ended. Raises LastKeeperError, AccountChangedError.
    """
    if not active:
        await _keep_one(connection, account, by)
    await _change(connection, "set_active", account, active=active)
    ended = 0 if active else await end_tokens(connection, account.id, now=now)
    action = "account-enabled" if active else "account-disabled"
    await append(connection, entry_of(account, action=action, actor=actor, now=now, detail={"ended": ended}))
    return ended


async def set_role(
    connection: Connection, account: Holder, *, role: Role, actor: str, now: datetime, by: int = OPERATOR
) -> int:
    """Give an account another role of its organisation's kind. What it was signed in with ends, and how many that were
    is returned: nothing goes on with rights that were taken. `by`, Raises: as `set_active`."""
    if role not in RIGHTS.roles[_KEEPS]:
        await _keep_one(connection, account, by)
    await _change(connection, "set_role", account, role=role.value)
    ended = await end_tokens(connection, account.id, now=now)
    detail: Detail = {"old": account.role.value, "new": role.value, "ended": ended}
    await append(connection, entry_of(account, action="role-changed", actor=actor, now=now, detail=detail))
    return ended


async def _keep_one(connection: Connection, account: Holder, by: int) -> None:
    """Of an organisation's own people somebody stays who manages its accounts; the operator may end a dealer's last."""
    keeping = RIGHTS.roles[_KEEPS]
    if account.role not in keeping or by != account.org:
        return
    asked = {"org": account.org, "roles": [role.value for role in keeping]}
    if not [row["id"] for row in await _SQL.many(connection, "keepers", asked) if row["id"] != account.id]:
        raise LastKeeperError


async def reset_password(
    connection: Connection, account: Holder, *, actor: str, now: datetime, passwords: Passwords | None = None
) -> str:
    """Give an account a password of our making, which is returned and stored nowhere; all its credentials end.

    Raises AccountChangedError.
    """
    password = mint_password()
    stored = await (passwords or Passwords()).hash(password)
    await _change(connection, "set_password", account, password_hash=stored, made=True)
    ended = await end_tokens(connection, account.id, now=now)
    await append(connection, entry_of(account, action="password-reset", actor=actor, now=now, detail={"ended": ended}))
    return password


async def change_password(connection: Connection, account: Holder, *, stored: str, token: int, now: datetime) -> None:
    """An account's own new password, as its hash; all its credentials end but the token that asks.

    Raises AccountChangedError.
    """
    await _change(connection, "set_password", account, password_hash=stored, made=False)
    ended = await end_tokens(connection, account.id, but=token, now=now)
    detail = {"ended": ended}
    await append(connection, entry_of(account, action="password-changed", actor=account.name, now=now, detail=detail))


async def hold(connection: Connection, account: Holder) -> bool:
    """Whether the account is as it was read: until the transaction ends, who would change it waits."""
    return await _SQL.one(connection, "hold_account", {"id": account.id, "version": account.version}) is not None


async def list_tokens(
    connection: Connection,
    account: int | None,
    *,
    now: datetime,
    kind: str | None = None,
    part: str | None = None,
    below: int | None = None,
    limit: int,
) -> list[DictRow]:
    """Tokens and sessions that are good, newest first: `id`, `label`, `kind` (token, login, browser), from which
    `address` they were asked for, `created_at`, `expires_at`, and whose they are. `account` None: of all that are seen.
    `part`: of the label or the account's name, or the whole address.
    """
    asked = {"account": account, "now": now, "kind": kind, "part": part, "below": below, "limit": limit}
    return await _SQL.many(connection, "tokens", asked)


async def create_token(
    connection: Connection,
    *,
    account: int,
    label: str,
    now: datetime,
    expires_at: datetime | None,
    kind: str = "token",
    address: str = "",
    token: str | None = None,
) -> tuple[int, str]:
    """Make a token of an account: its id and the token itself, which nothing stores.

    `token`: the secret, of a browser's session; None: a new bearer token. `kind`, `address`: see `list_tokens`.
    """
    token = token or mint_token()
    made = {"account": account, "hash": token_hash(token), "label": label, "kind": kind, "address": address}
    row = await _SQL.one(connection, "add_token", {**made, "now": now, "expires_at": expires_at})
    assert row is not None  # noqa: S101 - INSERT … RETURNING
    return int(row["id"]), token


async def revoke_token(connection: Connection, account: Holder, token: int, *, actor: str, now: datetime) -> bool:
    """End one token or session of an account; False: it has none of this id that isn't over."""
    ended = await end_token(connection, account, token, now=now)
    if ended:
        entry = entry_of(account, action="token-revoked", actor=actor, now=now, subject=f"token:{token}")
        await append(connection, entry)
    return ended


async def end_token(connection: Connection, account: Holder, token: int, *, now: datetime) -> bool:
    """`revoke_token` for who tells the audit log of it in words of its own."""
    return await _SQL.one(connection, "revoke_token", {"id": token, "account": account.id, "now": now}) is not None


async def end_tokens(connection: Connection, account: int, *, but: int = _NONE, now: datetime) -> int:
    """End all tokens and sessions of an account, but one; returns how many."""
    return await _SQL.run(connection, "revoke_tokens", {"account": account, "but": but, "now": now})


async def _change(connection: Connection, statement: str, account: Holder, **to: object) -> None:
    change = {"id": account.id, "version": account.version, **to}
    if await _SQL.one(connection, statement, change) is None:
        raise AccountChangedError


def entry_of(
    account: Holder, *, action: str, actor: str, now: datetime, detail: Detail | None = None, subject: str = ""
) -> Entry:
    """What the audit log says of an account: in its organisation's chain."""
    return Entry(
        org=account.org,
        at=now,
        actor=actor,
        action=action,
        subject=subject or f"account:{account.name}",
        detail=detail or {},
    )
