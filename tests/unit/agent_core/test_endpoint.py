"""From the configuration to the way up: passwords are read anew, and what can't be read is one line."""

import base64
from pathlib import Path

import pytest

from agent.config.addresses import PROXY_PORT, Proxy, proxy_of
from agent.config.shapes import Server
from agent.uplink.endpoint import endpoint
from agent.uplink.link import LinkError
from agent.uplink.proxy import asked

DEVICE = "dabc123456789"


def test_passwords_are_the_first_lines_of_their_files_as_they_are_now(tmp_path: Path) -> None:
    broker, proxy = tmp_path / "broker", tmp_path / "proxy"
    server = Server(
        username="u", password_file=str(broker), proxy="http://p", proxy_username="me", proxy_password_file=str(proxy)
    )
    for number in range(2):
        broker.write_text(f"b{number}\nnone\n", "utf-8")
        proxy.write_text(f"p{number}", "utf-8")
        made = endpoint(server, "ws://b.example", DEVICE)
        assert (made.username, made.password) == ("u", f"b{number}")
        assert made.proxy == Proxy(host="p", port=PROXY_PORT, username="me", password=f"p{number}")
        assert str(made) == "ws://b.example:80/mqtt through p:3128"


@pytest.mark.parametrize("content", [None, ""])
@pytest.mark.parametrize("which", ["password_file", "proxy_password_file"])
def test_a_password_that_can_not_be_read_is_one_line(tmp_path: Path, which: str, content: str | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content, "utf-8")
    server = Server(proxy="http://p", proxy_username="me", username="me", **{which: str(file)})
    with pytest.raises(LinkError, match=str(file)) as caught:
        endpoint(server, "mqtt://b", DEVICE)
    assert "\n" not in str(caught.value)


def test_an_address_that_the_server_gave_and_that_is_none_is_one_line() -> None:
    with pytest.raises(LinkError, match="no address of a broker"):
        endpoint(Server(), "http://b", DEVICE)


@pytest.mark.parametrize(
    ("host", "name"),
    [("b.example", "b.example"), ("::1", "[::1]"), ("bücher.example", "xn--bcher-kva.example")],
)
def test_the_request_for_a_tunnel_names_the_host_twice(host: str, name: str) -> None:
    text = asked(Proxy(host="p", port=1), host, 443).decode("ascii")
    assert text == f"CONNECT {name}:443 HTTP/1.1\r\nHost: {name}:443\r\n\r\n"


def test_a_user_and_a_password_are_utf_8_in_basic() -> None:
    text = asked(Proxy(host="p", port=1, username="王", password="a:b ü"), "b", 443).decode("ascii")
    (line,) = [line for line in text.split("\r\n") if line.startswith("Proxy-Authorization: Basic ")]
    assert base64.b64decode(line.rpartition(" ")[2]).decode() == "王:a:b ü"
    assert text.endswith("\r\n\r\n")


@pytest.mark.parametrize("host", ["b\r\nX: y", "b x", "b\x00", "::1\r\nX: y"])
def test_a_host_that_would_say_more_is_no_host(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        asked(Proxy(host="p", port=1), host, 443)


@pytest.mark.parametrize(
    ("url", "said"), [("http://p", "p:3128"), ("http://[::1]:1", "[::1]:1"), ("http://p:80/", "p:80")]
)
def test_addresses_of_proxies(url: str, said: str) -> None:
    assert str(proxy_of(url)) == said


@pytest.mark.parametrize(
    "url", ["p:3128", "https://p", "http://", "http://u@p", "http://p/x", "http://p?x", "socks5://p"]
)
def test_what_is_no_address_of_a_proxy(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        proxy_of(url)
