"""What an address means: every kind that can be told, and the parameters of each. Nothing is sent or resolved here.

An address is a chat robot's https address as its page shows it, or a URL of one of five kinds. It holds passwords and
tokens: it stays inside these modules and the database. What isn't listed here isn't taken: an address that could
choose a method, headers, files or whom to trust would let its writer act with the server's hands.
"""

import re
from collections.abc import Mapping
from email.headerregistry import Address as Mailbox
from typing import Final, Literal, cast
from urllib.parse import parse_qsl, quote, unquote

from msgspec import Struct

from desk.errors import DeskError
from desk.telling.robots import KINDS, Kind, Robot, is_token, of_page
from desk.telling.targets import host_of, port_of

Security = Literal["insecure", "starttls", "ssl"]
MAIL_PORTS: Final[Mapping[Security, int]] = {"insecure": 25, "starttls": 587, "ssl": 465}
SENDER: Final = "Steth"

_URL: Final = re.compile(r"([A-Za-z]+)://([^/?#\\]*)([^?#\\]*)(?:\?([^#\\]*))?")
_PLACE: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?")
_SCHEMES: Final = frozenset({"json", "jsons", "mailto", "mailtos"}) | KINDS
_SCHEME: Final = re.compile(r"\s*([a-z][a-z0-9+.\-]{0,31})://", re.IGNORECASE)
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_MAIL: Final = re.compile(rf"(?=.{{3,254}}$){_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
"""RFC 5321's Mailbox without what nobody has: quoted names, address literals, letters outside ASCII."""
_FIELD: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_MAIL_PARAMETERS: Final = frozenset({"smtp", "to", "from", "name", "mode"})
_MOST_TO: Final = 20
_REST_S: Final = 3.0
_WEBHOOK_REST_S: Final = 1.0


class AddressError(DeskError):
    """An address that isn't taken. The message says what and what to do, and quotes nothing of it but its scheme."""


class Webhook(Struct, frozen=True, kw_only=True):
    """A program that takes JSON. `extra`: fields to add, to rename (`{"message": "text"}`) or to leave out."""

    url: str
    host: str
    port: int
    params: Mapping[str, str]
    extra: Mapping[str, str]
    user: str
    password: str


class Mail(Struct, frozen=True, kw_only=True):
    """People who read mail, and the server that takes it. `user` empty: it asks for none."""

    host: str
    port: int
    security: Security
    user: str
    password: str
    sender: Mailbox
    to: tuple[str, ...]


class _Url(Struct, frozen=True, kw_only=True):
    """A URL in its parts, decoded but for the path. `host`: as it was written."""

    scheme: str
    user: str
    password: str
    host: str
    port: int | None
    path: str
    params: Mapping[str, str]


def parse(address: str) -> Robot | Webhook | Mail:
    """What an address means. Raises AddressError."""
    robot = of_page(address)
    if robot is not None:
        return robot
    url = _split(address.strip())
    match url.scheme:
        case "json" | "jsons":
            return _webhook(url)
        case "mailto" | "mailtos":
            return _mail(url)
        case kind:
            return _robot(url, cast("Kind", kind))


def shown(address: str) -> str:
    """What of an address people and logs may see: its scheme, a robot's kind where its page's address was given."""
    robot = of_page(address)
    if robot is not None:
        return f"{robot.kind}://…"
    found = _SCHEME.match(address)
    return f"{found[1].lower()}://…" if found is not None else "…"


def rest_s(address: str) -> float:
    """Seconds to leave between two messages to an address: 20 a minute, which is what chat robots take; webhooks 60."""
    return _WEBHOOK_REST_S if shown(address) in {"json://…", "jsons://…"} else _REST_S


def _split(text: str) -> _Url:
    found = _URL.fullmatch(text)
    if found is None or not text.isprintable() or " " in text:
        raise AddressError(
            "is no URL that can be told: give a chat robot's https address, or scheme://host/…; write spaces, # and \\"
            " within it as %20, %23 and %5C"
        )
    scheme, authority, path, query = found[1].lower(), found[2], found[3], found[4] or ""
    if scheme not in _SCHEMES:
        raise AddressError(
            f"{scheme}://… can't be told: give a chat robot's https address, jsons://… for a program that takes JSON,"
            " or mailtos://… for mail"
        )
    login, _, place = authority.rpartition("@")
    user, _, password = login.partition(":")
    placed = _PLACE.fullmatch(place)
    host, port = ("", None) if placed is None else placed.groups()
    number = None if port is None else port_of(port)
    if port is not None and number is None:
        raise AddressError(f"{scheme}://… has a port that is none: a number from 1 to 65535 after the host")
    pairs = parse_qsl(query, keep_blank_values=True)
    params = dict(pairs)
    if len(params) != len(pairs):
        raise AddressError(f"{scheme}://… has a parameter twice: give each once")
    decoded = (unquote(user), unquote(password), *params, *params.values(), unquote(path))
    if not all(part.isprintable() for part in decoded):
        raise AddressError(f"{scheme}://… holds a control character: leave it out")
    return _Url(
        scheme=scheme, user=unquote(user), password=unquote(password), host=host, port=number, path=path, params=params
    )


def _host(text: str, scheme: str) -> str:
    host = host_of(text)
    if host is None:
        raise AddressError(
            f"{scheme}://… has a host that is none: give a name in ASCII letters (another script's as xn--…), or an"
            " address as 192.0.2.7 or [2001:db8::7]"
        )
    return host


def _robot(url: _Url, kind: Kind) -> Robot:
    mobiles = tuple(filter(None, url.path.split("/")))
    token = unquote(url.host)
    if not is_token(token) or url.port is not None or url.password or url.params:
        raise AddressError(f"{kind}://… is {kind}://token or {kind}://secret@token, without parameters")
    if (url.user and kind == "wecombot") or (mobiles and kind != "dingtalk"):
        raise AddressError(f"{kind}://… takes nothing but its token" + (" and secret" if kind != "wecombot" else ""))
    if not all(mobile.isascii() and mobile.lstrip("+").isdigit() for mobile in mobiles):
        raise AddressError("dingtalk://…/13800000000 calls up people by their numbers: digits alone")
    return Robot(kind=kind, token=token, secret=url.user, mobiles=mobiles)


def _webhook(url: _Url) -> Webhook:
    host = _host(url.host, url.scheme)
    params: dict[str, str] = {}
    extra: dict[str, str] = {}
    for name, value in url.params.items():
        if name[:1] not in {"-", ":"} or not _FIELD.fullmatch(name[1:]):
            raise AddressError(
                f"{url.scheme}://… takes the parameters -name=value (of the query) and :name=value (a field of the"
                " JSON) alone: no method, no headers, no verify. A program knows us by user:password@ or by a token"
                " in the path"
            )
        (params if name[0] == "-" else extra)[name[1:]] = value
    scheme, usual = ("https", 443) if url.scheme == "jsons" else ("http", 80)
    place = (f"[{host}]" if ":" in host else host) + (f":{url.port}" if url.port else "")
    return Webhook(
        url=f"{scheme}://{place}" + quote(url.path or "/", safe="/%:@!$&'()*+,;=~"),
        host=host,
        port=url.port or usual,
        params=params,
        extra=extra,
        user=url.user,
        password=url.password,
    )


def _mail(url: _Url) -> Mail:
    host = _host(url.host, url.scheme)
    security = url.params.get("mode", "starttls" if url.scheme == "mailtos" else "insecure").lower()
    if not url.params.keys() <= _MAIL_PARAMETERS or security not in MAIL_PORTS:
        raise AddressError(
            f"{url.scheme}://… takes the parameters smtp, to, from, name and mode (ssl, starttls or insecure) alone"
        )
    if url.scheme == "mailtos" and security == "insecure":
        raise AddressError("mailtos://…?mode=insecure contradicts itself: mailto://… is mail without TLS")
    own = f"{url.user.partition('@')[0]}@{host}"
    sender, name = url.params.get("from", ""), url.params.get("name", "")
    if sender and "@" not in sender:
        sender, name = "", name or sender
    sender = sender or own
    path = [unquote(part) for part in url.path.split("/")]
    to = tuple(part.strip() for part in (*path, *url.params.get("to", "").split(",")) if part.strip()) or (sender,)
    if not all(_MAIL.fullmatch(each) for each in (sender, *to)) or len(to) > _MOST_TO:
        raise AddressError(
            f"{url.scheme}://… names nobody whom mail reaches: give to=duty@example.com (at most {_MOST_TO}, between"
            " commas) and, where user@host isn't it, from=…"
        )
    return Mail(
        host=_host(url.params["smtp"], url.scheme) if url.params.get("smtp") else host,
        port=url.port or MAIL_PORTS[cast("Security", security)],
        security=cast("Security", security),
        user=url.user if url.password else "",
        password=url.password,
        sender=Mailbox(name or SENDER, *sender.split("@")),
        to=to,
    )
