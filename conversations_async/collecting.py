"""Python's garbage collector, out of the way for a while: only where somebody says so, it is the whole process's."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

YOUNG: Final = 50_000
"""Objects made and not freed before the collector looks at the young ones; 700 by default."""

_lock: Final = Lock()
_blocks: list[tuple[int, int, int]] = []
"""The thresholds found by each block that runs; the first one's are restored."""


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Let the garbage collector look less often while the block runs; what was set before is set again behind it.

    It is the whole process's, so wrap what lists and little else. Blocks may nest and overlap: the last one out
    restores. Thresholds that somebody else has set meanwhile are left alone, as is a collector that was switched off.
    """
    ours = (YOUNG, *gc.get_threshold()[1:])
    with _lock:
        _blocks.append(gc.get_threshold())
        if gc.get_threshold()[0] and gc.get_threshold()[0] < YOUNG:
            gc.set_threshold(*ours)
    try:
        yield
    finally:
        with _lock:
            found = _blocks[0]
            _blocks.pop()
            if not _blocks and gc.get_threshold()[0] == YOUNG:
                gc.set_threshold(*found)
