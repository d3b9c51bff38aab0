"""What a person types into a search, as words and as names of the catalog."""

import unicodedata

import pytest

from api.search.search import Sought, known_names, like, words_of
from catalog.load import load

CATALOG = load()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (None, []),
        ("", []),
        (" \u3000 ", []),
        ("\u200b\x00\u202e", []),
        ("第一\u3000医院", ["第一", "医院"]),
        ("a b c d e", ["a", "b", "c d e"]),
        ("DR\x00\u200b 1\t2", ["DR", "1", "2"]),
        (unicodedata.normalize("NFD", "é"), ["é"]),
        ("100%_\\", ["100%_\\"]),
    ],
    ids=["none", "empty", "blanks", "unseen", "chinese", "many", "pasted", "composed", "signs"],
)
def test_what_is_typed_becomes_words(typed: str | None, words: list[str]) -> None:
    assert words_of(typed) == words


def test_signs_of_a_pattern_mean_themselves() -> None:
    assert like("50%_a\\b") == "50\\%\\_a\\\\b"


def test_names_of_the_catalog_are_found_in_both_languages_and_by_key() -> None:
    model = CATALOG.models["generic-dr"]
    code, fault = next(iter(model.faults.items()))
    for typed in (code.lower(), fault.name.zh, fault.name.en.upper()):
        found = known_names(CATALOG, [typed])
        assert code in found.subjects, typed
        assert fault.family in found.families_of_codes
    signal = model.signals["detector.temperature"]
    assert signal.name in known_names(CATALOG, signal.title.en.lower().split()).subjects, "each word, in any order"
    assert signal.name not in known_names(CATALOG, [signal.title.en, "nothing-has-this"]).subjects


def test_codes_of_a_family_are_found_by_its_name() -> None:
    model = CATALOG.models["generic-dr"]
    family = next(iter(model.families.values()))
    found = known_names(CATALOG, [family.name.zh])
    assert family.key in found.families
    assert {code for code, fault in model.faults.items() if fault.family == family.key} <= found.subjects


@pytest.mark.parametrize("many", [200, 201])
def test_many_devices_are_not_an_array_that_is_planned_for(many: int) -> None:
    names = ("tickets", "devices_of_tickets", "alerts", "subjects", "families", "families_of_codes")
    found = Sought(devices=list(range(many)), **{name: [] for name in names})
    params = found.of_devices()
    assert (params["many"] is None, len(params["sought"] or [])) == ((True, many) if many <= 200 else (False, 0))
