"""Organisations, the sites of hospitals, and whom to call there."""

from typing import Annotated, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StringConstraints

from api.http.shapes import Given, Id, Label, NamedId, OptionalLabel, Org, Shape, example
from people.contacts import Part

_NO_PLACE: Final = frozenset({"localtime", "Factory"})
"""Files beside the zones that name none: what they mean is a machine's own affair, and a browser knows neither."""


def _zone(name: str) -> str:
    if name in _NO_PLACE or name not in available_timezones():
        raise ValueError("is no time zone: give an IANA name, such as Asia/Shanghai")
    return name


TimeZone = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_+\-/]+$"), AfterValidator(_zone)]


_HOSPITAL: Final = {"id": 1, "name": "第一人民医院"}
Shared = Annotated[
    bool, Field(description="Another dealer works there too: only the operator's staff change what both call it.")
]
PlaceAddress = Annotated[OptionalLabel, Field(description="How to get there.")]


class Site(Shape):
    """A site of a hospital: where equipment stands."""

    model_config = example(
        id=1,
        name="放射科",
        hospital=_HOSPITAL,
        time_zone="Asia/Shanghai",
        address="人民路 1 号 3 号楼",
        shared=False,
        version=1,
    )

    id: int
    name: str
    hospital: NamedId
    time_zone: str
    address: Annotated[str, Field(description="How to get there; empty: nobody wrote it.")]
    shared: Shared
    version: int


class NewSite(Given):
    """A new site; its hospital is made where there is none of this name yet."""

    model_config = example(hospital="第一人民医院", site="放射科", time_zone="Asia/Shanghai")

    hospital: Label
    site: Label
    time_zone: TimeZone = "Asia/Shanghai"
    address: PlaceAddress = ""


class SiteChange(Given):
    """What to change; what is left out stays. Times of its equipment are told in the new zone from then on."""

    model_config = example(address="人民路 1 号 3 号楼")

    name: Label | None = None
    time_zone: TimeZone | None = None
    address: PlaceAddress | None = None


class Organisation(Org):
    """An organisation, as those see it who keep places."""

    model_config = example(**_HOSPITAL, kind="hospital", prefix=None, sites=2, shared=False, version=1)

    prefix: Annotated[str | None, Field(description="A dealer's: its tickets' numbers begin with it.")]
    sites: int
    shared: Shared
    version: int


class OrgChange(Given):
    """Another name."""

    model_config = example(name="第一人民医院（东院）")

    name: Label


Phone = Annotated[str, StringConstraints(min_length=3, max_length=40, pattern=r"^\+?[0-9][0-9 ()\-/#*,;x]*$")]


class Contact(Shape):
    """Somebody of a hospital's staff who may be called. Never a patient."""

    model_config = example(
        id=1,
        hospital=_HOSPITAL,
        site={"id": 1, "name": "放射科"},
        name="李娜",
        part="equipment",
        phone="010 5555 0100",
        hours="工作日 8:00–17:00",
        night=1,
        version=1,
    )

    id: int
    hospital: NamedId
    site: Annotated[NamedId | None, Field(description="null: of the whole hospital.")]
    name: str
    part: Annotated[Part, Field(description="科室, 设备科, 信息科, or other.")]
    phone: str
    hours: Annotated[str, Field(description="When to call, in words; empty: nothing is said.")]
    night: Annotated[int | None, Field(description="Who is called at night, 1 first; null: not at night.")]
    version: int


GivenPart = Literal["department", "equipment", "it", "other"]
Night = Annotated[int, Field(ge=1, le=9)]


class NewContact(Given):
    """Somebody to call."""

    model_config = example(hospital=1, site=None, name="李娜", part="equipment", phone="010 5555 0100", night=1)

    hospital: Annotated[Id | None, Field(description="Left out: one's own, for a hospital's people.")] = None
    site: Id | None = None
    name: Label
    part: GivenPart
    phone: Phone
    hours: OptionalLabel = ""
    night: Night | None = None


class ContactChange(Given):
    """What to change; what is left out stays, null takes `site` or `night` away."""

    model_config = example(phone="010 5555 0101")

    site: Id | None = None
    name: Label | None = None
    part: GivenPart | None = None
    phone: Phone | None = None
    hours: OptionalLabel | None = None
    night: Night | None = None


class Dealer(Shape):
    """A dealer: it serves devices of hospitals."""

    model_config = example(id=1, name="服务商", prefix="WX")

    id: int
    name: str
    prefix: Annotated[str, Field(description="Its tickets' numbers begin with it.")]


class NewDealer(Given):
    """A new dealer."""

    model_config = example(name="华东服务", prefix="HD")

    name: Label
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,6}$")]
