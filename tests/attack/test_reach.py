"""Making the server call where it must not: other machines of its network, itself, the metadata of a cloud."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from tests.attack.installation import Installation, until

pytestmark = pytest.mark.attack

MORE_THAN_TELLING: Final = (
    "http://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://example.com/",
    "jsons://example.com/?method=DELETE", "jsons://example.com/?+Host=inside", "jsons://example.com/?verify=no",
    "forms://example.com/", "xmls://example.com/",
    "apprises://example.com/token", "mailtos://u:p@example.com?keyfile=/etc/passwd", "mailtos://u:p@example.com?pgp=yes",
    "syslog://", "windows://", "dbus://", "exec://ls", "sns://a/b/c/d", "mqtt://127.0.0.1/topic",
    "tgram://123456789:abcdefg_hijklmnop/12315544/", "jsons://example.com/\r\nX: y", "", " ", "x", "://", "json://",
)  # fmt: skip
INSIDE: Final = (
    "json://127.0.0.1:{port}/", "jsons://127.0.0.1:{port}/x", "json://localhost:{port}/", "json://[::1]:{port}/",
    "json://0.0.0.0:{port}/", "json://127.1:{port}/", "json://2130706433:{port}/", "json://0x7f000001:{port}/",
    "json://0177.0.0.1:{port}/", "json://[::ffff:127.0.0.1]:{port}/", "json://169.254.169.254/latest/meta-data/",
    "json://[fe80::1]/", "json://10.0.0.1/", "json://172.16.0.1/", "json://192.168.1.1/", "json://100.64.0.1/",
    "json://224.0.0.1/", "json://[64:ff9b::7f00:1]:{port}/", "json://[2002:7f00:1::]:{port}/", "json://localhost.:{port}/",
    "json://example.com@127.0.0.1:{port}/", "json://127.0.0.1:{port}#@example.com/", "json://127.0.0.1:{port}\\@example.com/",
    "mailto://u:p@example.com?smtp=127.0.0.1&port={port}", "mailtos://u:p@example.com:{port}?smtp=localhost",
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


@pytest.mark.parametrize("address", MORE_THAN_TELLING)
def test_an_address_that_does_more_than_tell_is_refused_at_once(target: Installation, address: str) -> None:
    answer = target.ask("POST", "/recipients", as_="manager", json={"name": "x", "address": address, "language": "en"})
    assert answer.status_code == 422, answer.text
    assert "address" in answer.json()["where"]
    assert target.sql("SELECT 1 FROM recipient WHERE name = 'x'") == []


def test_nothing_inside_is_reached_by_whatever_spelling(target: Installation) -> None:
    """Neither what the API takes today, nor what a former version took and is in the database still."""
    with trap() as (port, heard):
        addresses = [form.format(port=port) for form in INSIDE]
        ids = [
            target.sql(
                "INSERT INTO recipient (name, address, language) VALUES (%s, %s, 'en') RETURNING id", f"in {n}", address
            )[0][0]
            for n, address in enumerate(addresses)
        ]
        for each in ids:
            target.ask("POST", f"/recipients/{each}/test", as_="manager").raise_for_status()

        def tried() -> dict[str, str]:
            items = target.ask("GET", "/recipients?limit=1000", as_="manager").json()["items"]
            found = {str(one["id"]): str(one["error"]) for one in items if one["id"] in ids and one["error"]}
            return found if len(found) == len(ids) else {}

        errors = until(tried)
        assert not [address for address in addresses if address in json.dumps(errors)]
        told = target.sql("SELECT address FROM recipient WHERE told_at IS NOT NULL")
        assert told == []
        assert heard == []
