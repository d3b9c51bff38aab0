"""What can go wrong with people. Each says what; who calls says it in words of its own (`api.http.answers`)."""


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


class LastAdministratorError(PeopleError):
    """Without this one nobody could make or change an account any more."""


class AccountChangedError(PeopleError):
    """Somebody else changed the account since it was read."""


class SiteTakenError(PeopleError):
    """The hospital has a site of this name."""
