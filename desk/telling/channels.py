"""The ways to people: chat robots and webhooks by an HTTP request, mail by SMTP."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol, assert_never

import msgspec

from catalog.model import Severity
from desk.telling.addresses import AddressError, Mail, Webhook, parse
from desk.telling.inert import inert
from desk.telling.mail import post_mail
from desk.telling.post import post
from desk.telling.reasons import RefusedError, TellingError, check_http
from desk.telling.robots import HOSTS, Kind, Robot, check_answer, order
from desk.telling.targets import Use
from desk.telling.way import Way

LIMIT_S: Final = 20.0
"""For one message, from the first step to the end of the receiver's answer."""
_TYPES: Final[Mapping[Severity, str]] = {
    "critical": "failure",
    "major": "failure",
    "minor": "warning",
    "warning": "warning",
}


class Channel(Protocol):
    """A way to send one message to one address."""

    async def send(self, *, address: str, subject: str, body: str, severity: Severity) -> None:
        """Returns when the receiver has said that it took it; raises TellingError when it has not within the limit."""

    async def check(self, address: str) -> None:
        """Returns unless nothing may be sent there, without sending anything. Raises TellingError."""


class Channels:
    """Every way out. `hosts`: where the robots live, for tests; `clock`: seconds since 1970 UTC, to sign by.

    `proxy`: the URL of an HTTP proxy to the robots; empty: there is none.
    """

    def __init__(
        self,
        *,
        way: Way,
        proxy: str = "",
        limit_s: float = LIMIT_S,
        hosts: Mapping[Kind, str] = HOSTS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._way = way
        self._proxy = proxy or None
        self._limit_s = limit_s
        self._hosts = hosts
        self._clock = clock
        for name in ("httpx", "httpcore"):  # they log addresses, and in them tokens
            logging.getLogger(name).setLevel(logging.WARNING)

    async def send(self, *, address: str, subject: str, body: str, severity: Severity) -> None:
        """See `Channel`."""
        match _meant(address):
            case Robot() as robot:
                await self._say(robot, inert(f"{subject}\n{body}"))
            case Webhook() as hook:
                await self._call(hook, subject, body, severity)
            case Mail() as mail:
                await post_mail(mail, inert(subject), inert(body), way=self._way, limit_s=self._limit_s)
            case never:
                assert_never(never)

    async def check(self, address: str) -> None:
        """See `Channel`. A robot's host is nobody's choice."""
        match _meant(address):
            case Webhook() as hook:
                await self._is_open(hook.host, hook.port, "web")
            case Mail() as mail:
                await self._is_open(mail.host, mail.port, "mail")
            case Robot():
                pass
            case never:
                assert_never(never)

    async def _is_open(self, host: str, port: int, use: Use) -> None:
        try:
            async with asyncio.timeout(self._limit_s):
                await self._way.addresses(host, port, use)
        except TimeoutError:
            raise TellingError("telling.no_answer", seconds=round(self._limit_s)) from None

    async def _say(self, robot: Robot, text: str) -> None:
        out = order(robot, text, now_s=self._clock(), host=self._hosts[robot.kind])
        answer = await post(
            out.url, out.body, way=self._way, params=out.params, limit_s=self._limit_s, proxy=self._proxy
        )
        check_http(answer.status, answer.headers, answer.start)
        check_answer(robot.kind, answer.start)

    async def _call(self, hook: Webhook, subject: str, body: str, severity: Severity) -> None:
        fields: dict[str, object] = {
            "version": "1.0",
            "title": subject,
            "message": body,
            "attachments": [],
            "type": _TYPES[severity],
        }
        for name, value in hook.extra.items():
            if name not in fields:
                fields[name] = value
            elif value:
                fields[value] = fields.pop(name)
            else:
                del fields[name]
        answer = await post(
            hook.url,
            msgspec.json.encode(fields),
            way=self._way,
            params=hook.params,
            auth=(hook.user, hook.password) if hook.user else None,
            limit_s=self._limit_s,
        )
        check_http(answer.status, answer.headers, answer.start)


def _meant(address: str) -> Robot | Webhook | Mail:
    try:
        return parse(address)
    except AddressError:
        raise RefusedError("telling.address_not_allowed") from None
