"""Ends the processes of a server whose parent was killed."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import psutil


def stop_processes_of(data: Path, *, postmaster: int | None) -> None:
    """Stop every server process at work in the data folder; return when none is left.

    They are told by their program and their working folder, which is the data folder itself for each process of a
    PostgreSQL server: a process number alone may by now be somebody else's.
    `postmaster` is the number in postmaster.pid, if any; it is asked first and ends the others in order (up to 30 s,
    for its last checkpoint). Without one the rest ends by itself or, a query that notices nothing, after 5 s by
    signal; the data is then recovered at the next start.
    """
    processes = _processes_in(data)
    head = [process for process in processes if process.pid == postmaster]
    _signal_and_wait(head, signal.SIGINT, seconds=30)
    _wait(_processes_in(data), seconds=5)
    for how in (signal.SIGQUIT, signal.SIGKILL):
        _signal_and_wait(_processes_in(data), how, seconds=5)


def _signal_and_wait(processes: Sequence[psutil.Process], how: signal.Signals, *, seconds: float) -> None:
    for process in processes:
        try:
            process.send_signal(how)  # psutil checks that the number still means the same process
        except psutil.NoSuchProcess:
            continue
    _wait(processes, seconds=seconds)


def _wait(processes: Sequence[psutil.Process], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(map(_works, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)


def _works(process: psutil.Process) -> bool:
    # Not psutil's own waiting: a zombie, which no init reaps in many a container, would count as alive.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _processes_in(folder: Path) -> list[psutil.Process]:
    wanted = folder.stat()
    found = []
    for process in psutil.process_iter(["name", "cwd"]):
        cwd = process.info["cwd"]  # None where it isn't ours to see
        if not cwd or process.info["name"] != "postgres":
            continue
        try:
            if os.path.samestat(Path(cwd).stat(), wanted):
                found.append(process)
        except OSError:
            continue  # its folder is gone or closed to us
    return found
