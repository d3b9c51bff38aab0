"""Secrets: passwords (argon2id), bearer tokens and the one-time codes of devices. Only hashes are ever stored."""

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Hashable
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from people.login.turns import Turns

TOKEN_PREFIX: Final = "st_"  # noqa: S105 - lets a scanner of leaked secrets recognise ours
SESSION_PREFIX: Final = "ss_"
_TOKEN: Final = re.compile(r"st_[A-Za-z0-9_\-]{43}\Z")
_SESSION: Final = re.compile(r"ss_[A-Za-z0-9_\-]{43}\Z")
_CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U to misread aloud
_CODE: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{12}\Z")
_MISREAD: Final = str.maketrans("OIL", "011", "- ")
_PARALLEL_HASHES: Final = 2
"""argon2id takes 64 MiB and some 50 ms of a core each: a flood of logins must not take the machine."""
_BROWSER: Final = re.compile(r"sb_([A-Za-z0-9_\-]{22})\.([0-9a-f]{64})\Z")


def mint_token() -> str:
    """A new bearer token: `st_` and 43 characters, 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def mint_session() -> str:
    """A new secret for a browser's cookie: `ss_` and 43 characters, 256 random bits."""
    return SESSION_PREFIX + secrets.token_urlsafe(32)


def is_token(text: str) -> bool:
    """Whether a text has the form of a bearer token of ours."""
    return _TOKEN.match(text) is not None


def is_session(text: str) -> bool:
    """Whether a text has the form of a browser's session."""
    return _SESSION.match(text) is not None


def mint_browser(stored: str) -> str:
    """What a browser keeps to show that it proved this password before: good until the password changes.

    It opens nothing: it gives the account's owner attempts of their own while others guess (`limits.Logins`).
    `stored`: the account's password hash, which keys it, so that nothing else has to be kept.
    """
    name = secrets.token_urlsafe(16)
    return f"sb_{name}.{_browser_mac(stored, name)}"


def browser_of(text: str, stored: str) -> str | None:
    """The name of the browser that keeps this of the account with this password hash; None: it is no such thing."""
    found = _BROWSER.match(text)
    return found[1] if found and hmac.compare_digest(found[2], _browser_mac(stored, found[1])) else None


def _browser_mac(stored: str, name: str) -> str:
    return hmac.new(stored.encode(), f"steth browser {name}".encode(), hashlib.sha256).hexdigest()


def token_hash(token: str) -> bytes:
    """What is stored of a token or session: SHA-256. 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def mint_code() -> str:
    """A new one-time code such as `K7QF-2M9D-XH4T`: 60 random bits that can be read aloud."""
    text = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(12))
    return "-".join((text[:4], text[4:8], text[8:]))


def mint_password() -> str:
    """A new password such as `k7qf2-m9dxh-4t6wp-c3r8v`: 100 random bits that can be read aloud."""
    text = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(20)).lower()
    return "-".join(text[at : at + 5] for at in range(0, 20, 5))


def code_hash(code: str) -> bytes | None:
    """SHA-256 of a code as a person typed it: case, dashes, spaces and Crockford's look-alikes (O, I, L) don't matter.

    None if it can't be a code.
    """
    text = code.upper().translate(_MISREAD)
    return hashlib.sha256(text.encode()).digest() if _CODE.match(text) else None


def _unpadded(length: int) -> str:
    return base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")


class Passwords:
    """Hashes and checks passwords off the event loop, a few at a time (RFC 9106, the second recommended option)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turns = Turns(parallel=_PARALLEL_HASHES, of_lane=8, waiting=100, wait_s=10.0)
        # A hash of nothing: checking against it costs what checking any costs, making it costs nothing.
        cost = f"m={self._hasher.memory_cost},t={self._hasher.time_cost},p={self._hasher.parallelism}"
        salt, digest = _unpadded(self._hasher.salt_len), _unpadded(self._hasher.hash_len)
        self._nobody = f"$argon2id$v=19${cost}${salt}${digest}"

    async def hash(self, password: str) -> str:
        """The argon2id hash to store. Raises BusyError where too many wait."""
        async with self._turns.turn("hash", first=True):
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str, *, lane: Hashable = "", first: bool = False) -> bool:
        """Whether the password is the stored one's. None, an unknown user, takes as long and is never right.

        `lane`, `first`: with whom it waits for its turn (`people.login.turns`). Raises BusyError where too many do.
        """
        async with self._turns.turn(lane, first=first):
            right = await asyncio.to_thread(self._matches, self._nobody if stored is None else stored, password)
        return right and stored is not None

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
