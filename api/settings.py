"""What the API's answers depend on. Only `steth` reads settings from outside and fills this in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from api.http.forwarded import Network
from api.http.page import BUILT
from catalog.model import Lang

Clock = Callable[[], datetime]
"""The time now, with its zone (UTC). Passed in, so that tests and rehearsals can set it."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`mqtt_url`: where an enrolled agent reports to (`mqtt[s]://host:port`). `mqtt_user`: whose password the broker
    wants there; empty where it goes by certificates. `public_url`: where the API is reached; empty: where it was asked.
    `heartbeat_s`: seconds between an agent's heartbeats. `language`: of texts for a reader who asks for none.
    `console`: the folder of the built page. `login_lasts`, `code_lasts`: how long a login's token or session and a
    device's one-time code are good. `proxies`: addresses whose word of who asks, and whether by https, is taken."""

    mqtt_url: str
    mqtt_user: str = ""
    public_url: str = ""
    heartbeat_s: float = 15.0
    language: Lang = "zh"
    console: Path = BUILT
    login_lasts: timedelta = timedelta(hours=12)
    code_lasts: timedelta = timedelta(days=7)
    proxies: Sequence[Network] = ()
