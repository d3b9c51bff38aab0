"""The words in which a ticket is told to a person. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from catalog.messages import render
from catalog.model import Catalog, Lang
from desk.opening import guidance
from desk.zones import zone_of

NOTHING = "—"


class Letter(Struct, frozen=True, kw_only=True):
    """What is known of a telling: its ticket, device and place, as stored. `occurred_ms`: ms since 1970 UTC."""

    message: str
    params: Mapping[str, Any]
    number: str
    title: str
    title_params: Mapping[str, Any]
    parts: Sequence[Mapping[str, Any]]
    occurred_ms: int
    device: str
    model: str
    org: str
    site: str
    zone: str


def compose(letter: Letter, lang: Lang, catalog: Catalog, *, public_url: str = "") -> tuple[str, str]:
    """Subject and body. Names that hospitals or equipment chose are hostile text: `render` strips what breaks out.

    Without `public_url` (such as https://steth.example) the number stands where the link would. A message or a model
    that the catalog lacks shows as its key: a ticket told with a gap is better than one not told.
    """
    zone = zone_of(letter.zone)
    title = render(letter.title, letter.title_params, lang, catalog, model=letter.model, tz=zone)
    known = guidance(catalog.models.get(letter.model), letter.title_params)
    params = {
        **letter.params,
        "number": letter.number,
        "device": letter.device,
        "model": letter.model,
        "site": f"{letter.org} {letter.site}",
        "title": title,
        "occurred": datetime.fromtimestamp(letter.occurred_ms / 1000, UTC).isoformat(),
        "stops": known.stops.get(lang) if known.stops is not None else NOTHING,
        "advice": known.advice.get(lang) if known.advice is not None else NOTHING,
        "parts": "; ".join(_part(part, lang) for part in letter.parts) or NOTHING,
        "url": f"{public_url.rstrip('/')}/tickets/{letter.number}" if public_url else letter.number,
    }

    def words(which: str) -> str:
        return render(f"{letter.message}.{which}", params, lang, catalog, model=letter.model, tz=zone)

    return words("subject"), words("body")


def _part(part: Mapping[str, Any], lang: Lang) -> str:
    return f"{part['name'][lang]} ×{part['quantity']} ({part['spec']})"
