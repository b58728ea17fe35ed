"""What an answer says: JSON out of bytes, and Meta's errors as the right class.

The `error` object decides and not the HTTP status: an error has been seen with 200, throttling with 400 and 403
(contract 4.3, 8.3, 10). The order of decision is the contract's (5.2): "reduce the amount of data" first, since it
comes as code 1 and is no outage; then tokens before throttling; then throttling; then `is_transient`; then 5xx and
bodies that are no JSON. An unknown code stays a plain `GraphError`. Where `code` is missing, the number that Meta puts
in front of its message, `(#613) …`, stands for it: the words are localised, the number is not.
"""

import re
from typing import Any, Final

import orjson

from conversations_async.errors import (
    AnswerUnreadable,
    ConversationsError,
    GraphError,
    GraphUnavailable,
    PermissionMissing,
    RateLimited,
    RequestRejected,
    TemporarilyBlocked,
    TokenRejected,
    TooMuchAsked,
)
from conversations_async.graph.listing import Listing, read_listing
from conversations_async.graph.requests import GraphRequest, RawAnswer
from conversations_async.graph.usage import read_usage
from conversations_async.masking import without_tokens
from conversations_async.model import Inbox, Pool, PoolKind, Usage
from conversations_async.readers import DEEPEST, has_too_many_containers, holds_escape, is_deep
from conversations_async.values import Bundle


class Answer(Bundle):
    """A good answer: its JSON object, and what its headers said. `version` is None where no header told.

    Frozen it would cost three times as much to make, as all that is made for each call.
    """

    payload: dict[str, Any]
    usage: Usage | None = None
    version: str | None = None
    listing: Listing | None = None
    """What was decoded at once instead of into `payload`."""


# -- codes -------------------------------------------------------------------------------------------------------------

# Code → class. Sources: contract 5.2 (reference page of this edge, error guide, logs).
CODES: Final[dict[int, type[GraphError]]] = {
    1: GraphUnavailable,
    2: GraphUnavailable,
    3: PermissionMissing,
    10: PermissionMissing,
    **dict.fromkeys(range(200, 300), PermissionMissing),
    100: RequestRejected,
    803: RequestRejected,
    2500: RequestRejected,
    102: TokenRejected,
    104: TokenRejected,
    190: TokenRejected,
    368: TemporarilyBlocked,
}

# Throttling code → the pool that it closes. Sources: contract 4.3; an app limit is 4 and 341, a user's 17 and 32.
POOLS: Final[dict[int, PoolKind]] = {
    4: "app",
    341: "app",
    17: "user",
    32: "user",
    613: "inbox",
    80001: "pages",
    80002: "instagram",
    80006: "messenger",
    # The other business use cases (ads, catalogue, lead generation): not ours to call, but a pool of the Page's.
    **{code: "pages" for code in range(80000, 80015) if code not in (80001, 80002, 80006)},
}

# What `is_transient` does not soften: a rejected token is never sent again, and a block lasts hours (contract 5.2).
_LASTING: Final = (TokenRejected, TemporarilyBlocked)

_NUMBERED: Final = re.compile(r"\(#([0-9]{1,6})\)")  # contract 5.1
_REDUCE: Final = "reduce the amount of data"  # contract 5.3
_APOLOGIES: Final = (b"service unavailable", b"something went wrong", b"temporarily unavailable")  # contract 5.1
_LONGEST_MESSAGE: Final = 600
_VERSION: Final = re.compile(r"v[0-9]{1,3}\.[0-9]{1,3}")


def read_answer(request: GraphRequest, answer: RawAnswer, *, user: str = "", at_once: bool = False) -> Answer:
    """The answer's payload and usage, or the right error. `user` names whose pool codes 17 and 32 close.

    `at_once`: a listing's answer may come as `listing`.
    """
    if at_once and answer.status == 200 and request.inbox is not None:
        listing = read_listing(answer.body, request.inbox, may_spell_nul=answer.may_spell_nul)
        if listing is not None:
            return Answer({}, read_usage(answer), _version(answer), listing)
    found = _read(request.inbox, answer, user)
    if isinstance(found, Answer):
        return found
    # An error's frames are shown by debuggers and error trackers: people's text must not lie in their variables.
    del answer
    raise found


def _read(inbox: Inbox | None, answer: RawAnswer, user: str) -> Answer | ConversationsError:
    usage = read_usage(answer)
    try:
        payload = read_json(answer.body)
    except AnswerUnreadable as unreadable:
        return _not_json(answer, unreadable.with_traceback(None), inbox)
    if isinstance(payload, dict):
        if (body := _error_object(payload, answer.status)) is not None:
            return _read_error(body, answer, usage, inbox, user)
        if answer.status < 300:
            return Answer(payload, usage, _version(answer))
    if answer.status >= 500:
        return GraphUnavailable(f"HTTP {answer.status} without an error.", status=answer.status, inbox=inbox)
    if 300 <= answer.status < 400:
        # The token must not go where a redirect points.
        return GraphError(f"HTTP {answer.status}: a redirect, not followed.", status=answer.status, inbox=inbox)
    if answer.status >= 400:
        return GraphError(f"HTTP {answer.status} without an error.", status=answer.status, inbox=inbox)
    return AnswerUnreadable(f"a JSON object was expected, not {_kind(payload)}", inbox=inbox)


def _version(answer: RawAnswer) -> str | None:
    """The version that answered. It goes into warnings, so nothing else may stand there."""
    stated = answer.header("facebook-api-version") or answer.header("instagram-api-version")
    return stated if stated is not None and _VERSION.fullmatch(stated) else None


def _not_json(answer: RawAnswer, unreadable: AnswerUnreadable, inbox: Inbox | None) -> ConversationsError:
    """HTML, nothing, or words of regret: what stands before Graph is down, whatever the status (contract 5.1)."""
    if 300 <= answer.status < 400:
        return GraphError(f"HTTP {answer.status}: a redirect, not followed.", status=answer.status, inbox=inbox)
    start = answer.body[:400].strip().lower()
    page = start.startswith(b"<") or any(words in start for words in _APOLOGIES)
    if answer.status >= 500 or not start or page:
        what = "nothing" if not start else "a web page" if page else "no JSON"
        return GraphUnavailable(f"HTTP {answer.status} with {what} as its answer.", status=answer.status, inbox=inbox)
    unreadable.inbox = inbox
    return unreadable


def _error_object(payload: dict[str, Any], status: int) -> dict[str, Any] | None:
    """The error in an answer: wrapped, or flat as two hosts send it (payload shapes: errors)."""
    error = payload.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str) and "data" not in payload:
        return {"message": payload.get("error_description", error), "type": error}
    if "data" not in payload:
        for marks, message, kind, code in _FLAT_ERRORS:
            if all(mark in payload for mark in marks):
                return {
                    **payload,
                    "message": payload.get(message),
                    "type": payload.get(kind),
                    "code": payload.get(code),
                }
    if error is not None and status >= 400:
        return {}
    return None


# Members that tell a flat error → where its message, type and code are.
_FLAT_ERRORS: Final = (
    # The OAuth host of Instagram; `code` repeats the HTTP status, which is no row of CODES (payload shapes: errors).
    (("error_message", "code"), "error_message", "error_type", "code"),
    # A batch refused as a whole; the old REST wording (payload shapes: errors).
    (("error_code", "error_description"), "error_description", "error_type", "error_code"),
    (("error_code",), "error_msg", "error_type", "error_code"),
    # Meta's own members without the wrapper: of the same family, not seen.
    (("message", "code", "type"), "message", "type", "code"),
    (("message", "code", "fbtrace_id"), "message", "type", "code"),
)


def _read_error(
    body: dict[str, Any], answer: RawAnswer, usage: Usage | None, inbox: Inbox | None, user: str
) -> GraphError:
    message = _message(body.get("message"))
    code, subcode = _int(body.get("code")), _int(body.get("error_subcode"))
    if code is None and (numbered := _NUMBERED.match(message)):
        code = int(numbered[1])
    transient = body.get("is_transient")
    transient = transient if isinstance(transient, bool) else None
    found = _class_of(code, subcode, message, transient, answer.status)
    details = (
        message,
        code,
        subcode,
        _short(body.get("type")),
        _short(body.get("fbtrace_id")),
        answer.status,
        inbox,
        transient,
    )
    if found is not RateLimited:
        return found(*details)
    pool = _pool_of(code, inbox, user)
    return RateLimited(*details, pool=pool, retry_after=_retry_after(answer, usage))


def _class_of(
    code: int | None, subcode: int | None, message: str, transient: bool | None, status: int
) -> type[GraphError]:
    if _REDUCE in message.lower():
        return TooMuchAsked
    if code in POOLS:
        # Whatever `is_transient` says: it was seen with 4, whose pool must close all the same (contract 4.3).
        return RateLimited
    found = CODES.get(code) if code is not None else None
    if found in _LASTING:
        return found
    if transient:
        return GraphUnavailable
    if found is GraphUnavailable:
        # Code 1 also carries final answers such as 1/1446036 (payload shapes): a subcode names the condition.
        return GraphError if transient is False and subcode is not None else found
    if found is not None:
        return found
    return GraphUnavailable if status >= 500 and transient is None else GraphError


def _pool_of(code: int | None, inbox: Inbox | None, user: str) -> Pool:
    kind = POOLS[code or 0]
    if kind == "app":
        return Pool("app")
    if kind == "user" or inbox is None:
        return Pool("user", user)
    if kind == "inbox":
        return Pool("inbox", inbox.key)
    return Pool(kind, inbox.page_id)


def _retry_after(answer: RawAnswer, usage: Usage | None) -> float | None:
    """Seconds: the longest regain time of all entries; else Retry-After, which nobody has seen here (contract 4.2)."""
    stated = usage.regain_after if usage is not None else 0.0
    if stated <= 0:
        text = answer.header("retry-after") or ""
        stated = float(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0.0
    return stated if stated > 0 else None


_NONEXISTING: Final = re.compile(r"nonexisting field \((\w{1,60})\)(?: on node type \((\w{1,60})\))?")


def refused_field(error: Exception) -> tuple[str, str | None] | None:
    """The field that Meta says does not exist here, and the node type where it says so (contract 5.2, 10)."""
    if not isinstance(error, RequestRejected) or (found := _NONEXISTING.search(error.message)) is None:
        return None
    return found[1], found[2]


# -- JSON --------------------------------------------------------------------------------------------------------------

# With `\\` hidden away every backslash starts an escape. A high half in front of a low one always pairs with it.
_NO_TEXT: Final = re.compile(
    rb"\\u(?:0000"
    rb"|[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u)[dD][c-fC-F][0-9a-fA-F]{2})"
)
_HIDDEN: Final = b"\xff\xff"  # in no UTF-8


def read_json(body: bytes) -> Any:
    """JSON out of bytes. Text is cleaned once, here: NUL, lone surrogates and broken UTF-8 become U+FFFD.

    Databases and terminals break on them, and one broken snippet must not hide the 99 threads beside it.
    Raises AnswerUnreadable for all else that is not JSON, nested too deep, or of more objects than memory should hold.
    """
    if has_too_many_containers(body):
        raise AnswerUnreadable("too many objects")
    value = _decoded(body)
    if is_deep(value, DEEPEST):
        raise AnswerUnreadable("nested too deep")
    return value


def _decoded(body: bytes) -> Any:
    if not holds_escape(body, b"\\u0000"):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    try:
        return orjson.loads(_clean(body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").encode()))
    except orjson.JSONDecodeError as error:
        reason = str(error).partition(":")[0]
    raise AnswerUnreadable(f"not JSON ({reason})")


def _clean(body: bytes) -> bytes:
    """UTF-8 without escapes that are no text. Without a Python call for each: there may be a million."""
    return _NO_TEXT.sub(rb"\\ufffd", body.replace(rb"\\", _HIDDEN)).replace(_HIDDEN, rb"\\")


# -- values of the error object ----------------------------------------------------------------------------------------


_NUMBER: Final = re.compile(r"-?[0-9]{1,11}")


def _int(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _short(value: object) -> str | None:
    return _without_secrets(value, 80) if isinstance(value, str) else None


def _message(value: object) -> str:
    text = value if isinstance(value, str) and value else "Meta gave no message."
    return _without_secrets(text, _LONGEST_MESSAGE)


_LONGEST_LOOKED_AT: Final = 8192


def _without_secrets(text: str, length: int) -> str:
    """Masked before it is cut: half a token is no longer told from words."""
    text = "".join(each if each.isprintable() else " " for each in text[:_LONGEST_LOOKED_AT])
    return without_tokens(text)[:length]


def _kind(value: object) -> str:
    names = {list: "an array", str: "text", bool: "a bool", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), "an object")
