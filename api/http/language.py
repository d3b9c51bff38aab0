"""The reader's language: `?lang=`, else Accept-Language, else the installation's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Query

from api.http.context import Shared
from api.http.shapes import Message
from catalog.messages import render
from catalog.model import Catalog, Lang, Text
from desk.zones import zone_of


def preferred(accept: str, otherwise: Lang) -> Lang:
    """The language an Accept-Language header (RFC 9110, 12.5.4) prefers among ours; `otherwise` where it names none."""
    best: tuple[float, Lang] | None = None
    for part in accept.split(","):
        tag, _, weight = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language not in {"zh", "en"}:
            continue
        quality = _quality(weight)
        if quality > 0 and (best is None or quality > best[0]):
            best = (quality, "zh" if language == "zh" else "en")
    return otherwise if best is None else best[1]


def _quality(weight: str) -> float:
    name, _, number = weight.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(number) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Puts stored messages into the words of one reader."""

    catalog: Catalog
    lang: Lang

    def words(self, message: str, params: Mapping[str, Any], *, model: str | None = None, zone: str = "") -> str:
        """A message id with its parameters. `zone`: IANA name of the site's time zone, for times in it.

        An empty `who` is somebody of the dealer before: his name is not for this reader (migration 0010).
        """
        if params.get("who") == "":
            params = {**params, "who": self.words("word.former_dealer", {})}
        return render(message, params, self.lang, self.catalog, model=model, tz=zone_of(zone))

    def said(self, row: Mapping[str, Any], of: Mapping[str, Any]) -> Message:
        """A row's `message` and `params`, with the names of the `model` and in the `time_zone` of what it is of."""
        text = self.words(row["message"], row["params"], model=of["model"], zone=of["time_zone"])
        return Message(id=row["message"], params=row["params"], text=text)

    def family(self, model: str, family: str) -> str:
        """The name of a family of faults of a model, or of one that every device has."""
        known = self.catalog.models.get(model)
        own = None if known is None else known.families.get(family)
        return self.text(self.catalog.messages.get(f"word.family.{family}") if own is None else own.name, family)

    def text(self, text: Text | None, otherwise: str) -> str:
        """A text of the catalog; `otherwise` where the catalog doesn't know it."""
        return otherwise if text is None else text.get(self.lang)


async def _reader(
    context: Shared,
    lang: Annotated[
        Lang | None, Query(description="Language of the texts; without it Accept-Language decides.")
    ] = None,
    accept_language: Annotated[str, Header(max_length=200, examples=["zh-CN"])] = "",
) -> Reader:
    return Reader(catalog=context.catalog, lang=lang or preferred(accept_language, context.settings.language))


InWords = Annotated[Reader, Depends(_reader)]
