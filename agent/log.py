"""How the agent logs: structured lines on stderr, JSON unless a person looks. Never a payload, never a value."""

import contextlib
import logging
import sys
from typing import Final

import structlog

_QUIET: Final = ("mqtt", "asyncio")


class _Lines:
    """Writes to stderr as it is now. A pipe that was closed, or a Windows service without any, loses the line and
    nothing else: the agent works on."""

    def msg(self, line: str) -> None:
        """Write a line, if anybody reads it."""
        if sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(line + "\n")
                sys.stderr.flush()

    debug = info = warning = error = critical = msg


def configure() -> None:
    """Set up structlog for this process; called by the entry point alone."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr is not None and sys.stderr.isatty():
        shared.append(structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback))
    else:
        shared.append(structlog.processors.JSONRenderer(ensure_ascii=False))
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=False,
    )
    # aiomqtt and paho say what our own lines say already.
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
