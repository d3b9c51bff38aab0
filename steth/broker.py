"""The embedded broker of `steth up`: rumqttd from the iotcore wheel, MQTT 5, loopback only.

It lets in whoever has the password, which other users of the machine have not, and then lets anybody say and hear
anything: it has no access list. It speaks without TLS, forgets sessions and retained messages when it ends, and does
not hold a client's receive-maximum: fit for one machine and nothing else. What it forgets, the agents send again.

It keeps what was published in a log for each subscribed filter, also after everybody has read it, and each small
message takes some 300 bytes there: the log's size is its memory. Ours holds what an agent has under way in a lane; a
subscriber that is further behind misses something, says so, and the agents send it again (delivery 5).
"""

import logging
import sys
from pathlib import Path
from typing import Final

from ingest.mqtt import MAX_PACKET
from ingest.service import RECEIVE_MAX
from steth.folder import write_private_text

_CONFIG: Final = """\
id = 0

[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = {segment}
max_segment_count = {segments}

[v5.1]
name = "loopback"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {payload}
max_inflight_count = {inflight}

[v5.1.connections.auth]
{user} = "{password}"
"""

USER: Final = "steth"

_SEGMENTS: Final = 10
_SEGMENT: Final = 16 * 1024
"""Bytes of payloads and topics: all but one of the segments hold a lane's window of 64 reports (delivery 11) as most
are. Beside it a subscriber's connection holds 200 messages and what the network takes."""


def write_config(folder: Path, port: int, password: str) -> Path:
    """The broker's configuration file in ``folder``. ``password``: URL-safe, as ``secrets`` makes them.

    A subscriber that holds more than ``max_inflight_count`` unacknowledged messages would be deadlocked, so it lies
    well above ingest's own limit.
    """
    path = folder / "broker.toml"
    text = _CONFIG.format(
        port=port,
        payload=MAX_PACKET,
        inflight=RECEIVE_MAX * 10,
        segment=_SEGMENT,
        segments=_SEGMENTS,
        user=USER,
        password=password,
    )
    write_private_text(path, text)
    return path


def run_broker(config: Path) -> int:
    """Serve in this process until it is ended."""
    # It names each step of each packet at the level of an error: 330 kB a minute of a hospital with four devices. What
    # becomes of a connection, its two ends tell.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    from iotcore import IotCoreBroker  # noqa: PLC0415 - loads the native broker

    try:
        IotCoreBroker(config_path=str(config)).run_forever()
    except (OSError, RuntimeError, ValueError) as error:
        sys.stderr.write(f"steth: the embedded broker can't start: {error}\n")
        return 1
    return 0
