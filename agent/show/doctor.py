"""``steth-agent doctor CONFIG.toml``: says of each part of the agent's side how it is and what to do.

It may be run beside a running agent: it never connects as a device (the broker would end the agent's own session),
never opens an outbox, and leaves a line alone that an analyzer gives to one listener only.
"""

import contextlib
import json
import os
import shutil
import socket
import ssl
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from agent.adapters.logs.names import Names
from agent.app import bind, known
from agent.config.addresses import host_port
from agent.config.certificate import files, last_moment
from agent.config.file import load, located
from agent.config.shapes import Config, Device, Server
from agent.errors import AgentError, ConfigError
from agent.outbox.room import MB, RESERVE, reserve_of
from agent.secrecy import exposed
from agent.show.findings import Finding, as_json, fail, failed, lines, lost, ok, warn
from agent.uplink.box import kept_box
from agent.uplink.endpoint import endpoint, own
from agent.uplink.enrol import stored
from agent.uplink.link import Endpoint
from agent.uplink.proxy import tunnel
from catalog.model import Catalog, Lang, Text
from catalog.refusals import loses
from wire.items import Refusal

STEP_S: Final = 5.0
SOON: Final = timedelta(days=30)
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
    yield from _server(config)


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
    box = kept_box(folder)
    yield ok(
        "agent.box", zh=f"本机标识：{box or '首次启动时生成'}", en=f"this box is {box or 'named at the first start'}"
    )


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
            yield _reach(check, *host_port(connect))
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


def _listening(check: str, address: str, *, running: bool) -> Finding:
    """Beside a running agent the port must answer; without one it must be free for it."""
    if running:
        host, port = host_port(address)
        shown = "127.0.0.1" if host in {"0.0.0.0", ""} else "::1" if host == "::" else host  # noqa: S104 - a name of all
        return _reach(check, shown, port)
    try:
        bind(address)
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


# the server -----------------------------------------------------------------------------------------------------------


def _server(config: Config) -> Iterator[Finding]:
    asked: set[tuple[str, str | None]] = set()
    for device in config.devices:
        mqtt, uid = config.server.mqtt, device.id
        try:
            kept = stored(Path(config.agent.state), device.name)
        except AgentError as error:
            todo = Text(zh="恢复该文件，或用新的登记码", en="restore it, or enrol with a new code")
            yield fail(f"{device.name}.identity", zh=str(error), en=str(error), todo=todo)
            continue
        if uid is None and kept is None:
            yield warn(
                f"{device.name}.identity",
                zh="尚未登记",
                en="is not enrolled yet",
                todo=Text(zh="启动代理，它会用 code 登记", en="start the agent: it enrols with the code"),
            )
        elif kept is not None:
            mqtt, uid = mqtt or kept.mqtt, uid or kept.device
        if mqtt is not None and uid is not None and (mqtt, device.cert) not in asked:
            asked.add((mqtt, device.cert))
            yield from _broker(own(config.server, device), mqtt, uid)
    if config.server.api is not None:
        yield _api(config.server.api)


def _broker(server: Server, mqtt: str, device: str) -> Iterator[Finding]:
    todo = Text(zh="核对 [server] 的 ca、cert、key 与地址", en="check ca, cert, key and the addresses in [server]")
    try:
        where = endpoint(server, mqtt, device)
    except (AgentError, OSError, ValueError, ssl.SSLError) as error:
        yield fail("server.config", zh=str(error), en=str(error), todo=todo)
        return
    try:
        plain = _open(where)
    except OSError as error:
        why = error.strerror or str(error) or "no answer"
        way = Text(zh="检查网络、代理服务器和防火墙的出网规则", en="check the network, the proxy, and what may go out")
        yield fail("server.connect", zh=f"{where} 连不上：{why}", en=f"{where} can't be reached: {why}", todo=way)
        return
    if where.tls is not None:
        for of, path in files(server).items():
            yield _ends(of, last_moment(path), now=datetime.now(UTC))
    with plain:
        yield ok("server.connect", zh=f"{where} 可连接", en=f"{where} takes connections")
        if where.tls is not None:
            yield _handshake(where, plain, where.tls, todo)


def _ends(of: str, ends: datetime, *, now: datetime) -> Finding:
    """A file that could be used a moment ago: until when?"""
    zh, en = {"device": ("本机证书", "our certificate"), "authority": ("平台机构证书", "the authority's certificate")}[
        of
    ]
    check = f"server.{of}"
    said = {"zh": f"{zh}有效期至 {ends:%Y-%m-%d}", "en": f"{en} is good until {ends:%Y-%m-%d}"}
    todo = Text(
        zh="向平台方索取新证书，替换文件即可", en="ask the server's people for another one and replace the file"
    )
    if ends <= now:
        return fail(check, **said, todo=todo)
    return warn(check, **said, todo=todo) if ends - now < SOON else ok(check, **said)


def _open(where: Endpoint) -> socket.socket:
    if where.proxy is not None:
        return tunnel(where.proxy, where.host, where.port)
    return socket.create_connection((where.host, where.port), timeout=STEP_S)


def _handshake(where: Endpoint, plain: socket.socket, tls: ssl.SSLContext, todo: Text) -> Finding:
    plain.settimeout(STEP_S)
    try:
        with tls.wrap_socket(plain, server_hostname=where.host) as secured:
            ends_s = ssl.cert_time_to_seconds(str((secured.getpeercert() or {})["notAfter"]))
            # With TLS 1.3 the server's verdict on our certificate comes after the handshake (RFC 8446, 4.4.2.4).
            secured.settimeout(0.5)
            with suppress(TimeoutError):
                secured.recv(1)
    except ssl.SSLCertVerificationError as error:
        said = error.verify_message
        return fail("server.tls", zh=f"平台证书不可信：{said}", en=f"the server's certificate: {said}", todo=todo)
    except ssl.SSLError as error:
        said = error.reason or "refused"
        return fail("server.tls", zh=f"TLS 被拒绝：{said}", en=f"TLS was refused: {said}", todo=todo)
    except OSError as error:
        said = error.strerror or "broken off"
        return fail("server.tls", zh=f"TLS 中断：{said}", en=f"TLS broke off: {said}", todo=todo)
    ends = datetime.fromtimestamp(ends_s, UTC)
    shown = {"zh": f"平台证书有效期至 {ends:%Y-%m-%d}", "en": f"the server's certificate is good until {ends:%Y-%m-%d}"}
    if ends - datetime.now(UTC) < SOON:
        return warn("server.tls", **shown, todo=Text(zh="请平台方更换证书", en="ask the server's people to renew it"))
    return ok("server.tls", **shown)


def _api(api: str) -> Finding:
    todo = Text(zh="核对 [server] api 与出网规则", en="check [server] api, and what may go out")
    try:
        request = urllib.request.Request(f"{api.rstrip('/')}/healthz")  # noqa: S310 - from our own configuration
        with urllib.request.urlopen(request, timeout=STEP_S) as answer:  # noqa: S310
            told = answer.headers.get("Steth-Time", "")
            json.loads(answer.read(65_536))
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or type(error).__name__
        return fail("server.api", zh=f"{api} 无应答：{why}", en=f"{api} does not answer: {why}", todo=todo)
    if not told.isdigit():
        return ok("server.api", zh=f"{api} 有应答", en=f"{api} answers")
    offset_s = int(told) / 1000 - datetime.now(UTC).timestamp()
    said = {
        "zh": f"{api} 有应答，本机时钟相差 {-offset_s:+.1f} s（会自动校正）",
        "en": f"{api} answers; our clock differs by {-offset_s:+.1f} s (which is corrected)",
    }
    if abs(offset_s) > 300:
        return warn(
            "server.api", **said, todo=Text(zh="对时：报表与日志时间不符", en="set the clock: logs are hard to read")
        )
    return ok("server.api", **said)
