"""Which times a batch's readings touch: inserted in its own transaction, for the roll-ups to be made
(``store.rollup``).

As few rows as can be: what is about now is one range of all devices. What is older or ahead is said device by device,
in runs of minutes, so that little is made again for it.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

AROUND_MS: Final = 120_000
"""What lies so near to the server's clock is said for all devices at once. ``store.rollup`` closes a minute later."""
_MINUTE_MS: Final = 60_000
_MINUTE_BITS: Final = 32


class Touched(NamedTuple):
    """Columns: device id (None: all), and a range in seconds since 1970, of whole minutes, its end not included."""

    devices: list[int | None]
    lo: list[int]
    hi: list[int]


def touched(device: NDArray[np.int32], ms: NDArray[np.int64], *, now_ms: int) -> Touched:
    """The ranges of these readings; device and time (ms since 1970) are columns of one length. Empty for none."""
    said = Touched([], [], [])
    if not len(ms):
        return said
    first, last = int(ms.min()), int(ms.max())
    if first < now_ms - AROUND_MS or last > now_ms + AROUND_MS:
        near = (ms >= now_ms - AROUND_MS) & (ms <= now_ms + AROUND_MS)
        _runs(device[~near], ms[~near], said)
        if not near.any():
            return said
        first, last = int(ms[near].min()), int(ms[near].max())
    said.devices.append(None)
    said.lo.append(first // _MINUTE_MS * 60)
    said.hi.append((last // _MINUTE_MS + 1) * 60)
    return said


def _runs(device: NDArray[np.int32], ms: NDArray[np.int64], said: Touched) -> None:
    """Each run of minutes of a device that follow one another."""
    minutes = np.unique((device.astype(np.int64) << _MINUTE_BITS) + ms // _MINUTE_MS)
    begins = np.flatnonzero(np.diff(minutes, prepend=minutes[0] - 2) != 1)
    ends = np.append(begins[1:], len(minutes)) - 1
    mask = (1 << _MINUTE_BITS) - 1
    said.devices.extend((minutes[begins] >> _MINUTE_BITS).tolist())
    said.lo.extend(((minutes[begins] & mask) * 60).tolist())
    said.hi.extend((((minutes[ends] & mask) + 1) * 60).tolist())
