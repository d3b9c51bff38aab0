"""Certificates of a deployment: what is in them, and who gets none."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from typer.testing import CliRunner

from steth.certificates import CertificateError, add_device, initialise, revoke_device
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


def revoked(folder: Path) -> set[int]:
    listed = x509.load_pem_x509_crl((folder / "broker" / "device-ca.crl").read_bytes())
    assert listed.is_signature_valid(read(folder / "ca" / "device-ca.crt").public_key())  # type: ignore[arg-type]  # ours is EC
    assert listed.next_update_utc is not None
    assert listed.next_update_utc > NOW + timedelta(days=7000), "an old list would lock everybody out"
    return {each.serial_number for each in listed}


def test_the_broker_is_known_by_its_names_and_serves_only(folder: Path) -> None:
    server = read(folder / "broker" / "server.crt")
    server.verify_directly_issued_by(read(folder / "ca" / "steth-ca.crt"))
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.1.2.3"]
    assert usage(server) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize("service", ["ingest", "alerts"])
def test_a_service_is_a_client_of_its_own_name(folder: Path, service: str) -> None:
    client = read(folder / service / "client.crt")
    client.verify_directly_issued_by(read(folder / service / "ca.crt"))
    assert (name(client), usage(client)) == (f"steth-{service}", [ExtendedKeyUsageOID.CLIENT_AUTH])


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
    assert len(keys) == 6
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


def test_the_command_line_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    runner = CliRunner()
    made = str(tmp_path / "made")
    for arguments in (["device", made, DEVICE], ["revoke", made, DEVICE]):
        refused = runner.invoke(app, arguments)
        assert (refused.exit_code, len(refused.stderr.splitlines())) == (2, 1)
        assert "steth certs init" in refused.stderr
    assert runner.invoke(app, ["init", made, "--name", "broker.example"]).exit_code == 0
    assert runner.invoke(app, ["device", made, DEVICE]).exit_code == 0
    assert runner.invoke(app, ["revoke", made, DEVICE]).exit_code == 0
    assert runner.invoke(app, ["init", made, "--name", "broker.example"]).exit_code == 2
