import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.config.addresses import broker
from agent.config.file import load, until_ms
from agent.errors import ConfigError
from agent.show.show import show
from agent.uplink.endpoint import own

GOOD = """\
[agent]
state = "state"

[server]
mqtt = "mqtts://broker.example:8884"
ca = "ca.pem"
cert = "device.pem"
key = "device.key"
api = "https://steth.example"

[[device]]
name = "dr-1"
model = "generic-dr"
id = "dabc123456789"

[device.host]
every_s = 30

[device.dicom]
listen = "0.0.0.0:11112"
calling = ["DR1", "DR1_RETRY"]

[device.folder]
path = "images"

[[device.log]]
path = "/var/log/dr.log"

[[device.log]]
path = "dr 2.log"
encoding = "gb18030"
time_zone = "Asia/Shanghai"

[device.policy]
runbooks = ["host-health"]
valid_until = 2027-06-30
signed_by = "设备科 王工"

[device.echo.pacs]
host = "10.0.0.7"
ae_title = "PACS"

[[device]]
name = "dr-2"
model = "generic-dr"
code = "ABCD-EFGH"
cert = "dr-2.pem"
key = "dr-2.key"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "agent.toml"


def test_a_whole_file_with_paths_beside_it(file: Path) -> None:
    file.write_text(GOOD, "utf-8")
    config = load(file)
    here = file.parent
    first, second = config.devices
    assert config.agent.state == str(here / "state")
    assert (config.agent.heartbeat_s, config.agent.live_items, config.agent.bulk_mb) == (15.0, 50_000, 256)
    assert config.server.ca == str(here / "ca.pem")
    assert first.host is not None
    assert first.host.every_s == 30.0
    assert first.folder is not None
    assert first.folder.path == str(here / "images")
    assert [log.path for log in first.log] == ["/var/log/dr.log", str(here / "dr 2.log")]
    assert first.policy is not None
    assert first.policy.valid_until == "2027-06-30"
    assert first.echo["pacs"].port == 104
    assert (second.id, second.code, second.host) == (None, "ABCD-EFGH", None)
    assert (own(config.server, first).cert, own(config.server, first).key) == (config.server.cert, config.server.key)
    assert (own(config.server, second).cert, own(config.server, second).key) == (
        str(here / "dr-2.pem"),
        str(here / "dr-2.key"),
    )


@pytest.mark.parametrize(
    "as_saved", [lambda b: b"\xef\xbb\xbf" + b, lambda b: b.replace(b"\n", b"\r\n")], ids=["mark", "lines"]
)
def test_as_windows_editors_save_it(file: Path, as_saved: Callable[[bytes], bytes]) -> None:
    file.write_bytes(as_saved(GOOD.encode()))
    assert load(file).devices[0].name == "dr-1"


WRONG = [
    ("[agent]", "[agnet]", 1, "agnet: is no key of this section; did you mean agent?"),
    ('state = "state"', "", 1, "agent.state: is missing; add it"),
    ('state = "state"', "state = 5", 2, "agent.state: expected str, got int; correct the value"),
    ('state = "state"', 'state = "s"\nheartbeat = 5', 3, "agent.heartbeat: is no key of this section; did you mean"),
    ('state = "state"', 'state = "s"\nheartbeat_s = 0.1', 3, "agent.heartbeat_s: expected float >= 1.0"),
    ('state = "state"', 'state = "s"\nhealth = "0.0.0.0:9465"', 3, "agent.health: is not on the loopback; write"),
    ('state = "state"', 'state = "s"\nhealth = "9465"', 3, "agent.health: expected str of another form; write host"),
    ('"mqtts://broker.example:8884"', '"http://broker.example"', 5, "server.mqtt: http://… is no address of a broker"),
    ('mqtt = "mqtts://broker.example:8884"', "", 4, "server: mqtt is missing and a device has an id"),
    ('key = "device.key"', "", 7, "server.cert: a client certificate needs both cert and key"),
    ('cert = "dr-2.pem"', "", 48, "device.key: a client certificate needs both cert and key"),
    ('key = "device.key"', 'key = "k"\npassword_file = "p"', 9, "server.password_file: has no username beside it"),
    ('api = "https://steth.example"', 'api = "steth.example"', 9, "server.api: is no http(s) address"),
    (
        'api = "https',
        'proxy = "socks://p:1080"\napi = "https',
        9,
        "server.proxy: is no address of an HTTP proxy; write http",
    ),
    ('api = "https', 'proxy = "http://me:s3cret@p"\napi = "https', 9, "server.proxy: is no address of an HTTP proxy"),
    ('api = "https', 'proxy_username = "me"\napi = "https', 9, "server.proxy_username: has no proxy beside it; add"),
    ('api = "https', 'proxy_password_file = "p"\napi = "https', 9, "server.proxy_password_file: has no proxy_username"),
    ('api = "https', 'proxy_username = "a:b"\napi = "https', 9, "server.proxy_username: expected str of another form"),
    ('id = "dabc123456789"', "", 11, "device: needs exactly one of id and code"),
    ('id = "dabc123456789"', 'id = "d1"', 14, "device.id: is no device id; copy it from the server"),
    ('model = "generic-dr"\nid', "id", 11, "device.model: is missing; add it"),
    ("every_s = 30", "evry_s = 30", 17, "device.host.evry_s: is no key of this section; did you mean every_s?"),
    ("every_s = 30", 'every_s = "30"', 17, "device.host.every_s: expected float, got str; correct the value"),
    ('"0.0.0.0:11112"', '"11112"', 20, "device.dicom.listen: expected str of another form; write host:port"),
    ('"0.0.0.0:11112"', '"0.0.0.0:99999"', 20, "device.dicom.listen: has no port of 1 to 65535"),
    ('["DR1", "DR1_RETRY"]', '["DR1", "MUCH_TOO_LONG_A_TITLE"]', 21, "device.dicom.calling: expected str of"),
    (
        'calling = ["DR1"',
        'peers = ["10.0.0.5", "dr.hospital"]\ncalling = ["DR1"',
        21,
        "device.dicom.peers: 'dr.hospital' is",
    ),
    ('calling = ["DR1"', 'peers = ["10.0.1.5/24"]\ncalling = ["DR1"', 21, "device.dicom.peers: '10.0.1.5/24' is an"),
    (
        'calling = ["DR1"',
        'peers = "10.0.0.5"\ncalling = ["DR1"',
        21,
        "device.dicom.peers: expected array, got str; write",
    ),
    (
        'calling = ["DR1"',
        'peers = [""]\ncalling = ["DR1"',
        21,
        "device.dicom.peers: expected str of length >= 1; write",
    ),
    (
        'calling = ["DR1"',
        'peer = ["10.0.0.5"]\ncalling = ["DR1"',
        21,
        "device.dicom.peer: is no key of this section; did",
    ),
    ('"dr 2.log"', '"*/dr.log"', 30, "device.log.path: has * or ? in a folder's name"),
    (
        'encoding = "gb18030"',
        'encoding = "gbk"',
        31,
        "device.log.encoding: 'gbk' is none of its values; write one of utf-8, gb18030,",
    ),
    (
        '[[device.log]]\npath = "/var/log/dr.log"\n\n[[device.log]]',
        "[device.log]",
        26,
        "device.log: expected array, got object; write a section [[device.log]], in",
    ),
    (
        "[device.folder]",
        '[device.hl7]\nlisten = "0.0.0.0:11112"\n[device.folder]',
        24,
        "device.hl7.listen: is also in line 20; give",
    ),
    (
        'path = "images"\n',
        'path = "images"\n[device.astm]\nserial = "COM3"\nbaud = 4000\n',
        27,
        "device.astm.baud: 4000 is none of its values; write one of 1200, 2400, 4800,",
    ),
    (
        'path = "images"\n',
        'path = "images"\n[[device.log]]\npath = "/var/log/dr.log"\n',
        29,
        "device.log.path: is also in line 26; give each its own",
    ),
    ('path = "images"', 'path = "C:\\export"', 24, "is not TOML: Unescaped '\\' in a string; write a path of Windows"),
    ('"Asia/Shanghai"', '"Asia/Atlantis"', 32, "device.log.time_zone: the time zone 'Asia/Atlantis' isn't known"),
    ("2027-06-30", '"next year"', 36, "device.policy.valid_until: "),
    ("2027-06-30", "2027-06-30T08:00:00", 36, "device.policy.valid_until: a time without its zone; write a date"),
    ('signed_by = "设备科 王工"', "", 34, "device.policy.signed_by: is missing; add it"),
    ("[device.echo.pacs]", "[device.echo]", 40, "device.echo.host: expected object, got str; write a section"),
    ('ae_title = "PACS"', 'aet = "PACS"', 41, "device.echo.pacs.aet: is no key of this section; possible are"),
    ('name = "dr-2"', 'name = "dr-1"', 44, "device.name: is also that of the device in line 12"),
    ('name = "dr-2"', 'name = "DR 2"', 44, "device.name: expected str of another form; write small letters"),
    ('code = "ABCD-EFGH"', 'code = "ABCD', 46, "is not TOML: "),
    ('code = "ABCD-EFGH"', "code =", 46, "is not TOML: "),
]


@pytest.mark.parametrize(("old", "new", "line", "says"), WRONG, ids=map(str, range(len(WRONG))))
def test_a_wrong_file_is_told_with_line_key_what_and_what_to_do(
    file: Path, old: str, new: str, line: int, says: str
) -> None:
    assert GOOD.count(old) == 1
    file.write_text(GOOD.replace(old, new), "utf-8")
    with pytest.raises(ConfigError) as wrong:
        load(file)
    text = str(wrong.value)
    assert text.startswith(f"{file}:"), text
    assert "\n" not in text
    where, what = text.removeprefix(f"{file}:").split(": ", 1)
    assert what.startswith(says) or what.lower().startswith(says.lower()), text
    assert where == str(line), text
    assert "; " in what, "it doesn't say what to do"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "can't be read: No such file or directory; give the path of a TOML file"),
        (b"\xff\xfe[\x00", ":1: is not UTF-8; save the file as UTF-8"),
        (b"#" * 1_000_001, "is larger than 1000000 bytes"),
        (b"", ":1: agent: is missing; add it"),
    ],
)
def test_what_is_no_such_file_at_all(file: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as wrong:
        load(file)
    assert says in str(wrong.value)


def test_secrets_are_never_quoted(file: Path) -> None:
    file.write_text(GOOD.replace('code = "ABCD-EFGH"', 'code = "ABCD-EFGH"\nid = "SECRET"'), "utf-8")
    with pytest.raises(ConfigError) as wrong:
        load(file)
    assert "ABCD" not in str(wrong.value)
    assert json.dumps(str(wrong.value))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("mqtt://b", ("b", 1883, False, None)),
        ("mqtts://b", ("b", 8883, True, None)),
        ("mqtt://127.0.0.1:18830/", ("127.0.0.1", 18830, False, None)),
        ("mqtts://[::1]:1", ("::1", 1, True, None)),
        ("ws://b", ("b", 80, False, "/mqtt")),
        ("wss://b", ("b", 443, True, "/mqtt")),
        ("wss://b:8443/", ("b", 8443, True, "/mqtt")),
        ("wss://b/steth/mqtt/", ("b", 443, True, "/steth/mqtt")),
    ],
)
def test_addresses_of_brokers(url: str, found: tuple[str, int, bool, str | None]) -> None:
    at = broker(url)
    assert (at.host, at.port, at.tls, at.path) == found


WEB = [
    "ws://",
    "ws://b/x?y",
    "wss://me:pw@b/mqtt",
    "https://b",
    "ws://b/a b",
    "ws://b/ü",
    "ws://b/a\x00b",
    "ws://b x",
    "mqtt://b\x00",
]


@pytest.mark.parametrize(
    "url", ["", "b:1883", "tcp://b", "mqtt://", "mqtt://b/topic", "mqtt://me:pw@b", "mqtt://b:x", *WEB]
)
def test_what_is_no_address_of_a_broker(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        broker(url)


def test_a_policy_ends_with_its_last_day_or_at_its_time() -> None:
    midnight = datetime(2027, 7, 1).astimezone()  # the workstation's own zone is meant
    assert until_ms("2027-06-30") == midnight.timestamp() * 1000
    assert until_ms("2027-06-30T08:00:00+08:00") == datetime(2027, 6, 30, tzinfo=UTC).timestamp() * 1000


PROXY = """proxy = "http://proxy.example:3128"
proxy_username = "agent"
proxy_password_file = "proxy"
api = "https"""


@pytest.mark.parametrize(
    ("mqtt", "told"),
    [
        ("wss://broker.example/mqtt", ", which sees the broker's address and no more"),
        ("mqtt://broker.example", ", which can read all of it: write mqtts:// or wss://"),
    ],
)
def test_what_is_shown_of_the_way_out(file: Path, mqtt: str, told: str) -> None:
    text = GOOD.replace('api = "https', PROXY).replace("mqtts://broker.example:8884", mqtt)
    file.write_text(text.replace('code = "ABCD-EFGH"', 'id = "dabc123456780"'), "utf-8")
    config = load(file)
    assert config.server.proxy_password_file == str(file.parent / "proxy")
    shown = show(config)
    assert f"  goes out through the HTTP proxy http://proxy.example:3128 as agent{told}\n" in shown
    assert f"  to {mqtt}: steth/1/" in shown
