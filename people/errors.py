"""What can go wrong with people. Each says what; who calls says it in words of its own (`api.http.answers`)."""

from typing import Literal


class PeopleError(Exception):
    """Base of all."""


class BusyError(PeopleError):
    """Too many wait for the same slow work: try again in a moment."""


class TooManyFailuresError(PeopleError):
    """Too many passwords were wrong."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"wait {wait_s} s")
        self.wait_s = wait_s


class LoginRefusedError(PeopleError):
    """User or password is wrong, or the account was changed or disabled meanwhile: nobody is told which."""


class WrongPasswordError(PeopleError):
    """Who is signed in gave a wrong password. It is written in the audit log: the transaction must be committed."""


class LastKeeperError(PeopleError):
    """Without this one nobody of its organisation could make or change accounts any more."""


class AccountChangedError(PeopleError):
    """Somebody else changed the account since it was read."""


class OrgError(PeopleError):
    """An account of this role isn't for this organisation, or not this one's to make."""


class HospitalHiddenError(PeopleError):
    """There is a hospital of this name that the asker can't see: the operator brings the two together."""


class DealerTakenError(PeopleError):
    """There is an organisation of this name, or a dealer with this prefix. `taken`: name, prefix."""

    def __init__(self, taken: Literal["name", "prefix"]) -> None:
        super().__init__(taken)
        self.taken = taken


class ServiceError(PeopleError):
    """A change of dealer can't be as asked. `code`: past, same, unknown, too-far."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SiteTakenError(PeopleError):
    """The hospital has a site of this name."""


class DatesError(PeopleError):
    """A date of a device lies before one that comes earlier in its life."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class OrgTakenError(PeopleError):
    """There is an organisation of this name."""


class SharedPlaceError(PeopleError):
    """Another dealer works for the hospital too: only the operator changes what both call it."""
