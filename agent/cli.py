"""``steth-agent CONFIG.toml``, ``steth-agent show CONFIG.toml``, ``steth-agent decode …``."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Final

import structlog

from agent.config.file import load, located
from agent.errors import AgentError, ConfigError, described
from agent.secrecy import exposed, leave_no_dumps

FAILED: Final = 1

_EPILOG: Final = """\
other commands:
  steth-agent show CONFIG.toml     print what would be read and sent, and run nothing
  steth-agent doctor CONFIG.toml   look at every part and say what is wrong and what to do
  steth-agent decode (dicom|astm|hl7|log) FILE…   print what would leave the device for these files
"""


def main() -> None:
    """The entry point."""
    leave_no_dumps()
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run a command; the exit code. 1: it can't run, with one clear line on stderr."""
    if argv[:1] == ["decode"]:
        from agent.show.decode import decode_main  # noqa: PLC0415  # each command loads only what it needs

        return decode_main(list(argv[1:]))
    if argv[:1] == ["doctor"]:
        return _doctor(argv[1:])
    try:
        return _show(argv[1:]) if argv[:1] == ["show"] else _agent(argv)
    except AgentError as error:
        sys.stderr.write(f"steth-agent: {error}\n")
        return FAILED


def _show(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="steth-agent show", description="Print what would be read and sent, and run nothing."
    )
    parser.add_argument("config", metavar="CONFIG.toml", type=Path)
    from agent.show.show import show  # noqa: PLC0415  # as above

    path: Path = parser.parse_args(argv).config
    try:
        sys.stdout.write(show(load(path)))
    except ConfigError as error:
        raise located(path, error) from None
    return 0


def _doctor(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="steth-agent doctor", description="Look at every part; exit 0 when nothing is broken, else 1."
    )
    parser.add_argument("config", metavar="CONFIG.toml", type=Path)
    parser.add_argument("--lang", choices=("zh", "en"), default="en", help="language of what it says")
    parser.add_argument("--json", action="store_true", help="one JSON object for each check")
    from agent.show.doctor import run as look  # noqa: PLC0415  # as above

    asked = parser.parse_args(argv)
    return look(asked.config, lang=asked.lang, as_objects=asked.json)


def _agent(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="steth-agent",
        description="Report from installed equipment: runs until it is stopped.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", metavar="CONFIG.toml", type=Path)
    path: Path = parser.parse_args(argv).config
    config = load(path)
    from agent.app import App  # noqa: PLC0415  # as above
    from agent.log import configure  # noqa: PLC0415  # as above

    configure()
    os.umask(0o077)  # outboxes and identities are nobody else's
    try:
        app = App(config=config)
    except ConfigError as error:
        raise located(path, error) from None
    for file in exposed(path, config):
        structlog.get_logger(part="agent").warning("other users may read or change it: chmod 600", file=str(file))
    # Not the proactor of Windows: paho's sockets are watched by the loop, which only the selector's can.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(_until_stopped(app.run()))
    return 0


FAREWELL_S: Final = 5.0
"""Between being asked to stop and ending whatever happens."""


async def _until_stopped(running: Coroutine[None, None, None]) -> None:
    """End cleanly on Ctrl-C and SIGTERM: farewell to the broker, outboxes committed."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_unexpected)
    task = loop.create_task(running, name="agent")

    def stop(*_: object) -> None:
        loop.call_soon_threadsafe(task.cancel)
        # asyncio.wait_for of Python 3.11, in aiomqtt, may swallow a cancellation. What was taken is committed: end.
        loop.call_soon_threadsafe(loop.call_later, FAREWELL_S, os._exit, 0)

    # Not loop.add_signal_handler, which Windows lacks.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _unexpected(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Not asyncio's own handler: it would print the error's text, which could quote the equipment."""
    error = context.get("exception")
    what = described(error) if isinstance(error, BaseException) else "none"
    structlog.get_logger(part="agent").error("unexpected", error=what)
