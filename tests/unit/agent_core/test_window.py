from agent.uplink.window import RESEND_MAX_S, RESEND_S, WINDOW_BYTES, Window
from wire.limits import WINDOW_REPORTS


def opened(lowest: int = 1, *, now: float = 0.0) -> Window:
    window = Window()
    window.open(lowest, now=now)
    return window


def send(window: Window, count: int, *, size: int = 100, now: float = 0.0) -> None:
    for _ in range(count):
        window.sent(window.next, size, now=now)


def wanted(
    window: Window, *, highest: int = 10_000, now: float = 0.0, credit: int = 65_535
) -> tuple[int, int, int] | None:
    want = window.want(highest=highest, now=now, credit=credit)
    return None if want is None else (want.seq, want.reports, want.size)


def test_a_closed_window_wants_nothing() -> None:
    window = Window()
    assert not window.is_open
    assert wanted(window) is None
    assert not window.back(1, mark=0, lowest=1, now=0.0)
    window.restart(5, now=0.0)
    assert not window.is_open
    window.open(3, now=0.0)
    window.close()
    assert wanted(window) is None


def test_it_wants_from_the_lowest_held_what_the_window_leaves() -> None:
    window = opened(7)
    assert wanted(window) == (7, WINDOW_REPORTS, WINDOW_BYTES)
    assert wanted(window, highest=6) is None
    assert wanted(window, credit=3) == (7, 3, WINDOW_BYTES)
    assert wanted(window, credit=0) is None
    send(window, 10)
    assert wanted(window) == (17, WINDOW_REPORTS - 10, WINDOW_BYTES - 1000)
    send(window, WINDOW_REPORTS - 10)
    assert wanted(window) is None
    window.acked(20, now=1.0)
    assert wanted(window) == (7 + WINDOW_REPORTS, 14, WINDOW_BYTES - 100 * (WINDOW_REPORTS - 14))


def test_bytes_close_the_window_as_reports_do() -> None:
    window = opened()
    send(window, 1, size=WINDOW_BYTES)
    assert wanted(window) is None
    window.acked(1, now=0.0)
    assert wanted(window) == (2, WINDOW_REPORTS, WINDOW_BYTES)


def test_the_first_of_an_empty_window_may_be_larger_than_it() -> None:
    window = opened()
    want = window.want(highest=5, now=0.0, credit=10)
    assert want is not None
    assert want.alone
    send(window, 1)
    want = window.want(highest=5, now=0.0, credit=10)
    assert want is not None
    assert not want.alone


def test_an_acknowledgement_beyond_what_was_sent_here_moves_on() -> None:
    window = opened()
    window.acked(40, now=0.0)
    assert window.next == 41


def test_without_progress_it_sends_again_later_and_later() -> None:
    window = opened()
    send(window, 5)
    assert window.due() == RESEND_S
    now, waits = 0.0, []
    for turn in range(1, 7):
        due = window.due()
        assert due is not None
        waits.append(due - now)
        assert not window.expire(lowest=1, now=due - 0.01, jitter=1.0)
        assert window.expire(lowest=1, now=due, jitter=1.0)
        assert (window.next, window.in_flight, window.resends) == (1, 0, turn)
        assert window.due() is None
        now = due
        send(window, 5, now=now)
    assert waits == [5, 10, 20, 40, RESEND_MAX_S, RESEND_MAX_S]
    window.acked(1, now=now)
    assert window.due() == now + RESEND_S
    assert window.resends == 0


def test_jitter_takes_away_up_to_a_quarter() -> None:
    for jitter, wait in ((0.0, 7.5), (1.0, 10.0)):
        window = opened()
        send(window, 1)
        assert window.expire(lowest=1, now=RESEND_S, jitter=jitter)
        send(window, 1, now=0.0)
        assert window.due() == wait


def test_progress_sets_the_timer_back() -> None:
    window = opened()
    send(window, 5)
    window.acked(2, now=4.0)
    assert not window.expire(lowest=3, now=8.9, jitter=0.0)
    assert window.expire(lowest=3, now=9.0, jitter=0.0)
    assert window.next == 3
    window.acked(2, now=9.5)  # an old one again: no progress


def test_delivery_5_a_request_to_go_back_is_obeyed_once_per_mark() -> None:
    window = opened()
    send(window, 10)
    assert window.back(4, mark=3, lowest=4, now=1.0)
    assert (window.next, window.in_flight) == (4, 0)
    send(window, 7)
    assert not window.back(4, mark=3, lowest=4, now=2.0)
    assert window.in_flight == 7
    window.acked(5, now=2.0)
    assert window.back(6, mark=5, lowest=6, now=2.0)
    assert not window.back(99, mark=6, lowest=6, now=2.0)  # beyond what was sent


def test_it_never_goes_back_below_what_is_held() -> None:
    window = opened(8)
    send(window, 4)
    assert window.back(2, mark=1, lowest=8, now=0.0)
    assert window.next == 8


def test_delivery_12_a_refused_publish_pauses_the_lane() -> None:
    window = opened()
    send(window, 3)
    window.refused(lowest=1, now=10.0, jitter=1.0)
    assert wanted(window, now=14.9) is None
    assert window.due() == 15.0
    assert not window.expire(lowest=1, now=15.0, jitter=1.0)
    assert wanted(window, now=15.0) == (1, WINDOW_REPORTS, WINDOW_BYTES)
    send(window, 1, now=15.0)
    window.refused(lowest=1, now=15.0, jitter=1.0)
    assert window.due() == 25.0
