"""Who a device is: its id, given in the configuration or got from the server for a one-time code and kept.

``POST {api}/api/v1/enrol`` with ``{"code": …}`` answers ``{"device": id, "mqtt": url}``.
"""

import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from agent.config.addresses import Proxy
from agent.errors import AgentError
from agent.uplink.files import keep, place
from agent.uplink.proxy import opener
from wire.ids import is_device_id

TIMEOUT_S: Final = 15.0
MAX_ANSWER: Final = 65_536
MAX_KEPT: Final = 4_096
"""Bytes of the file, more than enough."""


class Identity(Struct, frozen=True, kw_only=True):
    """``device``: the id that the server minted. ``mqtt``: where its broker is."""

    device: str
    mqtt: str


class Unreachable(AgentError):
    """The server could not be reached: worth another try."""


def stored(folder: Path, name: str) -> Identity | None:
    """The identity kept for the device of this name; None: not enrolled yet. Raises ``AgentError``."""
    path = _path(folder, name)
    try:
        identity = msgspec.json.decode(path.read_bytes(), type=Identity)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise AgentError(
            f"{path}: can't be read ({error}); restore it, or remove it and enrol with a new code"
        ) from None
    return identity


def enrol(folder: Path, name: str, *, api: str, code: str, proxy: Proxy | None = None) -> Identity:
    """Exchange a one-time code for an identity and keep it (mode 0600). ``proxy``: what is between us and the server.

    Raises ``Unreachable``, ``NoRoom`` or ``AgentError`` in one line; the code is never part of it.
    """
    path = _path(folder, name)
    room = place(path, MAX_KEPT)  # the code is used up by asking, so there must be room for the answer first
    try:
        identity = _asked(name, api=api, code=code, proxy=proxy)
        keep(room, path, msgspec.json.encode(identity))
    finally:
        room.unlink(missing_ok=True)
    return identity


def _asked(name: str, *, api: str, code: str, proxy: Proxy | None) -> Identity:
    url = f"{api.rstrip('/')}/api/v1/enrol"
    request = urllib.request.Request(  # noqa: S310  # the configuration allows http(s) only
        url,
        data=msgspec.json.encode({"code": code}),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        method="POST",
    )
    try:
        with opener(proxy).open(request, timeout=TIMEOUT_S) as response:
            identity = msgspec.json.decode(response.read(MAX_ANSWER), type=Identity)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code >= 500 or error.code == 429:
            raise Unreachable(f"device {name}: {url} answers {error.code}; trying again") from None
        raise AgentError(
            f"device {name}: the server refuses the code ({error.code}): it is unknown, used or too old; "
            "ask for a new one and put it into the configuration"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Unreachable(
            f"device {name}: {url} can't be reached ({reason}); check [server] api and the network"
        ) from None
    if not is_device_id(identity.device):
        raise AgentError(f"device {name}: {url} answered with no device id; is this the server's api?")
    return identity


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.identity.json"
