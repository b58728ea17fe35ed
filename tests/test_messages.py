"""Messages: every sample of one, and a thread read to its first message, whatever Meta tells of it."""

import asyncio
import json
import math
import pickle
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import pytest
from listing import INSTAGRAM, MESSENGER, session_on
from samples.expected import MESSAGE, MESSAGES
from samples.rows import ExpectedMessage, MessageSample, MessagesSample

from conversations_async import (
    AnswerUnreadable,
    Attachment,
    ConversationSession,
    Event,
    GraphRequest,
    GraphUnavailable,
    Inbox,
    LimitPolicy,
    Message,
    Page,
    PagingStuck,
    Participant,
    Platform,
    RawAnswer,
    RequestRejected,
    Secret,
    Thread,
)
from conversations_async.edges import EMPTY_IN_A_ROW
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, World
from conversations_async.events import FieldRefused
from conversations_async.graph.answers import read_json
from conversations_async.graph.decode import message_page
from conversations_async.message import Image, Product, Reaction, ReplyTo, Share, Story, Template, Video

pytestmark = pytest.mark.looptime

CANARY = "EAACANARYcanary0123456789ZDZD"


# -- samples -----------------------------------------------------------------------------------------------------------


def person(found: Participant | None) -> tuple[str | None, str | None] | None:
    return None if found is None else (found.id, found.name if found.name is not None else found.username)


def attachment(found: Attachment) -> tuple[Any, ...]:
    image, video = found.image, found.video
    links = (image.url if image else None, video.url if video else None, found.file_url)
    return found.id, found.mime_type, found.name, found.size, *links


def agree(message: Message, expected: ExpectedMessage) -> None:
    assert message.id == expected.id
    time = message.created_time
    assert (time.isoformat() if time is not None else None) == expected.created_time
    assert person(message.sender) == expected.sender
    assert tuple(person(each) for each in message.to) == expected.to
    assert (message.text, message.sticker, message.tags) == (expected.text, expected.sticker, expected.tags)
    assert message.is_unsupported is expected.is_unsupported
    assert [attachment(each) for each in message.attachments] == [
        (each.id, each.mime_type, each.name, each.size, each.image_url, each.video_url, each.file_url)
        for each in expected.attachments
    ]
    reactions = tuple((each.reaction, tuple(user.username for user in each.users)) for each in message.reactions)
    assert reactions == expected.reactions
    assert tuple(share.link for share in message.shares) == expected.shares
    assert tuple((story.kind, story.id) for story in message.story) == expected.story
    assert tuple(name for name in message.extra if name == "created_time") == expected.unread
    assert not message.unavailable


@pytest.mark.parametrize("sample", MESSAGES, ids=lambda sample: sample.file)
def test_every_sample_of_a_list_of_messages_is_read(sample: MessagesSample) -> None:
    payload = read_json(sample.body)
    if sample.form != "listing":
        payload = {"data": list(payload.values()) if sample.form == "by_id" else payload}
    page = message_page(payload)
    assert (page.paging.more, page.paging.after) == (sample.more, sample.after)
    assert tuple(path.partition(": ")[0] for path in page.unreadable) == sample.malformed
    for raw, expected in zip(page.messages, sample.messages, strict=True):
        agree(Message(raw), expected)


@pytest.mark.parametrize("sample", MESSAGE, ids=lambda sample: sample.file)
def test_every_sample_of_a_message_is_read(sample: MessageSample) -> None:
    page = message_page({"data": [read_json(sample.body)]})
    if sample.message is None:
        assert sample.unreadable is not None
        assert [path.partition(": ")[0] for path in page.unreadable] == [sample.unreadable.replace("$", "$.data[0]")]
        return
    agree(Message(page.messages[0]), sample.message)


def of_file(name: str) -> Message:
    (sample,) = (each for each in MESSAGE if each.file == f"message/{name}.json")
    return Message(read_json(sample.body))


def test_a_shared_product_and_a_replied_message_are_read() -> None:
    (product,) = of_file("ig-all-fields").shares[0].products
    assert (product.name, product.price, product.retailer_id) == ("A kettle", "$38", "<A_RETAILER>")
    assert (product.id, product.image_url) == ("<A_PRODUCT>", "https://cdn.example.com/p")
    reply = of_file("reply-to").reply_to
    assert reply is not None
    assert (reply.mid is not None, reply.is_self_reply) == (True, False)


def test_a_card_is_read() -> None:
    template = of_file("generic-template-attachment").attachments[0].template
    assert template is not None
    assert template.title or template.cta or template.extra


@pytest.mark.parametrize("sample", MESSAGE, ids=lambda sample: sample.file)
def test_no_repr_shows_peoples_text(sample: MessageSample) -> None:
    raw = read_json(sample.body)
    message = Message({"id": "m_1", **raw})
    seen = [message, *message.attachments, *message.shares, *message.reactions, *message.story, *message.to]
    shown = " ".join(map(repr, [*seen, message.sender, message.reply_to, *(a.image for a in message.attachments)]))
    texts = [message.text, *(name for each in message.to for name in (each.name, each.username))]
    texts += [share.link for share in message.shares]
    assert not [text for text in texts if text and len(text) > 3 and text in shown]


@pytest.mark.parametrize("value", [None, 7, True, "x", [], {}, [7], {"data": 7}, {"data": [7]}, {"mention": 7}, 1.5])
def test_a_value_of_any_shape_hurts_nobody_and_stays_in_extra(value: object) -> None:
    names = (*("from", "to", "message", "sticker", "tags", "attachments", "shares", "reactions", "story"), "reply_to")
    message = Message({"id": "m_1", "created_time": value, **dict.fromkeys(names, value), "new": value})
    for name in ("sender", "to", "text", "sticker", "tags", "attachments", "shares", "reactions", "story", "reply_to"):
        getattr(message, name)
    assert message.extra["new"] == value
    assert pickle.loads(pickle.dumps(message)) == message
    hash(message)


PERSON = {"id": "7", "name": "A", "username": "a", "email": "7@facebook.com", "user_id": "17841"}

# Documented fields (contract 2.2) → what an attribute makes of them, where that is not the value itself.
TOLD: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
    (Participant, PERSON, {}),
    (
        Image,
        {
            **{name: number for number, name in enumerate(("width", "height", "max_width", "max_height"), 1)},
            **{name: name for name in ("url", "preview_url", "raw_gif_image", "raw_webp_image")},
            **{name: name for name in ("animated_gif_url", "animated_gif_preview_url")},
            **{name: name for name in ("animated_webp_url", "animated_webp_preview_url")},
            "image_type": 5, "render_as_sticker": False,
        },
        {},
    ),
    (
        Video,
        {"url": "u", "preview_url": "p", "width": 1, "height": 2, "length": 1.5, "video_type": 3, "rotation": 90},
        {},
    ),
    (Template, {"title": "t", "subtitle": "s", "media_url": "m", "cta": {"title": "x", "type": "y", "url": "z"}}, {}),
    (
        Attachment,
        {"id": "1", "mime_type": "video/mp4", "name": "n", "size": 9, "file_url": "f", "image_data": {"url": "i"},
         "video_data": {"url": "v"}, "generic_template": {"title": "t"}},
        {"image": Image({"url": "i"}), "video": Video({"url": "v"}), "template": Template({"title": "t"}), "url": "v"},
    ),
    (Product, {name: name for name in ("id", "retailer_id", "image_url", "name", "price")}, {}),
    (Share, {"id": "1", "link": "l", "name": "n", "description": "d"}, {"products": ()}),
    (Reaction, {"reaction": "❤", "users": [PERSON]}, {"users": (Participant(PERSON),)}),
    (partial(Story, "mention"), {"id": "1", "link": "l"}, {}),
    (ReplyTo, {"mid": "m", "is_self_reply": True}, {}),
    (
        Message,
        {"id": "m", "created_time": 0, "from": PERSON, "to": {"data": [PERSON]}, "message": "x", "sticker": "s",
         "tags": {"data": [{"name": "inbox"}]}, "is_unsupported": "true", "reply_to": {"mid": "m"}, "subject": "y",
         "updated_time": "2026-05-04T13:32:08+0000", "unread": True, "unseen": False},
        {"created_time": datetime(1970, 1, 1, tzinfo=UTC), "sender": Participant(PERSON), "to": (Participant(PERSON),),
         "text": "x", "tags": ("inbox",), "is_unsupported": True, "reply_to": ReplyTo({"mid": "m"}),
         "updated_time": datetime(2026, 5, 4, 13, 32, 8, tzinfo=UTC), "attachments": (), "shares": (), "reactions": (),
         "story": ()},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "raw", "told"), TOLD, ids=[getattr(row[0], "__name__", "Story") for row in TOLD])
def test_every_documented_field_has_its_attribute_and_none_is_left_over(
    kind: Any, raw: dict[str, Any], told: dict[str, Any]
) -> None:
    read = kind(raw)
    attributes = {name for name, value in vars(type(read)).items() if isinstance(value, property) and name != "extra"}
    expected = {**{name: value for name, value in raw.items() if name in attributes}, **told}
    assert {name: getattr(read, name) for name in attributes} == expected
    assert read.extra == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("story", {"mention": {"id": "1"}, "poll": {"id": "2"}}),
        ("shares", {"data": [{"template": {"payload": {"product": {"elements": [{"id": "1"}, 7]}}}}]}),
    ],
    ids=["a story of a new kind", "a product of another shape"],
)
def test_what_no_attribute_tells_in_full_stays_in_extra(name: str, value: dict[str, Any]) -> None:
    message = Message({"id": "m_1", name: value})
    assert message.extra or message.shares[0].extra


@pytest.mark.parametrize(
    ("told", "unavailable"),
    [
        ([True, True, False, False], [False, False, True, True]),
        ([False, False], [False, False]),
        ([False, True, False], [False, False, True]),
    ],
    ids=["behind filled ones", "nothing is told", "the newest is gone"],
)
def test_nested_messages_without_details_are_beyond_the_window_only_behind_filled_ones(
    told: list[bool], unavailable: list[bool]
) -> None:
    """A listing that was asked for ids holds nothing else, and says nothing of a window."""
    raw = [{"id": f"m{place}", **({"message": "x"} if filled else {})} for place, filled in enumerate(told)]
    thread = Thread(Inbox("1001", INSTAGRAM), {"id": "t", "messages": {"data": raw}})
    assert [message.unavailable for message in thread.messages] == unavailable


# -- a thread to its first message -------------------------------------------------------------------------------------


async def read(session: ConversationSession, page: Page, thread: Thread | str, **options: Any) -> list[Message]:
    async with aclosing(session.messages(page, thread, **options)) as messages:
        return [message async for message in messages]


def unpaced(graph: GraphEmulator, **options: Any) -> ConversationSession:
    return session_on(graph, limits=LimitPolicy(calls_per_second=0), **options)


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101, 230])
@pytest.mark.parametrize("dead", [False, True])
async def test_a_messenger_thread_is_read_to_its_first_message(count: int, dead: bool) -> None:
    world = World.seeded(pages=1, threads=1, messages=count)
    world.manners = Manners(dead_nested_next=dead)
    async with GraphEmulator(world, limits=LimitRules.off()) as graph, unpaced(graph) as session:
        (thread,) = world.threads("1001", MESSENGER)
        page = Page("1001", world.pages["1001"].token)
        messages = await read(session, page, thread.id)
        assert [message.id for message in messages] == [each.id for each in thread.messages]
        assert [message.text for message in messages] == [each.text for each in thread.messages]
        assert {message.thread_id for message in messages} == {thread.id}
    assert len(graph.calls) == -(-count // 100)


@pytest.mark.parametrize("login", [False, True])
@pytest.mark.parametrize("count", [1, 19, 20, 21, 22, 47, 300])
@pytest.mark.parametrize(
    "manners",
    [Manners(), Manners(beyond_window="refuse"), Manners(messages_unfilled=True), Manners(detail_window=19)],
    ids=["bare ids", "an error", "only single messages", "a window of 19"],
)
async def test_older_messages_of_instagram_are_unavailable_and_neither_lost_nor_an_error(
    manners: Manners, count: int, login: bool
) -> None:
    """Contract 1.6, 2.3, 8.14: how Meta does not tell them is not settled, so every way must do."""
    world = World.seeded(pages=1, threads=1, messages=count)
    world.manners = manners
    own = world.pages["1001"]
    page = Page("1001", own.token)
    if login:
        assert own.instagram_id is not None
        assert own.instagram_token is not None
        page = Page(own.instagram_id, own.instagram_token, graph="instagram")
    async with GraphEmulator(world, limits=LimitRules.off()) as graph, unpaced(graph) as session:
        (thread,) = world.threads("1001", INSTAGRAM)
        messages = await read(session, page, thread.id)
    assert [message.id for message in messages] == [each.id for each in thread.messages]
    window = min(count, manners.detail_window or 0)
    assert [message.unavailable for message in messages] == [False] * window + [True] * (count - window)
    assert [message.text for message in messages[:window]] == [each.text for each in thread.messages[:window]]
    assert all(message.created_time is not None for message in messages)
    most = 30 if manners.messages_unfilled or manners.beyond_window == "refuse" else 0
    assert len(graph.calls) <= most + 2 + -(-count // 100)


async def test_a_single_message_that_is_gone_does_not_end_the_window() -> None:
    """Where each is asked by itself, one refusal may be a deletion in truth."""
    gone: list[str] = []

    async def answer(request: GraphRequest) -> RawAnswer:
        if request.path.endswith("/messages"):
            return body({"data": [{"id": f"m{number}"} for number in range(6)]})
        if request.path in ("m1", "m4", "m5"):
            gone.append(request.path)
            return RawAnswer(400, {}, json.dumps({"error": {"code": 100, "message": "gone"}}).encode())
        return body({"id": request.path, "message": "x", "from": {"id": "7"}})

    messages = await of(answer, INSTAGRAM)
    assert [(each.id, each.unavailable) for each in messages] == [
        *(("m0", False), ("m1", True), ("m2", False)),
        *(("m3", False), ("m4", True), ("m5", True)),
    ]
    assert gone == ["m1", "m4", "m5"]


def body(payload: object) -> RawAnswer:
    return RawAnswer(200, {}, json.dumps(payload).encode())


class Scripted:
    """A transport of a function."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.requests: list[GraphRequest] = []

    async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
        self.requests.append(request)
        assert len(self.requests) < 500, "it does not end"
        answer: RawAnswer = await self._answer(request)
        return answer


async def of(answer: Any, platform: Platform = MESSENGER, thread: str = "t_1", **options: Any) -> list[Message]:
    transport = Scripted(answer)
    session = ConversationSession(transport=transport, limits=LimitPolicy(calls_per_second=0), **options)
    async with session:
        return await read(session, Page("1001", CANARY), thread, platform=platform)


# What `paging` says behind one message → how many calls the walk makes: the second answer is empty (contract 3.1).
NESTED: list[tuple[object, int]] = [
    (None, 1),
    ({}, 1),
    ({"cursors": {"before": "b", "after": "a"}}, 1),
    ({"cursors": {"after": "a"}}, 1),
    ({"cursors": {"after": "a"}, "next": "https://graph.facebook.com/v25.0/t_1/messages?after=a"}, 2),
    ({"cursors": {"before": "MAZDZD", "after": "MAZDZD"}, "next": "https://x.invalid/?access_token=T"}, 2),
]


@pytest.mark.parametrize(("paging", "calls"), NESTED)
async def test_each_nested_paging_shape_ends(paging: object, calls: int) -> None:
    asked: list[str] = []

    async def answer(request: GraphRequest) -> RawAnswer:
        asked.append(request.query)
        first = {"data": [{"id": "m_1", "message": ""}]}
        return body(({**first, "paging": paging} if paging is not None else first) if len(asked) == 1 else {"data": []})

    assert [message.id for message in await of(answer)] == ["m_1"]
    assert len(asked) == calls
    assert all("&after=" in query for query in asked[1:])


STUCK: list[tuple[str, object]] = [
    ("no cursor", {"next": "x"}),
    ("a cursor repeats", {"next": "x", "cursors": {"after": "a"}}),
]


@pytest.mark.parametrize(("words", "paging"), STUCK)
async def test_cursors_that_lead_nowhere_are_an_error_and_no_endless_walk(words: str, paging: object) -> None:
    async def answer(request: GraphRequest) -> RawAnswer:
        return body({"data": [{"id": "m_1"}], "paging": paging})

    with pytest.raises(PagingStuck, match=words):
        await of(answer)


async def test_empty_answers_that_promise_more_end_at_last() -> None:
    places = iter(range(1000))

    async def answer(request: GraphRequest) -> RawAnswer:
        return body({"data": [], "paging": {"next": "x", "cursors": {"after": str(next(places))}}})

    with pytest.raises(PagingStuck, match=f"{EMPTY_IN_A_ROW} answers in a row bring nothing new"):
        await of(answer)


async def test_ever_new_cursors_that_bring_the_same_messages_end_at_last() -> None:
    places = iter(range(1000))

    async def answer(request: GraphRequest) -> RawAnswer:
        return body({"data": [{"id": "m_1"}], "paging": {"next": "x", "cursors": {"after": str(next(places))}}})

    with pytest.raises(PagingStuck, match="nothing new"):
        await of(answer)


def page_of(number: int, *, more: bool = True) -> RawAnswer:
    paging = {"next": "x", "cursors": {"after": f"c{number}"}} if more else {}
    return body({"data": [{"id": f"m{number}", "message": "x"}], "paging": paging})


def refused(code: int, message: str = "(#100) Invalid cursors values") -> RawAnswer:
    return RawAnswer(400, {}, json.dumps({"error": {"code": code, "message": message}}).encode())


@pytest.mark.parametrize("platform", list(Platform))
@pytest.mark.parametrize("code", [100, 2642])
@pytest.mark.parametrize("also", [set(), {"c8"}, {"c8", "c9"}], ids=["one cursor", "two cursors", "all cursors"])
async def test_where_a_message_is_unsent_the_walk_goes_on_from_the_cursor_before(
    also: set[str], code: int, platform: Platform
) -> None:
    """Contract 3.1: a cursor dies when its item goes."""
    died: set[str] = set()

    async def answer(request: GraphRequest) -> RawAnswer:
        after = request.query.partition("after=")[2]
        if after == "c7" and not died:
            died.update({"c7"} | also)
        if after in died:
            return refused(code)
        number = int(after[1:] if after else 10) - 1
        if died and number in (7, 8, 9):
            number = 6 if number == 7 or also else number
        return page_of(number, more=number > 5)

    assert [message.id for message in await of(answer, platform)] == ["m9", "m8", "m7", "m6", "m5"]


@pytest.mark.parametrize("message", ["(#100) Invalid cursors values", "(#100) The After Cursor exceeds the max limit"])
async def test_a_thread_whose_cursors_all_die_is_an_error_and_no_endless_walk(message: str) -> None:
    async def answer(request: GraphRequest) -> RawAnswer:
        if "after=" in request.query:
            return refused(100, message)
        return page_of(len(asked))

    asked: list[None] = []
    with pytest.raises((RequestRejected, PagingStuck)):
        await of(answer)


@pytest.mark.parametrize("too_much", [False, True])
async def test_a_bare_message_between_filled_ones_does_not_end_the_window(too_much: bool) -> None:
    """Meta tells details of the 20 newest; where fewer fit into an answer the window goes on behind it."""

    async def answer(request: GraphRequest) -> RawAnswer:
        if too_much and "limit=20" in request.query:
            reduce = {"error": {"code": 1, "message": "Please reduce the amount of data"}}
            return RawAnswer(500, {}, json.dumps(reduce).encode())
        first = int(request.query.partition("after=")[2] or 0)
        last = first + int(request.query.partition("limit=")[2].partition("&")[0])
        bare = "message" not in request.query
        data = [{"id": f"m{n}"} if bare or n in (3, *range(20, 30)) else {"id": f"m{n}", "message": "x"}
                for n in range(first, min(last, 30))]  # fmt: skip
        return body({"data": data, "paging": {"next": "x", "cursors": {"after": str(last)}} if last < 30 else {}})

    messages = await of(answer, INSTAGRAM)
    assert [each.id for each in messages] == [f"m{number}" for number in range(30)]
    assert [number for number, each in enumerate(messages) if each.unavailable] == [3, *range(20, 30)]


async def test_a_message_that_two_answers_hold_comes_once() -> None:
    answers = iter(
        [
            {"data": [{"id": "m_2"}, {"id": "m_1"}], "paging": {"next": "x", "cursors": {"after": "a"}}},
            {"data": [{"id": "m_1"}, {"id": "m_0"}]},
        ]
    )

    async def answer(request: GraphRequest) -> RawAnswer:
        return body(next(answers))

    assert [message.id for message in await of(answer)] == ["m_2", "m_1", "m_0"]


@pytest.mark.parametrize("thread", ["t_mid.$cAAE2r_eN1", "t_mid.1:2", "a/b?c#d", "aWdfZAG1=="])
async def test_ids_of_any_letters_are_quoted(thread: str) -> None:
    paths: list[str] = []

    async def answer(request: GraphRequest) -> RawAnswer:
        paths.append(request.path)
        return body({"data": []})

    assert await of(answer, thread=thread) == []
    path = paths[0].removesuffix("/messages")
    assert not set(path) & set("$:/?#=")


async def test_an_entry_that_is_no_message_does_not_take_its_neighbours_along() -> None:
    async def answer(request: GraphRequest) -> RawAnswer:
        return body({"data": [{"id": "m_2"}, {"message": "people's text"}, 7, {"id": "m_0"}]})

    found = []
    transport = Scripted(answer)
    async with ConversationSession(transport=transport) as session:
        missing = r"\$\.data\[1\]\.id: the id is missing"
        with pytest.raises(AnswerUnreadable, match=missing) as refused:  # noqa: PT012  # a loop runs a generator
            async for message in session.messages(Page("1001", CANARY), "t_1"):
                found.append(message.id)  # noqa: PERF401  # what came before the error counts
    assert found == ["m_2", "m_0"]
    assert "people's text" not in str(refused.value)


async def test_a_field_that_messages_have_not_is_left_out_with_one_event() -> None:
    world = World.seeded(pages=1, threads=1, messages=120)
    world.manners = Manners(refused_fields={"sticker", "story"})
    events: list[Event] = []
    async with (
        GraphEmulator(world, limits=LimitRules.off()) as graph,
        unpaced(graph, on_event=events.append) as session,
    ):
        (thread,) = world.threads("1001", MESSENGER)
        messages = await read(session, Page("1001", world.pages["1001"].token), thread.id)
    assert len(messages) == 120
    inbox = Inbox("1001", MESSENGER)
    assert [each for each in events if isinstance(each, FieldRefused)] == [
        FieldRefused(inbox, "sticker"),
        FieldRefused(inbox, "story"),
    ]
    assert len(graph.calls) == 4


async def test_a_thread_that_is_not_there_is_an_error() -> None:
    world = World.seeded(pages=1, threads=1)
    async with GraphEmulator(world) as graph, unpaced(graph) as session:
        page = Page("1001", world.pages["1001"].token)
        for thread in ("t_404", "aWdfZAG404"):
            with pytest.raises(RequestRejected):
                await read(session, page, thread)


class Breaking:
    """A thread with messages that break every answer about more than their ids (contract 5.3, 7.2)."""

    def __init__(self, count: int, broken: set[int], *, above: int = 1000, lean: bool = False, until: int = 0) -> None:
        self.count, self.broken, self.above, self.lean, self.until = count, broken, above, lean, until
        self.probed = 0
        self.asked = 0

    async def __call__(self, request: GraphRequest) -> RawAnswer:
        self.asked += 1
        query = dict(parse_qsl(request.query))
        if self.asked <= self.until:
            return self.failure()
        if request.what == "probe":
            self.probed += 1
            return body({"id": "1001"})
        heavy = self.lean or "message" in query["fields"]
        if not request.path.endswith("/messages"):
            number = int(request.path[1:])
            return self.failure() if number in self.broken and heavy else body(self.message(number))
        start, limit = int(query.get("after", "0")), int(query["limit"])
        part = range(start, min(self.count, start + limit))
        if heavy and (not self.broken.isdisjoint(part) or limit > self.above):
            return self.failure()
        paging = {"cursors": {"after": str(part.stop)}, **({"next": "n"} if part.stop < self.count else {})}
        return body({"data": [self.message(number) for number in part], "paging": paging})

    def failure(self) -> RawAnswer:
        error = {"code": 1, "message": "An unknown error occurred"}
        return RawAnswer(500, {}, json.dumps({"error": error}).encode())

    def message(self, number: int) -> dict[str, str]:
        return {"id": f"m{number}", "created_time": "2026-05-04T13:32:08+0000", "message": "hi"}


@pytest.mark.parametrize("platform", list(Platform))
@pytest.mark.parametrize("broken", [{0}, {37}, {249}, {99, 100, 101}], ids=["first", "middle", "last", "adjoining"])
async def test_a_message_that_breaks_answers_is_unavailable_and_all_others_come(
    broken: set[int], platform: Platform
) -> None:
    thread = Breaking(250, broken)
    messages = await of(thread, platform)
    assert [message.id for message in messages] == [f"m{number}" for number in range(250)]
    assert {int(message.id[1:]) for message in messages if message.unavailable} == broken
    # Bare, one for each hundred or twenty; each step of the search is tried twice.
    assert thread.asked <= (3 if platform is MESSENGER else 13) + len(broken) * 2 * (2 * math.log2(100) + 3)


async def test_where_answers_are_too_large_what_passes_is_kept() -> None:
    thread = Breaking(600, set(), above=25)
    messages = await of(thread)
    assert [message.unavailable for message in messages] == [False] * 600
    assert thread.asked <= 600 / 25 + 10


@pytest.mark.parametrize("calls", range(1, 24))
async def test_an_outage_makes_no_message_unavailable(calls: int) -> None:
    """Whatever step of the search it ends at."""
    messages = await of(Breaking(130, set(), until=calls))
    assert len(messages) == 130
    assert not any(message.unavailable for message in messages)


async def test_a_message_whose_id_cannot_even_be_listed_is_an_error_within_a_minute() -> None:
    """Contract 9: no cursor exists to step over it."""
    thread = Breaking(50, {30}, lean=True)
    begun = asyncio.get_running_loop().time()
    with pytest.raises(GraphUnavailable):
        await of(thread)
    assert thread.probed == 1, "Graph answers other reads"
    assert asyncio.get_running_loop().time() - begun < 60
