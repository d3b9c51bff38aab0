"""A database that can't store says so when it is asked, and again when it can."""

from pathlib import Path

import psycopg

from store.embedded import EmbeddedPostgres
from store.writes import WriteProbe
from tests.fixtures.disk import small_disk

MB = 1024 * 1024


async def test_a_full_disk_is_found_and_found_to_be_over(tmp_path: Path) -> None:
    with small_disk(tmp_path, 160 * MB) as disk:
        server = EmbeddedPostgres(folder=tmp_path / "postgres", shared_buffers_mb=16)
        try:
            async with await psycopg.AsyncConnection.connect(server.start(), autocommit=True) as connection:
                probe = WriteProbe()
                pages = "SELECT pg_database_size(current_database())"
                assert await probe.trouble(connection) is None
                before = await (await connection.execute(pages.encode())).fetchone()
                for _ in range(5):
                    assert await probe.trouble(connection) is None
                assert await (await connection.execute(pages.encode())).fetchone() == before, "it keeps nothing"
                disk.fill()
                assert "the disk is full" in (await probe.trouble(connection) or "")
                disk.make_room()
                assert await probe.trouble(connection) is None
        finally:
            server.stop()
