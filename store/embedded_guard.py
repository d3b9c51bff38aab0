"""Ends the embedded server when whoever started it was killed, and clears what would be left of it."""

import contextlib
import subprocess
from pathlib import Path
from typing import Final

_ENDS_S: Final = 60
# A shell costs 1 MB, an interpreter of ours ten. It waits for a word or for the end of the pipe, which comes when our
# process is no more. A number may mean another process by then: the server's works in its data folder.
_SCRIPT: Final = """
read -r word
[ "$word" = over ] && exit 0
if [ -d /proc/self ]; then ours() { [ "/proc/$1/cwd" -ef "$2" ]; }; else ours() { kill -0 "$1"; }; fi
ours "$1" "$2" && kill -INT "$1"
left=%d
while ours "$1" "$2" && [ $left -gt 0 ]; do sleep 1; left=$((left - 1)); done
[ -z "$3" ] || rm -rf -- "$3"
"""


class Guard:
    """Of one server process. ``socket_folder``: a temporary one that ends with it."""

    def __init__(self, *, pid: int, data: Path, socket_folder: Path | None) -> None:
        self._shell = subprocess.Popen(  # noqa: S603 - our script, arguments of ours
            ["/bin/sh", "-c", _SCRIPT % _ENDS_S, "steth-postgres-guard", str(pid), data, str(socket_folder or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # what ends our whole group leaves it to do its work
        )

    def dismiss(self) -> None:
        """The server has ended in order, or is ended by us."""
        with contextlib.suppress(OSError):
            self._shell.communicate(b"over\n")
