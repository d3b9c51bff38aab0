"""What can be wrong with the store, as one error with a stable code."""

from enum import StrEnum
from traceback import walk_tb


class StoreErrorCode(StrEnum):
    """What kind of trouble it is. `steth doctor` and the exit message show it: add, never rename."""

    IN_USE = "in_use"
    NOT_OURS = "not_ours"
    FOLDER_CLOSED = "folder_closed"
    FOLDER_READ_ONLY = "folder_read_only"
    DISK_FULL = "disk_full"
    PORT_IN_USE = "port_in_use"
    DATA_VERSION = "data_version"
    PASSWORD_LOST = "password_lost"  # noqa: S105 - a code, no secret
    ACCOUNT = "account"
    BINARIES = "binaries"
    START = "start"
    STATEMENTS = "statements"
    ROLE = "role"
    CONNECTION = "connection"
    MIGRATION = "migration"
    SCHEMA_CHANGED = "schema_changed"
    SCHEMA_TOO_NEW = "schema_too_new"
    EDITION = "edition"
    PIECES = "pieces"


def one_line(error: Exception) -> str:
    """The whole message of an error of psycopg's, hints included, on one line."""
    return " ".join(str(error).split())


def first_line(error: BaseException) -> str:
    """What went wrong, without the details, which may quote what was stored; the kind of an error that says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def kind_of(error: BaseException) -> str:
    """Errors of one type and code that are raised at one place are of one kind: said once in a log."""
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    return f"{type(error).__qualname__} {getattr(error, 'sqlstate', '')} {frames[-1] if frames else ''}"


class StoreError(Exception):
    """The store can't be used as asked. The message is one line that says what to do where something can be done."""

    def __init__(self, code: StoreErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class SchemaTooNew(StoreError):
    """The database was migrated by a later version of the code than this one."""

    def __init__(self, *, database: int, code: int) -> None:
        super().__init__(
            StoreErrorCode.SCHEMA_TOO_NEW,
            f"the database is at schema version {database} and this version of steth knows only {code}: upgrade steth",
        )
        self.database_version = database
        self.code_version = code
