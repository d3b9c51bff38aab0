import logging

import pytest

from desk.telling.addresses import Other, Webhook, is_address, parse, rest_s, shown
from desk.telling.robots import Robot
from tests.fixtures.heard import Heard

SECRET = "mailto://sender:s3cret-Passw0rd@smtp.example.org?to=duty@example.org"
DING = "https://oapi.dingtalk.com/robot/send?access_token=0a1b2c"
WECOM = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
FEISHU = "https://open.feishu.cn/open-apis/bot/v2/hook/c4a5-77b2"
LARK = "https://open.larksuite.com/open-apis/bot/v2/hook/c4a5-77b2"


@pytest.mark.parametrize(
    ("address", "robot"),
    [
        (DING, Robot(kind="dingtalk", token="0a1b2c")),
        (f" {DING}&secret=SEC99 ", Robot(kind="dingtalk", token="0a1b2c", secret="SEC99")),
        ("dingtalk://SEC99@0a1b2c", Robot(kind="dingtalk", token="0a1b2c", secret="SEC99")),
        ("dingtalk://0a1b2c/13800000000", Robot(kind="dingtalk", token="0a1b2c", mobiles=("13800000000",))),
        (WECOM, Robot(kind="wecombot", token="693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa")),
        ("wecombot://693a-91f6", Robot(kind="wecombot", token="693a-91f6")),
        (FEISHU, Robot(kind="feishu", token="c4a5-77b2")),
        (f"{FEISHU}/?secret=s99", Robot(kind="feishu", token="c4a5-77b2", secret="s99")),
        ("feishu://c4a5-77b2", Robot(kind="feishu", token="c4a5-77b2")),
        ("feishu://s99@c4a5-77b2", Robot(kind="feishu", token="c4a5-77b2", secret="s99")),
        (LARK, Robot(kind="lark", token="c4a5-77b2")),
        ("lark://c4a5-77b2", Robot(kind="lark", token="c4a5-77b2")),
    ],
)
def test_a_robot_is_known_by_its_pages_address_and_by_its_apprise_url(address: str, robot: Robot) -> None:
    assert parse(address) == robot


def test_a_webhook_is_what_apprise_makes_of_it() -> None:
    hook = parse("jsons://me:pw@hook.example:8443/a/b?+X-Key=k&-q=1&:room=7&:message=text&method=put&verify=no")
    assert hook == Webhook(
        url="https://hook.example:8443/a/b",
        method="PUT",
        params={"q": "1"},
        headers={"X-Key": "k"},
        extra={"room": "7", "message": "text"},
        user="me",
        password="pw",
        check=False,
    )


@pytest.mark.parametrize("address", [SECRET, "xml://h/x", "form://h/x"])
def test_mail_and_the_rest_are_apprises(address: str) -> None:
    assert parse(address) == Other(address=address)


@pytest.mark.parametrize(
    "address",
    [
        "no-such-scheme://x",
        "",
        "mailto://",
        "s3cret",
        "https://example.org/hook",
        "https://oapi.dingtalk.com/robot/send",
        "https://oapi.dingtalk.com/other?access_token=0a1b2c",
        "https://open.feishu.cn/open-apis/bot/v2/hook/",
        "https://open.feishu.cn/open-apis/bot/v2/hook/../../x",
        "https://oapi.dingtalk.com.evil.example/robot/send?access_token=0a1b2c",
        "https://me@oapi.dingtalk.com/robot/send?access_token=0a1b2c",
        "https://[oapi/robot",
    ],
)
def test_what_is_no_address(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    heard = Heard()
    logging.getLogger().addHandler(heard)
    try:
        assert not is_address(address)
    finally:
        logging.getLogger().removeHandler(heard)
    assert heard.lines == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        (SECRET, "mailto://…"),
        ("JSONS://u:p@h/x", "jsons://…"),
        (DING, "dingtalk://…"),
        (FEISHU, "feishu://…"),
        ("s3cret", "…"),
        ("", "…"),
    ],
)
def test_of_an_address_only_the_scheme_is_shown(address: str, seen: str) -> None:
    assert shown(address) == seen


@pytest.mark.parametrize(
    ("address", "seconds"), [("dingtalk://s@t", 3.0), (DING, 3.0), (SECRET, 3.0), ("json://h", 1.0), ("JSONS://h", 1.0)]
)
def test_people_get_20_messages_a_minute_and_programs_60(address: str, seconds: float) -> None:
    assert rest_s(address) == seconds
