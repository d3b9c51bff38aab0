"""Why a message did not get through, and whether trying again may help. Pure.

A reason is a message of the catalog with parameters, told in the reader's language. It holds nothing of the address and
nothing that the receiver wrote but numbers.
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from desk.errors import DeskError

TOO_FAST_S: Final = 60.0
"""How long a receiver that says "too fast" is left alone if it doesn't say how long."""
_MOST_WAIT_S: Final = 3600.0
_PAGE: Final = (b"<!doctype html", b"<html", b"<head", b"<body")


class TellingError(DeskError):
    """A message was not delivered, as far as we know: the receiver is out of reach or failing. Sent again for hours.

    `wait_s`: how long it asked to be left alone, 0 if it didn't.
    """

    def __init__(self, message: str, *, wait_s: float = 0.0, **params: str | int) -> None:
        shown = ", ".join(f"{name} {value}" for name, value in params.items())
        super().__init__(f"{message} ({shown})" if shown else message)
        self.message = message
        self.params = params
        self.wait_s = wait_s


class RefusedError(TellingError):
    """The receiver answered and doesn't want it: a wrong token never heals. Given up after a few tries."""


class TooFastError(TellingError):
    """The receiver takes no more for now; that says nothing against the message, and counts as no attempt."""


def check_http(status: int, headers: Mapping[str, str], start: bytes) -> None:
    """Whether an HTTP answer says that the message was taken: any 2xx but a web page.

    `headers`: by lower-case name; `start`: of the body. Raises TellingError. A page with status 200 is a login page, a
    captive portal or a wrong address: whoever answered did not read the message.
    """
    if status == 429:
        raise TooFastError("telling.too_fast", wait_s=_retry_after_s(headers) or TOO_FAST_S)
    if status in {408, 425} or status >= 500:
        raise TellingError("telling.status", wait_s=_retry_after_s(headers), status=status)
    if 300 <= status < 400:
        raise RefusedError("telling.redirected", status=status)
    if not 200 <= status < 300:
        raise RefusedError("telling.status", status=status)
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    html = "html" in headers.get("content-type", "").lower()
    packed = headers.get("content-encoding", "identity").lower() != "identity"  # a program's "ok" is never so long
    if text.startswith(_PAGE) or (html and (packed or text.startswith(b"<"))):
        raise RefusedError("telling.page")


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """RFC 9110 10.2.3: seconds, or a date, which is measured by the receiver's own clock. 0: it doesn't say."""
    said = headers.get("retry-after", "").strip()
    try:
        if said.isascii() and said.isdigit():
            seconds = float(said[:9])
        else:
            until, now = (parsedate_to_datetime(text) for text in (said, headers.get("date", "")))
            seconds = (until - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 1.0), _MOST_WAIT_S)
