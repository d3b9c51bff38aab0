"""The subset of patterns: what it takes, what it refuses, and that what it takes is quick on any line."""

import re
import time
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.model import MAX_LOG_LINE, Catalog
from catalog.pattern import MAX_DEPTH, MAX_LENGTH, UnsafePatternError, check

GOOD = [
    r"^(?P<ts>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ALARM (?P<code>[A-Z]+-[A-Z]+-\d\d) SET\b",
    r".*?temp=(?P<value>-?\d+(?:\.\d+)?) C",
    r"(?:SET|CLR|EVT)$",
    r"[^]]+\] error",
    r"温度：(\d+)",
    r"a{2,3} b{4}c{5,} d",
    r"x*",
    r"\[\d+\] \w+:\s\S+\t\.",
    r"[\w.-]+@",
    r"",
]
BAD = {
    r"(a+)+$": "exponential",
    r"(?:a|aa)*b": "exponential",
    r"(?:ab){2}": "exponential",
    r"a*a*a*b": "varying length",
    r".*x.*y": "varying length",
    r"\d+\w*\d+x": "varying length",
    r"a?a?a?a?b": "varying length",
    r"\d*(?:\.\d*)?\d*x": "varying length",
    r"(?=a)b": "look-around",
    r"(?i)b": "look-around",
    r"(?P=ts)": "look-around",
    r"(a)\1": "isn't allowed",
    r"\x41": "isn't allowed",
    r"a++": "quantifier after",
    r"a{2}{3}": "quantifier after",
    r"*a": "without anything",
    r"^*": "without anything",
    r"a{,3}": "literal brace",
    r"a{2": "literal brace",
    r"a{300}": "more than 200",
    r"(a": "ends too early",
    r"[a": "ends too early",
    "a\\": "ends too early",
    r"a)": "without an opening",
    r"(?P<ts": "without its end",
    "(" * (MAX_DEPTH + 1) + ")" * (MAX_DEPTH + 1): "within one another",
    "(" * MAX_LENGTH: "within one another",
    "a" * (MAX_LENGTH + 1): "longer than",
    "(?:a|b)(?:a|b)(?:a|b)(?:a|b)(?:a|b)": "groups of alternatives",
}


@pytest.mark.parametrize("pattern", GOOD)
def test_takes(pattern: str) -> None:
    check(pattern)
    re.compile(pattern)


@pytest.mark.parametrize("pattern", sorted(BAD))
def test_refuses(pattern: str) -> None:
    with pytest.raises(UnsafePatternError, match=re.escape(BAD[pattern])):
        check(pattern)


PIECES = st.sampled_from(
    ["a", "b", "ab", ".", r"\d", r"\w", r"\s", "[ab]", "[^a]", "1", " ", "(", "(?:", ")", "|", "^", "$", "*", "+", "?"]
)
LINES = [
    "a" * MAX_LOG_LINE,
    "ab" * (MAX_LOG_LINE // 2),
    "1" * MAX_LOG_LINE,
    "a1 " * (MAX_LOG_LINE // 3),
    " " * MAX_LOG_LINE,
]


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
@example(r".*[ab]+x")
@example(r"a*a*b")
@example(r".*(?:a|ab|abab)\d{1,30}(?:b|1)x")
@example(r"[^b]*?\w+$")
def test_what_it_takes_is_quick_on_the_worst_lines(pattern: str) -> None:
    try:
        check(pattern)
        compiled = re.compile(pattern)
    except (UnsafePatternError, re.error):
        return
    for line in LINES:
        began = time.process_time()
        compiled.match(line + "\x00")
        assert time.process_time() - began < 2, pattern


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_taken_or_refused(pattern: str) -> None:
    with suppress(UnsafePatternError):
        check(pattern)


def test_the_clock_would_notice_a_bad_one() -> None:
    with pytest.raises(UnsafePatternError):
        check("(a+)+$")
    began = time.process_time()
    re.match("(a+)+$", "a" * 22 + "!")
    slow = time.process_time() - began
    began = time.process_time()
    re.match("(a+)+$", "a" * 18 + "!")
    assert slow > 4 * (time.process_time() - began)


def test_shipped_patterns_read_their_examples(shipped: Catalog) -> None:
    found = {
        pattern.id: match.groupdict()
        for pattern in shipped.models["generic-dr"].log_patterns
        if (match := re.match(pattern.regex, pattern.example))
    }
    assert found["dr-alarm-set"] == {"ts": "2026-11-22 08:14:03", "code": "GEN-KV-01"}
    assert found["iray-error"]["code"] == "1042"
    assert found["dr-tube-heat"]["value"] == "42.5"
    assert len(found) == len(shipped.models["generic-dr"].log_patterns) >= 8
