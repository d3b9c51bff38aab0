"""Commands of the product as processes of their own, as they are installed."""

import contextlib
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.fixtures.ports import wait_until


@contextlib.contextmanager
def command(
    arguments: Sequence[str], *, environment: Mapping[str, str], log: Path, ready: str, folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that stands beside this Python, in `folder`, once `ready` (a URL) answers; asked to stop in the end."""
    program = Path(sys.executable).with_name(arguments[0])
    with log.open("ab") as out:
        process = subprocess.Popen(
            [program, *arguments[1:]],
            env={**os.environ, **environment},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        wait_until(
            lambda: process.poll() is not None or answers(ready), what=f"the start of {' '.join(arguments)}", seconds=60
        )
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(arguments)} ended at once:\n{log.read_text(errors='replace')[-2000:]}")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    """Whether there is a 200 at a URL of ours."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
