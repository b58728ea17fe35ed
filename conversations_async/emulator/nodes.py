"""Threads, messages and Pages as JSON, field by field as asked.

Keys come in the order of the caller's list, `id` last where it was not listed (contract 1.3).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from conversations_async.emulator.fields import FieldAsk
from conversations_async.emulator.messages import Window, messages_edge
from conversations_async.emulator.refusals import FIELD_UNKNOWN, Refused
from conversations_async.emulator.threads import ThreadWorld
from conversations_async.emulator.views import DEFAULT_LIMIT, View, chosen, chosen_each, renderers_of
from conversations_async.emulator.world import PageWorld
from conversations_async.model import Platform

# What makes a call heavy: fields that are edges themselves (contract 5.3).
NESTED = frozenset({"participants", "senders", "former_participants", "messages"})

# On graph.instagram.com these are error 100 (contract 10; a recorded answer of v25).
_REFUSED_BY_INSTAGRAM_LOGIN = frozenset({"unread_count", "message_count"})


# --- threads

_THREAD_DEFAULT = (FieldAsk("id"), FieldAsk("updated_time"))  # contract 1.3
_Renderer = Callable[[ThreadWorld, FieldAsk, View], Any]


def _on_messenger(render: Callable[[ThreadWorld], Any]) -> _Renderer:
    return lambda thread, ask, view: render(thread) if thread.platform is Platform.MESSENGER else None


def _participants(thread: ThreadWorld, ask: FieldAsk, view: View) -> Any:
    return chosen_each(thread.participants_wire, ask)


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
    renderers = renderers_of(asks or _THREAD_DEFAULT, _THREAD_FIELDS, "UnifiedThread", _refused_fields(view))
    nodes = []
    for thread in threads:
        node = {}
        for key, ask, render in renderers:
            value = render(thread, ask, view)
            if value is not None:
                node[key] = value
        if "id" not in node:
            node["id"] = thread.id
        nodes.append(node)
    return nodes


def _refused_fields(view: View) -> frozenset[str]:
    refused = view.manners.refused_fields
    return refused | _REFUSED_BY_INSTAGRAM_LOGIN if view.instagram_host else refused


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
