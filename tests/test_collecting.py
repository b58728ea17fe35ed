"""The garbage collector is the whole process's: quiet while a block runs, and as it was behind it."""

import gc
from collections.abc import Iterator

import pytest

from conversations_async import quiet_collector
from conversations_async.collecting import YOUNG


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    found = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*found)


def test_the_threshold_is_larger_in_the_block_and_restored_behind_it() -> None:
    with quiet_collector():
        assert gc.get_threshold() == (YOUNG, 10, 10)
    assert gc.get_threshold() == (700, 10, 10)


def test_it_is_restored_where_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), quiet_collector():
        raise ZeroDivisionError
    assert gc.get_threshold() == (700, 10, 10)


def test_the_last_of_blocks_that_overlap_restores() -> None:
    one, other = quiet_collector(), quiet_collector()
    with one:
        other.__enter__()
    assert gc.get_threshold() == (YOUNG, 10, 10)
    other.__exit__(None, None, None)
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("threshold", [0, 2 * YOUNG])
def test_a_collector_that_is_off_or_quieter_is_left_alone(threshold: int) -> None:
    gc.set_threshold(threshold, 10, 10)
    with quiet_collector():
        assert gc.get_threshold()[0] == threshold
    assert gc.get_threshold()[0] == threshold


def test_what_somebody_sets_meanwhile_stays() -> None:
    with quiet_collector():
        gc.set_threshold(1_234)
    assert gc.get_threshold()[0] == 1_234
