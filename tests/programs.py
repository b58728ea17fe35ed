"""Programs of Python in processes of their own, begun in no time: one process has everything imported and forks.

Importing takes a program of a few lines nearly all of its time. Whoever tests how a program begins (what it imports, or
streams that are closed before it is there) starts the interpreter itself.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TextIO

PATH = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]


class Program:
    """`python -c …` or `python -m …`, with pipes for its streams; much as `subprocess.Popen` is."""

    def __init__(self, *arguments: object, environment: dict[str, str] | None = None) -> None:
        # It reads from the first of its pipes and writes into the others, of which the last tells how it ended.
        (reads, to_it), *others = (os.pipe() for _ in range(4))
        theirs = [reads, *(written for _, written in others)]
        self.stdin = os.fdopen(to_it, "w")
        self.stdout, self.stderr, self._told = (os.fdopen(read) for read, _ in others)
        order = {"arguments": [str(each) for each in arguments], "environment": {**os.environ, **(environment or {})}}
        message = json.dumps(order).encode() + b"\n"
        nursery = _nursery()
        socket.send_fds(nursery, [b"."], theirs)
        nursery.sendall(message)
        for end in theirs:
            os.close(end)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode if self.returncode is not None else self._ended_within(0)

    def wait(self, timeout: float = 30) -> int:
        """Its exit status; below 0 the signal that ended it."""
        if self.returncode is None and self._ended_within(timeout) is None:
            raise TimeoutError(f"still running after {timeout} s")
        assert self.returncode is not None
        return self.returncode

    def _ended_within(self, seconds: float) -> int | None:
        if select.select([self._told], [], [], seconds)[0]:
            self.returncode = int(self._told.readline())
            self._told.close()
            self.stdin.close()
        return self.returncode

    def communicate(self, given: str = "", timeout: float = 30) -> tuple[str, str]:
        """All that it writes from here on, once it has ended."""
        if not self.stdin.closed:
            self.stdin.write(given)
            self.stdin.close()
        with ThreadPoolExecutor(2) as threads:
            said = [threads.submit(_rest, each) for each in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except TimeoutError:
                self.kill()
                raise
        return said[0].result(), said[1].result()

    def send_signal(self, which: int) -> None:
        """Nothing where it has ended already."""
        if self.poll() is None:
            os.kill(self.pid, which)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _rest(stream: TextIO) -> str:
    if stream.closed:
        return ""
    with stream:
        return stream.read()


@cache
def _nursery() -> socket.socket:
    """To the process that forks; it ends with this one."""
    ours, theirs = socket.socketpair()
    with theirs:
        path = os.pathsep.join([*PATH, os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": path},
        )
    # Close it and wait: what the programs took is then in the times of this process.
    atexit.register(process.wait, 10)
    atexit.register(ours.close)
    return ours


def _born(control: socket.socket) -> list[str]:
    """Fork for each order; comes back in the new process, with its streams and environment, to run the program."""
    while True:
        begun, ends, *_ = socket.recv_fds(control, 1, 4)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG if begun else 0)[0]:
                pass
        if not begun:
            os._exit(0)
        message = b""
        while not message.endswith(b"\n"):
            message += control.recv(1 << 16)
        if os.fork() == 0:
            break
        for end in ends:
            os.close(end)
    control.close()
    # This process waits for the program and tells of it; the one that forks has other things to do.
    number = os.fork()
    *streams, told = ends
    if number:
        for end in streams:
            os.close(end)
        os.write(told, f"{number}\n".encode())
        os.write(told, f"{os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])}\n".encode())
        os._exit(0)
    os.close(told)
    for place, end in enumerate(streams):
        os.dup2(end, place)
        os.close(end)
    # Those of this process were made for what it had itself, which could be sought in.
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    order: dict[str, Any] = json.loads(message)
    os.environ.clear()
    os.environ.update(order["environment"])
    return list(order["arguments"])


def _main(arguments: Sequence[str]) -> None:
    kind, program, *rest = arguments
    sys.argv = [kind, *rest]
    if kind == "-c":
        exec(compile(program, "<string>", "exec"), {"__name__": "__main__"})
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    import aiohttp  # noqa: F401  # there for whoever is born
    import rich.live
    import rich.progress  # noqa: F401  # there for whoever is born

    import conversations_async.emulator
    import conversations_async.pacer
    import conversations_async.sync  # noqa: F401  # there for whoever is born
    from conversations_async.cli.app import ready
    from conversations_async.cli.verbs import VERBS

    for verb in VERBS:
        ready([verb])
    gc.freeze()
    _main(_born(socket.socket(fileno=int(sys.argv[1]))))
