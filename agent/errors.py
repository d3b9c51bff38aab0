"""The errors of this room, one base."""

from pathlib import Path
from traceback import extract_tb


class AgentError(Exception):
    """Something the agent can't do; the text is one line for the person who runs it."""


class ConfigError(AgentError):
    """A configuration that can't be used: ``file:line: key: what is wrong; what to do``.

    ``place``: the key, as in ``("device", 0, "model")``, where whoever raises it doesn't know the file;
    ``agent.config.file.located`` adds file and line then.
    """

    def __init__(self, text: str, *, place: tuple[str | int, ...] = ()) -> None:
        super().__init__(text)
        self.place = place


class OutboxError(AgentError):
    """What was handed in is not kept: the equipment must not be acknowledged and will send again."""


class OutboxFull(OutboxError):
    """The live lane holds as many distinct items as the configuration allows (delivery 2)."""


class OutboxFailed(OutboxError):
    """The disk is full or failing; the text is the system's own."""


class DamagedReport(OutboxError):
    """A report on the disk isn't what was entered. ``seq``: its number."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"report {seq} is damaged")
        self.seq = seq


class OutboxClosed(OutboxError):
    """The agent is stopping."""


class NoRoom(AgentError):
    """The disk is so full that the agent can't even begin: worth another try."""


class AdapterError(AgentError):
    """Bytes of the equipment that can't be read. ``reason`` is a stable word for counters, such as ``not-dicom``; the
    text says what is wrong and what to do about it, and quotes nothing of the input: it may name a patient."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def described(error: BaseException) -> str:
    """The kind of an unexpected error and where it arose, without its text: that may quote a patient's data."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = extract_tb(error.__traceback__)
    where = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
