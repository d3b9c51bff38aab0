"""What a performed procedure step says, and what each request about one is answered."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset

from agent.adapters.dicom import dimse
from agent.adapters.dicom.dimse import Answer
from agent.adapters.dicom.mpps import Status, Step, decide
from agent.errors import AdapterError
from tests.fixtures.dicom import BIG_ENDIAN, EXPLICIT, IMPLICIT, element
from tests.fixtures.dose import code
from tests.fixtures.mpps import attributes, begun, ended, read_step


def read(dataset: Dataset, *, implicit: bool = False) -> Step:
    return read_step(attributes(dataset, implicit=implicit), transfer_syntax=IMPLICIT if implicit else EXPLICIT)


def step(status: Status | None, *, known: bool = True) -> Step:
    return Step(status, known, None, equipment_failure=False, refused=Counter())


@pytest.mark.parametrize("implicit", [False, True])
def test_status_exposures_and_whether_the_equipment_failed(implicit: bool) -> None:
    assert read(begun(), implicit=implicit) == Step(Status.IN_PROGRESS, True, None, False, Counter())
    assert read(ended(), implicit=implicit) == Step(Status.COMPLETED, True, 2, False, Counter())
    broken = ended("DISCONTINUED", exposures=0, reason="110501")
    assert read(broken, implicit=implicit) == Step(Status.DISCONTINUED, True, 0, True, Counter())


@pytest.mark.parametrize("reason", ["110500", "110504", "110505", "110508", "110513", "CANARY"])
def test_a_reason_that_tells_of_the_patient_is_another_one(reason: str) -> None:
    found = read(ended("DISCONTINUED", reason=reason))
    assert not found.equipment_failure
    assert "CANARY" not in repr(found)


def test_a_maker_s_own_code_of_the_same_number_is_none() -> None:
    found = ended("DISCONTINUED")
    found.PerformedProcedureStepDiscontinuationReasonCodeSequence = code("110501", "99MAKER")
    assert not read(found).equipment_failure


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_values_beside_the_standard_are_refused_and_counted() -> None:
    reason = "unknown-code:mpps.status"
    assert read(begun("CANARY")) == Step(None, False, None, False, Counter({reason: 1}), {reason: "AAAAAA"})
    found = ended()
    del found.TotalNumberOfExposures
    found.add_new(0x00400301, "LO", "CANARY")
    assert read(found).refused == {"malformed:mpps.exposures": 1}
    found[0x00400301].value = ""
    assert read(found) == Step(Status.COMPLETED, True, None, False, Counter())


def test_without_attributes_nothing_is_said() -> None:
    assert read_step(b"", transfer_syntax=EXPLICIT) == step(None)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize(
    ("vr", "number", "expected"),
    [("US", 3, 3), ("US", 9, 9), ("US", 32, 32), ("US", 50, 50), ("SS", 3, 3), ("UL", 3, 3), ("UN", 9, 9),
     ("SS", -1, None), ("UL", 70_000, None), ("US", 0x3332, None)],
)  # fmt: skip
def test_a_number_of_exposures_in_whatever_representation(
    vr: str, number: int, expected: int | None, syntax: str
) -> None:
    order = "big" if syntax == BIG_ENDIAN else "little"
    value = number.to_bytes(4 if vr == "UL" else 2, order, signed=vr == "SS")  # type: ignore[arg-type]  # one of two
    data = element("PerformedProcedureStepStatus", "COMPLETED", syntax=syntax)
    found = read_step(data + element("TotalNumberOfExposures", value, vr=vr, syntax=syntax), transfer_syntax=syntax)
    assert found.exposures == expected
    assert found.refused.total() == (expected is None)


@pytest.mark.parametrize(("vr", "text", "expected"), [("IS", "12", 12), ("DS", "2.5", None), ("LO", "007", 7)])
def test_a_number_of_exposures_as_text(vr: str, text: str, expected: int | None) -> None:
    found = read_step(element("TotalNumberOfExposures", text, vr=vr), transfer_syntax=EXPLICIT)
    assert found.exposures == expected
    assert found.refused == ({} if expected else {"implausible:mpps.exposures": 1})


def test_text_where_the_encoding_says_nothing_may_be_two_numbers() -> None:
    found = read_step(element("TotalNumberOfExposures", "3", syntax=IMPLICIT, vr="IS"), transfer_syntax=IMPLICIT)
    assert found.exposures is None
    assert found.refused == {"malformed:mpps.exposures": 1}


def test_two_statuses_are_none() -> None:
    both = [element("PerformedProcedureStepStatus", text) for text in ("COMPLETED", "DISCONTINUED")]
    assert not read_step(b"".join(both), transfer_syntax=EXPLICIT).known
    assert read_step(both[0] * 2, transfer_syntax=EXPLICIT) == step(Status.COMPLETED)


SUCCESS = Answer(dimse.SUCCESS)
OVER = Answer(0x0110, "performed procedure step may no longer be updated", 0xA710)
CREATED = {
    Status.IN_PROGRESS: SUCCESS,
    Status.COMPLETED: Answer(0x0106, "status"),
    Status.DISCONTINUED: Answer(0x0106, "status"),
    None: Answer(0x0120, "status"),
}
"""N-CREATE of an unknown instance, by the status in it."""


@pytest.mark.parametrize(("before", "status"), list(product([None, *Status], [None, *Status])))
def test_what_a_request_is_answered(before: Status | None, status: Status | None) -> None:
    created = decide(create=True, before=before, step=step(status))
    assert created.answer == (CREATED[status] if before is None else Answer(0x0111))
    assert created.status == (status if created.answer == SUCCESS else None)
    changed = decide(create=False, before=before, step=step(status))
    if before is None:
        assert changed == (Answer(0x0112), None)
    elif before is Status.IN_PROGRESS:
        assert changed == (SUCCESS, status)
    else:
        assert changed == (SUCCESS if status is before else OVER, None)


@pytest.mark.parametrize("create", [False, True])
def test_an_unknown_status_is_an_invalid_value(create: bool) -> None:
    found = decide(create=create, before=Status.IN_PROGRESS, step=step(None, known=False))
    assert found == (Answer(0x0106, "status"), None)


SAMPLE = attributes(ended("DISCONTINUED", reason="110501"))


@settings(deadline=None, max_examples=200)
@given(at=st.integers(0, len(SAMPLE) - 1), change=st.binary(max_size=12), drop=st.integers(0, 12))
def test_no_damage_raises_anything_but_the_adapter_s_error(at: int, change: bytes, drop: int) -> None:
    try:
        found = read_step(SAMPLE[:at] + change + SAMPLE[at + drop :], transfer_syntax=EXPLICIT)
    except AdapterError as error:
        assert "CANARY" not in str(error)  # noqa: PT017  # or none at all
    else:
        assert "CANARY" not in repr(found)
