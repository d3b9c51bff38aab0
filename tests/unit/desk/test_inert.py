"""Names from outside in a chat: shown, never obeyed."""

import pytest

from desk.telling.inert import inert


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('DR <at user_id="all">所有人</at>', 'DR ＜at user_id="all">所有人＜/at>'),
        ("DR <@zhangsan> <!channel> <#C01>", "DR ＜@zhangsan> ＜!channel> ＜#C01>"),
        ("<b>DR</b><!-- x -->", "＜b>DR＜/b>＜!-- x -->"),
        ("@all @Everyone @here @所有人", "＠all ＠Everyone ＠here ＠所有人"),
        ("[登录](http://evil.example)", "[登录] (http://evil.example)"),
        ("[紧急] WX20261122-007 DR (2): p < 5 kPa, 3 > 2, a@b.example", None),
    ],
)
def test_what_a_chat_program_would_obey_is_text(name: str, shown: str | None) -> None:
    assert inert(name) == (name if shown is None else shown)
    assert inert(inert(name)) == inert(name)
