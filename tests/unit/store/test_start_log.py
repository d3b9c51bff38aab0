"""Real last words of PostgreSQL 18 and of initdb, and what is made of them."""

from pathlib import Path

import pytest

from store.embedded_log import StartLog
from store.errors import StoreErrorCode

FOLDER = Path("/var/lib/steth/db")
TIME = "2026-11-22 04:26:14.362 UTC [16942] "


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            'initdb: error: could not create directory "/d/data.new/pg_wal": No space left on device',
            StoreErrorCode.DISK_FULL,
            "the disk is full",
        ),
        (
            f'{TIME}PANIC:  could not write to file "pg_wal/xlogtemp.41": No space left on device',
            StoreErrorCode.DISK_FULL,
            'the disk is full (could not write to file "pg_wal/xlogtemp.41": No space left on device)',
        ),
        (
            (
                f'{TIME}LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\n'
                f"{TIME}HINT:  Is another postmaster already running on port 5432?\n"
                f'{TIME}WARNING:  could not create listen socket for "127.0.0.1"\n'
                f"{TIME}FATAL:  could not create any TCP/IP sockets"
            ),
            StoreErrorCode.PORT_IN_USE,
            "the port is in use",
        ),
        (
            f'{TIME}FATAL:  could not open lock file "postmaster.pid": Read-only file system',
            StoreErrorCode.FOLDER_READ_ONLY,
            "the folder can't be written to",
        ),
        (
            (
                f"{TIME}LOG:  something before\n{TIME}FATAL:  database files are incompatible with server\n"
                f"{TIME}DETAIL:  The database cluster was initialized with ..."
            ),
            StoreErrorCode.START,
            f"PostgreSQL on {FOLDER}: database files are incompatible with server",
        ),
        ("", StoreErrorCode.START, "it ended without a word"),
    ],
)
def test_one_line_and_a_code(text: str, code: StoreErrorCode, message: str) -> None:
    error = StartLog.error_in(text, folder=FOLDER, what="PostgreSQL")
    assert error.code is code
    assert message in str(error)
    assert "\n" not in str(error)
    assert str(error).startswith(f"PostgreSQL on {FOLDER}: ")
