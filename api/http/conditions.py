"""If-Match: a change applies to what its author has seen, or not at all (RFC 9110, 13.1.1)."""

import re
from typing import Annotated, Final

from fastapi import Header

from api.http.problems import Problem, ProblemCode

_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="The ETag that GET answered; `*` for whatever is there. Required: 428 without it.",
        examples=['"3"'],
    ),
]


def etag(version: int) -> str:
    """The strong entity tag of a row's version."""
    return f'"{version}"'


def require_match(header: str | None, version: int) -> None:
    """Raises Problem 428 without the header, 412 if it names no tag of this version. Weak tags never match."""
    if header is None:
        raise Problem(
            ProblemCode.IF_MATCH_MISSING,
            "Read it first (GET) and send its ETag as If-Match, so that nobody's change is overwritten unseen.",
            where="header.if-match",
        )
    if header.strip() == "*" or any(not weak and tag == str(version) for weak, tag in _TAG.findall(header)):
        return
    raise changed_meanwhile()


def changed_meanwhile() -> Problem:
    """412: somebody was faster."""
    return Problem(
        ProblemCode.CHANGED_MEANWHILE,
        "It was changed since you read it: read it again (GET), and decide again.",
        where="header.if-match",
    )
