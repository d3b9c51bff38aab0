"""Which box a device reports from: as its births say, within its site, and never more boxes than devices."""

from tests.integration.ingest.harness import Bench, Client, until
from wire.ids import mint_box_id

KNOWN = (
    "SELECT b.id FROM device d LEFT JOIN box b ON (b.site_id, b.id, b.org_id) = (d.site_id, d.box_id, d.org_id)"
    " ORDER BY d.id"
)
BOXES = "SELECT id FROM box ORDER BY id"


async def known(bench: Bench, *boxes: str | None) -> None:
    """Wait till the devices, in the order they were made, report from these boxes."""
    await until(lambda: bench.sql(KNOWN) == [(box,) for box in boxes])


async def test_a_birth_names_the_box_and_one_that_names_none_leaves_it(bench: Bench) -> None:
    one, other = bench.device(), bench.device()
    box, next_box = mint_box_id(), mint_box_id()
    async with bench.ingest(), Client(bench=bench, uid=one) as first, Client(bench=bench, uid=other) as second:
        await first.birth(box=box)
        await second.birth(box=box)
        await known(bench, box, box)
        assert bench.sql(BOXES) == [(box,)]
        [(began,)] = bench.sql("SELECT last_seen FROM box")
        await first.birth(boot=2, box=box)
        await until(lambda: bench.sql("SELECT first_seen <= %s AND last_seen > %s FROM box", began, began) == [(True,)])
        await second.birth(boot=2, box=next_box)
        await known(bench, box, next_box)
        await first.birth(boot=2, box=next_box)  # within its session: whoever learns of boxes later learns of this one
        await known(bench, next_box, next_box)
        assert bench.sql(BOXES) == [(next_box,)], "a box that no device names is forgotten"
        await first.birth(boot=3)
        await known(bench, None, next_box)
    async with bench.ingest(), Client(bench=bench, uid=other) as again:
        await again.birth(boot=2, epoch=second.epoch, box=next_box)
        await until(lambda: [ack for ack in again.acks if ack.hello])
    births = "SELECT count(*) FROM device_event e JOIN device d ON d.id = e.device_id WHERE d.uid = %s"
    assert bench.sql(births, other) == [(2,)], "what is known is no news after a restart"


async def test_a_copied_id_is_another_box_at_another_site_and_a_liar_fills_nothing(bench: Bench) -> None:
    honest, liar = bench.device(), bench.device()
    bench.sql("INSERT INTO org (name) VALUES ('other')")
    bench.sql("INSERT INTO site (org_id, name) SELECT id, 'o' FROM org WHERE name = 'other'")
    bench.sql(
        "UPDATE device SET (site_id, org_id) = (SELECT id, org_id FROM site WHERE name = 'o') WHERE uid = %s", liar
    )
    mine = "SELECT b.id, first_seen, last_seen FROM box b JOIN device d ON d.site_id = b.site_id AND d.uid = %s"
    box = mint_box_id()
    async with bench.ingest(), Client(bench=bench, uid=honest) as first, Client(bench=bench, uid=liar) as second:
        await first.birth(box=box)
        await known(bench, box, None)
        kept = bench.sql(mine, honest)
        for boot, said in enumerate([box, *(mint_box_id() for _ in range(4))], 1):
            await second.birth(boot=boot, box=said)
            await known(bench, box, said)
            assert len(bench.sql(BOXES)) == 2
        assert bench.sql(mine, honest) == kept


async def test_what_is_no_box_is_a_dead_letter_and_the_session_goes_on_without(bench: Bench) -> None:
    uid = bench.device()
    body = b'{"at":1,"items":[{"t":"birth","at":1,"boot":1,"agent":"1","model":"m","interval_s":9,"box":"zhang-san"}]}'
    async with bench.ingest(), Client(bench=bench, uid=uid) as device:
        await device.send(0, body=body, head=0)
        await until(lambda: [ack for ack in device.acks if ack.hello])
    assert bench.sql("SELECT code, place FROM dead_letter") == [("schema", "$.items[0].box")]
    assert bench.sql(KNOWN) == [(None,)]
