"""What a new device's agent is started with: its configuration file, and the commands that start it. Pure.

The file is one that the agent takes as it is (`agent.config.file`; a test holds the two together, as the rooms don't
know each other): every source that was chosen, listening on its usual port, and as comments what only the place knows.
"""

import json
from collections.abc import Sequence
from typing import Final, get_args

from api.devices.register_shapes import Beside, Setup, Source
from catalog.model import Lang, Model, Text

SOURCES: Final[tuple[Source, ...]] = get_args(Source)
_PORTS: Final[dict[Source, int]] = {"dicom": 11_112, "astm": 4_000, "hl7": 5_600}
"""Where the equipment connects to: a port for DICOM that needs no rights (RFC 6335), and two of docs/equipment.md."""
HEALTH: Final = "127.0.0.1:9465"
_TLS: Final[tuple[Beside, ...]] = ("ca.crt", "device.crt", "device.key")
_SAID: Final[dict[str, Text]] = {
    "device": Text(zh="设备", en="Device"),
    "code": Text(
        zh="一次性注册码，有效期至 {until}；首次启动后可删除此行",
        en="good once, until {until}; after the first start this line may go",
    ),
    "state": Text(zh="队列和身份保存在此文件旁的这个文件夹", en="outbox and identity: a folder beside this file"),
    "password": Text(zh="密码写在此文件旁的这个文件里", en="the password stands in this file beside this one"),
    "certificate": Text(
        zh="由平台用 steth certs device 生成，与此文件放在一起",
        en="made by the platform's `steth certs device`, beside this file",
    ),
    "listen": Text(
        zh="设备连接到这台机器的这个端口；能连接的地址可用 peers 限定",
        en="the equipment connects to this port of this machine; `peers` says which addresses may",
    ),
    "folder": Text(zh="DICOM 文件写入的文件夹", en="the folder that DICOM files are written into"),
    "log": Text(
        zh="如有服务日志，去掉下面两行的 # 并填写路径",
        en="where there is a service log: take the # off the next two lines and write its path",
    ),
}


def sources_of(model: Model) -> tuple[Source, ...]:
    """What equipment of a model can be read by; the first is what it usually is."""
    return ("dicom", "folder") if model.kind == "dr" else ("astm", "hl7")


def setup(
    model: Model,
    *,
    uid: str,
    name: str,
    code: str,
    until: str,
    api: str,
    mqtt: str,
    user: str,
    zone: str,
    sources: Sequence[Source],
    lang: Lang,
) -> Setup:
    """The file and the commands. `until`: when the code ends, in words. `api`: this server as agents reach it. `mqtt`:
    the broker's address, `user`: whose password it wants, "" where certificates stand for it. `zone`: IANA name of the
    place's zone, which equipment's clocks are in.
    """
    said = {key: text.get(lang) for key, text in _SAID.items()}
    tls = mqtt.startswith(("mqtts:", "wss:"))
    lines = [
        f"# {said['device']}: {name}",
        "[agent]",
        f'state = "state"  # {said["state"]}',
        f'health = "{HEALTH}"',
        "",
        "[server]",
        f"api = {_text(api)}",
        f"mqtt = {_text(mqtt)}",
    ]
    if tls:
        lines.append(f'ca = "ca.crt"  # {said["certificate"]}')
    elif user:
        lines += [f"username = {_text(user)}", f'password_file = "mqtt-password"  # {said["password"]}']
    lines += [
        "",
        "[[device]]",
        f"name = {_text(uid)}",
        f"model = {_text(model.key)}",
        f"code = {_text(code)}  # {said['code'].format(until=until)}",
    ]
    if tls:
        lines += [f'cert = "device.crt"  # {said["certificate"]}', 'key = "device.key"']
    if any(signal.startswith("host.") for signal in model.signals):
        lines += ["", "[device.host]"]
    for source in sources or sources_of(model)[:1]:
        lines += ["", f"[device.{source}]"]
        if source == "folder":
            lines.append(f'path = "images"  # {said["folder"]}')
        else:
            lines.append(f'listen = "0.0.0.0:{_PORTS[source]}"  # {said["listen"]}')
        lines.append(f"time_zone = {_text(zone)}")
    if model.log_patterns:
        lines += ["", f"# {said['log']}", "# [[device.log]]", "# path = 'service.log'"]
    file = f"steth-{uid}.toml"
    start = f"steth-agent show {file}\nsteth-agent {file}"
    beside: tuple[Beside, ...] = _TLS if tls else ("mqtt-password",) if user else ()
    return Setup(
        file=file,
        text="\n".join([*lines, ""]),
        linux=f"chmod 600 {file}\n{start}",
        windows=f'icacls {file} /inheritance:r /grant:r "${{env:USERNAME}}:F"\n{start}',
        beside=list(beside),
    )


def _text(text: str) -> str:
    """A basic string of TOML 1.0."""
    return json.dumps(text, ensure_ascii=False)
