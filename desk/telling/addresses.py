"""Where a message may go: what an address means. Nothing is sent here.

An address is an apprise URL, or the https address that a chat robot's page shows. It holds passwords and tokens: it
stays inside these modules and the database.
"""

import re
from collections.abc import Mapping
from typing import Final

from apprise import Apprise, NotifyBase
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from apprise.plugins.wecombot import NotifyWeComBot
from msgspec import Struct

from desk.telling.apprised import asset, keep_log_inside
from desk.telling.robots import Robot, of_page

_SCHEME: Final = re.compile(r"\s*([a-z][a-z0-9+.\-]{0,31})://", re.IGNORECASE)
_REST_S: Final = 3.0
_WEBHOOK_REST_S: Final = 1.0


class Webhook(Struct, frozen=True, kw_only=True):
    """A program that takes JSON. `extra`: fields to add, to rename (`{"message": "text"}`) or to leave out.

    `check`: its certificate is looked at.
    """

    url: str
    method: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    extra: Mapping[str, str]
    user: str
    password: str
    check: bool


class Other(Struct, frozen=True, kw_only=True):
    """Mail, SMS gateways and whatever else apprise knows."""

    address: str


def parse(address: str) -> Robot | Webhook | Other | None:
    """What an address means; None if it means nothing. Never raises."""
    robot = of_page(address)
    if robot is not None:
        return robot
    keep_log_inside()
    match Apprise.instantiate(address, asset=asset(), suppress_exceptions=True):
        case NotifyDingTalk() as known:
            mobiles = tuple(str(mobile) for mobile in known.targets)
            return Robot(kind="dingtalk", token=known.token, secret=known.secret or "", mobiles=mobiles)
        case NotifyWeComBot() as known:
            return Robot(kind="wecombot", token=known.key)
        case NotifyFeishu() as known:
            return Robot(kind="feishu", token=known.token, secret=known.user or "")
        case NotifyLark() as known:
            return Robot(kind="lark", token=known.token, secret=known.user or "")
        case NotifyJSON() as known:
            return _webhook(known)
        case NotifyBase():
            return Other(address=address)
        case _:
            return None


def is_address(address: str) -> bool:
    """True if it can be told. For whoever stores a recipient."""
    return parse(address) is not None


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


def _webhook(known: NotifyJSON) -> Webhook:
    host = f"[{known.host}]" if ":" in known.host and not known.host.startswith("[") else known.host
    port = f":{known.port}" if known.port else ""
    return Webhook(
        url=f"{'https' if known.secure else 'http'}://{host}{port}{known.fullpath or '/'}",
        method=str(known.method),
        params=known.params,
        headers=known.headers,
        extra=known.payload_extras,
        user=known.user or "",
        password=known.password or "",
        check=known.verify_certificate,
    )
