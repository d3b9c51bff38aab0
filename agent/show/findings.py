"""What a doctor found: one line for each part it looked at, in the reader's language. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from catalog.model import Catalog, Lang, Text
from catalog.refusals import in_words, source_words
from wire.items import Refusal

Level = Literal["ok", "warn", "fail"]
_SHOWN: Final[dict[Level, Text]] = {
    "ok": Text(zh="正常", en="ok  "),
    "warn": Text(zh="注意", en="warn"),
    "fail": Text(zh="故障", en="FAIL"),
}

_SPELL: Final = Text(
    zh="把设备的写法加进目录中它的型号，或更正设备的设置；已知写法见 docs/equipment.md",
    en="add what it spells to its model in the catalog, or correct its settings; docs/equipment.md lists what is known",
)
_LOOK: Final = Text(
    zh="用 steth decode 看设备发来的内容，按 docs/equipment.md 更正设备或代理的设置",
    en="look at what it sends by `steth decode`, and correct its or the agent's settings by docs/equipment.md",
)


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


def lost(check: str, told: Refusal, catalog: Catalog, *, who: Text, model: str) -> Finding:
    """Something that equipment said was refused, and a fact lost by it. ``who``: the device."""
    source, why = source_words(catalog, told.source), in_words(catalog, told.kind, told.reason, model=model)
    since, last = _minute(told.since), _minute(told.last)
    form = Text(zh=f"，形如 {told.form}", en=f", it looked like {told.form}") if told.form else Text(zh="", en="")
    zh = f"{who.zh}：{source.zh} 有内容被拒收：{why.zh}（{told.reason}），{since} 起 {told.count} 次，最近 {last}"
    en = f"{who.en}: {source.en}: refused: {why.en} ({told.reason}), {told.count} × since {since}, last {last}"
    spelled = told.reason.startswith(("unknown-", "wrong-unit"))
    return warn(check, zh=zh + form.zh, en=en + form.en, todo=_SPELL if spelled else _LOOK)


def _minute(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


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
