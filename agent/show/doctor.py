"""``steth-agent doctor CONFIG.toml``: says of each part of the agent's side how it is and what to do.

It may be run beside a running agent: it never connects as a device (the broker would end the agent's own session),
never opens an outbox, and leaves a line alone that an analyzer gives to one listener only.
"""

import contextlib
import os
import shutil
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from agent.adapters.logs.names import Names
from agent.app import known
from agent.config.file import load, located
from agent.config.shapes import Config, Device
from agent.errors import AgentError, ConfigError
from agent.outbox.room import MB, RESERVE, reserve_of
from agent.secrecy import exposed
from agent.show.findings import Finding, as_json, fail, failed, lines, lost, ok, warn
from agent.show.server import STEP_S, server
from agent.uplink.box import kept_box
from catalog.model import Catalog, Lang, Text
from catalog.refusals import loses
from wire.items import Refusal

DISK_WARN: Final = 2 * 1024**3
DISK_FAIL: Final = 200 * 1024**2
_MET: Final = "steth_agent_session_ready{"


def run(config: Path, *, lang: Lang, as_objects: bool) -> int:
    """Look, print, and return the exit code: 0 when nothing is broken, else 1."""
    found: list[Finding] = []
    for finding in examine(config):
        found.append(finding)
        for line in (as_json if as_objects else lines)([finding], lang):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    return int(failed(found))


def examine(path: Path) -> Iterator[Finding]:
    """Look at everything that a configuration names."""
    correct = Text(zh="更正配置文件后再试", en="correct the file and try again")
    try:
        config = load(path)
        catalog = known(config)
    except ConfigError as error:
        said = str(error) if not error.place else str(located(path, error))
        yield fail("agent.config", zh=said, en=said, todo=correct)
        return
    except AgentError as error:
        yield fail("agent.config", zh=str(error), en=str(error), todo=correct)
        return
    yield ok("agent.config", zh=f"{path} 无误", en=f"{path} is in order")
    yield _secrecy(path, config)
    yield from _state(config)
    running = _running(config)
    yield from _process(config, running)
    if running is not None:
        yield from _refused(config, catalog)
    for device in config.devices:
        yield from _sources(device, running=running is not None)
        for name, peer in device.echo.items():
            yield _reach(f"peer.{name}", peer.host, peer.port)
    yield from server(config)


def _secrecy(path: Path, config: Config) -> Finding:
    files = ", ".join(map(str, exposed(path, config)))
    if files:
        todo = Text(zh="收回权限：chmod 600", en="take the right away: chmod 600")
        zh, en = f"其他用户可读取或修改 {files}", f"other users may read or change {files}"
        return warn("agent.secrecy", zh=zh, en=en, todo=todo)
    return ok(
        "agent.secrecy",
        zh="配置、密钥和密码文件不对其他用户开放",
        en="configuration, keys and passwords are nobody else's to read or change",
    )


# the agent itself -----------------------------------------------------------------------------------------------------


def _state(config: Config) -> Iterator[Finding]:
    folder = Path(config.agent.state)
    todo = Text(zh="检查该文件夹及其权限", en="check the folder and who may write it")
    # Before the first start there is none yet: then its parent has to take it.
    there = folder if folder.exists() else folder.parent
    if not os.access(there, os.W_OK | os.X_OK):
        yield fail("agent.state", zh=f"{there} 不可写", en=f"{there} can't be written", todo=todo)
        return
    free = shutil.disk_usage(there).free
    said = {"zh": f"{there} 剩余 {free / 1e9:.1f} GB", "en": f"{there} has {free / 1e9:.1f} GB left"}
    room = Text(
        zh="清理磁盘：空间用尽后丢弃批量数据，设备不再得到应答",
        en="make room: on a full disk bulk is dropped, and equipment not acknowledged",
    )
    if free < DISK_FAIL:
        yield fail("agent.disk", **said, todo=room)
    elif free < DISK_WARN:
        yield warn("agent.disk", **said, todo=room)
    else:
        yield ok("agent.disk", **said)
    yield from _reserves(folder)
    yield _box(folder)


def _box(folder: Path) -> Finding:
    try:
        box = kept_box(folder)
    except AgentError as error:
        todo = Text(zh="将该文件的权限交给代理", en="give the agent the right to read it")
        return warn("agent.box", zh=str(error), en=str(error), todo=todo)
    if box is None:
        return ok("agent.box", zh="首次启动时生成本机标识", en="the box gets its name at the first start")
    return ok("agent.box", zh=f"本机标识 {box}", en=f"this box is {box}")


def _reserves(folder: Path) -> Iterator[Finding]:
    """What each outbox keeps of the disk for a day when it is full; None before the first start."""
    outboxes = sorted(folder.glob("*.outbox"))
    if not outboxes:
        return
    kept = [reserve_of(outbox).held for outbox in outboxes]
    said = {
        "zh": f"{len(kept)} 个发件箱预留 {sum(kept) / MB:.0f} MB",
        "en": f"{len(kept)} outboxes keep {sum(kept) / MB:.0f} MB in reserve",
    }
    if min(kept) < RESERVE:
        todo = Text(zh="清理磁盘，预留空间会自动恢复", en="make room: the reserve is made whole by itself")
        yield warn("agent.reserve", **said, todo=todo)
    else:
        yield ok("agent.reserve", **said)


def _running(config: Config) -> dict[str, str] | None:
    """Metrics of the running agent by their line's head; None: none runs, or none can be asked."""
    if config.agent.health is None:
        return None
    try:
        with urllib.request.urlopen(f"http://{config.agent.health}/metrics", timeout=STEP_S) as answer:
            text = answer.read().decode()
    except (OSError, ValueError):
        return None
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))


def _process(config: Config, running: dict[str, str] | None) -> Iterator[Finding]:
    if running is None:
        where = config.agent.health or "[agent] health"
        yield warn(
            "agent.process",
            zh=f"{where} 无应答：代理未运行，或未设置 health",
            en=f"{where} does not answer: the agent isn't running, or has no health address",
            todo=Text(zh="启动 steth-agent", en="start steth-agent; with [agent] health it can be asked"),
        )
        return
    yield ok("agent.process", zh="代理在运行", en="the agent runs")
    away = [head for head, value in running.items() if head.startswith(_MET) and float(value) != 1]
    if away:
        yield fail(
            "agent.session",
            zh=f"{len(away)} 台设备未与平台建立会话",
            en=f"{len(away)} devices have no session with the server",
            todo=Text(zh="见下面的 server 各项", en="see the server's checks below, and the agent's log"),
        )
    else:
        yield ok("agent.session", zh="各设备已与平台建立会话", en="every device has a session with the server")
    waiting = sum(float(value) for head, value in running.items() if head.startswith("steth_agent_outbox_reports{"))
    dropped = sum(float(v) for head, v in running.items() if head.startswith("steth_agent_outbox_dropped_reports{"))
    said = {"zh": f"发件箱中 {waiting:.0f} 份", "en": f"{waiting:.0f} reports wait in the outbox"}
    if dropped:
        todo = Text(zh="恢复网络，或增大 bulk_mb", en="mend the way to the server, or raise bulk_mb")
        lost = {"zh": f"，已丢弃 {dropped:.0f} 份", "en": f", {dropped:.0f} were dropped"}
        yield warn("agent.outbox", zh=said["zh"] + lost["zh"], en=said["en"] + lost["en"], todo=todo)
    else:
        yield ok("agent.outbox", **said)


def _refused(config: Config, catalog: Catalog) -> Iterator[Finding]:
    """What the running agent's devices said in vain."""
    try:
        with urllib.request.urlopen(f"http://{config.agent.health}/refusals", timeout=STEP_S) as answer:
            told = msgspec.json.decode(answer.read(), type=dict[str, list[Refusal]])
    except (OSError, ValueError):  # an older agent's, which doesn't tell
        return
    for device in config.devices:
        who = Text(zh=device.name, en=device.name)
        vain = [each for each in told.get(device.name, ()) if loses(catalog, each.kind, each.reason)]
        for each in sorted(vain, key=lambda each: -each.last):
            yield lost(f"{device.name}.refused", each, catalog, who=who, model=device.model)
        if not vain:
            yield ok(f"{device.name}.refused", zh="没有丢失内容", en="nothing that it said was lost")


# what it reads --------------------------------------------------------------------------------------------------------


def _sources(device: Device, *, running: bool) -> Iterator[Finding]:
    for kind, part in (("dicom", device.dicom), ("astm", device.astm), ("hl7", device.hl7)):
        check = f"{device.name}.{kind}"
        listen = getattr(part, "listen", None)
        connect = getattr(part, "connect", None)
        if listen is not None:
            yield _listening(check, listen, running=running)
        if connect is not None and not running:
            yield _reach(check, *_split(connect))
        if connect is not None and running:
            # An analyzer talks to one: the connection that is there is the agent's.
            yield ok(check, zh=f"{connect} 由运行中的代理使用", en=f"{connect} is the running agent's to use")
    if device.astm is not None and device.astm.serial is not None:
        yield _readable(f"{device.name}.astm", Path(device.astm.serial), os.R_OK | os.W_OK)
    if device.folder is not None:
        yield _readable(f"{device.name}.folder", Path(device.folder.path), os.R_OK | os.X_OK)
    for log in device.log:
        path = Path(log.path)
        with contextlib.suppress(OSError):
            path = Names(path, now=time.time()).path
        yield _readable(f"{device.name}.log", path, os.R_OK)


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _listening(check: str, address: str, *, running: bool) -> Finding:
    """Beside a running agent the port must answer; without one it must be free for it."""
    host, port = _split(address)
    if running:
        shown = "127.0.0.1" if host in {"0.0.0.0", ""} else "::1" if host == "::" else host  # noqa: S104 - a name of all
        return _reach(check, shown, port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = error.strerror or "—"
            todo = Text(zh="停止占用者，或改用其他端口", en="stop what uses it, or choose another port")
            return fail(check, zh=f"无法监听 {address}：{why}", en=f"{address} can't be listened on: {why}", todo=todo)
    return ok(check, zh=f"{address} 空闲，可供监听", en=f"{address} is free to be listened on")


def _reach(check: str, host: str, port: int) -> Finding:
    try:
        socket.create_connection((host, port), timeout=STEP_S).close()
    except OSError as error:
        why = error.strerror or "no answer"
        todo = Text(zh="检查对方是否运行、地址和防火墙", en="check that it runs, the address, and firewalls between")
        said = {"zh": f"{host}:{port} 连不上：{why}", "en": f"{host}:{port} can't be reached: {why}"}
        return fail(check, **said, todo=todo)
    return ok(check, zh=f"{host}:{port} 可连接", en=f"{host}:{port} takes connections")


def _readable(check: str, path: Path, mode: int) -> Finding:
    if not path.exists():
        todo = Text(
            zh="核对路径；日志会在设备首次写入后出现", en="check the path; a log appears once the equipment writes"
        )
        return warn(check, zh=f"{path} 不存在", en=f"{path} is not there", todo=todo)
    if not os.access(path, mode):
        todo = Text(zh="授予运行代理的用户权限", en="let the user that the agent runs as read it")
        return fail(check, zh=f"{path} 无权限", en=f"{path} may not be used", todo=todo)
    return ok(check, zh=f"{path} 可用", en=f"{path} can be used")
