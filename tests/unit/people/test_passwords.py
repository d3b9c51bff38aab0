"""Which new passwords are refused."""

import pytest

from people.login.credentials import mint_password
from people.login.passwords import too_easy


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "x" * 129,
        "aaaaaaaaaaaa",
        "abababababab",
        "password1234",
        "PasswordPassword",
        "Administrator1!",
        "1234567890123",
        "qwertyuiop123",
        "Wang.Li-wang.li",
        "wang.li2026!",
        "wang.li@2026!!",
        "steth-admin-1",
        "医院医院医院密码密码医院医院",
    ],
)
def test_what_is_quickly_guessed_is_refused(password: str) -> None:
    assert too_easy(password, user="wang.li")


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "my hospital has 4 lifts", "春眠不觉晓处处闻啼鸟夜来", "d0-Qv!r81mZp"]
)
def test_some_words_in_a_row_are_taken_whatever_letters_they_have(password: str) -> None:
    assert too_easy(password, user="wang.li") is None


def test_what_we_make_is_taken_and_never_the_same() -> None:
    made = {mint_password() for _ in range(50)}
    assert len(made) == 50
    assert not [password for password in made if too_easy(password, user="wang.li")]
