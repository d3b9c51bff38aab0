"""A tab that lists devices itself: of ten thousand it is told what changes, and not how each is."""

import psycopg

from tests.integration.api.listener import listening
from tests.integration.api.world import NOW, World


async def test_who_asks_for_changes_is_told_of_these_alone(url: str, here: World) -> None:
    async with listening(url, here, devices="changes") as tab, listening(url, here) as other:
        assert [(await tab.next()).name for _ in range(2)] == ["hello", "beat"], "no device before something changes"
        await other.next("beat")
        with psycopg.connect(here.database.superuser, autocommit=True) as connection:
            connection.execute("UPDATE mark SET at = %s", (NOW,))
            await other.next("seen")
            connection.execute(
                "UPDATE device_state SET connected = false WHERE device_id = (SELECT id FROM device WHERE uid = %s)",
                (here.a.device,),
            )
        told = await tab.next("seen", "devices")
        assert told.name == "devices"
        [item] = told.data["items"]
        assert (item["id"], item["connected"]["value"]) == (here.a.device, False)
        last = tab.last
    async with listening(url, here, devices="changes", last=last) as again:
        assert (await again.next()).data["resumed"] is True
        assert (await again.next()).name == "beat"
