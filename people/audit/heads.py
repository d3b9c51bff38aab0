"""Signed heads of the audit log's chains: what others than the database keep, so that a cut or a rewriting shows.

A head says: at this time this chain had so many entries, and the last one's hash was this. It is signed (Ed25519) by
a key that the database's owner doesn't hold: who can rewrite the chain can't make a head that fits it. One head is one
line of JSON; signed are the bytes "steth audit head ", then the head's canonical JSON without `signature` (keys in
order, no spaces, UTF-8).
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from people.audit.chain import Chain

_BEFORE: Final = b"steth audit head "


class HeadError(Exception):
    """A key or a head can't be used. The message is one line: which, why, what to do."""


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`at`: RFC 3339 UTC; `org`: whose chain, null: the provider's; `hash`, `signature`: hex; `key`: the key's id."""

    at: str
    chain: int
    org: int | None
    entries: int
    hash: str
    key: str
    signature: str = ""


class Signer:
    """A private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public: Final = key.public_key()
        self.id: Final = key_id(self.public)

    def sign(self, chain: Chain, *, at: datetime) -> Head:
        """The head of a chain as it is."""
        head = Head(
            at=at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            chain=chain.id,
            org=chain.org,
            entries=chain.entries,
            hash=chain.head.hex(),
            key=self.id,
        )
        return msgspec.structs.replace(head, signature=self._key.sign(_signed(head)).hex())


def _signed(head: Head) -> bytes:
    body = {name: value for name, value in msgspec.structs.asdict(head).items() if name != "signature"}
    return _BEFORE + json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of the key's 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def public_pem(key: Ed25519PublicKey) -> str:
    """The key as hospitals get it."""
    kind, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(kind, form).decode()


def make_key(path: Path) -> Signer:
    """A new key in a new file, which its owner alone can read. Raises HeadError, also where the file is there."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except FileExistsError:
        raise HeadError(f"{path} is there already: heads that it signed need it; choose another name") from None
    except OSError as error:
        raise HeadError(f"{path} can't be written: {error.strerror}") from None
    return Signer(key)


def read_key(path: Path) -> Signer:
    """The key of a file. Raises HeadError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise HeadError(f"audit_key: {path} can't be read: {error.strerror}") from None
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise HeadError(f"audit_key: {path} holds no Ed25519 key: make one with `steth audit key FILE`")
    return Signer(key)


def read_public(path: Path) -> Ed25519PublicKey:
    """The public key of a file. Raises HeadError."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise HeadError(f"{path} can't be read: {error.strerror}") from None
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise HeadError(f"{path} holds no public Ed25519 key: `steth audit key` printed it")
    return key


def signed_head(chain: Chain) -> Head | None:
    """The database's copy of the head that was signed last; None too for what is no head: it is but a copy, and who
    took `steth jobs` over can write anything there."""
    try:
        return msgspec.convert(chain.signed, Head)
    except msgspec.ValidationError:
        return None


def line_of(head: Head) -> bytes:
    """The head as one line."""
    return msgspec.json.encode(head) + b"\n"


def read_heads(lines: Iterable[bytes], *, where: str) -> Iterator[tuple[str, Head]]:
    """The heads of a file, each with its place there. `where`: what to call the file. Raises HeadError."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield f"{where}:{number}", msgspec.json.decode(line, type=Head)
        except msgspec.DecodeError:
            if not line.endswith(b"\n"):
                raise HeadError(f"{where}:{number}: writing it was cut off: take this last line out") from None
            raise HeadError(f"{where}:{number}: this is no head: take the file from where it was kept") from None


def check_heads(heads: Iterable[tuple[str, Head]], keys: Iterable[Ed25519PublicKey]) -> None:
    """Raises HeadError, with its place, for the first head that none of the keys has signed."""
    known = {key_id(key): key for key in keys}
    for place, head in heads:
        if head.key not in known:
            raise HeadError(f"{place}: it is signed by the key {head.key}: give that one's public key too")
        try:
            known[head.key].verify(bytes.fromhex(head.signature), _signed(head))
        except (ValueError, InvalidSignature):
            raise HeadError(f"{place}: the signature is wrong: the head was changed, or forged") from None


def by_position(heads: Iterable[Head]) -> dict[int, dict[int, set[str]]]:
    """Chain -> position -> hashes, for `people.audit.walk.Walk`."""
    found: dict[int, dict[int, set[str]]] = {}
    for head in heads:
        found.setdefault(head.chain, {}).setdefault(head.entries, set()).add(head.hash)
    return found


def latest(heads: Iterable[Head]) -> dict[int, Head]:
    """Chain -> the head written last."""
    return {head.chain: head for head in heads}


def append_head(path: Path, head: Head) -> None:
    """Write a head behind the others, in one write that is on the disk when this returns. Raises HeadError."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            line, end = line_of(head), os.fstat(file).st_size
            if os.write(file, line) < len(line):
                os.ftruncate(file, end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise HeadError(f"audit_heads: {path} can't be written: {error.strerror}") from None
