"""The configuration file that the API makes is one that the agent takes: the two rooms meet here alone."""

from pathlib import Path

import pytest

from agent.config.file import load
from api.devices.setup import setup, sources_of
from catalog.load import load as catalog

CATALOG = catalog()
MODELS = sorted(key for key, model in CATALOG.models.items() if model.kind != "base")
CERTIFICATES = ["ca.crt", "device.crt", "device.key"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("mqtt", "user", "beside"),
    [
        ("mqtts://steth.example:443", "", CERTIFICATES),
        ("mqtt://127.0.0.1:1883", "steth", ["mqtt-password"]),
        ("mqtt://127.0.0.1:1883", "", []),
    ],
    ids=["certificates", "password", "open"],
)
def test_the_agent_takes_it_as_it_is_for_every_model_source_and_broker(
    model: str, mqtt: str, user: str, beside: list[str], tmp_path: Path
) -> None:
    known = CATALOG.models[model]
    usual = sources_of(known)[:1]
    for sources in ([], [usual[0]], list(sources_of(known))):
        made = setup(
            known,
            uid="d3k9m2q7x1z5a",
            name='"DR" \\ 二号 #1',
            code="K7QF-2M9D-XH4T",
            until="2026-11-29 12:00 (Asia/Shanghai)",
            api="https://steth.example:8444",
            mqtt=mqtt,
            user=user,
            zone="Asia/Shanghai",
            sources=sources,
            lang="zh",
        )
        file = tmp_path / made.file
        file.write_text(made.text, encoding="utf-8")
        config = load(file)
        (device,) = config.devices
        assert (device.name, device.model, device.code) == ("d3k9m2q7x1z5a", model, "K7QF-2M9D-XH4T")
        assert (config.server.api, config.server.mqtt) == ("https://steth.example:8444", mqtt)
        read = {source for source in sources_of(known) if getattr(device, source) is not None}
        assert read == set(sources or usual)
        assert device.host is not None
        assert {source.time_zone for source in (device.dicom, device.astm, device.hl7) if source} <= {"Asia/Shanghai"}
        assert made.beside == beside
        named = [config.server.ca, device.cert, device.key, config.server.password_file]
        assert [Path(path).name for path in named if path] == beside
        assert all(made.file in command for command in (made.linux, made.windows))
        assert config.devices[0].log == ()


@pytest.mark.parametrize("model", MODELS)
def test_its_commented_log_is_taken_too_when_somebody_takes_the_signs_off(model: str, tmp_path: Path) -> None:
    made = setup(
        CATALOG.models[model],
        uid="d3k9m2q7x1z5a",
        name="x",
        code="K7QF-2M9D-XH4T",
        until="",
        api="http://127.0.0.1:8420",
        mqtt="mqtt://127.0.0.1:1883",
        user="",
        zone="UTC",
        sources=[],
        lang="en",
    )
    file = tmp_path / made.file
    file.write_text(made.text.replace("\n# [[", "\n[[").replace("\n# path", "\npath"), encoding="utf-8")
    (device,) = load(file).devices
    assert [Path(log.path).name for log in device.log] == (
        ["service.log"] if CATALOG.models[model].log_patterns else []
    )
