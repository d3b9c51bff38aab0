"""The statements of this folder."""

from typing import Final

from store.sql import Queries, queries_beside

QUERIES: Final[Queries] = queries_beside(__file__)
