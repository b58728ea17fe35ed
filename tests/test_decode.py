"""From JSON to thread pages: every listing and thread of the samples, and any frame that JSON can make."""

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples.expected import THREAD, THREADS
from samples.rows import ExpectedThread, Person, ThreadSample, ThreadsSample

from conversations_async.errors import AnswerUnreadable
from conversations_async.graph.answers import read_answer, read_json
from conversations_async.graph.decode import thread_page
from conversations_async.graph.requests import GraphRequest, RawAnswer
from conversations_async.model import Cursor, Inbox, Participant, Platform, Thread, Usage

INBOX = Inbox("1042", Platform.MESSENGER)

SAME = (
    *("id", "unread_count", "message_count", "link", "snippet", "can_reply", "is_subscribed"),
    *("scoped_thread_key", "folder", "is_owner", "tags"),
)


def people(listed: tuple[Participant, ...]) -> tuple[Person, ...]:
    return tuple((person.id, person.name if person.name is not None else person.username) for person in listed)


def agree(thread: Thread, expected: ExpectedThread) -> None:
    assert {name: getattr(thread, name) for name in SAME} == {name: getattr(expected, name) for name in SAME}
    time = thread.updated_time
    assert (time.isoformat() if time is not None else None) == expected.updated_time
    assert people(thread.participants) == expected.participants
    assert people(thread.senders) == expected.senders
    assert tuple(message.id for message in thread.messages) == expected.messages
    # An entry without an id is no message: the list it is in stays in extra as well.
    whole = not [path for path in expected.messages_malformed if path.endswith(("]", ".id"))]
    assert ("messages" in thread.extra) == (not whole)
    assert [name for name in thread.extra if name != "messages"] == [*expected.extra, *expected.unread]
    assert thread.raw.keys() >= thread.extra.keys()


@pytest.mark.parametrize("sample", THREADS, ids=lambda sample: sample.file)
def test_every_sample_of_a_listing_is_read(sample: ThreadsSample) -> None:
    inbox = Inbox("1042", sample.platform or Platform.MESSENGER)
    payload = read_answer(GraphRequest("1042/conversations", "", "facebook", inbox), RawAnswer(200, {}, sample.body))
    if sample.unreadable is not None:
        with pytest.raises(AnswerUnreadable) as refused:
            thread_page(payload.payload, inbox)
        assert (refused.value.path, refused.value.inbox) == (sample.unreadable, inbox)
        if sample.form != "by_id":
            return
        # An ?ids= look-up is no listing; its threads are threads all the same.
        page = thread_page({"data": list(payload.payload.values())}, inbox)
    else:
        page = thread_page(payload.payload, inbox)
        assert page.more == sample.more
        assert page.cursor == (Cursor(sample.after) if sample.after is not None else None)
    assert tuple(path.partition(": ")[0] for path in page.unreadable) == sample.malformed
    assert len(page.threads) == len(sample.threads)
    for thread, expected in zip(page.threads, sample.threads, strict=True):
        agree(thread, expected)
        assert thread.inbox == inbox


@pytest.mark.parametrize("sample", THREAD, ids=lambda sample: sample.file)
def test_every_sample_of_a_thread_is_read(sample: ThreadSample) -> None:
    page = thread_page({"data": [read_json(sample.body)]}, INBOX)
    if sample.thread is not None:
        agree(page.threads[0], sample.thread)
    else:
        assert sample.unreadable is not None
        assert [path.partition(": ")[0] for path in page.unreadable] == [sample.unreadable.replace("$", "$.data[0]")]


# `paging` → (more, after); contract 3.1, and shapes of the same family.
PAGING: list[tuple[object, bool, str | None]] = [
    (None, False, None),
    ({}, False, None),
    ([], False, None),
    ("x", False, None),
    ({"cursors": {"before": "b", "after": "a"}, "next": "https://graph.facebook.com/…"}, True, "a"),
    ({"cursors": {"before": "b", "after": "a"}}, False, "a"),  # the last one still has `after`
    ({"cursors": {"after": "a"}, "next": "masked"}, True, "a"),
    ({"cursors": {"after": "a"}, "next": ""}, True, "a"),  # one call too many loses nothing
    ({"cursors": {"after": "a"}, "next": None}, False, "a"),
    ({"cursors": {"after": "a"}, "previous": "https://…"}, False, "a"),
    ({"next": "https://…?access_token=x&after=a"}, True, None),  # its cursor is not taken from the URL
    ({"cursors": None, "next": "x"}, True, None),
    ({"cursors": [], "next": "x"}, True, None),
    ({"cursors": {"after": None}, "next": "x"}, True, None),
    ({"cursors": {"after": ""}, "next": "x"}, True, None),
    ({"cursors": {"after": 7}, "next": "x"}, True, "7"),
    ({"cursors": {"after": True}, "next": "x"}, True, None),
    ({"cursors": {"after": {}}, "next": {}}, True, None),
]


@pytest.mark.parametrize(("paging", "more", "after"), PAGING)
def test_more_is_said_by_next_and_from_where_by_after(paging: object, more: bool, after: str | None) -> None:
    page = thread_page({"data": [], "paging": paging}, INBOX)
    assert (page.more, page.cursor) == (more, Cursor(after) if after is not None else None)


def test_paging_that_is_absent_is_the_end() -> None:
    """Contract 3.1: seen on single-page results."""
    page = thread_page({"data": [{"id": "t_1"}]}, INBOX)
    assert (page.more, page.cursor) == (False, None)


def test_next_is_kept_nowhere() -> None:
    """Contract 6.8: it carries the token."""
    payload = {"data": [], "paging": {"cursors": {"after": "a"}, "next": "https://x/?access_token=EAACANARY"}}
    assert b"EAACANARY" not in pickle.dumps(thread_page(payload, INBOX))


# An entry → the path and reason that tell why it is no thread.
NO_THREADS: list[tuple[object, str]] = [
    (None, "$.data[1]: an object was expected"),
    (7, "$.data[1]: an object was expected"),
    ("t_1", "$.data[1]: an object was expected"),
    ([], "$.data[1]: an object was expected"),
    ({}, "$.data[1].id: the id is missing"),
    ({"snippet": "id"}, "$.data[1].id: the id is missing"),
    ({"id": None}, "$.data[1].id: a text was expected"),
    ({"id": ""}, "$.data[1].id: a text was expected"),
    ({"id": True}, "$.data[1].id: a text was expected"),
    ({"id": 1.5}, "$.data[1].id: a text was expected"),
    ({"id": ["t_1"]}, "$.data[1].id: a text was expected"),
    ({"id": {"id": "t_1"}}, "$.data[1].id: a text was expected"),
]


@pytest.mark.parametrize(("entry", "told"), NO_THREADS)
def test_an_entry_without_a_readable_id_does_not_take_its_neighbours_along(entry: object, told: str) -> None:
    page = thread_page({"data": [{"id": "t_0"}, entry, {"id": "t_2"}]}, INBOX)
    assert [thread.id for thread in page.threads] == ["t_0", "t_2"]
    assert page.unreadable == (told,)


@pytest.mark.parametrize("number", [0, 7, 2**53 + 1, 2**64 - 1])
def test_an_id_that_is_a_number_is_its_decimal_text(number: int) -> None:
    (thread,) = thread_page(read_json(b'{"data":[{"id":%d,"snippet":"s"}]}' % number), INBOX).threads
    assert (thread.id, thread.snippet) == (str(number), "s")


@pytest.mark.parametrize("data", [None, {}, {"id": "t_1"}, "x", 7, True])
def test_data_that_is_no_list_is_no_listing(data: object) -> None:
    with pytest.raises(AnswerUnreadable, match=r"\$\.data: a list was expected") as refused:
        thread_page({"data": data}, INBOX)
    assert refused.value.inbox == INBOX
    with pytest.raises(AnswerUnreadable, match=r"\$\.data: the list is missing"):
        thread_page({}, INBOX)


def test_order_and_doubles_are_metas_own() -> None:
    ids = ["t_3", "t_1", "t_1", "t_2"]
    page = thread_page({"data": [{"id": each} for each in ids]}, INBOX)
    assert [thread.id for thread in page.threads] == ids


def test_a_thread_page_brings_the_usage_it_was_given() -> None:
    usage = Usage(())
    assert thread_page({"data": []}, INBOX, usage).usage is usage


def test_a_thread_is_a_view_on_the_answers_own_object() -> None:
    raw = {"id": "t_1", "brand_new": {"a": 1}}
    (thread,) = thread_page({"data": [raw]}, INBOX).threads
    assert thread.raw is raw
    assert thread.extra == {"brand_new": {"a": 1}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
PLACE = st.dictionaries(st.sampled_from(["cursors", "next", "previous"]), JSON | st.fixed_dictionaries({"after": JSON}))
FRAME = st.fixed_dictionaries({}, optional={"data": JSON | st.lists(JSON, max_size=4), "paging": JSON | PLACE})


@given(payload=FRAME)
def test_any_frame_is_a_thread_page_or_unreadable(payload: dict[str, Any]) -> None:
    try:
        page = thread_page(payload, INBOX)
    except AnswerUnreadable:
        assert not isinstance(payload.get("data"), list)
        return
    assert len(page.threads) + len(page.unreadable) == len(payload["data"])
    assert all(type(thread.id) is str and thread.id for thread in page.threads)
    assert page.cursor is None or page.cursor.after
