"""The ways to people: chat robots and webhooks by a request of our own, mail and the rest by apprise."""

import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol, assert_never

import msgspec

from catalog.model import Severity
from desk.telling.addresses import Other, Webhook, parse
from desk.telling.apprised import Apprised, keep_log_inside
from desk.telling.inert import inert
from desk.telling.post import post
from desk.telling.reasons import RefusedError, judge_http
from desk.telling.robots import HOSTS, Kind, Robot, judge, order

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


class Channels:
    """Every way out. `hosts`: where the robots live, for tests; `clock`: seconds since 1970 UTC, to sign by."""

    def __init__(
        self,
        *,
        limit_s: float = LIMIT_S,
        hosts: Mapping[Kind, str] = HOSTS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._limit_s = limit_s
        self._hosts = hosts
        self._clock = clock
        self._apprised = Apprised(limit_s=limit_s)
        keep_log_inside()

    async def send(self, *, address: str, subject: str, body: str, severity: Severity) -> None:
        """See `Channel`."""
        match parse(address):
            case Robot() as robot:
                await self._say(robot, inert(f"{subject}\n{body}"))
            case Webhook() as hook:
                await self._call(hook, subject, body, severity)
            case Other():
                await self._apprised.send(address=address, subject=inert(subject), body=inert(body), severity=severity)
            case None:
                raise RefusedError("telling.address")
            case never:
                assert_never(never)

    async def _say(self, robot: Robot, text: str) -> None:
        out = order(robot, text, now_s=self._clock(), host=self._hosts[robot.kind])
        answer = await post(out.url, out.body, params=out.params, limit_s=self._limit_s)
        judge_http(answer.status, answer.headers, answer.start)
        judge(robot.kind, answer.start)

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
            method=hook.method,
            params=hook.params,
            headers=hook.headers,
            auth=(hook.user, hook.password) if hook.user else None,
            check=hook.check,
            limit_s=self._limit_s,
        )
        judge_http(answer.status, answer.headers, answer.start)
