"""The way to people: e-mail, webhooks, DingTalk, WeCom, Feishu, SMS gateways, through apprise.

An address is an apprise URL, which holds passwords and tokens: it stays inside this module and the database. What
apprise and urllib3 log may quote it, so their logs end here, and an error is a few words of ours with a status code.
"""

import asyncio
import logging
import re
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, Protocol

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, PersistentStoreMode

from catalog.model import Severity
from desk.errors import DeskError

LIMIT_S: Final = 20.0
"""For one message, from the first connection to the receiver's answer."""
_ROBOTS: Final = frozenset({"dingtalk", "feishu", "lark", "wecombot"})
_ROBOT_PAUSE_S: Final = 3.0
_TYPES: Final = {
    "critical": NotifyType.FAILURE,
    "major": NotifyType.FAILURE,
    "minor": NotifyType.WARNING,
    "warning": NotifyType.WARNING,
}
_HTTP: Final = re.compile(r"\berror=(\d{3})\b")
_SMTP: Final = re.compile(r"\((\d{3}), b['\"]")
_NO_CONNECTION: Final = re.compile(r"[Cc]onnection error|Socket Exception")
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.\-]{0,31})://", re.IGNORECASE)


class TellingError(DeskError):
    """A message did not get through, as far as we know. Names no part of the address."""


class Channel(Protocol):
    """A way to send one message to one address."""

    async def send(self, *, address: str, subject: str, body: str, severity: Severity) -> None:
        """Returns when the receiver has taken it; raises TellingError when it has not, or not within the time limit."""


def is_address(address: str) -> bool:
    """True if apprise understands it. For whoever stores a recipient; nothing is sent."""
    _keep_log_inside()
    return Apprise.instantiate(address, asset=_asset(), suppress_exceptions=True) is not None


def shown(address: str) -> str:
    """What of an address people and logs may see: its scheme."""
    found = _SCHEME.match(address)
    return f"{found[1].lower()}://…" if found is not None else "…"


def pause_s(address: str) -> float:
    """Seconds to leave between two messages to an address, on average: chat robots refuse more than 20 a minute."""
    found = _SCHEME.match(address)
    return _ROBOT_PAUSE_S if found is not None and found[1].lower() in _ROBOTS else 0.0


class AppriseChannel:
    """Sends in a thread for each message, since apprise blocks and a thread can't be stopped.

    A message beyond the limit is given up and its thread left to end by itself; until then the same address is refused,
    so that a dead receiver costs one thread and nobody else's time.
    """

    def __init__(self, *, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._asset = _asset()
        self._under_way: dict[str, threading.Thread] = {}
        _keep_log_inside()

    async def send(self, *, address: str, subject: str, body: str, severity: Severity) -> None:
        """See `Channel`."""
        self._under_way = {known: thread for known, thread in self._under_way.items() if thread.is_alive()}
        if address in self._under_way:
            raise TellingError("the message before has not come to an end")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()

        def settle(reason: str) -> None:
            if not answer.done():
                answer.set_result(reason)

        def work() -> None:
            reason = self._notify(address, subject, body, severity)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, reason)

        thread = threading.Thread(target=work, name=f"tell {shown(address)}", daemon=True)
        self._under_way[address] = thread
        thread.start()
        try:
            async with asyncio.timeout(self._limit_s):
                reason = await answer
        except TimeoutError:
            raise TellingError(f"no answer within {self._limit_s:g} s") from None
        if reason:
            raise TellingError(reason)

    def _notify(self, address: str, subject: str, body: str, severity: Severity) -> str:
        """In a thread: empty if it got through, else why not."""
        service = Apprise(asset=self._asset)
        if not service.add(address):
            return "the address is not understood"
        result = service.notify(
            title=subject,
            body=body,
            body_format=NotifyFormat.TEXT,
            notify_type=_TYPES[severity],
            log_level=logging.DEBUG,
        )
        with result:
            return "" if result else reason_of(entry.message for entry in result.logs())


def reason_of(log: Iterable[str]) -> str:
    """Why a message did not get through, from what apprise logged: its status code or nothing but our own words."""
    text = "\n".join(log)
    if found := _HTTP.search(text):
        return f"HTTP status {found[1]}"
    if found := _SMTP.search(text):
        return f"SMTP status {found[1]}"
    return "no connection" if _NO_CONNECTION.search(text) else "refused"


def _keep_log_inside() -> None:
    """Let nobody else hear what the libraries log: addresses, and in them tokens.

    The debug lines go to `reason_of` alone, which finds a mail server's status nowhere else.
    """
    for name, level in (("apprise", logging.DEBUG), ("urllib3", logging.CRITICAL)):
        log = logging.getLogger(name)
        log.propagate = False
        log.setLevel(level)
        if not log.handlers:
            log.addHandler(logging.NullHandler())


def _asset() -> AppriseAsset:
    """No memory on disk, no keys made, no thread but ours, no redirect followed: it would carry the token elsewhere."""
    return AppriseAsset(
        app_id="Steth",
        app_desc="Steth",
        app_url="",
        storage_mode=PersistentStoreMode.MEMORY,
        service_timeout=0,
        allow_templates=False,
        async_mode=False,
        secure_logging=True,
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
    )
