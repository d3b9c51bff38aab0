"""Where a message may go: a table of what was tried on others."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.telling.targets import Use, host_of, is_public, may_go, port_of, read_listed

NAT64 = IPv6Network("64:ff9b::/96")
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255"]
PUBLIC_6 = ["2400:3200::1", "2606:4700::1111", "64:ff9b::8.8.8.8"]
INSIDE = [
    "0.0.0.0",  # noqa: S104
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",  # the same host has an IPv4 address
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",  # Teredo
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",  # 6to4
    "2002:a00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2400:3200::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", [*PUBLIC, *PUBLIC_6])
def test_the_internets_own(address: str) -> None:
    assert is_public(ip_address(address))
    assert may_go("a.example", 443, [address], "web", listed=(), own=set())


@pytest.mark.parametrize("address", INSIDE)
def test_what_only_the_server_can_reach(address: str) -> None:
    for addresses in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        assert not may_go("a.example", 443, addresses, "web", listed=(), own=set())
        assert not may_go("a.example", 587, addresses, "mail", listed=(), own=set())


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_within_another_is_no_better_than_itself(address: IPv4Address) -> None:
    number = int(address)
    assert is_public(IPv6Address(int(IPv6Address("64:ff9b::")) | number)) == is_public(address)
    for inside in (number, 0xFFFF << 32 | number, 0x2002 << 112 | number << 80, 0x2001 << 112 | number ^ 0xFFFF_FFFF):
        assert not is_public(IPv6Address(inside))


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_what_is_public_is_so_to_the_standard_library(address: IPv4Address | IPv6Address) -> None:
    """Which leaves in some that we leave out, and whose tables grow from version to version."""
    if is_public(address) and not (isinstance(address, IPv6Address) and address in NAT64):
        assert address.is_global
        assert not address.is_multicast


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Hook.Example", "hook.example"),
        ("xn--fiq228c.example", "xn--fiq228c.example"),
        ("my_hook", "my_hook"),
        ("a1", "a1"),
        ("1a.2b", "1a.2b"),
        ("8.8.8.8", "8.8.8.8"),
        ("[2400:3200:0::1]", "2400:3200::1"),
        ("[::FFFF:127.0.0.1]", "::ffff:7f00:1"),
        # One address in another's clothes.
        ("2130706433", None),
        ("0x7f000001", None),
        ("0x7f.0.0.1", None),
        ("0x7f.1", None),
        ("0177.0.0.1", None),
        ("017700000001", None),
        ("127.1", None),
        ("127.0.1", None),
        ("127.0.0.01", None),
        ("127.0.0.1.", None),
        ("127.0.0.256", None),
        ("1.2.3.4.5", None),
        ("a.0x", None),
        ("evil.example.1", None),
        ("１２７.0.0.1", None),
        ("127。0。0。1", None),
        ("ⓛocalhost", None),
        ("loc\u00adalhost", None),
        ("中文.example", None),
        ("localhost.", None),
        ("hook.example.", None),
        ("hook..example", None),
        (".hook.example", None),
        ("-a.example", None),
        ("a-.example", None),
        ("a b", None),
        ("a%2eb", None),
        ("a/b", None),
        ("a@b", None),
        ("a:b", None),
        ("a,b", None),
        ("a\x00b", None),
        ("[fe80::1%eth0]", None),
        ("[fe80::1%25eth0]", None),
        ("[::1", None),
        ("::1]", None),
        ("::1", None),
        ("[127.0.0.1]", None),
        ("[v1.x]", None),
        ("[]", None),
        ("", None),
        ("a" * 64, None),
        (".".join(["a" * 60] * 5), None),
    ],
)
def test_a_host_is_written_in_one_way(text: str, host: str | None) -> None:
    assert host_of(text) == host


@given(st.text(max_size=30))
def test_a_host_stays_as_it_is(text: str) -> None:
    host = host_of(text)
    if host is not None:
        assert host_of(f"[{host}]" if ":" in host else host) == host


def test_a_port() -> None:
    assert [port_of(text) for text in ("1", "65535", "0", "65536", "", "-1", "+1", "８0", "1e3", "000080")] == [
        1,
        65535,
        *[None] * 8,
    ]


@pytest.mark.parametrize(
    ("use", "port", "open_"),
    [
        ("web", 80, True),
        ("web", 443, True),
        ("web", 8443, True),
        ("web", 22, False),
        ("web", 25, False),
        ("web", 587, False),
        ("web", 1023, False),
        ("mail", 25, True),
        ("mail", 465, True),
        ("mail", 587, True),
        ("mail", 2525, True),
        ("mail", 80, False),
        ("mail", 6379, False),
    ],
)
def test_a_public_host_is_called_at_the_ports_of_what_is_spoken(use: Use, port: int, open_: bool) -> None:
    assert may_go("a.example", port, ["8.8.8.8"], use, listed=(), own=set()) is open_


OWN = {ip_address("10.1.0.5"), ip_address("8.8.4.4")}


@pytest.mark.parametrize(
    ("listed", "host", "port", "address", "open_"),
    [
        ("10.1.0.0/16", "a.example", 8080, "10.1.0.9", True),
        ("10.1.0.0/16", "a.example", 22, "10.1.0.9", True),
        ("10.1.0.0/16", "a.example", 8080, "10.2.0.9", False),
        ("10.1.0.0/16:8080", "a.example", 8080, "10.1.0.9", True),
        ("10.1.0.0/16:8080", "a.example", 5432, "10.1.0.9", False),
        ("10.1.0.9", "10.1.0.9", 80, "10.1.0.9", True),
        ("10.1.0.9:80", "a.example", 80, "10.1.0.9", True),
        ("10.1.0.9:80", "a.example", 81, "10.1.0.9", False),
        ("[fd00::/8]:443", "a.example", 443, "fd00::1", True),
        ("fd00::/8", "a.example", 443, "fd00::1", True),
        ("fd00::/8", "a.example", 443, "fe80::1", False),
        ("hook.house", "hook.house", 25, "127.0.0.1", True),
        ("Hook.House:80", "hook.house", 80, "10.1.0.5", True),
        ("hook.house:80", "hook.house", 81, "10.1.0.9", False),
        ("hook.house", "other.hook.house", 80, "10.1.0.9", False),
        # The deployment's own: open where it is named, and not by the network that it lies in.
        ("10.1.0.0/16", "a.example", 5432, "10.1.0.5", False),
        ("10.1.0.5:8080", "a.example", 8080, "10.1.0.5", True),
        ("10.1.0.5:8080", "a.example", 5432, "10.1.0.5", False),
        ("", "a.example", 443, "8.8.4.4", False),
        ("8.8.4.4", "a.example", 443, "8.8.4.4", True),
        (" , hook.house\n10.0.0.0/8 ", "a.example", 443, "10.9.9.9", True),
    ],
)
def test_what_the_operator_lists(listed: str, host: str, port: int, address: str, open_: bool) -> None:
    assert may_go(host, port, [address], "web", listed=read_listed(listed), own=OWN) is open_


@pytest.mark.parametrize(
    "entry", ["10.0.0.0/33", "10.0.0.1/8", "http://hook", "hook:", "hook:0", "hook:x", "*.hook", "127.1", "[::1", "a/8"]
)
def test_an_entry_that_is_none_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match=r"give a|the port is") as raised:
        read_listed(f"hook.house {entry}")
    assert str(raised.value).startswith(f"{entry}: ")
