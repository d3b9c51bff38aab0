"""Everything that goes wrong becomes problem details (RFC 9457), whoever raised it."""

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.http.problems import STATUS, Fault, Problem, ProblemCode, too_many
from api.http.rights import PREFIX, methods_of
from api.http.shapes import LINE, LINES, OPTIONAL_LINE
from people.errors import BusyError, LoginRefusedError, PeopleError, TooManyFailuresError

PROBLEM_JSON: Final = "application/problem+json"
_MAX_FAULTS: Final = 20


def problem_answer(problem: Problem) -> JSONResponse:
    """The HTTP answer of a problem."""
    status, title = STATUS[problem.code]
    body: dict[str, object] = {
        "type": f"urn:steth:problem:{problem.code.value}",
        "title": title,
        "status": status,
        "code": problem.code.value,
        "detail": problem.detail,
        "where": problem.where,
        "errors": [{"where": fault.where, "detail": fault.detail} for fault in problem.faults],
    }
    return JSONResponse(body, status_code=status, headers=dict(problem.headers), media_type=PROBLEM_JSON)


def add_problem_handlers(app: FastAPI) -> None:
    """Let every exception of the app end in `problem_answer`."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(psycopg.Error, _database)
    app.add_exception_handler(PeopleError, _people)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - starlette types handlers by Exception
    return problem_answer(error)


async def _validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    # Never `input` or `ctx` of pydantic's errors: they repeat what was sent, a password included.
    faults = [Fault(where=".".join(map(str, one["loc"])), detail=_said(one)) for one in error.errors()[:_MAX_FAULTS]]
    detail = f"{faults[0].where}: {faults[0].detail}" if faults else "The request breaks the contract."
    return problem_answer(Problem(ProblemCode.INVALID, detail, where=faults[0].where if faults else "", faults=faults))


def _said(error: Mapping[str, Any]) -> str:
    if error["type"] == "string_pattern_mismatch" and error["ctx"]["pattern"] in {LINE, LINES, OPTIONAL_LINE}:
        return (
            "It is blank, or has characters that nobody sees or that turn the direction of writing, such as those that "
            "come along when text is pasted: type it anew."
        )
    return str(error["msg"])


_OF_STATUS: Final[Mapping[int, tuple[ProblemCode, str]]] = {
    400: (ProblemCode.MALFORMED, "Check the request's form."),
    404: (ProblemCode.NOT_FOUND, "There is no such address: /api/v1/openapi.json lists them all."),
    405: (ProblemCode.METHOD_NOT_ALLOWED, "Use one of the methods of the Allow header."),
    413: (ProblemCode.TOO_LARGE, "Send less."),
}


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    code, detail = _OF_STATUS.get(error.status_code, (ProblemCode.INTERNAL, "Try again later."))
    headers = dict(error.headers or {})
    methods = methods_of(request.url.path.removeprefix(PREFIX))
    if code is ProblemCode.METHOD_NOT_ALLOWED and methods:
        headers["Allow"] = ", ".join(methods)  # the framework names those of one route only
    return problem_answer(Problem(code, detail, where="path", headers=headers))


async def _database(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, psycopg.DataError):
        return problem_answer(Problem(ProblemCode.INVALID, "A value is beyond what can be stored: check the numbers."))
    if isinstance(error, psycopg.errors.UniqueViolation):
        return problem_answer(Problem(ProblemCode.CONFLICT, "Something with the same name or key is there already."))
    if isinstance(error, psycopg.OperationalError | psycopg.errors.ReadOnlySqlTransaction):
        # No connection, a statement that took too long, a lock, a serialisation failure, a replica that doesn't lead
        # yet: all of them pass.
        return problem_answer(
            Problem(ProblemCode.UNAVAILABLE, "The database doesn't answer: try again.", headers={"Retry-After": "2"})
        )
    raise error


async def _people(_: Request, error: Exception) -> JSONResponse:
    match error:
        case BusyError():
            detail = "Too many wait for this already: try again in a moment."
            return problem_answer(Problem(ProblemCode.UNAVAILABLE, detail, headers={"Retry-After": "2"}))
        case TooManyFailuresError(wait_s=wait_s):
            return problem_answer(too_many(wait_s))
        case LoginRefusedError():
            detail, headers = "User or password is wrong: check both.", {"WWW-Authenticate": "Bearer"}
            return problem_answer(Problem(ProblemCode.LOGIN_FAILED, detail, where="body", headers=headers))
        case _:
            raise error
