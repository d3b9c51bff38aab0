"""Making the server call where it must not: other machines of its network, itself, the metadata of a cloud."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.attack.installation import Installation, until

REFUSED_AT_ONCE = (
    "http://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://example.com/",
    "json://127.0.0.1/", "jsons://127.0.0.1:5432/x", "json://localhost/", "json://[::1]/", "json://0.0.0.0/",
    "json://127.1/", "json://2130706433/", "json://0x7f000001/", "json://0177.0.0.1/", "json://[::ffff:127.0.0.1]/",
    "json://169.254.169.254/latest/meta-data/", "json://[fe80::1]/", "json://10.0.0.1/", "json://172.16.0.1/",
    "json://192.168.1.1/", "json://100.64.0.1/", "json://224.0.0.1/", "json://[64:ff9b::7f00:1]/", "json://[2002:7f00:1::]/",
    "jsons://example.com/?method=DELETE", "jsons://example.com/?+Host=inside", "jsons://example.com/?verify=no",
    "jsons://example.com/?:message=x", "jsons://example.com/?-x=1", "forms://example.com/", "xmls://example.com/",
    "apprises://example.com/token", "mailtos://u:p@example.com?keyfile=/etc/passwd", "mailtos://u:p@example.com?pgp=yes",
    "mailto://u:p@example.com?smtp=127.0.0.1", "mailtos://u:p@example.com?smtp=localhost", "syslog://", "windows://",
    "dbus://", "exec://ls", "sns://a/b/c/d", "mqtt://127.0.0.1/topic", "tgram://123456789:abcdefg_hijklmnop/12315544/",
    "json://example.com@127.0.0.1/", "json://127.0.0.1#@example.com/", "json://127.0.0.1\\@example.com/",
    "jsons://example.com/\r\nX: y", "", " ", "x", "://", "json://",
)  # fmt: skip


@contextmanager
def trap() -> Iterator[tuple[int, list[bytes]]]:
    """A service of the inside on the loopback, and what it heard."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                heard.append(b"connected")
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], heard
        over.set()
        thread.join()


@pytest.mark.parametrize("address", REFUSED_AT_ONCE)
def test_an_address_that_leads_inside_or_does_more_than_tell_is_refused(target: Installation, address: str) -> None:
    answer = target.ask("POST", "/recipients", as_="manager", json={"name": "x", "address": address, "language": "en"})
    assert answer.status_code == 422, answer.text
    assert "address" in answer.json()["where"]
    assert target.sql("SELECT 1 FROM recipient WHERE name = 'x'") == []


@pytest.mark.parametrize(
    "form",
    [
        "json://127.0.0.1:{port}/",
        "json://localhost:{port}/",
        "mailto://u:p@example.com?smtp=localhost&port={port}&to=a@example.com",
    ],
)
def test_what_a_former_version_took_reaches_nothing(target: Installation, form: str) -> None:
    with trap() as (port, heard):
        made = target.sql(
            "INSERT INTO recipient (name, address, language) VALUES (%s, %s, 'en') RETURNING id",
            f"old {port}",
            form.format(port=port),
        )[0][0]
        target.ask("POST", f"/recipients/{made}/test", as_="manager").raise_for_status()

        def state() -> str:
            items = target.ask("GET", "/recipients", as_="manager").json()["items"]
            return str(next(one for one in items if one["id"] == made)["error"] or "")

        assert "127.0.0.1" not in until(state)
        assert heard == []
