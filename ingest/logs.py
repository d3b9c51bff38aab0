"""What a batch's log lines say: of each report its numbers, never what is in it."""

import sys
from traceback import format_tb
from typing import Any, Final

import structlog

from ingest import stats
from ingest.admitted import Admitted, Gap
from ingest.letters import Letter
from ingest.message import Message
from ingest.ports import S
from ingest.refusals import SERVER
from wire.topics import Lane

_log: Final = structlog.get_logger("ingest.batch")
MOST: Final = 20
"""Lines of one batch: a flood of garbage must not become a flood of lines. The metrics count all of it."""


def say(lane: Lane, admitted: Admitted[S]) -> None:
    """Log, after the commit, what a person should know of a batch: gaps, and dead letters that
    are no more of the kind of those some minutes ago."""
    if not admitted.begun and not admitted.gaps:
        return
    uids = {memory.device.id: str(uid) for uid, memory in admitted.touched.items()}
    for letter in admitted.begun[:MOST]:
        _log.warning("dead_letter", **_of_letter(letter))
    for gap in admitted.gaps[:MOST]:
        _log.warning("gap", lane=lane.value, **_of_gap(gap, uids))
    unsaid = max(0, len(admitted.begun) - MOST) + max(0, len(admitted.gaps) - MOST)
    if unsaid:
        _log.warning("more_of_this_batch", lane=lane.value, lines=unsaid)


def count(lane: Lane, admitted: Admitted[S], messages: int, waited_ms: int | None) -> None:
    """The metrics of a batch, after the commit. ``waited_ms``: since its oldest message came; None: it had none."""
    of = lane.value
    if waited_ms is not None:
        stats.LAG.labels(of).observe(waited_ms / 1000)
    stats.BATCH.labels(of).observe(messages)
    for fate, number in admitted.fates.items():
        stats.MESSAGES.labels(of, fate).inc(number)
    for letter in admitted.letters:
        stats.DEAD.labels(letter.code).inc()
        stats.REFUSED.labels(letter.code).inc(letter.parts)
    for (_, _, source, reason), row in admitted.refused.items():
        if source == SERVER:
            stats.NOT_ALLOWED.labels(reason).inc(row.told.count)
    for gap in admitted.gaps:
        stats.GAPS.labels(of).inc(gap.last - gap.first + 1)


def numbers_of(message: Message) -> dict[str, Any]:
    """What a line may say of a message."""
    content = message.content
    numbers = None if content is None else content.numbers
    return {
        "partition": message.partition,
        "epoch": None if numbers is None else numbers.epoch,
        "seq": None if numbers is None else numbers.seq,
        "bytes": len(message.body),
    }


def _of_letter(letter: Letter) -> dict[str, Any]:
    numbers = letter.numbers
    return {
        "device": letter.uid,
        "partition": letter.partition,
        "lane": letter.lane.value,
        "epoch": None if numbers is None else numbers.epoch,
        "seq": None if numbers is None else numbers.seq,
        "code": letter.code,
        "place": letter.place,
        "parts": letter.parts,
        "bytes": len(letter.body),
    }


def _of_gap(gap: Gap, uids: dict[int, str]) -> dict[str, Any]:
    return {"device": uids.get(gap.device_id), "epoch": gap.epoch, "first": gap.first, "last": gap.last}


def where() -> dict[str, Any]:
    """Of the exception being handled: its type and where it was raised, without its message, which may hold values."""
    kind, _, trace = sys.exc_info()
    return {"error": None if kind is None else kind.__qualname__, "where": format_tb(trace)}
