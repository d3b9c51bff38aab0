"""What can be wrong with a message, as typed errors with a stable code.

The code is stored with a dead letter and counted, so it never changes its meaning.
"""

from enum import StrEnum


class WireErrorCode(StrEnum):
    """Why a message can't be understood. Values are stored and shown: add, never rename."""

    TOPIC = "topic"
    VERSION = "version"
    ENCODING = "encoding"
    OVERSIZE = "oversize"
    SYNTAX = "syntax"
    SCHEMA = "schema"
    NUMBERS = "numbers"
    VALUE = "value"


class WireError(Exception):
    """A message that breaks the contract.

    ``code`` says what kind of break it is, ``where`` the place (a topic, a user property, a path such as
    ``$.items[2].value``) and ``detail`` what is wrong there. None of them quotes the message's content beyond
    names of the contract itself: what a device sends may be anything, a patient's name included.
    """

    def __init__(self, code: WireErrorCode, where: str, detail: str) -> None:
        super().__init__(f"{code.value}: {where}: {detail}")
        self.code = code
        self.where = where
        self.detail = detail
