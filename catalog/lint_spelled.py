"""What is wrong with how a model says that its equipment spells things: raw codes, tests, controls, reagents."""

from catalog.model import CODE_TABLES, UNKNOWN_CODE
from catalog.shape import Book
from catalog.source import AssaySource, CodeSource, SpelledSource
from catalog.tree import KeyPath
from catalog.units import SYMBOLS


def check(book: Book, chain: list[Book]) -> None:
    """Notes the problems of one model's file. `chain`: its bases, then itself."""
    _Spelled(book, chain).check()


class _Spelled:
    def __init__(self, book: Book, chain: list[Book]) -> None:
        self.book = book
        self.chain = chain
        self.whole = all(one.root is not None for one in chain)

    def check(self) -> None:
        self.codes()
        self.assays()
        for section in ("tests", "controls", "reagents"):
            self.ids(section)
        kind = self.book.raw.get("kind")
        if self.whole and kind == "analyzer" and UNKNOWN_CODE not in self.names("faults", "code"):
            self.book.say((), f"has no code {UNKNOWN_CODE}", "add it to `faults:`, or extend a model that has it")

    def names(self, section: str, name: str) -> set[str]:
        return {found for one in self.chain for _, found in one.named(section, name)}

    def codes(self) -> None:
        known = self.names("faults", "code")
        clears = {found.value.code: found.value.clear for one in self.chain for found in one.sound.get("faults", [])}
        taken: dict[tuple[str, str], Book] = {}
        for book in self.chain:
            for path, one in book.sound.get("codes", []):
                for index, table in enumerate(one.tables):
                    self.once(book, (*path, "raw"), (table, one.raw), taken, f"raw code {one.raw} of {table}")
                    if book is self.book and table not in CODE_TABLES:
                        self.book.say((*path, "tables", index), f"no table {table}", f"use: {', '.join(CODE_TABLES)}")
                if book is self.book:
                    self.target(path, one, known, clears)

    def target(self, path: KeyPath, one: CodeSource, known: set[str], clears: dict[str, object]) -> None:
        if one.code is None:
            return
        if self.whole and one.code not in known:
            self.book.say((*path, "code"), f"no code {one.code}", "add it to `faults:`, here or in a base")
        if clears.get(one.code, True) is None:
            what = f"{one.code} comes without an end and would never clear"
            self.book.say((*path, "code"), what, "give the code a `clear:`")

    def assays(self) -> None:
        taken: dict[tuple[str, str], Book] = {}
        for book in self.chain:
            for path, assay in book.sound.get("assays", []):
                self.once(book, (*path, "key"), ("", assay.key), taken, f"assay {assay.key}")
                if book is self.book:
                    self.unit(path, assay)

    def unit(self, path: KeyPath, assay: AssaySource) -> None:
        if assay.unit not in SYMBOLS:
            what = f"unknown unit '{assay.unit}'"
            self.book.say((*path, "unit"), what, f"use a UCUM code: {' '.join(SYMBOLS)}")

    def ids(self, section: str) -> None:
        taken: dict[tuple[str, str], Book] = {}
        for book in self.chain:
            for path, spelled in book.sound.get(section, []):
                for index, raw in enumerate(spelled.ids):
                    self.once(book, (*path, "ids", index), ("", raw), taken, f"id {raw}")
                if book is self.book:
                    self.key(path, section, spelled)

    def key(self, path: KeyPath, section: str, spelled: SpelledSource) -> None:
        if not self.whole:
            return
        if section == "tests" and spelled.key not in self.names("assays", "key"):
            self.book.say((*path, "key"), f"no assay {spelled.key}", "add it to `assays:`, here or in a base")
        signal = f"reagent.{spelled.key}.remaining"
        if section == "reagents" and signal not in self.names("signals", "name"):
            self.book.say((*path, "key"), f"no signal {signal}", "add it to `signals:`, here or in a base")

    def once(
        self, book: Book, path: KeyPath, name: tuple[str, str], taken: dict[tuple[str, str], Book], what: str
    ) -> None:
        """Notes in this model's file that a name stands twice, here or in a base; between bases at `extends`."""
        if name in taken and book is self.book:
            where = "twice" if taken[name] is book else f"in {taken[name].file.name} too"
            book.say(path, f"{what} stands {where}", "remove one")
        elif name in taken and taken[name] is not book:
            where = f"in {taken[name].file.name} and {book.file.name}"
            self.book.say(("extends",), f"{what} stands {where}", "remove one")
        taken.setdefault(name, book)
