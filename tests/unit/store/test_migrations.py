import shutil
from pathlib import Path

import pytest

from store.editions import Edition
from store.errors import SchemaTooNew, StoreError, StoreErrorCode
from store.migrate import MIGRATIONS, Applied, Migration, migrations_for, pending


def folder_with(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / f"{name}.sql").write_text(text)
    return path


def applied(migration: Migration, *, edition: Edition = Edition.PLAIN) -> Applied:
    return Applied(version=migration.version, name=migration.name, checksum=migration.checksum, edition=edition.value)


@pytest.mark.parametrize(
    ("edition", "expected"),
    [
        (Edition.PLAIN, ["0001_a.sql", "0001_a.plain.sql"]),
        (Edition.TIMESCALE_APACHE, ["0001_a.sql", "0001_a.timescale.sql"]),
        (Edition.TIMESCALE_COMMUNITY, ["0001_a.sql", "0001_a.timescale.sql", "0001_a.timescale-community.sql"]),
    ],
)
def test_an_edition_runs_the_common_part_and_then_its_own(
    tmp_path: Path, edition: Edition, expected: list[str]
) -> None:
    parts = ("a", "a.plain", "a.timescale", "a.timescale-community")
    folder = folder_with(tmp_path, **{f"0001_{part}": "SELECT 1" for part in parts})
    (migration,) = migrations_for(edition, folder=folder)
    assert [file.name for file in migration.files] == expected


def test_a_number_may_have_parts_for_one_edition_only(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, **{"0001_a.timescale": "SELECT 1"})
    assert [len(m.files) for m in migrations_for(Edition.PLAIN, folder=folder)] == [0]


@pytest.mark.parametrize(
    ("files", "what"),
    [
        (["0001_a", "0003_b"], "without a gap"),
        (["0002_a"], "without a gap"),
        (["0001_a", "0001_b"], "number 1 is 'a' already"),
        (["0001_a", "extra"], "a migration is called"),
        (["0001_a", "0001_a.oracle"], "a migration is called"),
    ],
)
def test_odd_files_are_refused(tmp_path: Path, files: list[str], what: str) -> None:
    folder = folder_with(tmp_path, **dict.fromkeys(files, "SELECT 1"))
    with pytest.raises(StoreError, match=what):
        migrations_for(Edition.PLAIN, folder=folder)


def test_what_is_pending_is_what_was_not_applied(tmp_path: Path) -> None:
    first, second = migrations_for(
        Edition.PLAIN, folder=folder_with(tmp_path, **{"0001_a": "SELECT 1", "0002_b": "SELECT 2"})
    )
    assert pending([first, second], [], edition=Edition.PLAIN) == [first, second]
    assert pending([first, second], [applied(first)], edition=Edition.PLAIN) == [second]
    assert pending([first, second], [applied(first), applied(second)], edition=Edition.PLAIN) == []


def test_a_newer_database_is_said_in_one_line(tmp_path: Path) -> None:
    (first,) = migrations_for(Edition.PLAIN, folder=folder_with(tmp_path, **{"0001_a": "SELECT 1"}))
    later = Applied(version=7, name="later", checksum="", edition="plain")
    with pytest.raises(SchemaTooNew) as caught:
        pending([first], [applied(first), later], edition=Edition.PLAIN)
    assert (
        str(caught.value) == "the database is at schema version 7 and this version of steth knows only 1: upgrade steth"
    )
    assert (caught.value.database_version, caught.value.code_version) == (7, 1)


def test_a_changed_migration_is_an_error(tmp_path: Path) -> None:
    (before,) = migrations_for(Edition.PLAIN, folder=folder_with(tmp_path, **{"0001_a": "SELECT 1"}))
    row = applied(before)
    (after,) = migrations_for(Edition.PLAIN, folder=folder_with(tmp_path, **{"0001_a": "SELECT 2"}))
    with pytest.raises(StoreError, match="0001_a was changed after it was applied") as caught:
        pending([after], [row], edition=Edition.PLAIN)
    assert caught.value.code is StoreErrorCode.SCHEMA_CHANGED


def test_line_ends_of_the_checkout_do_not_change_the_checksum(tmp_path: Path) -> None:
    (unix,) = migrations_for(Edition.PLAIN, folder=folder_with(tmp_path, **{"0001_a": "SELECT\n1\n"}))
    checksum = unix.checksum
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT\r\n1\r\n")
    assert unix.checksum == checksum


def test_moving_text_between_parts_changes_the_checksum(tmp_path: Path) -> None:
    one = folder_with(tmp_path, **{"0001_a": "SELECT 1;", "0001_a.plain": ""})
    (before,) = migrations_for(Edition.PLAIN, folder=one)
    checksum = before.checksum
    folder_with(tmp_path, **{"0001_a": "", "0001_a.plain": "SELECT 1;"})
    assert before.checksum != checksum


def test_another_edition_than_the_recorded_is_an_error(tmp_path: Path) -> None:
    (first,) = migrations_for(Edition.PLAIN, folder=folder_with(tmp_path, **{"0001_a": "SELECT 1"}))
    with pytest.raises(StoreError, match="made for the edition plain and the server is timescale-apache"):
        pending([first], [applied(first)], edition=Edition.TIMESCALE_APACHE)


def test_ours_are_in_order_for_every_edition(tmp_path: Path) -> None:
    copied = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, copied)
    for edition in Edition:
        ours = migrations_for(edition, folder=copied)
        assert [migration.version for migration in ours] == list(range(1, len(ours) + 1))
        assert all(migration.files for migration in ours)
