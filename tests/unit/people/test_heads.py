"""Signed heads: what is signed, by whom, and that what is wrong with a file of them is said with its line."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from people.audit.chain import Chain
from people.audit.heads import (
    Head,
    HeadError,
    Signer,
    append_head,
    by_position,
    check_heads,
    latest,
    line_of,
    make_key,
    public_pem,
    read_heads,
    read_key,
    read_public,
)

NOW: Final = datetime(2026, 11, 22, 4, tzinfo=UTC)
SIGNER: Final = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def chain(entries: int, *, id_: int = 3) -> Chain:
    return Chain(id=id_, org=1, entries=entries, head=bytes([entries]) * 32, signed=None)


def read(*lines: bytes) -> list[Head]:
    placed = list(read_heads(lines, where="heads"))
    check_heads(placed, [SIGNER.public])
    return [head for _, head in placed]


def test_a_head_is_read_as_it_was_signed(tmp_path: Path) -> None:
    file = tmp_path / "heads"
    made = [SIGNER.sign(chain(2), at=NOW), SIGNER.sign(chain(5), at=NOW), SIGNER.sign(chain(1, id_=4), at=NOW)]
    for head in made:
        append_head(file, head)
    found = read(*file.read_bytes().splitlines())
    assert found == made
    assert by_position(found) == {3: {2: {"02" * 32}, 5: {"05" * 32}}, 4: {1: {"01" * 32}}}
    assert {id_: head.entries for id_, head in latest(found).items()} == {3: 5, 4: 1}


def test_what_is_signed_can_be_checked_elsewhere() -> None:
    told = json.loads(line_of(SIGNER.sign(chain(2), at=NOW)))
    signature = bytes.fromhex(told.pop("signature"))
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    SIGNER.public.verify(signature, b"steth audit head " + canonical)
    assert told["at"] == "2026-11-22T04:00:00Z"


@pytest.mark.parametrize(
    ("name", "value"),
    [("at", "2026-11-23T04:00:00Z"), ("chain", 4), ("org", None), ("entries", 1), ("hash", "00" * 32)],
)
def test_no_part_of_it_can_be_changed(name: str, value: object) -> None:
    good = line_of(SIGNER.sign(chain(2), at=NOW))
    changed = msgspec.json.encode({**json.loads(good), name: value})
    with pytest.raises(HeadError, match="heads:2: the signature is wrong"):
        read(good, changed)


@pytest.mark.parametrize("line", [b"x", b"[]", b'{"at":', line_of(SIGNER.sign(chain(2), at=NOW))[:-20]])
def test_a_line_that_is_none(line: bytes) -> None:
    with pytest.raises(HeadError, match="heads:1: this is no head"):
        read(line + b"\n")
    with pytest.raises(HeadError, match="heads:1: writing it was cut off"):
        read(line)


def test_a_head_of_another_key() -> None:
    with pytest.raises(HeadError, match="heads:1: it is signed by the key"):
        read(line_of(Signer(Ed25519PrivateKey.generate()).sign(chain(2), at=NOW)))


def test_a_key_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    file, public = tmp_path / "key", tmp_path / "key.pub"
    made = make_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_key(file).id == made.id
    public.write_text(public_pem(made.public))
    assert read_public(public) == made.public
    with pytest.raises(HeadError, match="is there already"):
        make_key(file)


@pytest.mark.parametrize("read_it", [read_key, read_public])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key(read_it: Callable[[Path], object], content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(HeadError, match="can't be read" if content is None else "Ed25519 key"):
        read_it(file)


def test_a_file_of_heads_that_cant_be_written(tmp_path: Path) -> None:
    with pytest.raises(HeadError, match=r"audit_heads: .* can't be written"):
        append_head(tmp_path / "none" / "heads", SIGNER.sign(chain(1), at=NOW))
