"""Who asks, where proxies of ours stand between, and where none does."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.forwarded import caller, parsed

PROXIES = [ip_network("10.1.0.2"), ip_network("10.2.0.0/24"), ip_network("2001:db8:9::/64")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "asks"),
    [
        ("10.1.0.2", ["192.0.2.7"], "192.0.2.7"),
        ("10.1.0.2", ["192.0.2.7:4711"], "192.0.2.7"),
        ("10.1.0.2", ["2001:db8::1"], "2001:db8::1"),
        ("10.1.0.2", ["[2001:db8::1]"], "2001:db8::1"),
        ("10.1.0.2", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.1.0.2", ["::ffff:192.0.2.7"], "192.0.2.7"),
        ("::ffff:10.1.0.2", ["192.0.2.7"], "192.0.2.7"),
        ("10.1.0.2", ["6.6.6.6, 192.0.2.7"], "192.0.2.7"),
        ("10.1.0.2", ["6.6.6.6", "192.0.2.7"], "192.0.2.7"),
        ("10.1.0.2", ["6.6.6.6, 192.0.2.7, 10.2.0.9"], "192.0.2.7"),
        ("2001:db8:9::5", ["192.0.2.7"], "192.0.2.7"),
        ("10.1.0.2", ["10.2.0.9, 10.2.0.8"], "10.2.0.9"),
        ("10.1.0.2", ["6.6.6.6, <script>, 10.2.0.9"], "10.2.0.9"),
        ("10.1.0.2", ["6.6.6.6, "], None),
        ("10.1.0.2", ["unknown"], None),
        ("10.1.0.2", ["_hidden:80"], None),
        ("10.1.0.2", ["fe80::1%<script>"], None),
        ("10.1.0.2", ["0x7f.1"], None),
        ("10.1.0.2", [""], None),
        ("10.1.0.2", [], None),
        ("10.1.0.3", ["192.0.2.7"], None),
        ("192.0.2.1", ["10.1.0.2, 192.0.2.7"], None),
        ("", ["192.0.2.7"], None),
        ("unix:", ["192.0.2.7"], None),
    ],
)
def test_the_first_from_the_right_that_is_no_proxy_of_ours(peer: str, forwarded: list[str], asks: str | None) -> None:
    assert caller(peer, forwarded, PROXIES) == asks


@given(st.lists(st.text(), max_size=4), st.ip_addresses(), st.ip_addresses())
def test_nothing_that_a_client_writes_changes_who_it_is(written: list[str], peer: object, client: object) -> None:
    assert caller(str(peer), written, []) is None
    told = caller("10.1.0.2", [*written, str(client)], PROXIES)
    found = parsed(str(client))
    if found is None:
        assert told is None
    elif not any(found in proxy for proxy in PROXIES):
        assert told == str(found)
