"""The simulated hospital's two sides fit: what its agent listens for is where its equipment sends."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from agent.config.file import load
from catalog.load import load as load_catalog
from sim.analyzer.device import AnalyzerConfig
from sim.dr import DrConfig
from sim.hospital import HospitalConfig
from steth.hospital import PATTERN, SORTS, Kind, Simulated, known_devices, write_agent_config, write_sim_config

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def device(kind: Kind, number: int, port: int) -> Simulated:
    return Simulated(name=f"{kind}-{number}", port=port, uid=f"d{port:012}", code="AAAA-BBBB", kind=kind)


FOUR = [device("dr", 1, 4001), device("astm", 1, 4002), device("dr", 2, 4003), device("hl7", 1, 4004)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hospital").mkdir()
    return tmp_path


def agent_config(folder: Path) -> Path:
    return write_agent_config(
        folder,
        FOUR,
        http="http://127.0.0.1:1",
        mqtt="mqtt://127.0.0.1:2",
        login=("steth", "secret"),
        health="127.0.0.1:3",
        now=NOW,
        heartbeat_s=5,
        catalog=None,
    )


def test_the_equipment_sends_where_its_agent_listens(folder: Path) -> None:
    devices = {one.name: one for one in load(agent_config(folder)).devices}
    hospital = msgspec.json.decode(
        write_sim_config(folder, FOUR, http="http://127.0.0.1:1", token="t", desk="k", catalog=None).read_bytes(),
        type=HospitalConfig,
    )
    assert set(devices) == {"dr-1", "astm-1", "dr-2", "hl7-1"}
    for dr in hospital.drs:
        dicom = devices[dr.name].dicom
        assert dicom is not None
        assert dicom.listen == f"127.0.0.1:{dr.port}"
        assert [log.path for log in devices[dr.name].log] == [str(folder / dr.log)]
    assert hospital.staff is not None
    assert set(hospital.staff.devices.values()) == set(devices)
    for analyzer in hospital.analyzers:
        found = devices[analyzer.name]
        line = found.astm if analyzer.protocol == "astm" else found.hl7
        assert line is not None
        assert line.listen == f"127.0.0.1:{analyzer.port}"
        logs = [(log.path, log.encoding) for log in found.log]
        assert logs == ([] if analyzer.log is None else [(str(folder / analyzer.log), analyzer.encoding)])
        assert found.model == analyzer.model
    lives: list[DrConfig | AnalyzerConfig] = [*hospital.drs, *hospital.analyzers]
    assert len({life.seed for life in lives}) == 4
    assert [dr.seed for dr in hospital.drs] == [1, 2], "as earlier versions had them: a DR keeps its serial number"
    assert all(life.faults for life in lives)


def test_half_of_the_devices_have_a_standing_policy(folder: Path) -> None:
    policies = {one.name: one.policy for one in load(agent_config(folder)).devices}
    assert [name for name, policy in policies.items() if policy is not None] == ["dr-1", "astm-1"]
    assert [policy.runbooks for policy in policies.values() if policy is not None] == [
        ("dr-check",),
        ("analyzer-check",),
    ]


def test_every_first_fault_opens_a_ticket_within_a_minute() -> None:
    models = load_catalog().models
    assert set(PATTERN) == set(SORTS)
    for sort in SORTS.values():
        model = models[sort.model]
        assert sort.runbook in model.runbooks
        for code, after_s, lasts_s in sort.faults:
            assert model.faults[code].ticket
            assert after_s <= 60
            assert lasts_s >= 60
    assert min(after_s for sort in SORTS.values() for _, after_s, _ in sort.faults) <= 15


def test_devices_of_the_version_that_knew_drs_only_are_drs(folder: Path) -> None:
    (folder / "hospital" / "devices.json").write_text('[{"name": "dr-1", "port": 1, "uid": "d1", "code": "A"}]')
    (known,) = known_devices(folder)
    assert known.kind == "dr"
