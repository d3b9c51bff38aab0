"""Processes of embedded servers, as the machine shows them."""

from pathlib import Path

import psutil


def servers_on(folder: Path) -> list[psutil.Process]:
    """The processes of servers whose data lie below a folder."""
    return [
        process
        for process in psutil.process_iter(["name", "cwd"])
        if process.info["name"] == "postgres" and (process.info["cwd"] or "").startswith(f"{folder}/")
    ]


def guards_of(pid: int) -> list[psutil.Process]:
    marks = ("steth-postgres-guard", str(pid))
    return [p for p in psutil.process_iter(["cmdline"]) if all(mark in (p.info["cmdline"] or ()) for mark in marks)]
