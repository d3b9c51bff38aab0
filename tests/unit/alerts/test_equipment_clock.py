"""The equipment's wrong clock, as the agent tells it, is an alert in both languages, and no ticket."""

from typing import Literal

import pytest
from msgspec.structs import replace

from agent.adapters.equipment_clock import CLOCK_CODE, Told, follow
from alerts.effects import EpisodeActive, EpisodeChanged, EpisodeOpened
from catalog.allowed import UNCERTAIN_TIME
from catalog.load import load
from catalog.messages import render
from tests.unit.alerts.device import DEVICE, Reporting, fault, ms, only, opened
from wire.codec import decode_report, encode_report
from wire.items import Fault
from wire.report import Report

CATALOG = load()


@pytest.mark.parametrize("key", ["generic-dr", "generic-analyzer"])
def test_from_the_agent_to_an_alert_and_its_end(key: str) -> None:
    device = Reporting(CATALOG.models[key], device=replace(DEVICE, model=key))
    told, wrong = follow(Told(), False, received=ms(1), source="log")
    assert wrong is not None
    found = device.report(1, wrong)
    [new] = only(EpisodeOpened, found)
    assert (new.rule, new.severity, new.condition, new.occurred_ms) == (f"fault:{CLOCK_CODE}", "minor", "active", ms(1))
    [active] = only(EpisodeActive, found)
    assert not active.ticket
    texts: dict[Literal["zh", "en"], str] = {
        "zh": "设备报告故障 SYS-CLK-01：设备时钟错误",
        "en": "The equipment reports fault SYS-CLK-01: The equipment's clock is wrong",
    }
    for lang, text in texts.items():
        assert render(new.message, new.params, lang, CATALOG, model=key) == text
    _, again = follow(told, False, received=ms(4000), source="log")
    assert again is not None
    assert opened(device.report(4000, again)) == []
    _, right = follow(told, True, received=ms(5000), source="log")
    assert right is not None
    [over] = only(EpisodeChanged, device.report(5000, right))
    assert (over.alert_id, over.to_state) == (new.alert_id, "ok")


def test_a_fault_whose_time_is_uncertain_is_judged_as_any_other() -> None:
    device = Reporting()
    said = replace(fault("E1", 1), params={UNCERTAIN_TIME: 1.0})
    assert opened(device.report(1, said)) == [("fault:E1", "active")]


def test_a_report_with_it_is_one_of_the_contract() -> None:
    said = Fault(at=ms(1), code="GEN-KV-01", state="active", params={UNCERTAIN_TIME: 1.0})
    report = Report(at=ms(1), items=[said])
    assert decode_report(encode_report(report)).items == [said]
