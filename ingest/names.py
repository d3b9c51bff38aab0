"""What one device has named its metrics."""

from typing import Final

Key = tuple[str, str]
"""name, unit ('' = as the catalog says)."""


class Names:
    """``bare``: without a unit, the signals of its model among them. ``keys``: as they come in reports that have a
    column of units. ``made``: how many aren't its model's signals."""

    __slots__ = ("bare", "device_id", "keys", "made", "model")

    def __init__(self, *, device_id: int, model: str, bare: set[str]) -> None:
        self.device_id: Final = device_id
        self.model: Final = model
        self.bare = bare
        self.keys: set[Key] = set()
        self.made = 0
