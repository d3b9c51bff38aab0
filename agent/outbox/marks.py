"""What the agent does on an acknowledgement: a pure decision (docs/rooms.md, "A session of an agent")."""

from enum import Enum, StrEnum

from msgspec import Struct

from wire.commands import Ack


class Action(Enum):
    """What to do with a lane."""

    IGNORE = "ignore"
    GO_ON = "go on"
    DELETE = "delete"
    NEW_EPOCH = "new epoch"


class Asked(Enum):
    """What the lane asked of the server before this acknowledgement came."""

    NOTHING = "nothing"
    BIRTH = "birth"
    BIRTH_STUCK = "birth, because nothing had moved for long"


class Reason(StrEnum):
    """Why; it is logged."""

    NO_MARK = "the server knows no mark"
    FOREIGN_UNCONFIRMED = "the server knows another epoch, ours is young"
    FOREIGN_CONFIRMED = "the server knows another epoch, though it had confirmed ours"
    FOREIGN_STUCK = "the server knows another epoch and takes nothing of ours"
    FOREIGN_LATE = "an acknowledgement of another epoch outside a handshake"
    MATCH = "the mark is a report that we hold"
    DIGEST = "the mark is another report than ours of that number"
    BEYOND = "the mark is beyond our highest number"
    AT_DELETED = "the mark is what we deleted last"
    BELOW = "the mark is below what we hold"
    DROPPED = "the mark is a number that we dropped unsent"


class Held(Struct, frozen=True, kw_only=True):
    """What the outbox knows of a lane at the moment of the decision.

    ``lowest``: lowest number held, or the next number where none is held. ``highest``: highest number ever given in
    this epoch, 0: none. ``deleted``, ``deleted_digest``: of the highest report deleted on an acknowledgement, 0 and
    empty: none. ``digest``: hex, of the held report with the mark's number; None: not held.
    """

    epoch: str
    confirmed: bool
    lowest: int
    highest: int
    deleted: int
    deleted_digest: str
    digest: str | None


class Decision(Struct, frozen=True, kw_only=True):
    """``upto``: delete up to this number (with ``DELETE``). ``back``: send again from here. ``confirmed``: the server
    has shown that it knows this epoch."""

    action: Action
    reason: Reason
    upto: int = 0
    back: int | None = None
    confirmed: bool = False


def decide(held: Held, ack: Ack, asked: Asked) -> Decision:
    """What an acknowledgement means.

    Only as the answer to a birth does another epoch mean anything: what the server sent before it knew of our birth
    may arrive late. When even a birth changed nothing, the server may hold our epoch for a past one (of a disk image
    made before it was confirmed), whose reports it skips for ever: only a new one helps.
    """
    if ack.epoch == "":
        action = Action.IGNORE if asked is Asked.NOTHING else Action.GO_ON
        return Decision(action=action, reason=Reason.NO_MARK)
    if ack.epoch != held.epoch:
        return _foreign(held, asked)
    return _own(held, ack)


def _foreign(held: Held, asked: Asked) -> Decision:
    if asked is Asked.NOTHING:
        return Decision(action=Action.IGNORE, reason=Reason.FOREIGN_LATE)
    if held.confirmed:
        return Decision(action=Action.NEW_EPOCH, reason=Reason.FOREIGN_CONFIRMED)
    if asked is Asked.BIRTH_STUCK:
        return Decision(action=Action.NEW_EPOCH, reason=Reason.FOREIGN_STUCK)
    return Decision(action=Action.GO_ON, reason=Reason.FOREIGN_UNCONFIRMED)


def _own(held: Held, ack: Ack) -> Decision:
    if ack.seq > held.highest:
        return Decision(action=Action.NEW_EPOCH, reason=Reason.BEYOND)
    if held.digest is not None:
        if ack.digest != held.digest:
            return Decision(action=Action.NEW_EPOCH, reason=Reason.DIGEST)
        return Decision(action=Action.DELETE, reason=Reason.MATCH, upto=ack.seq, back=ack.back, confirmed=True)
    if ack.seq < held.deleted:
        # An old acknowledgement that arrives late, or a server restored from a backup: our floor tells it (delivery 4).
        return Decision(action=Action.GO_ON, reason=Reason.BELOW, confirmed=True)
    if ack.seq == held.deleted:
        # Without a digest the server moved its mark there by our floor, and knows nothing of that report.
        if ack.digest and ack.digest != held.deleted_digest:
            return Decision(action=Action.NEW_EPOCH, reason=Reason.DIGEST)
        return Decision(action=Action.GO_ON, reason=Reason.AT_DELETED, back=ack.back, confirmed=True)
    if ack.seq < held.lowest:
        # Dropped before all that we hold: the server moved its mark to our floor - 1, or will.
        return Decision(action=Action.GO_ON, reason=Reason.BELOW, back=ack.back, confirmed=True)
    return Decision(action=Action.NEW_EPOCH, reason=Reason.DROPPED)
