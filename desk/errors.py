"""What can go wrong at the desk. The messages are one line and hold no secret of a recipient's address."""

from collections.abc import Sequence


class DeskError(Exception):
    """The desk can't do what was asked."""


class TicketNotFoundError(DeskError):
    """No such ticket, or not one that this organisation sees."""

    def __init__(self, ticket_id: int) -> None:
        super().__init__(f"there is no ticket {ticket_id}")


class TicketConflictError(DeskError):
    """Somebody else changed the ticket since it was read. `version`: as it is now."""

    def __init__(self, *, version: int) -> None:
        super().__init__(f"the ticket was changed meanwhile: it is at version {version} now")
        self.version = version


class TicketRefusedError(DeskError):
    """The ticket's status doesn't allow the action, or it isn't for this person. `code`: stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TicketLacksError(DeskError):
    """The action lacks what it needs. `lacking`: where and what, with paths of the request's body; never none."""

    def __init__(self, lacking: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{where}: {what}" for where, what in lacking))
        self.lacking = lacking


class NoReportError(DeskError):
    """A report can't be taken: the message says why and what to do."""
