"""Field expansion as values and as Meta's text, and what becomes of it when Meta refuses a field."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations_async import Field, Page, ThreadQuery, fields, messages, nested
from conversations_async.expansion import MESSAGE_FIELDS, read_fields, text_of, without
from conversations_async.graph.requests import leave_out, list_threads, one_message
from conversations_async.model import Inbox, Platform

PAGE = Page("1042", "EAACANARYcanary0123456789ZDZD")
MESSENGER, INSTAGRAM = Inbox("1042", Platform.MESSENGER), Inbox("1042", Platform.INSTAGRAM)

# As values → Meta's text (contract 6.3).
SAID: list[tuple[Any, str]] = [
    (fields("id", "snippet"), "id,snippet"),
    (fields("id,snippet{a}"), "id,snippet{a}"),
    (fields("id", nested("participants", "id", "name")), "id,participants{id,name}"),
    (fields(messages(limit=5)), f"messages.limit(5){{{MESSAGE_FIELDS}}}"),
    (fields("id", messages("id", "message", limit=5)), "id,messages.limit(5){id,message}"),
    (fields(nested("messages", nested("attachments", "id"), limit=2)), "messages.limit(2){attachments{id}}"),
    (" id , messages . limit( 3 ) { id } ", "id,messages.limit(3){id}"),
    (Field("id"), "id"),
    (["id", Field("link")], "id,link"),
]


@pytest.mark.parametrize(("asked", "text"), SAID)
def test_values_and_text_say_the_same(asked: Any, text: str) -> None:
    assert text_of(asked) == text
    assert text_of(read_fields(asked)) == text
    assert ThreadQuery(fields=asked).fields.endswith(text)


@pytest.mark.parametrize(
    "wrong",
    [
        "a{",
        "a}",
        "a{}",
        "a,",
        ",a",
        "a.b",
        "a.b(",
        "a.limit({)}",
        "a b{c}d",
        "ä",
        "a&b",
        "a b",
        "a\nb",
        "a{b} c",
        "a.as(ü)",
        "a.as(\0)",
        "a.as(\ud800)",
    ],
)
def test_what_is_no_list_of_fields_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="fields"):
        read_fields(wrong)


def test_a_name_that_lacks_its_comma_is_found_in_lists_and_queries_too_and_little_is_quoted() -> None:
    for ask in (lambda: fields("id", "a b"), lambda: ThreadQuery(fields="id,a b"), lambda: text_of(["a b"])):
        with pytest.raises(ValueError, match="lacks a comma"):
            ask()
    with pytest.raises(ValueError, match="fields") as refused:
        read_fields("a{" * 9000)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("limit", [0, -1, True, 2.0, "5"])
def test_a_limit_is_a_whole_number_from_1_up(limit: Any) -> None:
    with pytest.raises(ValueError, match="limit"):
        messages(limit=limit)


def test_the_name_of_a_nested_field_stands_alone() -> None:
    with pytest.raises(ValueError, match="stands alone"):
        nested("a{b}", "c")


NAMES = st.sampled_from(["id", "name", "from", "messages", "a_b"])
FIELDS = st.recursive(
    st.builds(Field, NAMES),
    lambda inner: st.builds(
        Field,
        NAMES,
        st.lists(inner, max_size=3).map(tuple),
        st.sampled_from([(), ("limit(5)",), ("as(x)", "after(Z)")]),
    ),
    max_leaves=8,
)


@given(st.lists(FIELDS, min_size=1, max_size=4))
def test_what_is_written_is_read_back(asked: list[Field]) -> None:
    assert list(read_fields(text_of(asked))) == asked


# Asked, refused, inside of which field → the rest.
LEFT: list[tuple[str, str, str | None, str | None]] = [
    ("id,unread_count,link", "unread_count", None, "id,link"),
    ("id,unread_count", "unread_count", "", "id"),
    ("id,messages.limit(2){id,sticker}", "sticker", None, "id,messages.limit(2){id}"),
    ("id,messages{sticker}", "sticker", "messages", "id"),
    ("id,messages{id}", "messages", None, "id"),
    ("name,participants{name}", "name", None, "participants{name}"),
    ("participants{name},messages{shares{name}},name", "name", None, "participants{name},messages{shares{name}}"),
    ("participants{name},messages{shares{name}}", "name", None, "messages{shares{name}}"),
    ("name,participants{name}", "name", "", "participants{name}"),
    ("name,participants{name}", "name", "participants", "name"),
    ("id,link", "conversations", None, None),
]


@pytest.mark.parametrize(("asked", "name", "within", "rest"), LEFT)
def test_a_refused_field_is_left_out_where_it_is_clear_which(
    asked: str, name: str, within: str | None, rest: str | None
) -> None:
    left = without(read_fields(asked), name, within=within)
    assert (None if left is None else text_of(left)) == rest


def test_a_request_goes_on_without_a_field_but_never_without_the_id() -> None:
    request = list_threads(PAGE, MESSENGER, ThreadQuery(fields="snippet,messages{id,from}", folder="spam", tags="a&b"))
    rest = leave_out(request, "snippet", "UnifiedThread")
    assert rest is not None
    assert rest.query == request.query.replace("snippet%2C", "")
    assert leave_out(request, "id", "Message") is None
    assert leave_out(request, "accounts", None) is None
    assert leave_out(list_threads(PAGE, MESSENGER, ThreadQuery(fields="")), "id", None) is None
    single = leave_out(one_message(PAGE, INSTAGRAM, "m"), "story", "Message")
    assert single is not None
    assert "story" not in single.query


def test_messages_are_expanded_in_the_listing_on_messenger_only() -> None:
    """Contract 5.3: nested fields are what Instagram's listings fail with first."""
    query = ThreadQuery(messages=3)
    assert "messages.limit(3){" in query.fields_on(Platform.MESSENGER)
    assert "messages" not in query.fields_on(Platform.INSTAGRAM)
    own = ThreadQuery(fields="messages{id}", messages=3)
    assert own.fields_on(Platform.MESSENGER) == "id,updated_time,messages{id}"


@pytest.mark.parametrize("count", [-1, 1.5, True, "3"])
def test_the_number_of_messages_is_a_whole_number(count: Any) -> None:
    with pytest.raises(ValueError, match="messages"):
        ThreadQuery(messages=count)


ALL = ("inbox", "other", "page_done", "spam")


@pytest.mark.parametrize(
    ("query", "messenger", "instagram"),
    [
        (ThreadQuery(), (None,), (None,)),
        (ThreadQuery(folder="spam"), ("spam",), ("spam",)),
        (ThreadQuery(folder="all"), ALL, (None,)),
        (ThreadQuery(folders="all"), ALL, (None,)),
        (ThreadQuery(folders=["spam", "other", "spam"]), ("spam", "other"), (None,)),
        (ThreadQuery(folders="other"), ("other",), (None,)),
    ],
)
def test_folders_are_messengers(query: ThreadQuery, messenger: Any, instagram: Any) -> None:
    assert query.folders_on(Platform.MESSENGER) == messenger
    assert query.folders_on(Platform.INSTAGRAM) == instagram


@pytest.mark.parametrize("options", [{"folders": "inbux"}, {"folders": []}, {"folder": "spam", "folders": "all"}])
def test_folders_that_are_none_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="folder"):
        ThreadQuery(**options)


def test_fields_nested_by_hand_have_an_end() -> None:
    """Each level is built from those below it, so that no text of it is ever too deep to be written."""
    deepest = Field("a")
    for _ in range(20):
        deepest = nested("a", deepest)
    assert read_fields(str(deepest)) == (deepest,)
    with pytest.raises(ValueError, match="more than 20"):
        Field("a", (deepest,))


@pytest.mark.parametrize(
    ("text", "name"),
    [("updated_time", "updated_time"), ("updated_time.as(x)", "x"), ("messages.limit(5).as(m){id}", "m")],
)
def test_a_field_is_told_under_its_other_name(text: str, name: str) -> None:
    """Contract 6.3."""
    assert [each.told_as for each in read_fields(text)] == [name]


def test_what_is_asked_under_another_name_only_is_asked_for_once_more() -> None:
    """The walk reads `id` and `updated_time`, and `thread.messages` what is told as messages."""
    assert ThreadQuery(fields="id,updated_time.as(x)").fields == "updated_time,id,updated_time.as(x)"
    assert ThreadQuery(fields="messages.as(m){id}", messages=3).asks_messages
