"""Certificates of a deployment: two authorities, the broker's server certificate, those of services and of devices.

`steth-ca` vouches for the broker and our services, `device-ca` for devices alone, so that no device's certificate opens
the services' listener. The common name is who it is to the broker's access list: a device's is its id.

A device that is revoked stands in the revocation list and in `revoked.acl`, because mosquitto 2.0's WebSocket listener
ignores the former. The latter goes by the id, so a revoked id gets no certificate any more: a new device is minted.

The folder:
    ca/       the authorities' keys, and every device certificate ever issued: keep it off the server
    broker/   what the broker reads: server.crt, server.key, steth-ca.crt, device-ca.crt, device-ca.crl, revoked.acl
    ingest/, alerts/   ca.crt, client.crt, client.key
    devices/ID/        ca.crt, device.crt, device.key: take them to the equipment, then remove the folder
"""

import ipaddress
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from wire.ids import is_device_id

AUTHORITY_DAYS: Final = 20 * 365
SERVICE_DAYS: Final = 5 * 365
DEVICE_DAYS: Final = 2 * 365
SERVICES: Final = ("ingest", "alerts")
RESERVED: Final = "steth-"
"""Common names of our services begin with it; no device's id may."""
_EARLY: Final = timedelta(hours=1)
"""Certificates are good a little before they are made: clocks of equipment are late now and then."""


class CertificateError(Exception):
    """It can't be done. The message is one line that says what to do."""


class Authority(Struct, frozen=True, kw_only=True):
    """A key that signs, and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def initialise(folder: Path, *, names: Sequence[str], now: datetime) -> None:
    """Make both authorities, an empty revocation list, and the certificates of broker and services.

    ``names``: DNS names and addresses by which the broker is reached. Raises CertificateError if there is one already.
    """
    if (folder / "ca").exists():
        raise CertificateError(f"{folder / 'ca'} exists: keep it, every certificate in use depends on it")
    authorities = {name: _authority(name, now) for name in ("steth-ca", "device-ca")}
    for name, authority in authorities.items():
        _write(folder / "ca" / f"{name}.key", _private(authority.key), secret=True)
        _write(folder / "ca" / f"{name}.crt", _public(authority.certificate))
        _write(folder / "broker" / f"{name}.crt", _public(authority.certificate))
    ours = authorities["steth-ca"]
    _write_list(folder, authorities["device-ca"], [], now)
    _write(_denied(folder), b"# Devices whose certificates are revoked. Written by steth certs revoke.\n")
    server = names[0]
    _write_pair(folder / "broker" / "server", *issue(ours, name=server, hosts=names, days=SERVICE_DAYS, now=now))
    for service in SERVICES:
        place = folder / service
        _write(place / "ca.crt", _public(ours.certificate))
        _write_pair(place / "client", *issue(ours, name=f"{RESERVED}{service}", days=SERVICE_DAYS, now=now))


def add_device(folder: Path, device: str, *, days: int, now: datetime) -> Path:
    """A certificate for a device; its folder. A device may have several at a time, so that it can change over."""
    if not is_device_id(device) or device.startswith(RESERVED):
        raise CertificateError(f"{device} is no device id: take the one that the server minted")
    authority = load(folder, "device-ca")
    if f"user {device}" in _denied(folder).read_text(encoding="utf-8").splitlines():
        raise CertificateError(f"{device} was revoked: mint a new device and give that one a certificate")
    key, certificate = issue(authority, name=device, days=days, now=now)
    _write(folder / "ca" / "issued" / f"{device}.{certificate.serial_number:x}.crt", _public(certificate))
    place = folder / "devices" / device
    _write(place / "ca.crt", (folder / "ca" / "steth-ca.crt").read_bytes())
    _write_pair(place / "device", key, certificate)
    return place


def revoke_device(folder: Path, device: str, *, now: datetime) -> int:
    """Lock a device out, for ever: how many certificates went onto the list. The broker reads it when it starts."""
    if not is_device_id(device):
        raise CertificateError(f"{device} is no device id")
    authority = load(folder, "device-ca")
    path = folder / "broker" / "device-ca.crl"
    known = x509.load_pem_x509_crl(path.read_bytes())
    issued = [
        x509.load_pem_x509_certificate(found.read_bytes())
        for found in sorted((folder / "ca" / "issued").glob(f"{device}.*.crt"))
    ]
    if not issued:
        raise CertificateError(f"{device} has no certificate of this authority")
    fresh = [
        x509.RevokedCertificateBuilder().serial_number(each.serial_number).revocation_date(now).build()
        for each in issued
        if known.get_revoked_certificate_by_serial_number(each.serial_number) is None
    ]
    _write_list(folder, authority, [*known, *fresh], now)
    denied = _denied(folder).read_text(encoding="utf-8")
    if f"user {device}" not in denied.splitlines():
        _write(_denied(folder), f"{denied}\nuser {device}\ntopic deny #\n".encode())
    return len(fresh)


def _denied(folder: Path) -> Path:
    return folder / "broker" / "revoked.acl"


def issue(
    authority: Authority, *, name: str, days: int, now: datetime, hosts: Sequence[str] = ()
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A key and its certificate: of a server that is reached by ``hosts``, or of a client where there are none."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(_name(name), authority.certificate.subject, key, days, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
    return key, builder.sign(authority.key, hashes.SHA256())


def load(folder: Path, name: str) -> Authority:
    """An authority of the folder. Raises CertificateError."""
    try:
        key = serialization.load_pem_private_key((folder / "ca" / f"{name}.key").read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate((folder / "ca" / f"{name}.crt").read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateError(
            f"{folder / 'ca' / name} can't be used ({error}): run `steth certs init` first"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{folder / 'ca' / name}.key is no key of ours")
    return Authority(key=key, certificate=certificate)


def _authority(name: str, now: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder(_name(name), _name(name), key, AUTHORITY_DAYS, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(key=key, certificate=certificate)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLY)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _write_list(folder: Path, authority: Authority, revoked: Sequence[x509.RevokedCertificate], now: datetime) -> None:
    # Good as long as its authority: a list that is too old locks every device out.
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - _EARLY)
        .next_update(now + timedelta(days=AUTHORITY_DAYS))
    )
    for each in revoked:
        builder = builder.add_revoked_certificate(each)
    signed = builder.sign(authority.key, hashes.SHA256())
    _write(folder / "broker" / "device-ca.crl", signed.public_bytes(serialization.Encoding.PEM))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_pair(path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    _write(path.with_suffix(".key"), _private(key), secret=True)
    _write(path.with_suffix(".crt"), _public(certificate))


def _write(path: Path, content: bytes, *, secret: bool = False) -> None:
    """Whole or not at all; a secret never readable by others, not for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if path.parent.name == "ca" else 0o755)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600 if secret else 0o644)  # whatever the umask: other users read what is public
        file.write(content)
    fresh.replace(path)
