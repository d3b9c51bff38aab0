"""The broker as our services use it: the way there, TLS and its dates, MQTT 5, who we are to it, a probe's way."""

import asyncio
import secrets
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import mqtt5
from cryptography import x509

from agent.show.findings import Finding, fail, ok, warn
from catalog.model import Text
from ingest.mqtt import MAX_PACKET, Endpoint
from wire.limits import MAX_BODY, WINDOW_REPORTS
from wire.topics import Lane, probe

STEP_S: Final = 5.0
SOON: Final = timedelta(days=30)
LONG: Final = timedelta(days=180)
"""Before an authority's end: every piece of equipment has to be given another one."""
RENEW: Final = Text(zh="更换证书（steth certs renew）", en="renew it (steth certs renew)")
REPLACE: Final = Text(
    zh="为服务和全部设备换用新的机构证书（ca.crt 可同时含新旧两份）",
    en="give the services and all equipment another authority's (ca.crt may hold the old and the new one)",
)
SLOW_S: Final = 1.0
_KEEP_ALIVE_S: Final = 20


async def check_broker(endpoint: Endpoint, *, probes: bool = True) -> AsyncIterator[Finding]:
    """Go the whole way, and stop where it can't go on. `probes`: whether we are one who may send itself a probe, as
    ingest does."""
    where = f"{endpoint.host}:{endpoint.port}"
    try:
        async with asyncio.timeout(STEP_S):
            reader, writer = await asyncio.open_connection(
                endpoint.host,
                endpoint.port,
                ssl=endpoint.tls,
                server_hostname=endpoint.host if endpoint.tls else None,
            )
    except ssl.SSLCertVerificationError as error:
        yield _untrusted(where, error)
        return
    except ssl.SSLError as error:
        yield fail(
            "broker.tls",
            zh=f"{where} TLS 握手失败：{error.reason}",
            en=f"{where}: the TLS handshake failed: {error.reason}",
            todo=Text(
                zh="核对端口是否为 TLS、客户端证书是否由其信任的机构签发",
                en="check that the port speaks TLS, and that its authority signed mqtt_cert",
            ),
        )
        return
    except (OSError, TimeoutError) as error:
        why = getattr(error, "strerror", None) or "no answer"
        yield fail(
            "broker.connect",
            zh=f"连不上 {where}：{why}",
            en=f"{where} can't be reached: {why}",
            todo=Text(
                zh="检查消息服务器是否运行、地址和防火墙", en="check that the broker runs, the address, and firewalls"
            ),
        )
        return
    yield ok("broker.connect", zh=f"{where} 可连接", en=f"{where} takes connections")
    try:
        if endpoint.tls is not None:
            yield _server_dates(writer)
        async for finding in _speak(endpoint, reader, writer, probes=probes):
            yield finding
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            await writer.wait_closed()


def _untrusted(where: str, error: ssl.SSLCertVerificationError) -> Finding:
    expired = "expired" in error.verify_message
    todo = Text(
        zh="更换消息服务器证书（steth certs renew）" if expired else "核对 mqtt_ca 与证书中的名称",
        en="renew the broker's certificate (steth certs renew)"
        if expired
        else "check mqtt_ca, and the names in its certificate",
    )
    said = error.verify_message
    return fail("broker.tls", zh=f"{where} 的证书不可信：{said}", en=f"{where}: its certificate: {said}", todo=todo)


def _server_dates(writer: asyncio.StreamWriter) -> Finding:
    found: ssl.SSLObject = writer.get_extra_info("ssl_object")
    der = found.getpeercert(binary_form=True)
    assert der is not None  # noqa: S101 - a client always gets one
    return judge_expiry("broker.tls", x509.load_der_x509_certificate(der).not_valid_after_utc, now=datetime.now(UTC))


def judge_expiry(check: str, ends: datetime, *, now: datetime, authority: bool = False) -> Finding:
    """A certificate's last day, and a warning before it."""
    soon, todo = (LONG, REPLACE) if authority else (SOON, RENEW)
    if ends <= now:
        return fail(
            check, zh=f"证书已于 {ends:%Y-%m-%d} 过期", en=f"the certificate expired on {ends:%Y-%m-%d}", todo=todo
        )
    said = {"zh": f"证书有效期至 {ends:%Y-%m-%d}", "en": f"the certificate is good until {ends:%Y-%m-%d}"}
    return warn(check, **said, todo=todo) if ends - now < soon else ok(check, **said)


class _BrokenOffError(Exception):
    """The broker closed the connection, or said what isn't MQTT 5."""


async def _packet(reader: asyncio.StreamReader) -> mqtt5.Packet:
    async with asyncio.timeout(STEP_S):
        try:
            head = await reader.readexactly(2)
            while head[-1] & 0x80 and len(head) < 5:
                head += await reader.readexactly(1)
            size = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(head[1:]))
            if size > MAX_PACKET:
                raise _BrokenOffError
            packet, _ = mqtt5.read(memoryview(head + await reader.readexactly(size)))
        except (asyncio.IncompleteReadError, OSError, ValueError):
            raise _BrokenOffError from None
        return packet


async def _speak(
    endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, probes: bool
) -> AsyncIterator[Finding]:
    password = endpoint.password
    writer.write(
        mqtt5.ConnectPacket(
            f"steth-doctor-{secrets.token_hex(4)}",
            clean_start=True,
            keep_alive=_KEEP_ALIVE_S,
            username=endpoint.username,
            password=None if password is None else password.encode(),
        ).write()
    )
    answer: mqtt5.Packet | None = None
    broken_off = False
    try:
        with suppress(TimeoutError):
            answer = await _packet(reader)
    except _BrokenOffError:
        broken_off = True
    if broken_off and endpoint.tls is not None:
        # With TLS 1.3 the verdict on our certificate comes after the handshake, as an alert (RFC 8446, 4.4.2.4).
        yield fail(
            "broker.tls",
            zh="TLS 之后、回应之前断开：我方证书不被接受，或端口不是 MQTT",
            en="it ends the connection after TLS and before an answer: our certificate is refused, or it isn't MQTT",
            todo=Text(
                zh="核对 mqtt_cert 是否由它信任的机构签发、是否过期或吊销，以及端口",
                en="check that its authority signed mqtt_cert, that it is in date and not revoked, and the port",
            ),
        )
        return
    if not isinstance(answer, mqtt5.ConnAckPacket):
        yield fail(
            "broker.protocol",
            zh="不回应 MQTT 5",
            en="it does not answer MQTT 5",
            todo=Text(
                zh="需要 MQTT 5：mosquitto ≥ 2.0.21 或 EMQX", en="an MQTT 5 broker is needed: mosquitto ≥ 2.0.21, EMQX"
            ),
        )
        return
    if answer.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
        yield _refused(answer)
        return
    yield _abilities(answer)
    try:
        if probes:
            yield await _round_trip(reader, writer)
        writer.write(mqtt5.DisconnectPacket().write())
    except (_BrokenOffError, TimeoutError):
        yield _no_way("no probe came back", "探测消息没有返回")


def _refused(answer: mqtt5.ConnAckPacket) -> Finding:
    code = mqtt5.ConnAckReasonCode
    name = answer.reason_code.name
    if answer.reason_code == code.UNSUPPORTED_PROTOCOL_VERSION:
        todo = Text(zh="需要 MQTT 5", en="an MQTT 5 broker is needed")
        return fail("broker.protocol", zh="不支持 MQTT 5", en="it does not speak MQTT 5", todo=todo)
    todo = Text(
        zh="核对 mqtt 中的用户和口令，或 mqtt_cert 的名称与访问表",
        en="check user and password in mqtt, or the name in mqtt_cert against the broker's access list",
    )
    return fail("broker.login", zh=f"拒绝我们：{name}", en=f"it refuses us: {name}", todo=todo)


def _abilities(answer: mqtt5.ConnAckPacket) -> Finding:
    """What ingest and the agents rely on (MQTT 5, section 3.2.2.3); what is absent has the standard's default."""
    lacking: list[str] = []
    if answer.max_qos == mqtt5.QoS.AT_MOST_ONCE:
        lacking.append("QoS 1")
    if not answer.wildcard_subscription_available:
        lacking.append("wildcards")
    if answer.max_packet_size is not None and answer.max_packet_size < MAX_BODY:
        lacking.append(f"packets of {MAX_BODY} bytes (it takes {answer.max_packet_size})")
    limit = f"receive-maximum {answer.receive_max}"
    if lacking:
        return fail(
            "broker.abilities",
            zh=f"缺少：{', '.join(lacking)}",
            en=f"it lacks {', '.join(lacking)}",
            todo=Text(
                zh="按 docker/mosquitto/mosquitto.conf 配置", en="configure it as docker/mosquitto/mosquitto.conf is"
            ),
        )
    if answer.receive_max < WINDOW_REPORTS:
        return warn(
            "broker.abilities",
            zh=f"{limit}，小于代理的窗口 {WINDOW_REPORTS}",
            en=f"{limit} is below the agents' window of {WINDOW_REPORTS}",
            todo=Text(zh="调高 max_inflight_messages", en="raise max_inflight_messages"),
        )
    return ok("broker.abilities", zh=f"MQTT 5，{limit}", en=f"MQTT 5, {limit}")


async def _round_trip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Finding:
    """A probe to ourselves, as ingest sends them. Another's is ignored by whoever owns the partition."""
    topic = probe(0, Lane.LIVE)
    mine = f"doctor-{secrets.token_hex(8)} {time.time_ns() // 1_000_000}".encode()
    writer.write(mqtt5.SubscribePacket(1, [mqtt5.TopicFilter(topic, max_qos=mqtt5.QoS.AT_LEAST_ONCE)]).write())
    began = time.perf_counter()
    async with asyncio.timeout(STEP_S):
        while True:
            packet = await _packet(reader)
            if isinstance(packet, mqtt5.SubAckPacket):
                if any(code.value >= 0x80 for code in packet.reason_codes):
                    return _no_way("the subscription was refused", "订阅被拒绝")
                began = time.perf_counter()
                writer.write(mqtt5.PublishPacket(topic, mine, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=2).write())
            elif isinstance(packet, mqtt5.PubAckPacket):
                if packet.reason_code.value >= 0x80:
                    return _no_way(f"publishing was refused: {packet.reason_code.name}", "发布被拒绝")
            elif isinstance(packet, mqtt5.PublishPacket) and packet.payload == mine:
                break
    took_s = time.perf_counter() - began
    said = {"zh": f"探测消息往返 {took_s * 1000:.0f} ms", "en": f"a probe came back after {took_s * 1000:.0f} ms"}
    if took_s > SLOW_S:
        return warn("broker.probe", **said, todo=Text(zh="检查消息服务器负载", en="look at the broker's load"))
    return ok("broker.probe", **said)


def _no_way(en: str, zh: str) -> Finding:
    return fail(
        "broker.probe",
        zh=zh,
        en=en,
        todo=Text(
            zh="核对访问表：steth-ingest 可读写 steth/1/probe/#（docker/mosquitto/acl）",
            en="check the access list: ingest's identity may read and write steth/1/probe/# (docker/mosquitto/acl)",
        ),
    )
