"""The AsyncAPI 3.0 document of the contract: what a device's client sends and receives, where, with which QoS.

Bodies are the JSON Schemas beside it; MQTT 5 user properties are the messages' ``headers``.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from wire import examples
from wire.codec import JSON, MSGPACK
from wire.commands import Ack, Command, Will
from wire.ids import PARTITIONS
from wire.jsonschema import Schema, codec_body, device_schema, numbers_schema
from wire.limits import MAX_BODY, WINDOW_REPORTS
from wire.report import Numbers, Report
from wire.topics import ROOT, VERSION

_DESCRIPTION: Final = f"""\
How a device reports to Steth, and what it is answered: MQTT 5 over TLS, QoS 1, a client certificate whose common name \
is the device's id. This document takes the side of the device's client.

**Two lanes**, each with numbers of its own. `live`: births, heartbeats, faults, state changes, replies to commands, \
readings whose rules open tickets. `bulk`: all else. Order holds within a lane.

**Simple clients** send reports without user properties: taken at least once; the same body again within 24 h counts \
once. A client that forgets nothing over a loss of power numbers its reports:

1. Connect with a clean start and the will, subscribe to `{ROOT}/{{bucket}}/{{device}}/down/+`, publish a birth with \
seq 0. Send nothing else until an ack with `hello` came for each lane; else the birth again after 1, 2, 4 … 60 s.
2. Send from the mark on: seq counts up by one, `floor` says what can still come. At most {WINDOW_REPORTS} reports or \
{MAX_BODY // 1024} KiB of a lane unacknowledged. PUBACK is the broker's and no delivery.
3. Forget a report only when an ack names its epoch, a seq not below its own, and the digest (BLAKE2b, 128 bits, hex) \
of the body sent with the ack's seq. `back`: send again from there. On another digest, or a mark beyond your own: mint \
a new epoch and renumber what you hold from 1, with `again`.

What can't be understood is kept as a dead letter with its reason and consumes its number. `{VERSION}` in the topic is \
the breaking version; within it fields are only added, and unknown ones are ignored."""

_JSON_SCHEMA: Final = "application/schema+json;version=draft-2020-12"
_UP: Final = {"mqtt": {"qos": 1, "retain": False, "bindingVersion": "0.2.0"}}
_DOWN_ACK: Final = {"mqtt": {"qos": 0, "retain": False, "bindingVersion": "0.2.0"}}


def document() -> dict[str, Any]:
    """The document as JSON-compatible values."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Steth: reports of devices",
            "version": f"{VERSION}.0.0",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": JSON,
        "servers": _servers(),
        "channels": _channels(),
        "operations": _operations(),
        "components": {
            "messages": _messages(),
            "parameters": {
                "bucket": {
                    "description": (
                        "Two lower-case hex digits: BLAKE2b of the device's id with a digest of one byte "
                        f"(`printf %s ID | b2sum -l 8 | cut -c1-2`). Modulo {PARTITIONS} it is the partition."
                    ),
                    "examples": ["0f"],
                },
                "device": {"description": device_schema()["description"], "examples": ["d3k9m2q7x1z5a"]},
            },
            "securitySchemes": {
                "certificate": {"type": "X509", "description": "Client certificate, common name = the device's id."}
            },
        },
    }


def _servers() -> Schema:
    session = {
        "cleanSession": True,
        "keepAlive": 30,
        "maximumPacketSize": MAX_BODY + 4096,
        "lastWill": {
            "topic": f"{ROOT}/{{bucket}}/{{device}}/will",
            "qos": 1,
            "message": codec_body(examples.WILLS["the connection is lost"]).decode(),
            "retain": False,
        },
        "bindingVersion": "0.2.0",
    }
    common = {
        "protocolVersion": "5.0",
        "variables": {"host": {"description": "Of your Steth server.", "default": "steth.example"}},
        "security": [{"$ref": "#/components/securitySchemes/certificate"}],
        "bindings": {"mqtt": session},
    }
    return {
        "mqtts": {"host": "{host}:8883", "protocol": "secure-mqtt", "description": "MQTT over TLS.", **common},
        "websocket": {
            "host": "{host}:443",
            "pathname": "/mqtt",
            "protocol": "wss",
            "description": "MQTT over WebSocket over TLS, for networks that let nothing else out.",
            **common,
        },
    }


def _channels() -> Schema:
    parameters = {name: {"$ref": f"#/components/parameters/{name}"} for name in ("bucket", "device")}
    rows = (
        (
            "live",
            "live",
            "What must not wait: births, heartbeats, faults, state changes, replies.",
            ("birth", "report"),
        ),
        ("bulk", "bulk", "Readings, inventory, usage, quality control.", ("report",)),
        ("will", "will", "Published by the broker when the connection is lost.", ("will",)),
        ("ack", "down/ack", "What the server has committed.", ("ack",)),
        ("command", "down/command", "What the device is asked to do.", ("command",)),
    )
    return {
        key: {
            "address": f"{ROOT}/{{bucket}}/{{device}}/{address}",
            "description": description,
            "parameters": parameters,
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        }
        for key, address, description, messages in rows
    }


def _operations() -> Schema:
    def one(action: str, channel: str, summary: str, bindings: Schema) -> Schema:
        return {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": summary,
            "bindings": bindings,
        }

    return {
        "sendLive": one("send", "live", "Report at once.", _UP),
        "sendBulk": one("send", "bulk", "Report what can wait.", _UP),
        "leaveWill": one("send", "will", "Leave a last will when connecting.", _UP),
        "receiveAck": one("receive", "ack", "Learn what is committed; lost ones are made good by timers.", _DOWN_ACK),
        "receiveCommand": one("receive", "command", "Do it once, before it expires, and reply in the live lane.", _UP),
    }


def _messages() -> Schema:
    reports = examples.REPORTS
    return {
        "birth": {
            "title": "Birth",
            "summary": "The first message of a session, outside the numbering.",
            "description": "Exactly one item, of kind birth, with seq 0. Answered by an ack with hello for each lane.",
            "contentType": JSON,
            "headers": numbers_schema(birth=True),
            "payload": _payload("report"),
            "examples": _shown({"birth": examples.of(Report)[0]}, examples.HELLO_NUMBERS),
        },
        "report": {
            "title": "Report",
            "summary": "Typed items, with their number in the user properties or with none.",
            "description": (
                f"JSON, or the same structure as MessagePack with content type {MSGPACK}. At most {MAX_BODY} bytes."
            ),
            "contentType": JSON,
            "headers": numbers_schema(birth=False),
            "payload": _payload("report"),
            "examples": [
                *_shown({"heartbeat of a simple client": reports["heartbeat"]}, None),
                *_shown(reports, examples.NUMBERS),
            ],
        },
        "will": _plain("Will", "The connection of a session is lost.", Will, examples.WILLS),
        "ack": _plain("Ack", "The mark of a lane.", Ack, examples.ACKS),
        "command": _plain("Command", "Something to do, with an expiry.", Command, examples.COMMANDS),
    }


def _plain(title: str, summary: str, struct: type, shown: Mapping[str, Command | Ack | Will]) -> Schema:
    return {
        "title": title,
        "summary": summary,
        "contentType": JSON,
        "payload": _payload(struct.__name__.lower()),
        "examples": _shown(shown, None),
    }


def _payload(name: str) -> Schema:
    return {"schemaFormat": _JSON_SCHEMA, "schema": {"$ref": f"./{name}.schema.json"}}


def _shown(messages: Mapping[str, Report | Command | Ack | Will], numbers: Numbers | None) -> list[Schema]:
    headers = {} if numbers is None else {"headers": dict(numbers.properties())}
    return [
        {"name": name, **headers, "payload": msgspec.json.decode(codec_body(message))}
        for name, message in messages.items()
    ]
