"""What is wrong between sound entries of catalog files: names that lead nowhere, doubles, rules that can't work."""

import re
from typing import Any

from catalog import lint_model
from catalog.messages import KINDS, PLACEHOLDER, placeholders
from catalog.model import STEP_FIELDS, STEP_PARAMS, Runbook, Step, Text
from catalog.shape import Book
from catalog.tree import KeyPath

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LETTERS = re.compile(r"[A-Za-z]{2,}")


def messages(book: Book) -> None:
    """Both languages of a template use the same parameters, of known kinds."""
    for path, entry in book.sound.get("messages", []):
        for text in entry.values():
            _template(book, path, text)


def _template(book: Book, path: KeyPath, text: Text) -> None:
    zh, en = placeholders(text.zh), placeholders(text.en)
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


def runbooks(book: Book, messages: Book) -> None:
    """Each runbook and step once; parameters and fields that the kind of step has; reasons that are messages."""
    doubles(book, book.named("runbooks", "key"), "runbook")
    translated(book)
    templates: dict[str, Text] = {
        name: text for found in messages.sound.get("messages", []) for name, text in found.value.items()
    }
    for path, runbook in book.sound.get("runbooks", []):
        _runbook(book, path, runbook, templates)


def _runbook(book: Book, path: KeyPath, runbook: Runbook, templates: dict[str, Text]) -> None:
    seen: set[str] = set()
    for index, step in enumerate(runbook.steps):
        here = (*path, "steps", index)
        if step.id in seen:
            book.say((*here, "id"), f"step {step.id} stands twice", "give it an id of its own")
        seen.add(step.id)
        _step(book, here, step, templates)


def _step(book: Book, here: KeyPath, step: Step, templates: dict[str, Text]) -> None:
    for name in sorted(set(step.params) ^ set(STEP_PARAMS[step.kind])):
        if name in step.params:
            book.say((*here, "params", name), f"{step.kind} has no parameter `{name}`", "remove it", key=True)
        else:
            book.say(here, f"{step.kind} needs the parameter `{name}`", "add it under `params:`")
    fields = STEP_FIELDS[step.kind]
    for number, verdict in enumerate(step.verdicts):
        at = (*here, "verdicts", number)
        if verdict.field not in fields:
            book.say((*at, "field"), f"{step.kind} finds no `{verdict.field}`", f"use one of: {', '.join(fields)}")
        template = templates.get(verdict.reason)
        if template is None:
            book.say((*at, "reason"), f"no message {verdict.reason}", "add it to messages.yaml")
            continue
        for name, _ in sorted(placeholders(template.en)):
            if name not in fields:
                book.say(
                    (*at, "reason"),
                    f"{verdict.reason} shows {{{name}}}, which {step.kind} doesn't find",
                    "use another message",
                )


def models(books: list[Book], *, parts: Book, runbooks: Book) -> None:
    """What `catalog.lint_model` says of each model with its bases."""
    by_key: dict[str, Book] = {}
    for book in books:
        key = book.raw.get("key")
        if not isinstance(key, str):
            continue
        if key in by_key:
            book.say(("key",), f"model {key} is in {by_key[key].file.name} too", "give it a key of its own")
        elif key != book.file.stem:
            book.say(("key",), f"is {key}, the file {book.file.name}", f"name the file {key}.yaml")
        by_key.setdefault(key, book)
    known_parts = {name for _, name in parts.named("parts", "key")}
    known_runbooks = {name for _, name in runbooks.named("runbooks", "key")}
    for book in books:
        translated(book)
        lint_model.check(book, by_key, parts=known_parts, runbooks=known_runbooks)


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
