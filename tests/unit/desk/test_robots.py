import base64
import hashlib
import hmac
import json

import pytest

from desk.telling.robots import HOSTS, Kind, Robot, order

NOW_S = 1_795_312_800.25


def made(robot: Robot, text: str = "工单") -> tuple[str, dict[str, str], dict[str, object]]:
    out = order(robot, text, now_s=NOW_S, host=HOSTS[robot.kind])
    return out.url, dict(out.params), json.loads(out.body)


def test_dingtalk_signs_in_the_query_with_milliseconds() -> None:
    url, params, body = made(Robot(kind="dingtalk", token="t0", secret="SEC1", mobiles=("13800000000",)))
    digest = hmac.new(b"SEC1", b"1795312800250\nSEC1", hashlib.sha256).digest()
    assert url == "https://oapi.dingtalk.com/robot/send"
    assert params == {
        "access_token": "t0",
        "timestamp": "1795312800250",
        "sign": base64.b64encode(digest).decode(),
    }
    assert body == {
        "msgtype": "text",
        "text": {"content": "工单"},
        "at": {"atMobiles": ["13800000000"], "isAtAll": False},
    }


@pytest.mark.parametrize("kind", ["feishu", "lark"])
def test_feishu_signs_in_the_body_with_seconds_as_the_key_of_nothing(kind: Kind) -> None:
    url, params, body = made(Robot(kind=kind, token="t-0", secret="s1"))
    digest = hmac.new(b"1795312800\ns1", b"", hashlib.sha256).digest()
    assert (url, params) == (f"{HOSTS[kind]}/open-apis/bot/v2/hook/t-0", {})
    assert body == {
        "timestamp": "1795312800",
        "sign": base64.b64encode(digest).decode(),
        "msg_type": "text",
        "content": {"text": "工单"},
    }


def test_without_a_secret_nothing_is_signed() -> None:
    assert made(Robot(kind="wecombot", token="k-0")) == (
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
        {"key": "k-0"},
        {"msgtype": "text", "text": {"content": "工单"}},
    )
    assert made(Robot(kind="dingtalk", token="t0"))[1] == {"access_token": "t0"}
    assert set(made(Robot(kind="feishu", token="t0"))[2]) == {"msg_type", "content"}


@pytest.mark.parametrize(("kind", "most"), [("wecombot", 2048), ("dingtalk", 20_000), ("feishu", 20_000)])
def test_a_long_text_is_cut_to_what_the_robot_takes_between_characters(kind: Kind, most: int) -> None:
    body = json.dumps(made(Robot(kind=kind, token="t0"), "听" * 9000)[2], ensure_ascii=False)
    text = body[body.index("听") : body.rindex("…") + 1]
    assert set(text) == {"听", "…"}
    assert most - 2100 < len(text.encode()) <= most
