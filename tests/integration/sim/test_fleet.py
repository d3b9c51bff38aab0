"""The fleet generator against a real broker."""

import asyncio
import json
import random
import time
from collections import defaultdict
from typing import Literal, Self

import mqtt5
import pytest

from catalog.load import load
from catalog.model import Model
from sim.cli import run
from sim.fleet import Fleet
from sim.link import Endpoint, Refused
from sim.load import FleetFault, Load
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.ports import free_port
from tests.integration.sim.listening import Listener
from wire.codec import JSON, MSGPACK, decode_report, digest, encode
from wire.commands import Ack
from wire.ids import DeviceId
from wire.items import Birth, Fault, Readings
from wire.report import HELLO, Numbers, parse_numbers
from wire.topics import Channel, Down, Lane, down, parse_up

EVERYTHING = ("steth/1/+/+/live", "steth/1/+/+/bulk")


@pytest.fixture(scope="module")
def model() -> Model:
    return load().models["generic-dr"]


def devices(count: int, prefix: str) -> list[DeviceId]:
    return [DeviceId(f"{prefix}{number:06d}") for number in range(count)]


class Server:
    """Hears everything; keeps marks as ingest does and, if `answers`, acknowledges as it does.

    It refuses what is beyond the next number, and as if by accident loses `losing` of the reports.
    """

    def __init__(self, *, port: int, prefix: str, answers: bool = False, losing: float = 0.0) -> None:
        self._listener = Listener(port, *EVERYTHING, on_message=self._on_message)
        self._prefix = prefix
        self._answers = answers
        self._losing = losing
        self._dice = random.Random(1)
        self.births: list[DeviceId] = []
        self.reports = 0
        self.readings = 0
        self.applied: dict[tuple[DeviceId, Channel], list[int]] = defaultdict(list)
        self.faults: list[tuple[DeviceId, str, str, int]] = []
        self.content_types: set[str | None] = set()
        self.epochs: dict[DeviceId, set[str]] = defaultdict(set)
        self._marks: dict[tuple[DeviceId, Lane], Ack] = {}

    async def __aenter__(self) -> Self:
        await self._listener.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._listener.__aexit__()

    async def until_reports(self, count: int) -> None:
        for _ in range(3000):
            if self.reports >= count:
                return
            await asyncio.sleep(0.005)
        raise TimeoutError(f"{self.reports} of {count}")

    def _on_message(self, packet: mqtt5.PublishPacket) -> None:
        now = time.time_ns()
        device, channel = parse_up(packet.topic)
        if not device.startswith(self._prefix):
            return
        numbers = parse_numbers(packet.user_properties)
        assert numbers is not None
        self.epochs[device].add(numbers.epoch)
        self.content_types.add(packet.content_type)
        if numbers.seq == HELLO:
            (birth,) = decode_report(packet.payload, packet.content_type).items
            assert isinstance(birth, Birth)
            self.births.append(device)
            for lane in Lane:
                self._answer(device, lane, numbers, Ack(lane=lane, epoch="", seq=0, now=1, hello=True))
            return
        if self._dice.random() < self._losing:
            return
        seqs = self.applied[device, channel]
        mark = len(seqs)
        lane = Lane(channel.value)
        if numbers.seq == mark + 1:
            seqs.append(numbers.seq)
            self._apply(device, packet, now)
            confirmed = Ack(lane=lane, epoch=numbers.epoch, seq=numbers.seq, digest=digest(packet.payload).hex(), now=1)
            self._marks[device, lane] = confirmed
            self._answer(device, lane, numbers, confirmed)
        elif numbers.seq > mark + 1:
            said = self._marks.get((device, lane), Ack(lane=lane, epoch=numbers.epoch, seq=0, now=1))
            back = Ack(lane=lane, epoch=said.epoch, seq=said.seq, digest=said.digest, now=1, back=said.seq + 1)
            self._answer(device, lane, numbers, back)

    def _apply(self, device: DeviceId, packet: mqtt5.PublishPacket, now: int) -> None:
        self.reports += 1
        for item in decode_report(packet.payload, packet.content_type).items:
            if isinstance(item, Readings):
                self.readings += len(item.metric)
            elif isinstance(item, Fault):
                self.faults.append((device, item.code, item.state, now))

    def _answer(self, device: DeviceId, lane: Lane, numbers: Numbers, ack: Ack) -> None:
        assert numbers.sent_ms is not None
        if self._answers:
            self._listener.publish(down(device, Down.ACK), encode(ack))


@pytest.mark.parametrize("content_type", [JSON, MSGPACK])
@pytest.mark.alone
async def test_an_open_fleet_numbers_without_holes_and_all_arrives(
    mosquitto: Mosquitto, model: Model, content_type: Literal["application/json", "application/msgpack"]
) -> None:
    prefix = "open-json" if content_type == JSON else "open-pack"
    fleet = devices(500, prefix)
    made = Load(messages=10_000, seconds=30, content_type=content_type)
    async with Server(port=mosquitto.port, prefix=prefix) as server:
        outcome = await Fleet(
            devices=fleet, endpoint=Endpoint(host="127.0.0.1", port=mosquitto.port), model=model, load=made
        ).run()
        await server.until_reports(10_000)
    assert (outcome.reports, outcome.readings, outcome.births) == (10_000, 200_000, 500)
    assert (outcome.published, outcome.acknowledged) == (10_500, 10_500)
    assert (outcome.refused, outcome.unacknowledged) == (0, 0)
    assert server.readings == 200_000
    assert sorted(server.births) == sorted(fleet)
    assert server.content_types == {content_type}
    assert {device for device, _ in server.applied} == set(fleet)
    assert all(seqs == list(range(1, 21)) for seqs in server.applied.values())
    assert all(len(epochs) == 1 for epochs in server.epochs.values())
    assert outcome.rate > 1000


@pytest.mark.alone
async def test_a_rate_is_kept_and_faults_are_reported_when_planned(mosquitto: Mosquitto, model: Model) -> None:
    fleet = devices(50, "rated")
    made = Load(messages=100_000, seconds=1.5, rate=400, readings=1)
    faults = [
        FleetFault(device=fleet[3], code="GEN-KV-01", at_s=0.2, lasts_s=0.5),
        FleetFault(device=fleet[9], code="DET-TEMP-01", at_s=0.4),
    ]
    async with Server(port=mosquitto.port, prefix="rated") as server:
        generator = Fleet(
            devices=fleet,
            endpoint=Endpoint(host="127.0.0.1", port=mosquitto.port),
            model=model,
            load=made,
            faults=faults,
        )
        generator.raise_fault(fleet[1], "GEN-ARC-01", "event")
        outcome = await generator.run()
        await server.until_reports(outcome.reports + 4)
    assert 300 < outcome.reports <= 601
    assert [(f.device, f.code, f.state) for f in outcome.faults] == [
        (fleet[1], "GEN-ARC-01", "event"),
        (fleet[3], "GEN-KV-01", "active"),
        (fleet[9], "DET-TEMP-01", "active"),
        (fleet[3], "GEN-KV-01", "cleared"),
    ]
    assert [(device, code, state) for device, code, state, _ in server.faults] == [
        (f.device, f.code, f.state) for f in outcome.faults
    ]
    late = [heard - f.published_ns for (*_, heard), f in zip(server.faults, outcome.faults, strict=True)]
    assert all(0 < nanoseconds < 1_000_000_000 for nanoseconds in late)


async def test_a_closed_fleet_waits_for_its_marks_and_sends_again_what_was_lost(
    mosquitto: Mosquitto, model: Model
) -> None:
    fleet = devices(20, "closed")
    made = Load(messages=3_000, seconds=30, mode="closed", readings=5)
    fault = FleetFault(device=fleet[0], code="GEN-KV-01", at_s=0.05)
    async with Server(port=mosquitto.port, prefix="closed", answers=True, losing=0.02) as server:
        outcome = await Fleet(
            devices=fleet,
            endpoint=Endpoint(host="127.0.0.1", port=mosquitto.port),
            model=model,
            load=made,
            faults=[fault],
        ).run()
    assert (outcome.reports, outcome.confirmed) == (3_000, 3_001)
    assert (outcome.unconfirmed, outcome.strangers, outcome.unborn) == (0, 0, 0)
    assert outcome.sent_again > 10
    assert server.reports == 3_001
    assert [device for device, *_ in server.faults] == [fleet[0]]


async def test_a_closed_fleet_that_nobody_answers_sends_nothing_and_says_so(mosquitto: Mosquitto, model: Model) -> None:
    made = Load(messages=100, seconds=0.3, mode="closed", settle_s=0.3)
    outcome = await Fleet(
        devices=devices(3, "alone"), endpoint=Endpoint(host="127.0.0.1", port=mosquitto.port), model=model, load=made
    ).run()
    assert (outcome.reports, outcome.unborn, outcome.births) == (0, 3, 3)


async def test_a_broker_that_is_killed_and_comes_back_costs_no_number(
    private_mosquitto: Mosquitto, model: Model
) -> None:
    """Killed without a warning: what it had acknowledged and not yet delivered may be gone, what it hadn't, isn't."""
    fleet = devices(20, "killed")
    made = Load(messages=4_000, seconds=30, rate=2_000, readings=1)
    generator = Fleet(
        devices=fleet,
        endpoint=Endpoint(host="127.0.0.1", port=private_mosquitto.port),
        model=model,
        load=made,
        connections=2,
    )
    running = asyncio.create_task(generator.run())
    await asyncio.sleep(0.7)
    await asyncio.to_thread(private_mosquitto.kill)
    await asyncio.to_thread(private_mosquitto.start)
    outcome = await asyncio.wait_for(running, 30)
    assert outcome.connections >= 4
    assert (outcome.reports, outcome.acknowledged, outcome.unacknowledged) == (4_000, 4_020, 0)


async def test_without_a_broker_a_fleet_gives_up(model: Model) -> None:
    made = Load(messages=1, seconds=1, settle_s=0.3)
    generator = Fleet(
        devices=devices(1, "none"), endpoint=Endpoint(host="127.0.0.1", port=free_port()), model=model, load=made
    )
    with pytest.raises(ExceptionGroup) as caught:
        await generator.run()
    assert caught.group_contains(Refused, match="could not be reached")


def test_the_command_line_prints_what_it_did(mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--devices",
        "10",
        "--messages",
        "200",
        "--readings",
        "1",
        "--content",
        "msgpack",
        "--fault",
        "GEN-KV-01@0",
    ]
    assert run(["fleet", "--to", f"127.0.0.1:{mosquitto.port}", *arguments]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert (outcome["reports"], outcome["births"], len(outcome["faults"])) == (200, 10, 1)
