"""Fifty changes a second on a platform that is looked at, each a commit of its own; and some to be recognised."""

import random
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

import psycopg

from store.sql import load_queries

RATE: Final = 50
"""A second: half of it alerts that repeat, a fifth alerts that come and go, a fifth entries of tickets, a tenth
devices that are heard."""
MOST_S: Final = 600
"""After this it ends by itself."""
_KINDS: Final = ("repeat", "note", "repeat", "raise", "repeat", "heard", "repeat", "note", "repeat", "clear")
SQL: Final = load_queries(Path(__file__).with_name("console.sql"))


def arrange(dsn: str) -> None:
    """Make a database of `tests.fixtures.fleet` one that these statements can be run in. `dsn`: a superuser's."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SQL["whole_defaults"])


class Churn:
    """A database at work: `ingest` looks alive as long as this does; changes come in `at_work`."""

    def __init__(self, dsn: str, devices: int) -> None:
        self._dsn = dsn
        self._devices = devices
        self._ended = threading.Event()
        self._wanted = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.made = 0
        self.failed: Exception | None = None

    def __enter__(self) -> Self:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            rows = connection.execute(SQL["open_alerts"]).fetchall()
            self._tickets = [int(row[0]) for row in connection.execute(SQL["open_tickets"])]
        self.urgent: UUID = min(rows, key=lambda row: row[1])[0]
        self.newest: UUID = min(rows, key=lambda row: row[2])[0]
        # What is looked at itself stays.
        self._alerts = [row[0] for row in rows if row[1] > RATE and row[2] > RATE]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)
        if self.failed is not None:
            raise self.failed

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Changes meanwhile."""
        self._wanted.set()
        try:
            yield
        finally:
            self._wanted.clear()

    def recode(self, connection: psycopg.Connection[Any], alert: UUID, code: str) -> float:
        """Give an alert this code; returns when it was committed, ms since 1970."""
        connection.execute(SQL["recode"], {"alert": alert, "code": code})
        return time.time() * 1000

    def _run(self) -> None:
        try:
            with psycopg.connect(self._dsn, autocommit=True) as connection:
                self._change(connection)
        except psycopg.Error as error:
            self.failed = error

    def _change(self, connection: psycopg.Connection[Any]) -> None:
        dice = random.Random(7)
        raised: deque[UUID] = deque()
        kinds = cycle(_KINDS)
        began = due = time.monotonic()
        alive = 0.0
        while not self._ended.wait(max(0.0, due - time.monotonic())) and due < began + MOST_S:
            if due > alive + 1:
                connection.execute(SQL["live"])
                alive = due
            due += 1 / RATE
            if not self._wanted.is_set():
                continue
            kind = next(kinds)
            if kind == "clear" and not raised:
                continue
            of = {
                "alert": raised.popleft() if kind == "clear" else dice.choice(self._alerts),
                "ticket": dice.choice(self._tickets),
                "device": dice.randint(1, self._devices),
                "n": self.made,
            }
            cursor = connection.execute(SQL[kind], of)
            if kind == "raise" and (row := cursor.fetchone()) is not None:
                raised.append(row[0])
            self.made += 1
