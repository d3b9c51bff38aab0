"""A backlog of live reports has the connection to itself while it gets on."""

from agent.uplink.window import LULL_S, Window


def sending(count: int) -> Window:
    window = Window()
    window.open(1, now=10.0)
    for _ in range(count):
        window.sent(window.next, 100, now=10.0)
    return window


def test_bulk_waits_while_more_live_reports_wait_than_are_under_way() -> None:
    window = sending(64)
    assert window.busy_until(highest=1_000) == 10.0 + LULL_S
    window.acked(10, now=10.5)
    assert window.busy_until(highest=1_000) == 10.5 + LULL_S


def test_bulk_goes_when_all_live_reports_are_under_way() -> None:
    assert sending(5).busy_until(highest=5) == 0.0
    assert sending(0).busy_until(highest=0) == 0.0


def test_a_closed_window_keeps_nobody_back() -> None:
    assert Window().busy_until(highest=7) == 0.0
