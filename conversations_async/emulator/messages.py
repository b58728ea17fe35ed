"""Messages as JSON: the nodes, and the edge that lists a thread's own (contract 2.2, 2.3)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from conversations_async.emulator import wire
from conversations_async.emulator.fields import FieldAsk
from conversations_async.emulator.manners import Manners
from conversations_async.emulator.refusals import CURSOR_WRONG, MESSAGE_DELETED, OBJECT_GONE, Refused
from conversations_async.emulator.threads import MessageWorld, ThreadWorld, people
from conversations_async.emulator.views import DEFAULT_LIMIT, View, chosen, chosen_each, renderers_of
from conversations_async.emulator.wire import Place
from conversations_async.model import Platform

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
    thread: ThreadWorld,
    places: Iterable[int],
    asks: tuple[FieldAsk, ...] | None,
    view: View,
    *,
    listed: bool = False,
) -> Iterator[dict[str, Any]]:
    """Messages of a thread by their place, newest 0; Instagram gives ids only beyond its window (contract 1.6)."""
    renderers = renderers_of(asks or _MESSAGE_DEFAULT, _MESSAGE_FIELDS, "Message", view.manners.refused_fields - {"id"})
    if asks is None and (view.instagram_host or view.platform is Platform.INSTAGRAM):
        renderers.append(("is_unsupported", FieldAsk("is_unsupported"), _unsupported))  # contract 2.2
    messages, window = thread.messages, detail_window(thread, view.manners)
    if listed and thread.platform is Platform.INSTAGRAM and view.manners.messages_unfilled:
        window = 0
    for place in places:
        message, node = messages[place], {}
        view.seen(message, thread)
        for key, ask, render in renderers:
            if place < window or ask.name in _BEYOND_WINDOW:
                value = render(message, ask, view)
                if value is not None:
                    node[key] = value
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
    details = asks is not None and any(ask.name not in _BEYOND_WINDOW for ask in asks)
    if details and view.manners.beyond_window == "refuse" and end > detail_window(thread, view.manners):
        raise Refused(MESSAGE_DELETED)
    data = list(message_nodes(thread, range(start, end), asks, view, listed=True))
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
