"""How a run ends: exit statuses, and a sentence for every ending that is not plain success."""

import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from typing import Final, NoReturn

import conversations_async
from conversations_async.cli.lines import is_of_output, let_go, say

ALL_WELL: Final = 0
CRASHED: Final = 1
WRONG_USAGE: Final = 2
SOME_FAILED: Final = 3
ALL_FAILED: Final = 4
INTERRUPTED: Final = 130


class UsageError(Exception):
    """What was asked cannot be done: one sentence that names where to look. Holds no token."""


def refuse(sentence: str) -> NoReturn:
    """End the run with exit status 2. No context hangs on the error: it could hold a secret."""
    raise UsageError(sentence) from None


def near(word: object, choices: Sequence[str]) -> str:
    """`, did you mean "messenger"?` where a word is nearly one of the choices. The word itself is never shown."""
    found = get_close_matches(word.lower(), choices, 1) if isinstance(word, str) else []
    return f'; did you mean "{found[0]}"?' if found else ""


def status_of(failed: int, total: int) -> int:
    """The exit status of a run over so many Inboxes."""
    if failed == 0:
        return ALL_WELL
    return ALL_FAILED if failed >= total else SOME_FAILED


@contextmanager
def ended_tidily() -> Iterator[None]:
    """SIGTERM and the end of the terminal end the block as Ctrl-C does, so that it leaves nothing half behind."""
    before = {}
    with suppress(ValueError):  # no main thread
        for number in (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")):
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, deed in before.items():
            signal.signal(number, deed)


def ended_badly(error: BaseException, arguments: Sequence[str]) -> int:
    """Say what ended the run, without a traceback, and give its exit status."""
    if isinstance(error, BrokenPipeError) or (
        # What draws tables makes its own ending of it.
        isinstance(error, SystemExit) and isinstance(error.__context__, BrokenPipeError)
    ):
        # Whoever read our lines has had enough (`| head`): no failure, and nothing to say.
        let_go(sys.stdout)
        return ALL_WELL
    if isinstance(error, SystemExit):
        raise error
    if isinstance(error, KeyboardInterrupt):
        say("interrupted")
        return INTERRUPTED
    if isinstance(error, UsageError):
        say(f"conversations-async: {error}")
        return WRONG_USAGE
    if isinstance(error, OSError) and is_of_output(error):
        let_go(sys.stdout)
        say(f"conversations-async: cannot write the output: {(error.strerror or 'it is closed').lower()}")
        return CRASHED
    _tell_crash(error, verbose=any(each in ("-v", "--verbose") for each in arguments))
    return CRASHED


def _tell_crash(error: BaseException, *, verbose: bool) -> None:
    """Name the kind and place of what nobody foresaw. Its text and its variables may hold a token: neither is shown."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {_short(frames[-1].filename)}, line {frames[-1].lineno}" if frames else ""
    version = conversations_async.__version__
    say(f"conversations-async {version}: a fault of this program: {type(error).__name__}{place}")
    say("Please report the line above to its makers" + ("." if verbose else "; with -v it says how it came there."))
    if verbose:
        for each in _chain(error):
            say(f"{type(each).__name__} came from:")
            for frame in traceback.extract_tb(each.__traceback__):
                say(f"  {_short(frame.filename)}, line {frame.lineno}, in {frame.name}: {frame.line}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    told: list[BaseException] = []
    while error is not None and error not in told:
        told.append(error)
        yield error
        error = error.__cause__ or error.__context__


def _short(filename: str) -> str:
    """The end of a path that names the module, without the directories of this machine."""
    return "/".join(filename.replace(os.sep, "/").split("/")[-3:])
