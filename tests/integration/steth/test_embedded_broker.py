"""The broker of `steth up`: what it says, and what it keeps in memory."""

import queue
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from steth.broker import USER, write_config
from tests.fixtures.ports import free_port, listening, wait_until

TOPICS = [f"steth/1/probe/{number:02d}/live" for number in range(4)]
MESSAGES = 60_000
"""Of 48 bytes, which would take 18 MB of memory and 7 of log."""
MB = 1024 * 1024
PASSWORD = "h8f2_k-Q"


class Running:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "broker.log"
        command = [sys.executable, "-m", "steth", "broker", str(write_config(folder, self.port, PASSWORD))]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: listening(self.port), what="the broker's start", seconds=30)

    def memory(self) -> int:
        return int(psutil.Process(self.process.pid).memory_full_info().uss)

    def connect(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.username_pw_set(USER, PASSWORD)
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


@pytest.mark.parametrize("login", [None, (USER, "wrong"), (USER, ""), ("other", PASSWORD)])
def test_who_has_no_password_is_nobody(broker: Running, login: tuple[str, str] | None) -> None:
    """Of another user of the machine, who can't read the folder: nothing is heard, and what is said reaches nobody."""
    heard: queue.Queue[bytes] = queue.Queue()
    reader = broker.connect()
    reader.on_message = lambda _client, _data, message: heard.put(bytes(message.payload))
    reader.subscribe("#", 1)
    stranger = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5, reconnect_on_failure=False)
    answered, ended = queue.Queue[bool](), threading.Event()
    stranger.on_connect = lambda _client, _data, _flags, code, _properties: answered.put(not code.is_failure)
    stranger.on_disconnect = lambda *_: ended.set()
    if login is not None:
        stranger.username_pw_set(*login)
    stranger.connect("127.0.0.1", broker.port)
    stranger.publish(TOPICS[0], b"forged", qos=1)
    stranger.loop_start()
    assert ended.wait(30)
    stranger.loop_stop()
    assert answered.empty() or not answered.get()
    reader.publish(TOPICS[0], b"ours", qos=1)
    assert heard.get(timeout=30) == b"ours"
    reader.disconnect()
    reader.loop_stop()
    assert stat.S_IMODE((broker.log.parent / "broker.toml").stat().st_mode) == 0o600


def test_a_port_that_somebody_has_is_said(broker: Running, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "steth", "broker", str(write_config(tmp_path, broker.port, PASSWORD))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert done.stderr.strip()
