"""Renders the message about tickets that a person gets. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from msgspec import Struct

from catalog.messages import placeholders, render
from catalog.model import SEVERITIES, Catalog, Lang, PartRef, Severity
from desk.errors import DeskError
from desk.tickets.opening import guidance
from desk.zones import zone_of
from wire.times import time_of

NOTHING: Final = "—"
LINES: Final = 10
"""Tickets that a summary names; the others are counted."""


class Text(Struct, frozen=True, kw_only=True):
    """What is sent: a line, and lines."""

    subject: str
    body: str
    severity: Severity


class Letter(Struct, frozen=True, kw_only=True):
    """What is known of a telling: its ticket, device and place, as stored. `occurred_ms`: ms since 1970 UTC. `closed`:
    somebody has closed the ticket since.

    `message`: the catalog has it with `.subject` and `.body`; `params`: what the two need beyond the ticket's.
    """

    message: str
    severity: Severity
    params: Mapping[str, Any]
    number: str
    title: str
    title_params: Mapping[str, Any]
    parts: Sequence[PartRef]
    occurred_ms: int
    device: str
    model: str
    org: str
    site_id: int
    site: str
    zone: str
    closed: bool = False


class ComposeError(DeskError):
    """It can't be put into words; says what is missing."""


def compose(letter: Letter, lang: Lang, catalog: Catalog, *, public_url: str = "") -> Text:
    """The text of one ticket. Names that hospitals or equipment chose are hostile: `render` strips what breaks out.

    Without `public_url` (such as https://steth.example) the number stands where the link would. A title or a model that
    the catalog lacks shows as its key: a ticket told with a gap is better than one not told. Raises ComposeError where
    the frame around it is unknown or lacks a parameter.
    """
    zone = zone_of(letter.zone)
    title = _title(letter, lang, catalog)
    known = guidance(catalog.models.get(letter.model), letter.title_params)
    params = {
        **letter.params,
        "severity": letter.severity,
        "number": letter.number,
        "device": letter.device,
        "model": letter.model,
        "site": f"{letter.org} {letter.site}",
        "title": title,
        "occurred": time_of(letter.occurred_ms).isoformat(),
        "stops": known.stops.get(lang) if known.stops is not None else NOTHING,
        "advice": known.advice.get(lang) if known.advice is not None else NOTHING,
        "parts": ("；" if lang == "zh" else "; ").join(_part(part, lang) for part in letter.parts) or NOTHING,
        "url": f"{public_url.rstrip('/')}/tickets/{letter.number}" if public_url else letter.number,
    }

    def words(which: str) -> str:
        return _words(f"{letter.message}.{which}", params, lang, catalog, model=letter.model, zone=zone)

    return Text(subject=words("subject"), body=words("body"), severity=letter.severity)


def summarise(letters: Sequence[Letter], lang: Lang, catalog: Catalog, *, public_url: str = "") -> Text:
    """One text for many (one or more): how many, how bad, where, the worst of them by name, the others counted.

    A ticket told of twice, as it opened and as it got worse, counts once, by the worse. Those closed by now come last.
    Raises ComposeError.
    """
    worst: dict[str, Letter] = {}
    for letter in letters:
        known = worst.get(letter.number)
        if known is None or _rank(letter) < _rank(known):
            worst[letter.number] = letter
    tickets = sorted(worst.values(), key=lambda letter: (letter.closed, _rank(letter), letter.occurred_ms))
    if len(tickets) == 1:
        return compose(tickets[0], lang, catalog, public_url=public_url)
    sites = list(dict.fromkeys((letter.org, letter.site) for letter in tickets))
    first = tickets[0]
    counts = [
        _words("notify.many.severity", {"severity": severity, "count": count}, lang, catalog)
        for severity in SEVERITIES
        if (count := sum(letter.severity == severity for letter in tickets))
    ]
    params = {
        "severity": first.severity,
        "count": len(tickets),
        "counts": counts,
        "site": f"{first.org} {first.site}",
        "sites": len(sites),
        "more": len(tickets) - LINES,
        "url": f"{public_url.rstrip('/')}/tickets" if public_url else NOTHING,
    }
    where = "notify.many" if len(sites) == 1 else "notify.many.sites"
    lines = [_line(letter, lang, catalog, with_site=len(sites) > 1) for letter in tickets[:LINES]]
    if len(tickets) > LINES:
        lines.append(_words("notify.many.more", params, lang, catalog))
    head = _words(f"{where}.body", params, lang, catalog)
    foot = [_words("notify.many.link", params, lang, catalog)] if public_url else []
    return Text(
        subject=_words(f"{where}.subject", params, lang, catalog),
        body="\n".join([head, *lines, *foot]),
        severity=first.severity,
    )


def trial(name: str, lang: Lang, catalog: Catalog) -> Text:
    """The text of a test message to the recipient of that name."""
    params = {"name": name}
    return Text(
        subject=_words("notify.test.subject", params, lang, catalog),
        body=_words("notify.test.body", params, lang, catalog),
        severity="warning",
    )


def _line(letter: Letter, lang: Lang, catalog: Catalog, *, with_site: bool) -> str:
    params = {
        "severity": letter.severity,
        "number": letter.number,
        "device": f"{letter.org} {letter.site} {letter.device}" if with_site else letter.device,
        "title": _title(letter, lang, catalog),
    }
    return _words("notify.many.line", params, lang, catalog)


def _title(letter: Letter, lang: Lang, catalog: Catalog) -> str:
    title = render(letter.title, letter.title_params, lang, catalog, model=letter.model, tz=zone_of(letter.zone))
    return _words("notify.closed", {"title": title}, lang, catalog) if letter.closed else title


def _rank(letter: Letter) -> int:
    return SEVERITIES.index(letter.severity)


def _words(
    message: str, params: Mapping[str, Any], lang: Lang, catalog: Catalog, *, model: str | None = None, zone: Any = UTC
) -> str:
    template = catalog.messages.get(message)
    if template is None:
        raise ComposeError(f"no message {message}")
    missing = sorted(name for name, _ in placeholders(template.get(lang)) if params.get(name) is None)
    if missing:
        raise ComposeError(f"{message} lacks {', '.join(missing)}")
    return render(message, params, lang, catalog, model=model, tz=zone)


def _part(part: PartRef, lang: Lang) -> str:
    spec = f"（{part.spec.zh}）" if lang == "zh" else f" ({part.spec.en})"
    return f"{part.name.get(lang)} ×{part.quantity}{spec}"
