"""The usage headers: every sample, and headers that nobody should send (contract 4.2)."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.expected import HEADERS
from samples.rows import ExpectedMeter, HeadersSample

from conversations_async.errors import RateLimited
from conversations_async.graph.answers import read_answer
from conversations_async.graph.requests import GraphRequest, RawAnswer
from conversations_async.graph.usage import read_usage
from conversations_async.model import PoolUsage, Usage

BUSINESS = "x-business-use-case-usage"


def usage_of(**headers: str) -> Usage | None:
    return read_usage(RawAnswer(200, {name.replace("_", "-"): value for name, value in headers.items()}, b""))


def business(text: str) -> tuple[PoolUsage, ...]:
    usage = usage_of(x_business_use_case_usage=text)
    return usage.pools if usage is not None else ()


def meter(pool: str, told: ExpectedMeter, owner: str = "", regain_after: float | None = None) -> PoolUsage:
    """A member that Meta did not send counts as 0."""
    return PoolUsage(
        pool, owner, told.call_count or 0.0, told.total_cputime or 0.0, told.total_time or 0.0, regain_after or 0.0
    )


@pytest.mark.parametrize("sample", HEADERS, ids=lambda sample: sample.file)
def test_every_sample_of_headers_says_how_full_which_pool_is(sample: HeadersSample) -> None:
    told = [meter(entry.pool, entry, entry.id, entry.regain_after) for entry in sample.usage]
    told += [meter("app", sample.app)] if sample.app is not None else []
    told += [meter("pages", sample.page)] if sample.page is not None else []
    usage = read_usage(RawAnswer(200, dict(sample.headers), b""))
    assert usage == (Usage(tuple(told)) if told else None)


@pytest.mark.parametrize("sample", HEADERS, ids=lambda sample: sample.file)
def test_every_sample_of_headers_says_when_to_come_back(sample: HeadersSample) -> None:
    body = b'{"error":{"message":"(#80006)","code":80006}}'
    with pytest.raises(RateLimited) as refused:
        read_answer(GraphRequest("1042/conversations", ""), RawAnswer(400, dict(sample.headers), body))
    stated = [entry.regain_after for entry in sample.usage if entry.regain_after]
    assert refused.value.retry_after == (max(stated) if stated else sample.retry_after)


@pytest.mark.parametrize("word", ["canary", "EAAcanary", "1042 canary", "1042\n", "١٠٤٢", "9" * 33, ""])
def test_an_id_that_is_none_is_not_kept_and_its_numbers_count(word: str) -> None:
    text = json.dumps({word: [{"type": "messenger", "call_count": 99}]})
    assert business(text) == (PoolUsage("messenger", "", 99.0),)


@pytest.mark.parametrize(
    "word", ["CANARY", "canary1", "canary canary", "messenger\n", "c" * 41, "", None, 7, ["canary"]]
)
def test_a_type_that_is_none_is_unknown_and_its_numbers_count(word: object) -> None:
    text = json.dumps({"1042": [{"type": word, "call_count": 99}]})
    assert business(text) == (PoolUsage("unknown", "1042", 99.0),)


def test_minutes_become_seconds() -> None:
    """Contract 4.2: estimated_time_to_regain_access is in minutes."""
    (pool,) = business('{"7":[{"type":"messenger","estimated_time_to_regain_access":31}]}')
    assert pool.regain_after == 1860.0


def test_every_entry_of_a_repeated_key_counts() -> None:
    """Meta's own sample repeats one."""
    text = (
        '{"7":[{"type":"messenger","call_count":99,"estimated_time_to_regain_access":5}],'
        '"7":[{"type":"messenger","call_count":1}]}'
    )
    usage = usage_of(x_business_use_case_usage=text)
    assert usage is not None
    assert len(usage.pools) == 2
    assert (usage.percent, usage.regain_after) == (99.0, 300.0)


def test_of_a_repeated_member_the_last_counts() -> None:
    (pool,) = business('{"7":[{"type":"messenger","call_count":99,"call_count":1}]}')
    assert pool.call_count == 1.0


def test_header_names_match_in_any_case() -> None:
    """Contract 6.5: captures spell them in both ways."""
    assert read_usage(RawAnswer(200, {"X-App-Usage": '{"call_count":7}'}, b"")) == Usage((PoolUsage("app", "", 7.0),))


def test_all_three_headers_are_read_together() -> None:
    usage = usage_of(
        x_app_usage='{"call_count":1}',
        x_page_usage='{"call_count":2}',
        x_business_use_case_usage='{"7":[{"type":"messenger","call_count":3}]}',
    )
    assert usage is not None
    assert [(pool.kind, pool.call_count) for pool in usage.pools] == [("messenger", 3.0), ("app", 1.0), ("pages", 2.0)]


# Contract 10: over 100 %, in quotes, missing; the rest is of the same family.
NUMBERS: list[tuple[str, float]] = [
    ("855", 855.0),
    ("0", 0.0),
    ("74.5", 74.5),
    ('"64"', 64.0),
    ('"64%"', 0.0),
    ("-3", 0.0),
    ("null", 0.0),
    ("true", 0.0),
    ("[]", 0.0),
    ("{}", 0.0),
    ("1e999", 0.0),
    ('"NaN"', 0.0),
    ('"inf"', 0.0),
    ("1e300", 1e6),
    ('"' + "9" * 300 + '"', 1e6),
]


@pytest.mark.parametrize(("written", "number"), NUMBERS)
def test_a_percentage_is_a_number_from_0_up_whatever_is_written(written: str, number: float) -> None:
    (pool,) = business(f'{{"7":[{{"type":"messenger","call_count":{written}}}]}}')
    assert pool.call_count == number


NOTHING = [
    *("", " ", "null", "7", '"x"', "[]", "{}", "{", "not json", "NaN", '{"7":{}}', '{"7":null}', '{"7":[]}'),
    *('{"7":[null,7,"x",[],{}]}', "\ud83d", "\x00", '{"7":[{"call_count":' + "9" * 5000 + "}]}"),
    *("[" * 60_000, '{"a":' * 12_000, " " * 70_000, '{"7":' + " " * 70_000 + "[]}"),
]


@pytest.mark.parametrize("text", NOTHING, ids=lambda text: repr(text[:24]))
def test_a_header_that_says_nothing_is_no_header(text: str) -> None:
    assert usage_of(x_business_use_case_usage=text) is None
    assert usage_of(x_app_usage=text) in (None, Usage((PoolUsage("app", ""),)))


def test_thirty_two_pools_are_read() -> None:
    """Contract 4.2: up to 32 objects."""
    entries = {str(each): [{"type": "pages", "call_count": each}] for each in range(32)}
    assert [pool.call_count for pool in business(json.dumps(entries))] == [float(each) for each in range(32)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["type", "call_count", "total_cputime", "total_time", "estimated_time_to_regain_access"]), JSON
)


@given(value=JSON | MEMBERS | st.dictionaries(st.text(max_size=5), st.lists(JSON | MEMBERS, max_size=3), max_size=3))
def test_no_header_raises_and_no_pool_says_nonsense(value: object) -> None:
    text = json.dumps(value)
    usage = usage_of(x_business_use_case_usage=text, x_app_usage=text, x_page_usage=text)
    for pool in usage.pools if usage is not None else ():
        assert 0.0 <= pool.percent <= 1e6
        assert 0.0 <= pool.regain_after <= 6e7
        assert re.fullmatch("[a-z_]+", pool.kind)
        assert pool.id == "" or pool.id.isdigit()
