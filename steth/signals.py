"""SIGINT, SIGTERM and a terminal that is closed as an event."""

import asyncio
import signal


def stop_event() -> asyncio.Event:
    """Set when the process is asked to stop. Called within the running loop."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
            loop.add_signal_handler(number, stopped.set)
    return stopped
