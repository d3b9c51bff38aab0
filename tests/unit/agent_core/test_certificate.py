"""When a certificate ends, read by the agent's own few lines, against the library that made it."""

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.adapters.host import left_d
from agent.config.certificate import files, last_moment
from agent.config.shapes import Server
from steth.certificates import add_device, initialise

NOW = datetime(2026, 11, 22, 8, 30, 15, tzinfo=UTC)
DEVICE = "d3k9m2q7x1z5a"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "made"
    initialise(folder, names=["localhost"], now=NOW)
    return folder


@pytest.mark.parametrize("days", [1, 730, 3650])
def test_it_is_what_was_issued(made: Path, days: int) -> None:
    ends = last_moment(add_device(made, DEVICE, days=days, now=NOW) / "device.crt")
    assert ends == NOW + timedelta(days=days)


def test_of_a_later_century_too(tmp_path: Path) -> None:
    """RFC 5280, 4.1.2.5: from 2050 on in the other form."""
    far = datetime(2079, 1, 1, tzinfo=UTC)
    initialise(tmp_path / "made", names=["localhost"], now=far)
    assert last_moment(tmp_path / "made" / "broker" / "server.crt") == far + timedelta(days=397)


def test_of_several_in_a_file_the_first_to_end_counts_and_of_files_too(made: Path, tmp_path: Path) -> None:
    place = add_device(made, DEVICE, days=20, now=NOW)
    both = tmp_path / "both.pem"
    both.write_text("\n".join((place / name).read_text() for name in ("ca.crt", "device.key", "device.crt")))
    assert last_moment(both) == NOW + timedelta(days=20)
    server = Server(cert=str(place / "device.crt"), key=str(place / "device.key"), ca=str(place / "ca.crt"))
    assert set(files(server)) == {"device", "authority"}
    now_ms = int(NOW.timestamp() * 1000)
    assert left_d(tuple(files(server).values()), now_ms) == 20
    assert left_d((place / "device.crt",), now_ms + 21 * 86_400_000) == -1
    assert left_d((place / "ca.crt", tmp_path / "gone"), now_ms) == 3650
    assert left_d((tmp_path / "gone",), now_ms) is None
    assert files(Server()) == {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_what_is_no_certificate_is_a_value_error(made: Path, tmp_path: Path, data: st.DataObject) -> None:
    text = (made / "broker" / "server.crt").read_text()
    der = bytearray(base64.b64decode("".join(text.splitlines()[1:-1])))
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(der[: data.draw(st.integers(0, len(der)))])
    path = tmp_path / "wrong.crt"
    path.write_text(f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(cut).decode()}-----END CERTIFICATE-----\n")
    with suppress(ValueError):  # and no other error, whatever stands there
        last_moment(path)


@pytest.mark.parametrize("text", ["", "x", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"])
def test_what_holds_none_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "c").write_text(text)
    with pytest.raises(ValueError, match=r"certificate|base64|padding"):
        last_moment(tmp_path / "c")
