"""The command on a terminal of its own: what it draws there, and keys that are pressed."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from types import TracebackType
from typing import Final, Self

from programs import Program

PATIENCE: Final = 30.0
# Who leads a session owns the first terminal that it opens, and its keys.
_ON_ITS_OWN: Final = """
import os, sys
os.setsid()
terminal = os.open(sys.argv[1], os.O_RDWR)
for each in (0, 1, 2):
    os.dup2(terminal, each)
sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
from conversations_async.cli import main
sys.exit(main(sys.argv[2:]))
"""
_COMMANDS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class OnTerminal:
    """A process of the command, 100 columns wide and 30 lines high."""

    def __init__(self, *arguments: object) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        look = {"TERM": "xterm-256color", "COLUMNS": "", "LINES": ""}
        self.process = Program("-c", _ON_ITS_OWN, os.ttyname(theirs), *arguments, environment=look)
        self._theirs = theirs
        self.drawn = ""
        """All that was written, with the terminal's commands in it."""

    @property
    def text(self) -> str:
        """The same without them."""
        return _COMMANDS.sub("", self.drawn).replace("\r", "")

    def until(self, words: str) -> Self:
        """Wait until something is written."""
        end = time.monotonic() + PATIENCE
        while words not in self.text:
            assert time.monotonic() < end, f"never written: {words}\n{self.text}"
            self._read(0.1)
        return self

    def press_ctrl_c(self) -> Self:
        os.write(self._ours, b"\x03")
        return self

    def ended(self) -> int:
        """The exit status, when all is read."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, f"never ended\n{self.text}"
            self._read(0.05)
        while self._read(0.0):
            pass
        return self.process.wait()

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        self.drawn += os.read(self._ours, 1 << 16).decode("utf-8", "replace")
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        os.close(self._theirs)
        os.close(self._ours)
