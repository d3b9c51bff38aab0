r"""Patterns of log lines and of descriptions, by RE2: a match takes time in proportion to the text, whatever it is.

The lines come from equipment, and anybody may write a pattern; Python's own `re` backtracks (ADR 0038). What may be
written: https://github.com/google/re2/wiki/Syntax. There `\d`, `\w`, `\s` and `\b` know ASCII alone.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import re2  # type: ignore[import-untyped]

MEMORY: Final = 1024 * 1024
"""Bytes that a pattern, or a choice of several, may take while it matches; beyond what any needs that people wrote."""


class PatternError(ValueError):
    """What RE2 doesn't take, or what would need too much memory; one line."""


class Match(Protocol):
    """What a pattern found."""

    def __getitem__(self, group: str) -> str | None: ...

    def groupdict(self) -> dict[str, str | None]:
        """Each named group's text."""


class Pattern(Protocol):
    """One compiled pattern. ``groups``: how many there are, with those that have no name."""

    groups: int
    groupindex: Mapping[str, int]

    def match(self, text: str) -> Match | None:
        """At the beginning of a text."""


def compiled(pattern: str) -> Pattern:
    """Raises PatternError."""
    try:
        found: Pattern = re2.compile(pattern, _options())
    except (re2.error, UnicodeEncodeError) as error:
        raise _refused(error) from None
    return found


class Choice:
    """Several patterns, each of which compiles, tried in one pass. Raises PatternError."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._set = re2.Set.MatchSet(_options())
        try:
            for pattern in patterns:
                self._set.Add(pattern)
            self._set.Compile()
        except re2.error:
            raise PatternError(f"need more than {MEMORY} bytes together; write shorter ones") from None

    def matching(self, text: str) -> Sequence[int]:
        """Which of them match at the beginning of a text."""
        return self._set.Match(text) or ()


def plain(text: str) -> str:
    """A free text as `DetectorReason.regex` sees it: in lower case, its blanks and line ends as one blank each."""
    return " ".join(text.lower().split())


def _options() -> object:
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    return options


def _refused(error: Exception) -> PatternError:
    what = error.args[0]
    return PatternError(what.decode() if isinstance(what, bytes) else str(error))
