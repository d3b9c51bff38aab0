"""Who may do what, read from rights.toml and checked when this is imported. A test walks every (role, route) pair."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

PREFIX: Final = "/api/v1"


class Role(StrEnum):
    """What an account is for. `hospital` sees its own organisation only; the others are the provider's staff."""

    OPERATOR = "operator"
    ENGINEER = "engineer"
    MANAGER = "manager"
    HOSPITAL = "hospital"
    ADMIN = "admin"


class Scope(StrEnum):
    """Whose things the accounts of a role see: those of their own organisation, or, as the provider's, all."""

    OWN = "own"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Rights:
    """The matrix: (method, path below /api/v1) -> its right; right -> who has it; role -> what it sees."""

    routes: Mapping[tuple[str, str], str]
    roles: Mapping[str, frozenset[Role]]
    scopes: Mapping[Role, Scope]


class _Role(msgspec.Struct, forbid_unknown_fields=True):
    scope: Scope
    rights: list[str]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    roles: dict[Role, _Role]
    routes: dict[str, str]


_NO_TOKEN: Final = ""
PUBLIC: Final[frozenset[Role]] = frozenset()
"""No token: the route checks a credential of its own."""


def read_rights(text: bytes) -> Rights:
    """The rights of a TOML text. Raises ValueError with what is wrong and where."""
    try:
        file = msgspec.toml.decode(text, type=_File)
    except msgspec.MsgspecError as error:
        raise ValueError(f"rights: {error}") from None
    for role in Role:
        if role not in file.roles:
            raise ValueError(f"rights: [roles.{role}] is missing")
    given = {right for of in file.roles.values() for right in of.rights}
    asked = set(file.routes.values()) - {_NO_TOKEN}
    for right in sorted(given ^ asked):
        whose = "no role has" if right in asked else "no route asks for"
        raise ValueError(f"rights: {whose} `{right}`: write it on both sides, or on neither")
    for route in file.routes:
        if not re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) /\S+", route):
            raise ValueError(f"rights: routes.{route!r} isn't `METHOD /path`")
    roles = {right: frozenset(role for role, of in file.roles.items() if right in of.rights) for right in given}
    return Rights(
        routes=MappingProxyType({_key(route): right for route, right in file.routes.items()}),
        roles=MappingProxyType({**roles, _NO_TOKEN: PUBLIC}),
        scopes=MappingProxyType({role: of.scope for role, of in file.roles.items()}),
    )


def _key(route: str) -> tuple[str, str]:
    method, _, path = route.partition(" ")
    return method, path


RIGHTS: Final = read_rights((Path(__file__).parent / "rights.toml").read_bytes())
ROUTES: Final[Mapping[tuple[str, str], frozenset[Role]]] = MappingProxyType(
    {route: RIGHTS.roles[right] for route, right in RIGHTS.routes.items()}
)
"""(method, path below /api/v1) -> roles."""


def right_of(method: str, path: str) -> str:
    """The right that a route asks for; "": none, it is public. Raises LookupError if rights.toml doesn't name it."""
    right = RIGHTS.routes.get((method, path))
    if right is None:
        raise LookupError(f'api/rights.toml has no line for "{method} {path}": say there which right it asks for')
    return right


def methods_of(path: str) -> list[str]:
    """The methods that a path below /api/v1 has; none for a path that isn't one of ours."""
    return sorted(method for method, template in ROUTES if _matches(template, path))


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None
