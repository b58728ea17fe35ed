"""Lines out: JSON on stdout, sentences on stderr, and neither can play tricks on a terminal or show a token."""

import re
import sys
from collections.abc import Mapping
from typing import Any, Final

import orjson

# What moves a terminal's cursor, hides text or turns its direction: C0 and C1 controls, line separators, bidi marks,
# invisible joiners' neighbours, and lone surrogates, which no UTF-8 stream takes.
_TRICKS: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
# JSON escapes C0 itself; the others may be written as escapes without changing what the line says.
_TRICKS_IN_JSON: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb]")

# Meta's tokens begin like this. No sentence has a reason to hold one: the last of several nets.
_LOOKS_LIKE_A_TOKEN: Final = re.compile(r"\b(?:EAA|IGAA|IGQ)[A-Za-z0-9_-]{20,}")
_TOKEN_PARAMETER: Final = re.compile(r"((?:access_token|appsecret_proof)=)[^&\s\"'\\]+")
_MASK: Final = "•••"


def clean(text: str) -> str:
    """Text of people or of Meta on one line, with nothing in it that a terminal would obey."""
    return _TRICKS.sub(lambda found: " " if found.group() in "\t\n\r\u2028\u2029" else "\ufffd", text)


def without_tokens(text: str) -> str:
    """The text with everything masked that looks like a token."""
    return _LOOKS_LIKE_A_TOKEN.sub(_MASK, _TOKEN_PARAMETER.sub(rf"\1{_MASK}", text))


def say(sentence: str) -> None:
    """One line on stderr."""
    stream = sys.stderr
    line = without_tokens(clean(sentence))
    try:
        stream.write(line + "\n")
    except UnicodeEncodeError:
        stream.write(line.encode("ascii", "backslashreplace").decode() + "\n")
    stream.flush()


def json_line(values: Mapping[str, Any]) -> bytes:
    """One JSON object on one line."""
    try:
        line = orjson.dumps(values).decode()
    except TypeError:
        # A lone surrogate, or a number beyond 64 bits.
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
    """A value of Graph's without its paging: a nested edge becomes the list of its items."""
    if isinstance(value, dict):
        if isinstance(value.get("data"), list) and value.keys() <= {"data", "paging", "summary"}:
            return [as_plain_json(each) for each in value["data"]]
        return {key: as_plain_json(each) for key, each in value.items() if key != "paging"}
    if isinstance(value, list):
        return [as_plain_json(each) for each in value]
    if isinstance(value, str) and "=" in value:
        return _TOKEN_PARAMETER.sub(rf"\1{_MASK}", value)
    return value
