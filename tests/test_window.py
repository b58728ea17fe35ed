"""How many calls are under way at once: as few as keep the reader busy, never more than there are connections."""

import pytest

from conversations_async.window import Window


def test_it_opens_while_the_reader_runs_dry_and_no_further_than_there_are_connections() -> None:
    window = Window(512)
    first = window.size
    assert window.ran_dry(first)
    assert first < window.size < 512
    while window.ran_dry(window.size):
        pass
    assert window.size == 512


def test_a_reader_that_waits_for_calls_due_later_does_not_open_it() -> None:
    window = Window(512)
    first = window.size
    assert not window.ran_dry(first - 1)
    assert window.size == first


@pytest.mark.parametrize("most", [1, 10, 512])
def test_it_closes_slowly_while_answers_pile_up_and_never_wholly(most: int) -> None:
    window = Window(most)
    first = window.size
    window.answered(first)
    assert window.size == first
    for _ in range(10_000):
        window.answered(window.size)
    assert 1 <= window.size <= min(most, 64)


def test_answers_that_are_read_as_they_come_leave_it_as_it_is() -> None:
    window = Window(512)
    first = window.size
    for _ in range(10_000):
        window.answered(first // 2)
    assert window.size == first


def test_it_opens_wide_where_no_answer_comes_at_all_and_no_further_than_there_are_connections() -> None:
    window = Window(512)
    first = window.size
    window.idled()
    assert first + 32 <= window.size < 512
    for _ in range(100):
        window.idled()
    assert window.size == 512
    assert window.answers == 0
