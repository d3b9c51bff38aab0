"""What a doctor found: one line for each part it looked at, in the reader's language. Pure."""

from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from catalog.model import Lang, Text

Level = Literal["ok", "warn", "fail"]
_SHOWN: Final[dict[Level, Text]] = {
    "ok": Text(zh="正常", en="ok  "),
    "warn": Text(zh="注意", en="warn"),
    "fail": Text(zh="故障", en="FAIL"),
}


class Finding(Struct, frozen=True, kw_only=True):
    """``check``: a stable word, the part before the dot is whose it is. ``said``: how it is; ``todo``: what to do."""

    check: str
    level: Level
    said: Text
    todo: Text | None = None


def ok(check: str, *, zh: str, en: str) -> Finding:
    """A part that is as it should be."""
    return Finding(check=check, level="ok", said=Text(zh=zh, en=en))


def warn(check: str, *, zh: str, en: str, todo: Text) -> Finding:
    """It works, and somebody should look after it."""
    return Finding(check=check, level="warn", said=Text(zh=zh, en=en), todo=todo)


def fail(check: str, *, zh: str, en: str, todo: Text) -> Finding:
    """It doesn't work."""
    return Finding(check=check, level="fail", said=Text(zh=zh, en=en), todo=todo)


def failed(findings: Iterable[Finding]) -> bool:
    """Whether anything doesn't work."""
    return any(finding.level == "fail" for finding in findings)


def lines(findings: Iterable[Finding], lang: Lang) -> list[str]:
    """One line for each: the level, the check, how it is, and what to do."""
    arrow = {"zh": "→ 处理：", "en": "→ "}[lang]
    return [
        f"{_SHOWN[each.level].get(lang)}  {each.check:<24}  {_one_line(each.said.get(lang))}"
        + (f"  {arrow}{_one_line(each.todo.get(lang))}" if each.todo is not None else "")
        for each in findings
    ]


def as_json(findings: Iterable[Finding], lang: Lang) -> list[str]:
    """One JSON object for each: check, level, said, todo."""
    rows: list[dict[str, Any]] = [
        {
            "check": each.check,
            "level": each.level,
            "said": each.said.get(lang),
            "todo": None if each.todo is None else each.todo.get(lang),
        }
        for each in findings
    ]
    return [msgspec.json.encode(row).decode() for row in rows]


def _one_line(text: str) -> str:
    # What a server says of itself may hold anything; a terminal must not obey it.
    return "".join(letter if letter.isprintable() else " " for letter in text)
