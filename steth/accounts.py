"""Accounts by the owner's database address: the first ones of a deployment, and what must be possible without any."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
from psycopg import errors
from psycopg.rows import DictRow

from people import accounts, places
from people.accounts import Holder, find_account, holder
from people.dealers import only_dealer
from people.errors import AccountChangedError, LastKeeperError
from people.login.credentials import mint_password
from people.names import clean_name
from people.roles import OPERATOR, Kind, Role
from store.pool import Connection

_MANY = 1_000_000


class AccountError(Exception):
    """It can't be done. The message is one line that says what to do."""


async def add_account(dsn_owner: str, *, name: str, role: Role, org: int | None) -> str:
    """Make an account with a password of our own making, which is returned and stored nowhere. Raises AccountError.

    ``org``: the id of its organisation; None: the operator's, or the dealer's where there is one alone.
    """
    if not clean_name(name):
        raise AccountError("give the account a name")
    password = mint_password()
    async with _owner(dsn_owner) as connection:
        whose = await org_for(connection, role, org)
        try:
            await accounts.create_account(
                connection,
                name=clean_name(name),
                password=password,
                made=True,
                role=role,
                org=whose,
                now=datetime.now(UTC),
            )
        except errors.UniqueViolation:
            raise AccountError(f"there is an account {name} already: choose another name") from None
        except errors.ForeignKeyViolation:
            raise AccountError(f"--org {whose} is no {role.kind}, and the role {role} is a {role.kind}'s") from None
    return password


async def org_for(connection: Connection, role: Role, org: int | None) -> int:
    """The organisation of a new account of a role. Raises AccountError where it must be said and isn't."""
    if org is None and role.kind is Kind.OPERATOR:
        org = OPERATOR
    elif org is None and role.kind is Kind.DEALER:
        org = await only_dealer(connection)
    if org is None:
        raise AccountError(f"say which {role.kind} it is of: --org ID (`steth account orgs` lists them)")
    return org


async def list_orgs(dsn_owner: str) -> list[DictRow]:
    """Every organisation: `id`, `name`, `kind`. Raises AccountError."""
    async with _owner(dsn_owner) as connection:
        return await places.orgs(connection)


async def list_accounts(dsn_owner: str) -> list[DictRow]:
    """All accounts, in the order they were made. Raises AccountError."""
    async with _owner(dsn_owner) as connection:
        return await accounts.list_accounts(connection, limit=_MANY)


async def set_active(dsn_owner: str, *, name: str, active: bool) -> int:
    """Disable an account, or enable it; how many tokens and sessions ended. Raises AccountError."""
    async with _owner(dsn_owner) as connection:
        account = await _found(connection, name)
        return await accounts.set_active(connection, account, active=active, actor=accounts.TOOL, now=datetime.now(UTC))


async def reset_password(dsn_owner: str, *, name: str) -> str:
    """Give an account a password of our making, which is returned; its tokens and sessions end. Raises AccountError."""
    async with _owner(dsn_owner) as connection:
        account = await _found(connection, name)
        return await accounts.reset_password(connection, account, actor=accounts.TOOL, now=datetime.now(UTC))


async def list_tokens(dsn_owner: str, *, name: str) -> list[DictRow]:
    """The tokens and sessions of an account that are good, newest first. Raises AccountError."""
    async with _owner(dsn_owner) as connection:
        account = await _found(connection, name)
        return await accounts.list_tokens(connection, account.id, now=datetime.now(UTC), limit=_MANY)


async def revoke_token(dsn_owner: str, *, name: str, token: int) -> None:
    """End a token or session of an account. Raises AccountError."""
    async with _owner(dsn_owner) as connection:
        account = await _found(connection, name)
        if not await accounts.revoke_token(connection, account, token, actor=accounts.TOOL, now=datetime.now(UTC)):
            raise AccountError(f"{account.name} has no such token that is good: `steth account tokens` lists them")


@asynccontextmanager
async def _owner(dsn_owner: str) -> AsyncIterator[Connection]:
    """One transaction. Whatever a person can mend is an AccountError."""
    try:
        async with await psycopg.AsyncConnection.connect(dsn_owner, connect_timeout=10) as connection:
            yield connection
    except LastKeeperError:
        raise AccountError("this is the last active account of the role staff: make another one first") from None
    except AccountChangedError:
        raise AccountError("somebody else changed this account just now: try again") from None
    except psycopg.Error as error:
        raise AccountError(f"the database: {str(error).strip().splitlines()[0]}") from None


async def _found(connection: Connection, name: str) -> Holder:
    row = await find_account(connection, name=clean_name(name))
    if row is None:
        raise AccountError(f"there is no account {name}: `steth account list` shows them")
    return holder(row)
