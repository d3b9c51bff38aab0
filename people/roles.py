"""Who may do what: roles and their rights, read from rights.toml when this is imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec


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
    """The matrix: right -> who has it; role -> what it sees."""

    roles: Mapping[str, frozenset[Role]]
    scopes: Mapping[Role, Scope]


class _Role(msgspec.Struct, forbid_unknown_fields=True):
    scope: Scope
    rights: list[str]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    roles: dict[Role, _Role]


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
    roles = {right: frozenset(role for role, of in file.roles.items() if right in of.rights) for right in given}
    return Rights(
        roles=MappingProxyType(roles),
        scopes=MappingProxyType({role: of.scope for role, of in file.roles.items()}),
    )


RIGHTS: Final = read_rights((Path(__file__).parent / "rights.toml").read_bytes())


def rights_of(role: Role) -> list[str]:
    """What a role may, in order."""
    return sorted(right for right, roles in RIGHTS.roles.items() if role in roles)
