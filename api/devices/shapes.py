"""Devices, what they measured and what happened to them."""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from api.http.examples import DEALER, HOSPITAL, SITE, TICKET_NUMBER
from api.http.shapes import Given, Id, Moment, NamedId, Shape, example
from api.http.signals import SignalSaid

Status = Literal["active", "retired"]


READING: Final[dict[str, Any]] = {
    "metric": "detector.temperature",
    "at": "2026-11-22T03:55:00.120000Z",
    "value": 42.6,
    "unit": "Cel",
    "quality": "good",
}
_EVENT: Final[dict[str, Any]] = {
    "id": 9127,
    "at": "2026-11-22T03:56:10.500000Z",
    "learned_at": "2026-11-22T03:56:10.730000Z",
    "kind": "fault",
    "body": {"t": "fault", "at": 1795319770500, "code": "DET-HOT", "state": "active", "source": "log"},
}
_DEVICE: Final[dict[str, Any]] = {
    "id": "d3k9m2q7x1z5a",
    "name": "DR 1",
    "model": "generic-dr",
    "model_name": "通用数字化 X 射线摄影系统",
    "hospital": HOSPITAL,
    "site": SITE,
    "dealer": DEALER,
    "department": "放射科",
    "serial": "SN-0042",
    "status": "active",
    "connected": {"value": True, "reason": "session", "text": "与平台保持连接", "age_s": 4.2},
    "fresh": {"value": True, "reason": "recent", "text": "数据是新的", "age_s": 4.2},
    "healthy": {"value": False, "reason": "alerts", "text": "有未消除的重要报警", "age_s": 229.5},
    "equipment_connected": True,
    "clock_offset_s": None,
    "last_seen": "2026-11-22T03:59:55.800000Z",
    "age_s": 4.2,
    "open_alerts": 1,
    "open_tickets": 1,
    "enrolled_at": "2026-11-20T02:00:00Z",
    "created_at": "2026-11-20T01:30:00Z",
    "version": 1,
}
_DEVICE_DETAIL: Final[dict[str, Any]] = {
    **_DEVICE,
    "latest": [
        {
            "metric": "detector.temperature",
            "name": "平板探测器温度",
            "value": 42.6,
            "text": "42.6 °C",
            "unit": "Cel",
            "symbol": "°C",
            "digits": 1,
            "states": [],
            "at": "2026-11-22T03:59:50Z",
            "age_s": 10.0,
            "quality": "good",
        }
    ],
    "foreign_units": [
        {
            "metric": "tube.voltage",
            "unit": "V",
            "expected": "kV",
            "at": "2026-11-22T03:59:50Z",
            "text": "管电压以 V 上报，目录中的单位是 kV：数值已保存，但不作判断；请在设备侧改用目录的单位",
        }
    ],
    "tickets": [TICKET_NUMBER],
    "inventory": {"serial": "SN-0042", "software": "4.2.1"},
    "heartbeat": {
        "agent": "0.1.0",
        "interval_s": 15.0,
        "boot": 3,
        "body": {"t": "heartbeat", "at": 1795319995800, "uptime_s": 86400.0, "live": 0, "bulk": 0},
    },
    "refusals": [
        {
            "kind": "refused",
            "source": "log",
            "source_text": "日志",
            "reason": "unknown-code",
            "text": "目录中没有这个代码",
            "lost": True,
            "count": 3,
            "since": "2026-11-22T02:10:04Z",
            "last": "2026-11-22T03:52:31Z",
            "form": "AAA-AAA-99",
        }
    ],
    "gaps": [
        {"lane": "live", "since": "2026-11-22T01:58:00Z", "until": "2026-11-22T03:10:22Z", "reports": 144},
    ],
    "box": {
        "id": "b7k2m9q4x1z8n",
        "first_seen": "2026-11-20T02:00:00Z",
        "last_seen": "2026-11-22T01:12:40Z",
        "devices": [{"id": "d8m2q7x1z5k9c", "name": "DR 2"}],
    },
    "clock_wrong_since": None,
    "asset_number": "2021-YX-0042",
    "registration_number": "国械注准20203060042",
    "udi": "(01)06901234567892(21)SN0042",
    "made_on": "2020-11-03",
    "in_use_since": "2021-03-15",
    "use_until": "2031-03-14",
    "retired_at": None,
    "retired_reason": "",
    "former": None,
    "later": None,
}


class Fact(Shape):
    """One of three facts that are never mixed. `value` null: unknown."""

    value: bool | None
    reason: Annotated[str, Field(description="Stable: branch on this.")]
    text: Annotated[str, Field(description="The reason in words.")]
    age_s: Annotated[float | None, Field(description="Seconds since what the reason names; null: unknown.")]


class Device(Shape):
    """A device and how it is."""

    model_config = example(**_DEVICE)

    id: str
    name: str
    model: str
    model_name: str
    hospital: NamedId
    site: NamedId
    dealer: Annotated[NamedId, Field(description="Who serves it now.")]
    department: str
    serial: str
    status: Status
    connected: Annotated[Fact, Field(description="Whether its session with the broker lives.")]
    fresh: Annotated[Fact, Field(description="Whether what is shown of it is recent.")]
    healthy: Annotated[Fact, Field(description="Whether nothing is wrong with it; unknown unless fresh.")]
    equipment_connected: Annotated[
        bool | None, Field(description="Whether its agent reaches the equipment itself; null: it can't tell.")
    ]
    clock_offset_s: Annotated[
        float | None,
        Field(description="How far the clock of a client without numbers is behind, if below 0 ahead; null: unknown."),
    ]
    last_seen: datetime | None
    age_s: Annotated[float | None, Field(description="Seconds since `last_seen`.")]
    open_alerts: int
    open_tickets: int
    enrolled_at: datetime | None
    created_at: datetime
    version: int


class HowMany(Shape):
    """How many devices are how."""

    ill: int
    unknown: int
    well: int


class DeviceGroup(Shape):
    """Devices that have something in common."""

    key: Annotated[str, Field(description="The value of the list's filter that has the name of `by`.")]
    name: str
    place: Annotated[str, Field(description="Of a site its hospital; else empty.")]
    count: int
    how: HowMany


class DevicesCounted(Shape):
    """All that the list has with the same filters, not only a page of it."""

    model_config = example(
        total=12,
        how={"ill": 1, "unknown": 2, "well": 9},
        groups=[
            {
                "key": "3",
                "name": "放射科",
                "place": "第一人民医院",
                "count": 12,
                "how": {"ill": 1, "unknown": 2, "well": 9},
            }
        ],
        more=0,
    )

    total: int
    how: HowMany
    groups: Annotated[list[DeviceGroup], Field(description="By `by`, the ones with most to do first; at most 100.")]
    more: Annotated[int, Field(description="How many groups there are beyond those.")]


class Latest(SignalSaid):
    """The newest value of a signal, newest by the time it was measured."""

    metric: str
    value: float | None
    text: Annotated[str, Field(description="The value as it is read, with its unit or in words.")]
    unit: str
    at: datetime
    age_s: float
    quality: Literal["good", "uncertain", "bad"]


class ForeignUnit(Shape):
    """A signal of its model that it sends in another unit: kept as a metric of its own, and not judged."""

    metric: str
    unit: Annotated[str, Field(description="As it comes (UCUM).")]
    expected: Annotated[str, Field(description="The signal's unit (UCUM).")]
    at: datetime
    text: Annotated[str, Field(description="What is wrong and what to do, in words.")]


class Heartbeat(Shape):
    """What the agent last reported of itself."""

    agent: str
    interval_s: float
    boot: int
    body: dict[str, Any]


class Refusal(Shape):
    """Input of the equipment that was refused, or acknowledged without a fact in it: one source, one reason."""

    kind: Literal["refused", "untold"]
    source: Annotated[str, Field(description="What read it, such as `astm`.")]
    source_text: str
    reason: Annotated[
        str,
        Field(description="A stable word, and behind a colon what it was said of, such as `malformed:tube.voltage`."),
    ]
    text: Annotated[str, Field(description="The reason in words.")]
    lost: Annotated[bool, Field(description="Whether a fact of the equipment was lost by it.")]
    count: int
    since: datetime
    last: datetime
    form: Annotated[
        str, Field(description="What the last one looked like: `A`, `a`, `9` and `?` stand for its characters.")
    ]


class Gap(Shape):
    """Reports that will never arrive: what was in them is lost."""

    lane: Annotated[Literal["live", "bulk"], Field(description="live: faults and states; bulk: other readings.")]
    since: Annotated[datetime | None, Field(description="When the lane was last heard before; null: never.")]
    until: Annotated[datetime, Field(description="When it was heard again.")]
    reports: Annotated[int | None, Field(description="How many; null: nobody knows, the database was restored.")]


class UidName(Shape):
    """A device by its id and name."""

    id: str
    name: str


class Box(Shape):
    """What the device's agent runs on, as it names itself."""

    id: str
    first_seen: datetime
    last_seen: Annotated[datetime, Field(description="When the newest session began that named it.")]
    devices: Annotated[list[UidName], Field(description="Others that report from it, by name; at most 64.")]


class DeviceDetail(Device):
    """A device with its latest values."""

    model_config = example(**_DEVICE_DETAIL)

    latest: list[Latest]
    foreign_units: Annotated[
        list[ForeignUnit], Field(description="Signals whose newest value came in another unit than the catalog's.")
    ]
    tickets: Annotated[list[str], Field(description="Numbers of the open ones.")]
    inventory: dict[str, Any]
    heartbeat: Heartbeat | None
    refusals: Annotated[list[Refusal], Field(description="The last one first.")]
    gaps: Annotated[list[Gap], Field(description="The last one first, at most 20.")]
    box: Annotated[Box | None, Field(description="null: its agent names none.")]
    asset_number: Annotated[str, Field(description="The hospital's own (院内资产编号).")]
    registration_number: Annotated[str, Field(description="Of the authority (注册证号).")]
    udi: str
    made_on: date | None
    in_use_since: date | None
    use_until: Annotated[date | None, Field(description="The last day that it may be used (使用期限).")]
    retired_at: datetime | None
    retired_reason: str
    former: Annotated[UidName | None, Field(description="The same equipment at the hospital before, if it was moved.")]
    later: Annotated[UidName | None, Field(description="The same equipment at the hospital that it was moved to.")]
    clock_wrong_since: Annotated[datetime | None, Field(description="null: no alert says that its clock is wrong.")]


class ReadingShape(Shape):
    """One reading. It has no id of its own: device, metric and time name it."""

    model_config = example(**READING)

    metric: str
    at: datetime
    value: float | None
    unit: str
    quality: Literal["good", "uncertain", "bad"]


class Event(Shape):
    """Something that a device reported, other than a reading."""

    model_config = example(**_EVENT)

    id: int
    at: Annotated[datetime, Field(description="When it happened on the equipment.")]
    learned_at: Annotated[datetime, Field(description="When we learned of it.")]
    kind: str
    body: dict[str, Any]


class ServiceTime(Shape):
    """From when until when a dealer served a device."""

    dealer: NamedId
    since: datetime
    until: Annotated[datetime | None, Field(description="null: it serves it now.")]


class ServicePlanned(Shape):
    """A change of dealer that was asked for."""

    dealer: NamedId
    due_at: Annotated[datetime, Field(description="It is carried out within a minute of it.")]
    asked_by: str
    asked_at: datetime


class Service(Shape):
    """Who serves a device, since when."""

    model_config = example(
        history=[{"dealer": {"id": 1, "name": "服务商"}, "since": "2026-11-20T01:30:00Z", "until": None}],
        planned={
            "dealer": {"id": 7, "name": "华东服务"},
            "due_at": "2026-12-31T16:00:00Z",
            "asked_by": "li.na",
            "asked_at": "2026-11-22T04:00:00Z",
        },
    )

    history: Annotated[list[ServiceTime], Field(description="From oldest to newest; to a dealer its own times alone.")]
    planned: Annotated[ServicePlanned | None, Field(description="For the hospital and the operator to see.")]


class ServiceChange(Given):
    """Who is to serve a device."""

    model_config = example(dealer=7, at="2026-12-31T16:00:00Z")

    dealer: Id
    at: Annotated[Moment | None, Field(description="From then on, a year ahead at most; left out: from now on.")] = None
