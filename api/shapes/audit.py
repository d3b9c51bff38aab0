"""The audit log."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.shapes.base import Shape, example


class AuditEntry(Shape):
    """One thing that somebody did, and its place in the chain.

    hash = SHA-256(canonical JSON, then the bytes of `previous`); canonical JSON has the keys action, actor, at (six
    decimals, Z), detail, org, subject in this order, without spaces, in UTF-8. The first entry's `previous` is zeros.
    """

    model_config = example(
        id=41,
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
    org: Annotated[int | None, Field(description="Whose chain: the hospital's id; null: the provider's own.")]
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, str | int | bool | None]
    previous: Annotated[str, Field(description="Hex.")]
    hash: Annotated[str, Field(description="Hex.")]
