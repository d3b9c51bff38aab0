"""What is wrong between sound entries of catalog files: names that lead nowhere, doubles, rules that can't work."""

import re
from collections.abc import Container, Iterator
from typing import Any

from catalog import lint_model
from catalog.messages import KINDS, PLACEHOLDER, PLURAL, placeholders
from catalog.model import STEP_FIELDS, STEP_PARAMS, Runbook, Step, Text, Verdict
from catalog.shape import Anything, Book
from catalog.tree import KeyPath

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LETTERS = re.compile(r"[A-Za-z]{2,}")


def messages(book: Book) -> None:
    """Both languages of a template use the same parameters, of known kinds."""
    for path, entry in book.sound.get("messages", []):
        for text in entry.values():
            _template(book, path, text)


def _template(book: Book, path: KeyPath, text: Text) -> None:
    zh, en = ({each for each in placeholders(written) if each[1] != PLURAL} for written in (text.zh, text.en))
    for name, kind in sorted(zh ^ en):
        there, lacking = ("zh", "en") if (name, kind) in zh else ("en", "zh")
        shown = f"{{{name}:{kind}}}" if kind else f"{{{name}}}"
        book.say((*path, lacking), f"lacks the parameter {shown} of `{there}`", "use the same parameters in both")
    for lang, template in (("zh", text.zh), ("en", text.en)):
        for name, kind in sorted(placeholders(template)):
            if kind and kind not in KINDS:
                book.say((*path, lang), f"{{{name}:{kind}}}: unknown kind", f"use one of: {', '.join(sorted(KINDS))}")
        if re.search(r"[{}]", PLACEHOLDER.sub("", template)):
            book.say((*path, lang), "holds a brace that is no parameter", "write {name} or {name:kind}")


def parts(book: Book) -> None:
    """Each part once."""
    doubles(book, book.named("parts", "key"), "part")
    translated(book)


def repairs(book: Book) -> None:
    """Each cause and each action once."""
    doubles(book, book.named("causes", "key"), "cause")
    doubles(book, book.named("actions", "key"), "action")
    translated(book)


def runbooks(book: Book, messages: Book) -> None:
    """Each runbook and step once; parameters and fields that the kind of step has; reasons that are messages."""
    doubles(book, book.named("runbooks", "key"), "runbook")
    translated(book)
    sound: dict[str, Text] = {
        name: text for found in messages.sound.get("messages", []) for name, text in found.value.items()
    }
    written = messages.raw.get("messages")
    known = written if isinstance(written, dict) else Anything()
    for path, runbook in book.sound.get("runbooks", []):
        for here, step in _steps(book, path, runbook):
            _step(book, here, step)
            for number, verdict in enumerate(step.verdicts):
                _verdict(book, (*here, "verdicts", number), verdict, step, known, sound.get(verdict.reason))


def _steps(book: Book, path: KeyPath, runbook: Runbook) -> Iterator[tuple[KeyPath, Step]]:
    seen: set[str] = set()
    for index, step in enumerate(runbook.steps):
        here = (*path, "steps", index)
        if step.id in seen:
            book.say((*here, "id"), f"step {step.id} stands twice", "give it an id of its own")
        seen.add(step.id)
        yield here, step


def _step(book: Book, here: KeyPath, step: Step) -> None:
    for name in sorted(set(step.params) ^ set(STEP_PARAMS[step.kind])):
        if name in step.params:
            book.say((*here, "params", name), f"{step.kind} has no parameter `{name}`", "remove it", key=True)
        else:
            book.say(here, f"{step.kind} needs the parameter `{name}`", "add it under `params:`")


def _verdict(
    book: Book, here: KeyPath, verdict: Verdict, step: Step, known: Container[str], template: Text | None
) -> None:
    fields = STEP_FIELDS[step.kind]
    if verdict.field not in fields:
        book.say((*here, "field"), f"{step.kind} finds no `{verdict.field}`", f"use one of: {', '.join(fields)}")
    if verdict.reason not in known:
        book.say((*here, "reason"), f"no message {verdict.reason}", "add it to messages.yaml")
    for name, _ in sorted(placeholders(template.en) if template is not None else ()):
        if name not in fields:
            what = f"{verdict.reason} shows {{{name}}}, which {step.kind} doesn't find"
            book.say((*here, "reason"), what, "use another message")


def models(books: list[Book], *, parts: Book, runbooks: Book) -> None:
    """What `catalog.lint_model` says of each model with its bases."""
    by_key: dict[str, Book] = {}
    for book in books:
        key = book.raw.get("key")
        if not isinstance(key, str):
            by_key.setdefault(book.file.stem, book)
            continue
        if key in by_key:
            book.say(("key",), f"model {key} is in {by_key[key].file.name} too", "give it a key of its own")
        elif key != book.file.stem:
            book.say(("key",), f"is {key}, the file {book.file.name}", f"name the file {key}.yaml")
        by_key.setdefault(key, book)
    for book in books:
        translated(book)
        lint_model.check(book, by_key, parts=parts.names("parts", "key"), runbooks=runbooks.names("runbooks", "key"))


def doubles(book: Book, names: list[tuple[KeyPath, str]], what: str) -> None:
    """Says of each name but the first that it stands already."""
    first: dict[str, KeyPath] = {}
    for path, name in names:
        if name in first:
            book.say(path, f"{what} {name} stands twice", "remove one, or give it a name of its own")
        first.setdefault(name, path)


def translated(book: Book) -> None:
    """A Chinese text that holds words, none of them Chinese, was forgotten."""
    _untranslated(book, (), book.raw)


def _untranslated(book: Book, path: KeyPath, value: Any) -> None:
    if isinstance(value, dict):
        zh = value.get("zh")
        if isinstance(zh, str) and "en" in value and not _CHINESE.search(zh) and _LETTERS.search(zh):
            book.say((*path, "zh"), "holds no Chinese", "translate it")
        for key, inner in value.items():
            _untranslated(book, (*path, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _untranslated(book, (*path, index), inner)
