"""The way up on a real broker: nothing lost, nothing doubled, order kept, whatever the broker does."""

import asyncio
import shutil
import statistics
import time
from pathlib import Path

import pytest

from agent.outbox.states import Limits
from agent.uplink import window
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.trixie import Tree
from tests.integration.agent.rig import Rig, bulky, fault, reading
from tests.integration.agent.server import Mark
from wire.items import Dropped
from wire.limits import MAX_BODY, WINDOW_REPORTS
from wire.topics import Lane


def codes(count: int) -> list[str]:
    return [f"C-{number}" for number in range(count)]


async def test_what_is_put_arrives_once_in_order_and_is_then_forgotten(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        for number, code in enumerate(codes(150)):
            await rig.put(live=[fault(code)], bulk=[reading(number)])
        await rig.emptied()
        assert rig.codes() == codes(150)
        assert rig.values() == list(range(150))
        assert rig.server.duplicates == 0


async def test_delivery_3_nothing_numbered_is_sent_before_the_birth_is_answered(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        rig.server.answers_births = False
        await rig.go_down()
        rig.server.births.clear()
        await rig.put(live=[fault("A")])
        rig.go_up()
        await rig.server.until(lambda: len(rig.server.births) == 2, "a second birth after about a second")
        assert not rig.server.arrived
        assert not rig.uplink.ready
        numbers, birth = rig.server.births[0]
        assert (numbers.seq, numbers.floor, numbers.head) == (0, 1, 1)
        assert birth.boot == rig.outbox.state.boot
        rig.server.answers_births = True
        await rig.emptied()
        assert rig.codes() == ["A"]


async def test_delivery_5_it_goes_back_once_and_otherwise_sends_again_by_timer(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "RESEND_S", 60.0)
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        await rig.put(live=[fault("A")])
        await rig.emptied()
        rig.server.deaf.add(Lane.LIVE)
        for code in ("B", "C"):
            await rig.put(live=[fault(code)])
        await rig.server.until(lambda: len(rig.server.arrived) == 3, "B and C on the wire")
        rig.server.deaf.clear()
        await rig.put(live=[fault("D")])
        await rig.emptied()
        assert rig.codes() == ["A", "B", "C", "D"]
        assert rig.server.backs == [(Lane.LIVE, 2)]
        assert rig.uplink.counters.resends == 0

        monkeypatch.setattr(window, "RESEND_S", 0.3)
        await rig.put(live=[fault("NEXT")])  # whose acknowledgement sets the timer
        await rig.emptied()
        rig.server.deaf.add(Lane.LIVE)
        await rig.put(live=[fault("E")])
        await rig.server.until(lambda: rig.uplink.counters.sent and rig.server.arrived[-1] == (Lane.LIVE, 6), "E")
        rig.server.deaf.clear()
        await rig.emptied()  # nothing tells that E is missing, but the timer
        assert rig.codes()[-1] == "E"
        assert rig.uplink.counters.resends > 0


async def test_delivery_11_the_window_holds_in_reports_and_in_bytes(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        rig.server.mute |= set(Lane)
        for number in range(WINDOW_REPORTS + 20):
            await rig.put(live=[fault(f"C-{number}")])
        for number in range(20):
            await rig.put(bulk=[bulky(number + 10, 1500)])
        bodies = rig.outbox.state.bulk.size // 20
        fitting = MAX_BODY // bodies
        await rig.server.until(lambda: len(rig.server.arrived) >= WINDOW_REPORTS + fitting, "two full windows")
        await asyncio.sleep(0.1)  # time for one too many
        arrived = [lane for lane, _ in rig.server.arrived]
        assert arrived.count(Lane.LIVE) == WINDOW_REPORTS
        assert arrived.count(Lane.BULK) == fitting
        rig.server.mute.clear()
        for lane in Lane:
            await rig.server.acknowledge(lane)
        await rig.emptied()
        assert rig.codes() == codes(WINDOW_REPORTS + 20)
        assert rig.server.duplicates == 0


@pytest.mark.parametrize("wiped", [False, True])
async def test_a_killed_broker_loses_nothing_of_ours(private_mosquitto: Mosquitto, tmp_path: Path, wiped: bool) -> None:
    async with Rig(folder=tmp_path, port=private_mosquitto.port) as rig:
        for number, code in enumerate(codes(300)):
            await rig.put(live=[fault(code)], bulk=[reading(number)])
            if number % 100 == 50:
                private_mosquitto.wipe() if wiped else private_mosquitto.kill()
            if number % 100 == 70:
                private_mosquitto.start()
        await rig.emptied(30)
        assert rig.codes() == codes(300)
        assert rig.values() == list(range(300))
        assert not rig.server.gaps


async def test_a_suspended_broker_is_waited_for(private_mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=private_mosquitto.port) as rig:
        await rig.server.until(lambda: rig.uplink.ready, "a session")
        private_mosquitto.suspend()
        for code in codes(20):
            await rig.put(live=[fault(code)])
        private_mosquitto.resume()
        await rig.emptied()
        assert rig.codes() == codes(20)


async def test_live_passes_a_backlog_of_bulk(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        await rig.go_down()
        for number in range(300):
            await rig.put(bulk=[bulky(number, 20)])
        await rig.put(live=[fault("NEWEST")])
        rig.go_up()
        await rig.server.until(lambda: rig.codes() == ["NEWEST"], "the newest fault")
        assert len(rig.values()) < 300 * 20 / 2
        await rig.emptied()
        assert len(rig.values()) == 300 * 20


async def test_delivery_2_and_4_an_overflowing_backlog_drops_the_oldest_tells_it_and_never_stalls(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    limits = Limits(bulk_bytes=100_000)
    async with Rig(folder=tmp_path, port=mosquitto.port, limits=limits) as rig:
        await rig.put(bulk=[reading(-1)])
        await rig.emptied()
        rig.server.mute.add(Lane.BULK)
        await rig.put(bulk=[reading(0)])
        await rig.server.until(lambda: rig.values() == [-1, 0], "one report under way")
        await rig.go_down()
        for number in range(1, 101):
            await rig.put(bulk=[bulky(number, 200)])
        dropped = rig.outbox.state.dropped
        assert 50 < dropped < 100
        assert rig.outbox.state.bulk.size <= 100_000
        rig.server.mute.clear()
        rig.go_up()
        await rig.server.until(lambda: rig.uplink.idle, "a session")
        await rig.outbox.heartbeat(
            rig.clock.peek(rig.clock_now()), uptime_s=1.0, refused=0, connected=None, segments=rig.clock.segments()
        )
        await rig.emptied()
        assert rig.server.gaps == [(Lane.BULK, 3, 2 + dropped)]
        assert rig.values() == [-1, 0, *(n for n in range(1 + dropped, 101) for _ in range(200))]
        told = [item for item in rig.server.items(Lane.LIVE) if isinstance(item, Dropped)]
        assert [item.reports for item in told] == [dropped]


async def test_delivery_6_an_outbox_restored_from_a_copy_loses_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        await rig.put(live=[fault("OLD-1")])
        await rig.emptied()
        await rig.stop()
        shutil.copy(rig.path, tmp_path / "image")
        first = rig.server.marks[Lane.LIVE].epoch
        rig.open()
        rig.go_up()
        await rig.put(live=[fault("LIFE-1")])
        await rig.put(live=[fault("LIFE-2")])
        await rig.emptied()
        await rig.stop()

        shutil.copy(tmp_path / "image", rig.path)
        rig.open()
        assert rig.outbox.state.epoch == first
        await rig.put(live=[fault("AFTER-1")])  # under a number that LIFE-1 had
        rig.go_up()
        await rig.emptied()
        assert rig.codes() == ["OLD-1", "LIFE-1", "LIFE-2", "AFTER-1"]
        assert rig.server.stored[Lane.LIVE][-1].numbers.again
        assert rig.outbox.state.epoch != first


async def test_delivery_6_a_server_restored_from_a_backup_goes_on_at_our_floor(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        await rig.put(live=[fault("A")])
        await rig.emptied()
        backup = rig.server.marks[Lane.LIVE]
        await rig.put(live=[fault("B")])
        await rig.emptied()
        await rig.go_down()
        rig.server.marks[Lane.LIVE] = backup
        rig.go_up()
        await rig.put(live=[fault("C")])
        await rig.emptied()
        assert rig.server.gaps == [(Lane.LIVE, 2, 2)]
        assert rig.codes() == ["A", "B", "C"]
        assert rig.outbox.state.epoch == backup.epoch


async def test_delivery_6_two_clones_lose_nothing_of_either(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        await rig.put(live=[fault("COMMON")])
        await rig.emptied()
        await rig.stop()
        clone = tmp_path / "clone"
        shutil.copy(rig.path, clone)
        original = rig.path
        for turn in range(3):
            for path, name in ((original, "A"), (clone, "B")):
                rig.path = path
                rig.open()
                await rig.put(live=[fault(f"{name}-{turn}")])
                rig.go_up()
                await rig.emptied()
                await rig.stop()
        assert rig.codes() == ["COMMON", "A-0", "B-0", "A-1", "B-1", "A-2", "B-2"]
        rig.open()


async def test_a_past_epoch_that_the_server_skips_for_ever_is_left(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "RESEND_S", 0.1)
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        await rig.server.until(lambda: rig.uplink.ready, "a session")
        rig.server.retired.add(rig.outbox.state.epoch)
        rig.server.marks[Lane.LIVE] = Mark("f0re1gnep0ch", 7, "0" * 32)
        await rig.put(live=[fault("A")])
        await rig.server.until(lambda: rig.server.stale > 0, "a report that is skipped")
        await rig.emptied()
        assert rig.codes() == ["A"]


@pytest.mark.alone
async def test_a_fault_is_on_the_wire_within_20_ms(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        await rig.server.until(lambda: rig.uplink.ready, "a session")
        took = []
        for number in range(21):
            before = rig.uplink.counters.sent
            began = time.perf_counter()
            put = asyncio.create_task(rig.put(live=[fault(f"C-{number}")]))
            while rig.uplink.counters.sent == before:  # noqa: ASYNC110  # the moment itself is measured
                await asyncio.sleep(0)
            took.append(time.perf_counter() - began)
            await put
        assert statistics.quantiles(took)[0] < 0.020, took  # others use this machine too


async def test_delivery_16_the_clocks_offset_travels_once_known(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port, skew_ms=90_000) as rig:
        await rig.put(live=[fault("A")])
        await rig.emptied()
        assert rig.server.births[0][0].offset_ms is None
        offset = rig.server.stored[Lane.LIVE][0].numbers.offset_ms
        assert offset is not None
        assert abs(offset - 90_000) < 200


async def test_more_broker_deaths_than_the_back_off_likes(private_mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=private_mosquitto.port) as rig:
        for number in range(5):
            await rig.put(live=[fault(f"C-{number}")])
            private_mosquitto.kill()
            private_mosquitto.start()
        await rig.emptied(60)
        assert rig.codes() == codes(5)


async def test_a_clean_end_tells_the_will_itself(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with Rig(folder=tmp_path, port=mosquitto.port) as rig:
        await rig.server.until(lambda: rig.uplink.ready, "a session")
        state = rig.outbox.state
        await rig.go_down()
        await rig.server.until(lambda: len(rig.server.wills) == 1, "the will")
        assert (rig.server.wills[0].epoch, rig.server.wills[0].boot) == (state.epoch, state.boot)


@pytest.mark.parametrize("setting", ["max_packet_size 20000", "message_size_limit 20000"])
async def test_delivery_12_what_is_too_big_for_the_broker_is_split(trixie: Tree, tmp_path: Path, setting: str) -> None:
    with Mosquitto(tree=trixie, config=[setting]) as broker:
        async with Rig(folder=tmp_path, port=broker.port) as rig:
            await rig.go_down()
            await rig.put(bulk=[bulky(1, 2500)])
            await rig.put(bulk=[reading(2)])
            rig.go_up()
            await rig.emptied()
            await rig.put(bulk=[bulky(3, 2500)])
            await rig.emptied()
            assert rig.values() == [1.0] * 2500 + [2.0] + [3.0] * 2500


async def test_delivery_12_a_puback_with_an_error_is_no_delivery(trixie: Tree, tmp_path: Path) -> None:
    with Mosquitto(tree=trixie) as broker:
        broker._write("acl", b"topic readwrite steth/#\n")
        async with Rig(folder=tmp_path, port=broker.port) as rig:
            await rig.server.until(lambda: rig.uplink.ready, "a session")
    with Mosquitto(tree=trixie) as broker:
        inside = trixie.inside(broker.directory)
        allowed = b"topic read steth/#\ntopic write steth/1/+/+/will\n"
        broker._write("acl", allowed)
        with (broker.directory / "mosquitto.conf").open("a") as config:
            config.write(f"acl_file {inside}/acl\n")
        broker.stop()
        broker.start()
        async with Rig(folder=tmp_path, port=broker.port) as rig:
            await rig.put(live=[fault("A")])
            await rig.server.until(lambda: rig.uplink.counters.refused > 0, "a refusal")
            assert rig.outbox.state.live.reports == 1


async def test_the_brokers_receive_maximum_holds(trixie: Tree, tmp_path: Path) -> None:
    with Mosquitto(tree=trixie, config=["max_inflight_messages 3"]) as broker:
        async with Rig(folder=tmp_path, port=broker.port) as rig:
            await rig.go_down()
            for number in range(60):
                await rig.put(bulk=[reading(number)])
            before = rig.uplink.counters.connections
            rig.go_up()
            await rig.emptied()
            assert rig.values() == list(range(60))
            # mosquitto disconnects whoever sends more (MQTT 5, 4.9).
            assert rig.uplink.counters.connections == before + 1
