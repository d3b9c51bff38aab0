"""Which classes are storage: held against the standard's own list of UIDs, in pydicom."""

import pytest
from pydicom._uid_dict import UID_dictionary

from agent.adapters.dicom.services import is_storage

NO_STORAGE = ("Storage Commitment", "Media Storage Directory")
CLASSES = {uid: entry[0] for uid, entry in UID_dictionary.items() if entry[1] in {"SOP Class", "Meta SOP Class"}}


@pytest.mark.parametrize("uid", [uid for uid, name in CLASSES.items() if name])
def test_a_class_of_the_standard_is_what_its_name_says(uid: str) -> None:
    name = CLASSES[uid]
    assert is_storage(uid) == ("Storage" in name and not name.startswith(NO_STORAGE)), name


@pytest.mark.parametrize(
    "uid", ["1.3.12.2.1107.5.9.1", "1.2.840.113619.4.27", "1.2.840.10008.5.1.4.1.1.9999", "2.25.1"]
)
def test_a_maker_s_own_class_and_one_that_is_newer_than_we_are_storage(uid: str) -> None:
    assert is_storage(uid)


@pytest.mark.parametrize("uid", ["", "1.2.840.10008.3.1.2.3.3", "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.99"])
def test_what_isn_t(uid: str) -> None:
    assert not is_storage(uid)
