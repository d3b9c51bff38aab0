"""The staff of a simulated hospital's service: an engineer takes the tickets of its devices and repairs, and the desk
verifies, by the API.

It does what a person would who has nothing else to do: each step some time after the one before, and the last only when
the ticket's alerts are over. What others do with a ticket meanwhile goes before it.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

import httpx
from msgspec import Meta, Struct

_log = logging.getLogger(__name__)

Step = Literal["take", "arrive", "mend", "verify"]

_STEPS: Final[Mapping[str, tuple[Step, float, float]]] = {
    "new": ("take", 40, 100),
    "to-dispatch": ("take", 20, 60),
    "accepted": ("arrive", 45, 120),
    "on-site": ("mend", 45, 120),
    "to-verify": ("verify", 20, 60),
}
"""Of a ticket's status: what comes next, and between how many and how many seconds later. Parts that somebody ordered
are waited for as long as they take."""
_NOTES: Final[Mapping[Step, str]] = {
    "take": "",
    "arrive": "",
    "mend": "已检修并校准 repaired and calibrated",
    "verify": "试机正常 works as it should",
}
_EVERY_S: Final = 5.0
_PATIENCE_S: Final = 10.0


class StaffConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`api`: the server's address. `token`: of the engineer's account; `desk`: of the desk's, for nobody verifies his
    own repair. `devices`: the name in this hospital of each device that it serves, by the id that the server minted."""

    api: Annotated[str, Meta(pattern="^https?://")]
    token: str
    desk: str
    devices: dict[str, str]


def next_step(*, number: str, status: str, waited_s: float, lasting: int) -> Step | None:
    """What is to be done with a ticket that was in its status for so long, `lasting` of its alerts not over yet."""
    if status not in _STEPS:
        return None
    step, least, most = _STEPS[status]
    if waited_s < random.Random(f"{number}/{status}").uniform(least, most):
        return None
    return None if step == "verify" and lasting else step


def repair(choices: Mapping[str, Any]) -> dict[str, Any]:
    """The likeliest cause and part of a ticket's choices, put in and calibrated; where no part is likely, adjusted."""
    parts = [{"part": part["key"], "quantity": part["likely"]} for part in choices["parts"] if part["likely"]][:1]
    return {
        "cause": choices["causes"][0]["key"],
        "actions": ["replaced", "calibrated"] if parts else ["adjusted"],
        "parts": parts,
    }


class Staff:
    """`mend`: what ends whatever is wrong with a device, by its name in the hospital."""

    def __init__(self, *, config: StaffConfig, mend: Mapping[str, Callable[[], None]]) -> None:
        unknown = set(config.devices.values()) - set(mend)
        if unknown:
            raise ValueError(f"the staff is to serve {', '.join(sorted(unknown))}, which the hospital has not")
        self._config = config
        self._mend = mend
        self._since: dict[tuple[str, str], float] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`. A server that does not answer, or refuses, is asked again."""
        headers = {"Authorization": f"Bearer {self._config.token}"}
        with httpx.Client(
            base_url=f"{self._config.api}/api/v1", headers=headers, timeout=_PATIENCE_S, trust_env=False
        ) as client:
            while not stop.wait(_EVERY_S):
                try:
                    self.work(client, now_s=time.monotonic())
                except httpx.HTTPError as error:
                    _log.warning("the staff could not work: %s", error)

    def work(self, client: httpx.Client, *, now_s: float) -> None:
        """Look at each open ticket of the hospital, and take the steps that are due. Raises httpx.HTTPError."""
        mine = [ticket for ticket in _open(client) if ticket["device"]["id"] in self._config.devices]
        there = {(ticket["number"], ticket["status"]) for ticket in mine}
        self._since = {key: self._since.get(key, now_s) for key in there}
        for ticket in mine:
            number, status = ticket["number"], ticket["status"]
            waited_s = now_s - self._since[number, status]
            if next_step(number=number, status=status, waited_s=waited_s, lasting=0) is None:
                continue
            answer = client.get(f"/tickets/{number}")
            answer.raise_for_status()
            lasting = answer.json()["still_wrong"]
            step = next_step(number=number, status=status, waited_s=waited_s, lasting=lasting)
            if step is not None:
                self._take(client, ticket, step, answer.headers["ETag"])

    def _take(self, client: httpx.Client, ticket: dict[str, Any], step: Step, version: str) -> None:
        said: dict[str, Any] = {"event": step, "note": _NOTES[step]}
        if step == "mend":
            choices = client.get(f"/tickets/{ticket['number']}/choices")
            choices.raise_for_status()
            said["repair"] = repair(choices.json())
        headers = {"If-Match": version}
        if step == "verify":
            headers["Authorization"] = f"Bearer {self._config.desk}"
        answer = client.post(f"/tickets/{ticket['number']}/transition", headers=headers, json=said)
        if answer.status_code in {httpx.codes.CONFLICT, httpx.codes.PRECONDITION_FAILED}:
            return  # somebody else was quicker: looked at again in the next round
        answer.raise_for_status()
        if step == "mend":
            self._mend[self._config.devices[ticket["device"]["id"]]]()


def _open(client: httpx.Client) -> list[dict[str, Any]]:
    answer = client.get("/tickets", params={"state": "open", "limit": 200})
    answer.raise_for_status()
    items: list[dict[str, Any]] = answer.json()["items"]
    return items
