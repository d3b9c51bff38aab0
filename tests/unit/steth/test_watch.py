"""What is said of a database that can't store: once when it begins, once when it is over."""

from steth.watch import CALM_S, Trouble


def test_a_trouble_is_told_once_and_so_is_its_end() -> None:
    trouble = Trouble()
    assert trouble.news(None, now_s=0) is None
    assert "the disk is full" in (trouble.news("the disk is full", now_s=1) or "")
    assert trouble.news("the disk is full", now_s=2) is None
    assert [trouble.lasts] == [True]
    assert trouble.news(None, now_s=2 + CALM_S / 2) is None, "others write there: now this is true and now that"
    assert trouble.news("the disk is full", now_s=3 + CALM_S / 2) is None
    assert trouble.news(None, now_s=3 + CALM_S) is None
    assert "stores again" in (trouble.news(None, now_s=3 + CALM_S * 1.5) or "")
    assert [trouble.lasts] == [False]
    assert trouble.news(None, now_s=100) is None
    assert trouble.news("the disk is full", now_s=101) is not None, "another one"
