"""SIGINT and SIGTERM as an event."""

import asyncio
import signal


def stop_event() -> asyncio.Event:
    """Set when the process is asked to stop. Called within the running loop."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped
