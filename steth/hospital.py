"""The simulated hospital of `steth up`: its devices, its agent's configuration, its equipment's lives."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import httpx
from msgspec import Struct, convert, to_builtins

from steth.folder import write_private, write_private_text
from steth.ports import Ports

Kind = Literal["dr", "astm", "hl7"]

PATTERN: Final[tuple[Kind, ...]] = ("dr", "astm", "dr", "hl7")
"""What stands in the hospital: so many of them as are wanted, over and over."""
FAULT_SCALE: Final = 0.05
"""Of the time that a fault shows before it happens: days become minutes at this speed."""
SPEED: Final = 30.0
"""Simulated seconds per second: a day of exposures passes in 48 minutes."""
FAULTS_PER_DAY: Final = 4.0
"""Of one device: with four of them one in three minutes after the first ones, less what their staff prevents."""
ENCODING: Final = "gb18030"
"""Of the analyzer's log: Chinese software on Chinese Windows writes so."""


class Sort(Struct, frozen=True, kw_only=True):
    """What all devices of a kind have in common. ``key``: of the request that mints one, with its number behind.
    ``seed``: of the first one's life, less one."""

    title: str
    model: str
    runbook: str
    site: str
    department: str
    key: str
    seed: int
    faults: tuple[tuple[str, float, float], ...]
    """Code, seconds after the start, seconds it lasts, of the first devices' first faults: a newcomer sees a ticket of
    each kind before wondering whether it works, one whose diagnosis the hospital allows and one where it doesn't."""


_RADIOLOGY: Final = "放射科 Radiology"
_LABORATORY: Final = "检验科 Laboratory"
SORTS: Final[dict[Kind, Sort]] = {
    "dr": Sort(
        title="DR",
        model="generic-dr",
        runbook="dr-check",
        site=_RADIOLOGY,
        department="放射科",
        key="steth-up-device",  # as earlier versions, which knew no other kind, asked for one
        seed=0,
        faults=(("GEN-KV-01", 12.0, 90.0), ("DET-TEMP-01", 40.0, 120.0)),
    ),
    "astm": Sort(
        title="Analyzer A",
        model="generic-analyzer",
        runbook="analyzer-check",
        site=_LABORATORY,
        department="检验科",
        key="steth-up-astm",
        seed=100,
        faults=(("BTH-TMP-01", 25.0, 150.0),),
    ),
    "hl7": Sort(
        title="Analyzer H",
        model="generic-analyzer",
        runbook="analyzer-check",
        site=_LABORATORY,
        department="检验科",
        key="steth-up-hl7",
        seed=200,
        faults=(("VAC-LOW-01", 55.0, 120.0),),
    ),
}


class Simulated(Struct, kw_only=True):
    """One device: ``uid`` and ``code`` as the server minted them, ``port`` where the agent listens for it."""

    name: str
    port: int
    uid: str
    code: str
    kind: Kind = "dr"


def known_devices(folder: Path) -> list[Simulated]:
    """The devices made in earlier runs with this folder."""
    path = folder / "hospital" / "devices.json"
    return convert(json.loads(path.read_text(encoding="utf-8")), list[Simulated]) if path.exists() else []


def mint_devices(folder: Path, count: int, *, ports: Ports, http: str, token: str) -> list[Simulated]:
    """As many devices as wanted, each minted by the API as an administrator would; of those that are known first.

    Each keeps its port from run to run, unless somebody else has it by now."""
    known = known_devices(folder)
    chosen: list[Simulated] = []
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=http, headers=headers, timeout=30, trust_env=False) as client:
        for place in range(count):
            kind = PATTERN[place % len(PATTERN)]
            number = sum(device.kind == kind for device in chosen) + 1
            name = f"{kind}-{number}"
            found = next((device for device in known if device.name == name), None)
            if found is None:
                uid, code = _mint(client, kind, number)
                found = Simulated(name=name, port=ports.new(), uid=uid, code=code, kind=kind)
                known.append(found)
            else:
                found.port = ports.kept(found.port)
            write_private(folder / "hospital" / "devices.json", to_builtins(known))
            chosen.append(found)
    return chosen


def _mint(client: httpx.Client, kind: Kind, number: int) -> tuple[str, str]:
    sort = SORTS[kind]
    answer = client.post(
        "/api/v1/devices",
        # Asked again after a kill, the same device is answered.
        headers={"Idempotency-Key": f"{sort.key}-{number}"},
        json={
            "name": f"{sort.title} {number}",
            "model": sort.model,
            "site": {"hospital": "示范医院 Demo Hospital", "site": sort.site},
            "department": sort.department,
        },
    )
    answer.raise_for_status()
    made = answer.json()
    return str(made["id"]), str(made["code"])


def write_agent_config(
    folder: Path,
    devices: list[Simulated],
    *,
    http: str,
    mqtt: str,
    login: tuple[str, str],
    health: str,
    now: datetime,
    heartbeat_s: float,
    catalog: Path | None,
) -> Path:
    """One agent for the whole hospital, as it would be in a real one. Returns its configuration file, which names what
    is in the folder as seen from there. ``login``: the broker's user and password.

    The first two devices have a standing policy that lets a read-only runbook run, the next two have none, and say so.
    """
    lines = [
        "# Written by steth up at each start.",
        "[agent]",
        'state = "agent"',
        f"heartbeat_s = {heartbeat_s}",
        f"health = {_text(health)}",
        *([] if catalog is None else [f"catalog = {_text(catalog)}"]),
        "",
        "[server]",
        f"mqtt = {_text(mqtt)}",
        f"username = {_text(login[0])}",
        'password_file = "mqtt-password"',
        f"api = {_text(http)}",
    ]
    for place, device in enumerate(devices):
        lines += _device(device, policy_until=now + timedelta(days=365) if place % 4 < 2 else None)
    write_private_text(folder / "mqtt-password", login[1])
    path = folder / "agent.toml"
    write_private_text(path, "\n".join([*lines, ""]))  # codes that are still good may be in it
    return path


def _device(device: Simulated, *, policy_until: datetime | None) -> list[str]:
    sort = SORTS[device.kind]
    address = _text(f"127.0.0.1:{device.port}")
    lines = [
        "",
        "[[device]]",
        f"name = {_text(device.name)}",
        f"model = {_text(sort.model)}",
        f"code = {_text(device.code)}",
        "[device.host]",
        "every_s = 10",
        'disks = ["."]',
        f"[device.{'dicom' if device.kind == 'dr' else device.kind}]",
        f"listen = {address}",
    ]
    if device.kind != "astm":
        lines += ["[[device.log]]", f"path = {_text(log_of(device))}"]
    if device.kind == "hl7":
        lines += [f"encoding = {_text(ENCODING)}"]
    if policy_until is not None:
        lines += [
            "[device.policy]",
            f"runbooks = [{_text(sort.runbook)}]",
            f'valid_until = "{policy_until.astimezone(UTC):%Y-%m-%d}"',
            'signed_by = "Demo Hospital, equipment department"',
        ]
    if device.kind == "dr":
        # The hospital's archive, as far as an echo can tell.
        lines += ["[device.echo.pacs]", 'host = "127.0.0.1"', f"port = {device.port}", 'ae_title = "STETH"']
    return lines


def write_sim_config(
    folder: Path, devices: list[Simulated], *, http: str, token: str, desk: str, catalog: Path | None
) -> Path:
    """The equipment's lives: seeds, speed, the first fault, and who mends it and verifies, with their tokens.
    Returns the file for ``steth sim hospital``."""
    lives: dict[str, list[dict[str, Any]]] = {"drs": [], "analyzers": []}
    staff = {"api": http, "token": token, "desk": desk, "devices": {device.uid: device.name for device in devices}}
    for device in devices:
        sort = SORTS[device.kind]
        number = int(device.name.rpartition("-")[2])
        life: dict[str, Any] = {
            "name": device.name,
            "port": device.port,
            "state": f"hospital/{device.name}.state",
            "seed": sort.seed + number,
            "hour": 9.0,
            "speed": SPEED,
            "faults_per_day": FAULTS_PER_DAY,
            "fault_scale": FAULT_SCALE,
        }
        if device.kind != "astm":
            life["log"] = log_of(device)
        if device.kind != "dr":
            life["protocol"] = device.kind
        if device.kind == "hl7":
            life["encoding"] = ENCODING
        if number <= len(sort.faults):
            code, after_s, lasts_s = sort.faults[number - 1]
            life["faults"] = [{"code": code, "after_s": after_s, "lasts_s": lasts_s}]
        lives["drs" if device.kind == "dr" else "analyzers"].append(life)
    path = folder / "hospital" / "sim.json"
    write_private(path, {**lives, "staff": staff, **({} if catalog is None else {"catalog": str(catalog)})})
    return path


def log_of(device: Simulated) -> str:
    """The log file of a simulated device, seen from the data folder."""
    return f"hospital/{device.name}.log"


def _text(value: object) -> str:
    # A TOML basic string and a JSON string are written alike, but for characters that a path doesn't hold.
    return json.dumps(str(value), ensure_ascii=False)
