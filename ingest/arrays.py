"""Columns as PostgreSQL arrays in binary, built at once: psycopg's own lists cost more than the rest of a mark.

The binary form of an array of one dimension: dimensions, whether it holds nulls, the element's type, length, lower
bound, then each element as its length and bytes (PostgreSQL, array_recv). None of ours holds nulls.
"""

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from ingest.rows import POSTGRES_EPOCH_MS
from wire.limits import MAX_MILLIS

_TYPES: Final = psycopg.adapters.types
_HEAD: Final = struct.Struct(">iiIii")
NEVER: Final = -(2**63)
"""Stands for no time among ``timestamptz``: -infinity, which a statement turns into null."""
FIRST_MS: Final = -62_135_596_800_000
LAST_MS: Final = MAX_MILLIS
"""Years 1 to 9999: PostgreSQL could store more, but nothing that reads it could."""


class Column(bytes):
    """An array, ready to be sent; a subclass for each type of its elements."""


class Integers(Column):
    """Elements of type integer."""


class Bigints(Column):
    """Elements of type bigint."""


class Times(Column):
    """Elements of type timestamptz."""


class Doubles(Column):
    """Elements of type double precision."""


class Booleans(Column):
    """Elements of type boolean."""


class Texts(Column):
    """Elements of type text."""


class Byteas(Column):
    """Elements of type bytea."""


_OIDS: Final[dict[type[Column], str]] = {
    Integers: "int4",
    Bigints: "int8",
    Times: "timestamptz",
    Doubles: "float8",
    Booleans: "bool",
    Texts: "text",
    Byteas: "bytea",
}


class _AsItIs(Dumper):
    format = Format.BINARY

    def dump(self, obj: Buffer) -> Buffer:
        return obj


for _column, _name in _OIDS.items():
    psycopg.adapters.register_dumper(
        _column, type(f"_{_column.__name__}Dumper", (_AsItIs,), {"oid": _TYPES[_name].array_oid})
    )


def _head(column: type[Column], length: int) -> bytes:
    return _HEAD.pack(1, 0, _TYPES[_OIDS[column]].oid, length, 1)


def _fixed(column: type[Column], kind: str, values: Sequence[float] | Sequence[int]) -> bytes:
    rows = np.empty(len(values), dtype=[("size", ">i4"), ("value", kind)])
    rows["size"] = rows.dtype["value"].itemsize
    rows["value"] = values
    return _head(column, len(values)) + rows.tobytes()


def integers(values: Sequence[int]) -> Integers:
    """Raises OverflowError beyond 32 bits."""
    return Integers(_fixed(Integers, ">i4", values))


def bigints(values: Sequence[int]) -> Bigints:
    """Raises OverflowError beyond 64 bits."""
    return Bigints(_fixed(Bigints, ">i8", values))


def times(values_ms: Sequence[int | None]) -> Times:
    """Milliseconds since 1970 UTC; None becomes -infinity. Raises OverflowError outside the years 1 to 9999."""
    if any(ms is not None and not FIRST_MS <= ms <= LAST_MS for ms in values_ms):
        raise OverflowError("a time lies outside the years 1 to 9999")
    since_2000 = [NEVER if ms is None else (ms - POSTGRES_EPOCH_MS) * 1000 for ms in values_ms]
    return Times(_fixed(Times, ">i8", since_2000))


def doubles(values: Sequence[float]) -> Doubles:
    """Floating-point numbers."""
    return Doubles(_fixed(Doubles, ">f8", values))


def booleans(values: Sequence[bool]) -> Booleans:
    """Truth values."""
    return Booleans(_fixed(Booleans, ">i1", values))


def texts(values: Sequence[str]) -> Texts:
    """Texts, in UTF-8 as the session's encoding is."""
    return Texts(_variable(Texts, [value.encode() for value in values]))


def byteas(values: Sequence[bytes]) -> Byteas:
    """Byte strings."""
    return Byteas(_variable(Byteas, values))


def _variable(column: type[Column], values: Sequence[bytes]) -> bytes:
    return _head(column, len(values)) + b"".join([len(value).to_bytes(4, "big") + value for value in values])
