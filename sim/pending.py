"""What waits at a DR to be sent. The times are what its clock showed."""

from datetime import datetime

from msgspec import Struct

from sim.events import Exposure, Reason, StepStatus


class Pending(Struct, frozen=True, kw_only=True, tag="image"):
    """An exposure whose image waits."""

    exposure: Exposure
    at: datetime
    calibrated_at: datetime


class Study(Struct, kw_only=True):
    """A patient's, of which all exposures are remembered until its end. ``instance``: the UID of its performed
    procedure step."""

    patient: int
    instance: str
    began: datetime
    exposures: list[Pending] = []


class StepPending(Struct, frozen=True, kw_only=True, tag="step"):
    """The creation of a performed procedure step, or its end."""

    study: Study
    at: datetime
    status: StepStatus
    reason: Reason | None = None


class ReportPending(Struct, frozen=True, kw_only=True, tag="report"):
    """The dose report of a study. ``number``: how often it was made; some equipment makes it anew when asked again."""

    study: Study
    at: datetime
    number: int = 1


Waiting = Pending | StepPending | ReportPending
