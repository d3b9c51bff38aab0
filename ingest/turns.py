"""Periodic tasks of a process: a turn that fails is logged, and the task goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from traceback import format_tb
from typing import Final

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from store.errors import kind_of

_log: Final = structlog.get_logger("ingest")
LONGEST_S: Final = 5.0
"""Between two turns that fail: shorter than a lease is long, so that what was a moment's trouble costs no partition."""


async def take_turns(
    name: str, turn: Callable[[], Awaitable[None]], *, every_s: float, sooner: asyncio.Event | None = None
) -> None:
    """Do `turn` until cancelled, `every_s` seconds after the last one ended, or as soon as `sooner` is set.

    A turn that fails is said once for each kind in a row (type, code, place; the message only of what is about a
    connection, for others may quote a device's data). One that fails for what nobody foresaw comes back ever later.
    """
    failures = 0
    said = ""
    while True:
        try:
            await turn()
        except (psycopg.Error, PoolTimeout, OSError) as error:
            if (kind := f"{type(error).__name__} {getattr(error, 'sqlstate', None) or ''}".strip()) != said:
                said = kind
                _log.warning("turn_failed", task=name, error=kind, message=(str(error).strip().splitlines() or [""])[0])
            failures = 0
        except Exception as error:  # noqa: BLE001 - the others go on: one device's oddity must not end the process
            failures += 1
            if (kind := kind_of(error)) != said:
                said = kind
                _log.error("turn_failed", task=name, error=type(error).__name__, where=format_tb(error.__traceback__))
        else:
            if said:
                _log.info("turn_works_again", task=name)
            failures, said = 0, ""
        rest_s = every_s if failures == 0 else min(every_s * 2.0 ** min(failures, 10), max(every_s, LONGEST_S))
        if sooner is None:
            await asyncio.sleep(rest_s)
            continue
        try:
            async with asyncio.timeout(rest_s):
                await sooner.wait()
        except TimeoutError:
            pass
        sooner.clear()
