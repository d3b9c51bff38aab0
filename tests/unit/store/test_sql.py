from pathlib import Path

import pytest

from store.errors import StoreError, StoreErrorCode
from store.sql import load_queries


def written(folder: Path, text: str) -> Path:
    path = folder / "queries.sql"
    path.write_text(text, encoding="utf-8")
    return path


def test_statements_by_name_with_their_comments(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "-- What the file is about.\n\n-- name: first\nSELECT 1\n\n-- name: second_one\n-- Why.\nSELECT\n  2;\n",
    )
    queries = load_queries(path)
    assert queries.names == {"first", "second_one"}
    assert queries["first"] == b"SELECT 1"
    assert queries["second_one"] == b"-- Why.\nSELECT\n  2;"


def test_texts_are_utf_8(tmp_path: Path) -> None:
    assert load_queries(written(tmp_path, "-- name: a\nSELECT '听诊'\n"))["a"] == "SELECT '听诊'".encode()


def test_unknown_name_says_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "-- name: a\nSELECT 1\n")
    with pytest.raises(StoreError, match=f"^{path}: no statement named 'b'$") as caught:
        load_queries(path)["b"]
    assert caught.value.code is StoreErrorCode.STATEMENTS


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("-- name: a\nSELECT 1\n-- name: a\nSELECT 2\n", 3, "a second statement named 'a'"),
        ("-- name: A\nSELECT 1\n", 1, "'A' is no name"),
        ("-- name:\nSELECT 1\n", 1, "'' is no name"),
        ("-- name: a\n\n-- only words\n-- name: b\nSELECT 1\n", 1, "'a' has no statement"),
        ("-- name: a\nSELECT 1\n-- name: b\n", 3, "'b' has no statement"),
        ("-- words\nSELECT 1\n-- name: a\nSELECT 1\n", 1, "a statement before the first"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, text: str, line: int, what: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(StoreError, match=f"^{path}:{line}: {what}"):
        load_queries(path)
