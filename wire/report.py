"""A report is one message of the agent: typed items, and its number outside the body (delivery 3)."""

from collections.abc import Iterable
from typing import Annotated, Final

from msgspec import Meta, Struct

from wire.errors import WireError, WireErrorCode
from wire.ids import Epoch, is_epoch
from wire.items import Count, Item, Millis
from wire.limits import MAX_ITEMS

HELLO: Final = 0
"""The ``seq`` of a birth: outside the numbering, never a mark."""
_MAX_SEQ: Final = 2**63 - 1
_PROPERTIES: Final = frozenset({"epoch", "seq", "floor", "head", "again", "offset", "sent"})


class Report(Struct, frozen=True, kw_only=True, gc=False):
    """The body. ``at`` is when it was made, ``segment`` the piece of the device's clock it was made in."""

    at: Millis
    items: Annotated[list[Item], Meta(min_length=1, max_length=MAX_ITEMS)]
    segment: Count = 0


class Numbers(Struct, frozen=True, kw_only=True, gc=False):
    """What travels in MQTT 5 user properties, so that an unreadable body still has its number.

    ``floor``: the lowest number the agent can still send. ``head``: the highest it has; above ``seq`` while more is
    waiting. ``again``: the report was renumbered into a new epoch and may have been stored under its old number.
    ``offset_ms``: server's clock less device's clock, for the clock segment of this report; None while unknown.
    ``sent_ms``: the device's clock when it was published, echoed by the acknowledgement.
    """

    epoch: Epoch
    seq: int
    floor: int
    head: int
    again: bool = False
    offset_ms: int | None = None
    sent_ms: int | None = None

    def properties(self) -> list[tuple[str, str]]:
        """These numbers as MQTT user properties."""
        out = [
            ("epoch", self.epoch),
            ("seq", str(self.seq)),
            ("floor", str(self.floor)),
            ("head", str(self.head)),
        ]
        if self.again:
            out.append(("again", "1"))
        if self.offset_ms is not None:
            out.append(("offset", str(self.offset_ms)))
        if self.sent_ms is not None:
            out.append(("sent", str(self.sent_ms)))
        return out


def _integer(name: str, text: str, low: int, high: int = _MAX_SEQ) -> int:
    # int() also takes spaces, underscores and digits of other scripts; the wire does not.
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        raise WireError(WireErrorCode.NUMBERS, name, "is not a decimal integer")
    value = int(text)
    if not low <= value <= high:
        raise WireError(WireErrorCode.NUMBERS, name, f"is outside {low}..{high}")
    return value


def parse_numbers(properties: Iterable[tuple[str, str]]) -> Numbers | None:
    """The numbers of a message; None where it carries none at all (a maker's own client, delivery 7).

    Properties of other names are ignored: they may come from a newer agent. Raises ``WireError`` (``numbers``) for
    numbers that are incomplete, repeated, no numbers, or contradict each other (floor > seq, seq > head).
    """
    found: dict[str, str] = {}
    for key, value in properties:
        if key in _PROPERTIES:
            if key in found:
                raise WireError(WireErrorCode.NUMBERS, key, "stands twice")
            found[key] = value
    if not found:
        return None
    for key in ("epoch", "seq", "floor"):
        if key not in found:
            raise WireError(WireErrorCode.NUMBERS, key, "is missing")
    if not is_epoch(found["epoch"]):
        raise WireError(WireErrorCode.NUMBERS, "epoch", "is not 8 to 32 lower-case letters and digits")
    seq = _integer("seq", found["seq"], 0)
    floor = _integer("floor", found["floor"], 1)
    head = _integer("head", found["head"], 0) if "head" in found else seq
    if seq != HELLO and floor > seq:
        raise WireError(WireErrorCode.NUMBERS, "floor", "is above seq")
    if head < seq:
        raise WireError(WireErrorCode.NUMBERS, "head", "is below seq")
    again = found.get("again", "0")
    if again not in ("0", "1"):
        raise WireError(WireErrorCode.NUMBERS, "again", "is neither 0 nor 1")
    offset = found.get("offset")
    sent = found.get("sent")
    return Numbers(
        epoch=Epoch(found["epoch"]),
        seq=seq,
        floor=floor,
        head=head,
        again=again == "1",
        offset_ms=None if offset is None else _integer("offset", offset, -_MAX_SEQ),
        sent_ms=None if sent is None else _integer("sent", sent, 0),
    )
