"""Lints a folder of catalog files: says file, line, what is wrong and what to do.

`catalog.load` refuses what can't be used; this finds, all at once, also what would be wrong in use: a rule that can
never clear, a ticket rule on the slow lane, a pattern that can hang, a text that one language lacks.
"""

from pathlib import Path

from catalog import lint
from catalog.load import SHIPPED, repairs_file
from catalog.shape import Book, Problem
from catalog.source import MessagesFile, ModelFile, PartsFile, RepairsFile, RunbooksFile


def check(folder: Path) -> list[Problem]:
    """All problems of a catalog folder, by file and line; empty when it is clean. Never raises for what files hold."""
    parts = Book(file=folder / "parts.yaml", kind=PartsFile)
    runbooks = Book(file=folder / "runbooks.yaml", kind=RunbooksFile)
    repairs = Book(file=repairs_file(folder), kind=RepairsFile)
    messages = Book(file=folder / "messages.yaml", kind=MessagesFile)
    models = [Book(file=file, kind=ModelFile) for file in sorted((folder / "models").glob("*.yaml"))]
    books = [parts, runbooks, repairs, messages, *models]
    lint.messages(messages)
    lint.parts(parts)
    lint.runbooks(runbooks, messages)
    lint.repairs(repairs)
    lint.models(models, parts=parts, runbooks=runbooks)
    return sorted({problem for book in books for problem in book.problems})


def main_lines(folder: Path | None = None) -> list[str]:
    """What `steth catalog check [DIR]` prints, a line a problem; empty: clean. Default: the shipped catalog."""
    return [problem.line_of_text() for problem in check(SHIPPED if folder is None else folder)]
