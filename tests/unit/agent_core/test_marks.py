"""The whole truth table of an acknowledgement."""

from itertools import product

import pytest

from agent.outbox.marks import Action, Asked, Decision, Held, Reason, decide
from wire.commands import Ack
from wire.topics import Lane

OWN, OTHER = "ownepoch", "anotherepoch"
RIGHT, WRONG = "a" * 32, "b" * 32
LOWEST, HIGHEST, DELETED, HOLE = 11, 20, 7, range(14, 16)
"""Deleted up to 7; 8 to 10 dropped; 11 to 13 held; 14 and 15 dropped; 16 to 20 held."""


def held(*, seq: int, confirmed: bool) -> Held:
    there = LOWEST <= seq <= HIGHEST and seq not in HOLE
    return Held(
        epoch=OWN,
        confirmed=confirmed,
        lowest=LOWEST,
        highest=HIGHEST,
        deleted=DELETED,
        deleted_digest=RIGHT,
        digest=RIGHT if there else None,
    )


def expected_own(seq: int, digest: str) -> tuple[Action, Reason]:
    if seq > HIGHEST:
        return Action.NEW_EPOCH, Reason.BEYOND
    if seq in HOLE:
        return Action.NEW_EPOCH, Reason.DROPPED
    if seq >= LOWEST:
        return (Action.DELETE, Reason.MATCH) if digest == RIGHT else (Action.NEW_EPOCH, Reason.DIGEST)
    if seq == DELETED:
        return (Action.NEW_EPOCH, Reason.DIGEST) if digest == WRONG else (Action.GO_ON, Reason.AT_DELETED)
    return Action.GO_ON, Reason.BELOW


def expected_foreign(asked: Asked, confirmed: bool) -> tuple[Action, Reason]:
    if asked is Asked.NOTHING:
        return Action.IGNORE, Reason.FOREIGN_LATE
    if confirmed:
        return Action.NEW_EPOCH, Reason.FOREIGN_CONFIRMED
    if asked is Asked.BIRTH_STUCK:
        return Action.NEW_EPOCH, Reason.FOREIGN_STUCK
    return Action.GO_ON, Reason.FOREIGN_UNCONFIRMED


TABLE = list(product((OWN, OTHER, ""), range(25), (RIGHT, WRONG, ""), (None, 12), Asked, (False, True)))


def test_every_acknowledgement_has_the_one_decision_of_the_table() -> None:
    met = set()
    for epoch, seq, digest, back, asked, confirmed in TABLE:
        ack = Ack(lane=Lane.LIVE, epoch=epoch, seq=seq, digest=digest, now=1, back=back)
        decision = decide(held(seq=seq, confirmed=confirmed), ack, asked)
        if epoch == "":
            expected = (Action.IGNORE if asked is Asked.NOTHING else Action.GO_ON, Reason.NO_MARK)
        elif epoch == OTHER:
            expected = expected_foreign(asked, confirmed)
        else:
            expected = expected_own(seq, digest)
        assert (decision.action, decision.reason) == expected, (ack, asked, confirmed)
        met.add(decision.reason)
        assert decision.upto == (seq if decision.action is Action.DELETE else 0)
        assert decision.confirmed == (epoch == OWN and decision.action in {Action.DELETE, Action.GO_ON})
        assert decision.back in {None, back}
        # A request to go back counts only with a mark that is not behind what we know.
        if decision.back is not None:
            assert epoch == OWN
            assert seq >= DELETED
    assert met == set(Reason)


def test_nothing_is_ever_deleted_without_the_digest_of_what_is_held() -> None:
    for epoch, seq, digest, back, asked, confirmed in TABLE:
        ack = Ack(lane=Lane.BULK, epoch=epoch, seq=seq, digest=digest, now=1, back=back)
        decision = decide(held(seq=seq, confirmed=confirmed), ack, asked)
        if decision.action is Action.DELETE:
            assert (epoch, digest) == (OWN, RIGHT)


@pytest.mark.parametrize("asked", Asked)
def test_an_empty_outbox_goes_on_at_a_mark_of_nothing(asked: Asked) -> None:
    young = Held(epoch=OWN, confirmed=False, lowest=1, highest=0, deleted=0, deleted_digest="", digest=None)
    ack = Ack(lane=Lane.LIVE, epoch=OWN, seq=0, now=1)
    assert decide(young, ack, asked) == Decision(
        action=Action.GO_ON, reason=Reason.AT_DELETED, back=None, confirmed=True
    )
