"""What needs the account's password once more."""

from api.http.context import Session
from api.http.problems import Problem, ProblemCode
from people.errors import WrongPasswordError


async def confirm_password(asked: Session, *, password: str, address: str, where: str) -> None:
    """Validate the account's password once more. Raises Problem 403, 429, 503. `where` it stands in the request."""
    try:
        await asked.context.door.confirm(
            asked.connection, asked.account, password=password, address=address, now=asked.now
        )
    except WrongPasswordError:
        raise Problem(ProblemCode.PASSWORD_NEEDED, "This password is wrong.", where=where, kept=True) from None
