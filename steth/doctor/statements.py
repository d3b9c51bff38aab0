"""The statements of this folder."""

from pathlib import Path
from typing import Final

from store.sql import Queries, load_queries

QUERIES: Final[Queries] = load_queries(Path(__file__).parent / "queries.sql")
