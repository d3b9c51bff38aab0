"""What the files of a log are called: that which is written to, and those that it was.

A log has one name, or a link is switched from file to file, or its name bears the day and is configured with ``*``.
Names only say which files may be the log's; which is which, its content does (``agent.adapters.logs.place``).
"""

import fnmatch
import os
import re
from pathlib import Path
from typing import Final

from agent.config.shapes import WILD

_SEPARATOR: Final = r"[._\-~ ()\[\]@#+:,]"
_LATIN: Final = (
    r"t|z|am|pm|utc|w(?=\d)|bak|backup|old|older|of|prev|previous|last|yesterday|hist|history|copy|orig|original|saved?"
    r"|archived?|rotated|log|txt"
    r"|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
)
_CHINESE: Final = "副本|备份|旧|上次|历史|存档|归档|的|年|月|日|时|分|秒|星期[一二三四五六日]"
_BEHIND: Final = re.compile(
    rf"(?={_SEPARATOR}|\d{{6}}|{_CHINESE})"  # `dr2.log` is another log
    rf"(?:{_SEPARATOR}*+(?:\d++|{_LATIN}|{_CHINESE}))*{_SEPARATOR}*+\Z",
    re.IGNORECASE,
)
_IN_FRONT: Final = re.compile(
    rf"{_SEPARATOR}*+(?:(?:(?:\d++|{_LATIN})+{_SEPARATOR}|{_CHINESE}){_SEPARATOR}*+)*\Z", re.IGNORECASE
)
"""What may stand around the name of a log in those of its rotations, as logrotate, log4j, logback, NLog, Serilog,
Python, editors, scripts and Explorer write them."""
AHEAD_S: Final = 26 * 3600.0
"""How far another machine's clock may be ahead (``agent.adapters.values``)."""


class Names:
    """``path``: the file that is written to now, no link; where there is none, one that isn't there."""

    def __init__(self, given: Path, *, now: float) -> None:
        """``given``: as configured; the name, not the folder, may have ``*`` and ``?``. ``now``: wall time, s. Raises
        ``OSError``."""
        self._family: re.Pattern[str] | None = None
        self.is_pattern = not WILD.isdisjoint(given.name)
        newest = None
        if self.is_pattern:
            self._family = re.compile(fnmatch.translate(given.name.replace("[", "[[]")), re.IGNORECASE)
            newest = _newest(given.parent, self._family, now)
        self.path = Path(os.path.realpath(newest or given))
        if newest is None and self.path.name != given.name and re.search(r"\d", self.path.name):
            # A link: the files before it have another day in their names.
            self._family = re.compile(re.sub(r"\d+", r"\\d+", re.escape(self.path.name)) + r"\Z", re.IGNORECASE)
        self._stem, self._suffix = self.path.stem.casefold(), self.path.suffix.casefold()

    def are_near(self, name: str) -> bool:
        """Whether a file of this name is worth a look."""
        return self._stem in name.casefold() or self._is_kin(name)

    def is_rotated(self, name: str) -> bool:
        """Whether a name is one of those that files of this log get when they are no longer written to."""
        if self._is_kin(name):
            return True
        front, found, rest = name.casefold().partition(self._stem)
        rest = rest.removeprefix(self._suffix) if rest.startswith(self._suffix) else rest.removesuffix(self._suffix)
        if not found or not (front or rest) or (front and not _IN_FRONT.match(front)):
            return False
        return not rest or _BEHIND.match(rest) is not None

    def _is_kin(self, name: str) -> bool:
        return self._family is not None and self._family.match(name) is not None


def _newest(folder: Path, family: re.Pattern[str], now: float) -> Path | None:
    """The file that was last written to; of those at the same time, the last by name. What is of the future comes last:
    the machine's clock went back, as without a battery. None: there is none, or no
    folder. Raises ``OSError``."""
    newest: tuple[bool, int, str] | None = None
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return None
    with entries:
        for entry in entries:
            if family.match(entry.name) and entry.is_file():
                modified = entry.stat().st_mtime_ns
                each = modified / 1e9 <= now + AHEAD_S, modified, entry.path
                newest = each if newest is None else max(newest, each)
    return None if newest is None else Path(newest[2])
