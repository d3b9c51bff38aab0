"""What was refused of a device's input, or told nothing, in words, and whether a fact was lost by it.

A reason is a word, and behind a colon what it was said of (``wire.items.Refusal``). `messages.yaml` has a text for each
word: `refused.lost.*` where a fact was lost, `refused.kept.*` where none was (it was taken all the same, comes again,
or there was none), `untold.*` for what told nothing. A word that isn't there is of an agent newer than this catalog: it
is shown as it is, and a fact counts as lost.
"""

from typing import Final

from catalog.model import Catalog, Text

_LOST: Final = "refused.lost."
_KEPT: Final = "refused.kept."
_UNTOLD: Final = "untold."
_SOURCE: Final = "refused.source."
SERVER: Final = "server"
"""The source of what our own gate refused. Nobody else may claim to be it."""
TIME: Final = "time"
"""A time that can't be read loses no fact: that of receipt holds."""


def in_words(catalog: Catalog, kind: str, reason: str, *, model: str | None = None) -> Text:
    """A reason in words; ``kind`` and ``reason`` as on the wire. ``model``: its signals are called by their names."""
    word, _, what = reason.partition(":")
    prefixes = (_UNTOLD,) if kind == "untold" else (_LOST, _KEPT)
    found = (catalog.messages.get(prefix + word) for prefix in prefixes)
    text = next((each for each in found if each is not None), Text(zh=word, en=word))
    if not what:
        return text
    own = None if model is None else catalog.models.get(model)
    signal = None if own is None else own.signals.get(what)
    named = Text(zh=what, en=what) if signal is None else signal.title
    return Text(zh=f"{text.zh}：{named.zh}", en=f"{text.en}: {named.en}")


def source_words(catalog: Catalog, source: str) -> Text:
    """What read it, in words."""
    return catalog.messages.get(_SOURCE + source, Text(zh=source, en=source))


def sources(catalog: Catalog) -> list[str]:
    """Everything that may have read it."""
    return sorted(message.removeprefix(_SOURCE) for message in catalog.messages if message.startswith(_SOURCE))


def words(catalog: Catalog, kind: str) -> frozenset[str]:
    """The words of a kind, as on the wire."""
    prefixes = (_UNTOLD,) if kind == "untold" else (_LOST, _KEPT)
    return frozenset(
        message.removeprefix(prefix)
        for prefix in prefixes
        for message in catalog.messages
        if message.startswith(prefix)
    )


def kept_words(catalog: Catalog) -> list[str]:
    """The words of refusals by which no fact was lost."""
    return sorted(message.removeprefix(_KEPT) for message in catalog.messages if message.startswith(_KEPT))


def loses(catalog: Catalog, kind: str, reason: str) -> bool:
    """Whether a fact of the equipment was lost."""
    word, _, what = reason.partition(":")
    return kind == "refused" and what != TIME and _KEPT + word not in catalog.messages
