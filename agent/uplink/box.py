"""Which box this is: a random id, minted once and kept beside the outboxes, so that each birth can name it.

It goes with the folder of ``[agent] state``, as outboxes and identities do: it survives restarts and upgrades, two
agents on one machine have two, and a folder that is lost makes another box. It is bound to nothing of the machine: what
a clone of a disk doesn't copy (a network card, a board) is exchanged in repairs. A copied folder says the same id, as
it says the same devices, and that is noticed by their epochs. The id is a name and proves nothing.
"""

from pathlib import Path
from typing import Final

import structlog

from agent.errors import AgentError
from agent.uplink.files import keep, place
from wire.ids import BoxId, is_box_id, mint_box_id

_FILE: Final = "box"
_log: Final = structlog.get_logger(part="agent")


def kept_box(folder: Path) -> BoxId | None:
    """The id that is kept; None: there is none, or what stands there is no such id. Raises ``AgentError``."""
    path = folder / _FILE
    try:
        with path.open("rb") as file:
            text = file.read(64).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AgentError(f"{path}: can't be read: {error.strerror}") from None
    return BoxId(text) if is_box_id(text) else None


def box_of(folder: Path) -> BoxId | None:
    """The id that is kept, or a new one, on the disk when this returns. None: that can't be; births name no box then,
    until the next start."""
    try:
        box = kept_box(folder)
        if box is None:
            box = mint_box_id()
            keep(place(folder / _FILE, 64), folder / _FILE, box.encode())
    except (AgentError, OSError) as error:
        _log.warning("the box's id can't be kept", error=str(error))
        return None
    return box
