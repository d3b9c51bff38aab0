"""What is wrong with a model, seen together with its bases."""

from collections.abc import Container
from datetime import datetime

from catalog import lint_spelled, pattern
from catalog.model import Clear, Continuation, DetectorReason, LimitRule, LogFault, LogPattern, Signal, Silence
from catalog.shape import Anything, Book
from catalog.source import FamilySource, FaultSource, PartUse
from catalog.tree import KeyPath
from catalog.units import SYMBOLS
from wire.topics import Lane


def check(book: Book, models: dict[str, Book], *, parts: Container[str], runbooks: Container[str]) -> None:
    """Notes the problems of one model in its book. `models`: all of them; `parts`, `runbooks`: the keys there are."""
    chain = _chain(book, models)
    _Model(book, chain, parts=parts, runbooks=runbooks).check()
    lint_spelled.check(book, chain)


def _chain(book: Book, models: dict[str, Book]) -> list[Book]:
    """The model's bases that are there, bases first, then itself. A base that is missing or leads back is said."""
    order: list[Book] = []

    def visit(here: Book, above: tuple[Book, ...]) -> None:
        for path, base in here.sound.get("extends", []):
            found = models.get(base)
            if found is None:
                if here is book:
                    book.say(path, f"no model {base}", "name a file of models/ by its key")
            elif found in (*above, here):
                if here is book:
                    book.say(path, f"{base} leads back to this model", "remove it")
            elif found not in order:
                visit(found, (*above, here))
        order.append(here)

    visit(book, ())
    return order


class _Model:
    def __init__(self, book: Book, chain: list[Book], *, parts: Container[str], runbooks: Container[str]) -> None:
        self.book = book
        self.bases = chain[:-1]
        self.chain = chain
        self.parts = parts
        self.runbooks = runbooks
        self.families = self.names("families", "key")
        self.signals = self.names("signals", "name")
        self.codes = self.names("faults", "code")
        offered = {found.value for one in chain for found in one.sound.get("runbooks", [])}
        self.offered = offered if all(one.root is not None for one in chain) else Anything()
        self.units = {found.value.name: found.value.unit for one in chain for found in one.sound.get("signals", [])}

    def names(self, section: str, name: str) -> Container[str]:
        if any(one.root is None for one in self.chain):
            return Anything()
        return {found for one in self.chain for _, found in one.named(section, name)}

    def check(self) -> None:
        book = self.book
        self.doubles("families", "key", "family")
        self.doubles("signals", "name", "signal")
        self.doubles("faults", "code", "code")
        self.doubles("log_patterns", "id", "log pattern")
        self.doubles("detector_reasons", "id", "detector reason")
        for path, key in book.sound.get("runbooks", []):
            if key not in self.runbooks:
                book.say(path, f"no runbook {key}", "add it to runbooks.yaml")
        for path, family in book.sound.get("families", []):
            self.family(path, family)
        rules: set[str] = {
            rule.key for one in self.bases for found in one.sound.get("signals", []) for rule in found.value.rules
        }
        for path, signal in book.sound.get("signals", []):
            self.signal(path, signal, rules)
        for path, fault in book.sound.get("faults", []):
            self.fault(path, fault)
        for path, log_pattern in book.sound.get("log_patterns", []):
            self.log_pattern(path, log_pattern)
        for path, reason in book.sound.get("detector_reasons", []):
            self.detector_reason(path, reason)
        for path, silence in book.sound.get("silence", []):
            if silence is not None:
                self.silence(path, silence)
        if book.raw.get("kind") in ("dr", "analyzer") and not any(
            one.root is None or one.raw.get("silence") for one in self.chain
        ):
            book.say((), "has no `silence` rule: nobody would notice that it is gone", "add one, or extend host")

    def doubles(self, section: str, name: str, what: str) -> None:
        seen = {found: one for one in self.bases for _, found in one.named(section, name)}
        for path, found in self.book.named(section, name):
            if found in seen:
                where = "twice" if seen[found] is self.book else f"in {seen[found].file.name} too"
                self.book.say(path, f"{what} {found} stands {where}", "remove one, or give it a name of its own")
            seen.setdefault(found, self.book)

    def family(self, path: KeyPath, family: FamilySource) -> None:
        self.parts_of(path, family.parts)
        for index, name in enumerate(family.evidence):
            if name not in self.signals:
                self.book.say((*path, "evidence", index), f"no signal {name}", "name one of the model, or none: []")

    def parts_of(self, path: KeyPath, uses: tuple[PartUse, ...] | None) -> None:
        for index, use in enumerate(uses or ()):
            if use.key not in self.parts:
                self.book.say((*path, "parts", index, "key"), f"no part {use.key}", "add it to parts.yaml")

    def judged(self, path: KeyPath, family: str, runbook: str | None) -> None:
        """What faults, limits and silence share: the family and runbook that they name."""
        if family not in self.families:
            self.book.say((*path, "family"), f"no family {family}", "add it to `families:`, here or in a base")
        if runbook is None:
            return
        if runbook not in self.runbooks:
            self.book.say((*path, "runbook"), f"no runbook {runbook}", "add it to runbooks.yaml")
        elif runbook not in self.offered:
            self.book.say((*path, "runbook"), f"runbook {runbook} isn't the model's", "add it to `runbooks:`")

    def signal(self, path: KeyPath, signal: Signal, rules: set[str]) -> None:
        say = self.book.say
        if signal.unit not in SYMBOLS:
            say((*path, "unit"), f"unknown unit '{signal.unit}'", f"use a UCUM code: {' '.join(SYMBOLS)}")
        if signal.min >= signal.max:
            say((*path, "min"), f"min {signal.min:g} isn't below max {signal.max:g}", "exchange or mend them")
        if signal.stands is not None and not (
            signal.deadband and isinstance(signal.cadence, float) and signal.stands >= signal.cadence
        ):
            what = "a value can stand only where its sender keeps back what didn't change"
            say((*path, "stands"), what, "give a deadband and a cadence in seconds, not above it, or leave it out")
        set_by = signal.set_by
        if set_by is not None and (set_by not in self.signals or self.units.get(set_by, signal.unit) != signal.unit):
            say((*path, "set_by"), f"no signal {set_by} in {signal.unit}", "name one of the same unit")
        for value in sorted(signal.states):
            if not signal.min <= value <= signal.max:
                say((*path, "states"), f"{value} is outside what {signal.name} can be", "mend it, or min and max")
        for index, rule in enumerate(signal.rules):
            here = (*path, "rules", index)
            if rule.key in rules:
                say((*here, "key"), f"rule {rule.key} stands twice", "give it a key of its own")
            rules.add(rule.key)
            self.limit(here, rule, signal)

    def limit(self, here: KeyPath, rule: LimitRule, signal: Signal) -> None:
        say = self.book.say
        self.judged(here, rule.family, rule.runbook)
        if rule.op == "above" and rule.clear > rule.raise_at:
            say((*here, "clear"), f"{rule.clear:g} is above raise {rule.raise_at:g}", "clear at or below it")
        if rule.op == "below" and rule.clear < rule.raise_at:
            say((*here, "clear"), f"{rule.clear:g} is below raise {rule.raise_at:g}", "clear at or above it")
        for name, value in (("raise", rule.raise_at), ("clear", rule.clear)):
            if not signal.min <= value <= signal.max:
                say((*here, name), f"{value:g} is outside what {signal.name} can be", "mend it, or min and max")
        if rule.ticket and signal.lane is Lane.BULK:
            say((*here, "ticket"), f"a ticket rule, but {signal.name} travels bulk", "set the signal's lane to live")

    def fault(self, path: KeyPath, fault: FaultSource) -> None:
        self.judged(path, fault.family, fault.runbook)
        self.parts_of(path, fault.parts)
        if fault.clear is not None:
            self.clear((*path, "clear"), fault.code, fault.clear)

    def clear(self, here: KeyPath, own: str, clear: Clear) -> None:
        if (clear.after_s is None) == (not clear.by):
            self.book.say(here, "has neither or both of `by` and `after_s`", "keep one")
        for index, code in enumerate(clear.by):
            if code == own or code not in self.codes:
                what = "is the code itself" if code == own else f"no code {code}"
                self.book.say((*here, "by", index), what, "name another code of this model")

    def silence(self, path: KeyPath, silence: Silence) -> None:
        self.judged(path, silence.family, silence.runbook)

    def log_pattern(self, path: KeyPath, log: LogPattern) -> None:
        say = self.book.say
        used = self.log_target(path, log) | ({"ts"} if log.time_format is not None else set())
        first = self.log_regex((*path, "regex"), log.regex, used)
        if first is None:
            return
        captured = set(first.groupindex)
        then = None
        if log.continuation is not None:
            here = (*path, "continuation", "regex")
            then = self.log_regex(here, log.continuation.regex, used)
            if then is None:
                return
            for name in sorted(captured & set(then.groupindex)):
                say(here, f"captures `{name}` again", "let one of the two lines say it")
            captured |= set(then.groupindex)
        for name in sorted(used - captured):
            say((*path, "regex"), f"has no group `{name}`", f"write (?P<{name}>…)")
        self.log_example(path, log, _found(log.example, first, then, log.continuation))

    def detector_reason(self, path: KeyPath, reason: DetectorReason) -> None:
        if reason.code not in self.codes:
            self.book.say((*path, "code"), f"no code {reason.code}", "add it to `faults:`")
        found = self.log_regex((*path, "regex"), reason.regex, set())
        if found is not None and found.match(pattern.plain(reason.example)) is None:
            self.book.say((*path, "example"), "doesn't match the regex in lower case", "mend one of them")

    def log_regex(self, here: KeyPath, regex: str, used: set[str]) -> pattern.Pattern | None:
        """Compiled, if it is one and captures nothing that isn't used."""
        say = self.book.say
        try:
            compiled = pattern.compiled(regex)
        except pattern.PatternError as error:
            say(here, f"is no pattern: {error}", "write it as RE2 has it: no look-around, no back-references")
            return None
        groups = set(compiled.groupindex)
        for name in sorted(groups - used):
            say(here, f"captures `{name}`, which nothing uses", "write (?:…), so that it isn't read at all")
        if compiled.groups > len(groups):
            say(here, "captures a group without a name", "write (?:…), so that it isn't read at all")
        return compiled

    def log_target(self, path: KeyPath, log: LogPattern) -> set[str]:
        """The named groups that the pattern needs."""
        say = self.book.say
        if (log.fault is None) == (log.signal is None):
            say(path, "has neither or both of `fault` and `signal`", "keep one")
            return set()
        if log.signal is not None:
            unit = self.units.get(log.signal.name)
            if log.signal.name not in self.signals:
                say((*path, "signal", "name"), f"no signal {log.signal.name}", "add it to `signals:`")
            elif unit not in {None, log.signal.unit}:
                say((*path, "signal", "unit"), f"is {log.signal.unit}, the signal's is {unit}", "use the signal's unit")
            return {log.signal.group}
        if log.fault is None:
            return set()
        fault = log.fault
        ways = (fault.code is not None, bool(fault.table), fault.prefix is not None)
        if sum(ways) != 1 or (fault.group is None) != (fault.code is not None):
            say((*path, "fault"), "needs either `code`, or `group` with a `table` or `prefix`", "keep one of them")
        for below, code in self.log_codes(fault):
            self.log_code((*path, "fault", *below), code, state=fault.state)
        if fault.prefix is not None and not self.with_prefix(fault.prefix):
            say((*path, "fault", "prefix"), f"no code begins with {fault.prefix}", "mend it, or add the codes")
        return set() if log.fault.group is None else {log.fault.group}

    def with_prefix(self, prefix: str) -> list[str]:
        codes = {code for one in self.chain for _, code in one.named("faults", "code")}
        return sorted(code for code in codes if code.startswith(prefix))

    def log_codes(self, fault: LogFault) -> list[tuple[KeyPath, str]]:
        """The codes that a line can tell, each with the key that names it."""
        codes: list[tuple[KeyPath, str]] = [(("table", captured), code) for captured, code in fault.table.items()]
        if fault.code is not None:
            codes.append((("code",), fault.code))
        if fault.prefix is not None:
            codes += [(("prefix",), code) for code in self.with_prefix(fault.prefix)]
        return codes

    def log_code(self, here: KeyPath, code: str, *, state: str) -> None:
        if code not in self.codes:
            self.book.say(here, f"no code {code}", "add it to `faults:`")
        faults = [
            found.value for one in self.chain for found in one.sound.get("faults", []) if found.value.code == code
        ]
        if state == "event" and any(fault.clear is None for fault in faults):
            self.book.say(here, f"{code} comes as an event and would never clear", "give the code a `clear:`")

    def log_example(self, path: KeyPath, log: LogPattern, found: dict[str, str | None] | None) -> None:
        say = self.book.say
        here = (*path, "example")
        if found is None:
            what = "the regex" if log.continuation is None else "the regex and, in a line after it, the continuation"
            say(here, f"doesn't match {what}", "mend one of them")
            return
        if log.fault is not None and log.fault.group in found:
            captured, prefix = found[log.fault.group], log.fault.prefix
            if captured not in log.fault.table and (prefix is None or f"{prefix}{captured}" not in self.codes):
                say(here, "captures no declared code", "mend one of them")
        if log.signal is not None and log.signal.group in found and not _is_number(found[log.signal.group]):
            say(here, "captures no number", "only numbers and declared values may leave the device")
        if log.time_format is not None and "ts" in found and not _is_time(found["ts"], log.time_format):
            say(here, f"its time isn't of the format {log.time_format}", "mend one of them")


def _found(
    example: str, first: pattern.Pattern, then: pattern.Pattern | None, continuation: Continuation | None
) -> dict[str, str | None] | None:
    """What an example's lines captured; None: they don't match."""
    if then is None or continuation is None:
        match = first.match(example)
        return None if match is None else match.groupdict()
    head, *following = example.splitlines() or [""]
    match = first.match(head)
    more = next((found for line in following[: continuation.within] if (found := then.match(line))), None)
    return None if match is None or more is None else match.groupdict() | more.groupdict()


def _is_number(text: str | None) -> bool:
    try:
        float(text or "")
    except ValueError:
        return False
    return True


def _is_time(text: str | None, time_format: str) -> bool:
    try:
        datetime.strptime(text or "", time_format)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True
