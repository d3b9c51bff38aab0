"""The version of the API."""

from typing import Final

VERSION: Final = "1"
