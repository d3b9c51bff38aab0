"""A device as it is registered: where and what it is, its one-time code, and what its agent is started with."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
)

from api.devices.shapes import Status
from api.http.shapes import Given, Id, Key, Label, OptionalLabel, Shape, example
from people.udi import checked_udi

Source = Literal["dicom", "folder", "astm", "hl7"]
"""What the agent reads equipment by. Its workstation and logs come beside it."""
Beside = Literal["ca.crt", "device.crt", "device.key", "mqtt-password"]


class SiteById(Given):
    """A site that is there."""

    model_config = example(id=1)

    id: Id


class SiteByName(Given):
    """A site by its names; what is not there yet is made."""

    model_config = example(hospital="第一人民医院", site="放射科")

    hospital: Label
    site: Label


def _how(given: object) -> str:
    return "id" if isinstance(given, SiteById) or (isinstance(given, dict) and "id" in given) else "names"


SiteGiven = Annotated[
    Annotated[SiteById, Tag("id")] | Annotated[SiteByName, Tag("names")], Field(discriminator=Discriminator(_how))
]


def _day(value: object) -> object:
    """JSON knows no dates: a text of the calendar's form."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("is no day: write it as 2021-03-15") from None
    return value


Day = Annotated[
    date,
    BeforeValidator(_day),
    Field(ge=date(1950, 1, 1), le=date(2199, 12, 31)),
    WithJsonSchema({"type": "string", "format": "date"}),
]
Udi = Annotated[OptionalLabel, AfterValidator(checked_udi)]


class Register(Given):
    """What a hospital's register has of a device."""

    department: OptionalLabel = ""
    serial: OptionalLabel = ""
    asset_number: OptionalLabel = ""
    registration_number: OptionalLabel = ""
    udi: Udi = ""
    made_on: Day | None = None
    in_use_since: Day | None = None
    use_until: Day | None = None


class NewDevice(Register):
    """A device to be watched."""

    model_config = example(
        name="DR 1",
        model="generic-dr",
        site={"hospital": "第一人民医院", "site": "放射科"},
        department="放射科",
        serial="SN-0042",
    )

    name: Label
    model: Key
    site: SiteGiven
    dealer: Annotated[
        Id | None, Field(description="For the operator's staff, where there are several; a dealer's is its own.")
    ] = None
    sources: Annotated[
        list[Source],
        Field(
            default_factory=list,
            max_length=4,
            description="What its agent reads it by; none: what its model usually is.",
        ),
    ]


_SETUP: Final[dict[str, Any]] = {
    "file": "steth-d3k9m2q7x1z5a.toml",
    "text": '[agent]\nstate = "state"\n…',
    "linux": "chmod 600 steth-d3k9m2q7x1z5a.toml\nsteth-agent show steth-d3k9m2q7x1z5a.toml\n…",
    "windows": "icacls steth-d3k9m2q7x1z5a.toml …",
    "beside": ["ca.crt", "device.crt", "device.key"],
}


class Setup(Shape):
    """What the device's agent is started with."""

    file: Annotated[str, Field(description="A name for the configuration file.")]
    text: Annotated[str, Field(description="The whole file (TOML). It holds the code: it is for the agent alone.")]
    linux: Annotated[str, Field(description="Commands, in the file's folder.")]
    windows: Annotated[str, Field(description="The same for PowerShell.")]
    beside: Annotated[
        list[Beside],
        Field(description="Files that must lie beside it: of `steth certs device`, or the broker's password."),
    ]


class CodeMade(Shape):
    """A one-time code for the agent. It is shown here once and kept as a hash."""

    model_config = example(code="K7QF-2M9D-XH4T", expires_at="2026-11-29T04:00:00Z", setup=_SETUP)

    code: str
    expires_at: datetime
    setup: Setup


class DeviceMade(CodeMade):
    """A minted device."""

    model_config = example(
        id="d3k9m2q7x1z5a",
        code="K7QF-2M9D-XH4T",
        expires_at="2026-11-29T04:00:00Z",
        setup=_SETUP,
        site=1,
        hospital=1,
    )

    id: str
    site: int
    hospital: int


class DeviceChange(Register):
    """What to change; what is left out stays."""

    model_config = example(name="DR 1 (Room 3)")

    name: Label | None = None
    status: Annotated[
        Status | None, Field(description="retired: it is watched no longer, its open tickets stay for a person.")
    ] = None
    reason: Annotated[Label | None, Field(description="Why it is retired: needed for that.")] = None


class Move(Given):
    """Where a device is moved to."""

    model_config = example(site={"hospital": "第一人民医院", "site": "急诊放射"}, reason="新楼启用")

    site: SiteGiven
    reason: Label


class Moved(Shape):
    """A device that was moved."""

    model_config = example(id="d3k9m2q7x1z5a", site=2, hospital=1, code=None)

    id: Annotated[str, Field(description="Its own, or at another hospital the new device's.")]
    site: int
    hospital: int
    code: Annotated[CodeMade | None, Field(description="At another hospital its agent enrols anew by this.")]


Code = Annotated[str, StringConstraints(min_length=12, max_length=20, pattern=r"^[0-9A-Za-z -]+$")]


class Enrol(Given):
    """The one-time code of a device."""

    model_config = example(code="K7QF-2M9D-XH4T")

    code: Code


class Enrolled(Shape):
    """What an agent needs to report."""

    model_config = example(device="d3k9m2q7x1z5a", mqtt="mqtts://steth.example:8883", heartbeat_s=15.0)

    device: str
    mqtt: str
    heartbeat_s: float
