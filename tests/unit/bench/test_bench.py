"""What the benchmarks compute, and how they feed the broker."""

import mqtt5
import pytest

from bench.publisher import Publisher
from bench.report import Aim
from bench.ticket import histogram, percentile
from wire.codec import decode_report
from wire.ids import mint_device_id
from wire.items import Birth, Readings
from wire.report import Numbers, parse_numbers
from wire.topics import Lane, parse_up


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.9, 90), (0.99, 99), (0.991, 100), (1.0, 100), (0.0, 1)])
def test_percentiles_are_values_that_were_measured(share: float, expected: float) -> None:
    assert percentile([float(v) for v in range(100, 0, -1)], share) == expected


def test_a_histogram_counts_each_value_once_and_begins_and_ends_where_there_is_something() -> None:
    assert histogram([29.9, 30.0, 45, 99_999]) == [
        (20, 30, 1),
        (30, 40, 1),
        (40, 50, 1),
        *((low, high, 0) for low, high in [(50, 60), (60, 80), (80, 100), (100, 125), (125, 150), (150, 200)]),
        *((low, high, 0) for low, high in [(200, 250), (250, 300), (300, 400), (400, 500), (500, 750), (750, 1000)]),
        (1000, 2000, 0),
        (2000, 5000, 0),
        (5000, 30_000, 1),
    ]


def test_an_aim_is_met_at_its_target() -> None:
    assert Aim(what="ratio", value=0.7, target=0.7).met
    assert not Aim(what="ratio", value=0.69, target=0.7).met
    assert Aim(what="memory", value=48, target=48, at_least=False).met
    assert not Aim(what="memory", value=48.1, target=48, at_least=False).met


def _read(raw: bytes) -> tuple[mqtt5.PublishPacket, Numbers]:
    packet, size = mqtt5.read(memoryview(raw))
    assert isinstance(packet, mqtt5.PublishPacket)
    assert size == len(raw)
    numbers = parse_numbers(packet.user_properties or [])
    assert numbers is not None
    return packet, numbers


def test_devices_come_in_turn_and_their_numbers_go_on_over_several_turns() -> None:
    devices = [mint_device_id() for _ in range(200)]
    publisher = Publisher(port=1, devices=devices, lane=Lane.BULK, readings=3)
    births = [_read(raw) for raw in publisher.births()]
    assert [parse_up(packet.topic).device for packet, _ in births] == devices
    assert all(numbers.seq == 0 for _, numbers in births)
    assert isinstance(decode_report(births[0][0].payload).items[0], Birth)
    first, second = (list(map(_read, publisher.reports(400))) for _ in range(2))
    for packets, seqs in ((first, [1, 2]), (second, [3, 4])):
        assert [parse_up(packet.topic).device for packet, _ in packets] == devices * 2
        assert [numbers.seq for _, numbers in packets] == [seq for seq in seqs for _ in devices]
        assert {numbers.epoch for _, numbers in packets[::200]} == {births[0][1].epoch}
    item = decode_report(first[0][0].payload).items[0]
    assert isinstance(item, Readings)
    assert len(item.value) == 3
