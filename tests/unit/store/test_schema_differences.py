"""What an edition has otherwise than schema.sql, written down and put together again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.editions import Edition
from store.errors import StoreError
from store.schema import changed, committed, differences

PARAGRAPHS = st.lists(st.from_regex(r"[a-d]{1,2}(\n [a-d-@+]{1,3}){0,2}", fullmatch=True), min_size=1, unique=True)


def text(paragraphs: list[str]) -> str:
    return "\n\n".join(paragraphs) + "\n"


@given(old=PARAGRAPHS, new=PARAGRAPHS)
def test_put_together_it_is_what_it_was(old: list[str], new: list[str]) -> None:
    assert changed(text(old), differences(text(old), text(new))) == text(new)


def test_it_tells_only_what_differs() -> None:
    said = differences(text(["same", "gone\n away", "end"]), text(["same", "come\n\n in", "end", "more"]))
    assert said == "\n@ same\n- gone away\n+ come\n+\n+  in\n\n@ end\n+ more\n"


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(StoreError, match=r"^schema\.sql has no 'gone away' there: run `make schema`$"):
        changed(text(["same", "end"]), "\n@ same\n- gone away\n")


def test_what_can_not_be_told_apart_is_refused() -> None:
    long = "x" * 200
    with pytest.raises(StoreError, match="begin with the same"):
        differences(text([f"{long} 1", f"{long} 2", "end"]), text([f"{long} 1", f"{long} 2", "new", "end"]))


@pytest.mark.parametrize("edition", Edition)
def test_what_is_committed_fits_together(edition: Edition) -> None:
    assert "CREATE TABLE public.device (" in committed(edition)
