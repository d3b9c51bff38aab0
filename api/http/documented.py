"""The problems that a route documents in the OpenAPI."""

from typing import Any, Final

from api.http.answers import PROBLEM_JSON
from api.http.problems import STATUS, ProblemCode

_EVERYWHERE: Final = (ProblemCode.INVALID, ProblemCode.INTERNAL, ProblemCode.UNAVAILABLE)
_WITH_TOKEN: Final = (
    ProblemCode.UNAUTHENTICATED,
    ProblemCode.FORBIDDEN,
    ProblemCode.PASSWORD_TO_CHOOSE,
    ProblemCode.CSRF,
)
_WITH_BODY: Final = (ProblemCode.MALFORMED, ProblemCode.TOO_LARGE, ProblemCode.MEDIA_TYPE, ProblemCode.TOO_SLOW)


def problems(*codes: ProblemCode, body: bool = False, token: bool = True) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: its own problems and those that every route of its kind has."""
    wanted = (*codes, *_EVERYWHERE, *(_WITH_TOKEN if token else ()), *(_WITH_BODY if body else ()))
    found: dict[int | str, dict[str, Any]] = {}
    for code in sorted(set(wanted), key=lambda one: (STATUS[one][0], one)):
        status, title = STATUS[code]
        one = found.setdefault(status, {"description": title, "content": {PROBLEM_JSON: {"examples": {}}}})
        one["content"][PROBLEM_JSON]["schema"] = {"$ref": "#/components/schemas/ProblemShape"}
        one["content"][PROBLEM_JSON]["examples"][code.value] = {"$ref": f"#/components/examples/{code.value}"}
        if title not in one["description"]:
            one["description"] += f"; or: {title[0].lower()}{title[1:]}"
    return found


def problem_examples() -> dict[str, Any]:
    """`components.examples`: one for each code."""
    return {
        code.value: {
            "summary": title,
            "value": {
                "type": f"urn:steth:problem:{code.value}",
                "title": title,
                "status": status,
                "code": code.value,
                "detail": "What is wrong here and what to do about it.",
                "where": "",
                "errors": [],
            },
        }
        for code, (status, title) in STATUS.items()
    }
