"""Whatever a file holds, the lint says so and doesn't fall; and what it finds clean, the loader takes."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.check import check
from catalog.errors import CatalogError
from catalog.load import load
from tests.unit.catalog.conftest import FILES

WORDS = ["thing", "base", "heat", "link", "T-01", "T-02", "look", "fan", "hot", "thing.temperature", "bulk", "a{b}", ""]
ODD: st.SearchStrategy[Any] = (
    st.sampled_from([None, True, 0, -1, 1e308, float("nan"), 10**30])
    | st.sampled_from(WORDS)
    | st.text(max_size=5)
    | st.lists(st.sampled_from(WORDS), max_size=2)
    | st.dictionaries(st.sampled_from(["zh", "en", "key", "by", *WORDS]), st.sampled_from(WORDS), max_size=2)
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything in a value."""
    if isinstance(value, dict):
        pairs: list[tuple[Any, Any]] = [(value, key) for key in value]
    elif isinstance(value, list):
        pairs = [(value, index) for index in range(len(value))]
    else:
        return []
    return pairs + [place for container, key in pairs for place in places(container[key])]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_spoilt_value_anywhere(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(sorted(FILES)))
    value = yaml.safe_load(FILES[file])
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(value) or [([0], 0)]))
        if isinstance(container, dict) and data.draw(st.booleans()):
            del container[key]
        else:
            container[key] = data.draw(ODD)

    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").mkdir()
        for each, text in FILES.items():
            content = yaml.safe_dump(value, allow_unicode=True) if each == file else text
            (folder / each).write_text(content, encoding="utf-8", errors="surrogatepass")

        problems = check(folder)

        assert all(problem.what and problem.do and problem.line >= 0 for problem in problems)
        try:
            load(folder)
        except CatalogError:
            assert problems
