r"""Holds the patterns of log lines to a subset of regular expressions that can't take long.

Python's `re` backtracks, and the lines come from equipment. Allowed are literals, classes, `.`, the escapes of classes
and punctuation, `^ $ \b`, alternatives, groups (named or `(?:…)`) and quantifiers, so RE2 would take them too. Then:

- a group isn't repeated, at most optional: no quantifier stands within another (`(a+)+` takes exponential time);
- at most MAX_LOOSE parts of varying length are followed by something that could have been part of them (`.*x` is one,
  `\d+ ` none): with L the length of the line, a match takes at most about L ** (MAX_LOOSE + 1) steps;
- at most MAX_CHOICES groups of alternatives, at most MAX_DEPTH groups within one another.
"""

import string
from typing import Final

from msgspec import Struct

MAX_LENGTH: Final = 500
MAX_LOOSE: Final = 1
MAX_CHOICES: Final = 4
MAX_REPEAT: Final = 200
MAX_DEPTH: Final = 5

_OTHER: Final = 128  # stands for every character beyond ASCII
_ALL: Final = frozenset(range(_OTHER + 1))
_DIGIT: Final = frozenset(map(ord, string.digits))
_WORD: Final = frozenset(map(ord, string.ascii_letters + string.digits + "_")) | {_OTHER}
_SPACE: Final = frozenset(map(ord, string.whitespace)) | {28, 29, 30, 31, _OTHER}
# \d also matches digits beyond ASCII, which overlap with every class that holds others
_CLASSES: Final = {
    "d": _DIGIT | {_OTHER},
    "D": _ALL - _DIGIT,
    "w": _WORD,
    "W": (_ALL - _WORD) | {_OTHER},
    "s": _SPACE,
    "S": (_ALL - _SPACE) | {_OTHER},
    "t": frozenset({9}),
}

Chars = frozenset[int]


class UnsafePatternError(ValueError):
    """A pattern outside the allowed subset; says what and where."""


class _Part(Struct, frozen=True, kw_only=True):
    """A piece of a sequence: characters, or a group of alternatives; `loose`: its length varies."""

    chars: Chars = frozenset()
    choices: tuple[tuple["_Part", ...], ...] = ()
    optional: bool = False
    varies: bool = False


def check(pattern: str) -> None:
    """Raises UnsafePatternError unless the pattern is within the subset and bounds above."""
    if len(pattern) > MAX_LENGTH:
        raise UnsafePatternError(f"is longer than {MAX_LENGTH} characters")
    parser = _Parser(pattern)
    choices = parser.whole()
    if parser.groups_of_choices > MAX_CHOICES:
        raise UnsafePatternError(f"has more than {MAX_CHOICES} groups of alternatives")
    loose = max(_loose(sequence, frozenset()) for sequence in choices)
    if loose > MAX_LOOSE:
        raise UnsafePatternError(
            f"has {loose} parts of varying length that could also match what follows them; {MAX_LOOSE} may"
        )


def plain(text: str) -> str:
    """A free text as `DetectorReason.regex` sees it: in lower case, its blanks and line ends as one blank each."""
    return " ".join(text.lower().split())


def _first(sequence: tuple[_Part, ...], after: Chars) -> Chars:
    """The characters that a sequence, followed by `after`, can begin with."""
    found: Chars = frozenset()
    for part in sequence:
        found |= part.chars
        for choice in part.choices:
            found |= _first(choice, frozenset())
        nullable = part.optional or any(_nullable(choice) for choice in part.choices)
        if not nullable:
            return found
    return found | after


def _nullable(sequence: tuple[_Part, ...]) -> bool:
    return all(part.optional or any(_nullable(choice) for choice in part.choices) for part in sequence)


def _loose(sequence: tuple[_Part, ...], after: Chars) -> int:
    """How many parts of varying length may overlap with what can follow them."""
    count = 0
    for index, part in enumerate(sequence):
        following = _first(sequence[index + 1 :], after)
        own = part.chars if not part.choices else _first((part,), frozenset())
        if part.varies and own & following:
            count += 1
        if part.choices:
            count += max(_loose(choice, following) for choice in part.choices)
    return count


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.text = pattern
        self.at = 0
        self.groups_of_choices = 0
        self.depth = 0

    def whole(self) -> tuple[tuple[_Part, ...], ...]:
        choices = self.alternatives()
        if self.at < len(self.text):
            raise self.error("a closing bracket without an opening one")
        return choices

    def alternatives(self) -> tuple[tuple[_Part, ...], ...]:
        choices = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            choices.append(self.sequence())
        self.groups_of_choices += len(choices) > 1
        return tuple(choices)

    def sequence(self) -> tuple[_Part, ...]:
        parts: list[_Part] = []
        while self.peek() not in {"", "|", ")"}:
            part = self.atom()
            if part is not None:
                parts.append(part)
        return tuple(parts)

    def atom(self) -> _Part | None:
        start = self.take()
        if start in "^$":
            return None
        if start in "*+?{":
            raise self.error(f"'{start}' without anything to repeat")
        if start == "\\" and self.peek() == "b":
            self.at += 1
            return None
        return self.group() if start == "(" else self.repeated(self.chars(start))

    def chars(self, start: str) -> Chars:
        if start == ".":
            return _ALL - {10}
        if start == "[":
            return self.char_class()
        return self.escape() if start == "\\" else _char(start)

    def group(self) -> _Part:
        if self.peek() == "?":
            if self.text.startswith("?:", self.at):
                self.at += 2
            elif self.text.startswith("?P<", self.at):
                self.at = self.text.find(">", self.at) + 1
                if self.at == 0:
                    raise self.error("a group's name without its end")
            else:
                raise self.error(
                    "only (…), (?:…) and (?P<name>…) may stand here: no look-around, flags or back-references"
                )
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"more than {MAX_DEPTH} groups within one another")
        choices = self.alternatives()
        self.depth -= 1
        if self.take() != ")":
            raise self.error("a bracket isn't closed")
        least, most = self.quantifier()
        if most != 1:
            raise self.error("a group is repeated, which can take exponential time; repeat a single character or class")
        return _Part(choices=choices, optional=least == 0, varies=least == 0)

    def repeated(self, chars: Chars) -> _Part:
        least, most = self.quantifier()
        return _Part(chars=chars, optional=least == 0, varies=least != most)

    def quantifier(self) -> tuple[int, int | None]:
        """How often the thing before may stand, at least and at most; None: without bound."""
        sign = self.peek()
        bounds: tuple[int, int | None] = (1, 1)
        if sign in {"*", "+", "?"}:
            self.at += 1
            bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        elif sign == "{":
            inner, closed, _ = self.text[self.at + 1 :].partition("}")
            low, comma, high = inner.partition(",")
            if not closed or not low.isdecimal() or (high and not high.isdecimal()):
                raise self.error("write {n}, {n,} or {n,m}; a literal brace is \\{")
            self.at += len(inner) + 2
            bounds = (int(low), (int(high) if high else None) if comma else int(low))
            if max(bounds[0], bounds[1] or 0) > MAX_REPEAT:
                raise self.error(f"repeats more than {MAX_REPEAT} times")
        else:
            return bounds
        if self.peek() == "?":  # lazy: the same strings, tried in another order
            self.at += 1
        if self.peek() in {"*", "+", "?", "{"}:
            raise self.error("a quantifier after a quantifier")
        return bounds

    def char_class(self) -> Chars:
        negated = self.peek() == "^"
        self.at += negated
        found: Chars = frozenset()
        first = True
        while first or self.peek() != "]":
            first = False
            found |= self.class_item()
        self.at += 1
        # beyond ASCII one sign stands for all, so the rest of it is left over when some of it is taken away
        return (_ALL - found) | {_OTHER} if negated else found

    def class_item(self) -> Chars:
        start = self.take()
        if start == "\\":
            low = self.escape()
            if len(low) != 1:
                return low
            code = next(iter(low))
        else:
            code = min(ord(start), _OTHER)
        if self.peek() != "-" or self.text.startswith("-]", self.at):
            return frozenset({code})
        self.at += 1
        end = self.take()
        high = next(iter(self.escape())) if end == "\\" else min(ord(end), _OTHER)
        return frozenset(range(code, high + 1))

    def escape(self) -> Chars:
        sign = self.take()
        if sign in _CLASSES:
            return _CLASSES[sign]
        if sign.isalnum():
            raise self.error(f"\\{sign} isn't allowed: only \\d \\w \\s, their capitals, \\t, \\b and punctuation")
        return _char(sign)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        sign = self.peek()
        if not sign:
            raise self.error("ends too early")
        self.at += 1
        return sign

    def error(self, what: str) -> UnsafePatternError:
        return UnsafePatternError(f"at character {min(self.at, len(self.text)) or 1}: {what}")


def _char(sign: str) -> Chars:
    return frozenset({min(ord(sign), _OTHER)})
