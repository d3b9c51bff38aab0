import logging

import pytest

from desk.telling.addresses import AddressError, Mail, Webhook, parse, rest_s, shown
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
        ("dingtalk://SEC99@0a1B2c", Robot(kind="dingtalk", token="0a1B2c", secret="SEC99")),
        ("dingtalk://0a1b2c/13800000000", Robot(kind="dingtalk", token="0a1b2c", mobiles=("13800000000",))),
        (WECOM, Robot(kind="wecombot", token="693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa")),
        ("wecombot://693a-91f6", Robot(kind="wecombot", token="693a-91f6")),
        (FEISHU, Robot(kind="feishu", token="c4a5-77b2")),
        (f"{FEISHU}/?secret=s99", Robot(kind="feishu", token="c4a5-77b2", secret="s99")),
        ("feishu://c4a5-77b2", Robot(kind="feishu", token="c4a5-77b2")),
        ("FeiShu://s99@c4a5-77b2/", Robot(kind="feishu", token="c4a5-77b2", secret="s99")),
        (LARK, Robot(kind="lark", token="c4a5-77b2")),
        ("lark://c4a5-77b2", Robot(kind="lark", token="c4a5-77b2")),
    ],
)
def test_a_robot_is_known_by_its_pages_address_and_by_its_url(address: str, robot: Robot) -> None:
    assert parse(address) == robot


@pytest.mark.parametrize(
    ("address", "url", "more"),
    [
        ("jsons://hook.example:8443/a/b", "https://hook.example:8443/a/b", {"port": 8443}),
        ("JSON://Hook.Example", "http://hook.example/", {"port": 80}),
        ("jsons://[2001:DB8::0:1]/x", "https://[2001:db8::1]/x", {"host": "2001:db8::1", "port": 443}),
        ("jsons://hook.example/%E5%90%AC/a%2Fb/听", "https://hook.example/%E5%90%AC/a%2Fb/%E5%90%AC", {}),
        ("jsons://me:p%40w@hook.example/", "https://hook.example/", {"user": "me", "password": "p@w"}),
        (
            "jsons://hook.example/?-q=1&:room=7&:message=text",
            "https://hook.example/",
            {"params": {"q": "1"}, "extra": {"room": "7", "message": "text"}},
        ),
    ],
)
def test_a_webhook(address: str, url: str, more: dict[str, object]) -> None:
    hook = parse(address)
    assert isinstance(hook, Webhook)
    assert hook.url == url
    assert {name: getattr(hook, name) for name in more} == more


@pytest.mark.parametrize(
    ("address", "server", "login", "sender", "to"),
    [
        ("mailto://u:p@h.example", "h.example:25 insecure", "u:p", "Steth <u@h.example>", ["u@h.example"]),
        ("mailtos://u:p@h.example", "h.example:587 starttls", "u:p", "Steth <u@h.example>", ["u@h.example"]),
        (
            "mailtos://u:p@h.example?mode=ssl&to=a@b.example,c@d.example",
            "h.example:465 ssl",
            "u:p",
            "Steth <u@h.example>",
            ["a@b.example", "c@d.example"],
        ),
        (
            "mailtos://u@d.example:p@h.example:2525/a@b.example?smtp=smtp.h.example&from=x@y.example&name=NOC",
            "smtp.h.example:2525 starttls",
            "u@d.example:p",
            "NOC <x@y.example>",
            ["a@b.example"],
        ),
        ("mailto://h.example?from=x@y.example", "h.example:25 insecure", ":", "Steth <x@y.example>", ["x@y.example"]),
        ("mailto://u:p@h.example?from=NOC", "h.example:25 insecure", "u:p", "NOC <u@h.example>", ["u@h.example"]),
    ],
)
def test_mail(address: str, server: str, login: str, sender: str, to: list[str]) -> None:
    mail = parse(address)
    assert isinstance(mail, Mail)
    assert f"{mail.host}:{mail.port} {mail.security}" == server
    assert (f"{mail.user}:{mail.password}", str(mail.sender), list(mail.to)) == (login, sender, to)


@pytest.mark.parametrize(
    ("address", "what"),
    [
        # What would act with the server's hands.
        ("jsons://s3cret.example/x?method=put", "no method"),
        ("jsons://s3cret.example/x?+X-Key=s3cret", "no headers"),
        ("jsons://s3cret.example/x?%2BX-Key=s3cret", "no headers"),
        ("jsons://s3cret.example/x?verify=no", "no verify"),
        ("jsons://s3cret.example/x?-q%0a=s3cret", "control character"),
        ("jsons://s3cret.example/x?-a b=1", "spaces"),
        ("jsons://s3cret.example/x?:a%20b=1", "alone"),
        ("jsons://s3cret.example/x?rto=1", "alone"),
        ("mailtos://u:p@s3cret.example?verify=no", "alone"),
        ("mailtos://u:p@s3cret.example?keyfile=/etc/shadow", "alone"),
        ("mailtos://u:p@s3cret.example?pgp=yes&pgpkey=/etc/shadow", "alone"),
        ("mailtos://u:p@s3cret.example?attach=/etc/shadow", "alone"),
        ("mailtos://u:p@s3cret.example?inline=yes", "alone"),
        ("mailtos://u:p@s3cret.example?+X-Header=a", "alone"),
        ("mailtos://u:p@s3cret.example?bcc=a@b.example", "alone"),
        ("mailtos://u:p@s3cret.example?mode=plain", "alone"),
        ("mailtos://u:p@s3cret.example?mode=insecure", "contradicts"),
        ("mailtos://u:p@s3cret.example?to=a@b.example%0d%0aBcc:%20c@d.example", "control character"),
        ("mailtos://u:p@s3cret.example?name=x%0d%0aBcc:%20c@d.example", "control character"),
        ("mailtos://u%0d%0aRSET:p@s3cret.example", "control character"),
        ("mailtos://u:p@s3cret.example?to=a@b.example&to=c@d.example", "twice"),
        ("mailtos://u:p@s3cret.example?to=" + ",".join(["a@b.example"] * 21), "at most 20"),
        ("mailtos://u:p@s3cret.example?to=<a@b.example>", "nobody"),
        ("mailto://", "host"),
        ("mailto://h.example", "nobody"),
        ("mailtos://u:p@h.example?smtp=127.1", "host"),
        ("mailtos://u:p@h.example?smtp=h.example:22", "host"),
        ("dingtalk://s3cret/x", "digits"),
        ("dingtalk://s3cret:x@t", "without parameters"),
        ("dingtalk://s3cret?to=1", "without parameters"),
        ("dingtalk://s3cret:80", "without parameters"),
        ("wecombot://secret@t", "nothing but its token"),
        ("feishu://t/../../x", "nothing but its token"),
        # Kinds that something else would resolve and send.
        ("form://s3cret/x", "can't be told"),
        ("forms://s3cret/x", "can't be told"),
        ("xml://s3cret/x", "can't be told"),
        ("xmls://s3cret/x", "can't be told"),
        ("slack://a/b/c", "can't be told"),
        ("tgram://1:s3cret/2", "can't be told"),
        ("file:///etc/shadow", "can't be told"),
        ("gopher://127.0.0.1:6379/_SET", "can't be told"),
        ("unix:///run/docker.sock", "can't be told"),
        ("windows://", "can't be told"),
        ("dbus://", "can't be told"),
        ("syslog://h", "can't be told"),
        ("no-such-scheme://x", "no URL"),
        ("", "no URL"),
        ("s3cret", "no URL"),
        # What looks like a robot's page and isn't.
        ("https://example.org/s3cret", "can't be told"),
        ("https://oapi.dingtalk.com/robot/send", "can't be told"),
        ("https://oapi.dingtalk.com/other?access_token=s3cret", "can't be told"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/", "can't be told"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/../../x", "can't be told"),
        ("https://oapi.dingtalk.com.evil.example/robot/send?access_token=s3cret", "can't be told"),
        ("https://me@oapi.dingtalk.com/robot/send?access_token=s3cret", "can't be told"),
        ("https://oapi.dingtalk.com:444/robot/send?access_token=s3cret", "can't be told"),
        ("https://[oapi/robot", "can't be told"),
        # Hosts and ports that two programs read differently (tests of hosts: test_targets.py).
        ("json://127.0.0.1\\@s3cret.example/", "no URL"),
        ("json://s3cret.example#@127.0.0.1/", "no URL"),
        ("json://s3cret.example /", "no URL"),
        ("json://s3cret.example\n/", "no URL"),
        ("json://%20/", "host"),
        ("json://127.0.0.1%2f@s3cret.example:x/", "port"),
        ("json://s3cret.example:0/", "port"),
        ("json://s3cret.example:65536/", "port"),
        ("json://s3cret.example:/", "port"),
        ("json://s3cret.example:８０/", "port"),
        ("json://s3cret.example:80:80/", "port"),
        ("json://[::1/", "host"),
        ("json://[::1]80/", "host"),
        ("json:///x", "host"),
    ],
)
def test_what_is_no_address_says_why_and_quotes_nothing(
    address: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = Heard()
    logging.getLogger().addHandler(heard)
    try:
        with pytest.raises(AddressError) as raised:
            parse(address)
    finally:
        logging.getLogger().removeHandler(heard)
    assert what in str(raised.value)
    assert "s3cret" not in str(raised.value)
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
