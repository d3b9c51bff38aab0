"""The simulated hospital of `steth up`: its devices, its agent's configuration, its equipment's lives."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from msgspec import Struct, convert, to_builtins

from steth.folder import free_port, write_private

FIRST_FAULTS: Final = (("GEN-KV-01", 12.0, 90.0), ("DET-TEMP-01", 40.0, 120.0))
"""Code, seconds after the start, seconds it lasts, of the first DRs' first faults: a newcomer sees a ticket before
wondering whether it works, one whose diagnosis the hospital allows and one where it doesn't."""
FAULT_SCALE: Final = 0.05
"""Of the time that a fault shows before it happens: days become minutes at this speed."""
SPEED: Final = 30.0
"""Simulated seconds per second: a day of exposures passes in 48 minutes."""
FAULTS_PER_DAY: Final = 12.0
MODEL: Final = "generic-dr"
RUNBOOK: Final = "dr-check"


class Simulated(Struct, kw_only=True):
    """One DR: ``uid`` and ``code`` as the server minted them, ``port`` of the agent's storage SCP for it."""

    name: str
    port: int
    uid: str
    code: str


def known_devices(folder: Path) -> list[Simulated]:
    """The devices made in earlier runs with this folder."""
    path = folder / "hospital" / "devices.json"
    return convert(json.loads(path.read_text(encoding="utf-8")), list[Simulated]) if path.exists() else []


def mint_devices(folder: Path, count: int, *, http: str, token: str) -> list[Simulated]:
    """As many devices as wanted, each minted by the API as an administrator would."""
    devices = known_devices(folder)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=http, headers=headers, timeout=30) as client:
        for number in range(len(devices) + 1, count + 1):
            answer = client.post(
                "/api/v1/devices",
                # Asked again after a kill, the same device is answered.
                headers={"Idempotency-Key": f"steth-up-device-{number}"},
                json={
                    "name": f"DR {number}",
                    "model": MODEL,
                    "site": {"hospital": "示范医院 Demo Hospital", "site": "放射科 Radiology"},
                    "department": "放射科",
                },
            )
            answer.raise_for_status()
            made = answer.json()
            devices.append(Simulated(name=f"dr-{number}", port=free_port(), uid=made["id"], code=made["code"]))
            write_private(folder / "hospital" / "devices.json", to_builtins(devices))
    return devices[:count]


def write_agent_config(
    folder: Path, devices: list[Simulated], *, http: str, mqtt: str, health: str, now: datetime, heartbeat_s: float
) -> Path:
    """One agent for the whole hospital, as it would be in a real one. Returns its configuration file.

    The first DR has a standing policy that lets the read-only runbook run; the second has none, and says so.
    """
    lines = [
        "# Written by steth up at each start.",
        "[agent]",
        f"state = {_text(folder / 'agent')}",
        f"heartbeat_s = {heartbeat_s}",
        f"health = {_text(health)}",
        "",
        "[server]",
        f"mqtt = {_text(mqtt)}",
        f"api = {_text(http)}",
    ]
    for number, device in enumerate(devices):
        lines += [
            "",
            "[[device]]",
            f"name = {_text(device.name)}",
            f"model = {_text(MODEL)}",
            f"code = {_text(device.code)}",
            "[device.host]",
            "every_s = 10",
            f"disks = [{_text(folder)}]",
            "[device.dicom]",
            f'listen = "127.0.0.1:{device.port}"',
            "[[device.log]]",
            f"path = {_text(log_of(folder, device))}",
        ]
        if number % 2 == 0:
            lines += [
                "[device.policy]",
                f"runbooks = [{_text(RUNBOOK)}]",
                f'valid_until = "{(now + timedelta(days=365)).astimezone(UTC):%Y-%m-%d}"',
                'signed_by = "Demo Hospital, equipment department"',
            ]
        # The hospital's archive, as far as an echo can tell.
        lines += ["[device.echo.pacs]", 'host = "127.0.0.1"', f"port = {device.port}", 'ae_title = "STETH"']
    path = folder / "agent.toml"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def write_sim_config(folder: Path, devices: list[Simulated]) -> Path:
    """The equipment's lives: seeds, speed, and the first fault. Returns the file for ``steth sim hospital``."""
    drs: list[dict[str, Any]] = []
    for number, device in enumerate(devices):
        dr: dict[str, Any] = {
            "name": device.name,
            "port": device.port,
            "log": str(log_of(folder, device)),
            "state": str(folder / "hospital" / f"{device.name}.state"),
            "seed": number + 1,
            "hour": 9.0,
            "speed": SPEED,
            "faults_per_day": FAULTS_PER_DAY,
            "fault_scale": FAULT_SCALE,
        }
        if number < len(FIRST_FAULTS):
            code, after_s, lasts_s = FIRST_FAULTS[number]
            dr["faults"] = [{"code": code, "after_s": after_s, "lasts_s": lasts_s}]
        drs.append(dr)
    path = folder / "hospital" / "sim.json"
    write_private(path, {"drs": drs})
    return path


def log_of(folder: Path, device: Simulated) -> Path:
    """The log file of a simulated DR."""
    return folder / "hospital" / f"{device.name}.log"


def _text(value: object) -> str:
    # A TOML basic string and a JSON string are written alike, but for characters that a path doesn't hold.
    return json.dumps(str(value), ensure_ascii=False)
