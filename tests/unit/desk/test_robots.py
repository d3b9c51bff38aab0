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


def test_of_a_long_summary_the_longest_lines_are_cut_and_each_ticket_keeps_its_number_and_the_last_line_its_link() -> (
    None
):
    link = "全部工单：https://steth.example/tickets"
    lines = ["[紧急] 40 张工单", *(f"[重要] WX20261122-{n:03} " + "甲" * 200 for n in range(10)), "……另有 30 张", link]
    _, _, body = made(Robot(kind="wecombot", token="k"), "\n".join(lines))
    said = text_of(body)
    assert 1900 < len(said.encode()) <= 2048
    assert [line[:18] for line in said.split("\n")] == [line[:18] for line in lines]
    assert said.endswith(f"甲…\n……另有 30 张\n{link}")


@pytest.mark.parametrize(("kind", "most"), [("dingtalk", 20_000), ("wecombot", 2_200), ("feishu", 20_000)])
@pytest.mark.parametrize("text", ["\n" * 5000, "短\n" * 5000, '"' * 20_000, "\x01" * 9000, "😀" * 9000])
def test_whatever_a_text_is_the_request_is_no_longer_than_a_robot_takes(kind: Kind, most: int, text: str) -> None:
    assert len(order(Robot(kind=kind, token="t"), text, now_s=NOW_S, host="").body) <= most


def text_of(body: dict[str, object]) -> str:
    text = body["text"]
    assert isinstance(text, dict)
    return str(text["content"])
