"""Lines out: JSON on stdout, sentences on stderr, and neither can play tricks on a terminal or show a token."""

import errno
import io
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, TextIO

import orjson

from conversations_async.masking import MASK, without_tokens

# What moves a terminal's cursor, hides text or turns its direction: C0 and C1 controls, line separators, bidi marks,
# invisible joiners' neighbours, and lone surrogates, which no UTF-8 stream takes.
_TRICKS: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
# JSON escapes C0 itself; the others may be written as escapes without changing what the line says.
_TRICKS_IN_JSON: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]")

# What Meta puts into links; words of people are left as they are.
_TOKEN_PARAMETER: Final = re.compile(r"((?:access_token|appsecret_proof)=)[^&\s\"'\\]+")
_OF_AN_EDGE: Final = {"data", "paging", "summary"}


def clean(text: str) -> str:
    """Text of people or of Meta on one line, with nothing in it that a terminal would obey."""
    return _TRICKS.sub(lambda found: " " if found.group() in "\t\n\r\u2028\u2029" else "\ufffd", text)


# What the system says of a stream that takes no more: closed, full, too long, or without a reader. Nothing else that
# the command does to a file or a socket ends in one of these and gets as far as its endings.
_TAKES_NO_MORE: Final = {errno.EBADF, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE}


def is_of_output(error: BaseException) -> bool:
    """Whether stdout takes no more. It is never stderr: `say` does not raise."""
    return isinstance(error, OSError) and error.errno in _TAKES_NO_MORE


def ready_streams() -> None:
    """The streams as the command needs them. Raises OSError where there is no stdout."""
    if sys.stderr is None:  # it was closed
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # as long as the process
    if sys.stdout is None:
        raise OSError(errno.EBADF, "it is closed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON goes out as bytes; tables and greetings must not end a run where the terminal knows ASCII only.
        sys.stdout.reconfigure(errors="backslashreplace")


def let_go(stream: TextIO) -> None:
    """Nobody takes what is still buffered; without this the interpreter would complain at its end."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say(sentence: str) -> None:
    """One line on stderr. Where it cannot be written the data goes on without it."""
    stream = sys.stderr
    # No sentence has a reason to hold a token: the last of several nets.
    line = without_tokens(clean(sentence))
    try:
        try:
            stream.write(line + "\n")
        except UnicodeEncodeError:
            stream.write(line.encode("ascii", "backslashreplace").decode() + "\n")
        stream.flush()
    except (OSError, ValueError):
        let_go(stream)


def counted(number: int, word: str) -> str:
    """`1 call`, `2 calls`, `1,000 calls`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def json_line(values: Mapping[str, Any]) -> bytes:
    """One JSON object on one line. Raises RecursionError where it is nested deeper than Python's own writer goes."""
    try:
        line = orjson.dumps(values).decode()
    except TypeError:
        # A lone surrogate, a number beyond 64 bits, or more than 254 levels.
        import json

        line = json.dumps(values, separators=(",", ":"))
    if not line.isascii():
        line = _TRICKS_IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", line)
    elif "\x7f" in line:
        line = line.replace("\x7f", "\\u007f")
    return line.encode() + b"\n"


def put(values: Mapping[str, Any]) -> None:
    """One JSON line on stdout, there at once: the next may be a minute away."""
    line = json_line(values)
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(line.decode())
    else:
        buffer.write(line)
    sys.stdout.flush()


def as_plain_json(value: Any) -> Any:
    """A value of Graph's without its paging: a nested edge becomes the list of its items.

    Without recursion: an answer may be nested deeper than Python's stack.
    """
    top = [value]
    todo: list[tuple[Any, Any]] = [(top, 0)]
    while todo:
        place, key = todo.pop()
        inner = place[key]
        if isinstance(inner, dict) and isinstance(inner.get("data"), list) and inner.keys() <= _OF_AN_EDGE:
            inner = inner["data"]
        if isinstance(inner, dict):
            place[key] = copy = {name: each for name, each in inner.items() if name != "paging"}
            todo += [(copy, name) for name in copy]
        elif isinstance(inner, list):
            place[key] = items = inner.copy()
            todo += [(items, number) for number in range(len(items))]
        elif isinstance(inner, str) and "=" in inner:
            place[key] = _TOKEN_PARAMETER.sub(rf"\1{MASK}", inner)
    return top[0]
