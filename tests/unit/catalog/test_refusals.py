"""Each reason that agents count by has its words in both languages, and says whether a fact was lost."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from catalog.allowed import REAGENT_STATES, STATES
from catalog.load import load
from catalog.refusals import in_words, kept_words, loses, source_words
from wire.errors import WireErrorCode

CATALOG: Final = load()
AGENT: Final = Path(__file__).parents[3] / "agent"
CATALOG_S: Final = [AGENT.parent / "catalog" / name for name in ("allowed.py", "own_words.py")]
"""The gates' own: ours says what the agent's says, and more."""
SAYS: Final = frozenset({"Refused", "Damaged", "Ending", "Ended", "_Ended", "AdapterError", "Aborted", "_count_once"})
"""What carries a reason on its way to the sink, beside what has `refus` or `untold` in its name."""
WORD: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*(:|\Z)")


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def texts(node: ast.expr) -> Iterator[str]:
    """The text that an expression is or begins with."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield str(node.values[0].value)
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))


def words_of(source: str) -> Iterator[tuple[str, str]]:
    """(kind, word) of each reason in a source text."""
    for node in ast.walk(ast.parse(source)):
        said: list[ast.expr] = []
        kind = "refused"
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            kind = "untold" if "untold" in name else "refused"
            if name in SAYS or "refus" in name.lower() or "untold" in name:
                # Of an error the first is the word, the second its text; of a sink's method the first is the source.
                said = [*node.args[:2], *(each.value for each in node.keywords if each.arg in {"reason", "why"})]
        elif isinstance(node, ast.Subscript) and "refused" in name_of(node.value):
            said = [node.slice]
        elif isinstance(node, ast.Subscript) and "untold" in name_of(node.value):
            kind, said = "untold", [node.slice]
        for text in (text for each in said for text in texts(each)):
            if WORD.match(text):
                yield kind, text.partition(":")[0]


ADAPTERS: Final = (*(AGENT / each for each in ("astm", "dicom", "hl7", "logs")), AGENT / "connection.py")
NO_REASONS: Final = {"gate", "outbox", "contract", "alert-level", "astm-serial", "time-zone"}.union(
    *STATES.values(), *REAGENT_STATES.values()
)
"""Sources, names and values that look like words of reasons."""


def hyphened(source: str) -> set[str]:
    """Words in hyphens, wherever they stand: reasons come from tables too."""
    found = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
    return {text for text in found if isinstance(text, str) and re.fullmatch(r"[a-z]+(-[a-z]+)+", text)}


def all_words() -> set[tuple[str, str]]:
    found = {each for path in (*AGENT.rglob("*.py"), *CATALOG_S) for each in words_of(path.read_text(encoding="utf-8"))}
    known = {word for _, word in found}
    files = [path for each in ADAPTERS for path in ([each] if each.is_file() else each.rglob("*.py"))]
    more = {word for path in files for word in hyphened(path.read_text(encoding="utf-8"))} - known
    return {each for each in found | {("", word) for word in more} if each[1] not in NO_REASONS}


FOUND: Final = sorted(all_words())


def test_enough_is_found_for_this_to_mean_anything() -> None:
    assert len(FOUND) > 60
    assert {("refused", "unknown-code"), ("refused", "implausible"), ("refused", "full")} <= set(FOUND)


@pytest.mark.parametrize(("kind", "word"), FOUND)
def test_each_reason_of_the_agent_has_its_words(kind: str, word: str) -> None:
    # Of a table's word it isn't known which of the two it is.
    texts = [in_words(CATALOG, each, word) for each in ([kind] if kind else ["refused", "untold"])]
    text = max(texts, key=lambda text: text.zh != word)
    assert re.search("[\u3400-\u9fff]", text.zh), f"add refused.lost.{word}, refused.kept.{word} or untold.{word}"
    assert not re.search("[\u3400-\u9fff]", text.en)


def test_no_text_is_left_of_a_word_that_is_gone() -> None:
    said = {code.value for code in WireErrorCode}
    for path in (*AGENT.rglob("*.py"), *CATALOG_S):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said.add(node.value.partition(":")[0])
    families = (re.match(r"(?:refused\.(?:lost|kept)|untold)\.(.+)", message) for message in CATALOG.messages)
    assert {found[1] for found in families if found} - said == set()


def test_a_word_means_one_thing() -> None:
    ids = CATALOG.messages
    assert [word for word in kept_words(CATALOG) if f"refused.lost.{word}" in ids] == []


def test_what_a_reason_was_said_of_is_called_by_its_name() -> None:
    said = in_words(CATALOG, "refused", "malformed:detector.temperature", model="generic-dr")
    assert said.zh == f"格式不对：{CATALOG.models['generic-dr'].signals['detector.temperature'].title.zh}"
    assert in_words(CATALOG, "refused", "malformed:R-4").en == "malformed: R-4"


@pytest.mark.parametrize(
    ("kind", "reason", "lost"),
    [
        ("refused", "unknown-code", True),
        ("refused", "malformed:tube.voltage", True),
        ("refused", "malformed:time", False),
        ("refused", "placeholder:tube.voltage", False),
        ("refused", "connection-lost", False),
        ("refused", "word-of-a-later-agent", True),
        ("untold", "other-storage", False),
        ("untold", "word-of-a-later-agent", False),
    ],
)
def test_whether_a_fact_was_lost(kind: str, reason: str, *, lost: bool) -> None:
    assert loses(CATALOG, kind, reason) is lost


def test_what_is_of_a_later_agent_is_shown_as_it_is() -> None:
    text = in_words(CATALOG, "refused", "word-of-a-later-agent")
    assert (text.zh, text.en) == ("word-of-a-later-agent",) * 2
    assert source_words(CATALOG, "modbus").en == "modbus"
    assert source_words(CATALOG, "log").zh == "日志"
