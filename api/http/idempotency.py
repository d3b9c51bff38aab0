"""A POST sent again with the same Idempotency-Key is answered again and done once.

The key belongs to an account (or, for enrolment, to nobody) and stands for one request: method, address and body. The
answer is written in the transaction of what was done, so there is never the one without the other. Answers may hold
secrets that are nowhere else (a new token, a one-time code): they are kept sealed under a key derived from the token or
code of the caller, which the database knows only as a hash. Nothing else is kept of the request: it may hold a
password, which a mere digest would let be guessed quickly.
"""

import base64
import hashlib
import json
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import Response
from psycopg.types.json import Jsonb

from api.http.problems import Problem, ProblemCode, invalid
from store.pool import Connection
from store.sql import queries_beside

_SQL: Final = queries_beside(__file__)

KEY_HEADER: Final = "idempotency-key"
REPLAYED: Final = "Idempotency-Replayed"
NOBODY: Final = 0
"""The principal of requests without a token; accounts count from 1."""
KEPT: Final = timedelta(hours=24)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}\Z")
_KEPT_HEADERS: Final = ("etag", "location", "content-language", "content-type")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One request with a key. `principal`: the account's id, 0 for nobody's. `by`: the token's, 0 for none.
    `secret`: seals the answer."""

    principal: int
    by: int
    key: str
    secret: str
    method: str
    target: str
    body: bytes

    def digest(self) -> bytes:
        """SHA-256 over what makes two requests the same."""
        head = json.dumps([self.method, self.target]).encode()
        return hashlib.sha256(head + b"\0" + self.body).digest()

    def seal(self, answer: bytes) -> str:
        """The answer, readable only with the secret."""
        nonce = os.urandom(12)
        return base64.b64encode(nonce + AESGCM(self._sealing()).encrypt(nonce, answer, self.digest())).decode()

    def unseal(self, sealed: str) -> bytes | None:
        """The answer, or None if it was sealed with another secret, or for another request."""
        packed = base64.b64decode(sealed)
        try:
            return AESGCM(self._sealing()).decrypt(packed[:12], packed[12:], self.digest())
        except InvalidTag:
            return None

    def _sealing(self) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"steth idempotency 1").derive(self.secret.encode())


def check_key(key: str | None) -> str | None:
    """The key of the header, if there is one. Raises Problem 422 if it is none."""
    if key is None or _KEY.match(key):
        return key
    raise invalid("header.idempotency-key", "Use 1 to 128 printable ASCII characters without spaces, such as a UUID.")


async def once(
    connection: Connection, attempt: Attempt, *, now: datetime, work: Callable[[], Awaitable[Response]]
) -> Response:
    """The answer of `work`, or the kept answer of an earlier attempt. Failures are not kept: nothing was done.

    Of two at the same time the second waits for the first one's commit (`lock_timeout` of the role).
    """
    where = {"principal": attempt.principal, "key": attempt.key}
    try:
        await _SQL.run(connection, "idempotency_lock", where)
    except psycopg.errors.LockNotAvailable:
        raise Problem(
            ProblemCode.BUSY,
            "A request with this Idempotency-Key is still being worked on: send it again in a moment.",
            where="header.idempotency-key",
            headers={"Retry-After": "1"},
        ) from None
    await _SQL.run(connection, "idempotency_expire", {**where, "before": now - KEPT})
    kept = await _SQL.one(connection, "idempotency_find", where)
    if kept is None:
        response = await work()
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        await _SQL.run(
            connection,
            "idempotency_keep",
            {
                **where,
                "status": response.status_code,
                "headers": Jsonb(headers),
                "answer": Jsonb({"sealed": attempt.seal(bytes(response.body)), "by": attempt.by}),
                "at": now,
            },
        )
        return response
    answer = attempt.unseal(kept["answer"]["sealed"])
    if answer is None and kept["answer"].get("by") != attempt.by:
        raise Problem(
            ProblemCode.CONFLICT,
            "A request with this Idempotency-Key was carried out, with another token, and its answer can be had only "
            "with that one.",
            where="header.idempotency-key",
        )
    if answer is None:
        raise Problem(
            ProblemCode.KEY_REUSED,
            "This Idempotency-Key was used for another request: take a new key for a new request.",
            where="header.idempotency-key",
        )
    return Response(answer, status_code=kept["status"], headers={**kept["headers"], REPLAYED: "true"})
