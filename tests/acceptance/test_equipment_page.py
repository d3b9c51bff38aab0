"""docs/equipment.md: each configuration on it is one that the agent takes, and shows what the page promises."""

import re
from pathlib import Path

import pytest

from agent.configfile import load
from agent.decode import decode_main
from agent.show import show

PAGE = (Path(__file__).parents[2] / "docs" / "equipment.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^## (.+?)\n.*?^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
HEAD = '[agent]\nstate = "state"\n[server]\nmqtt = "mqtts://steth.example"\napi = "https://steth.example"\n'


@pytest.mark.parametrize("block", [block for _, block in BLOCKS], ids=[title for title, _ in BLOCKS])
def test_each_configuration_is_taken_and_shown(block: str, tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(HEAD + block, encoding="utf-8")
    shown = show(load(file))
    assert "nothing: no source is configured" not in shown
    (address,) = re.findall(r'^(?:listen|path|serial) = "(.*)"$', block, re.MULTILINE)
    assert address in shown
    (name,) = re.findall(r'^name = "(.*)"$', block, re.MULTILINE)
    assert f"device {name}:" in shown


def test_every_source_that_needs_a_connection_is_on_it() -> None:
    assert len(BLOCKS) == 6
    sections = {section for _, block in BLOCKS for section in re.findall(r"^\[+device\.(\w+)\]+$", block, re.MULTILINE)}
    assert sections == {"dicom", "folder", "log", "astm", "hl7"}


def test_the_formats_it_names_can_be_decoded(capsys: pytest.CaptureFixture[str]) -> None:
    (formats,) = re.findall(r"decode \(([a-z0-9|]+)\)", PAGE)
    for kind in formats.split("|"):
        assert decode_main([kind, "no-such-file"]) == 2
        assert "No such file" in capsys.readouterr().err
    assert len(PAGE.splitlines()) <= 120
