"""Limits of live streams: whether one more is admitted, and which one ends for it. Pure."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from api.feed.client import Client
from api.http.problems import Problem, ProblemCode
from people.roles import Kind

MAX_CLIENTS: Final = 1000
OF_HOSPITALS: Final = 700
"""Streams of all hospitals' accounts together: the rest is for dealers and the operator, whoever else listens."""
OF_OTHERS: Final = 950
"""Of hospitals and dealers together: the rest is the operator's."""
OF_ORG: Final = 200
"""Of one hospital or dealer."""
OF_ACCOUNT: Final = 20
PUSH: Final = timedelta(seconds=5)
"""Between two ends of an account's oldest stream: a program that opens them without end is refused."""


def room(clients: Iterable[Client], *, account: int, org: int, kind: Kind, pushed_s: int) -> Client | None:
    """Whom one more stream of an account takes the place of; None: nobody. Raises Problem 429, 503 where all is full.

    Beyond `OF_ACCOUNT` it is the account's oldest, which may be a ghost: a tab whose network went away, and which would
    lock its own reader out. `clients`: oldest first. `pushed_s`: seconds until that may happen to this account again.
    """
    there = list(clients)
    own = [client for client in there if client.account == account]
    if len(own) >= OF_ACCOUNT:
        if pushed_s:
            raise _full(ProblemCode.TOO_MANY, f"This account has {OF_ACCOUNT} live streams", pushed_s)
        return own[0]
    if kind is not Kind.OPERATOR and sum(client.org == org for client in there) >= OF_ORG:
        raise _full(ProblemCode.TOO_MANY, f"This {kind} has {OF_ORG} live streams", 30)
    if kind is Kind.HOSPITAL and sum(client.kind is Kind.HOSPITAL for client in there) >= OF_HOSPITALS:
        raise _full(ProblemCode.UNAVAILABLE, "Hospitals have as many live streams as there can be", 30)
    if kind is not Kind.OPERATOR and sum(client.kind is not Kind.OPERATOR for client in there) >= OF_OTHERS:
        raise _full(ProblemCode.UNAVAILABLE, "Hospitals and dealers have as many live streams as there can be", 30)
    if len(there) >= MAX_CLIENTS:
        raise _full(ProblemCode.UNAVAILABLE, "There are as many live streams as there can be", 5)
    return None


def _full(code: ProblemCode, what: str, wait_s: int) -> Problem:
    return Problem(code, f"{what}: try again in {wait_s} s.", headers={"Retry-After": str(wait_s)})
