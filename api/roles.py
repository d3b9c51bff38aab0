"""Who may do what: every route with the roles that may use it. A test walks every (role, route) pair."""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

PREFIX: Final = "/api/v1"


class Role(StrEnum):
    """What an account is for. `hospital` sees its own organisation only; the others are the provider's staff."""

    OPERATOR = "operator"
    ENGINEER = "engineer"
    MANAGER = "manager"
    HOSPITAL = "hospital"
    ADMIN = "admin"


ALL: Final = frozenset(Role)
STAFF: Final = ALL - {Role.HOSPITAL}
MANAGERS: Final = frozenset({Role.MANAGER, Role.ADMIN})
PUBLIC: Final[frozenset[Role]] = frozenset()
"""No token: the route checks a credential of its own."""

ROUTES: Final[Mapping[tuple[str, str], frozenset[Role]]] = MappingProxyType(
    {
        ("POST", "/login"): PUBLIC,
        ("POST", "/enrol"): PUBLIC,
        ("POST", "/session"): PUBLIC,
        ("GET", "/session"): ALL,
        ("DELETE", "/session"): ALL,
        ("GET", "/tokens"): ALL,
        ("POST", "/tokens"): ALL,
        ("DELETE", "/tokens/{id}"): ALL,
        ("GET", "/devices"): ALL,
        ("POST", "/devices"): MANAGERS,
        ("GET", "/devices/{id}"): ALL,
        ("PATCH", "/devices/{id}"): MANAGERS,
        ("POST", "/devices/{id}/code"): MANAGERS,
        ("GET", "/devices/{id}/readings"): ALL,
        ("GET", "/devices/{id}/events"): ALL,
        ("GET", "/devices/{id}/series"): ALL,
        ("GET", "/stream"): ALL,
        ("GET", "/alerts"): ALL,
        ("GET", "/alerts/{id}"): ALL,
        ("POST", "/alerts/{id}/acknowledge"): STAFF,
        ("POST", "/alerts/{id}/unacknowledge"): STAFF,
        ("GET", "/tickets"): ALL,
        ("GET", "/tickets/{number}"): ALL,
        ("GET", "/tickets/{number}/evidence"): ALL,
        ("POST", "/tickets/{number}/transition"): STAFF,
        ("GET", "/sites"): ALL,
        ("POST", "/sites"): MANAGERS,
        # An address is a URL that our server calls: not for those outside the house.
        ("GET", "/recipients"): MANAGERS,
        ("POST", "/recipients"): MANAGERS,
        ("PATCH", "/recipients/{id}"): MANAGERS,
        ("POST", "/recipients/{id}/test"): MANAGERS,
        ("GET", "/telling"): STAFF,
        ("GET", "/catalog/models"): ALL,
        # The hospital verifies by itself who did what with its equipment (DESIGN, security).
        ("GET", "/audit"): MANAGERS | {Role.HOSPITAL},
    }
)
"""(method, path below /api/v1) -> roles."""


def methods_of(path: str) -> list[str]:
    """The methods that a path below /api/v1 has; none for a path that isn't one of ours."""
    return sorted(method for method, template in ROUTES if _matches(template, path))


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None
