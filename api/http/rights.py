"""Which right each route asks for, read from routes.toml when this is imported, and so who may call it.

A test walks every (role, route) pair.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from people.roles import RIGHTS, Role

PREFIX: Final = "/api/v1"
_NO_TOKEN: Final = ""
PUBLIC: Final[frozenset[Role]] = frozenset()
"""No token: the route checks a credential of its own."""


def read_routes(text: bytes, rights: Mapping[str, frozenset[Role]]) -> Mapping[tuple[str, str], str]:
    """(method, path below /api/v1) -> its right, of a TOML text. Raises ValueError with what is wrong and where.

    `rights`: who has each.
    """
    try:
        routes = msgspec.toml.decode(text, type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise ValueError(f"routes: {error}") from None
    asked = set(routes.values()) - {_NO_TOKEN}
    for right in sorted(set(rights) ^ asked):
        whose = "no role has" if right in asked else "no route asks for"
        raise ValueError(f"routes: {whose} `{right}`: write it in routes.toml and people/rights.toml, or in neither")
    for route in routes:
        if not re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) /\S+", route):
            raise ValueError(f"routes: {route!r} isn't `METHOD /path`")
    return MappingProxyType({_key(route): right for route, right in routes.items()})


def _key(route: str) -> tuple[str, str]:
    method, _, path = route.partition(" ")
    return method, path


_RIGHTS: Final = read_routes((Path(__file__).parent / "routes.toml").read_bytes(), RIGHTS.roles)
ROUTES: Final[Mapping[tuple[str, str], frozenset[Role]]] = MappingProxyType(
    {route: RIGHTS.roles.get(right, PUBLIC) for route, right in _RIGHTS.items()}
)
"""(method, path below /api/v1) -> roles."""


def right_of(method: str, path: str) -> str:
    """The right that a route asks for; "": none, it is public. Raises LookupError if routes.toml doesn't name it."""
    right = _RIGHTS.get((method, path))
    if right is None:
        raise LookupError(f'api/http/routes.toml has no line for "{method} {path}": say there which right it asks for')
    return right


def methods_of(path: str) -> list[str]:
    """The methods that a path below /api/v1 has; none for a path that isn't one of ours."""
    return sorted(method for method, template in ROUTES if _matches(template, path))


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None
