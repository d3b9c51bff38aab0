"""A child of `steth up` ends with it, however that ended: it holds the other end of our standard input."""

import os
import signal
import sys
import threading
import time
from typing import Final

VARIABLE: Final = "STETH_LIFELINE"
GRACE_S: Final = 8.0


def hold_lifeline() -> None:
    """Stop this process when the parent is gone; does nothing for a process that `steth up` did not start."""
    if os.environ.pop(VARIABLE, "") == "1":
        threading.Thread(target=_watch, name="lifeline", daemon=True).start()


def _watch() -> None:
    while os.read(sys.stdin.fileno(), 1):  # blocks until the parent closes it, or is no more
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(1)
