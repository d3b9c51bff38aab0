"""Peers at the same job, as one writes them with the common libraries. Both store into our own table `reading`, look
ids up in memory, and acknowledge after their commit; neither de-duplicates, judges or keeps marks.

`paho`: one process, one connection, each reading an INSERT of its own (prepared by psycopg from the sixth time on), one
commit a message, which is kinder than one a row. `pool`: paho receives; threads, each with a connection of its own,
insert a message's readings in one statement (`unnest` of arrays, prepared) and commit per message, so that the commits
of several connections share a flush of the log.
"""

import json
import queue
import threading
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from psycopg_pool import ConnectionPool

from bench.subject import Board, Spec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ROW: Final = "INSERT INTO reading (ts, device_id, metric_id, value, quality) VALUES (%s, %s, %s, %s, %s)"
_ROWS: Final = (
    "INSERT INTO reading (ts, device_id, metric_id, value, quality)"
    " SELECT * FROM unnest(%s::timestamptz[], %s::integer[], %s::integer[], %s::float8[], %s::smallint[])"
)
_RECEIVE_MAX: Final = 1_000
Row = tuple[datetime, int, int, float, int]


class _Names:
    """Ids of devices and metrics, read once."""

    def __init__(self, dsn: str) -> None:
        with psycopg.connect(dsn) as connection:
            self._devices: dict[str, int] = dict(connection.execute("SELECT uid, id FROM device").fetchall())
            self._metrics: dict[str, int] = dict(
                connection.execute("SELECT name, id FROM metric WHERE unit = ''").fetchall()
            )

    def rows(self, message: mqtt.MQTTMessage) -> list[Row]:
        """The readings of a message."""
        device = self._devices[message.topic.split("/")[3]]
        rows = []
        for item in json.loads(message.payload)["items"]:
            if item["t"] != "readings":
                continue
            at = _EPOCH + timedelta(milliseconds=item["at"])
            dt, quality = item.get("dt"), item.get("quality")
            for i, (name, value) in enumerate(zip(item["metric"], item["value"], strict=True)):
                when = at + timedelta(milliseconds=dt[i]) if dt else at
                rows.append((when, device, self._metrics[name], value, quality[i] if quality else 0))
        return rows


def _client(spec: Spec, board: Board) -> mqtt.Client:
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=f"peer-{spec.kind}", protocol=mqtt.MQTTv5, manual_ack=True
    )

    def on_connect(client: mqtt.Client, *_: Any) -> None:
        client.subscribe(f"steth/1/+/+/{spec.lane}", qos=1)

    def on_subscribe(*_: Any) -> None:
        board.say_ready()

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    properties.ReceiveMaximum = _RECEIVE_MAX
    client.connect("127.0.0.1", spec.port, clean_start=True, properties=properties)
    return client


def run_rows(spec: Spec, board: Board) -> dict[str, Any]:
    """paho, one INSERT a row, one commit a message."""
    names = _Names(spec.dsn)
    connection = psycopg.connect(spec.dsn)
    cursor = connection.cursor()
    client = _client(spec, board)

    def on_message(client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        for row in names.rows(message):
            cursor.execute(_ROW, row)
        connection.commit()
        client.ack(message.mid, message.qos)
        board.done += 1

    client.on_message = on_message
    client.loop_forever()
    return {}


def run_pool(spec: Spec, board: Board) -> dict[str, Any]:
    """paho, a pool of writers, one statement and one commit a message."""
    names = _Names(spec.dsn)
    writers = spec.options["writers"]
    waiting: queue.SimpleQueue[mqtt.MQTTMessage] = queue.SimpleQueue()
    pool = ConnectionPool(spec.dsn, min_size=writers, max_size=writers, open=True)
    client = _client(spec, board)
    counting = threading.Lock()

    def write() -> None:
        while True:
            message = waiting.get()
            columns = list(zip(*names.rows(message), strict=True))
            with pool.connection() as connection:
                connection.execute(_ROWS, [list(column) for column in columns])
            client.ack(message.mid, message.qos)
            with counting:
                board.done += 1

    def on_message(_client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        waiting.put(message)

    for _ in range(writers):
        threading.Thread(target=write, daemon=True).start()
    client.on_message = on_message
    client.loop_forever()
    return {}
