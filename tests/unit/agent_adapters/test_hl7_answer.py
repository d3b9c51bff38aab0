"""Acknowledgements: in the sender's own delimiters, as its header asks for them."""

import pytest

from agent.adapters.hl7.answer import Outcome, answers
from agent.adapters.hl7.message import Message
from tests.fixtures.hl7 import equipment, message
from tests.fixtures.hl7_library import fields_of

STAMP = "20261121180002"


def given(data: bytes, outcome: Outcome = Outcome.ACCEPTED) -> list[bytes]:
    return answers(Message(data), outcome, stamp=STAMP, number=9)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(Outcome.ACCEPTED, "AA"), (Outcome.FAILED, "AE"), (Outcome.UNSUPPORTED, "AR"), (Outcome.TOO_LARGE, "AR")],
)
def test_original_mode(outcome: Outcome, code: str) -> None:
    (answer,) = given(equipment(id_="4711"), outcome)
    read = Message(answer)
    (msa,) = read.named("MSA")
    assert (msa.text(1), msa.text(2)) == (code, "4711")
    assert [err.text(4) for err in read.named("ERR")] == ([] if outcome is Outcome.ACCEPTED else ["E"])


def test_the_whole_of_one() -> None:
    data = message("OBR|1", type_="ORU^R01", id_="12", f12="2.3.1", f16="2", f18="ASCII")
    assert given(data) == [
        b"MSH|^~\\&|STETH||BS-480|LAB|20261121180002||ACK^R01|9|P|2.3.1||||2||ASCII\rMSA|AA|12||||0\r"
    ]
    (failed,) = given(equipment(), Outcome.FAILED)
    assert failed.split(b"\r") == [
        b"MSH|^~\\&|STETH||BS-480|LAB|20261121180002||ACK^U01^ACK|9|P|2.5.1",
        b"MSA|AE|7",
        b"ERR|||207^Application internal error|E",
        b"",
    ]


@pytest.mark.parametrize(("version", "place"), [("2.3.1", "MSA-6"), ("2.4", "MSA-6"), ("2.5", "ERR"), ("", "ERR")])
def test_the_reason_stands_where_the_version_has_it(version: str, place: str) -> None:
    for outcome, code in ((Outcome.ACCEPTED, "0"), (Outcome.FAILED, "207"), (Outcome.UNSUPPORTED, "200")):
        (answer,) = given(equipment(f12=version), outcome)
        read = Message(answer)
        (msa,) = read.named("MSA")
        assert msa.text(6) == (code if place == "MSA-6" else "")
        errors = [err.text(3) for err in read.named("ERR")]
        assert errors == ([code] if place == "ERR" and outcome is not Outcome.ACCEPTED else [])


@pytest.mark.parametrize(
    ("accept", "application", "success", "failure"),
    [
        ("AL", "NE", ["CA"], ["CE"]),
        ("AL", "AL", ["CA", "AA"], ["CE"]),
        ("AL", "ER", ["CA"], ["CE"]),
        ("AL", "SU", ["CA", "AA"], ["CE"]),
        ("AL", "", ["CA"], ["CE"]),
        ("NE", "NE", [], []),
        ("NE", "AL", ["AA"], ["AE"]),
        ("NE", "ER", [], ["AE"]),
        ("NE", "SU", ["AA"], []),
        ("NE", "", [], []),
        ("ER", "NE", [], ["CE"]),
        ("ER", "AL", ["AA"], ["CE"]),
        ("ER", "ER", [], ["CE"]),
        ("ER", "SU", ["AA"], ["CE"]),
        ("ER", "", [], ["CE"]),
        ("SU", "NE", ["CA"], []),
        ("SU", "AL", ["CA", "AA"], ["AE"]),
        ("SU", "ER", ["CA"], ["AE"]),
        ("SU", "SU", ["CA", "AA"], []),
        ("SU", "", ["CA"], []),
        ("", "NE", [], []),
        ("", "AL", ["AA"], ["AE"]),
        ("", "ER", [], ["AE"]),
        ("", "SU", ["AA"], []),
        ("", "", ["AA"], ["AE"]),
        ("ne", "al^Always", ["AA"], ["AE"]),
        ('""', '""', ["AA"], ["AE"]),
        ("", "2", ["AA"], ["AE"]),
        ("??", "??", ["AA"], ["AE"]),
    ],
)
def test_every_wish_of_table_0155(accept: str, application: str, success: list[str], failure: list[str]) -> None:
    data = equipment(f15=accept, f16=application)
    rejected = [code[0] + "R" for code in failure]
    for outcome, codes in (
        (Outcome.ACCEPTED, success),
        (Outcome.FAILED, failure),
        (Outcome.UNSUPPORTED, rejected),
        (Outcome.TOO_LARGE, rejected),
    ):
        found = [Message(answer) for answer in given(data, outcome)]
        assert [msa.text(1) for read in found for msa in read.named("MSA")] == codes
        assert len({read.control_id for read in found}) == len(found)


def test_in_the_sender_s_delimiters_and_encoding() -> None:
    data = equipment(f3="迈瑞", id_="9号", f18="GB 18030-2000").decode().translate(str.maketrans("|^~\\&", "#:*!$"))
    (answer,) = given(data.encode("gb18030"))
    assert answer.startswith("MSH#:*!$#STETH##迈瑞#LAB#20261121180002##ACK:U01:ACK#9#P#".encode("gb18030"))
    assert answer.endswith("\rMSA#AA#9号\r".encode("gb18030"))


def test_a_header_of_nothing_is_answered_all_the_same() -> None:
    (answer,) = given(b"MSH|^~\\&|x|y")
    assert answer == b"MSH|^~\\&|STETH||x|y|20261121180002||ACK|9|P\rMSA|AA\r"
    (answer,) = given(b"MSH||a^b||||||ESU^U01|1", Outcome.FAILED)
    assert answer.startswith(b"MSH|^~\\&|STETH||a^b|")
    assert b"\rMSA|AE|1\rERR|||207^Application internal error|E\r" in answer
    (answer,) = given(b"MSH|.|a.b|||||||1", Outcome.FAILED)
    assert answer.startswith(b"MSH|.|STETH||a.b|")
    assert b"\rMSA|AE|1\rERR|||207.Application internal error|E\r" in answer


def test_a_long_control_id_is_cut_and_no_segment_can_be_slipped_in() -> None:
    (answer,) = given(equipment(id_="x" * 5000))
    assert answer.endswith(b"\rMSA|AA|" + b"x" * 200 + b"\r")
    (answer,) = given(equipment(id_="1\rMSA|AR|1"))
    assert answer.count(b"MSA") == 1


def test_another_reader_understands_it() -> None:
    (answer,) = given(equipment(id_="4711"), Outcome.FAILED)
    assert fields_of(answer, "MSA") == [["MSA", "AE", "4711"]]
    assert fields_of(answer, "MSH")[0][9] == "ACK^U01^ACK"
