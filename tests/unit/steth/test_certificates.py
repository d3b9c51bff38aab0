"""Certificates of a deployment: what is in them, and who gets none."""

import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from typer.testing import CliRunner

from steth.certificates import (
    AUTHORITIES,
    AUTHORITY_DAYS,
    OURS,
    SERVERS,
    SERVICE_DAYS,
    SERVICES,
    CertificateError,
    add_device,
    alone,
    initialise,
    listing,
    renew,
    revoke_device,
    revoke_service,
)
from steth.certs import app

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
DEVICE = "d3k9m2q7x1z5a"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    initialise(made, names=["broker.example", "10.1.2.3"], now=NOW)
    return made


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def name(certificate: x509.Certificate) -> str:
    (common,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common.value)


def usage(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def revoked(folder: Path, authority: str = "device-ca") -> set[int]:
    listed = x509.load_pem_x509_crl((folder / "broker" / f"{authority}.crl").read_bytes())
    issuer = read(folder / "ca" / f"{authority}.crt")
    assert listed.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # ours is EC
    assert listed.next_update_utc == issuer.not_valid_after_utc, "an old list would lock everybody out"
    return {each.serial_number for each in listed}


@pytest.mark.parametrize("which", SERVERS)
def test_a_server_is_known_by_its_names_and_serves_only(folder: Path, which: str) -> None:
    server = read(folder / which / "server.crt")
    server.verify_directly_issued_by(read(folder / "ca" / "steth-ca.crt"))
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.1.2.3"]
    assert usage(server) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_a_client_of_its_own_name(folder: Path, service: str) -> None:
    client = read(folder / service / "client.crt")
    client.verify_directly_issued_by(read(folder / service / "ca.crt"))
    assert (name(client), usage(client)) == (f"steth-{service}", [ExtendedKeyUsageOID.CLIENT_AUTH])
    assert revoked(folder, "steth-ca") == set(), "the broker wants a list, if an empty one"


def test_everything_ends(folder: Path) -> None:
    ends = {one.name: one.ends for one in listing(folder, now=NOW)}
    assert ends == {
        **dict.fromkeys(OURS, NOW + timedelta(days=SERVICE_DAYS)),
        **dict.fromkeys(AUTHORITIES, NOW + timedelta(days=AUTHORITY_DAYS)),
    }
    late = NOW + timedelta(days=AUTHORITY_DAYS - 100)
    assert read(renew(folder, "ingest", now=late)).not_valid_after_utc == ends["steth-ca"], (
        "none outlives who signed it"
    )
    assert read(add_device(folder, DEVICE, days=730, now=late) / "device.crt").not_valid_after_utc == ends["device-ca"]
    with pytest.raises(CertificateError, match="the authority ended"):
        renew(folder, "ingest", now=NOW + timedelta(days=AUTHORITY_DAYS))


@pytest.mark.parametrize("what", OURS)
def test_a_renewed_certificate_is_as_the_former_was_and_beside_it(folder: Path, what: str) -> None:
    path = folder / what / ("server.crt" if what in SERVERS else "client.crt")
    former, key = read(path), path.with_suffix(".key").read_bytes()
    later = NOW + timedelta(days=300)
    assert renew(folder, what, now=later) == path
    fresh = read(path)
    assert (fresh.subject, fresh.issuer, usage(fresh)) == (former.subject, former.issuer, usage(former))
    if what in SERVERS:
        of = x509.SubjectAlternativeName
        assert fresh.extensions.get_extension_for_class(of) == former.extensions.get_extension_for_class(of)
    assert fresh.not_valid_after_utc == later + timedelta(days=SERVICE_DAYS)
    assert path.with_suffix(".key").read_bytes() != key
    assert load_pem_private_key(path.with_suffix(".key").read_bytes(), None).public_key() == fresh.public_key()
    assert revoked(folder, "steth-ca") == set(), "the former is good until it ends"
    both = {one.certificate.serial_number for one in listing(folder, now=later) if one.name == what}
    assert both == {former.serial_number, fresh.serial_number}
    assert not list(folder.rglob("*.new"))


def test_the_broker_gets_other_names(folder: Path) -> None:
    renew(folder, "broker", names=["other.example"], now=NOW)
    assert name(read(folder / "broker" / "server.crt")) == "other.example"
    (folder / "broker" / "server.crt").unlink()
    with pytest.raises(CertificateError, match="--name"):
        renew(folder, "broker", now=NOW)


def test_the_first_certificate_of_a_proxy_has_the_names_of_the_broker(folder: Path) -> None:
    """In a folder that an earlier version made."""
    shutil.rmtree(folder / "proxy")
    of = x509.SubjectAlternativeName
    first = read(renew(folder, "proxy", now=NOW)).extensions.get_extension_for_class(of)
    assert first == read(folder / "broker" / "server.crt").extensions.get_extension_for_class(of)
    shutil.rmtree(folder / "proxy")
    (folder / "broker" / "server.crt").unlink()
    with pytest.raises(CertificateError, match="how the proxy is reached: give each --name"):
        renew(folder, "proxy", now=NOW)


def test_a_service_is_revoked_and_goes_on_with_a_new_certificate(folder: Path) -> None:
    first = read(folder / "ingest" / "client.crt").serial_number
    second = read(renew(folder, "ingest", now=NOW)).serial_number
    assert revoke_service(folder, "ingest", now=NOW) == 2
    assert revoked(folder, "steth-ca") == {first, second}
    assert revoked(folder) == set()
    client = read(folder / "ingest" / "client.crt")
    assert name(client) == "steth-ingest"
    assert client.serial_number not in {first, second}
    assert "steth-ingest" not in (folder / "broker" / "revoked.acl").read_text(), "its name goes on"
    assert {one.certificate.serial_number for one in listing(folder, now=NOW) if one.revoked} == {first, second}
    for other in (*SERVERS, "nobody", DEVICE):
        with pytest.raises(CertificateError):
            revoke_service(folder, other, now=NOW)


def test_what_an_earlier_version_made_can_be_renewed_and_revoked(folder: Path) -> None:
    """It kept no certificates of ours and had no list of revoked ones."""
    for path in (folder / "ca" / "issued").iterdir():
        path.unlink()
    (folder / "broker" / "steth-ca.crl").unlink()
    first = read(folder / "jobs" / "client.crt").serial_number
    assert {one.name for one in listing(folder, now=NOW)} == {*OURS, *AUTHORITIES}
    assert revoke_service(folder, "jobs", now=NOW) == 1
    assert revoked(folder, "steth-ca") == {first}
    (folder / "broker" / "steth-ca.crl").unlink()
    renew(folder, "broker", now=NOW)
    assert revoked(folder, "steth-ca") == set()


def test_a_service_that_had_another_name_loses_what_it_had_under_it(folder: Path) -> None:
    (folder / "jobs").rename(folder / "alerts")
    for path in (folder / "ca" / "issued").iterdir():
        path.unlink()
    former = read(folder / "alerts" / "client.crt").serial_number
    assert name(read(renew(folder, "jobs", now=NOW))) == "steth-jobs"
    assert {one.name for one in listing(folder, now=NOW)} == {*OURS, *AUTHORITIES, "alerts"}
    second = read(folder / "jobs" / "client.crt").serial_number
    assert revoke_service(folder, "jobs", now=NOW) == 2
    assert revoked(folder, "steth-ca") == {former, second}


def test_what_ended_long_ago_is_not_listed(folder: Path) -> None:
    for month in (0, 1, 2):
        add_device(folder, DEVICE, days=30, now=NOW + timedelta(days=30 * month))

    def ends(days: int) -> list[int]:
        found = [one for one in listing(folder, now=NOW + timedelta(days=days)) if one.name == DEVICE]
        return [(one.ends - NOW).days for one in found]

    assert ends(0) == [30, 60, 90], "the first to end first"
    assert ends(70) == [90]
    assert ends(900) == [90], "nobody renewed it: that shows"


def test_a_device_is_its_id_for_as_long_as_was_said(folder: Path) -> None:
    place = add_device(folder, DEVICE, days=30, now=NOW)
    device = read(place / "device.crt")
    device.verify_directly_issued_by(read(folder / "ca" / "device-ca.crt"))
    with pytest.raises(ValueError, match="issuer"):
        device.verify_directly_issued_by(read(folder / "ca" / "steth-ca.crt"))
    assert (name(device), usage(device)) == (DEVICE, [ExtendedKeyUsageOID.CLIENT_AUTH])
    assert device.not_valid_before_utc < NOW
    assert device.not_valid_after_utc == NOW + timedelta(days=30)
    assert (place / "ca.crt").read_bytes() == (folder / "ca" / "steth-ca.crt").read_bytes()


def test_keys_are_their_owner_s_alone(folder: Path) -> None:
    add_device(folder, DEVICE, days=30, now=NOW)
    keys = list(folder.rglob("*.key"))
    assert len(keys) == 7
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert stat.S_IMODE((folder / "ca").stat().st_mode) == 0o700
    assert not list(folder.rglob("*.new"))


def test_revocation_is_of_every_certificate_and_for_ever(folder: Path) -> None:
    first = read(add_device(folder, DEVICE, days=30, now=NOW) / "device.crt").serial_number
    second = read(add_device(folder, DEVICE, days=30, now=NOW) / "device.crt").serial_number
    other = read(add_device(folder, f"{DEVICE}b", days=30, now=NOW) / "device.crt").serial_number
    assert revoked(folder) == set()
    assert revoke_device(folder, DEVICE, now=NOW) == 2
    assert revoked(folder) == {first, second}
    assert revoke_device(folder, DEVICE, now=NOW) == 0, "once more changes nothing"
    assert revoke_device(folder, f"{DEVICE}b", now=NOW) == 1
    assert revoked(folder) == {first, second, other}
    lines = (folder / "broker" / "revoked.acl").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("user ")] == [f"user {DEVICE}", f"user {DEVICE}b"]
    assert lines.count("topic deny #") == 2
    with pytest.raises(CertificateError, match="mint a new device"):
        add_device(folder, DEVICE, days=30, now=NOW)


@pytest.mark.parametrize(
    "asked", ["", "abc", "steth-ingest", "steth-new", "D3K9M2", "a/../b", "+", "#", "d*", "d3k9\n", "d" * 41]
)
def test_what_is_no_device_gets_no_certificate(folder: Path, asked: str) -> None:
    with pytest.raises(CertificateError):
        add_device(folder, asked, days=30, now=NOW)
    with pytest.raises(CertificateError):
        revoke_device(folder, asked, now=NOW)


def test_authorities_are_made_once(folder: Path) -> None:
    before = (folder / "ca" / "device-ca.key").read_bytes()
    with pytest.raises(CertificateError, match="exists"):
        initialise(folder, names=["x"], now=NOW)
    assert (folder / "ca" / "device-ca.key").read_bytes() == before
    # On the server, where ca was taken away, others would lock all equipment out.
    (folder / "ca").rename(folder.with_name("safe"))
    with pytest.raises(CertificateError, match="exists"):
        initialise(folder, names=["x"], now=NOW)
    with pytest.raises(CertificateError, match="bring the folder ca"):
        renew(folder, "broker", now=NOW)
    # And where ca was taken to without the lists: who was revoked must not be forgotten.
    (tmp := folder.with_name("safe-place")).mkdir()
    folder.with_name("safe").rename(tmp / "ca")
    with pytest.raises(CertificateError, match="put the server's folder broker beside ca"):
        add_device(tmp, DEVICE, days=1, now=NOW)


def test_the_command_line_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    runner = CliRunner()
    made = str(tmp_path / "made")
    for arguments in (
        ["device", made, DEVICE],
        ["revoke", made, DEVICE],
        ["revoke", made, "ingest"],
        ["revoke", made, "broker"],
        ["renew", made],
        ["renew", made, "nobody"],
        ["renew", made, "ingest", "--name", "x"],
        ["list", made],
    ):
        refused = runner.invoke(app, arguments)
        assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1)
    assert runner.invoke(app, ["init", made, "--name", "broker.example"]).exit_code == 0
    assert runner.invoke(app, ["device", made, DEVICE]).exit_code == 0
    assert runner.invoke(app, ["revoke", made, DEVICE]).exit_code == 0
    renewed = runner.invoke(app, ["renew", made])
    assert (renewed.exit_code, len(renewed.stdout.splitlines())) == (0, 8), "what was made, and what to do with each"
    locked = runner.invoke(app, ["revoke", made, "ingest"])
    assert (locked.exit_code, locked.stdout.splitlines()[0]) == (0, "2 revoked")
    shown = [line.split() for line in runner.invoke(app, ["list", made]).stdout.splitlines()]
    assert [line[0] for line in shown].count("ingest") == 3
    assert {(line[0], line[2]) for line in shown if line[2] == "revoked"} == {
        ("ingest", "revoked"),
        (DEVICE, "revoked"),
    }
    assert runner.invoke(app, ["init", made, "--name", "broker.example"]).exit_code == 2


def test_no_empty_list_is_made_where_the_servers_was_left_behind(folder: Path) -> None:
    """Brought to the broker, it would let every revoked service in again."""
    revoke_service(folder, "ingest", now=NOW)
    shutil.rmtree(folder / "broker")
    before = read(folder / "ingest" / "client.crt")
    for act in (renew, revoke_service):
        with pytest.raises(CertificateError, match="put the server's folder broker beside ca"):
            act(folder, "ingest", now=NOW)
    assert (read(folder / "ingest" / "client.crt"), (folder / "broker").exists()) == (before, False)


@pytest.mark.parametrize("arguments", [("revoke", "FOLDER", DEVICE), ("renew", "FOLDER"), ("device", "FOLDER", DEVICE)])
def test_who_changes_the_folder_waits_for_who_does(folder: Path, arguments: tuple[str, ...]) -> None:
    add_device(folder, DEVICE, days=30, now=NOW)
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    given = [str(folder) if each == "FOLDER" else each for each in arguments]
    with ThreadPoolExecutor() as threads:
        with alone(folder):
            done = threads.submit(CliRunner().invoke, app, given)
            with pytest.raises(TimeoutError):
                done.result(timeout=0.3)
            assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
        assert done.result(timeout=30).exit_code == 0
