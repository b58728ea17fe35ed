"""The command line: arguments in, one call, lines out.

Nothing is configured by importing it, and nothing heavy is imported before a verb is known: `--help` answers at once.
Neither this room nor the package imports anything of weight before `main` looks after Ctrl-C.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and say how it ended, as an exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _ended_at_once():
            from conversations_async.cli.app import ready, run
            from conversations_async.cli.lines import ready_streams

            ready(given)
        ready_streams()
        status = run(given)
        sys.stdout.flush()
    except BaseException as error:  # every ending of a run has its sentence and its status
        from conversations_async.cli.endings import ended_badly

        return ended_badly(error, given)
    return status


def command() -> None:
    """Run the command, and end the process."""
    status = main()
    # Its work is done and its status is known: what comes now would show how Python is taken apart.
    with suppress(ValueError):  # no main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(status)


@contextmanager
def _ended_at_once() -> Iterator[None]:
    """Ctrl-C ends the process, which has done nothing yet; raised amid an import it may crash an extension module."""

    def end(*_: object) -> None:
        with suppress(OSError):
            os.write(2, b"interrupted\n")
        os._exit(130)

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    with suppress(ValueError):  # no main thread: there it does not come
        signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGINT, signal.default_int_handler)
