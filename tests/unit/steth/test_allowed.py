"""The gate of the server: whatever a maker's client writes into any place of the contract, no patient is kept."""

from collections import Counter
from typing import Final, NamedTuple

import msgspec
import pytest

from alerts.effects import Episode, EpisodeActive, EpisodeAgain, EpisodeChanged, EpisodeOpened
from alerts.engine import AlertEngine
from catalog.load import load
from catalog.model import UNKNOWN_CODE
from ingest.fit import Fit
from ingest.metrics import MetricIds
from ingest.ports import Applied, Device, Now, Presence
from ingest.read import read
from steth.allowed import AllowList
from tests.fixtures.wire_canaries import AT, BASES, COMMAND, FLOATS, NAMES, NUMBERS, Path, body, heard, places, planted
from wire.codec import JSON, encode_report
from wire.ids import mint_device_id
from wire.items import (
    BAD,
    GOOD,
    Birth,
    Fault,
    Heartbeat,
    Inventory,
    Item,
    Readings,
    Refusal,
    Reply,
    StepResult,
    Verdict,
)
from wire.report import Report
from wire.salvage import Flaws
from wire.topics import Lane, up

CATALOG: Final = load()
ALLOWED: Final = AllowList(CATALOG)
UID: Final = mint_device_id()
TEXTS: Final = places()
FREE_NUMBERS: Final = [
    ("readings", ("value", "[]")), ("fault", ("params", "{}")), ("reply", ("verdict", "steps", "[]", "values", "{}")),
]  # fmt: skip
"""Those that no bound of the contract and no meaning of our own makes a counter or a time."""


def device(model: str = "generic-dr") -> Device:
    return Device(id=1, uid=UID, org_id=1, site_id=1, partition=1, model=model, name="DR")


class Fitted(NamedTuple):
    report: Report | None
    flaws: Flaws | None
    refused: Counter[str] | None


def fit(report: bytes, *, of: str = "generic-dr") -> Fitted:
    found = read(up(UID, Lane.LIVE), report, JSON, [])
    if found.report is None:
        return Fitted(None, found.flaws, None)
    kept, flaws, refused = Fit(allowed=ALLOWED, ids=MetricIds()).fit(device(of), found.report, 0)
    return Fitted(kept, flaws or found.flaws, refused)


def admit(item: Item, *, of: str = "generic-dr") -> tuple[Item | None, dict[str, int]]:
    refused: Counter[str] = Counter()
    kept = ALLOWED.admit(of, item, refused)
    return kept, dict(refused)


def words(fitted: Fitted) -> str:
    """Everything that is left to be stored, logged or told."""
    kept = "" if fitted.report is None else msgspec.json.encode(fitted.report).decode()
    flaws = "" if fitted.flaws is None else str(fitted.flaws.whole())
    return f"{kept} {flaws} {dict(fitted.refused or {})}"


def test_every_kind_of_item_and_every_text_of_the_contract_is_looked_into() -> None:
    assert {kind for kind, _ in places()} == set(BASES) - {"clock", "dropped"}, "those two hold numbers of ours alone"
    assert len(TEXTS) == 24, "a new text of the contract needs its rule in the gate: then count it here"
    numbers = set(places(free=msgspec.inspect.FloatType))
    ours = {("birth", ("interval_s",)), ("heartbeat", ("uptime_s",))}
    assert numbers == set(FREE_NUMBERS) | ours, "a new number needs its rule in the gate"


@pytest.mark.parametrize("kind", BASES)
def test_what_is_good_passes_untouched(kind: str) -> None:
    report = body({"t": kind, **BASES[kind]})
    fitted = fit(report)
    assert fitted.report is not None
    assert (fitted.flaws, fitted.refused) == (None, None)
    assert encode_report(fitted.report) == encode_report(msgspec.json.decode(report, type=Report))


@pytest.mark.parametrize("model", ["generic-dr", "generic-analyzer", "nobody-s"])
@pytest.mark.parametrize(("kind", "path"), TEXTS, ids=[f"{kind}.{'.'.join(path)}" for kind, path in TEXTS])
def test_no_name_and_no_number_of_a_person_is_left_of_a_text(kind: str, path: Path, model: str) -> None:
    for canary in (*NAMES, *NUMBERS):
        fitted = fit(body(planted(kind, path, canary)), of=model)
        assert heard(words(fitted)) == [], canary
        assert fitted.refused or fitted.flaws, "and it is counted"


@pytest.mark.parametrize(("kind", "path"), FREE_NUMBERS, ids=[kind for kind, _ in FREE_NUMBERS])
@pytest.mark.parametrize("number", FLOATS)
def test_no_number_of_a_person_is_left_of_a_number(kind: str, path: Path, number: float) -> None:
    fitted = fit(body(planted(kind, path, number)))
    assert heard(words(fitted)) == []
    assert fitted.refused


class TestReadings:
    def test_names_units_and_numbers(self) -> None:
        item = Readings(
            at=AT,
            metric=["tube.voltage"] * 6 + ["patient.age"],
            unit=["kV", "", "V", "zhang", "kV", "V", "a"],
            value=[80, 900, 80_000, 1, 1e9, 1e9, 44],
        )
        fitted = fit(encode_report(Report(at=AT, items=[item])))
        assert fitted.report is not None
        assert fitted.report.items == [
            Readings(
                at=AT,
                metric=["tube.voltage"] * 3,
                unit=["kV", "", "V"],
                value=[80, 900, 80_000],
                quality=[GOOD, BAD, GOOD],
            )
        ]
        assert fitted.refused == {"unknown-metric": 1, "unknown-unit": 1, "out-of-range": 2}

    def test_a_large_number_that_its_signal_can_have_is_kept(self) -> None:
        item = Readings(at=AT, metric=["host.disk_free"], value=[2e12])
        fitted = fit(encode_report(Report(at=AT, items=[item])))
        assert fitted.report is not None
        assert fitted.report.items == [item]

    @pytest.mark.parametrize(
        ("metric", "unit", "kept"),
        [
            ("exposure.mas", "mA.s", "mAs"), ("detector.temperature", "°C", "Cel"),
            ("detector.temperature", "℃", "Cel"),
            ("exposure.dap", "dGy·cm²", "dGy.cm2"), ("tube.voltage", "ml", "mL"), ("tube.voltage", "μA", "uA"),
        ],
    )  # fmt: skip
    def test_a_unit_spelled_otherwise_is_the_same_unit(self, metric: str, unit: str, kept: str) -> None:
        ids, item = MetricIds(), Readings(at=AT, metric=[metric, metric], unit=[unit, "kV"], value=[20, 1e5])
        gate = Fit(allowed=ALLOWED, ids=ids)
        for _ in range(2):  # nothing is remembered that would let the spelling pass as it is
            report, flaws, refused = gate.fit(device(), Report(at=AT, items=[item]), 0)
            assert report is not None
            assert isinstance(report.items[0], Readings)
            assert report.items[0].unit == [kept, "kV"]
            assert (flaws, refused) == (None, None)


def of_equipment(field: str, text: str, *, model: str = "generic-dr") -> bool:
    item = Inventory(at=AT, fields={field: text})
    kept, refused = admit(item, of=model)
    assert refused in [{}, {"malformed-field": 1}]
    assert "Zhang" not in str(kept)
    return kept == item


class TestInventory:
    @pytest.mark.parametrize(
        "version",
        [
            "syngo VD10B", "syngo.plus VB42A", "V5.10_HF1", "Rev. B", "REV A", "Ver.A", "Release 4.2 SP1",
            "DRX-1.9 Build 55", "AU5800 Ver 7.01", "dm_Platform_release_superbee-FW23.1-SB", "4.0.3.B8.P6",
            "AWS:1.7.2.44;M35:1.5.2.0;GIP2D:3.13.0-4.13.5", "5.2.1;FPD 2.8.0", "V1.00 (2019/03/01)",
            "SW: 3.1 [Build 77]", "12.0.1 R2 Service Pack 3", "1.0, 2.0", "1.0 b", "Fluorospot Compact VF10",
            "5.2 & 3.1",
        ],
    )  # fmt: skip
    def test_software_as_equipment_spells_it(self, version: str) -> None:
        assert of_equipment("device.software", version)

    def test_a_model_s_own_name_may_stand_in_its_version(self) -> None:
        assert of_equipment("device.software", "Indiko 6.1", model="indiko")
        assert not of_equipment("device.software", "Indiko 6.1")

    @pytest.mark.parametrize(
        "version",
        [
            "1.0 Zhang San", "4.2 Zhang", "syngo Zhang", "Rev. Zhang", "1.0;Zhang", "1.0, Zhang", "V 1.0 of Zhang",
            "Z S", "(Zhang) 1.0", '1.0 "Zhang"', "1.0 110101199003074233", "V110101199003074233",
            "1.0 110101-19900307-4233",
        ],
    )  # fmt: skip
    def test_no_person_s_name_behind_a_version(self, version: str) -> None:
        assert not of_equipment("device.software", version)

    def test_one_odd_version_does_not_take_the_others_along(self) -> None:
        kept, refused = admit(Inventory(at=AT, fields={"device.software": "VB20;Zhang San;FPD 2.8"}))
        assert kept == Inventory(at=AT, fields={"device.software": "VB20;FPD 2.8"})
        assert refused == {"malformed-field": 1}

    @pytest.mark.parametrize(
        ("serial", "good"),
        [
            ("SN074638", True), ("UA1234-6", True), ("S/N 00012345abc", True), ("No. 7", True), ("SN Zhang", False),
            ("SN 12 Zhang", False), ("Zhang 12", False), ("ZhangNo 12", False),
            ("X110101199003074233", False), ("110101199003074233-1", False),
            ("110101-19900307-423X", False), ("153430100419", True), ("7664565786545", True), ("3456116616", True),
        ],
    )  # fmt: skip
    def test_serial_numbers(self, serial: str, good: bool) -> None:
        assert of_equipment("device.serial", serial) is good

    @pytest.mark.parametrize(
        "at", ["2026-11-22", "2026-11-22T07:00:00+08:00", "2026-11-22T07:00:00Z", "2026-11-22T07:00:00.5Z"]
    )
    def test_times_as_iso_8601_spells_them(self, at: str) -> None:
        assert of_equipment("device.calibrated_at", at)


class TestFaults:
    def test_an_unknown_code_is_heard_without_its_text(self) -> None:
        said = Fault(at=AT, code="ZHANG-SAN", state="active", source="hl7", count=3, first=AT - 9, last=AT)
        heard_, refused = admit(said)
        assert heard_ == Fault(at=AT, code=UNKNOWN_CODE, state="event", source="hl7", count=3, first=AT - 9, last=AT)
        assert refused == {"unknown-code": 1}

    def test_the_end_of_one_unknown_code_does_not_end_another(self) -> None:
        assert admit(Fault(at=AT, code="ZHANG-SAN", state="cleared")) == (None, {"unknown-code": 1})

    def test_an_analyzer_s_number_of_a_raw_code_is_kept(self) -> None:
        said = Fault(at=AT, code=UNKNOWN_CODE, state="event", params={"code": 4711.0})
        assert admit(said, of="generic-analyzer") == (said, {})

    @pytest.mark.parametrize("model", ["generic-dr", "generic-analyzer", "nobody-s"])
    def test_an_unknown_code_opens_an_episode_and_what_says_that_one_is_over_ends_none(self, model: str) -> None:
        engine, of = AlertEngine(models=CATALOG.models), device(model)
        state, opened = engine.fresh(of, Lane.LIVE), []
        for number, fault in enumerate(
            [
                Fault(at=AT, code="ZHANG-SAN", state="active"),
                Fault(at=AT + 1, code="LI-SI", state="active"),
                Fault(at=AT + 2, code="ZHANG-SAN", state="cleared"),
            ]
        ):
            report = fit(encode_report(Report(at=AT + number, items=[fault])), of=model).report
            assert report is not None
            one = Applied(report=report, numbers=None, received_ms=AT + number, offset_ms=0, caught_up=True)
            now = Now(wall_ms=AT + number, clock_ms=number)
            state, effects = engine.step(of, Lane.LIVE, state, Presence(seen_ms=AT), [one] if report.items else [], now)
            opened += effects
        rules = [(type(each), each.rule) for each in opened if isinstance(each, Episode)]
        assert rules == [(kind, f"fault:{UNKNOWN_CODE}") for kind in (EpisodeOpened, EpisodeActive, EpisodeAgain)]
        assert not any(isinstance(each, EpisodeChanged) and each.to_state == "ok" for each in opened)


class TestOwnWords:
    def test_a_later_agent_s_words_become_other_words(self) -> None:
        told = [
            Refusal(source="modbus", reason="unknown-code", count=2, since=AT, last=AT, form="AA-99"),
            Refusal(source="astm", reason="word-of-a-later-agent", count=1, since=AT, last=AT),
            Refusal(source="astm", reason="malformed:zhang", count=1, since=AT, last=AT),
            Refusal(source="server", reason="malformed:time", count=1, since=AT, last=AT),
            Refusal(kind="untold", source="astm", reason="patient-results", count=1, since=AT, last=AT),
        ]
        kept, refused = admit(Heartbeat(at=AT, refusals=told))
        assert isinstance(kept, Heartbeat)
        assert [(each.source, each.reason) for each in kept.refusals or ()] == [
            ("other", "unknown-code"), ("astm", "other"), ("astm", "malformed"), ("other", "malformed:time"),
            ("astm", "patient-results"),
        ]  # fmt: skip
        assert refused == {"unknown-word": 4}

    @pytest.mark.parametrize("agent", ["steth-agent/0.1.0", "1.2", "steth-sim/2.0.1rc1", "v1.0.0-rc.1"])
    def test_versions_of_agents(self, agent: str) -> None:
        birth = Birth(at=AT, boot=1, agent=agent, model="indiko", interval_s=15)
        assert admit(birth) == (birth, {})

    def test_an_answer_that_is_not_ours_stays_an_answer(self) -> None:
        step = StepResult(
            id="disk", outcome="ok", reason="remote.zhang", values={"used": 5.0, "cpu": 1.0, "free": "li"}
        )
        verdict = Verdict(runbook="host-health", outcome="ok", began=AT, ended=AT, steps=[step])
        kept, refused = admit(Reply(at=AT, command=COMMAND, status="failed", reason="zhang", verdict=verdict))
        assert isinstance(kept, Reply)
        assert kept.reason is None
        assert kept.verdict is not None
        assert kept.verdict.steps == [
            StepResult(id="disk", outcome="ok", reason="remote.step.error", values={"used": 5.0})
        ]
        assert refused == {"unknown-word": 2, "unknown-parameter": 2}
