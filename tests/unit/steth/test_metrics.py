"""Names of metrics: the rules of Prometheus, and every one of ours in docs/metrics.md."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

import steth.run_jobs  # noqa: F401 - registers its metrics
from agent.metrics import collect, render
from api.app import create_app
from api.settings import Settings
from catalog.load import load
from ingest import stats
from steth.jobs.backlog import Backlog
from steth.jobs.fleet import Fleet
from tests.fixtures.metrics import families, lint

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


class NoPool:
    """A pool that nobody asks for a connection."""

    def get_stats(self) -> dict[str, int]:
        return {}


def texts() -> dict[str, str]:
    """The metrics of each process, in the text format."""
    stats.LAG.labels("live").observe(0.1)
    backlog = Backlog(pool=NoPool())  # type: ignore[arg-type]  # nothing is measured
    backlog._found = tuple(float(n) for n in range(20))
    waiting = CollectorRegistry()
    waiting.register(backlog)
    fleet = Fleet(pool=NoPool(), heartbeat_s=15)  # type: ignore[arg-type]  # nothing is measured
    fleet._found = {}
    waiting.register(fleet)
    app = create_app(
        settings=Settings(mqtt_url="mqtt://x:1"),
        pool=NoPool(),  # type: ignore[arg-type]  # nothing is asked
        catalog=load(),
        clock=lambda: pytest.fail("no request, no time"),
    )
    app.build_middleware_stack()
    return {
        "ingest, jobs": generate_latest(REGISTRY).decode(),
        "jobs, leading": generate_latest(waiting).decode(),
        "api": generate_latest(app.state.registry).decode(),
        "agent": render(collect([])),
    }


@pytest.mark.parametrize("process", ["ingest, jobs", "jobs, leading", "api", "agent"])
def test_every_process_keeps_the_rules(process: str) -> None:
    assert lint(texts()[process]) == []


def test_every_metric_is_in_the_page_and_the_page_has_no_others() -> None:
    emitted = {name: kind for text in texts().values() for name, kind in families(text).items()}
    rows = re.findall(r"^\| `(steth_\w+)` \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert dict(rows) == emitted
    assert len(rows) == len(emitted)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("# HELP steth_ingest_x_total X.\n# TYPE steth_ingest_x_total counter\nsteth_ingest_x_total 1\n", []),
        ("# HELP other_x X.\n# TYPE other_x gauge\nother_x 1\n", ["other_x: is not steth_<room>_…", "nothing of ours"]),
        ("# TYPE steth_api_x gauge\nsteth_api_x 1\n", ["steth_api_x: its HELP is no sentence"]),
        (
            "# HELP steth_api_x_ms X.\n# TYPE steth_api_x_ms gauge\nsteth_api_x_ms 1\n",
            ["steth_api_x_ms: is not in a base unit"],
        ),
        (
            "# HELP steth_api_gauge X.\n# TYPE steth_api_gauge gauge\nsteth_api_gauge 1\n",
            ["steth_api_gauge: names its type"],
        ),
        (
            "# HELP steth_api_x_total X.\n# TYPE steth_api_x_total gauge\nsteth_api_x_total 1\n",
            ["steth_api_x_total: a gauge is no total"],
        ),
        ('# HELP steth_api_x X.\n# TYPE steth_api_x gauge\nsteth_api_x{aB="1"} 1\n', ["steth_api_x: label aB"]),
    ],
)
def test_the_rules_find_what_breaks_them(text: str, wrong: Sequence[str]) -> None:
    assert lint(text) == list(wrong)
