"""What follows from time alone: timers that end, silence of a device, its return.

All by the partition's probed clock, so that an outage of ours makes no device silent and ends no waiting (delivery 15).
"""

from typing import Final

from msgspec.structs import replace

from alerts import judge, late, words
from alerts.draft import Draft
from alerts.effects import Param
from alerts.episode import Condition, Event
from alerts.plan import SILENCE, TOLD_KINDS, Rule
from alerts.reasons import Variant
from ingest.ports import Presence

HELD_LIMIT_MS: Final = 600_000
"""Late facts of an agent that doesn't get through its backlog are judged after this time on the partition's clock."""
BEATS: Final = 3
"""Heartbeats that may be missing before a device counts as silent, if its own interval is the longer one, and what is
shown of it as stale: one lost on a bad line is no news. As many samples may be missing before a line is broken."""


def silence_at(silence_ms: int, known_clock: int, presence: Presence) -> int:
    """The partition's clock at which the device counts as silent. One never heard, or not
    since it is watched again: counted from when it was known."""
    if not presence.seen_ms:
        return known_clock + silence_ms
    return max(presence.seen_clock_ms, known_clock) + max(silence_ms, round(presence.interval_s * 1000 * BEATS))


def hear(draft: Draft, presence: Presence) -> None:
    """The device is heard: its silence ends, and its episodes are what they were."""
    silent = draft.entries.get(SILENCE)
    silence = draft.plan.silence
    if silent is not None and silence is not None:
        silent_s = (presence.seen_ms - silent.occurred_ms) / 1000
        draft.end(silence, Event.HEARD, presence.seen_ms, extra={"silent_s": silent_s})
    for key, entry in list(draft.entries.items()):
        if entry.condition is Condition.NO_DATA:
            draft.interrupt(draft.plan.rule(key), Event.BACK, draft.now.wall_ms)


def tick(draft: Draft, presence: Presence, silent_at: int | None) -> None:
    """Let everything end that is due, in the order in which it was."""
    while True:
        due = [(entry.due_clock, 1, key) for key, entry in draft.entries.items() if draft.rings(entry)]
        if draft.held:
            due.append((draft.held_clock + HELD_LIMIT_MS, 0, ""))
        silence = draft.plan.silence
        if silence is not None and silent_at is not None and SILENCE not in draft.entries:
            due.append((silent_at, 2, SILENCE))
        at, _, key = min(due, default=(draft.now.clock_ms + 1, 0, ""))
        if at > draft.now.clock_ms:
            return
        if key == SILENCE and silence is not None:
            _fall_silent(draft, silence, presence)
        elif key:
            judge.ring(draft, draft.plan.rule(key), draft.entries[key])
        else:
            late.judge_group(draft)


def _fall_silent(draft: Draft, silence: Rule, presence: Presence) -> None:
    if draft.held:
        # more won't come now, and what is open must not be judged while nothing is known of it
        late.judge_group(draft)
    now = draft.now
    known = presence.seen_ms != 0
    silent_ms = now.clock_ms - (presence.seen_clock_ms if known else draft.known_clock)
    occurred_ms = presence.seen_ms if known else now.wall_ms - silent_ms
    extra: dict[str, Param] = {"last": words.iso(presence.seen_ms)} if known else {}
    rule = silence if known else replace(silence, variant=Variant.NEVER)
    draft.raise_(rule, Event.UNHEARD, now.wall_ms, occurred_ms=occurred_ms, extra=extra)
    for key in list(draft.entries):
        rule = draft.plan.rule(key)
        if rule.kind in TOLD_KINDS:
            draft.interrupt(rule, Event.SILENT, now.wall_ms)
