"""The broker of `steth up`: what it says, and what it keeps in memory."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from steth.broker import write_config
from tests.fixtures.ports import free_port, listening, wait_until

TOPICS = [f"steth/1/probe/{number:02d}/live" for number in range(4)]
MESSAGES = 60_000
"""Of 48 bytes, which would take 18 MB of memory and 7 of log."""
MB = 1024 * 1024


class Running:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "broker.log"
        command = [sys.executable, "-m", "steth", "broker", str(write_config(folder, self.port))]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: listening(self.port), what="the broker's start", seconds=30)

    def memory(self) -> int:
        return int(psutil.Process(self.process.pid).memory_full_info().uss)

    def connect(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        return client


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


def test_what_was_delivered_stays_neither_in_memory_nor_in_the_log(broker: Running) -> None:
    got = 0

    def count(*_: object) -> None:
        nonlocal got
        got += 1

    reader, writer = broker.connect(), broker.connect()
    reader.on_message = count
    for topic in TOPICS:
        reader.subscribe(topic, 1)
    at = []
    deadline = time.monotonic() + 120
    for number in range(MESSAGES // len(TOPICS)):
        for topic in TOPICS:
            writer.publish(topic, b"%048d" % number)
        while (number + 1) * len(TOPICS) - got > 400:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        if number % (MESSAGES // len(TOPICS) // 4) == 0:
            at.append(broker.memory())
    at.append(broker.memory())
    for client in (reader, writer):
        client.disconnect()
        client.loop_stop()
    assert at[-1] - at[-3] < 2 * MB, "the last half of the traffic left nothing"
    assert at[-1] - at[0] < 9 * MB
    assert broker.log.stat().st_size < 2000, broker.log.read_text()[:2000]


def test_a_port_that_somebody_has_is_said(broker: Running, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "steth", "broker", str(write_config(tmp_path, broker.port))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert done.stderr.strip()
