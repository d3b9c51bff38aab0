"""A table per receiver: what it answers, and what becomes of the message."""

import pytest

from catalog.load import load
from desk.telling.reasons import RefusedError, TellingError, TooFastError, check_http
from desk.telling.robots import HOSTS, Kind, check_answer

Fate = type[TellingError] | None
MESSAGES = load().messages
DAY = "Sun, 22 Nov 2026 02:40:"
LOGIN = b"<!DOCTYPE html><title>Sign in</title>"


def fate_of(error: TellingError) -> Fate:
    assert error.message in MESSAGES
    return type(error)


@pytest.mark.parametrize(
    ("kind", "answer", "fate", "message"),
    [
        ("dingtalk", '{"errcode":0,"errmsg":"ok"}', None, ""),
        ("dingtalk", '{"errcode":130101,"errmsg":"send too fast"}', TooFastError, "telling.too_fast"),
        ("dingtalk", '{"errcode":410100,"errmsg":"发送速度太快而限流"}', TooFastError, "telling.too_fast"),
        ("dingtalk", '{"errcode":-1,"errmsg":"系统繁忙"}', TellingError, "telling.code"),
        ("dingtalk", '{"errcode":310000,"errmsg":"keywords not in content"}', RefusedError, "telling.robot_settings"),
        ("dingtalk", '{"errcode":310000,"errmsg":"sign not match"}', RefusedError, "telling.robot_settings"),
        ("dingtalk", '{"errcode":300001,"errmsg":"token is not exist"}', RefusedError, "telling.robot_unknown"),
        ("dingtalk", '{"errcode":400102,"errmsg":"机器人已停用"}', RefusedError, "telling.robot_unknown"),
        ("dingtalk", '{"errcode":430102,"errmsg":"不合适的文本"}', RefusedError, "telling.code"),
        ("wecombot", '{"errcode":0,"errmsg":"ok"}', None, ""),
        ("wecombot", '{"errcode":45009,"errmsg":"api freq out of limit"}', TooFastError, "telling.too_fast"),
        ("wecombot", '{"errcode":45033,"errmsg":"concurrent"}', TooFastError, "telling.too_fast"),
        ("wecombot", '{"errcode":-1,"errmsg":"system busy"}', TellingError, "telling.code"),
        ("wecombot", '{"errcode":93000,"errmsg":"invalid webhook url"}', RefusedError, "telling.robot_unknown"),
        ("wecombot", '{"errcode":40058,"errmsg":"exceed max length"}', RefusedError, "telling.code"),
        ("feishu", '{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}', None, ""),
        ("feishu", '{"code":0,"msg":"success"}', None, ""),
        ("feishu", '{"StatusCode":0,"StatusMessage":"success"}', None, ""),
        ("feishu", '{"StatusCode":0,"code":19001,"msg":"param invalid"}', RefusedError, "telling.robot_unknown"),
        ("feishu", '{"code":19021,"msg":"sign match fail"}', RefusedError, "telling.robot_settings"),
        ("feishu", '{"code":19022,"msg":"ip not allowed"}', RefusedError, "telling.robot_settings"),
        ("feishu", '{"code":19024,"msg":"Key Words Not Found"}', RefusedError, "telling.robot_settings"),
        ("feishu", '{"code":9499,"msg":"Bad Request"}', RefusedError, "telling.code"),
        ("feishu", '{"code":9499,"msg":"too many request"}', TooFastError, "telling.too_fast"),
        ("feishu", '{"code":11232,"msg":"frequency limited"}', TooFastError, "telling.too_fast"),
        ("lark", '{"code":11232,"msg":"frequency limited"}', TooFastError, "telling.too_fast"),
        ("lark", '{"code":0}', None, ""),
        ("dingtalk", '{"code":0}', RefusedError, "telling.unreadable"),
        ("feishu", '{"errcode":0}', RefusedError, "telling.unreadable"),
        ("wecombot", '{"errcode":"0"}', RefusedError, "telling.unreadable"),
        ("wecombot", '{"errcode":false}', RefusedError, "telling.unreadable"),
        ("wecombot", '\ufeff{"errcode":0}', None, ""),
        ("wecombot", '{"errcode":null}', RefusedError, "telling.unreadable"),
        ("wecombot", '{"errcode":{"a":0}}', RefusedError, "telling.unreadable"),
        ("wecombot", '{"errcode":' + "9" * 60_000 + "}", RefusedError, "telling.unreadable"),
        ("wecombot", '{"a":' * 10_000, RefusedError, "telling.unreadable"),
        ("wecombot", "[" * 60_000, RefusedError, "telling.unreadable"),
        ("wecombot", "[]", RefusedError, "telling.unreadable"),
        ("wecombot", "ok", RefusedError, "telling.unreadable"),
        ("wecombot", "", RefusedError, "telling.unreadable"),
    ],
)
def test_what_a_robot_answers(kind: Kind, answer: str, fate: Fate, message: str) -> None:
    if fate is None:
        check_answer(kind, answer.encode())
        return
    with pytest.raises(TellingError) as raised:
        check_answer(kind, answer.encode())
    assert (fate_of(raised.value), raised.value.message) == (fate, message)


@pytest.mark.parametrize("kind", list(HOSTS))
def test_an_answer_that_is_no_utf_8_says_nothing(kind: Kind) -> None:
    with pytest.raises(RefusedError):
        check_answer(kind, b'{"errcode":0,"code":0,"errmsg":"\xff"}\xff')


@pytest.mark.parametrize(
    ("status", "headers", "body", "fate", "wait_s"),
    [
        (200, {}, b"", None, 0),
        (204, {}, b"", None, 0),
        (202, {"content-type": "text/html"}, b"ok", None, 0),
        (200, {"content-type": "application/json"}, b'{"a": "<html>"}', None, 0),
        (200, {"content-type": "application/xml"}, b"<taken/>", None, 0),
        (200, {"content-type": "text/html; charset=utf-8"}, b"\n <div>Sign in</div>", RefusedError, 0),
        (200, {"content-type": "text/plain"}, b"\xef\xbb\xbf" + LOGIN, RefusedError, 0),
        (200, {"content-type": "text/html", "content-encoding": "gzip"}, b"\x1f\x8b\x08", RefusedError, 0),
        (302, {"location": "/login"}, b"", RefusedError, 0),
        (307, {}, b"", RefusedError, 0),
        (400, {}, b"", RefusedError, 0),
        (401, {}, b"", RefusedError, 0),
        (404, {"content-type": "text/html"}, LOGIN, RefusedError, 0),
        (408, {}, b"", TellingError, 0),
        (429, {}, b"", TooFastError, 60),
        (429, {"retry-after": "7"}, b"", TooFastError, 7),
        (429, {"retry-after": "0"}, b"", TooFastError, 1),
        (429, {"retry-after": "999999999999"}, b"", TooFastError, 3600),
        (429, {"retry-after": f"{DAY}30 GMT", "date": f"{DAY}10 GMT"}, b"", TooFastError, 20),
        (429, {"retry-after": f"{DAY}30 GMT"}, b"", TooFastError, 60),
        (429, {"retry-after": "soon"}, b"", TooFastError, 60),
        (429, {"retry-after": "-5"}, b"", TooFastError, 60),
        (429, {"retry-after": "1e9"}, b"", TooFastError, 60),
        (429, {"retry-after": "Mon, 01 Jan 2030 00:00:00 +99999999999999"}, b"", TooFastError, 60),
        (429, {"retry-after": f"{DAY}10 GMT", "date": f"{DAY}30 GMT"}, b"", TooFastError, 1),
        (500, {}, b"", TellingError, 0),
        (503, {"retry-after": "120"}, b"", TellingError, 120),
    ],
)
def test_what_a_webhook_answers(status: int, headers: dict[str, str], body: bytes, fate: Fate, wait_s: float) -> None:
    if fate is None:
        check_http(status, headers, body)
        return
    with pytest.raises(TellingError) as raised:
        check_http(status, headers, body)
    assert (fate_of(raised.value), raised.value.wait_s) == (fate, wait_s)
