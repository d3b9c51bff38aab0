"""Rules and dashboards name metrics and labels that exist, and every alert is explained."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).resolve().parents[3]
DOCKER: Final = ROOT / "docker"
RULES: Final[list[dict[str, Any]]] = yaml.safe_load((DOCKER / "prometheus" / "rules.yml").read_text(encoding="utf-8"))[
    "groups"
][0]["rules"]
BOARDS: Final = {
    path.name: json.loads(path.read_text("utf-8")) for path in (DOCKER / "grafana" / "dashboards").iterdir()
}
OF_PROMETHEUS: Final = {"job", "instance", "le", "exported_job"}
SUFFIXES: Final = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


def known() -> dict[str, set[str]]:
    """Every series of ours, as docs/metrics.md lists it (a test there holds it to the code), with its labels."""
    rows = re.findall(
        r"^\| `(steth_\w+)` \| (\w+) \| ([\w, ]*)\|", (ROOT / "docs" / "metrics.md").read_text("utf-8"), re.MULTILINE
    )
    return {
        name + suffix: {label.strip() for label in labels.split(",")} - {""}
        for name, kind, labels in rows
        for suffix in SUFFIXES[kind]
    }


KNOWN: Final = known()


def panels(name: str) -> list[dict[str, Any]]:
    return [panel for panel in BOARDS[name]["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for name in BOARDS:
        for panel in panels(name):
            for target in panel["targets"]:
                yield f"{name}: {panel['title']}", target["expr"]


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_every_metric_and_label_is_one_of_ours(where: str, expression: str) -> None:
    found = re.findall(r"(steth_\w+)(?:\{([^}]*)\})?", expression)
    assert found or re.search(r"\bup\{", expression), where
    labels: set[str] = set(OF_PROMETHEUS)
    for name, selectors in found:
        assert name in KNOWN, f"{where}: no process has {name}"
        labels |= KNOWN[name]
        named = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selectors))
        assert named <= KNOWN[name] | OF_PROMETHEUS, f"{where}: {name} has no {named - KNOWN[name]}"
    for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {label.strip() for label in grouped.split(",")} <= labels, where


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_graded_said_and_explained(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["summary"]
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert f"| `{rule['alert']}` |" in page
    tests = (DOCKER / "prometheus" / "rules.test.yml").read_text(encoding="utf-8")
    assert f"alertname: {rule['alert']}\n" in tests, "no test of promtool's sees it fire"


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_a_dashboard_is_one_that_grafana_provisions(name: str) -> None:
    board = BOARDS[name]
    assert board["uid"] == f"steth-{name.removesuffix('.json')}"
    assert "steth" in board["tags"]
    source = yaml.safe_load((DOCKER / "grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
    uid = source["datasources"][0]["uid"]
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in panels(name):
        assert panel["description"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} | {panel["datasource"]["uid"]} == {uid}
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24


def test_panels_of_a_dashboard_lie_beside_each_other() -> None:
    for board in BOARDS.values():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, panel["title"]
            taken |= cells
