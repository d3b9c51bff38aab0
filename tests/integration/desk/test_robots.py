"""The chat robots, asked as they are documented."""

import pytest

from desk.telling.channels import Channels
from desk.telling.reasons import RefusedError, TellingError, TooFastError
from desk.telling.robots import Kind
from tests.integration.desk.listeners import HERE
from tests.integration.desk.receivers import SECRET, Robots, robots

SUBJECT = "[紧急] WX20261122-007 DR 一室：kV 未达到设定值"
BODY = "备件：逆变板 ×2"
DING = "https://oapi.dingtalk.com/robot/send?access_token="
FEISHU = "https://open.feishu.cn/open-apis/bot/v2/hook/"


async def say(state: Robots, address: str, *, subject: str = SUBJECT, body: str = BODY) -> None:
    channel = Channels(way=HERE, hosts=state.hosts())
    await channel.send(address=address, subject=subject, body=body, severity="critical")


@pytest.mark.parametrize(
    "address",
    [
        "dingtalk://good",
        f"dingtalk://{SECRET}@signed",
        f"{DING}good",
        f"{DING}signed&secret={SECRET}",
        f"{DING}keyword",
        "wecombot://good",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=good",
        "feishu://good",
        f"feishu://{SECRET}@signed",
        f"{FEISHU}signed?secret={SECRET}",
        f"{FEISHU}keyword",
        "lark://good",
        "https://open.larksuite.com/open-apis/bot/v2/hook/good",
    ],
)
async def test_a_robot_says_the_subject_and_the_body(address: str) -> None:
    with robots() as state:
        await say(state, address)
    assert state.said == [f"{SUBJECT}\n{BODY}"]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("dingtalk://gone", "telling.robot_unknown"),
        ("dingtalk://signed", "telling.robot_settings"),
        ("dingtalk://SECwrong@signed", "telling.robot_settings"),
        ("dingtalk://keyword", "telling.robot_settings"),
        ("wecombot://gone", "telling.robot_unknown"),
        ("feishu://gone", "telling.robot_unknown"),
        ("feishu://wrong@signed", "telling.robot_settings"),
        ("feishu://keyword", "telling.robot_settings"),
        ("lark://gone", "telling.robot_unknown"),
    ],
)
async def test_a_refusal_with_http_status_200_is_no_delivery(address: str, message: str) -> None:
    """Else it would count as told."""
    with robots() as state, pytest.raises(RefusedError) as raised:
        await say(state, address, subject="[紧急] DR", body="no word that it waits for")
    assert raised.value.message == message
    assert (state.asked, state.said) == (1, [])


@pytest.mark.parametrize("kind", ["dingtalk", "wecombot", "feishu", "lark"])
async def test_too_fast_asks_to_be_left_alone_for_a_while(kind: Kind) -> None:
    with robots() as state:
        state.per_minute = 0
        with pytest.raises(TooFastError) as raised:
            await say(state, f"{kind}://good")
    assert raised.value.wait_s >= 30


@pytest.mark.parametrize("kind", ["dingtalk", "wecombot", "feishu", "lark"])
async def test_a_text_that_is_too_long_is_cut_rather_than_refused(kind: Kind) -> None:
    with robots() as state:
        await say(state, f"{kind}://good", body="听" * 9000)
    [said] = state.said
    assert said.startswith(SUBJECT)
    assert said.endswith("听…")


async def test_a_name_calls_up_nobody() -> None:
    with robots() as state:
        await say(state, "feishu://good", subject='WX 1 <at user_id="all"></at> @all')
    assert "<at" not in state.said[0]
    assert "@all" not in state.said[0]


async def test_a_robot_out_of_reach_is_tried_for_hours() -> None:
    with robots() as state:
        pass
    with pytest.raises(TellingError) as raised:
        await say(state, "dingtalk://good")
    assert (type(raised.value), raised.value.message) == (TellingError, "telling.no_connection")
