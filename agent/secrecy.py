"""What nobody else on the machine may see: the agent's memory, which holds what the equipment says, and its secrets."""

import contextlib
import stat
import sys
from pathlib import Path
from typing import Final

from agent.config.shapes import Config

_OTHERS: Final = stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP


def leave_no_dumps() -> None:
    """When this process or one that it starts crashes, nothing of its memory gets onto a disk. For each entry point.

    The limit keeps the kernel from writing a file; a program that takes dumps from it, as systemd's does, gets one
    without any of the memory (Linux, core(5)). Not ``PR_SET_DUMPABLE``: it would give /proc/PID to root, and ``steth
    up`` looks there at what it started. Windows has no such switch of a process: docs/equipment.md.
    """
    if sys.platform != "win32":
        from agent.posix import no_core_files  # noqa: PLC0415 - not on Windows

        no_core_files()
        with contextlib.suppress(OSError):  # only Linux has it
            Path("/proc/self/coredump_filter").write_text("0", "ascii")


def exposed(file: Path, config: Config) -> list[Path]:
    """Which of the configuration's file and of the keys and passwords it names other users may read, or change."""
    server = config.server
    named = [server.key, server.password_file, server.proxy_password_file, *(device.key for device in config.devices)]
    paths = dict.fromkeys([file, *(Path(name) for name in named if name is not None)])
    return [path for path in paths if _mode(path) & _OTHERS]


def _mode(path: Path) -> int:
    if sys.platform != "win32":  # there the mode says nothing of who may do what
        with contextlib.suppress(OSError):  # whoever needs it will say so
            return path.stat().st_mode
    return 0
