"""When did it go on? Looks at the marks now and then, so that each fault's recovery can be told."""

import threading
import time
from collections.abc import Iterable, Sequence
from statistics import median

import psycopg

from tests.chaos.storm import Fault
from tests.chaos.world import World

EVERY_S = 0.4


class Monitor(threading.Thread):
    """Runs until ``stop``."""

    def __init__(self, *, world: World) -> None:
        super().__init__(name="monitor", daemon=True)
        self._world = world
        self._stopping = threading.Event()
        self._seen: dict[str, list[float]] = {uid: [] for uid in world.systems}

    def run(self) -> None:
        """Look."""
        while not self._stopping.wait(EVERY_S):
            try:
                self._look()
            except psycopg.Error:
                continue  # the database is down

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self.join()

    def _look(self) -> None:
        with self._world.database.connect() as connection:
            while not self._stopping.wait(EVERY_S):
                rows = connection.execute(
                    "SELECT d.uid, extract(epoch FROM max(k.at))::float8 FROM mark k"
                    " JOIN device d ON d.id = k.device_id GROUP BY d.uid"
                ).fetchall()
                for uid, at in rows:
                    times = self._seen[uid]
                    if not times or at > times[-1]:
                        times.append(at)

    def recoveries(self, faults: Iterable[Fault]) -> list[float]:
        """Seconds from the end of each fault to the first commit of the devices concerned: the median device's."""
        found = []
        for fault in faults:
            devices: Sequence[str] = fault.devices or tuple(self._seen)
            first = [next((at for at in self._seen[uid] if at > fault.ended), time.time()) for uid in devices]
            found.append(median(first) - fault.ended)
        return found
