"""The state: packed and read again, bounded, never changed in place; judged by another catalog; ids."""

import contextlib
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.effects import EpisodeChanged, EpisodeOpened
from alerts.engine import AlertEngine
from alerts.episode import Condition
from alerts.state import Entry, Held, State, pack, unpack
from catalog.load import load
from catalog.model import Clear
from ingest.ports import Engine, Now
from tests.unit.alerts.device import (
    CLOCK0,
    DEVICE,
    MODEL,
    Reporting,
    birth,
    code,
    fault,
    limit,
    model,
    moves,
    ms,
    only,
    opened,
    reading,
    signal,
    temp,
)
from wire.topics import Lane

STORED = bytes.fromhex(
    "019a02b039393964663236616430316538303736ce0002bf200082a96c696d69743a686f749ad92465633836663839342d38"
    "6132312d353066662d623266372d626332633864663532316331a770656e64696e67a770656e64696e67cf000001a200fb51"
    "00cf000001a200ffe4e0ce0005573001cb4049000000000000c2c2a86661756c743a45319ad92436666130393338332d3533"
    "61302d353630632d616636382d613336373466376365386565a6616374697665a6616374697665cf000001a200fb51000000"
    "01cb0000000000000000c2c282a474656d70cf000001a200fb5100a86661756c743a4531cf000001a200fb510081a8666175"
    "6c743a453191cf000001a200fb51009196a24532a6616374697665cf000001a200ed9560cf000001a200ed9560cb00000000"
    "0000000001ce000249f0ce00055730"
)
"""Of a device with a pending limit, an active fault and a late one that waits, as format 1 was first written."""
CLOCKED = bytes.fromhex(
    "019a07b039393964663236616430316538303736ce0002bf200084a96c696d69743a686f749ad92465633836663839342d38"
    "6132312d353066662d623266372d626332633864663532316331a770656e64696e67a770656e64696e67cf000001a200fb51"
    "00cf000001a200ffe4e0ce0005573001cb4049000000000000c2c2a86661756c743a45319ad92436666130393338332d3533"
    "61302d353630632d616636382d613336373466376365386565a6616374697665a6616374697665cf000001a200fb51000000"
    "01cb0000000000000000c2c2aa6c696d69743a627573799ad92463326539653166622d633334622d356133642d616462392d"
    "363966346636386562336137a6616374697665a6616374697665cf000001a200fb5100000001cb4057c00000000000c2c2a8"
    "6661756c743a45329ad92461316461633464322d386538642d356263352d616339382d383036643330666639373962a8636c"
    "656172696e67a8636c656172696e67cf000001a200fbc630cf000001a2010061e0ce0005d43001cb0000000000000000c2c3"
    "85a474656d70cf000001a200fb5100a86661756c743a4531cf000001a200fb5100a86661756c743a4533cf000001a200fb51"
    "00a46c6f6164cf000001a200fb5100a86661756c743a4532cf000001a200fbce0084a86661756c743a453191cf000001a200"
    "fb5100a86661756c743a453391cf000001a200fb5100aa6c696d69743a6275737991cf000001a200fb5100a86661756c743a"
    "453293cf000001a200fb7810cf000001a200fb9f20cf000001a200fbc6309196a25839a6616374697665cf000001a200f536"
    "80cf000001a200f53680cb000000000000000001ce00030d40ce00055730"
)
"""Of a device with a pending limit that the former program would let hold by the clock at 300 s (before ADR 0021), a
chattering fault, a limit, and a late fault that waits."""
whole = st.integers(-(2**62), 2**62)
entries = st.builds(
    Entry,
    id=st.uuids(),
    condition=st.sampled_from(Condition),
    before=st.sampled_from(Condition),
    occurred_ms=whole,
    due_ms=whole,
    due_clock=whole,
    count=whole,
    value=st.floats(allow_nan=False),
    late=st.booleans(),
    chatters=st.booleans(),
)
held = st.builds(
    Held, name=st.text(), state=st.text(), at_ms=whole, first_ms=whole, value=st.floats(allow_nan=False), count=whole
)
states = st.builds(
    State,
    counter=whole,
    digest=st.text(),
    silence_ms=whole,
    known_clock=whole,
    entries=st.dictionaries(st.text(), entries, max_size=3),
    judged=st.dictionaries(st.text(), whole, max_size=3),
    opens=st.dictionaries(st.text(), st.lists(whole, max_size=3).map(tuple), max_size=3),
    held=st.lists(held, max_size=3).map(tuple),
    held_clock=whole,
    timer=whole,
)


def test_it_is_the_engine_that_ingest_asks_for() -> None:
    engine: Engine[State] = AlertEngine(models={})
    assert engine.due(engine.fresh(DEVICE, Lane.LIVE), Reporting().presence) is None


@given(state=states)
def test_packed_and_unpacked_is_the_same(state: State) -> None:
    assert unpack(pack(state)) == state


@given(packed=st.binary() | st.binary().map(lambda b: b"\x01" + b))
def test_anything_else_is_refused_with_a_value_error(packed: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(unpack(packed), State)


def test_a_newer_format_is_refused_and_says_so() -> None:
    with pytest.raises(ValueError, match="of format 3, this program reads 2"):
        unpack(b"\x03" + msgspec.msgpack.encode([]))


def test_a_state_with_a_wrong_bit_is_refused_even_if_it_can_be_read() -> None:
    """Seen: a device whose state said nonsense was judged by nobody, for ever."""
    packed = pack(unpack(STORED))
    for bit in range(8 * len(packed)):
        wrong = bytearray(packed)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match=r"damaged|read|of format"):
            unpack(bytes(wrong))
    for end in range(len(packed)):
        with pytest.raises(ValueError, match=r"damaged|read|of format"):
            unpack(packed[:end])


def test_fields_that_an_older_program_did_not_have_are_as_fresh() -> None:
    """A struct only grows at its end, with defaults: the shorter array of an older program is read."""
    older = b"\x01" + msgspec.msgpack.encode([5, "digest", 180_000])
    assert unpack(older) == State(counter=5, digest="digest", silence_ms=180_000)


def test_a_state_stored_by_the_first_program_is_read() -> None:
    state = unpack(STORED)
    assert state.entries["limit:hot"].condition is Condition.PENDING
    assert state.entries["limit:hot"].occurred_ms == ms(0)
    assert state.held[0].name == "E2"
    assert unpack(pack(state)) == state


def test_what_pends_by_the_clock_of_a_former_program_waits_for_facts() -> None:
    device = Reporting()
    device.state = unpack(CLOCKED)
    device.hear(290)
    found = device.report(299, birth(299)) + device.tick(310)
    assert moves(found) == []
    assert device.state.entries["limit:hot"].condition is Condition.PENDING
    assert moves(device.report(340, temp(50, 320))) == [("held", "pending", "active"), ("quiet", "clearing", "ok")]
    assert device.state.entries["limit:busy"].value == 95


def test_a_judgement_repeated_after_a_rollback_gives_the_same_ids() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0))
    before = device.state
    first = device.report(10, fault("E2", 10), temp(50, 10))
    device.state = before
    assert [e.alert_id for e in only(EpisodeOpened, device.report(10, fault("E2", 10), temp(50, 10)))] == [
        e.alert_id for e in only(EpisodeOpened, first)
    ]


def test_ids_differ_by_device_and_lane() -> None:
    other = msgspec.structs.replace(DEVICE, uid="d8")
    ids: set[UUID] = set()
    for device in (Reporting(), Reporting(lane=Lane.BULK), Reporting(device=other)):
        ids.update(e.alert_id for e in only(EpisodeOpened, device.report(1, reading("load", 99, 1))))
    assert len(ids) == 3


def test_a_rule_that_the_catalog_has_no_longer_ends_its_episodes() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0), reading("load", 99, 0), temp(50, 0), fault("E3", 0), fault("ZZ", 0))
    device.engine = AlertEngine(models={"dr": model(signals=[signal("load", limit("busy"))])})
    found = device.report(1, reading("plain", 1, 1))
    assert {(e.event, e.to_state, e.message, e.params["rule"]) for e in only(EpisodeChanged, found)} == {
        ("retired", "ok", "alert.retired", "fault:E1"),
        ("retired", "ok", "alert.retired", "limit:hot"),
    }
    assert set(device.state.entries) == {"limit:busy", "fault:E3", "fault:ZZ"}
    assert device.report(2, reading("plain", 1, 2)) == []
    # the open code that is unknown now ends by its timer
    assert moves(device.report(61, fault("E3", 61, "cleared"))) == [("hold-elapsed", "active", "ok")]


def test_a_silence_rule_that_is_gone_silences_nobody() -> None:
    device = Reporting()
    device.report(0, fault("E1", 0))
    device.tick(180)
    device.engine = AlertEngine(models={"dr": model(faults=[code("E1")], silence_s=None)})
    assert moves(device.tick(181)) == [("retired", "active", "ok")]
    assert device.due() is None
    assert moves(device.report(200, reading("plain", 1, 200))) == [("back", "no-data", "active")]


def test_a_model_that_the_catalog_does_not_hold_has_unknown_codes_only() -> None:
    device = Reporting(device=msgspec.structs.replace(DEVICE, model="nothing"))
    found = device.report(1, fault("E1", 1), reading("load", 99, 1))
    assert [e.family for e in only(EpisodeOpened, found)] == ["unknown-code"]
    assert device.due() == 1 + 86_400 + 300


def test_a_device_whose_codes_all_became_unknown_is_still_judged() -> None:
    many = model(faults=[code(f"K{number}", clear=Clear(after_s=9e6)) for number in range(200)])
    device = Reporting(many)
    for number in range(200):
        device.report(number, fault(f"K{number}", number))
    device.engine = AlertEngine(models={"dr": model()})
    assert opened(device.report(201, fault("NEW", 201))) == [("fault:*", "active")]


def test_two_limits_with_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match="same key"):
        AlertEngine(models={"dr": model(signals=[signal("a", limit("x")), signal("b", limit("x"))])})


def test_the_shipped_catalog_compiles_and_each_code_of_it_opens() -> None:
    catalog = load()
    engine = AlertEngine(models=catalog.models)
    for key, one in catalog.models.items():
        device = Reporting(one)
        device.engine, device.device = engine, msgspec.structs.replace(DEVICE, model=key)
        device.state = engine.fresh(device.device, Lane.LIVE)
        for number, name in enumerate(one.faults):
            at = number * 100.0
            assert (f"fault:{name}", "active") in opened(device.report(at, fault(name, at)))
        assert len(engine.pack(device.state)) < 20_000


def test_time_alone_without_anything_due_leaves_the_very_same_state() -> None:
    device = Reporting()
    device.report(0, temp(50, 0))
    before = device.state
    now = Now(wall_ms=ms(1), clock_ms=CLOCK0 + 1000)
    after, effects = device.engine.step(DEVICE, Lane.LIVE, before, device.presence, [], now)
    assert after is before
    assert effects == []
    assert MODEL.silence is not None
