"""`make fuzz`: mutated bytes against every decoder of wire and equipment, for a bounded time, on a seed.

Each finding is printed with the bytes in hex, so that it can become an example of a unit test.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable

from agent.errors import AdapterError
from tests.fuzz import astm, dicom, hl7
from tests.unit.wire.test_codec import AT, ITEMS
from wire.codec import JSON, MSGPACK, decode_ack, decode_command, decode_report, decode_will, encode, encode_report
from wire.commands import Ack, Announce, Command, Will
from wire.errors import WireError
from wire.report import Report
from wire.topics import Lane

Target = Callable[[bytes], object]
_TOKENS = (
    b"null",
    b"-1",
    b"1e999",
    b"[",
    b"{",
    b'"',
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\xc1",
    b"\xdf\xff\xff\xff\xff",
    b"\x00",
    *astm.TOKENS,
    *dicom.TOKENS,
    *hl7.TOKENS,
)


def seeds() -> list[tuple[bytes, Target]]:
    """Well-formed messages, each with what reads it."""
    found: list[tuple[bytes, Target]] = []
    for item in ITEMS:
        for kind in (JSON, MSGPACK):
            body = encode_report(Report(at=AT, items=[item]), kind)
            found.append((body, lambda b, k=kind: decode_report(b, k)))  # type: ignore[misc]
    found.append((encode(Ack(lane=Lane.LIVE, epoch="abcdefgh", seq=1, now=1)), decode_ack))
    found.append((encode(Command(id="c0123456789", issued=1, expires=2, do=Announce())), decode_command))
    found.append((encode(Will(epoch="abcdefgh", boot=1)), decode_will))
    return [*found, *astm.seeds(), *dicom.seeds(), *hl7.seeds()]


def mutate(body: bytes, rng: random.Random) -> bytes:
    """A few changes: bits, cuts, doubled pieces, tokens that parsers stumble over."""
    out = bytearray(body)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(5):
            case 0 if out:
                out[at % len(out)] ^= 1 << rng.randrange(8)
            case 1:
                del out[at : at + rng.randint(1, 9)]
            case 2:
                out[at:at] = out[at : at + rng.randint(1, 40)] * rng.randint(1, 5)
            case 3:
                out[at:at] = rng.choice(_TOKENS) * rng.choice((1, 1, 1, 2_000))
            case _:
                out[at:at] = rng.randbytes(rng.randint(1, 4))
    return bytes(out)


def main() -> int:
    """Returns 1 if anything but a typed error came out."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    targets = seeds()
    tried = refused = 0
    deadline = time.monotonic() + options.seconds
    while time.monotonic() < deadline:
        body, target = rng.choice(targets)
        sent = mutate(body, rng)
        tried += 1
        try:
            target(sent)
        except (WireError, AdapterError):
            refused += 1
        except BaseException as error:  # noqa: BLE001 - whatever comes out is the finding
            sys.stdout.write(f"{type(error).__name__}: {error}\n{sent.hex()}\n")
            return 1
    sys.stdout.write(f"tried {tried}, refused {refused} as typed errors, nothing else came out\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
