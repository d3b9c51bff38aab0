"""Every port of a room has a suite here that runs over every class that can stand behind it, fakes included.

A suite says `PORT`, the protocol's dotted name; `BEHIND`, by dotted name how to make each implementation; and
`WITHOUT`, why another that has the same members is left out.
"""

from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

from tests.contract.ports import Class, classes, ports

SUITES: Final = {
    suite.PORT: suite
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    if path != Path(__file__) and hasattr(suite := import_module(f"tests.contract.{path.stem}"), "PORT")
}
INSIDE: Final = {
    "agent.adapters.dicom.association.Host": "an association's callbacks to its server, both in one folder",
    "agent.adapters.dicom.walk.Visitor": "a walk's callbacks: what a reader makes of an element is all that it is for",
    "catalog.pattern.Match": "how RE2's matches are typed, which come without types",
    "catalog.pattern.Pattern": "as above, its patterns",
    "sim.course.State": "the fields that two states of the simulation share",
}
"""Protocols that are no port between rooms, and why."""


def test_every_port_has_a_suite() -> None:
    assert {port.name for port in ports()} == {*SUITES, *INSIDE}


@pytest.mark.parametrize("port", [port for port in ports() if port.name in SUITES], ids=lambda port: port.name)
def test_a_suite_leaves_nobody_out(port: Class) -> None:
    suite = SUITES[port.name]
    can = {one.name for one in classes() if one.can_be(port) and "Protocol" not in one.bases}
    assert {*suite.BEHIND, *getattr(suite, "WITHOUT", {})} == can
