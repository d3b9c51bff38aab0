"""What can go wrong, as one exception with a stable code; `api.http.answers` turns it into RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ProblemCode(StrEnum):
    """Stable words a program may branch on: add, never rename."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    LOGIN_FAILED = "login_failed"
    FORBIDDEN = "forbidden"
    CSRF = "csrf"
    CODE_REFUSED = "code_refused"
    PASSWORD_NEEDED = "password_needed"  # noqa: S105 - a word for a program
    PASSWORD_TO_CHOOSE = "password_to_choose"  # noqa: S105
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TOO_SLOW = "too_slow"
    CONFLICT = "conflict"
    BUSY = "busy"
    CHANGED_MEANWHILE = "changed_meanwhile"
    TOO_LARGE = "too_large"
    MEDIA_TYPE = "media_type"
    INVALID = "invalid"
    KEY_REUSED = "key_reused"
    IF_MATCH_MISSING = "if_match_missing"
    TOO_MANY = "too_many"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"


STATUS: Final[Mapping[ProblemCode, tuple[int, str]]] = MappingProxyType(
    {
        ProblemCode.MALFORMED: (400, "The request can't be read"),
        ProblemCode.UNAUTHENTICATED: (401, "A valid token is needed"),
        ProblemCode.LOGIN_FAILED: (401, "User or password is wrong"),
        ProblemCode.FORBIDDEN: (403, "This account may not do that"),
        ProblemCode.CSRF: (403, "A header against forged requests is missing"),
        ProblemCode.CODE_REFUSED: (403, "The one-time code is not valid"),
        ProblemCode.PASSWORD_NEEDED: (403, "The account's password is needed"),
        ProblemCode.PASSWORD_TO_CHOOSE: (403, "A password of one's own must be chosen first"),
        ProblemCode.NOT_FOUND: (404, "There is no such thing"),
        ProblemCode.METHOD_NOT_ALLOWED: (405, "This address has no such method"),
        ProblemCode.TOO_SLOW: (408, "The request took too long"),
        ProblemCode.CONFLICT: (409, "It contradicts what is there"),
        ProblemCode.BUSY: (409, "The same request is being worked on"),
        ProblemCode.CHANGED_MEANWHILE: (412, "Somebody changed it meanwhile"),
        ProblemCode.TOO_LARGE: (413, "The request is too large"),
        ProblemCode.MEDIA_TYPE: (415, "The body must be JSON"),
        ProblemCode.INVALID: (422, "The request breaks the contract"),
        ProblemCode.KEY_REUSED: (422, "The Idempotency-Key stands for another request"),
        ProblemCode.IF_MATCH_MISSING: (428, "If-Match is needed"),
        ProblemCode.TOO_MANY: (429, "Too many attempts"),
        ProblemCode.INTERNAL: (500, "Something went wrong here"),
        ProblemCode.UNAVAILABLE: (503, "The service is not ready"),
    }
)
"""HTTP status and title of each code."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong in a request: `where` is a path such as `body.site.name` or `query.limit`."""

    where: str
    detail: str


class Problem(Exception):
    """The request can't be answered as asked.

    `detail` says what to do about it and never repeats a value of the request; `where` names the part of the request;
    `faults` lists all parts where there are several; `headers` go with the answer. `kept`: what the request wrote until
    then stays, as the note of a wrong password does.
    """

    def __init__(
        self,
        code: ProblemCode,
        detail: str,
        *,
        where: str = "",
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
        kept: bool = False,
    ) -> None:
        super().__init__(f"{code.value}: {where}: {detail}")
        self.code = code
        self.detail = detail
        self.where = where
        self.faults = tuple(faults)
        self.headers = headers
        self.kept = kept

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.code][0]


def unauthenticated(detail: str) -> Problem:
    """401: there is no credential, or none that is good."""
    return Problem(
        ProblemCode.UNAUTHENTICATED, detail, where="header.authorization", headers={"WWW-Authenticate": "Bearer"}
    )


def not_found(what: str) -> Problem:
    """404 for something that is not there, or that this account can't see: the two must not be told apart."""
    return Problem(ProblemCode.NOT_FOUND, f"There is no such {what}, or this account can't see it.", where="path")


def of_another_time(what: str) -> Problem:
    """409: it is from when another dealer served the device, or from when this one did."""
    return Problem(
        ProblemCode.CONFLICT, f"This {what} is of the time of another dealer: it stays as it is.", where="path"
    )


def invalid(where: str, detail: str) -> Problem:
    """422 for one part of the request."""
    return Problem(ProblemCode.INVALID, detail, where=where, faults=[Fault(where=where, detail=detail)])


def too_many(wait_s: int) -> Problem:
    """429 with the seconds to wait."""
    return Problem(
        ProblemCode.TOO_MANY, f"Too many failures: try again in {wait_s} s.", headers={"Retry-After": str(wait_s)}
    )
