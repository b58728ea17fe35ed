"""What an answer says: every refusal of the samples, every code of the contract, every body that is none."""

import json
import pickle
import sys
import traceback
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from samples.expected import BATCH, ERRORS
from samples.rows import ErrorSample, ExpectedItem

from conversations_async import errors
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
from conversations_async.graph.answers import CODES, POOLS, Answer, read_answer, read_json
from conversations_async.graph.decode import thread_page
from conversations_async.graph.requests import GraphRequest, RawAnswer
from conversations_async.graph.usage import read_usage
from conversations_async.model import Inbox, Platform, Pool, ThreadPage

MESSENGER = Inbox("1042", Platform.MESSENGER)
INSTAGRAM = Inbox("1042", Platform.INSTAGRAM)


def ask(inbox: Inbox | None = MESSENGER) -> GraphRequest:
    return GraphRequest("1042/conversations", "fields=id", "facebook", inbox)


def read(body: object, status: int = 400, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    """The answer with this body: bytes as they are, anything else as JSON."""
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(ask(more.pop("inbox", MESSENGER)), RawAnswer(status, headers or {}, written), **more)


def error_of(body: object, status: int = 400, headers: dict[str, str] | None = None, **more: Any) -> ConversationsError:
    with pytest.raises(ConversationsError) as refused:
        read(body, status, headers, **more)
    return refused.value


def refusal(code: int | None = None, subcode: int | None = None, **members: Any) -> dict[str, Any]:
    error = {"message": "Something.", "type": "OAuthException", "code": code, "error_subcode": subcode, **members}
    return {"error": {name: value for name, value in error.items() if value is not None}}


# -- the samples -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", ERRORS, ids=lambda sample: sample.file)
def test_every_sample_of_a_refusal_is_of_its_class(sample: ErrorSample) -> None:
    inbox = Inbox("1042", sample.platform or Platform.MESSENGER)
    found = error_of(sample.body, sample.status, inbox=inbox)
    assert type(found) is getattr(errors, sample.error)
    assert getattr(found, "inbox", None) == inbox
    if isinstance(found, GraphError):
        for name in ("code", "subcode", "type", "fbtrace_id", "is_transient", "status"):
            assert getattr(found, name) == getattr(sample, name), name
        assert sample.message in (None, found.message)
    if isinstance(found, RateLimited):
        assert found.pool is not None
        assert found.pool.kind == sample.pool


def item_answer(item: dict[str, Any]) -> RawAnswer:
    """One item of a batch as the answer that it would be by itself (contract 6.1)."""
    body = item.get("body")
    headers = {pair["name"]: pair["value"] for pair in item.get("headers", [])}
    written = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
    return RawAnswer(item["code"], headers, written)


ITEMS = [
    pytest.param(item, expected, id=f"{sample.file}[{place}]")
    for sample in BATCH
    for place, (item, expected) in enumerate(zip(json.loads(sample.body), sample.items, strict=True))
]


@pytest.mark.parametrize(("item", "expected"), ITEMS)
def test_every_item_of_a_batch_is_read_like_an_answer(item: dict[str, Any] | None, expected: ExpectedItem) -> None:
    assert (item is None) == expected.null
    if item is None:
        return
    raw = item_answer(item)
    assert raw.status == expected.status
    usage = read_usage(raw)
    pools = usage.pools if usage is not None else ()
    assert [(pool.kind, pool.regain_after) for pool in pools if pool.kind != "app"] == [
        (entry.pool, entry.regain_after) for entry in expected.usage
    ]
    assert [pool.call_count for pool in pools if pool.kind == "app"] == [
        meter.call_count for meter in [expected.app] if meter is not None
    ]
    if expected.error is not None:
        with pytest.raises(ConversationsError) as refused:
            read_answer(ask(), raw)
        assert type(refused.value) is getattr(errors, expected.error)
        pool = getattr(refused.value, "pool", None)
        assert (pool.kind if pool is not None else None) == expected.pool
    elif expected.body in ("object", "listing"):
        payload = read_answer(ask(), raw).payload
        assert payload.get("id") == expected.id
        assert isinstance(payload.get("data"), list) == (expected.body == "listing")
    else:
        # A redirect, a 304 and `true` are no answers to a question for threads.
        with pytest.raises(ConversationsError):
            read_answer(ask(), raw)


# -- codes -------------------------------------------------------------------------------------------------------------

# Contract 4.3 and 5.2, row by row: code, subcode, class.
TABLE: list[tuple[int, int | None, type[GraphError]]] = [
    (1, None, GraphUnavailable),
    (1, 99, GraphUnavailable),
    (2, None, GraphUnavailable),
    (3, None, PermissionMissing),
    (4, None, RateLimited),
    (17, None, RateLimited),
    (17, 2446079, RateLimited),
    (32, None, RateLimited),
    (341, None, RateLimited),
    (613, None, RateLimited),
    (613, 1996, RateLimited),
    (613, 2534040, RateLimited),
    (80001, None, RateLimited),
    (80002, None, RateLimited),
    (80006, None, RateLimited),
    (10, None, PermissionMissing),
    (10, 2534022, PermissionMissing),
    (100, None, RequestRejected),
    (100, 33, RequestRejected),
    (102, None, TokenRejected),
    (104, None, TokenRejected),
    (190, None, TokenRejected),
    *((190, subcode, TokenRejected) for subcode in (458, 459, 460, 463, 464, 466, 467, 492)),
    (200, None, PermissionMissing),
    (200, 2534041, PermissionMissing),
    (230, None, PermissionMissing),
    (299, None, PermissionMissing),
    (300, None, GraphError),
    (368, None, TemporarilyBlocked),
    (506, None, GraphError),
    (551, 1545041, GraphError),
    (803, None, RequestRejected),
    (960, None, GraphError),
    (1200, None, GraphError),
    (2500, None, RequestRejected),
    (2642, None, GraphError),
    (-1, None, GraphError),
    (-3, None, GraphError),
    (80015, None, GraphError),
]


@pytest.mark.parametrize(("code", "subcode", "kind"), TABLE)
@pytest.mark.parametrize("status", [200, 400, 403])
def test_the_code_decides_and_not_the_status(
    code: int, subcode: int | None, kind: type[GraphError], status: int
) -> None:
    """Contract 8.3: 4 came with 403, 613 with 400; 10: an error was delivered with HTTP 200."""
    found = error_of(refusal(code, subcode), status)
    assert type(found) is kind
    assert isinstance(found, GraphError)
    assert (found.code, found.subcode, found.status) == (code, subcode, status)


def test_the_reference_pages_own_codes_are_all_rows() -> None:
    """Contract 5.2: the edge's page lists exactly these."""
    assert {100, 104, 190, 200, 230, 368, 613, 2500, 80006} <= set(CODES) | set(POOLS)
    assert not set(CODES) & set(POOLS)
    assert set(range(80000, 80015)) <= set(POOLS)


# Code → the pool it closes, on Messenger and on Instagram (contract 4.1, 4.3).
CLOSES = [
    (4, Pool("app")),
    (341, Pool("app")),
    (17, Pool("user", "anna")),
    (32, Pool("user", "anna")),
    (80001, Pool("pages", "1042")),
    (80002, Pool("instagram", "1042")),
    (80006, Pool("messenger", "1042")),
    (80004, Pool("pages", "1042")),
]


@pytest.mark.parametrize(("code", "pool"), CLOSES)
@pytest.mark.parametrize("inbox", [MESSENGER, INSTAGRAM], ids=str)
def test_a_refusal_names_the_pool_it_closes(code: int, pool: Pool, inbox: Inbox) -> None:
    found = error_of(refusal(code), inbox=inbox, user="anna")
    assert isinstance(found, RateLimited)
    assert found.pool == pool


def test_613_closes_one_inbox_and_not_the_pages_other_one() -> None:
    """Contract 4.1: 2 calls a second are counted per Page and per Instagram account."""
    first, second = (error_of(refusal(613), inbox=inbox) for inbox in (MESSENGER, INSTAGRAM))
    assert isinstance(first, RateLimited)
    assert isinstance(second, RateLimited)
    assert first.pool is not None
    assert first.pool.kind == "inbox"
    assert first.pool != second.pool


def test_a_refusal_of_a_call_without_an_inbox_closes_the_users_pool() -> None:
    found = error_of(refusal(80006), inbox=None, user="anna")
    assert isinstance(found, RateLimited)
    assert found.pool == Pool("user", "anna")


REDUCE = "Please reduce the amount of data you're asking for, then retry your request"

# Order of decision (contract 5.2, 5.3; samples/README): body, status, class.
ORDER: list[tuple[str, dict[str, Any], int, type[ConversationsError]]] = [
    ("reduce before is_transient", refusal(1, 99, message=REDUCE, is_transient=True), 400, TooMuchAsked),
    ("reduce before 5xx", refusal(1, message=REDUCE), 500, TooMuchAsked),
    ("reduce in any case, without a code", refusal(message=REDUCE.upper()), 500, TooMuchAsked),
    ("throttling before is_transient", refusal(4, is_transient=True), 403, RateLimited),
    ("throttling before not transient", refusal(613, is_transient=False), 400, RateLimited),
    ("throttling before 5xx", refusal(80006), 503, RateLimited),
    ("a token before is_transient", refusal(190, is_transient=True), 400, TokenRejected),
    ("a token before 5xx", refusal(190), 500, TokenRejected),
    ("a block before is_transient", refusal(368, is_transient=True), 400, TemporarilyBlocked),
    ("is_transient before a permission", refusal(200, is_transient=True), 403, GraphUnavailable),
    ("is_transient before a rejected request", refusal(100, is_transient=True), 400, GraphUnavailable),
    ("is_transient before an unknown code", refusal(1200, is_transient=True), 400, GraphUnavailable),
    ("a permission before 5xx", refusal(10), 500, PermissionMissing),
    ("5xx for an unknown code", refusal(1200), 500, GraphUnavailable),
    ("not transient before 5xx", refusal(-1, 2207085, is_transient=False), 500, GraphError),
    ("code 1 not transient with a subcode", refusal(1, 1446036, is_transient=False), 400, GraphError),
    ("code 1 not transient without one", refusal(1, is_transient=False), 500, GraphUnavailable),
    ("is_transient that is no bool", refusal(100, is_transient="yes"), 400, RequestRejected),
    ("no code, 5xx", refusal(), 502, GraphUnavailable),
    ("no code, 4xx", refusal(), 404, GraphError),
    ("an empty error", {"error": {}}, 400, GraphError),
    ("an error of no shape", {"error": ["x"]}, 400, GraphError),
    ("an error of no shape, 5xx", {"error": 7}, 500, GraphUnavailable),
    ("type never decides", refusal(190, type="Exception"), 400, TokenRejected),
    ("a code in quotes", {"error": {"message": "m", "code": "190", "error_subcode": "463"}}, 400, TokenRejected),
    ("a code that is no number", {"error": {"message": "m", "code": "x"}}, 400, GraphError),
    ("a code that is true", {"error": {"message": "m", "code": True}}, 400, GraphError),
    ("a code of two signs", {"error": {"message": "m", "code": "--5"}}, 400, GraphError),
    ("a code of a sign", {"error": {"message": "m", "code": "-"}}, 400, GraphError),
    ("a code of 5,000 digits", {"error": {"message": "m", "code": "9" * 5000}}, 400, GraphError),
    ("the number before the message", refusal(message="(#613) Calls to this api …"), 400, RateLimited),
    ("the same, localised", refusal(message="(#190) トークンが無効です"), 400, TokenRejected),
    ("a number inside the message", refusal(message="See (#613) for more."), 400, GraphError),
    ("the code before the number", refusal(100, message="(#613) odd"), 400, RequestRejected),
    ("flat: batch", {"error_code": 190, "error_description": "Could not be validated."}, 400, TokenRejected),
    ("flat: REST", {"error_code": 613, "error_msg": "Too many."}, 200, RateLimited),
    ("flat: OAuth host", {"error_type": "OAuthException", "code": 400, "error_message": "No."}, 400, GraphError),
    ("flat: Meta's members", {"message": "m", "type": "OAuthException", "code": 190}, 400, TokenRejected),
    ("flat: with a number", {"error_code": None, "error_msg": "(#4) Application request limit"}, 400, RateLimited),
    ("OAuth style", {"error": "invalid_request", "error_description": "m"}, 400, GraphError),
    ("nothing of an error, 4xx", {"success": False}, 404, GraphError),
    ("nothing of an error, 5xx", {"success": False}, 500, GraphUnavailable),
    ("a redirect", {"data": []}, 302, GraphError),
]


@pytest.mark.parametrize(("body", "status", "kind"), [row[1:] for row in ORDER], ids=[row[0] for row in ORDER])
def test_the_order_of_decision(body: dict[str, Any], status: int, kind: type[ConversationsError]) -> None:
    assert type(error_of(body, status)) is kind


def test_a_flat_error_keeps_its_subcode_and_trace() -> None:
    found = error_of({"error_code": 190, "error_subcode": 463, "error_msg": "Gone.", "fbtrace_id": "AmFG"})
    assert isinstance(found, TokenRejected)
    assert (found.message, found.subcode, found.fbtrace_id) == ("Gone.", 463, "AmFG")


def test_a_thread_with_a_code_of_its_own_is_no_error() -> None:
    assert read({"data": [], "code": 190, "message": "m", "type": "x"}, 200).payload["code"] == 190
    assert read({"data": [], "error": None}, 200).payload == {"data": [], "error": None}


# -- waits -------------------------------------------------------------------------------------------------------------


def buc(*minutes: int) -> dict[str, str]:
    entries = [{"type": "messenger", "call_count": 100, "estimated_time_to_regain_access": each} for each in minutes]
    return {"x-business-use-case-usage": json.dumps({"1042": entries})}


WAITS: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    (buc(12), 720.0),  # contract 4.2: minutes
    (buc(3, 31, 7), 1860.0),  # contract 4.3: the largest over all entries
    (buc(0), None),  # contract 4.2: 0 does not mean healthy
    ({"retry-after": "120"}, 120.0),  # contract 10: honour it if present
    ({"Retry-After": "120"}, 120.0),
    ({**buc(1), "retry-after": "7"}, 60.0),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
    ({"retry-after": "-5"}, None),
    ({"retry-after": "9" * 400}, None),
    ({"retry-after": "٣"}, None),
    ({"x-business-use-case-usage": "{"}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), WAITS)
def test_a_refusal_says_how_long_in_seconds(headers: dict[str, str], seconds: float | None) -> None:
    found = error_of(refusal(80006), headers=headers)
    assert isinstance(found, RateLimited)
    assert found.retry_after == seconds


def test_a_good_answer_brings_usage_and_version() -> None:
    answer = read({"data": []}, 200, {**buc(2), "Facebook-API-Version": "v25.0"})
    assert answer.version == "v25.0"
    assert answer.usage is not None
    assert answer.usage.regain_after == 120.0
    assert read({"data": []}, 200, {"instagram-api-version": "v23.0"}).version == "v23.0"
    bare = read({"data": []}, 200)
    assert (bare.version, bare.usage) == (None, None)


@pytest.mark.parametrize("header", ["canary", "v25.0 canary", "v25.0\n", "v٢٥.٠", "v2555.0", ""])
def test_a_version_that_is_none_is_not_kept(header: str) -> None:
    """It is told in warnings: a proxy that echoes the call's headers must not bring a token there."""
    assert read({"data": []}, 200, {"facebook-api-version": header}).version is None


# -- nothing secret in what is said ------------------------------------------------------------------------------------

SECRET_LIKE = [
    "EAASAMPLETOKENNOTREAL0123456789",
    "EAAC" + "x" * 590,
    "IGQVJCANARYcanary0123456789",
    "IGAACANARYcanary01234567890",
    "123456789012345|AbCdEf_0123-456789",
    "123|abc",
    "123456%7Cabcdef0123",
]
TOLD_IN = [
    "{}",
    "Malformed access token {}",
    "Malformed access token: {}.",
    "Error validating access_token={}&limit=1 on this call",
    "see https://graph.facebook.com/v25.0/1042?access_token={}",
    "“{}”",
    "x" * 585 + " {}",
]


@pytest.mark.parametrize("secret", SECRET_LIKE)
@pytest.mark.parametrize("told", TOLD_IN)
def test_a_token_that_meta_echoes_is_masked(secret: str, told: str) -> None:
    found = error_of(refusal(190, message=told.format(secret), type=secret, fbtrace_id=secret, error_user_msg=secret))
    shown = f"{found} {found!r} {found.args} {pickle.dumps(found).decode('latin-1')}"
    start = secret[:14]
    assert start not in shown.replace("access_token", "")
    assert "•••" in shown or len(told) > 100


@pytest.mark.parametrize(
    "words",
    [
        "Bad access_token=plainword end",
        "Bad ACCESS_TOKEN=plainword end",
        "Bad access_token%3Dplainword",
        "Bad input_token=plainword",
        "Bad appsecret_proof=plainword",
        "Bad client_secret=plainword",
        "Bad header: Bearer plainword0123456789plainword",
        "Bad header: OAuth plainword0123456789plainword",
        "The access token plainword0123456789plainword could not be decrypted",
    ],
)
def test_whatever_follows_the_name_of_a_secret_is_masked(words: str) -> None:
    assert "plainword" not in str(error_of(refusal(190, message=words)))


@pytest.mark.parametrize(
    "words",
    [
        "Error validating access token: Session has expired on Friday, 03-Oct-26 10:00:00 PDT.",
        "An active access token must be used to query information about the current user.",
        "Unsupported get request. Object with ID 'aWdfZAG06MzQwMjgyMzY2ODQxNzEwMzAxMTI5' does not exist",
        "(#100) Tried accessing nonexisting field (conversations) on node type (IGMessageThread)",
    ],
)
def test_metas_own_words_stay(words: str) -> None:
    found = error_of(refusal(190, message=words))
    assert isinstance(found, GraphError)
    assert found.message == words


def test_an_answer_does_not_show_its_texts() -> None:
    assert "canary" not in repr(read({"data": [{"snippet": "canary"}]}, 200))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (refusal(190, note="canary"), 400),
        ({"data": ["canary"]}, 500),
        ({"data": ["canary"]}, 404),
        ({"data": ["canary"]}, 302),
        (["canary"], 200),
        (b'{"data":["canary"', 200),
        (b"canary" + b"[" * 100, 502),
        (b"[" * 100 + b'"canary"' + b"]" * 100, 200),
    ],
)
def test_no_frame_of_an_error_holds_what_was_answered(body: object, status: int) -> None:
    """Debuggers and error trackers show the variables of every frame; the caller's own are the caller's."""
    found = error_of(body, status)
    assert found.__context__ is None
    assert found.__cause__ is None
    own = [
        frame
        for frame, _ in traceback.walk_tb(found.__traceback__)
        if frame.f_code.co_filename.endswith("graph/answers.py")
    ]
    assert own
    shown = [repr(getattr(value, "body", value)) for frame in own for value in frame.f_locals.values()]
    assert "canary" not in "".join(shown)


def test_a_message_is_one_printable_line_of_bounded_length() -> None:
    found = error_of(refusal(1200, message="a\n\x1b[31mb\u202ec\x00" + "d" * 10**6))
    assert isinstance(found, GraphError)
    assert found.message.isprintable()
    assert len(found.message) == 600


# -- bodies ------------------------------------------------------------------------------------------------------------

SORRY = b"<!DOCTYPE html><html><head><title>Facebook | Error</title></head><body>Sorry, something went wrong.</body>"

# A 200 with such a body, and what it ends in (contract 5.1; the bars of the samples).
BODIES: list[tuple[str, bytes, type[ConversationsError]]] = [
    ("200,000 open brackets", b"[" * 200_000, AnswerUnreadable),
    ("200,000 brackets", b"[" * 200_000 + b"]" * 200_000, AnswerUnreadable),
    ("200,000 brackets in a thread", b'{"data":[{"id":"t_1","x":' + b'{"a":' * 200_000, AnswerUnreadable),
    ("65 levels", b'{"data":' + b"[" * 64 + b"]" * 64 + b"}", AnswerUnreadable),
    ("900 levels", b'{"data":' + b'[{"a":' * 450 + b"1" + b"}]" * 450 + b"}", AnswerUnreadable),
    ("a million objects", b'{"data":[' + b"{}," * 10**6 + b"{}]}", AnswerUnreadable),
    ("NaN", b'{"data":[{"id":"t_1","unread_count":NaN}]}', AnswerUnreadable),
    ("Infinity", b'{"data":[{"id":"t_1","unread_count":-Infinity}]}', AnswerUnreadable),
    ("an id of 5,000 bare digits", b'{"data":[{"id":' + b"9" * 5000 + b"}]}", AnswerUnreadable),
    ("a bare NUL in a text", b'{"data":[{"id":"t_\x001"}]}', AnswerUnreadable),
    ("truncated", b'{"data":[{"id":"t_1"},{"id":"t', AnswerUnreadable),
    ("words", b"Hello there", AnswerUnreadable),
    ("an array", b"[]", AnswerUnreadable),
    ("a text", b'"data"', AnswerUnreadable),
    ("null", b"null", AnswerUnreadable),
    ("true", b"true", AnswerUnreadable),
    ("a number", b"7", AnswerUnreadable),
    ("two objects", b'{"data":[]}{"data":[]}', AnswerUnreadable),
    ("for (;;);", b'for (;;);{"data":[]}', AnswerUnreadable),
    ("UTF-16", '{"data":[]}'.encode("utf-16"), AnswerUnreadable),
    ("random bytes", bytes(range(256)), AnswerUnreadable),
    ("nothing", b"", GraphUnavailable),
    ("white space", b" \r\n\t ", GraphUnavailable),
    ("HTML", SORRY, GraphUnavailable),
    ("Service Unavailable", b"Service Unavailable", GraphUnavailable),
    ("words of regret", b"Sorry, something went wrong.", GraphUnavailable),
]


@pytest.mark.parametrize(("body", "kind"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_a_body_that_is_no_listing_ends_in_an_error_of_ours(body: bytes, kind: type[ConversationsError]) -> None:
    found = error_of(body, 200)
    assert type(found) is kind
    assert getattr(found, "inbox", None) == MESSENGER
    assert len(str(found)) < 300


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500, 502, 503])
def test_a_web_page_means_that_graph_is_down_whatever_the_status(status: int) -> None:
    """Contract 5.1: seen with HTTP 400."""
    found = error_of(SORRY, status)
    assert isinstance(found, GraphUnavailable)
    assert "a web page" in str(found)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_any_body_with_5xx_means_that_graph_is_down(status: int) -> None:
    for body in (b"", b"upstream timed out", b"[" * 5000, b"[]", b"null", b"{}"):
        assert type(error_of(body, status)) is GraphUnavailable


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_error_whatever_it_holds(status: int) -> None:
    for body in (b"", SORRY, b"[]", b'{"data":[]}'):
        found = error_of(body, status, {"location": "https://evil.example/"})
        assert type(found) is GraphError
        assert "redirect" in str(found)
        assert "evil" not in str(found)


# Text is cleaned once, at the decoder: JSON text → what is read.
CLEANED: list[tuple[bytes, object]] = [
    (rb'{"a":"\ud83d"}', {"a": "\ufffd"}),
    (rb'{"a":"\udc00x"}', {"a": "\ufffdx"}),
    (rb'{"a":"\ud83d\ud83d\ude0a"}', {"a": "\ufffd😊"}),
    (rb'{"a":"\ud83d\ude0a"}', {"a": "😊"}),
    (rb'{"a":"x\u0000y"}', {"a": "x\ufffdy"}),
    (rb'{"\u0000":1,"\udfff":2}', {"\ufffd": 2}),
    (rb'{"a":"\\u0000"}', {"a": r"\u0000"}),
    (rb'{"a":"\\ud83d","b":"\u0000"}', {"a": r"\ud83d", "b": "\ufffd"}),
    (rb'{"a":"\\\u0000"}', {"a": "\\\ufffd"}),
    (rb'{"a":"\\\\\ud800\\"}', {"a": "\\\\\ufffd\\"}),
    (rb'{"a":"\\ud83d\ude0a"}', {"a": "\\ud83d\ufffd"}),
    (rb'{"a":"\ude0a\ud83d\ude0a\ude0a"}', {"a": "\ufffd😊\ufffd"}),
    (b'{"a":"\xff\xff\\\\\\u0000"}', {"a": "\ufffd\ufffd\\\ufffd"}),
    (b'{"a":"\xff\xfe"}', {"a": "\ufffd\ufffd"}),
    (b'{"a":"\xed\xa0\xbd"}', {"a": "\ufffd\ufffd\ufffd"}),
    (b'{"a":"\xc3"}', {"a": "\ufffd"}),
    (b'{"\xff":"\xc3\xa9"}', {"\ufffd": "é"}),
    (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
    (b'{"a":1,"a":2}', {"a": 2}),
    (rb'{"a":"\u0040facebook.com \/inbox\/"}', {"a": "@facebook.com /inbox/"}),
]


@pytest.mark.parametrize(("body", "value"), CLEANED)
def test_text_that_breaks_databases_is_cleaned_and_its_neighbours_stay(body: bytes, value: object) -> None:
    assert read_json(body) == value


def test_a_million_escapes_are_read_without_a_call_for_each() -> None:
    """They cost seconds and a gigabyte: a snippet of `\\u0041`, and one that is broken beside it."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    body = b'{"a":"' + rb"\u0041" * 10**6 + b'","b":"' + rb"\ud800" * 10**6 + b'"}'
    sys.setprofile(count)
    try:
        value = read_json(body)
    finally:
        sys.setprofile(None)
    assert value == {"a": "A" * 10**6, "b": "\ufffd" * 10**6}
    assert calls < 1000


def test_64_levels_are_read_and_brackets_in_texts_are_none() -> None:
    deepest = b'{"data":' + b"[" * 63 + b"]" * 63 + b"}"
    assert json.dumps(read_json(deepest)).replace(" ", "").encode() == deepest
    texts = {"data": [{"snippet": "[{" * 600_000}]}
    assert read_json(json.dumps({"data": [{"snippet": "[{" * 1000}]}).encode())["data"]
    with pytest.raises(AnswerUnreadable, match="too many objects"):
        read_json(json.dumps(texts).encode())
    most = b"[" + b"{}," * 499_998 + b"{}]"
    assert len(read_json(most)) == 499_999


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"[" * 65 + b"]" * 65, "nested too deep"), (b"[" + b"[]," * 500_000 + b"[]]", "too many objects")],
)
def test_what_is_beyond_measure_is_named(body: bytes, words: str) -> None:
    assert words in str(error_of(body, 200))


@given(text=st.text(st.characters(codec=None, categories=None), max_size=30))
@example("\ud83d\ud83d\ude0a\\u0000\x00")
def test_any_text_that_json_can_write_is_read(text: str) -> None:
    """Also halves of surrogate pairs, and NULs: what is read can be written to a database."""
    found = read_json(json.dumps({"snippet": text}).encode())["snippet"]
    found.encode()
    assert "\x00" not in found
    if text.isascii() and "\x00" not in text:
        assert found == text


def listing_or_error(body: bytes, status: int) -> ThreadPage | ConversationsError:
    """What a session makes of a body; anything but these two is a foreign exception."""
    try:
        return thread_page(read(body, status).payload, MESSENGER)
    except ConversationsError as error:
        return error


STATUSES = st.sampled_from([200, 200, 200, 304, 400, 403, 500])


@given(body=st.binary(max_size=60), status=STATUSES)
def test_no_bytes_raise_a_foreign_exception(body: bytes, status: int) -> None:
    assert listing_or_error(body, status) is not None
    assert listing_or_error(b'{"data":[{"id":"t_1","snippet":"' + body + b'"}]}', status) is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
ERROR_KEYS = [
    *("message", "code", "error_subcode", "type", "fbtrace_id", "is_transient"),
    *("error_code", "error_msg", "error_message", "error_description", "error_type", "error_data"),
]
ERROR = st.dictionaries(st.sampled_from(ERROR_KEYS), JSON, max_size=6)
TOP = st.dictionaries(st.sampled_from(["data", "paging", "error", *ERROR_KEYS]), JSON | ERROR, max_size=5)


@given(payload=JSON | TOP, status=STATUSES)
def test_no_json_raises_a_foreign_exception(payload: object, status: int) -> None:
    found = listing_or_error(json.dumps(payload).encode(), status)
    if isinstance(found, ThreadPage):
        assert all(thread.id for thread in found.threads)
    else:
        assert type(pickle.loads(pickle.dumps(found))) is type(found)
