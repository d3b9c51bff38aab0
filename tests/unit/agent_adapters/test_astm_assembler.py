"""Messages put together from any pieces and frames, whole or not: nothing that was taken ends nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.astm.assembler import MAX_MESSAGE, MAX_RECORD, SPLIT, Assembler, Unusable
from agent.adapters.astm.records import Message
from tests.fixtures.astm import CONTROL, END, FLAGGED, HEADER, ORDER, PATIENT, message

FLAG = b"C|1|I|72^CLOT FOUND|I"
RESULT = b"R|1|^^^685/|22.4|U/l||A||F|||||P1"
H, P, O = HEADER.encode(), PATIENT.encode(), ORDER.encode()  # noqa: E741  # letters of the records


def split(whole: bytes) -> list[bytes]:
    return whole.split(b"\r")[:-1]


def of(found: list[Message]) -> list[list[bytes]]:
    """The records of messages that came to their end and tell all of them."""
    assert all(message.whole and not message.told for message in found)
    return [list(message.records) for message in found]


def told(found: list[Message]) -> list[list[bytes]]:
    """The records that each message tells."""
    return [list(message.records[message.told :]) for message in found]


class TestWhole:
    @given(st.integers(1, 200))
    def test_a_message_from_pieces_of_any_size(self, size: int) -> None:
        assembler = Assembler()
        found: list[Message] = []
        for at in range(0, len(FLAGGED), size):
            found += assembler.offer(FLAGGED[at : at + size], last=None)
        assert of(found) == [split(FLAGGED)]
        assert not assembler.refused

    @given(st.integers(1, 200), st.booleans())
    def test_a_message_in_frames_of_any_size(self, size: int, setting: bool) -> None:
        assembler = Assembler(record_per_frame=None if setting else False)
        found: list[Message] = []
        for at in range(0, len(FLAGGED), size):
            found += assembler.offer(FLAGGED[at : at + size], last=at + size >= len(FLAGGED))
        assert of(found) == [split(FLAGGED)]
        assert not assembler.refused

    @pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\r\n"])
    def test_records_end_with_cr_lf_or_both(self, end: bytes) -> None:
        assert of(Assembler().offer(FLAGGED.replace(b"\r", end), last=None)) == [split(FLAGGED)]

    def test_several_messages_in_one_text(self) -> None:
        assert of(Assembler().offer(FLAGGED + message(), last=True)) == [split(FLAGGED), split(message())]

    def test_what_was_offered_can_be_offered_again(self) -> None:
        assembler = Assembler()
        assembler.offer(FLAGGED[:40], last=None)
        for _ in range(3):
            assert of(assembler.offer(FLAGGED[40:] + b"stray\rH|\\^&\r", last=None)) == [split(FLAGGED)]
            assert assembler.refused == {"not-a-record": 1}
            assembler.back()
        assert of(assembler.offer(FLAGGED[40:], last=None)) == [split(FLAGGED)]
        assert not assembler.refused

    def test_a_text_that_begins_with_l_is_no_terminator(self) -> None:
        assembler = Assembler()
        assert assembler.offer(f"{HEADER}\rLARGE\r".encode(), last=None) == []
        assert assembler.refused == {"not-a-record": 1}
        assert len(assembler.offer(b"L\r", last=None)) == 1

    def test_blanks_and_nul_around_records(self) -> None:
        assert of(Assembler().offer(b"\0 " + FLAGGED.replace(b"\r", b" \r\0\0"), last=None)) == [split(FLAGGED)]

    def test_a_small_l_ends_it_too(self) -> None:
        assert len(Assembler().offer(FLAGGED.replace(b"\rL", b"\rl"), last=None)) == 1


class TestUseless:
    """A frame of which nothing belongs to a message is not to be acknowledged."""

    @pytest.mark.parametrize("end", [b"\r", b""])
    @pytest.mark.parametrize("last", [True, False])
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (P, "record-without-header"),
            (FLAG, "record-without-header"),
            (END.encode(), "record-without-header"),
            (b"MSH|^~\\&|x", "record-without-header"),
            (b"Hello", "record-without-header"),
            (b"H||||x", "bad-delimiters"),
            (b"H|^|x", "bad-delimiters"),
        ],
    )
    def test_without_a_header(self, text: bytes, why: str, end: bytes, last: bool) -> None:
        assembler = Assembler()
        for _ in range(2):
            with pytest.raises(Unusable) as raised:
                assembler.offer(text + end, last=last)
            assert raised.value.reason == why
        assert not assembler.refused
        assert assembler.ended() == []

    def test_within_a_message_it_leaves_the_message_as_it_was(self) -> None:
        assembler = Assembler()
        assembler.offer(H + b"\r", last=True)
        for text in (b"Hello\r", b"|1|x\r", b"12345\r"):
            with pytest.raises(Unusable):
                assembler.offer(text, last=True)
        assert of(assembler.offer(b"\r".join(split(FLAGGED)[1:]), last=True)) == [split(FLAGGED)]

    def test_behind_a_header_that_was_refused_nothing_is_of_use_and_the_message_before_it_is_told(self) -> None:
        assembler = Assembler()
        assembler.offer(H + b"\r" + FLAG + b"\r", last=True)
        for text in (b"H||||x\r", P + b"\r", FLAG + b"\r", b"L|1|N\r"):
            with pytest.raises(Unusable):
                assembler.offer(text, last=True)
        assert told(assembler.ended()) == [[H, FLAG]]
        assert of(assembler.offer(FLAGGED, last=True)) == [split(FLAGGED)]

    def test_a_frame_of_which_a_part_is_of_use_is_taken_and_the_rest_counted(self) -> None:
        assembler = Assembler()
        assert of(assembler.offer(b"stray\r" + FLAGGED, last=True)) == [split(FLAGGED)]
        assert assembler.refused == {"record-without-header": 1}

    def test_an_empty_frame_drops_nothing(self) -> None:
        assembler = Assembler()
        for text in (b"", b"\r", b" \0\r\n"):
            assert assembler.offer(text, last=True) == []
        assert not assembler.refused

    def test_a_stream_has_nobody_to_be_told(self) -> None:
        assembler = Assembler()
        assert assembler.offer(f"{PATIENT}\r{END}\rMSH|^~\\&|x\rHello\rH\rH1\r".encode(), last=None) == []
        assert assembler.refused == {"record-without-header": 6}

    def test_behind_a_header_that_can_not_be_read_nothing_belongs_to_the_one_before(self) -> None:
        assembler = Assembler()
        found = assembler.offer(b"\r".join([H, O, b"H||||x", FLAG, b""]), last=None)
        assert told(found) == [[H, O]]
        assert assembler.refused == {"no-terminator": 1, "bad-delimiters": 1, "record-without-header": 1}


class TestWithoutTerminator:
    def offered(self, *records: bytes) -> Assembler:
        assembler = Assembler()
        for record in records:
            assert assembler.offer(record + b"\r", last=True) == []
        return assembler

    def test_the_end_of_the_transfer_ends_it(self) -> None:
        assembler = self.offered(H, P, O, RESULT, FLAG)
        (found,) = assembler.ended()
        assert (found.records, found.told, found.whole) == ([H, P, O, RESULT, FLAG], 0, False)
        assert assembler.refused == {"no-terminator": 1}
        assert assembler.ended() == []
        assert assembler.broke() == []

    def test_a_new_header_ends_it(self) -> None:
        assembler = self.offered(H, FLAG)
        assert told(assembler.offer(FLAGGED, last=True)) == [[H, FLAG], split(FLAGGED)]
        assert assembler.refused == {"no-terminator": 1}

    def test_what_breaks_it_off_ends_it(self) -> None:
        assembler = self.offered(H, FLAG)
        assert told(assembler.broke()) == [[H, FLAG]]
        assert assembler.refused == {"message-unfinished": 1}

    def test_a_pause_tells_what_is_whole_and_all_goes_on(self) -> None:
        assembler = self.offered(H, FLAG)
        assembler.offer(FLAG[:5], last=None)
        assert told(assembler.paused()) == [[H, FLAG]]
        assert told(assembler.offer(FLAG[5:] + b"\rL|1|N\r", last=None)) == [[FLAG, b"L|1|N"]]

    def test_what_goes_on_behind_it_belongs_to_its_order_and_is_told_alone(self) -> None:
        """Some send each record in a transfer of its own."""
        assembler = Assembler()
        found: list[Message] = []
        for record in (H, P, O, RESULT, FLAG, END.encode()):
            found += assembler.offer(record + b"\r", last=True)
            found += assembler.ended()
        assert told(found) == [[H], [P], [O], [RESULT], [FLAG], [END.encode()]]
        assert [each.records[: each.told] for each in found] == [[], [H], [H], [H, O], [H, O, RESULT], [H, O, RESULT]]

    def test_where_something_may_be_lost_between_no_order_goes_on(self) -> None:
        """Else a patient's result might be read as that of the control before it."""
        assembler = self.offered(H, CONTROL.encode())
        assembler.broke()
        (found,) = assembler.offer(RESULT + b"\rL|1|N\r", last=True)
        assert (found.records, found.told) == ([H, RESULT, b"L|1|N"], 1)

    def test_what_comes_behind_a_terminator_belongs_to_the_header_alone(self) -> None:
        assembler = Assembler()
        assembler.offer(message(CONTROL), last=True)
        assembler.offer(FLAG + b"\r", last=True)
        (found,) = assembler.ended()
        assert (found.records, found.told) == ([H, FLAG], 1)

    @pytest.mark.parametrize("how", ["ended", "broke"])
    def test_a_record_that_was_cut_off_is_not_read(self, how: str) -> None:
        assembler = self.offered(H)
        assembler.offer(b"R|1|^^^GLU|5.", last=False)
        (found,) = getattr(assembler, how)()
        assert found.records == [H]
        assert assembler.refused["record-cut"] == 1

    @pytest.mark.parametrize("how", ["ended", "broke"])
    def test_a_record_that_its_frame_ended_is(self, how: str) -> None:
        assembler = self.offered(H)
        assembler.offer(FLAG, last=True)
        assert told(getattr(assembler, how)()) == [[H, FLAG]]

    def test_the_last_record_of_a_stream_needs_no_cr_where_the_stream_ended(self) -> None:
        assembler = Assembler()
        assembler.offer(H + b"\r" + FLAG, last=None)
        assert told(assembler.ended()) == [[H, FLAG]]

    def test_but_is_cut_off_where_the_line_broke(self) -> None:
        assembler = Assembler()
        assembler.offer(H + b"\r" + FLAG, last=None)
        assert told(assembler.broke()) == [[H]]
        assert assembler.refused == {"record-cut": 1, "message-unfinished": 1}


def framed_records(
    *records: bytes, last: bool | None, setting: bool | None = None
) -> tuple[list[list[bytes]], Assembler]:
    """What comes of records that are put each into a frame without a CR; the last frame ends with ETX."""
    assembler = Assembler(record_per_frame=setting)
    found: list[Message] = []
    for at, record in enumerate(records, 1):
        found += assembler.offer(record, last=last or at == len(records))
    return told(found + assembler.ended()), assembler


LONG = b"C|1|I|" + b"x" * SPLIT
L = END.encode()


class TestRecordsWithoutCr:
    @pytest.mark.parametrize("setting", [None, True])
    @pytest.mark.parametrize("last", [True, False])
    @pytest.mark.parametrize("end", [(L,), ()])
    def test_a_record_in_each_frame(self, setting: bool | None, last: bool, end: tuple[bytes, ...]) -> None:
        records = (H, P, O, RESULT, FLAG, *end)
        found, assembler = framed_records(*records, last=last, setting=setting)
        assert found == [list(records)]
        assert assembler.refused == ({} if end else {"no-terminator": 1})

    def test_the_last_frame_may_end_with_etb_too(self) -> None:
        assembler = Assembler()
        for record in (H, FLAG):
            assembler.offer(record, last=False)
        assert told(assembler.ended()) == [[H, FLAG]]

    def test_a_terminator_completes_it_whatever_its_frame_ends_with(self) -> None:
        assembler = Assembler()
        assembler.offer(H, last=False)
        assert told(assembler.offer(L, last=False)) == [[H, L]]
        assert assembler.offer(b"\r", last=True) == []

    @pytest.mark.parametrize("last", [True, False])
    def test_a_frame_that_begins_like_no_record_goes_on(self, last: bool) -> None:
        found, assembler = framed_records(H + b"\r" + FLAG[:9], FLAG[9:], L, last=last)
        assert found == [[H, FLAG, L]]
        assert not assembler.refused

    def test_the_processing_code_of_a_header_is_no_patient(self) -> None:
        at = H.index(b"P|1|2024")
        found, _ = framed_records(H[:at], H[at:] + b"\r" + FLAG + b"\r" + L + b"\r", last=False)
        assert found == [[H, FLAG, L]]

    def test_a_flag_of_a_result_is_no_terminator(self) -> None:
        result = b"R|1|^^^685/|22.4|U/l||L|72|F"
        at = result.index(b"L|72")
        whole = H + b"\r" + result
        found, assembler = framed_records(whole[: len(H) + 1 + at], result[at:] + b"\r" + L + b"\r", last=False)
        assert [H, result, L] in found or assembler.refused == {"record-unclear": 1}

    def test_a_full_frame_of_records_that_end_with_cr_goes_on(self) -> None:
        result = b"C|1|I|" + b"x" * SPLIT + b"SERU"
        found, assembler = framed_records(H + b"\r" + result, b"M|1|x\r" + L + b"\r", last=False)
        assert found == [[H, result + b"M|1|x", L]]
        assert not assembler.refused

    @pytest.mark.parametrize(
        ("before", "text"),
        [
            (H + b"\rR|1|^^^685/|22.4|U/l||", b"L|72|F\r"),  # the flag of a result, or a terminator
            (H + b"\r" + O + b"\rC|1|I|72|", FLAG),
        ],
    )
    def test_what_may_be_both_is_counted_and_not_read(self, before: bytes, text: bytes) -> None:
        found, assembler = framed_records(before, text, L, last=False)
        assert found[0][-2:] == [b"P", L]
        assert assembler.refused == {"record-unclear": 1}

    def test_the_setting_decides(self) -> None:
        found, assembler = framed_records(H, b"C|1|I|72|", FLAG, L, last=False, setting=True)
        assert (sum(map(len, found)), assembler.refused) == (4, {})
        found, assembler = framed_records(H + b"\rC|1|I|72|", FLAG, L + b"\r", last=False, setting=False)
        assert (sum(map(len, found)), assembler.refused) == (2, {"no-terminator": 1})

    def test_a_setting_that_makes_one_record_of_a_message_is_found_out(self) -> None:
        """Only CR ends a record, and none comes: what plainly begins another is not acknowledged."""
        assembler = Assembler(record_per_frame=False)
        assert assembler.offer(H, last=False) == []
        for _ in range(6):
            with pytest.raises(Unusable, match="record-unclear"):
                assembler.offer(FLAG, last=False)
        assert told(assembler.broke()) == []
        assert assembler.refused == {"record-cut": 1}

    def test_a_full_frame_is_unclear_where_nothing_else_tells(self) -> None:
        found, assembler = framed_records(H, LONG, FLAG, L, last=False)
        assert found == [[H, b"P", L]]
        assert assembler.refused == {"record-unclear": 1}
        assert framed_records(H, LONG, FLAG, L, last=False, setting=True)[0] == [[H, LONG, FLAG, L]]


class TestBounds:
    @pytest.mark.parametrize("sent", [b"x" * 4000, b"x" * 4000 + b"\r", b"C|1\r" * 1000])
    def test_a_message_without_end_is_told_in_parts_and_not_held(self, sent: bytes) -> None:
        assembler = Assembler()
        assembler.offer(H + b"\r" + O + b"\r", last=None)
        found: list[Message] = []
        for _ in range(2 * MAX_MESSAGE // 4000):
            found += assembler.offer(sent, last=None)
            held = assembler._open
            assert sum(map(len, held.records)) + len(held.tail) <= MAX_MESSAGE + MAX_RECORD + 4000
        assert of(assembler.offer(b"\r" + FLAGGED, last=None)[-1:]) == [split(FLAGGED)]
        assert sum(assembler.refused.values()) >= 1
        assert {each.told for each in found} <= {0, 2}

    def test_of_a_message_in_parts_each_record_is_told_once(self) -> None:
        records = [b"C|%d|I|" % at + b"x" * 990 for at in range(2200)]
        assembler = Assembler()
        found: list[Message] = []
        for record in (H, O, *records, L):
            found += assembler.offer(record + b"\r", last=True)
        assert [record for each in told(found) for record in each] == [H, O, *records, L]
        assert [each.records[: each.told] for each in found] == [[], [H, O], [H, O]]
        assert assembler.refused == {"message-oversize": 2}

    def test_a_record_without_end_is_left_out_and_its_message_goes_on(self) -> None:
        assembler = Assembler()
        assembler.offer(H + b"\r" + CONTROL.encode() + b"\rR|1|", last=True)
        for _ in range(40):
            assert assembler.offer(b"x" * 4000, last=False) == []
            assert len(assembler._open.tail) <= MAX_RECORD + 4000
        (found,) = assembler.offer(b"\r" + FLAG + b"\r" + L + b"\r", last=True)
        # What follows belongs to no order: the one that is missing may have been another.
        assert found.records == [H, CONTROL.encode(), b"P", FLAG, L]
        assert assembler.refused == {"record-oversize": 1}

    def test_the_largest_message_passes(self) -> None:
        record = b"C|1|I|" + b"x" * 994
        whole = FLAGGED.replace(b"\rL|", b"\r" + (record + b"\r") * 990 + b"L|")
        assert MAX_MESSAGE - 10_000 < len(whole) < MAX_MESSAGE
        assert len(Assembler().offer(whole, last=True)) == 1


TEXTS = st.sampled_from([H, P, O, RESULT, FLAG, L, LONG, b"Hello", b"|1|x", b"", FLAG[:7], b"H||||x"])


@given(
    st.lists(st.tuples(TEXTS, st.sampled_from([b"", b"\r"]), st.sampled_from([True, False, None])), max_size=20),
    st.sampled_from([True, False, None]),
)
def test_what_is_taken_is_told_or_counted(pieces: list[tuple[bytes, bytes, bool | None]], setting: bool | None) -> None:
    """Each flag in a frame that was taken stands in what is told, or something is counted instead."""
    assembler = Assembler(record_per_frame=setting)
    found: list[Message] = []
    taken = 0
    for text, end, last in pieces:
        try:
            found += assembler.offer(text + (b"\r" if last is None else end), last=last)
        except Unusable:
            continue
        taken += text == FLAG
    found += assembler.ended()
    seen = sum(record.count(FLAG) for each in told(found) for record in each)
    assert taken - seen <= sum(assembler.refused.values())
    assert assembler.ended() == []
