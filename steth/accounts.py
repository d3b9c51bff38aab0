"""The first accounts of a deployment, made where the owner's database address is; others are made with these."""

import secrets
from datetime import UTC, datetime

import psycopg
from psycopg import errors

from api.accounts import create_account
from api.roles import RIGHTS, Role, Scope


class AccountError(Exception):
    """The account can't be made. The message is one line that says what to do."""


async def add_account(dsn_owner: str, *, name: str, role: Role, hospital: int | None) -> str:
    """Make an account with a password of our own making, which is returned and stored nowhere. Raises AccountError.

    ``hospital``: the id of the organisation of an account with the role ``hospital``, and of no other.
    """
    if (RIGHTS.scopes[role] is Scope.OWN) != (hospital is not None):
        raise AccountError("an account of the role hospital needs --hospital, and no other has one")
    password = secrets.token_urlsafe(12)
    try:
        async with await psycopg.AsyncConnection.connect(dsn_owner, connect_timeout=10) as connection:
            await create_account(
                connection, name=name, password=password, role=role, org=hospital, now=datetime.now(UTC)
            )
    except errors.UniqueViolation:
        raise AccountError(f"there is an account {name} already: choose another name") from None
    except (errors.ForeignKeyViolation, errors.CheckViolation):
        raise AccountError("there is no such hospital, or the name can't be one of an account") from None
    except psycopg.Error as error:
        raise AccountError(f"the database: {str(error).strip().splitlines()[0]}") from None
    return password
