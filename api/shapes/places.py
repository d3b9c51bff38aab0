"""Sites of hospitals, and who is told."""

from typing import Annotated, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from api.shapes.base import Given, Label, Shape, example
from api.shapes.devices import NamedId
from catalog.model import Lang
from desk.telling.addresses import is_address

_NO_PLACE: Final = frozenset({"localtime", "Factory"})
"""Files beside the zones that name none: what they mean is a machine's own affair, and a browser knows neither."""


def _zone(name: str) -> str:
    if name in _NO_PLACE or name not in available_timezones():
        raise ValueError("is no time zone: give an IANA name, such as Asia/Shanghai")
    return name


def _address(address: SecretStr) -> SecretStr:
    if not is_address(address.get_secret_value()):
        raise ValueError(
            "is no address that can be told: give a chat robot's https address, or an apprise URL such as mailtos://…"
        )
    return address


TimeZone = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_+\-/]+$"), AfterValidator(_zone)]
Address = Annotated[SecretStr, Field(min_length=4, max_length=500), AfterValidator(_address)]


class Site(Shape):
    """A site of a hospital: where equipment stands."""

    model_config = example(id=1, name="放射科", hospital={"id": 1, "name": "第一人民医院"}, time_zone="Asia/Shanghai")

    id: int
    name: str
    hospital: NamedId
    time_zone: str


class NewSite(Given):
    """A new site; its hospital is made where there is none of this name yet."""

    model_config = example(hospital="第一人民医院", site="放射科", time_zone="Asia/Shanghai")

    hospital: Label
    site: Label
    time_zone: TimeZone = "Asia/Shanghai"


class Recipient(Shape):
    """Somebody who is told of tickets. The address is a secret: only its kind is ever shown."""

    model_config = example(
        id=1, name="NOC", hospital=None, address="mailtos://…", language="zh", active=True, version=1
    )

    id: int
    name: str
    hospital: Annotated[int | None, Field(description="Told of this hospital's tickets only; null: of all.")]
    address: str
    language: Lang
    active: bool
    version: int


class NewRecipient(Given):
    """Somebody to be told."""

    model_config = example(
        name="NOC", hospital=None, address="mailtos://noc:secret@example.com", language="zh", active=True
    )

    name: Label
    hospital: Annotated[int | None, Field(ge=1, le=2**31 - 1)] = None
    address: Annotated[Address, Field(description="An apprise URL: e-mail, webhook, DingTalk, WeCom, Feishu, SMS.")]
    language: Lang = "zh"
    active: bool = True


class RecipientChange(Given):
    """What to change; what is left out stays."""

    model_config = example(active=False)

    name: Label | None = None
    address: Address | None = None
    language: Lang | None = None
    active: bool | None = None
