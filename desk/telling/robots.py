"""Robots of chat groups: DingTalk, WeCom, Feishu and Lark. Pure.

They refuse with HTTP status 200 and a code in the body, so that only the code says whether a message was taken. The
codes are those of their own documentation (open.dingtalk.com "custom robot", developer.work.weixin.qq.com "group
robot" and "global error codes", open.feishu.cn "custom bot").
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct

from desk.telling.reasons import TOO_FAST_S, RefusedError, TellingError, TooFastError

Kind = Literal["dingtalk", "wecombot", "feishu", "lark"]
HOSTS: Final[Mapping[Kind, str]] = {
    "dingtalk": "https://oapi.dingtalk.com",
    "wecombot": "https://qyapi.weixin.qq.com",
    "feishu": "https://open.feishu.cn",
    "lark": "https://open.larksuite.com",
}
KINDS: Final = frozenset(HOSTS)
_NAMES: Final[Mapping[Kind, str]] = {"dingtalk": "DingTalk", "wecombot": "WeCom", "feishu": "Feishu", "lark": "Lark"}
_PATHS: Final[Mapping[Kind, str]] = {
    "dingtalk": "/robot/send",
    "wecombot": "/cgi-bin/webhook/send",
    "feishu": "/open-apis/bot/v2/hook/",
    "lark": "/open-apis/bot/v2/hook/",
}
_MOST_BYTES: Final[Mapping[Kind, int]] = {"dingtalk": 18_000, "wecombot": 2_048, "feishu": 18_000, "lark": 18_000}
"""Of a text: WeCom takes 2,048 bytes, the others 20,000 with all that is around it."""

_TOO_FAST: Final[Mapping[Kind, frozenset[int]]] = {
    "dingtalk": frozenset({130101, 410100, 90018}),
    "wecombot": frozenset({45009, 45033}),
    "feishu": frozenset({11232, 11233, 230020, 99991400}),
    "lark": frozenset({11232, 11233, 230020, 99991400}),
}
_BUSY: Final = frozenset({-1})
_SETTINGS: Final[Mapping[Kind, frozenset[int]]] = {
    "dingtalk": frozenset({310000}),
    "wecombot": frozenset(),
    "feishu": frozenset({19021, 19022, 19024}),
    "lark": frozenset({19021, 19022, 19024}),
}
"""The robot's own security settings: a keyword, a signature, or the addresses it takes messages from."""
_UNKNOWN: Final[Mapping[Kind, frozenset[int]]] = {
    "dingtalk": frozenset({300001, 300005, 400013, 400101, 400102, 400106}),
    "wecombot": frozenset({93000, 93004, 93008}),
    "feishu": frozenset({19001}),
    "lark": frozenset({19001}),
}
"""There is no such robot any more, or it was switched off."""


class Robot(Struct, frozen=True, kw_only=True):
    """A robot's address. `secret`: to sign with, empty where it takes unsigned messages; `mobiles`: people to call up
    (DingTalk)."""

    kind: Kind
    token: str
    secret: str = ""
    mobiles: tuple[str, ...] = ()


class Order(Struct, frozen=True, kw_only=True):
    """What is to be posted: query parameters and a JSON body."""

    url: str
    params: Mapping[str, str]
    body: bytes


def of_page(address: str) -> Robot | None:
    """The robot whose https address was copied from its page; `&secret=…` may be added to it. None: it is no such."""
    try:
        parts = urlsplit(address.strip())
        kind = next((kind for kind, host in HOSTS.items() if f"{parts.scheme}://{parts.netloc}".lower() == host), None)
    except ValueError:
        return None
    if kind is None:
        return None
    query = dict(parse_qsl(parts.query))
    if kind in {"feishu", "lark"}:
        token = parts.path.removeprefix(_PATHS[kind]).rstrip("/") if parts.path.startswith(_PATHS[kind]) else ""
    else:
        at_home = parts.path.rstrip("/") == _PATHS[kind]
        token = query.get("access_token" if kind == "dingtalk" else "key", "") if at_home else ""
    return Robot(kind=kind, token=token, secret=query.get("secret", "")) if is_token(token) else None


def is_token(text: str) -> bool:
    """Whether it can be a robot's token: it may become part of a path."""
    return text.isascii() and text.replace("-", "").replace("_", "").isalnum()


def order(robot: Robot, text: str, *, now_s: float, host: str) -> Order:
    """The request that has a robot say `text`, signed at `now_s` (s since 1970 UTC)."""
    text = _cut(text, _MOST_BYTES[robot.kind])
    params: dict[str, str] = {}
    body: dict[str, Any]
    path = _PATHS[robot.kind]
    match robot.kind:
        case "dingtalk":
            params = {"access_token": robot.token}
            if robot.secret:
                at = str(round(now_s * 1000))
                params |= {"timestamp": at, "sign": _sign(robot.secret, f"{at}\n{robot.secret}")}
            body = {"msgtype": "text", "text": {"content": text}}
            if robot.mobiles:
                body["at"] = {"atMobiles": list(robot.mobiles), "isAtAll": False}
        case "wecombot":
            params = {"key": robot.token}
            body = {"msgtype": "text", "text": {"content": text}}
        case "feishu" | "lark":
            path += robot.token
            body = {"msg_type": "text", "content": {"text": text}}
            if robot.secret:
                at = str(int(now_s))
                body = {"timestamp": at, "sign": _sign(f"{at}\n{robot.secret}", ""), **body}
    return Order(url=host + path, params=params, body=msgspec.json.encode(body))


def check_answer(kind: Kind, start: bytes) -> None:
    """Whether a robot's answer (status 2xx, no page) says that it took the message. Raises TellingError."""
    code, said = _code(kind, start)
    if code is None:
        raise RefusedError("telling.unreadable")
    if code == 0:
        return
    if code in _TOO_FAST[kind] or (code == 9499 and "too many" in said):
        raise TooFastError("telling.too_fast", wait_s=TOO_FAST_S)
    if code in _BUSY:
        raise TellingError("telling.code", receiver=_NAMES[kind], code=code)
    known = (("telling.robot_settings", _SETTINGS), ("telling.robot_unknown", _UNKNOWN))
    message = next((message for message, codes in known if code in codes[kind]), "telling.code")
    raise RefusedError(message, receiver=_NAMES[kind], code=code)


def _code(kind: Kind, start: bytes) -> tuple[int | None, str]:
    """Code and text of an answer. Feishu's older answers say StatusCode instead of code; both must be 0."""
    try:
        answer = msgspec.json.decode(start.removeprefix(b"\xef\xbb\xbf"), type=dict[str, Any])
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None, ""
    names, text = (("code", "StatusCode"), "msg") if kind in {"feishu", "lark"} else (("errcode",), "errmsg")
    codes = [answer[name] for name in names if name in answer]
    if not codes or not all(type(code) is int for code in codes):
        return None, ""
    return next((code for code in codes if code != 0), 0), str(answer.get(text, "")).lower()


def _sign(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _cut(text: str, most: int) -> str:
    """At most so many bytes as they stand in JSON, cut between characters: the longest lines first, so that each ticket
    of a summary keeps its number, and the last line its link."""
    if _bytes(text) <= most:
        return text
    lines = text.split("\n")
    short, long = 0, most
    while short < long:  # the most bytes that each line may have
        middle = (short + long + 1) // 2
        if _bytes("\n".join(_shorten(line, middle) for line in lines)) <= most:
            short = middle
        else:
            long = middle - 1
    if not short:
        return _shorten(text, most)
    return "\n".join(_shorten(line, short) for line in lines)


def _shorten(line: str, most: int) -> str:
    if _bytes(line) <= most:
        return line
    kept = line.encode()[: max(0, most - 3)].decode("utf-8", "ignore")
    while kept and _bytes(kept) > most - 3:  # what is escaped takes more
        kept = kept[: -max(1, (_bytes(kept) - most + 3) // 6)]
    return kept + "…"


def _bytes(text: str) -> int:
    return len(msgspec.json.encode(text)) - 2
