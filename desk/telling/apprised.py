"""Mail, SMS gateways and the rest by apprise, each message in a process of its own.

apprise blocks, and a thread can't be stopped: a receiver that drips or never ends an answer would keep one for ever. A
process is killed when its time is over and may take so much memory and no more. What apprise and urllib3 log may quote
an address, so their logs end here.
"""

import asyncio
import logging
import os
import re
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec
import requests
from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, PersistentStoreMode
from msgspec import Struct

from catalog.model import Severity
from desk.telling.post import MOST_BYTES
from desk.telling.reasons import RefusedError, TellingError, TooFastError, judge_http

MOST_MEMORY: Final = 1 << 30
"""Bytes of address space of a process that sends; apprise at work takes a third."""
_AT_A_TIME: Final = 8
_TYPES: Final[Mapping[Severity, NotifyType]] = {
    "critical": NotifyType.FAILURE,
    "major": NotifyType.FAILURE,
    "minor": NotifyType.WARNING,
    "warning": NotifyType.WARNING,
}
_QUIET: Final[Mapping[str, int]] = {
    "apprise": logging.DEBUG,
    "urllib3": logging.CRITICAL,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
}
_SMTP: Final = re.compile(r"\((\d{3}), b['\"]")
_NO_CONNECTION: Final = re.compile(r"[Cc]onnection error|Socket Exception")
_FATES: Final[Mapping[str, type[TellingError]]] = {
    kind.__name__: kind for kind in (TellingError, RefusedError, TooFastError)
}


class _Job(Struct, frozen=True, kw_only=True):
    address: str
    subject: str
    body: str
    severity: Severity
    limit_s: float


class _Fate(Struct, frozen=True, kw_only=True):
    """What became of it; `kind` empty: told."""

    kind: str = ""
    message: str = ""
    params: dict[str, str | int] = {}
    wait_s: float = 0.0


class Apprised:
    """Sends by apprise, a few at a time."""

    def __init__(self, *, limit_s: float) -> None:
        self._limit_s = limit_s
        self._places = asyncio.Semaphore(_AT_A_TIME)

    async def send(self, *, address: str, subject: str, body: str, severity: Severity) -> None:
        """Returns when the receiver has taken it. Raises TellingError."""
        job = _Job(address=address, subject=subject, body=body, severity=severity, limit_s=self._limit_s)
        async with self._places:
            said = await self._apart(msgspec.json.encode(job))
        try:
            fate = msgspec.json.decode(said, type=_Fate)
        except msgspec.DecodeError:
            raise TellingError("telling.unreadable") from None  # it died of its limits
        if fate.kind:
            raise _FATES[fate.kind](fate.message, wait_s=fate.wait_s, **fate.params)

    async def _apart(self, job: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self._limit_s):
                said, _ = await process.communicate(job)
        except TimeoutError:
            raise TellingError("telling.no_answer", seconds=round(self._limit_s)) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return said


def asset() -> AppriseAsset:
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


def keep_log_inside() -> None:
    """Let nobody else hear what the libraries log: addresses, and in them tokens.

    The debug lines of apprise go to `reason_of` alone, which finds a mail server's status nowhere else.
    """
    quiet = {
        "apprise": logging.DEBUG,
        "urllib3": logging.CRITICAL,
        "httpx": logging.WARNING,
        "httpcore": logging.WARNING,
    }
    for name, level in quiet.items():
        log = logging.getLogger(name)
        log.propagate = False
        log.setLevel(level)
        if not log.handlers:
            log.addHandler(logging.NullHandler())


def reason_of(log: Iterable[str]) -> TellingError:
    """Why a message did not get through without an HTTP answer, from what apprise logged: a mail server's status
    (RFC 5321: 4yz may heal, 5yz doesn't) or nothing but our own words."""
    text = "\n".join(log)
    if found := _SMTP.search(text):
        status = int(found[1])
        return (TellingError if status < 500 else RefusedError)("telling.smtp", status=status)
    return TellingError("telling.no_connection") if _NO_CONNECTION.search(text) else RefusedError("telling.refused")


def _notify(job: _Job) -> None:
    """Send, in a process of its own. Raises TellingError."""
    answers: list[requests.Response] = []
    send = requests.Session.send

    def watched(*args: Any, **kwargs: Any) -> requests.Response:
        """What a plug-in makes of an answer is its own affair; whether it was one is ours."""
        answers[:] = [send(*args, **kwargs)]
        return answers[0]

    requests.Session.send = watched  # type: ignore[method-assign]
    keep_log_inside()
    service = Apprise(asset=asset())
    if not service.add(job.address):
        raise RefusedError("telling.address")
    result = service.notify(
        title=job.subject,
        body=job.body,
        body_format=NotifyFormat.TEXT,
        notify_type=_TYPES[job.severity],
        log_level=logging.DEBUG,
    )
    with result:
        for answer in answers:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            headers.pop("content-encoding", None)  # requests has unpacked it
            judge_http(answer.status_code, headers, answer.content[:MOST_BYTES])
        if not result:
            raise reason_of(entry.message for entry in result.logs())


def _limit(limit_s: float) -> None:
    """End by ourselves should nobody be left to end us."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not everywhere

        signal.setitimer(signal.ITIMER_REAL, limit_s + 2)
        with suppress(ValueError, OSError):  # macOS knows no such limit
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def main() -> None:
    """One job from standard input; its fate to standard output."""
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a plug-in that prints says it to nobody
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=_Job)
    _limit(job.limit_s)
    try:
        _notify(job)
        fate = _Fate()
    except TellingError as error:
        fate = _Fate(kind=type(error).__name__, message=error.message, params=error.params, wait_s=error.wait_s)
    except Exception:  # noqa: BLE001 - a plug-in's own failure is none of ours
        fate = _Fate(kind="RefusedError", message="telling.refused")
    os.write(out, msgspec.json.encode(fate))
    os._exit(0)  # whatever thread a plug-in left behind


if __name__ == "__main__":
    main()
