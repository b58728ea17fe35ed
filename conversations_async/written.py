"""Files that are there whole or not at all, and that only their owner may read: they hold people's messages."""

import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file of mode 0600 under another name beside *path*, which takes its place when the block ends well.

    What was at *path* stays as it was if the block raises, is interrupted or the disk is full. What a killed writer of
    the same file has left behind is deleted.
    """
    _clean_up(path)
    aside, descriptor = _opened(path)
    try:
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if sys.platform != "win32":
                os.replace(aside, path)  # while it is locked: nobody cleans it up before it has its name
        if sys.platform == "win32":
            os.replace(aside, path)  # there an open file keeps its name, and nobody cleans up
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise


def _opened(path: Path) -> tuple[Path, int]:
    """A new file beside another, locked as long as its writer lives."""
    while True:
        aside = path.with_name(f"{_before(path)}{secrets.token_hex(6)}.part")
        descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            if _locked(descriptor, wait=True) is None or os.fstat(descriptor).st_nlink:
                return aside, descriptor
        except BaseException:
            os.close(descriptor)
            with suppress(OSError):
                aside.unlink()
            raise
        os.close(descriptor)  # it was cleaned up before it was locked


def _clean_up(path: Path) -> None:
    """Delete what writers of this file have left behind that did not live to do so."""
    name = re.compile(re.escape(_before(path)) + r"[0-9a-f]{12}\.part")
    with suppress(OSError):
        for each in os.listdir(path.parent):
            if name.fullmatch(each):
                _delete_left(path.with_name(each))


def _delete_left(aside: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(aside, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            if _locked(descriptor, wait=False):
                aside.unlink()
        finally:
            os.close(descriptor)


def _before(path: Path) -> str:
    """How the names of files begin that are to take this one's place."""
    return f".{path.name[:100]}."


def _locked(descriptor: int, *, wait: bool) -> bool | None:
    """Lock an open file; False where its writer lives, None where there are no locks."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
