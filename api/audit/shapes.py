"""The audit log."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.http.shapes import Shape, example


class AuditEntry(Shape):
    """One thing that somebody did, and its place in the chain.

    hash = SHA-256(canonical JSON, then the bytes of `previous`); canonical JSON has the keys action, actor, at (six
    decimals, Z), detail, org, subject in this order, without spaces, in UTF-8. The first entry's `previous` is zeros.
    """

    model_config = example(
        id=41,
        position=7,
        org=1,
        at="2026-11-22T04:00:00Z",
        actor="wang.li",
        action="alert-acknowledged",
        subject="alert:0b9f4c1e-8d5d-4f5e-9a53-0d9c4a2f7b11",
        detail={"note": "已电话联系科室"},
        previous="00" * 32,
        hash="b5f1c6c1d7a3e0f2948a6b3c5d7e9f10b5f1c6c1d7a3e0f2948a6b3c5d7e9f10",
    )

    id: int
    position: Annotated[int, Field(description="Its number in the chain, from 1.")]
    org: Annotated[int | None, Field(description="Whose chain; null: the closed one of before there were dealers.")]
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, str | int | bool | None]
    previous: Annotated[str, Field(description="Hex.")]
    hash: Annotated[str, Field(description="Hex.")]


_SIGNED = {
    "at": "2026-11-22T04:00:00Z",
    "chain": 3,
    "org": 1,
    "entries": 7,
    "hash": "b5f1c6c1d7a3e0f2948a6b3c5d7e9f10b5f1c6c1d7a3e0f2948a6b3c5d7e9f10",
    "key": "56475aa75463474c",
    "signature": "00" * 64,
}


class SignedHead(Shape):
    """A head as it was signed: Ed25519, over "steth audit head " and the JSON of all other fields, keys in order."""

    model_config = example(**_SIGNED)

    at: Annotated[str, Field(description="When, as it was signed.")]
    chain: int
    org: int | None
    entries: int
    hash: Annotated[str, Field(description="Hex, of the last of the entries.")]
    key: Annotated[str, Field(description="Of which key: the first 16 hex digits of the SHA-256 of its 32 bytes.")]
    signature: Annotated[str, Field(description="Hex.")]


class AuditHead(Shape):
    """How far a chain is."""

    model_config = example(
        chain=3,
        org=1,
        entries=8,
        hash="1f0c6c1d7a3e0f2948a6b3c5d7e9f10b5f1c6c1d7a3e0f2948a6b3c5d7e9f10b",
        signed=_SIGNED,
    )

    chain: Annotated[int | None, Field(description="null: nothing was done yet.")]
    org: Annotated[int | None, Field(description="Whose chain; null: the closed one of before there were dealers.")]
    entries: int
    hash: Annotated[str, Field(description="Hex, of the last entry; zeros where there is none.")]
    signed: Annotated[SignedHead | None, Field(description="null: none was signed yet.")]


class AuditFault(Shape):
    """The first place where a chain isn't whole; all before it fit."""

    model_config = example(position=5, id=39, fault="changed")

    position: int
    id: Annotated[int | None, Field(description="Of the entry; null: it is missing.")]
    fault: Annotated[
        str,
        Field(
            description="changed: it isn't what was hashed. unlinked: it doesn't follow the one before. foreign: it is "
            "another organisation's. cut: the chain ends too early.",
        ),
    ]


class AuditVerification(Shape):
    """What was found. `verified`: the position up to which all fit."""

    model_config = example(whole=True, behind=0, verified=7, entries=7, broken=None, next=None)

    whole: bool
    behind: int
    verified: int
    entries: int
    broken: AuditFault | None
    next: Annotated[int | None, Field(description="Give it as `?behind=` to go on; null: this was the end.")]
