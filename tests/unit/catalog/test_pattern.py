"""Patterns: what is one, that it is quick on any line, and that many together say what each says."""

import time
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.model import MAX_LOG_LINE, Catalog
from catalog.pattern import Choice, PatternError, compiled

BAD = {
    r"(?=a)b": "perl operator",
    r"(?P=ts)": "perl operator",
    r"(a)\1": "escape sequence",
    r"a++": "repetition operator",
    r"*a": "no argument",
    r"a{1001}": "repetition size",
    r"(a{1000}){1000}": "repetition size",
    r"(?:[^\x00]{900}[^a]{900}){10}": "",
    r"(a": "missing )",
    r"[a": "missing ]",
    "a\\": "trailing",
    r"a)": "unexpected )",
    r"(?P<ts": "named capture group",
    r"(?P<v v>a)": "named capture group",
    "\ud800": "surrogates",
}
LINES = [
    "a" * MAX_LOG_LINE,
    "ab" * (MAX_LOG_LINE // 2),
    "1" * MAX_LOG_LINE,
    "a1 " * (MAX_LOG_LINE // 3),
    "温" * MAX_LOG_LINE,
]
PIECES = st.sampled_from(
    ["a", "b", "ab", ".", r"\d", r"\w", r"\s", "[ab]", "[^a]", "温", " ", "(", "(?:", ")", "|", "^", "$", "*", "+", "?"]
)


@pytest.mark.parametrize("pattern", sorted(BAD))
def test_what_is_no_pattern_is_one_line(pattern: str) -> None:
    with pytest.raises(PatternError) as refused:
        compiled(pattern)
    assert BAD[pattern] in str(refused.value)
    assert "\n" not in str(refused.value)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
@example(r"(a+)+$")
@example(r"(?:a|aa)*b")
@example(r"a*a*a*a*a*b")
@example(r".*(?:a|ab|abab)\d{1,30}(?:b|1)x")
def test_any_is_quick_on_the_worst_lines_and_a_choice_says_the_same(pattern: str) -> None:
    try:
        one = compiled(pattern)
    except PatternError:
        return
    choice = Choice([pattern, "zzz"])
    for line in LINES:
        began = time.process_time()
        found = one.match(line + "\x00") is not None
        assert list(choice.matching(line + "\x00")) == [0] * found
        assert time.process_time() - began < 2, pattern


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_taken_or_refused(pattern: str) -> None:
    with suppress(PatternError):
        compiled(pattern)


def test_many_that_need_too_much_together_are_refused() -> None:
    with pytest.raises(PatternError, match="together"):
        Choice([f"{number}[^a]{{300}}" for number in range(100)])


def test_shipped_patterns_read_their_examples(shipped: Catalog) -> None:
    patterns = shipped.models["generic-dr"].log_patterns
    choice = Choice([pattern.regex for pattern in patterns])
    found: dict[str, dict[str, str | None]] = {}
    for number, pattern in enumerate(patterns):
        assert number in choice.matching(pattern.example)
        match = compiled(pattern.regex).match(pattern.example)
        assert match is not None
        found[pattern.id] = match.groupdict()
    assert found["dr-alarm-set"] == {"ts": "2026-11-22 08:14:03", "code": "GEN-KV-01"}
    assert found["iray-error"]["code"] == "1042"
    assert found["dr-tube-heat"]["value"] == "42.5"
    assert len(found) >= 8
