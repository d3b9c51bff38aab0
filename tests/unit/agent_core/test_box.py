"""The id of the box: minted once, kept with the outboxes, and no reason for an agent not to run."""

import stat
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.app import App
from agent.config.shapes import Agent, Config, Device, Server
from agent.show.show import show
from agent.uplink.box import box_of, kept_box
from wire.ids import is_box_id, mint_device_id


def config(folder: Path) -> Config:
    device = Device(name="dr-1", model="generic-dr", id=mint_device_id())
    return Config(agent=Agent(state=str(folder)), server=Server(mqtt="mqtt://127.0.0.1:1"), devices=(device,))


def test_it_is_minted_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    assert kept_box(tmp_path) is None
    box = box_of(tmp_path)
    assert box is not None
    assert is_box_id(box)
    assert box == box_of(tmp_path) == kept_box(tmp_path)
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_agents_on_one_machine_are_two_boxes_and_a_copied_folder_is_the_same(tmp_path: Path) -> None:
    for name in ("a", "b", "copy"):
        (tmp_path / name).mkdir()
    one, other = box_of(tmp_path / "a"), box_of(tmp_path / "b")
    assert one != other
    (tmp_path / "copy" / "box").write_bytes((tmp_path / "a" / "box").read_bytes())
    assert box_of(tmp_path / "copy") == one


@pytest.mark.parametrize("held", [b"", b"\0" * 64, b"BOX", "b张三".encode(), b"b" + b"0" * 16 + b"x", b"b" + b"l" * 16])
def test_what_is_no_id_is_replaced(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "box").write_bytes(held)
    box = box_of(tmp_path)
    assert box is not None
    assert box == kept_box(tmp_path)


def test_where_none_can_be_kept_the_agent_runs_without_and_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    with capture_logs() as said:
        App(config=config(tmp_path)).close()
    assert [line["event"] for line in said if "box" in line["event"]] == ["the box's id can't be kept"]
    assert "box: " in show(config(tmp_path))


def test_an_agent_makes_it_at_its_first_start_and_shows_it(tmp_path: Path) -> None:
    of = config(tmp_path / "state")
    assert "box (named at the first start)" in show(of)
    assert not (tmp_path / "state").exists()
    App(config=of).close()
    box = kept_box(tmp_path / "state")
    assert f"box {box}, kept in {tmp_path / 'state'}" in show(of)
    App(config=of).close()
    assert kept_box(tmp_path / "state") == box
    assert not list((tmp_path / "state").glob("box.*")), "no trace of the making"
