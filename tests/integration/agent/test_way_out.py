"""The ways out of a hospital, on a real broker: WebSocket, an HTTP proxy, TLS with client certificates; together."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from structlog.testing import capture_logs

from agent import backoff
from agent.config.shapes import Server
from agent.uplink import link, proxy
from agent.uplink.endpoint import endpoint
from agent.uplink.link import Endpoint
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.ports import free_port
from tests.fixtures.proxy import Proxy
from tests.fixtures.trixie import Tree
from tests.integration.agent.rig import Rig, bulky, fault, reading

WAYS = ("ws", "wss", "proxy", "proxy+mqtts", "proxy+wss")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "BACKOFF_S", 0.1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class Broker(Mosquitto):
    """With listeners for WebSocket: ``ws_port``, and ``wss_port``, which asks for client certificates."""

    def __init__(self, *, tree: Tree, authority: trustme.CA) -> None:
        self.ws_port, self.wss_port = free_port(), free_port()
        super().__init__(
            tree=tree, authority=authority, config=[f"listener {self.ws_port} 127.0.0.1", "protocol websockets"]
        )
        folder = f"/srv/steth/{self.directory.name}"
        secure = [f"cafile {folder}/ca.pem", f"certfile {folder}/server.pem", f"keyfile {folder}/server.key"]
        config = self.directory / "mosquitto.conf"
        more = [f"listener {self.wss_port} 127.0.0.1", "protocol websockets", *secure, "require_certificate true", ""]
        config.write_text(config.read_text() + "\n".join(more))


@pytest.fixture(scope="module")
def broker(trixie: Tree, authority: trustme.CA) -> Iterator[Broker]:
    with Broker(tree=trixie, authority=authority) as made:
        yield made


@pytest.fixture
def between() -> Iterator[Proxy]:
    with Proxy(user="agent:s3cret ü") as made:
        yield made


@pytest.fixture
def server(authority: trustme.CA, between: Proxy, tmp_path: Path) -> Server:
    """All of it configured; ``mqtt`` chooses what is used of it."""
    folder = tmp_path / "config"
    folder.mkdir()
    own = authority.issue_cert(common_name="a-device")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "device.pem").write_bytes(b"".join(pem.bytes() for pem in own.cert_chain_pems))
    own.private_key_pem.write_to_path(str(folder / "device.key"))
    (folder / "proxy").write_text("s3cret ü\nwhat follows is no password\n", "utf-8")
    return Server(
        ca=str(folder / "ca.pem"),
        cert=str(folder / "device.pem"),
        key=str(folder / "device.key"),
        proxy=between.url,
        proxy_username="agent",
        proxy_password_file=str(folder / "proxy"),
    )


def at(way: str, broker: Broker, server: Server) -> Endpoint:
    """The endpoint of one of the ``WAYS``, as the agent would make it."""
    scheme = way.rpartition("+")[2]
    mqtt = {
        "ws": f"ws://127.0.0.1:{broker.ws_port}",
        "wss": f"wss://localhost:{broker.wss_port}/mqtt",
        "proxy": f"mqtt://127.0.0.1:{broker.port}",
        "mqtts": f"mqtts://localhost:{broker.tls_port}",
    }[scheme]
    return endpoint(_without_proxy(server) if "proxy" not in way else server, mqtt, "dabc123456789")


def _without_proxy(server: Server) -> Server:
    return Server(ca=server.ca, cert=server.cert, key=server.key)


def codes(count: int) -> list[str]:
    return [f"C-{number}" for number in range(count)]


@pytest.mark.parametrize("way", WAYS)
async def test_everything_arrives_once_in_order(
    way: str, broker: Broker, between: Proxy, server: Server, tmp_path: Path
) -> None:
    async with Rig(folder=tmp_path, port=broker.port, endpoint=at(way, broker, server)) as rig:
        for number, code in enumerate(codes(120)):
            await rig.put(live=[fault(code)], bulk=[reading(number)])
        await rig.put(bulk=[bulky(200 + number, 2_000) for number in range(8)])
        await rig.emptied()
        assert rig.codes() == codes(120)
        assert rig.values()[:120] == list(range(120))
        assert len(rig.values()) == 120 + 8 * 2_000
        assert rig.server.duplicates == 0
        assert rig.uplink.counters.connections == 1
    assert between.opened == ("proxy" in way)
    assert (between.carried > 100_000) == ("proxy" in way)


@pytest.mark.parametrize("way", WAYS)
async def test_a_connection_that_is_cut_is_made_again(
    way: str, broker: Broker, between: Proxy, server: Server, tmp_path: Path
) -> None:
    async with Rig(folder=tmp_path, port=broker.port, endpoint=at(way, broker, server)) as rig:
        await rig.put(live=[fault("A")])
        await rig.emptied()
        if "proxy" in way:
            between.cut()
        else:
            broker.kill()
        await rig.put(live=[fault("B")])
        await asyncio.sleep(0.1)
        if "proxy" not in way:
            broker.start()
        await rig.emptied()
        assert rig.codes() == ["A", "B"]
        assert rig.uplink.counters.connections == 2


async def test_the_name_of_the_broker_goes_to_the_proxy_and_its_password_to_nobody_else(
    broker: Broker, between: Proxy, server: Server, tmp_path: Path
) -> None:
    with capture_logs() as logged:
        async with Rig(folder=tmp_path, port=broker.port, endpoint=at("proxy+wss", broker, server)) as rig:
            await rig.put(live=[fault("A")])
            await rig.emptied()
    assert between.asked == [f"localhost:{broker.wss_port}"]
    connected = [entry for entry in logged if entry["event"] == "connected"]
    assert [entry["to"] for entry in connected] == [
        f"wss://localhost:{broker.wss_port}/mqtt through 127.0.0.1:{between.port}"
    ]
    assert "s3cret" not in repr(logged)


@pytest.mark.parametrize(
    "failure",
    [
        (
            "password",
            "the proxy {proxy} wants another user or password (407); correct proxy_username and proxy_password_file",
        ),
        (
            "forbidden",
            "the proxy {proxy} refuses the way to localhost:{port} (403); ask who runs it to allow that address",
        ),
        ("hangs", "the proxy {proxy} doesn't answer"),
        ("drips", "the proxy {proxy} doesn't answer"),
        ("hangs up", "the proxy {proxy} hung up (ConnectionResetError)"),
        ("other protocol", "{proxy} doesn't answer as an HTTP proxy does; is it one?"),
        ("endless", "{proxy} doesn't answer as an HTTP proxy does; is it one?"),
    ],
)
async def test_a_proxy_that_fails_is_one_clear_line_and_asked_again(
    failure: tuple[str, str],
    broker: Broker,
    between: Proxy,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong, said = failure
    monkeypatch.setattr(proxy, "TIMEOUT_S", 0.5)
    to = at("proxy+wss", broker, server)
    between.user = "agent:another" if wrong == "password" else "agent:s3cret ü"
    between.drip = 0.2 if wrong == "drips" else 0.0
    between.answer = {
        "forbidden": b"HTTP/1.1 403 <b>CANARY</b>\r\nContent-Length: 6\r\n\r\nCANARY",
        "hangs": b"",
        "drips": b"HTTP/1.1 200 Connection established\r\n\r\n",
        "hangs up": b"HTTP/1.1 200 Conn",
        "other protocol": b"220 CANARY ESMTP\r\n",
        "endless": b"HTTP/1.1 200 OK\r\n" + b"X: CANARY\r\n" * 2_000,
    }.get(wrong)
    with capture_logs() as logged:
        async with Rig(folder=tmp_path, port=broker.port, endpoint=to) as rig:
            await rig.put(live=[fault("A")])
            await rig.server.until(lambda: len(between.asked) >= 2, "a second try")
            between.user, between.answer, between.drip = "agent:s3cret ü", None, 0.0
            await rig.emptied()
    lines = [entry["error"] for entry in logged if entry["event"] == "not connected"]
    where = f"127.0.0.1:{between.port}"
    assert lines[0] == said.format(proxy=where, port=broker.wss_port)
    assert "CANARY" not in repr(logged)
    assert "s3cret" not in repr(logged)


async def test_no_proxy_there_is_said_so(broker: Broker, server: Server, tmp_path: Path) -> None:
    nobody = free_port()
    gone = Server(proxy=f"http://127.0.0.1:{nobody}")
    with capture_logs() as logged:
        async with Rig(folder=tmp_path, port=broker.port, endpoint=at("proxy", broker, gone)) as rig:
            await rig.server.until(lambda: len(logged) > 1, "two lines")
    assert logged[0]["error"] == f"the proxy 127.0.0.1:{nobody} can't be reached (Connection refused)"


async def test_an_answer_in_pieces_is_no_failure(
    broker: Broker, between: Proxy, server: Server, tmp_path: Path
) -> None:
    between.drip = 0.005
    async with Rig(folder=tmp_path, port=broker.port, endpoint=at("proxy+wss", broker, server)) as rig:
        await rig.put(live=[fault("A")])
        await rig.emptied()
        assert rig.uplink.counters.connections == 1


@pytest.mark.parametrize("way", ["wss", "proxy+wss", "proxy+mqtts"])
async def test_another_authority_s_broker_is_not_talked_to(
    way: str, broker: Broker, server: Server, tmp_path: Path
) -> None:
    right = at(way, broker, server)
    strange = ssl.create_default_context()
    wrong = Endpoint(
        host=right.host, port=right.port, client_id=right.client_id, tls=strange, path=right.path, proxy=right.proxy
    )
    with capture_logs() as logged:
        async with Rig(folder=tmp_path, port=broker.port, endpoint=wrong) as rig:
            await rig.server.until(lambda: bool(logged), "a line")
            assert rig.uplink.counters.connections == 0
    assert "certificate verify failed" in logged[0]["error"]


@pytest.mark.parametrize("way", ["wss", "proxy+wss"])
async def test_without_our_certificate_the_broker_hangs_up(
    way: str, broker: Broker, server: Server, tmp_path: Path
) -> None:
    nameless = Server(
        ca=server.ca,
        proxy=server.proxy,
        proxy_username=server.proxy_username,
        proxy_password_file=server.proxy_password_file,
    )
    with capture_logs() as logged:
        async with Rig(folder=tmp_path, port=broker.port, endpoint=at(way, broker, nameless)) as rig:
            await rig.server.until(lambda: bool(logged), "a line")
            assert rig.uplink.counters.connections == 0
    assert logged[0]["event"] == "not connected"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nSec-WebSocket-Accept:CANARY\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \xff\xfe\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n<html>CANARY</html>",
        b"",
        None,
    ],
)
async def test_what_is_no_websocket_is_one_clear_line(
    answer: bytes | None, tmp_path: Path, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``None``: it says nothing; then the connection is given up in time."""
    monkeypatch.setattr(link, "CONNECT_S", 0.5)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer is None:
            assert await reader.read() == b""  # which is when we were hung up on
        else:
            writer.write(answer)
        writer.close()

    other = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    to = endpoint(Server(), f"ws://127.0.0.1:{port}/mqtt", "dabc123456789")
    with capture_logs() as logged:
        async with Rig(folder=tmp_path, port=mosquitto.port, endpoint=to) as rig:
            await rig.server.until(lambda: bool(logged), "a line")
    other.close()
    (line, *_) = logged
    assert (line["event"], line["to"]) == ("not connected", f"ws://127.0.0.1:{port}/mqtt")
    assert "WebSocket" in line["error"] or "no connection within 0.5 s" in line["error"]
    assert "\n" not in line["error"]
    assert "CANARY" not in repr(logged)
