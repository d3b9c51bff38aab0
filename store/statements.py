"""The statements of this room."""

from typing import Final

from store.sql import Queries, queries_beside

QUERIES: Final[Queries] = queries_beside(__file__)
