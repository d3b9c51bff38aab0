import pytest

from catalog.model import Model
from sim.bodies import birth_body, calm, fault_body, reading_templates
from wire.codec import JSON, MSGPACK, decode_report
from wire.items import Birth, Fault, Readings
from wire.topics import Lane

NOW = 1_795_000_000_123


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
@pytest.mark.parametrize("lane", list(Lane))
@pytest.mark.parametrize("readings", [1, 20, 60])
def test_a_template_is_a_report_made_now(model: Model, content_type: str, lane: Lane, readings: int) -> None:
    templates = reading_templates(model, lane=lane, readings=readings, content_type=content_type, seed=1)
    metrics: set[str] = set()
    for template in templates:
        report = decode_report(template.body(NOW), content_type)
        (item,) = report.items
        assert isinstance(item, Readings)
        assert report.at == item.at == NOW
        assert len(item.metric) == readings
        moments = list(zip(item.metric, item.dt or [0] * readings, strict=True))
        assert len(set(moments)) == readings
        metrics |= set(item.metric)
        for name, value in zip(item.metric, item.value, strict=True):
            signal = model.signals[name]
            assert signal.lane is lane
            assert signal.min <= value <= signal.max
    assert metrics == {signal.name for signal in model.signals.values() if signal.lane is lane}


def test_calm_values_break_no_limit(model: Model) -> None:
    for signal in model.signals.values():
        for share in (0.0, 0.5, 1.0):
            for rule in signal.rules:
                value = calm(signal, share)
                assert value < rule.raise_at if rule.op == "above" else value > rule.raise_at, signal.name


def test_templates_are_the_same_on_a_seed(model: Model) -> None:
    def made(seed: int) -> list[bytes]:
        templates = reading_templates(model, lane=Lane.BULK, readings=20, content_type=JSON, seed=seed)
        return [template.body(NOW) for template in templates]

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_a_time_that_does_not_fit_is_refused(model: Model) -> None:
    (template,) = reading_templates(model, lane=Lane.BULK, readings=1, content_type=JSON, seed=1, variants=1)
    with pytest.raises(ValueError, match="fit"):
        template.body(12)


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
def test_faults_and_births_keep_the_contract(model: Model, content_type: str) -> None:
    (fault,) = decode_report(
        fault_body(code="GEN-KV-01", state="active", at=NOW, content_type=content_type), content_type
    ).items
    assert isinstance(fault, Fault)
    assert (fault.code, fault.state, fault.at) == ("GEN-KV-01", "active", NOW)
    (birth,) = decode_report(
        birth_body(model=model, at=NOW, content_type=content_type, interval_s=60), content_type
    ).items
    assert isinstance(birth, Birth)
    assert birth.model == "generic-dr"
