"""The one error base of this room."""

from pathlib import Path


class CatalogError(Exception):
    """A catalog that can't be used. `line` and `column` count from 1 and are 0 where the place is unknown."""

    def __init__(self, *, file: Path, what: str, line: int = 0, column: int = 0) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.what = what
        where = f"{file}:{line}:{column}" if line else str(file)
        super().__init__(f"{where}: {what}")
