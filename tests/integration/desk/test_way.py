"""Where a message may go, against servers that must hear nothing of it."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme

from desk.telling.channels import Channels
from desk.telling.reasons import RefusedError, TellingError
from desk.telling.targets import Bounds, read_listed
from desk.telling.way import Way
from tests.integration.desk.listeners import mail_server, webhook
from tests.integration.desk.receivers import answering, raw, robots

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Names:
    """A resolver of its own: each name's answers in turn, the last for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name.replace("_", "."): rows for name, rows in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        rows = self._answers.get(host, [[host]])
        self.asked.append(host)
        return rows[min(self.asked.count(host), len(rows)) - 1]


def channels(names: Names, *, listed: str = "", own: tuple[str, ...] = (), proxy: str = "") -> Channels:
    return Channels(way=Way(Bounds(listed=read_listed(listed), own=own), resolve=names), proxy=proxy)


async def send(channel: Channels, address: str) -> None:
    await channel.send(address=address, subject="WX20261122-007", body="x", severity="critical")


async def refusal(channel: Channels, address: str) -> str:
    with pytest.raises(TellingError) as raised:
        await send(channel, address)
    return raised.value.message


@pytest.mark.parametrize("scheme", ["json", "jsons", "mailto", "mailtos"])
@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("evil.example", ["127.0.0.1"]),
        ("evil.example", ["8.8.8.8", "127.0.0.1"]),
        ("evil.example", ["::1"]),
        ("evil.example", ["::ffff:127.0.0.1"]),
        ("[::ffff:127.0.0.1]", ["::ffff:127.0.0.1"]),
        ("[::1]", ["::1"]),
    ],
)
async def test_what_leads_inside_is_refused_before_anything_is_called(scheme: str, host: str, found: list[str]) -> None:
    names = Names(evil_example=[found])
    async with raw(answering(OK), asked=b"") as inside:
        channel = channels(names)
        address = f"{scheme}://a:b@{host}:{inside.port}/x@a.example?"
        address += "from=a@b.example" if scheme.startswith("mail") else "-q=1"
        with pytest.raises(RefusedError, match=r"telling\.target"):
            await send(channel, address)
        with pytest.raises(RefusedError, match=r"telling\.target"):
            await channel.check(address)
        assert inside.asked == 0


@contextmanager
def two(tls: ssl.SSLContext | None = None) -> Iterator[tuple[list[str], list[str], int]]:
    """What is heard by a receiver outside (127.0.0.2), by one inside (127.0.0.1), and the port of both."""
    with webhook(tls) as inside, webhook(tls, host="127.0.0.2", port=inside.port) as outside:
        yield outside.hosts, inside.hosts, inside.port


async def test_the_address_that_was_checked_is_called_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that has an address outside when asked first, and one inside from then on."""
    authority, context, trusting = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("evil.example").configure_cert(context)
    authority.configure_trust(trusting)
    monkeypatch.setattr("desk.telling.post.tls", lambda: trusting)
    for scheme, tls in (("json", None), ("jsons", context)):
        names = Names(evil_example=[["127.0.0.2"], ["127.0.0.1"]])
        with two(tls) as (outside, inside, port):
            await send(channels(names, listed="127.0.0.2"), f"{scheme}://evil.example:{port}/")
            assert (outside, inside) == ([f"evil.example:{port}"], [])
        assert names.asked == ["evil.example"]


async def test_a_mail_servers_name_is_resolved_once_too() -> None:
    names = Names(evil_example=[["127.0.0.1"], ["127.0.0.3"]])
    with mail_server() as box:
        await send(channels(names, listed="127.0.0.1"), f"mailto://evil.example:{box.port}?from=a@b.example")
    assert (len(box.letters), names.asked) == (1, ["evil.example"])


@pytest.mark.parametrize("mode", ["ssl", "starttls"])
async def test_mail_by_tls_is_for_whom_the_certificate_names(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, context, trusting = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("smtp.house").configure_cert(context)
    authority.configure_trust(trusting)
    names = Names(smtp_house=[["127.0.0.1"]], other_house=[["127.0.0.1"]])
    channel = channels(names, listed="127.0.0.1")
    with mail_server(**{"tls" if mode == "ssl" else "starttls": context}) as box:
        address = f"mailtos://steth:{box.password}@smtp.house:{box.port}?from=a@b.example&mode={mode}"
        assert await refusal(channel, address) == "telling.certificate"
        monkeypatch.setattr("desk.telling.mail.tls", lambda: trusting)
        assert await refusal(channel, address.replace("smtp.", "other.")) == "telling.certificate"
        assert (box.logins, box.letters) == (0, [])
        await send(channel, address)
        assert (box.logins, len(box.letters)) == (1, 1)


async def test_a_mail_server_without_starttls_is_given_neither_password_nor_mail() -> None:
    with mail_server() as box:
        address = f"mailtos://steth:{box.password}@127.0.0.1:{box.port}?from=a@b.example"
        assert await refusal(channels(Names(), listed="127.0.0.1"), address) == "telling.mail_unfit"
        assert (box.logins, box.letters) == (0, [])


@pytest.mark.parametrize("listed", ["127.0.0.0/8", "127.0.0.1", "db"])
async def test_the_deployments_own_is_open_by_its_own_name_alone(listed: str) -> None:
    names = Names(db=[["127.0.0.2"]])
    with two() as (outside, inside, port):
        channel = channels(names, listed=listed, own=("db",))
        for host in ("127.0.0.1", "127.0.0.2", "db"):
            try:
                await send(channel, f"json://{host}:{port}/")
            except RefusedError:
                continue
        assert (outside, inside) == {
            "127.0.0.0/8": ([], []),
            "127.0.0.1": ([], [f"127.0.0.1:{port}"]),
            "db": ([f"db:{port}"], []),
        }[listed]


async def test_the_next_address_is_called_where_nobody_listens_at_the_first() -> None:
    names = Names(hook_house=[["127.0.0.3", "127.0.0.1"]])
    with webhook() as hook:
        await send(channels(names, listed="hook.house"), f"json://hook.house:{hook.port}/")
    assert hook.hosts == [f"hook.house:{hook.port}"]


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw(answering(OK)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        with webhook() as hook:
            await send(channels(Names(), listed="127.0.0.1"), hook.address())
        assert proxy.asked == 0
    assert len(hook.bodies) == 1


async def test_the_operators_proxy_is_the_way_to_robots_and_to_nothing_else() -> None:
    """It resolves by itself: it is given no name that a recipient's address chose."""
    asked: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    async with server:
        proxy = f"http://me:pw@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        channel = channels(Names(evil_example=[["127.0.0.1"]]), proxy=proxy)
        assert await refusal(channel, "dingtalk://s3cret") == "telling.no_connection"
        assert await refusal(channel, "json://evil.example:8080/") == "telling.target"
    [request] = asked
    assert request.startswith(b"CONNECT oapi.dingtalk.com:443 ")
    assert b"Proxy-Authorization: Basic" in request
    assert b"s3cret" not in request


async def test_a_robots_host_that_leads_inside_is_refused_too() -> None:
    with robots() as state:
        channel = Channels(way=Way(Bounds()), hosts=state.hosts())
        assert await refusal(channel, "dingtalk://good") == "telling.target"
    assert state.asked == 0
