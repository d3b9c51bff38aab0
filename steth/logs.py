"""Logs to stderr: JSON lines for machines, short lines for people; the libraries' own warnings come the same way.

Never a payload, never a password. Of an exception its type and where it was raised, never its message: it may quote
what a device sent. A line about a report carries `device`, `lane`, `epoch` and `seq`.
"""

import contextlib
import logging
import sys
from traceback import format_tb
from typing import Final, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

_MOST: Final = 500
"""Characters of a library's message."""


class _Unfailing:
    """Standard error; a line that it doesn't take, such as one into a file on a full disk, is lost and stops nobody."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


_UNFAILING: Final = cast(TextIO, _Unfailing())


def set_up_logs(style: Literal["json", "console"], process: str) -> None:
    """Make structlog and the libraries' own warnings write one way. Called once, by the entry point."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_message,
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    if style == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(_UNFAILING),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    handler = logging.StreamHandler(_UNFAILING)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _shorter, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _without_message(_: object, __: str, event: EventDict) -> EventDict:
    """An exception's type and frames instead of the exception."""
    given = event.pop("exc_info", None)
    if not given:
        return event
    if isinstance(given, BaseException):
        error: BaseException | None = given
    else:
        error = given[1] if isinstance(given, tuple) else sys.exc_info()[1]
    if error is not None:
        event["error"] = type(error).__qualname__
        event["where"] = format_tb(error.__traceback__)
    return event


def _shorter(_: object, __: str, event: EventDict) -> EventDict:
    """A library's first line is enough."""
    event["event"] = (str(event.get("event", "")).splitlines() or [""])[0][:_MOST]
    return event
