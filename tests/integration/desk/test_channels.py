"""The ways out, against a webhook, a mail server, and whoever answers badly."""

import asyncio
import gzip
import logging
import resource
import ssl
import time

import pytest
import trustme

from desk.telling.channels import Channels
from desk.telling.inert import inert
from desk.telling.reasons import RefusedError, TellingError, TooFastError
from tests.fixtures.heard import Heard
from tests.integration.desk.listeners import HERE, mail_server, webhook
from tests.integration.desk.receivers import (
    Writing,
    answering,
    boundless_mail,
    deaf,
    drip,
    endless_body,
    endless_headers,
    endless_interim,
    hang,
    raw,
)

SUBJECT = "[紧急] WX20261122-007 DR 一室：高压发生器 kV：kV 未达到设定值"
BODY = "设备：DR 一室 <b>& co</b>\n医院：第一医院 放射科\n备件：逆变板 ×2"
PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"
LOGIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE)
BOMB = gzip.compress(b"x" * 50_000_000)


async def send(channel: Channels, address: str) -> None:
    await channel.send(address=address, subject=SUBJECT, body=BODY, severity="critical")


async def refusal(channel: Channels, address: str) -> TellingError:
    with pytest.raises(TellingError) as raised:
        await send(channel, address)
    return raised.value


async def test_a_webhook_gets_the_message_as_json() -> None:
    with webhook() as hook:
        await send(Channels(way=HERE), hook.address())
        await send(Channels(way=HERE), f"{hook.address()}?:room=7&:message=text&:type=")
        one, other = hook.bodies
    assert one == {"version": "1.0", "title": SUBJECT, "message": BODY, "attachments": [], "type": "failure"}
    assert other == {"version": "1.0", "title": SUBJECT, "text": BODY, "attachments": [], "room": "7"}


async def test_an_email_in_chinese_arrives_readable() -> None:
    with mail_server() as box:
        await send(Channels(way=HERE), box.address(password=box.password))
        [letter] = box.letters
    assert letter["Subject"] == SUBJECT
    assert letter["To"] == "duty@hospital.example"
    assert "steth@dealer.example" in letter["From"]
    plain = letter.get_body(("plain",))
    assert plain is not None
    assert plain.get_content_charset() == "utf-8"
    lines = [line.strip() for line in plain.get_content().splitlines() if line.strip()]
    assert lines == inert(BODY).splitlines()


@pytest.mark.parametrize(
    ("status", "fate"), [(404, RefusedError), (429, TooFastError), (500, TellingError), (503, TellingError)]
)
async def test_a_webhook_that_refuses_is_an_error_with_its_status(status: int, fate: type[TellingError]) -> None:
    async with raw(answering(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)) as hook:
        error = await refusal(Channels(way=HERE), f"json://127.0.0.1:{hook.port}/")
    assert type(error) is fate
    assert status == 429 or error.params == {"status": status}


async def test_a_login_page_with_status_200_is_no_delivery() -> None:
    async with raw(answering(LOGIN)) as hook:
        error = await refusal(Channels(way=HERE), f"json://127.0.0.1:{hook.port}/")
    assert (type(error), error.message) == (RefusedError, "telling.page")


@pytest.mark.parametrize("scheme", ["json", "dingtalk"])
async def test_no_redirect_is_followed(scheme: str) -> None:
    async with raw(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as elsewhere:
        where = b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % elsewhere.port
        async with raw(answering(where)) as hook:
            channel = Channels(way=HERE, hosts={"dingtalk": f"http://127.0.0.1:{hook.port}"})
            error = await refusal(
                channel, "dingtalk://good" if scheme == "dingtalk" else f"{scheme}://127.0.0.1:{hook.port}/"
            )
        assert elsewhere.asked == 0
    assert (type(error), error.message) == (RefusedError, "telling.redirected")


@pytest.mark.parametrize("behaviour", [endless_headers, endless_interim, drip, hang])
async def test_whoever_answers_without_end_costs_the_time_limit(behaviour: Writing) -> None:
    async with raw(behaviour) as hook:
        began = time.monotonic()
        error = await refusal(Channels(way=HERE, limit_s=0.5), f"json://127.0.0.1:{hook.port}/")
        assert time.monotonic() - began < 5
    assert isinstance(error, TellingError)


@pytest.mark.parametrize("behaviour", [boundless_mail, drip, hang])
async def test_a_mail_server_that_answers_without_end_costs_no_more(behaviour: Writing) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with raw(behaviour, asked=b"") as server:
        began = time.monotonic()
        error = await refusal(Channels(way=HERE, limit_s=0.5), f"mailto://a:b@127.0.0.1:{server.port}?from=a@b.example")
        assert time.monotonic() - began < 5
    assert error.message in {"telling.no_answer", "telling.unreadable"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


async def test_an_endless_answer_is_read_no_further_than_it_matters() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with raw(endless_body) as hook:
        await send(Channels(way=HERE, limit_s=5), f"json://127.0.0.1:{hook.port}/")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


async def test_what_is_packed_is_not_unpacked() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB)
    async with raw(answering(head + BOMB)) as hook:
        await send(Channels(way=HERE), f"json://127.0.0.1:{hook.port}/")
        robot = Channels(way=HERE, hosts={"wecombot": f"http://127.0.0.1:{hook.port}"})
        assert (await refusal(robot, "wecombot://good")).message == "telling.unreadable"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


async def test_a_receiver_that_hangs_at_tls_or_is_not_trusted_is_an_error() -> None:
    with deaf() as port:
        error = await refusal(Channels(way=HERE, limit_s=0.3), f"jsons://127.0.0.1:{port}/")
        assert error.message == "telling.no_answer"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with webhook(context) as hook:
        address = hook.address().replace("json:", "jsons:")
        assert (await refusal(Channels(way=HERE), address)).message == "telling.certificate"
    assert hook.bodies == []


@pytest.mark.parametrize(
    "answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", b"HTTP/9.9 xx\r\n\r\n"]
)
async def test_what_is_no_http_is_an_error(answer: bytes) -> None:
    async with raw(answering(answer)) as hook:
        error = await refusal(Channels(way=HERE), f"json://127.0.0.1:{hook.port}/")
    assert error.message in {"telling.unreadable", "telling.no_connection"}


async def test_a_wrong_password_of_a_mail_server_is_an_error_that_does_not_tell_it() -> None:
    with mail_server() as box:
        error = await refusal(Channels(way=HERE), box.address(password="Wr0ng-Passw0rd"))
    assert (type(error), error.params) == (RefusedError, {"status": 535})


async def test_nobody_listening_is_an_error() -> None:
    with webhook() as hook:
        gone = hook.address()
    for address in (gone, f"mailto://a:b@127.0.0.1:{hook.port}?from=a@b.example"):
        assert (await refusal(Channels(way=HERE), address)).message == "telling.no_connection"


@pytest.mark.parametrize("address", ["s3cret-Passw0rd", "jsons://h/?verify=no", "form://h/", "mailto://"])
async def test_an_address_that_is_not_allowed_is_an_error(address: str) -> None:
    """Whatever a former version stored."""
    error = await refusal(Channels(way=HERE), address)
    assert (type(error), error.message) == (RefusedError, "telling.address_not_allowed")


async def test_a_dead_receiver_costs_nobody_elses_time() -> None:
    channel = Channels(way=HERE, limit_s=2.0)
    async with raw(hang) as dead:
        with webhook() as alive:
            began = time.monotonic()
            results = await asyncio.gather(
                *(send(channel, f"json://127.0.0.1:{dead.port}/{n}") for n in range(40)),
                send(channel, alive.address()),
                return_exceptions=True,
            )
            assert time.monotonic() - began < 10
    assert [str(result) for result in results[:-1]] == ["telling.no_answer (seconds 2)"] * 40
    assert results[-1] is None


async def test_nothing_of_an_address_reaches_log_or_screen(capfd: pytest.CaptureFixture[str]) -> None:
    heard = Heard()
    heard.addFilter(lambda record: record.name != "mail.log")  # what the test's own mail server says there
    root = logging.getLogger()
    before = root.level
    root.addHandler(heard)
    root.setLevel(1)
    try:
        with mail_server() as box, webhook() as hook:
            hook.status = 500
            for address in (box.address(password="Wr0ng-Passw0rd"), hook.address(), box.address(password=box.password)):
                try:
                    await send(Channels(way=HERE), address)
                except TellingError as error:
                    heard.lines.append(str(error))
            hook.status = 200
            robot = Channels(way=HERE, hosts={"dingtalk": f"http://127.0.0.1:{hook.port}"})
            heard.lines.append(str(await refusal(robot, "dingtalk://s3cretPassw0rd")))
    finally:
        root.removeHandler(heard)
        root.setLevel(before)
    written = "".join([*heard.lines, *capfd.readouterr()])
    assert "status 500" in written
    for secret in ("Passw0rd", "duty@hospital.example", "/hook"):
        assert secret not in written
