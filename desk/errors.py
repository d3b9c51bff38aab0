"""What can go wrong at the desk. The messages are one line and hold no secret of a recipient's address."""


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
    """The ticket's status doesn't allow the action, or the action lacks what it needs. `code`: stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
