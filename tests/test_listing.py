"""A listing decoded at once says what the careful way says, or leaves the answer to it."""

import copy
import gc
import inspect
import pickle
from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeAlias

import attrs
import msgspec
import orjson
import pytest
from blockbuster import blockbuster_ctx
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr
from samples.expected import THREADS
from samples.rows import ThreadsSample

from conversations_async.errors import AnswerUnreadable
from conversations_async.graph import listing as module
from conversations_async.graph.answers import read_answer
from conversations_async.graph.decode import listed_page, thread_page
from conversations_async.graph.listing import MOST_NAMES, Listing, ListingReader, read_listing
from conversations_async.graph.requests import GraphRequest, RawAnswer
from conversations_async.learned import LONGEST_NAME, WithSlots, unknown_in
from conversations_async.model import THREAD_READERS, Inbox, Participant, Platform, Thread, ThreadPage, thread_json
from conversations_async.readers import DEEPEST, MOST_CONTAINERS

INBOX = Inbox("1042", Platform.MESSENGER)
REQUEST = GraphRequest("1042/conversations", "", "facebook", INBOX)
ILSE = {"name": "Ilse Marwick", "email": "7@facebook.com", "id": "7"}
FULL: dict[str, Any] = {
    "id": "t_1",
    "updated_time": "2026-05-04T13:32:08+0000",
    "link": "/1042/inbox/7/",
    "snippet": "hello 👋",
    "message_count": 3,
    "unread_count": 0,
    "can_reply": True,
    "is_subscribed": False,
    "is_owner": True,
    "scoped_thread_key": "t_7",
    "folder": "inbox",
    "name": "Ilse",
    "wallpaper": "x",
    "subject": "y",
    "participants": {"data": [ILSE, {"username": "shop", "id": "1042", "user_id": "17841"}]},
    "senders": {"data": [ILSE]},
    "former_participants": {"data": []},
    "linked_group": {"id": "8", "name": "Shop", "description": None, "members": 3},
    "tags": {"data": [{"name": "inbox"}, {"name": "read"}]},
}


Read: TypeAlias = Callable[[bytes, Inbox], Listing | None]


def at_once(body: bytes, read: Read = read_listing) -> ThreadPage | None:
    listing = read(body, INBOX)
    return None if listing is None else listed_page(listing, INBOX, found_in="inbox")


def carefully(body: bytes) -> ThreadPage:
    return thread_page(read_answer(REQUEST, RawAnswer(200, {}, body)).payload, INBOX, found_in="inbox")


def people(thread: Thread) -> tuple[Participant, ...]:
    return (*thread.participants, *thread.senders, *thread.former_participants)


ASKED: dict[str, Callable[[Thread], object]] = {
    **{
        name: attrgetter(name)
        for name in (*THREAD_READERS, "inbox", "page_id", "platform", "found_in", "version", "extra", "raw")
    },
    "people": lambda thread: [
        (person.id, person.name, person.username, person.email, person.user_id) for person in people(thread)
    ],
    "more of people": lambda thread: [person.extra for person in people(thread)],
    "people as they came": lambda thread: [person.raw for person in people(thread)],
    "more of messages": lambda thread: [(message.raw, message.extra) for message in thread.messages],
    "json": thread_json,
    "repr": repr,
    "hash": hash,
    "extra after raw": lambda thread: (thread.raw, thread.extra, thread.tags),
    "pickle": lambda thread: pickle.loads(pickle.dumps(thread)).raw,
}
"""What somebody may ask of a thread of which nothing was asked before."""


def told(thread: Thread) -> dict[str, object]:
    return {name: ask(thread) for name, ask in ASKED.items()}


def agree(body: bytes, read: Read = read_listing) -> bool:
    """Whether the answer was decoded at once; if so, it must say the same."""
    page = at_once(body, read)
    if page is None:
        return False
    twin = carefully(body)
    for name, ask in ASKED.items():
        page = at_once(body, read)
        assert page is not None
        assert [ask(thread) for thread in page.threads] == [ask(thread) for thread in twin.threads], name
    assert page == twin
    return True


def made_by_hand(body: bytes, read: Read) -> list[bool]:
    """Of which threads the JSON object was kept, since they were read a second time."""
    page = at_once(body, read)
    assert page is not None
    return [thread._raw is not None for thread in page.threads]


def listing(*threads: object, **more: object) -> bytes:
    return orjson.dumps({"data": threads, **more})


@pytest.mark.parametrize("sample", THREADS, ids=lambda sample: sample.file)
def test_every_sample_says_the_same_both_ways(sample: ThreadsSample) -> None:
    if sample.unreadable is not None:
        assert at_once(sample.body) is None
    else:
        agree(sample.body)


def test_many_of_the_samples_are_decoded_at_once() -> None:
    found = [sample for sample in THREADS if read_listing(sample.body, INBOX) is not None]
    assert len(found) > len(THREADS) // 4


def test_every_field_of_a_documented_shape_is_decoded_at_once() -> None:
    paging = {"cursors": {"before": "a", "after": "b"}, "next": "https://graph.facebook.com/x"}
    assert agree(listing(FULL, {"id": "t_2"}, paging=paging))
    assert agree(listing())
    left = set(THREAD_READERS) - set(FULL)
    assert left == {"messages"}, "these have tests of their own"


DEEP: dict[str, Any] = {"a": [{"b": [{"c": 1}]}]}
PRODUCTS: dict[str, Any] = {"template": {"payload": {"product": {"elements": {"data": [{"id": "5"}]}}}}}
UNKNOWN: dict[str, dict[str, Any]] = {
    "a field": {"brand_new": 1},
    "a field that is null": {"brand_new": None},
    "the largest numbers": {"brand_new": [2**63 - 1, -(2**63), 2**53 + 1, 1.7976931348623157e308, -0.0]},
    "several": {"brand_new": True, "brändnew": 0.5, "": "", "a b": [], "x": {}, "y": [1, "2", None, {"z": 3}]},
    "a field with much in it": {"brand_new": DEEP},
    "people and paging": {"participants": {"data": [ILSE], "paging": {}}},
    "people and more": {"participants": {"data": [ILSE], "summary": {"total_count": 1}}, "senders": {"data": []}},
    "a person with more": {
        "participants": {"data": [ILSE, {"id": "7", "badge": None}]},
        "former_participants": {"data": [{"badge": "x"}]},
    },
    "a message with more": {"messages": {"data": [{"id": "m_1", "is_echo": False, "from": {"id": "7", "badge": 1}}]}},
    "what a message carries": {
        "messages": {
            "data": [
                {
                    "id": "m_1",
                    "tags": {"data": [{"name": "inbox"}]},
                    "attachments": {
                        "data": [{"id": "17", "size": None, "image_data": {"url": "x", "width": 3}}],
                        "paging": {"cursors": {"after": "MAZDZD"}, "next": "https://graph.facebook.com/x"},
                    },
                    "shares": {"data": [{"link": "x", "id": None}]},
                    "reactions": {"data": [{"reaction": "love", "users": [{"username": "ilse", "id": "7"}]}]},
                    "story": {"reply_to": {"link": "x", "id": "6"}},
                    "reply_to": {"mid": "m_0", "is_self_reply": False},
                }
            ]
        }
    },
    "tags and more": {"tags": {"data": [{"name": "inbox", "id": 5}]}},
    "messages and more": {"messages": {"data": [], "summary": 1, "paging": {"cursors": {"between": "x"}}}},
    "our own words": {"inbox": "1042", "raw": 1, "version": None, "_participants": {}, "_learned_0": 1, "_raw": 1},
}
ODD: dict[str, object] = {
    "null": {"link": None},
    "null beside what nobody knows": {"link": None, "brand_new": 1},
    "a number in quotes": {"message_count": "3"},
    "a number with a fraction": {"message_count": 3.0},
    "a number that others round": {"message_count": 2**53 + 1},
    "a bool as text": {"can_reply": "true"},
    "a bool as number": {"can_reply": 1},
    "a bool as count": {"unread_count": True},
    "a bare list of people": {"senders": [ILSE]},
    "people who are none": {"participants": {"data": [None]}},
    "a person with a numeric id": {"participants": {"data": [{"id": 7}]}},
    "no edge": {"participants": {}},
    "a UNIX time": {"updated_time": 1777901528},
    "bare tags": {"tags": ["inbox"]},
    "a bare list of tags": {"tags": [{"name": "inbox"}]},
    "no messages": {"messages": None},
    "a bare list of messages": {"messages": [{"id": "m_1"}]},
    "no group": {"linked_group": None},
    "a group with more in it": {"linked_group": {"id": "8", "owner": {"id": "9"}}},
    "a list of groups": {"linked_group": [{"id": "7"}]},
    "a field with too much in it": {"brand_new": {"a": DEEP}},
    "a name in quotes": {'say "hi"': 1},
    "a name with a backslash": {"a\\b": 1},
    "a name with a control character": {"a\nb": 1},
    "a name as our own": {"(brand_new)": 1},
    "a person's name in quotes": {"participants": {"data": [{"id": "7", 'the "badge"': 1}]}},
    "tags without names": {"tags": {"data": [{"id": "8"}]}},
    "tags that are none": {"tags": {}},
    "tags of another edge": {"tags": {"x": []}},
    "products": {"messages": {"data": [{"id": "m_1", "shares": {"data": [PRODUCTS]}}]}},
    "arrays in arrays": {"brand_new": [[]]},
    "a number beyond 64 bits": {"brand_new": 2**64 - 1},
    "a long name": {"x" * (LONGEST_NAME + 1): 1},
    "our own slots": {"(inbox)": "1042"},
    "what is sent": {"(raw)": {}},
}
MESSAGES: dict[str, bytes] = {
    "none": b'{"data":[]}',
    "of none with an id": b'{"data":[{"message":"no id"}]}',
    "no edge": b"{}",
    "one": b'{"data":[{"id":"m_1","created_time":"2026-05-04T13:32:08+0000","message":"h\\u00e4 \\ud83d\\udc4b"}]}',
    "of another order": b'{"paging":{},"data":[{"message":"b","id":"m_1","from":{"name":"I","id":"7"}}]}',
    "not in ASCII": '{"data":[{"id":"m_1","message":"hä 👋"}]}'.encode(),
    "many": b'{"data":[%s]}' % b",".join(b'{"id":"m_%d","to":{"data":[{"id":"7"}]}}' % each for each in range(50)),
    "brackets in a text": b'{"data":[{"id":"m_1","message":"%s"}]}' % (b"[{" * 100),
    "twice": b'{"data":[]},"messages":{"data":[{"id":"m_1"}]}',
    "nested": b'{"data":[{"id":"m_1","odd":' + b"[" * 50 + b"]" * 50 + b"}]}",
    "a number beyond 64 bits": b'{"data":[{"id":"m_1","odd":18446744073709551616}]}',
    "spelt oddly": b'{},"m\\u0065ssages":{"data":[{"id":"m_1"}]}',
}
NOT_SO: dict[str, bytes] = {
    "nested too deep": b'{"data":[{"id":"m_1","odd":' + b"[" * 60 + b"]" * 60 + b"}]}",
    "nested far too deep": b'{"data":[{"id":"m_1","odd":' + b"[" * 900 + b"]" * 900 + b"}]}",
    "no UTF-8": b'{"data":[{"id":"m_1","message":"\xff"}]}',
    "a lone surrogate": b'{"data":[{"id":"m_1","message":"\\ud83d"}]}',
    "NUL": b'{"data":[{"id":"m_1","message":"\\u0000"}]}',
    "no JSON": b'{"data":[{"id":"m_1","message":nothing}]}',
}


PAGING: dict[str, tuple[bytes, bool]] = {
    "none": (b"{}", True),
    "the last": (b'{"cursors":{"before":"a","after":"b"}}', True),
    "more": (b'{"cursors":{"after":"b"},"next":"https://graph.facebook.com/x","previous":"y"}', True),
    "an empty next": (b'{"cursors":{"after":""},"next":""}', True),
    "null": (b"null", False),
    "a list": (b"[]", False),
    "next is null": (b'{"next":null}', False),
    "no cursors": (b'{"cursors":null}', False),
    "a number": (b'{"cursors":{"after":7}}', False),
    "a number beyond 64 bits": (b'{"cursors":{"after":18446744073709551616}}', False),
    "a number beyond all": (b'{"next":1%s}' % (b"0" * 400), False),
    "a field nobody knows": (b'{"odd":[]}', False),
    "deep": (b'{"odd":' + b"[" * 70 + b"]" * 70 + b"}", False),
}


@pytest.mark.parametrize(("paging", "plain"), PAGING.values(), ids=PAGING)
def test_paging_of_any_other_shape_is_looked_at_closely(paging: bytes, plain: bool) -> None:
    assert agree(b'{"data":[{"id":"t_1"}],"paging":%s}' % paging, ListingReader().read) is plain


def test_no_more_objects_come_at_once_than_may_come_at_all() -> None:
    def people(count: int) -> bytes:
        return b'{"data":[{"id":"t_1","senders":{"data":[%s]}}]}' % b",".join([b"{}"] * count)

    assert at_once(people(1000)) is not None
    assert at_once(people(MOST_CONTAINERS)) is None
    longest = people(2).replace(b"t_1", b"t" * 2 * MOST_CONTAINERS)
    assert agree(longest), "many bytes are not many objects"
    assert at_once(longest.replace(b"tt", b"[[")) is None


def test_nothing_that_is_kept_of_an_answer_says_where_next_leads() -> None:
    found = read_listing(listing(FULL, paging={"next": "https://graph.facebook.com/x?access_token=EAAcanary"}), INBOX)
    assert found is not None
    assert found.more
    assert "EAAcanary" not in str([(each.name, getattr(found, each.name)) for each in msgspec.structs.fields(found)])


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_thread_is_looked_at_closely_and_its_neighbours_are_not(odd: dict[str, Any]) -> None:
    body = listing(FULL, {"id": "t_2", **odd}, {"id": "t_3"})
    read = ListingReader().read
    for _ in range(3):
        assert agree(body, read)
        assert made_by_hand(body, read) == [False, True, False]


@pytest.mark.parametrize("unknown", UNKNOWN.values(), ids=UNKNOWN)
def test_fields_that_nobody_knows_are_read_twice_once(unknown: dict[str, Any]) -> None:
    body = listing(FULL, {"id": "t_2", **unknown}, {"id": "t_3"})
    read = ListingReader().read
    assert made_by_hand(body, read) == [False, True, False]
    assert made_by_hand(body, read) == [False, False, False]
    assert agree(body, read)
    assert agree(listing(FULL, {"id": "t_3", "link": None}), read), "what has none of them, and what is odd, as before"
    page = at_once(body, read)
    assert page is not None
    thread = page.threads[1]
    twin = carefully(body).threads[1]
    assert thread == twin
    assert twin == thread
    for take in (copy.copy, copy.deepcopy, lambda thread: pickle.loads(pickle.dumps(thread)), attrs.evolve):
        assert take(thread) == twin
        assert told(take(thread)) == told(twin)
    assert attrs.evolve(thread, raw={"id": "t_4"}) == Thread(INBOX, {"id": "t_4"}, found_in="inbox")
    assert repr(thread) == repr(twin)
    assert pretty_repr(thread) == pretty_repr(twin)
    for person, other in zip(thread.participants, twin.participants, strict=True):
        for take in (copy.copy, copy.deepcopy, lambda person: pickle.loads(pickle.dumps(person)), attrs.evolve):
            assert take(person) == other
            assert take(person).extra == other.extra
    assert [message.extra for message in thread.messages] == [message.extra for message in twin.messages]
    assert type(pickle.loads(pickle.dumps(thread))) is type(attrs.evolve(thread)) is Thread
    assert not gc.is_tracked(thread)


def test_what_stands_around_the_threads_is_learned_as_well() -> None:
    body = listing(FULL, paging={"cursors": {"after": "b", "between": "c"}, "total": 7}, summary={"total_count": 1})
    read = ListingReader().read
    assert at_once(body, read) is None
    assert agree(body, read)
    assert made_by_hand(listing({"id": "t_1", "link": None}, summary=None), read) == [True]
    assert made_by_hand(listing({"id": "t_1", "link": None}, FULL, summary=None), read) == [True, False]


def test_an_error_is_looked_at_first_whatever_else_was_learned() -> None:
    read = ListingReader().read
    for error in (None, {}, {"message": "no", "code": 1}):
        for _ in range(3):
            assert at_once(listing(FULL, brand_new=1, error=error), read) is None
    assert at_once(listing(FULL, brand_new=1), read) is not None


def test_a_thread_that_is_odd_takes_none_along_of_which_was_learned() -> None:
    body = listing({"id": "t_1", "link": None}, {"id": "t_2", "brand_new": 1}, FULL)
    read = ListingReader().read
    assert made_by_hand(body, read) == [True, True, False]
    assert made_by_hand(body, read) == [True, False, False]
    assert agree(body, read)


def test_what_is_learned_already_is_learned_beside_what_is_new() -> None:
    read = ListingReader().read
    for names in (("a",), ("a", "b"), ("c", "b"), ("a", "b", "c")):
        agree(listing({"id": "t_1", **dict.fromkeys(names, 1)}), read)
    assert made_by_hand(listing({"id": "t_1", "a": 1, "b": 2, "c": 3}), read) == [False]


def test_nobody_looks_for_names_where_it_is_something_else_or_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def noted(kind: Any, value: Any) -> Any:
        looked.append(len(value["data"]))
        return unknown_in(kind, value)

    monkeypatch.setattr(module, "unknown_in", noted)
    read = ListingReader().read
    read(listing(*({"id": f"t_{each}", "link": None} for each in range(300)), FULL), INBOX)
    assert looked == []
    # One that can not be learned is looked for each time, but not in all of them.
    unlearnable = listing(*({"id": f"t_{each}", "x" * 200: 1} for each in range(300)))
    around = listing(*({"id": f"t_{each}"} for each in range(300)), paging={"new": 1})
    for body in (unlearnable, unlearnable, around):
        read(body, INBOX)
    assert looked == [100, 100, 100]
    read(listing({"id": "t_1", **{f"new_{each}": 1 for each in range(MOST_NAMES)}}), INBOX)
    looked.clear()
    for body in (listing({"id": "t_1", "one_more": 1}), listing(one_more=1)):
        read(body, INBOX)
    assert looked == []


@pytest.mark.parametrize("levels", range(58, 66))
def test_an_odd_thread_is_as_deep_as_an_answer_may_be(levels: int) -> None:
    deep = b"[" * levels + b"]" * levels
    body = b'{"data":[{"id":"t_1","link":null,"deep":%s}]}' % deep
    # The answer, its list and the thread lie around it.
    if levels + 3 <= DEEPEST:
        assert agree(body)
    else:
        assert at_once(body) is None
        with pytest.raises(AnswerUnreadable, match="too deep"):
            carefully(body)


async def test_to_learn_is_nothing_that_blocks() -> None:
    """What is imported or looked up for it is there already."""
    read = ListingReader().read
    with blockbuster_ctx("conversations_async"):
        assert made_by_hand(listing({"id": "t_1", "brand_new": 1}), read) == [True]
        assert made_by_hand(listing({"id": "t_1", "brand_new": 1}), read) == [False]


def test_what_is_no_listing_teaches_nothing() -> None:
    reader = ListingReader()
    before = reader._decoders
    for body in (b'{"t_1":{"id":"t_1"},"t_2":1}', b'{"data":{},"new":1}', b'{"new":1,"data":[', b'[{"new":1}]'):
        assert reader.read(body, INBOX) is None
    assert reader._decoders is before


def test_all_that_an_answer_has_is_learned_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    make = WithSlots._make

    def noted(self: WithSlots, kind: Any) -> Any:
        made.append(kind)
        return make(self, kind)

    monkeypatch.setattr(WithSlots, "_make", noted)
    body = listing(*({"id": f"t_{each}", f"new_{each}": 1} for each in range(9)))
    read = ListingReader().read
    assert made_by_hand(body, read) == [True] * 9
    assert made_by_hand(body, read) == [False] * 9
    assert made.count(Thread) == 1


def test_no_more_is_learned_than_there_is_room_for() -> None:
    read = ListingReader().read
    bodies = [listing({"id": "t_1", f"new_{each}": 1}) for each in range(MOST_NAMES + 3)]
    for body in bodies:
        assert agree(body, read)
    assert [made_by_hand(body, read) for body in bodies] == [[False]] * MOST_NAMES + [[True]] * 3
    many = listing({"id": "t_1", **{f"new_{each}": 1 for each in range(2 * MOST_NAMES)}})
    assert agree(many, ListingReader().read)
    assert made_by_hand(listing(FULL), read) == [False]


def test_what_was_learned_is_learned_for_every_inbox_of_every_session() -> None:
    body = listing({"id": "t_1", "of_this_test_alone": 1})
    request = GraphRequest("7/conversations", "", "facebook", Inbox("7", Platform.INSTAGRAM))
    for expected in (False, True):
        found = read_answer(request, RawAnswer(200, {}, body), at_once=True).listing
        assert found is not None
        assert (found.threads[0]._raw is None) is expected
        assert found.threads[0].extra == {"of_this_test_alone": 1}


@pytest.mark.parametrize("odd", [{"id": ""}, {"id": 7}, {"id": None}, {"ID": "t_2"}], ids=str)
def test_an_entry_without_a_readable_id_is_looked_at_closely_and_its_neighbours_with_it(odd: dict[str, Any]) -> None:
    assert at_once(listing(FULL, odd)) is None
    # What one answer is read by does not show in another.
    assert agree(listing(FULL))


@pytest.mark.parametrize("messages", MESSAGES.values(), ids=MESSAGES)
def test_messages_are_decoded_where_somebody_looks_and_say_the_same(messages: bytes) -> None:
    body = b'{"data":[{"id":"t_1","messages":%s},{"id":"t_2"}]}' % messages
    assert agree(body)
    page = at_once(body)
    assert page is not None
    first, second = page.threads
    assert (first.has_messages, second.has_messages) == (True, False)
    twin = carefully(body).threads[0]
    for take in (copy.copy, copy.deepcopy, lambda thread: pickle.loads(pickle.dumps(thread)), attrs.evolve):
        assert take(first) == twin
    assert first.messages == twin.messages


@pytest.mark.parametrize("messages", NOT_SO.values(), ids=NOT_SO)
def test_messages_that_could_not_be_decoded_later_are_looked_at_at_once(messages: bytes) -> None:
    assert at_once(b'{"data":[{"id":"t_1","messages":%s}]}' % messages) is None


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"<html>",
    "cut": b'{"data":[{"id":"t_1"}',
    "more behind it": b'{"data":[]}x',
    "a mark of byte order": b'\xef\xbb\xbf{"data":[]}',
    "no UTF-8": b'{"data":[{"id":"t_1","link":"\xff"}]}',
    "a lone surrogate": b'{"data":[{"id":"t_1","link":"\\ud83d"}]}',
    "NUL": b'{"data":[{"id":"t_1","link":"a\\u0000b"}]}',
    "a raw control character": b'{"data":[{"id":"t_1","link":"a\nb"}]}',
    "an error": b'{"error":{"message":"no","code":1}}',
    "an error beside threads": b'{"data":[],"error":{"message":"no","code":1}}',
    "no list": b'{"data":{}}',
    "no data": b"{}",
    "a list": b"[]",
    "arrays in arrays": b'{"new":1,"data":[' + b"[" * 1000 + b"]" * 1000 + b"]}",
    "deep": b'{"data":[],"paging":' + b'{"a":' * 3000 + b"1" + b"}" * 3001,
    "large": b'{"data":[' + b",".join([b'{"id":"1"}'] * MOST_CONTAINERS) + b"]}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_is_no_plain_listing_is_left_to_the_careful_way(body: bytes) -> None:
    assert at_once(body) is None


def test_only_a_good_answer_that_may_be_one_comes_as_a_listing() -> None:
    body = listing(FULL)
    assert read_answer(REQUEST, RawAnswer(200, {}, body), at_once=True).listing is not None
    assert read_answer(REQUEST, RawAnswer(200, {}, body)).listing is None
    with pytest.raises(Exception, match="HTTP 404"):
        read_answer(REQUEST, RawAnswer(404, {}, body), at_once=True)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.fixed_dictionaries({"data": st.lists(st.sampled_from([ILSE, {}, {"id": "8"}, {"id": 9}, {"x": 1}, 1]))}),
)
NAMES = st.sampled_from(
    [
        *THREAD_READERS,
        "brand_new",
        "inbox",
        "(raw)",
        "(new)",
        'a "name"',
        "a\\b",
        "",
        "version",
        "_participants",
        "error",
    ]
)
THREAD = st.builds(
    lambda kept, odd: {"id": "t_1", **{name: FULL[name] for name in kept}, **odd},
    st.sets(st.sampled_from(sorted(FULL))),
    st.dictionaries(NAMES, VALUES, max_size=2),
)


@given(st.lists(THREAD, max_size=4), st.none() | st.fixed_dictionaries({"cursors": VALUES, "next": VALUES}))
def test_any_listing_says_the_same_both_ways(threads: list[Any], paging: object) -> None:
    agree(listing(*threads, paging=paging) if paging is not None else listing(*threads))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text('aé"\\', max_size=3),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(NAMES, inside, max_size=3),
    max_leaves=8,
)
PEOPLE = st.fixed_dictionaries({"data": st.lists(st.dictionaries(NAMES, JSON, max_size=2))}, optional={"summary": JSON})
MESSAGE = st.builds(
    lambda told, odd: {"id": "m_1", **told, **odd},
    st.fixed_dictionaries(
        {}, optional={"from": st.just(ILSE), "to": PEOPLE, "attachments": PEOPLE, "story": JSON, "reply_to": JSON}
    ),
    st.dictionaries(NAMES, JSON, max_size=2),
)
ANYTHING = st.builds(
    lambda told, odd: {"id": "t_1", **told, **odd},
    st.fixed_dictionaries(
        {},
        optional={"participants": PEOPLE, "messages": st.fixed_dictionaries({"data": st.lists(MESSAGE, max_size=2)})},
    ),
    st.dictionaries(NAMES, JSON, max_size=3),
)


@given(st.lists(ANYTHING, max_size=3), st.dictionaries(NAMES, JSON, max_size=2))
def test_any_listing_says_the_same_both_ways_however_often_it_comes(threads: list[Any], more: dict[str, Any]) -> None:
    read = ListingReader().read
    body = orjson.dumps({"data": threads, **more})
    for _ in range(3):
        agree(body, read)


def test_a_threads_json_is_that_of_raw_whatever_was_looked_at_before() -> None:
    page = at_once(listing(FULL | {"snippet": 'she said "(raw)": null'}))
    assert page is not None
    (thread,) = page.threads
    text = thread_json(thread)
    assert orjson.loads(text) == thread.raw
    assert thread.participants[0].raw == ILSE
    assert thread_json(thread) == thread_json(Thread(INBOX, thread.raw)) == text


def test_threads_are_no_work_for_the_garbage_collector() -> None:
    page = at_once(listing(FULL))
    assert page is not None
    (thread,) = page.threads
    assert not gc.is_tracked(thread)
    assert not gc.is_tracked(thread.participants[0])


def test_what_a_thread_is_made_of_by_hand_shows_in_its_signature() -> None:
    assert list(inspect.signature(Thread).parameters) == ["inbox", "raw", "found_in"]
    assert list(inspect.signature(Participant).parameters) == ["raw"]


def test_a_thread_may_be_of_a_class_of_ones_own() -> None:
    class Mine(Thread):
        def greeting(self) -> str:
            return f"to {self.id}"

    mine = Mine(INBOX, {"id": "t_1", "snippet": "hello", "brand_new": 1})
    assert (mine.greeting(), mine.snippet, mine.extra) == ("to t_1", "hello", {"brand_new": 1})
