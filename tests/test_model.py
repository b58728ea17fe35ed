"""The words: secrets that never show, values that check themselves, threads that read whatever Meta sends."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations_async.errors import GraphError
from conversations_async.graph.decode import thread_page
from conversations_async.model import (
    DEFAULT_FIELDS,
    THREAD_READERS,
    Cursor,
    Inbox,
    Page,
    Participant,
    Platform,
    Pool,
    PoolUsage,
    Secret,
    Thread,
    ThreadPage,
    ThreadQuery,
    Usage,
    read_time,
)

CANARY = "EAACANARYcanary0123456789ZDZD"
INBOX = Inbox("1042", Platform.MESSENGER)


def a_page(**options: Any) -> Page:
    return Page("1042", CANARY, **options)


# -- Secret ------------------------------------------------------------------------------------------------------------

SHOWN: dict[str, Callable[[Secret], object]] = {
    "repr": repr,
    "str": str,
    "format": lambda secret: f"{secret}",
    "format with a width": lambda secret: f"{secret:>40}",
    "repr in an f-string": lambda secret: f"{secret!r}",
    "percent s": lambda secret: "%s" % secret,  # noqa: UP031  # what must not show it
    "percent r": lambda secret: "%r" % secret,  # noqa: UP031  # what must not show it
    "join": lambda secret: " ".join(map(str, [secret])),
    "in a list": lambda secret: repr([secret]),
    "a Page": lambda secret: repr(Page("1042", secret)),
    "a Page as a dict": lambda secret: repr(attrs.asdict(Page("1042", secret))),
    "a Page as a tuple": lambda secret: repr(attrs.astuple(Page("1042", secret))),
    "an error's args": lambda secret: repr(ValueError(secret)),
    "an error's text": lambda secret: str(GraphError(str(secret))),
    "a log record": lambda secret: logging.LogRecord("x", 10, "x", 1, "token %s", (secret,), None).getMessage(),
    "a copy": lambda secret: repr(copy.copy(secret)),
    "a deep copy of a Page": lambda secret: repr(copy.deepcopy(Page("1042", secret))),
    "dir": lambda secret: repr(dir(secret)),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN.keys())
def test_a_secret_never_shows(show: Callable[[Secret], object]) -> None:
    assert CANARY not in str(show(Secret(CANARY)))


REFUSED: dict[str, Callable[[Secret], object]] = {
    "pickle": pickle.dumps,
    "pickle of a Page": lambda secret: pickle.dumps(Page("1042", secret)),
    "json": json.dumps,
    "state": lambda secret: getattr(secret, "__getstate__")(),  # noqa: B009  # type checkers know no such method
    "vars": vars,
}


@pytest.mark.parametrize("hand_on", REFUSED.values(), ids=REFUSED.keys())
def test_a_secret_is_not_handed_on(hand_on: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as refused:
        hand_on(Secret(CANARY))
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("text", ["", " ", "a b", "a\nb", "ümlaut", "a\x00b", "tab\t", CANARY + "\n"])
def test_what_cannot_stand_in_a_header_is_no_token(text: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII") as refused:
        Page("1042", text)
    assert CANARY not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("token", [None, 7, b"bytes", ["a"]])
def test_a_token_is_text_or_a_callable(token: Any) -> None:
    with pytest.raises(TypeError, match="token"):
        Page("1042", token)


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert hash(Secret(CANARY)) == hash(Secret(CANARY))
    assert Secret(CANARY) != Secret(CANARY + "2")
    assert Secret(CANARY) != CANARY


def test_only_reveal_gives_the_text() -> None:
    assert Secret(CANARY).reveal() == CANARY


@pytest.mark.parametrize(
    "form",
    ["123|ab/cd", "123%7Cab%2Fcd", "123%7cab%2fcd", "123%257Cab%252Fcd", "123%257cab%252fcd", r"123|ab\/cd"],
    ids=[
        "as it is",
        "percent-encoded, as in next",
        "in small letters",
        "twice",
        "twice, small",
        "JSON's escaped slash",
    ],
)
def test_redacting_finds_the_secret_in_every_spelling(form: str) -> None:
    """Contract 3.1, 5.1: Meta's links carry the token; samples escape slashes."""
    body = b'{"next":"https://graph.facebook.com/?access_token=' + form.encode() + b'&limit=1"}'
    assert form.encode() not in Secret("123|ab/cd").redact(body)


def test_redacting_finds_the_secret_in_any_mix_of_escapes() -> None:
    """JSON may spell any letter by its number."""
    spelt = "".join(f"\\u{ord(each):04x}" if place % 2 else each for place, each in enumerate(CANARY))
    body = f'{{"a":"{spelt}","b":"\\u0022\\u005c\\u00e9\\u007f","c":"\\\\u0041"}}'.encode()
    redacted = Secret(CANARY).redact(body)
    assert json.loads(redacted) == {"a": Secret.MASK, "b": '"\\é\x7f', "c": "\\u0041"}
    innocent = b'{"a":"\\u0041\\u0042","email":"7\\u0040facebook.com"}'
    assert Secret(CANARY).redact(innocent) is innocent


@pytest.mark.parametrize("place", range(9))
@pytest.mark.parametrize("token", ["abc1XY9zQ", "1|a-b_c.d", "z9|%/+=:0"])
def test_redacting_finds_the_secret_whichever_of_its_letters_is_spelt_by_number(token: str, place: int) -> None:
    spelt = f"{token[:place]}\\u{ord(token[place]):04x}{token[place + 1 :]}"
    body = f'{{"next":"https://x/?t={spelt}&limit=1"}}'.encode()
    assert token not in json.loads(Secret(token).redact(body))["next"]


def test_redacting_what_holds_no_secret_copies_nothing() -> None:
    body = b'{"data":[]}'
    assert Secret(CANARY).redact(body) is body


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"a":"\\u0000"}', True),
        (b'{"a":"' + CANARY.encode() + b'\\u0000"}', True),
        (b'{"a":"' + CANARY.encode() + b'\\u0040\\u00e9\\/"}', False),
        (b'{"a":"' + CANARY.encode() + b'"}', False),
    ],
)
def test_one_look_finds_the_secret_and_tells_whether_nul_may_be_there(body: bytes, told: bool) -> None:
    redacted, may_spell_nul = Secret(CANARY).look_through(body)
    assert CANARY.encode() not in redacted
    assert may_spell_nul is told


# -- Page, Inbox, Platform ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["messenger", "MESSENGER", "Messenger"])
def test_a_platform_is_known_in_any_case(text: str) -> None:
    """Contract 1.1: the spec spells it in upper case, the guide in lower case."""
    assert Platform(text) is Platform.MESSENGER
    assert Inbox("7", text).platform is Platform.MESSENGER


@pytest.mark.parametrize("value", ["whatsapp", "", None, 7])
def test_another_platform_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="Platform"):
        Platform(value)


@pytest.mark.parametrize("value", ["", "12a", "-1", "1.0", "٣", " 7", "7" * 33, "../me", "7/x?y"])
def test_an_id_is_digits(value: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        Page(value, CANARY)
    with pytest.raises(ValueError, match="digits"):
        Inbox(value, Platform.MESSENGER)


@pytest.mark.parametrize("value", [7, None, b"7"])
def test_an_id_is_text(value: Any) -> None:
    with pytest.raises(TypeError, match="must be text"):
        Page(value, CANARY)


def test_id_and_token_in_the_wrong_order_do_not_show_the_token() -> None:
    with pytest.raises(ValueError, match="digits") as refused:
        Page(CANARY, "1042")
    assert CANARY[:12] not in str(refused.value)


def test_a_page_is_on_both_platforms_unless_it_says_otherwise() -> None:
    assert a_page().platforms == (Platform.MESSENGER, Platform.INSTAGRAM)
    assert a_page(platforms="INSTAGRAM").platforms == (Platform.INSTAGRAM,)
    assert a_page(platforms=["messenger", Platform.MESSENGER]).platforms == (Platform.MESSENGER,)


def test_instagram_login_is_on_instagram_alone() -> None:
    """Contract 1.2."""
    assert a_page(graph="instagram").platforms == (Platform.INSTAGRAM,)


def test_a_page_without_a_platform_or_with_another_graph_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one platform"):
        a_page(platforms=())
    with pytest.raises(ValueError, match="'facebook' or 'instagram'"):
        a_page(graph="threads")


def test_an_inbox_may_be_logged_stored_and_sorted() -> None:
    other = Inbox("1042", Platform.INSTAGRAM)
    assert str(INBOX) == "Page 1042 on messenger"
    assert sorted([INBOX, other]) == [other, INBOX]
    assert {INBOX: 1}[pickle.loads(pickle.dumps(INBOX))] == 1


VALUES = [
    INBOX,
    Cursor("QVFIU", datetime(2026, 5, 4, tzinfo=UTC)),
    Pool("messenger", "1042"),
    Usage((PoolUsage("messenger", "1042", 12.0, regain_after=60.0),)),
    Participant({"id": "7", "name": "Ilse"}),
    Thread(INBOX, {"id": "t_1", "snippet": "hello", "participants": {"data": [{"id": "7"}]}}),
    ThreadPage(INBOX, (Thread(INBOX, {"id": "t_1"}),), Cursor("a"), True, None, ("$.data[1]: an object was expected",)),
    ThreadQuery(folder="inbox", tags=["a"]),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_pickle_copy_and_stay_equal(value: Any) -> None:
    for twin in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
        assert twin == value
        assert hash(twin) == hash(value)
        assert repr(twin) == repr(value)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_are_frozen(value: Any) -> None:
    name = attrs.fields(type(value))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, name, None)


def test_a_threads_repr_shows_no_text_of_people() -> None:
    raw = {"id": "t_1", "snippet": "my secret sorrow", "participants": {"data": [{"name": "Ilse Marwick", "id": "7"}]}}
    thread = Thread(INBOX, raw)
    shown = f"{thread!r} {thread.participants!r}"
    assert "sorrow" not in shown
    assert "Ilse" not in shown
    assert "t_1" in shown


# -- ThreadQuery -------------------------------------------------------------------------------------------------------

FIELDS = [
    ("id,updated_time", "id,updated_time"),
    ("updated_time,id", "updated_time,id"),
    ("snippet", "id,updated_time,snippet"),
    (["snippet", "link"], "id,updated_time,snippet,link"),
    (("id", "link"), "updated_time,id,link"),
    ("", "id,updated_time"),
    ((), "id,updated_time"),
    (" id, updated_time ,\n snippet ", "id,updated_time,snippet"),
    ("participants{id,name,updated_time}", "id,updated_time,participants{id,name,updated_time}"),
    ("messages.limit(5){id,from{id}},id", "updated_time,messages.limit(5){id,from{id}},id"),
]


@pytest.mark.parametrize(("given_fields", "asked"), FIELDS)
def test_fields_are_text_or_names_and_always_hold_id_and_time(given_fields: Any, asked: str) -> None:
    """Contract 6.3: field expansion; the walk needs `id` and `updated_time` at the top level."""
    assert ThreadQuery(fields=given_fields).fields == asked


@pytest.mark.parametrize("fields", ["a{", "a}", "}{", "a{b}}", "a,,b", "id&access_token=x", "a-b", "a/b", "é"])
def test_what_is_no_list_of_fields_is_refused_before_any_call(fields: str) -> None:
    with pytest.raises(ValueError, match="fields"):
        ThreadQuery(fields=fields)


@pytest.mark.parametrize("name", ["since", "until"])
def test_asking_by_time_is_refused_with_a_sentence(name: str) -> None:
    """Contract 1.1: time-based paging is not available on this edge."""
    wish: Any = {name: "2026-01-01"}
    with pytest.raises(ValueError, match=rf"`{name}` does not exist on this edge.*newest first"):
        ThreadQuery(**wish)


def test_folders_are_those_of_the_reference() -> None:
    """Contract 1.1."""
    assert [ThreadQuery(folder=name).folder for name in ("inbox", "other", "page_done", "spam")]
    with pytest.raises(ValueError, match="inbox, other, page_done, spam"):
        ThreadQuery(folder="archive")


@pytest.mark.parametrize("user_id", ["", "ilse", "7 "])
def test_a_person_is_asked_for_by_digits(user_id: str) -> None:
    assert ThreadQuery(user_id="5325887466918339").user_id
    with pytest.raises(ValueError, match="digits"):
        ThreadQuery(user_id=user_id)


@pytest.mark.parametrize("number", [0, -1, True, 2.0, "10"])
def test_threads_per_call_is_a_whole_number_from_one_up(number: Any) -> None:
    with pytest.raises(ValueError, match="threads_per_call"):
        ThreadQuery(threads_per_call=number)


def test_a_platform_is_asked_for_what_it_lists_and_in_its_own_portions() -> None:
    """Contract 2.1 (Instagram's reference lists three fields), 5.3 and 9 (its listings fail at high limits)."""
    query = ThreadQuery()
    assert query.fields_on(Platform.MESSENGER) == ",".join(DEFAULT_FIELDS)
    assert query.fields_on(Platform.INSTAGRAM) == "id,updated_time,participants"
    assert query.threads_per_call_on(Platform.MESSENGER) == 100
    assert query.threads_per_call_on(Platform.INSTAGRAM) == 25
    own = ThreadQuery(fields="id,updated_time,snippet", threads_per_call=7)
    assert own.fields_on(Platform.INSTAGRAM) == "id,updated_time,snippet"
    assert own.threads_per_call_on(Platform.INSTAGRAM) == 7


# -- times -------------------------------------------------------------------------------------------------------------

MOMENT = datetime(2026, 5, 4, 13, 32, 8, tzinfo=UTC)

TIMES: list[tuple[object, datetime | None]] = [
    ("2026-05-04T13:32:08+0000", MOMENT),  # contract 1.3: every sample
    ("2026-05-04T13:32:08+00:00", MOMENT),
    ("2026-05-04T13:32:08Z", MOMENT),
    ("2026-05-04T15:32:08+0200", MOMENT),
    ("2026-05-04T08:02:08-05:30", MOMENT),
    (1777901528, MOMENT),  # contract 10: a UNIX integer, one capture of 2016
    ("1777901528", MOMENT),
    ("2026-05-04T13:32:08", None),  # of which zone?
    ("yesterday", None),
    ("", None),
    ("<A_UNIX_TIMESTAMP>", None),
    ("2026-13-04T13:32:08+0000", None),
    ("0001-01-01T00:00:00+2359", None),
    ("9999-12-31T23:59:59-2359", None),
    ("9" * 5000, None),
    (10**30, None),
    (-(10**15), None),
    ("١٢٣", None),
    ("20260504", None),
    ("202605041332", None),
    ("999999999", datetime(2001, 9, 9, 1, 46, 39, tzinfo=UTC)),
    ("\ud83d", None),
    (1777901528.5, None),
    (True, None),
    (None, None),
    ([], None),
    ({}, None),
]


@pytest.mark.parametrize(("value", "moment"), TIMES)
def test_a_time_is_an_aware_utc_moment_or_none(value: object, moment: datetime | None) -> None:
    found = read_time(value)
    assert found == moment
    assert found is None or found.tzinfo is UTC


# -- Thread, field by field --------------------------------------------------------------------------------------------

ILSE = {"name": "Ilse Marwick", "email": "7@facebook.com", "id": "7"}

# Contract 2.1: attribute → (a right value, what it reads as), (wrong values that read as nothing).
THREAD_FIELDS: dict[str, tuple[object, object, list[object]]] = {
    "updated_time": ("2026-05-04T13:32:08+0000", MOMENT, ["soon", [], {}, 1.5, True]),
    "link": ("/1042/inbox/7/", "/1042/inbox/7/", [7, True, {}, []]),
    "snippet": ("hello", "hello", [7, {}, [], False]),
    "message_count": (7, 7, ["seven", 7.5, True, {}, "-1", "9" * 19]),
    "unread_count": (0, 0, ["", [], None, False]),
    "can_reply": (True, True, [1, "yes", {}]),
    "is_subscribed": (False, False, [0, "no", []]),
    "is_owner": ("true", True, ["True", 1]),
    "scoped_thread_key": ("t_7", "t_7", [7]),
    "folder": ("quiet_corner", "quiet_corner", [7, {}]),
    "name": ("Ilse", "Ilse", [7]),
    "wallpaper": ("x", "x", [7]),
    "subject": ("x", "x", [{}]),
    "linked_group": ({"id": "7"}, {"id": "7"}, ["7", []]),
    "participants": ({"data": [ILSE]}, (Participant(ILSE),), ["Ilse", 7, {"data": {}}, {"data": None}, {}]),
    "senders": ([ILSE], (Participant(ILSE),), ["Ilse"]),
    "former_participants": ({"data": []}, (), [7]),
    "tags": ({"data": [{"name": "inbox"}]}, ("inbox",), ["inbox", {"data": 7}]),
}


def test_the_table_holds_every_field_that_a_thread_reads() -> None:
    assert set(THREAD_FIELDS) == set(THREAD_READERS) - {"id", "messages"}


@pytest.mark.parametrize("name", THREAD_FIELDS)
def test_a_field_reads_its_right_value_and_leaves_a_wrong_one_in_extra(name: str) -> None:
    right, reads_as, wrong = THREAD_FIELDS[name]
    nothing = () if isinstance(reads_as, tuple) else None
    thread = Thread(INBOX, {"id": "t_1", name: right})
    assert getattr(thread, name) == reads_as
    assert thread.extra == {}
    assert getattr(Thread(INBOX, {"id": "t_1"}), name) == nothing
    for value in wrong:
        thread = Thread(INBOX, {"id": "t_1", name: value})
        assert getattr(thread, name) == nothing, value
        assert thread.extra == ({name: value} if value is not None else {})


def test_numbers_in_quotes_are_numbers() -> None:
    assert Thread(INBOX, {"id": "t_1", "unread_count": "12"}).unread_count == 12


def test_a_thread_names_its_page_and_platform() -> None:
    thread = Thread(INBOX, {"id": "t_1"})
    assert (thread.page_id, thread.platform, thread.id) == ("1042", Platform.MESSENGER, "t_1")


def test_of_people_only_half_readable_the_rest_stays_in_extra() -> None:
    listed = {"data": [ILSE, None, "Tobiah"]}
    thread = Thread(INBOX, {"id": "t_1", "participants": listed})
    assert [person.id for person in thread.participants] == ["7"]
    assert thread.extra == {"participants": listed}


def test_a_person_reads_both_platforms_forms() -> None:
    """Contract 2.1: name and email on Messenger, username on Instagram, user_id until December 2021."""
    assert (Participant(ILSE).name, Participant(ILSE).email, Participant(ILSE).username) == (
        "Ilse Marwick",
        "7@facebook.com",
        None,
    )
    other = Participant({"username": "ilse", "id": 9007199254740993, "user_id": "17841", "badge": "new", "name": 7})
    assert (other.id, other.username, other.user_id, other.name) == ("9007199254740993", "ilse", "17841", None)
    assert other.extra == {"badge": "new", "name": 7}


def test_two_versions_of_a_thread_are_unequal_and_share_a_hash() -> None:
    old, new = (Thread(INBOX, {"id": "t_1", "updated_time": time}) for time in ("a", "b"))
    assert old != new
    assert hash(old) == hash(new)
    assert old != Thread(Inbox("1042", Platform.INSTAGRAM), {"id": "t_1", "updated_time": "a"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from([*THREAD_READERS, "messages", "brand_new"]) | st.text(max_size=8)
EDGES = st.fixed_dictionaries({"data": st.lists(JSON | st.fixed_dictionaries({"id": JSON, "name": JSON}), max_size=3)})


@given(raw=st.dictionaries(KEYS, JSON | EDGES, max_size=8))
def test_no_value_at_any_key_raises_and_nothing_is_lost(raw: dict[str, Any]) -> None:
    page = thread_page({"data": [raw]}, INBOX)
    assert len(page.threads) + len(page.unreadable) == 1
    for thread in page.threads:
        for name in [*THREAD_READERS, "extra"]:
            getattr(thread, name)
        told = {name for name in THREAD_READERS if getattr(thread, name) not in (None, ())}
        untold = {name for name, value in raw.items() if value is not None and name not in told}
        for name in untold:
            # An empty list of people is told by ().
            assert name in thread.extra or getattr(thread, name) == ()
        for person in (*thread.participants, *thread.senders, *thread.former_participants):
            assert [person.id, person.name, person.username, person.email, person.user_id, person.extra, hash(person)]
        assert pickle.loads(pickle.dumps(thread)) == thread
        assert copy.deepcopy(thread) == thread
        hash(thread)
        repr(thread)


@pytest.mark.parametrize("text", ["9" * 5000, "a\x00b", "\ud83d", "\u202e", "t_" + "é" * 2000, "<script>"])
def test_an_id_of_any_text_is_an_id(text: str) -> None:
    """Contract 2.4: ids are opaque."""
    (thread,) = thread_page({"data": [{"id": text}]}, INBOX).threads
    assert thread.id == text
    assert pickle.loads(pickle.dumps(thread)) == thread
    repr(thread)


# -- usage -------------------------------------------------------------------------------------------------------------


def test_usage_is_told_by_the_fullest_pool_and_the_longest_wait() -> None:
    usage = Usage(
        (
            PoolUsage("messenger", "1042", call_count=12.0, total_cputime=144.0, regain_after=60.0),
            PoolUsage("instagram", "17841", total_time=30.0, regain_after=1860.0),
        )
    )
    assert usage.percent == 144.0
    assert usage.regain_after == 1860.0
    assert (Usage().percent, Usage().regain_after) == (0.0, 0.0)
