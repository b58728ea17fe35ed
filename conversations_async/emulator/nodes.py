"""Threads, messages and Pages as JSON, field by field as asked: key order as listed, `id` last where it was not (contract 1.3)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from conversations_async.emulator import wire
from conversations_async.emulator.fields import FieldAsk
from conversations_async.emulator.manners import Manners
from conversations_async.emulator.refusals import CURSOR_WRONG, FIELD_UNKNOWN, OBJECT_GONE, Refused
from conversations_async.emulator.wire import Place
from conversations_async.emulator.world import MessageWorld, PageWorld, ThreadWorld, people
from conversations_async.model import Platform

DEFAULT_LIMIT = 25  # contract 1.4

# What makes a call heavy: fields that are edges themselves (contract 5.3).
NESTED = frozenset({"participants", "senders", "former_participants", "messages"})

# On graph.instagram.com these are error 100 (contract 10; a recorded answer of v25).
_REFUSED_BY_INSTAGRAM_LOGIN = frozenset({"unread_count", "message_count"})


@attrs.frozen
class View:
    """From where a node is looked at: host, version, token and manners of one call."""

    base_url: str
    version: str
    token: str | None
    instagram_host: bool
    page: PageWorld
    platform: Platform
    manners: Manners
    now: float
    nonce: int
    seen: Callable[[MessageWorld, ThreadWorld], None]

    def link(
        self, path: str, params: Iterable[tuple[str, str]], *, fields: str | None, limit: int, cursor: tuple[str, str]
    ) -> str:
        """A paging link in Meta's order: token, pretty, fields, the rest, limit, cursor (contract 3.1)."""
        listed = [("access_token", self.token)] if self.token is not None else []
        if not self.instagram_host:
            listed.append(("pretty", "0"))
        if fields:
            listed.append(("fields", fields))
        listed += [*params, ("limit", str(limit)), cursor]
        return wire.link_to(self.manners.next_host or self.base_url, self.version, path, listed)


def chosen(item: dict[str, Any], inside: tuple[FieldAsk, ...] | None) -> dict[str, Any]:
    """The members of *item* that were asked, `id` last where it was not; all of them where nothing was."""
    if inside is None:
        return item
    picked = {ask.key: item[ask.name] for ask in inside if ask.name in item}
    if "id" in item:
        picked.setdefault("id", item["id"])
    return picked


def chosen_each(items: Iterable[dict[str, Any]], ask: FieldAsk) -> dict[str, Any]:
    """`{data: […]}` of an edge without paging; accepts `to{id}` and `to{data{id}}` alike (contract 6.3)."""
    inside = ask.inside
    if inside and inside[0].name == "data":
        inside = inside[0].inside
    return {"data": [chosen(item, inside) for item in items]}


_R = TypeVar("_R")

# --- threads

_THREAD_DEFAULT = (FieldAsk("id"), FieldAsk("updated_time"))  # contract 1.3
_Renderer = Callable[[ThreadWorld, FieldAsk, View], Any]


def _on_messenger(render: Callable[[ThreadWorld], Any]) -> _Renderer:
    return lambda thread, ask, view: render(thread) if thread.platform is Platform.MESSENGER else None


def _participants(thread: ThreadWorld, ask: FieldAsk, view: View) -> Any:
    return chosen_each(people(thread.participants, thread.platform), ask)


def _senders(thread: ThreadWorld, ask: FieldAsk, view: View) -> Any:
    return _participants(thread, ask, view) if thread.platform is Platform.MESSENGER else None


def _thread_messages(thread: ThreadWorld, ask: FieldAsk, view: View) -> Any:
    if not thread.message_count:
        return None
    window = Window(ask.limit or DEFAULT_LIMIT, ask.after, ask.before)
    return messages_edge(thread, ask.inside, ask.source_text, window, (), view, nested=True)


# Contract 2.1. None: there is no data, the key is left out.
_THREAD_FIELDS: Mapping[str, _Renderer] = {
    "id": lambda thread, ask, view: thread.id,
    "updated_time": lambda thread, ask, view: thread.updated_time_wire,
    "link": _on_messenger(lambda thread: thread.link),
    "snippet": _on_messenger(lambda thread: thread.snippet),
    "message_count": lambda thread, ask, view: thread.message_count,
    "unread_count": lambda thread, ask, view: thread.unread_count,
    "participants": _participants,
    "senders": _senders,
    "former_participants": _on_messenger(lambda thread: {"data": []}),
    "can_reply": _on_messenger(lambda thread: True),
    "is_subscribed": _on_messenger(lambda thread: True),
    "scoped_thread_key": _on_messenger(lambda thread: thread.id),
    "folder": _on_messenger(lambda thread: thread.folder),
    "messages": _thread_messages,
    **dict.fromkeys(
        ("is_owner", "name", "wallpaper", "linked_group", "subject", "tags"), lambda thread, ask, view: None
    ),
}


def thread_nodes(threads: Iterable[ThreadWorld], asks: tuple[FieldAsk, ...] | None, view: View) -> list[dict[str, Any]]:
    """Threads with the fields asked; raises `Refused` for a field that does not exist here."""
    renderers = _renderers(asks or _THREAD_DEFAULT, _THREAD_FIELDS, "UnifiedThread", _refused_fields(view))
    nodes = []
    for thread in threads:
        node = {}
        for ask, render in renderers:
            value = render(thread, ask, view)
            if value is not None:
                node[ask.key] = value
        if "id" not in node:
            node["id"] = thread.id
        nodes.append(node)
    return nodes


def _refused_fields(view: View) -> frozenset[str]:
    refused = view.manners.refused_fields
    return refused | _REFUSED_BY_INSTAGRAM_LOGIN if view.instagram_host else refused


def _renderers(
    asks: Iterable[FieldAsk], known: Mapping[str, _R], node: str, refused: frozenset[str]
) -> list[tuple[FieldAsk, _R]]:
    renderers = []
    for ask in asks:
        render = known.get(ask.name)
        if render is None or ask.name in refused:
            raise Refused(FIELD_UNKNOWN.with_words(field=ask.name, node=node))
        renderers.append((ask, render))
    return renderers


# --- messages

_MESSAGE_DEFAULT = (FieldAsk("id"), FieldAsk("created_time"))  # contract 2.2
_MEDIA = "https://scontent.example.invalid"


def _from(message: MessageWorld, ask: FieldAsk, view: View) -> Any:
    return chosen(people((message.sender,), view.platform)[0], ask.inside)


def _to(message: MessageWorld, ask: FieldAsk, view: View) -> Any:
    return chosen_each(people((message.recipient,), view.platform), ask)


def _image(message: MessageWorld) -> dict[str, Any]:
    url = f"{_MEDIA}/v/t1/{message.item}_n.jpg?oe=6A0C5B2F"
    return {"width": 720, "height": 960, "max_width": 720, "max_height": 960, "url": url, "preview_url": url,
            "image_type": 1, "render_as_sticker": False}  # fmt: skip


def _attachment(message: MessageWorld) -> dict[str, Any] | None:
    number, kind = message.item[-16:], message.kind
    if kind == "image":
        return {
            "id": number,
            "mime_type": "image/jpeg",
            "name": f"image-{number}",
            "size": 92_144,
            "image_data": _image(message),
        }
    if kind == "video":
        video = {"width": 400, "height": 224, "length": 12, "video_type": 1, "url": f"{_MEDIA}/v/{number}.mp4",
                 "preview_url": f"{_MEDIA}/v/{number}.jpg", "rotation": 0}  # fmt: skip
        both = {"image_data": {"width": 400, "height": 224}, "video_data": video}
        return {"id": number, "mime_type": "video/mp4", "name": f"video-{number}.mp4", "size": None, **both}
    if kind == "file":
        return {
            "id": number,
            "mime_type": "application/pdf",
            "name": "menu.pdf",
            "size": 5_120,
            "file_url": f"{_MEDIA}/{number}",
        }
    if kind == "template":
        button = {"title": "Look", "type": "web_url", "url": "https://example.com/"}
        shown = {"title": "Our menu", "subtitle": "Fresh today", "media_url": f"{_MEDIA}/{number}.png", "cta": button}
        return {"id": number, "generic_template": shown}
    return None


def _share(message: MessageWorld) -> dict[str, Any] | None:
    if message.kind != "share":
        return None
    return {
        "link": f"https://example.com/p/{message.item[-8:]}",
        "name": "",
        "description": None,
        "id": message.item[-16:],
    }


def _small_edge(
    edge: str, item: Callable[[MessageWorld], dict[str, Any] | None]
) -> Callable[[MessageWorld, FieldAsk, View], Any]:
    def render(message: MessageWorld, ask: FieldAsk, view: View) -> Any:
        only = item(message)
        if only is None:
            return None
        # Cursors are indexes, and `next` is there behind the single item: it leads to an empty page (contract 3.1).
        cursor = wire.index_cursor(0)
        link = view.link(
            f"{message.id}/{edge}",
            (),
            fields=ask.source_text,
            limit=ask.limit or DEFAULT_LIMIT,
            cursor=("after", cursor),
        )
        return {**chosen_each([only], ask), "paging": {"cursors": {"before": cursor, "after": cursor}, "next": link}}

    return render


def _tags(message: MessageWorld, ask: FieldAsk, view: View) -> Any:
    if view.platform is Platform.INSTAGRAM:
        return None
    source = "source:web" if message.sender.id == view.page.id else "source:mobile"
    return {"data": [{"name": name} for name in ("inbox", "read", source)]}


def _reactions(message: MessageWorld, ask: FieldAsk, view: View) -> Any:
    if message.kind != "reaction":
        return None
    person = people((message.recipient,), Platform.INSTAGRAM)
    return {"data": [{"reaction": "❤", "users": person}]}


def _story(message: MessageWorld, ask: FieldAsk, view: View) -> Any:
    if message.kind != "story" or view.platform is Platform.MESSENGER:
        return None
    return {"mention": {"link": f"{_MEDIA}/s/{message.item}", "id": message.item[-17:]}}


def _reply_to(message: MessageWorld, ask: FieldAsk, view: View) -> Any:
    return {"mid": message.id[:-4], "is_self_reply": False} if message.kind == "reply" else None


def _unsupported(message: MessageWorld, ask: FieldAsk, view: View) -> Any:
    # On every message of Instagram Login, `false` included; else only where it is true (contract 8.7).
    return message.kind == "unsupported" if view.instagram_host or message.kind == "unsupported" else None


_MessageRenderer = Callable[[MessageWorld, FieldAsk, View], Any]

# Contract 2.2.
_MESSAGE_FIELDS: Mapping[str, _MessageRenderer] = {
    "id": lambda message, ask, view: message.id,
    "created_time": lambda message, ask, view: wire.wire_time(message.created_time),
    "from": _from,
    "to": _to,
    "message": lambda message, ask, view: message.text,
    "sticker": lambda message, ask, view: (
        f"{_MEDIA}/stickers/{message.item[-9:]}.png" if message.kind == "sticker" else None
    ),
    "tags": _tags,
    "attachments": _small_edge("attachments", _attachment),
    "shares": _small_edge("shares", _share),
    "reactions": _reactions,
    "story": _story,
    "reply_to": _reply_to,
    "is_unsupported": _unsupported,
    **dict.fromkeys(("subject", "updated_time", "unread", "unseen", "thread_id"), lambda message, ask, view: None),
}
_BEYOND_WINDOW = frozenset({"id", "created_time"})


def message_nodes(
    thread: ThreadWorld, places: Iterable[int], asks: tuple[FieldAsk, ...] | None, view: View
) -> Iterator[dict[str, Any]]:
    """Messages of a thread by their place, newest 0; Instagram gives ids only beyond its window (contract 1.6)."""
    renderers = _renderers(asks or _MESSAGE_DEFAULT, _MESSAGE_FIELDS, "Message", frozenset())
    if asks is None and (view.instagram_host or view.platform is Platform.INSTAGRAM):
        renderers.append((FieldAsk("is_unsupported"), _unsupported))  # contract 2.2
    messages, window = thread.messages, detail_window(thread, view.manners)
    for place in places:
        message, node = messages[place], {}
        view.seen(message, thread)
        for ask, render in renderers:
            if place < window or ask.name in _BEYOND_WINDOW:
                value = render(message, ask, view)
                if value is not None:
                    node[ask.key] = value
        node.setdefault("id", message.id)
        yield node


def detail_window(thread: ThreadWorld, manners: Manners) -> float:
    """How many of the newest messages have details."""
    if thread.platform is Platform.MESSENGER or manners.detail_window is None:
        return float("inf")
    return manners.detail_window


@attrs.frozen
class Window:
    """Which part of a list is asked."""

    limit: int = DEFAULT_LIMIT
    after: str | None = None
    before: str | None = None


def messages_edge(
    thread: ThreadWorld,
    asks: tuple[FieldAsk, ...] | None,
    fields: str | None,
    window: Window,
    params: Iterable[tuple[str, str]],
    view: View,
    *,
    nested: bool = False,
) -> dict[str, Any]:
    """A thread's messages, newest first, with paging; nested in a thread or as the edge itself."""
    count = thread.message_count
    start, end = _message_span(thread, window)
    data = list(message_nodes(thread, range(start, end), asks, view))
    if not data:
        return {"data": []}
    first, last = (_message_cursor(thread, place, view) for place in (start, end - 1))
    after_only = (
        thread.platform is Platform.INSTAGRAM if view.manners.cursors is None else view.manners.cursors == "after"
    )
    cursors = {"after": last} if after_only else {"before": first, "after": last}
    paging: dict[str, Any] = {"cursors": cursors}
    if end < count or (nested and view.manners.dead_nested_next):
        paging["next"] = view.link(
            f"{thread.id}/messages", params, fields=fields, limit=window.limit, cursor=("after", last)
        )
    if start > 0 and not after_only:
        paging["previous"] = view.link(
            f"{thread.id}/messages", params, fields=fields, limit=window.limit, cursor=("before", first)
        )
    return {"data": data, "paging": paging}


def _message_span(thread: ThreadWorld, window: Window) -> tuple[int, int]:
    count = thread.message_count
    if window.after:
        start = _message_place(thread, window.after) + 1
        return start, min(count, start + window.limit)
    if window.before:
        end = _message_place(thread, window.before)
        return max(0, end - window.limit), end
    return 0, min(count, window.limit)


def _message_place(thread: ThreadWorld, cursor: str) -> int:
    try:
        if thread.platform is Platform.INSTAGRAM:
            item = wire.read_item_cursor(cursor)
            return next(place for place, message in enumerate(thread.messages) if message.item == item)
        named = wire.read_cursor(cursor).item_id
        return next(place for place, message in enumerate(thread.messages) if message.id == named)
    except (wire.CursorUnreadable, StopIteration) as problem:
        raise Refused(CURSOR_WRONG) from problem


def _message_cursor(thread: ThreadWorld, place: int, view: View) -> str:
    message = thread.messages[place]
    if thread.platform is Platform.INSTAGRAM:
        return wire.write_item_cursor(message.item)
    return wire.write_cursor(Place(thread.id, message.id, 0, place), view.nonce)


# --- Pages


def _page_fields(page: PageWorld) -> dict[str, Any]:
    linked = {"id": page.instagram_id} if page.instagram_id else None
    return {
        "id": page.id,
        "name": page.name,
        "access_token": page.token,
        "category": "Restaurant",
        "category_list": [{"id": "273819889375819", "name": "Restaurant"}],
        "tasks": list(page.tasks),
        "username": page.username,
        "instagram_business_account": linked,
        "connected_instagram_account": linked,
    }


_PAGE_DEFAULT = (FieldAsk("name"), FieldAsk("id"))
# Contract 6.9, in the order of the captured answer.
ACCOUNT_DEFAULT = tuple(FieldAsk(name) for name in ("access_token", "category", "category_list", "name", "id", "tasks"))
_ACCOUNT_ONLY = frozenset({"tasks"})


def page_node(
    page: PageWorld,
    asks: tuple[FieldAsk, ...] | None,
    edges: Mapping[str, Callable[[FieldAsk], Any]],
    *,
    account: bool = False,
) -> dict[str, Any]:
    """A Page with the fields asked; *edges* render what is a list of its own."""
    fields = _page_fields(page)
    node: dict[str, Any] = {}
    for ask in asks or (ACCOUNT_DEFAULT if account else _PAGE_DEFAULT):
        if ask.name in edges:
            node[ask.key] = edges[ask.name](ask)
        elif ask.name not in fields or (ask.name in _ACCOUNT_ONLY and not account):
            raise Refused(FIELD_UNKNOWN.with_words(field=ask.name, node="Page"))
        elif fields[ask.name] is not None:
            value = fields[ask.name]
            node[ask.key] = chosen(value, ask.inside) if isinstance(value, dict) else value
    node.setdefault("id", page.id)
    return node


def account_node(page: PageWorld, asks: tuple[FieldAsk, ...] | None) -> dict[str, Any]:
    """The Instagram account on graph.instagram.com: `id` is app-scoped, `user_id` the account's own (contract 6.9)."""
    fields = {
        "id": f"99{(page.instagram_id or '')[5:]}",
        "user_id": page.instagram_id,
        "username": page.username,
        "name": page.name,
        "account_type": "BUSINESS",
    }
    node = {}
    for ask in asks or (FieldAsk("id"),):
        if ask.name not in fields:
            raise Refused(FIELD_UNKNOWN.with_words(field=ask.name, node="IGUser"))
        node[ask.key] = fields[ask.name]
    node.setdefault("id", fields["id"])
    return node


def small_edge_page(message: MessageWorld, edge: str, after: str | None) -> dict[str, Any]:
    """`/{message}/attachments` or `/shares`: the single item, and nothing behind it (contract 3.1)."""
    render = {"attachments": _attachment, "shares": _share}.get(edge)
    if render is None:
        raise Refused(OBJECT_GONE.with_words(id=edge))
    item = render(message)
    if item is None or after:
        return {"data": []}
    cursor = wire.index_cursor(0)
    return {"data": [item], "paging": {"cursors": {"before": cursor, "after": cursor}}}
