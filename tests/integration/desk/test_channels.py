"""The real ways out: apprise against a webhook and a mail server."""

import asyncio
import logging
import threading
import time

import pytest
from typing_extensions import override

from desk.channels import AppriseChannel, TellingError
from tests.integration.desk.listeners import mail_server, webhook

SUBJECT = "[紧急] WX20261122-007 DR 一室：高压发生器 kV：kV 未达到设定值"
BODY = "设备：DR 一室 <b>& co</b>\n医院：第一医院 放射科\n备件：逆变板 ×2"


async def send(channel: AppriseChannel, address: str) -> None:
    await channel.send(address=address, subject=SUBJECT, body=BODY, severity="critical")


async def test_a_webhook_gets_the_message_as_json() -> None:
    with webhook() as hook:
        await send(AppriseChannel(), hook.address())
        [body] = hook.bodies
    assert (body["title"], body["message"], body["type"]) == (SUBJECT, BODY, "failure")


async def test_an_email_in_chinese_arrives_readable() -> None:
    with mail_server() as box:
        await send(AppriseChannel(), box.address(password=box.password))
        [letter] = box.letters
    assert letter["Subject"] == SUBJECT
    assert letter["To"] == "duty@hospital.example"
    assert "steth@dealer.example" in letter["From"]
    plain = letter.get_body(("plain",))
    assert plain is not None
    assert plain.get_content_charset() == "utf-8"
    lines = [line.strip() for line in plain.get_content().splitlines() if line.strip()]
    assert lines[:3] == BODY.splitlines()


@pytest.mark.parametrize("status", [302, 404, 500, 503])
async def test_a_webhook_that_refuses_is_an_error_with_its_status(status: int) -> None:
    with webhook() as hook:
        hook.status = status
        with pytest.raises(TellingError, match=f"^HTTP status {status}$"):
            await send(AppriseChannel(), hook.address())


async def test_a_wrong_password_of_a_mail_server_is_an_error_that_does_not_tell_it() -> None:
    with mail_server() as box, pytest.raises(TellingError, match=r"^SMTP status 535$"):
        await send(AppriseChannel(), box.address(password="Wr0ng-Passw0rd"))


async def test_nobody_listening_is_an_error() -> None:
    with webhook() as hook:
        gone = hook.address()
    with pytest.raises(TellingError, match=r"^no connection$"):
        await send(AppriseChannel(), gone)


async def test_an_address_that_is_none_is_an_error() -> None:
    with pytest.raises(TellingError, match=r"^the address is not understood$"):
        await send(AppriseChannel(), "s3cret-Passw0rd")


async def test_a_dead_receiver_costs_its_time_limit_one_thread_and_nobody_elses_time() -> None:
    channel = AppriseChannel(limit_s=0.2)
    with webhook() as dead, webhook() as alive:
        dead.open.clear()
        began = time.monotonic()
        results = await asyncio.gather(
            send(channel, dead.address()), send(channel, alive.address()), return_exceptions=True
        )
        assert time.monotonic() - began < 3
        assert isinstance(results[0], TellingError)
        assert str(results[0]) == "no answer within 0.2 s"
        assert results[1] is None
        threads = threading.active_count()
        for _ in range(3):
            with pytest.raises(TellingError, match=r"^the message before has not come to an end$"):
                await send(channel, dead.address())
        assert threading.active_count() <= threads
        dead.open.set()
        await _until_it_can_be_told_again(channel, dead.address())


async def _until_it_can_be_told_again(channel: AppriseChannel, address: str) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            await send(channel, address)
        except TellingError:
            await asyncio.sleep(0.01)
        else:
            return
    raise TimeoutError


async def test_nothing_of_an_address_reaches_log_or_screen(capfd: pytest.CaptureFixture[str]) -> None:
    heard = Heard()
    root = logging.getLogger()
    before = root.level
    root.addHandler(heard)
    root.setLevel(1)
    try:
        with mail_server() as box, webhook() as hook:
            hook.status = 500
            for address in (box.address(password="Wr0ng-Passw0rd"), hook.address(), box.address(password=box.password)):
                try:
                    await send(AppriseChannel(), address)
                except TellingError as error:
                    heard.lines.append(str(error))
    finally:
        root.removeHandler(heard)
        root.setLevel(before)
    written = "".join([*heard.lines, *capfd.readouterr()])
    assert "HTTP status 500" in written
    for secret in ("Passw0rd", "duty@hospital.example", "/hook"):
        assert secret not in written


class Heard(logging.Handler):
    """What reaches the process's log, but for what the mail server of the test says there."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "mail.log":
            self.lines.append(record.getMessage())
