import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.form import MAX_FORM, form_of, masked


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("BTH-TMP-01", "AAA-AAA-99"),
        ("lamp 5 low", "aaaa 9 aaa"),
        ("Doe^Jane", "Aaa^Aaaa"),
        ("张三", "??"),
        ("é\x00\t\n\u202e", "?????"),
        ("E(12)", "A?99?"),
        ("", ""),
        ("X" * MAX_FORM, "A" * MAX_FORM),
        ("X" * (MAX_FORM + 1), "A" * MAX_FORM + "…"),
    ],
)
def test_a_form_keeps_the_kind_of_each_character_and_nothing_else(text: str, form: str) -> None:
    assert form_of(text) == form
    assert masked(form) == form


@given(st.text(max_size=60))
def test_nothing_of_a_text_is_left_in_its_form(text: str) -> None:
    form = form_of(text)
    assert re.fullmatch(r"[Aa9? ._:/+\-#^&|]{0,24}…?", form)
    assert len(form) <= MAX_FORM + 1
    letters = "".join(each for each in text[:MAX_FORM] if each.isalnum() and each not in "Aa9")
    assert not any(each in form for each in letters)


@given(st.text(max_size=60))
def test_what_only_claims_to_be_a_form_is_masked(text: str) -> None:
    assert masked(text) in {text, form_of(text)}
    assert masked(masked(text)) == masked(text)
    assert not set(masked(text)) & set("BCDEFGHbcdefgh012345678李")
