"""Certificates of a deployment: two authorities, those of the broker and the proxy, of services and of devices.

`steth-ca` issues those of the broker, the proxy and our services, `device-ca` those of devices alone, so that no
device's certificate opens the services' listener. The common name is who it is to the broker's access list: a device's
is its id.

A device that is revoked stands in the revocation list and in `revoked.acl`, because mosquitto 2.0's WebSocket listener
ignores the former. The latter goes by the id, so a revoked id gets no certificate any more: a new device is minted. A
service comes by one listener alone, which holds to its list: it is given a new certificate under its old name.

The folder:
    ca/       the authorities' keys, and every certificate ever issued: keep it off the server
    broker/   what the broker reads: server.crt, server.key, steth-ca.crt, device-ca.crt, the two .crl, revoked.acl
    proxy/    server.crt, server.key: for browsers, until the proxy has a certificate that they know
    ingest/, jobs/     ca.crt, client.crt, client.key
    devices/ID/        ca.crt, device.crt, device.key: take them to the equipment, then remove the folder
"""

import fcntl
import ipaddress
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from wire.ids import is_device_id

AUTHORITY_DAYS: Final = 10 * 365
SERVICE_DAYS: Final = 397
"""A year and a month to renew them in. Nobody looks whether the broker's was revoked: its end is what bounds it."""
AUTHORITIES: Final = ("steth-ca", "device-ca")
BROKER: Final = "broker"
SERVICES: Final = ("ingest", "jobs")
_FORMER: Final = {"jobs": "alerts"}
"""What a service was called before version 10: certificates of that name are good until they end."""
PROXY: Final = "proxy"
SERVERS: Final = (BROKER, PROXY)
OURS: Final = (*SERVERS, *SERVICES)
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


class Listed(Struct, frozen=True, kw_only=True):
    """A certificate of the folder. ``name``: the authority's, ``broker``, the service's or the device's id."""

    name: str
    certificate: x509.Certificate
    revoked: bool

    @property
    def ends(self) -> datetime:
        """Its last moment."""
        return self.certificate.not_valid_after_utc


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else changes the folder meanwhile: of two lists written at once one would be lost. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def initialise(folder: Path, *, names: Sequence[str], now: datetime) -> None:
    """Make both authorities, their empty revocation lists, and the certificates of broker, proxy and services.

    ``names``: DNS names and addresses by which broker and proxy are reached. Raises CertificateError if there is one
    already.
    """
    for there in (folder / part for part in ("ca", *OURS) if (folder / part).exists()):
        raise CertificateError(f"{there} exists: keep it, every certificate in use depends on it")
    for name in AUTHORITIES:
        authority = _authority(name, now)
        _write(folder / "ca" / f"{name}.key", _private(authority.key), secret=True)
        _write(folder / "ca" / f"{name}.crt", _public(authority.certificate))
        _write(folder / BROKER / f"{name}.crt", _public(authority.certificate))
        _write_list(folder, name, authority, [], now)
    _write(_denied(folder), b"# Devices whose certificates are revoked. Written by steth certs revoke.\n")
    for name in OURS:
        renew(folder, name, names=names, now=now)


def renew(folder: Path, name: str, *, now: datetime, names: Sequence[str] = (), days: int = SERVICE_DAYS) -> Path:
    """A new certificate of a server or a service in place of the one that is there, which stays good until its end.

    ``names``: of a server; none: those it had, a first one of the proxy the broker's. Where it is. Raises
    CertificateError, and changes nothing then.
    """
    if name not in OURS:
        raise CertificateError(f"{name} is none of {', '.join(OURS)}; `steth certs device` renews a device's")
    authority = load(folder, "steth-ca")
    pair = _pair(folder, name)
    if pair.with_suffix(".crt").exists():
        former = _read(pair.with_suffix(".crt"))
        _keep(folder, name, former)  # one that an earlier version made: it may have to be revoked
        names = names or _hosts(former)
    elif (former_pair := folder / _FORMER.get(name, name) / "client.crt").exists():
        _keep(folder, _FORMER[name], _read(former_pair))
    elif name == PROXY and (brokers := _pair(folder, BROKER).with_suffix(".crt")).exists():
        names = names or _hosts(_read(brokers))
    if name in SERVERS and not names:
        raise CertificateError(f"{pair}.crt isn't there and can't say how the {name} is reached: give each --name")
    hosts = names if name in SERVERS else ()
    made = issue(authority, name=hosts[0] if hosts else f"{RESERVED}{name}", hosts=hosts, days=days, now=now)
    if not _list(folder, "steth-ca").exists():
        _denials(folder)  # earlier versions had no list; where nothing of the broker's is, there may be one elsewhere
        _write_list(folder, "steth-ca", authority, [], now)
    _keep(folder, name, made[1])
    if name not in SERVERS:
        _write(pair.with_name("ca.crt"), _public(authority.certificate))
    _write_pair(pair, *made)
    return pair.with_suffix(".crt")


def add_device(folder: Path, device: str, *, days: int, now: datetime) -> Path:
    """A certificate for a device; its folder. A device may have several at a time, so that it can change over."""
    _need_device(device)
    authority = load(folder, "device-ca")
    if f"user {device}" in _denials(folder).splitlines():
        raise CertificateError(f"{device} was revoked: mint a new device and give that one a certificate")
    key, certificate = issue(authority, name=device, days=days, now=now)
    _keep(folder, device, certificate)
    place = folder / "devices" / device
    _write(place / "ca.crt", (folder / "ca" / "steth-ca.crt").read_bytes())
    _write_pair(place / "device", key, certificate)
    return place


def revoke_device(folder: Path, device: str, *, now: datetime) -> int:
    """Lock a device out, for ever: how many certificates went onto the list. The broker reads it when it starts."""
    _need_device(device)
    denied = _denials(folder)
    count = _revoke(folder, "device-ca", device, now)
    if f"user {device}" not in denied.splitlines():
        _write(_denied(folder), f"{denied}\nuser {device}\ntopic deny #\n".encode())
    return count


def revoke_service(folder: Path, service: str, *, now: datetime) -> int:
    """Every certificate that a service has had onto the list, and a new one for it: how many went onto the list.

    One act, so that whoever does it in a hurry can't revoke the new one after it, and lock the service out.
    """
    if service not in SERVICES:
        raise CertificateError(
            f"{service} is no service. A server's certificate can't be revoked, since who connects reads no list: "
            "`steth certs renew` it; with the old key one can pose as the server until the old certificate ends"
        )
    fresh = _read(renew(folder, service, now=now))
    return _revoke(folder, "steth-ca", service, now, spare=fresh)


def listing(folder: Path, *, now: datetime) -> list[Listed]:
    """What there is, the first to end first. Of several of one name those that are good or revoked, else the newest."""
    listed = [Listed(name=name, certificate=load(folder, name).certificate, revoked=False) for name in AUTHORITIES]
    revoked = {
        each.serial_number
        for authority in AUTHORITIES
        if _list(folder, authority).exists()
        for each in _revoked(folder, authority)
    }
    kept = [(path.name.split(".")[0].removeprefix(RESERVED), path) for path in (folder / "ca" / "issued").glob("*.crt")]
    present = [(name, _pair(folder, name).with_suffix(".crt")) for name in OURS]
    by_name: dict[str, dict[int, Listed]] = {}
    for name, path in [*kept, *((name, path) for name, path in present if path.exists())]:
        each = _read(path)
        one = Listed(name=name, certificate=each, revoked=each.serial_number in revoked)
        by_name.setdefault(name, {})[each.serial_number] = one
    for of_name in by_name.values():
        newest = max(of_name.values(), key=lambda one: one.ends)
        listed += [one for one in of_name.values() if one.ends > now or one is newest]
    return sorted(listed, key=lambda one: (one.ends, one.name))


def _need_device(name: str) -> None:
    if not is_device_id(name) or name.startswith(RESERVED) or name in OURS:
        raise CertificateError(f"{name} is no device id: take the one that the server minted")


def _pair(folder: Path, name: str) -> Path:
    return folder / name / ("server" if name in SERVERS else "client")


def _holder(name: str) -> str:
    """How its certificates are kept: no device's id begins so."""
    return f"{RESERVED}{name}" if name in OURS or name in _FORMER.values() else name


def _keep(folder: Path, name: str, certificate: x509.Certificate) -> None:
    path = folder / "ca" / "issued" / f"{_holder(name)}.{certificate.serial_number:x}.crt"
    if not path.exists():
        _write(path, _public(certificate))


def _revoke(folder: Path, authority: str, name: str, now: datetime, *, spare: x509.Certificate | None = None) -> int:
    issuer = load(folder, authority)
    holders = (_holder(each) for each in (name, _FORMER.get(name)) if each)
    issued = [_read(path) for each in holders for path in sorted((folder / "ca" / "issued").glob(f"{each}.*.crt"))]
    if not issued:
        raise CertificateError(f"{name} has no certificate of this authority")
    known = _revoked(folder, authority)
    listed = {each.serial_number for each in known}
    fresh = [
        x509.RevokedCertificateBuilder().serial_number(each.serial_number).revocation_date(now).build()
        for each in issued
        if each.serial_number not in listed and each != spare
    ]
    _write_list(folder, authority, issuer, [*known, *fresh], now)
    return len(fresh)


def _list(folder: Path, authority: str) -> Path:
    return folder / BROKER / f"{authority}.crl"


def _revoked(folder: Path, authority: str) -> list[x509.RevokedCertificate]:
    try:
        return list(x509.load_pem_x509_crl(_list(folder, authority).read_bytes()))
    except (OSError, ValueError) as error:
        raise CertificateError(_not_here(_list(folder, authority), error)) from None


def _denials(folder: Path) -> str:
    try:
        return _denied(folder).read_text(encoding="utf-8")
    except OSError as error:
        raise CertificateError(_not_here(_denied(folder), error)) from None


def _not_here(path: Path, error: Exception) -> str:
    return f"{path} can't be used ({error}): put the server's folder {BROKER} beside ca, it says who was revoked"


def _denied(folder: Path) -> Path:
    return folder / BROKER / "revoked.acl"


def issue(
    authority: Authority, *, name: str, days: int, now: datetime, hosts: Sequence[str] = ()
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A key and its certificate: of a server that is reached by ``hosts``, or of a client where there are none.

    It doesn't outlive its authority, whatever ``days`` say. Raises CertificateError where that has ended.
    """
    last = authority.certificate.not_valid_after_utc
    if last <= now:
        raise CertificateError(f"the authority ended on {last:%Y-%m-%d}: make another folder by `steth certs init`")
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder(_name(name), authority.certificate.subject, key, now, min(now + timedelta(days=days), last))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(signer, critical=False)
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
            f"{folder / 'ca' / name} can't be used ({error}): "
            "bring the folder ca to where it was, or, for a first deployment, run `steth certs init`"
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
        _builder(_name(name), _name(name), key, now, now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(key=key, certificate=certificate)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLY)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _write_list(
    folder: Path, name: str, authority: Authority, revoked: Sequence[x509.RevokedCertificate], now: datetime
) -> None:
    # Good as long as its authority: a list that is too old locks everybody out.
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - _EARLY)
        .next_update(authority.certificate.not_valid_after_utc)
    )
    for each in revoked:
        builder = builder.add_revoked_certificate(each)
    signed = builder.sign(authority.key, hashes.SHA256())
    _write(_list(folder, name), signed.public_bytes(serialization.Encoding.PEM))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _hosts(certificate: x509.Certificate) -> list[str]:
    """The names of a server's certificate; [] where it is a client's."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(each.value) for each in names]


def _read(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateError(f"{path} is no certificate that can be used: {error}") from None


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    pkcs8 = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption())


def _write_pair(path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    _write(path.with_suffix(".key"), _private(key), secret=True)
    _write(path.with_suffix(".crt"), _public(certificate))


def _write(path: Path, content: bytes, *, secret: bool = False) -> None:
    """Whole or not at all; a secret never readable by others, not for a moment. It stays whose it was."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if path.parent.name == "ca" else 0o755)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600 if secret else 0o644)  # whatever the umask: other users read what is public
        if path.exists() and os.geteuid() == 0:
            os.fchown(descriptor, path.stat().st_uid, path.stat().st_gid)  # a container's user goes on reading it
        file.write(content)
    fresh.replace(path)
