"""The way to the server, step by step, as the agent would go it."""

import json
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from agent.config.certificate import files, last_moment
from agent.config.shapes import Config, Server
from agent.errors import AgentError
from agent.show.findings import Finding, fail, ok, warn
from agent.uplink.endpoint import endpoint, own
from agent.uplink.enrol import stored
from agent.uplink.link import Endpoint
from agent.uplink.proxy import tunnel
from catalog.model import Text

STEP_S: Final = 5.0
SOON: Final = timedelta(days=30)


def server(config: Config) -> Iterator[Finding]:
    """Each broker that a device of the configuration goes to, and the API."""
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
