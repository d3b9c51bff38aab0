import logging

import pytest
from typing_extensions import override

from desk.channels import is_address, pause_s, reason_of, shown

SECRET = "mailto://sender:s3cret-Passw0rd@smtp.example.org?to=duty@example.org"


@pytest.mark.parametrize(
    ("logged", "reason"),
    [
        (["Failed to send JSON POST notification: Bad Gateway, error=502."], "HTTP status 502"),
        (["Socket Exception: (535, b'5.7.8 s3cret-Passw0rd is wrong')", "Connection error"], "SMTP status 535"),
        (["A Connection error occurred sending JSON notification to smtp.example.org."], "no connection"),
        (["s3cret-Passw0rd"], "refused"),
        ([], "refused"),
    ],
)
def test_a_reason_is_a_status_or_our_own_words_and_never_what_was_logged(logged: list[str], reason: str) -> None:
    assert reason_of(logged) == reason


@pytest.mark.parametrize(
    ("address", "seen"), [(SECRET, "mailto://…"), ("JSONS://u:p@h/x", "jsons://…"), ("s3cret", "…"), ("", "…")]
)
def test_of_an_address_only_the_scheme_is_shown(address: str, seen: str) -> None:
    assert shown(address) == seen


@pytest.mark.parametrize(
    ("address", "pause"),
    [("dingtalk://s@t", 3.0), ("WeComBot://key", 3.0), (SECRET, 0.0), ("json://h", 0.0), ("", 0.0)],
)
def test_chat_robots_take_20_messages_a_minute(address: str, pause: float) -> None:
    assert pause_s(address) == pause


@pytest.mark.parametrize(
    ("address", "known"),
    [
        (SECRET, True),
        ("json://127.0.0.1:8080/hook", True),
        ("dingtalk://secret@token", True),
        ("no-such-scheme://x", False),
        ("", False),
        ("mailto://", False),
    ],
)
def test_whether_an_address_is_understood(address: str, known: bool, capsys: pytest.CaptureFixture[str]) -> None:
    heard = Heard()
    logging.getLogger().addHandler(heard)
    try:
        assert is_address(address) is known
    finally:
        logging.getLogger().removeHandler(heard)
    assert heard.lines == []
    assert capsys.readouterr() == ("", "")


class Heard(logging.Handler):
    """What reaches the process's log. (pytest's own capture also reads loggers that keep to themselves.)"""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
