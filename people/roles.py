"""Who may do what: roles and their rights, read from rights.toml when this is imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

OPERATOR: Final = 0
"""The operator's organisation: there is one, and it sees all."""


class Kind(StrEnum):
    """What an organisation is: operator → dealers → hospitals."""

    OPERATOR = "operator"
    DEALER = "dealer"
    HOSPITAL = "hospital"


class Role(StrEnum):
    """What an account is for, within its organisation."""

    STAFF = "staff"
    MANAGER = "manager"
    NOC = "noc"
    ENGINEER = "engineer"
    EQUIPMENT = "equipment"
    IT = "it"
    DEPARTMENT = "department"

    @property
    def kind(self) -> Kind:
        """Of which organisations it is."""
        return RIGHTS.kinds[self]


@dataclass(frozen=True, kw_only=True)
class Rights:
    """The matrix: right -> who has it; role -> of which organisations it is."""

    roles: Mapping[str, frozenset[Role]]
    kinds: Mapping[Role, Kind]


class _Role(msgspec.Struct, forbid_unknown_fields=True):
    of: Kind
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
    given = {right for each in file.roles.values() for right in each.rights}
    roles = {right: frozenset(role for role, each in file.roles.items() if right in each.rights) for right in given}
    return Rights(
        roles=MappingProxyType(roles),
        kinds=MappingProxyType({role: each.of for role, each in file.roles.items()}),
    )


RIGHTS: Final = read_rights((Path(__file__).parent / "rights.toml").read_bytes())


def rights_of(role: Role) -> list[str]:
    """What a role may, in order."""
    return sorted(right for right, roles in RIGHTS.roles.items() if role in roles)
