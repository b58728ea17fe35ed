"""What is asked of each Inbox."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from attrs import field, frozen
from attrs.validators import optional

from conversations_async.expansion import (
    INSTAGRAM_MESSAGE_FIELDS,
    MESSAGE_FIELDS,
    Asked,
    Field,
    messages,
    read_fields,
    text_of,
)
from conversations_async.pages import Platform, check_aware, check_digits
from conversations_async.values import Value

DEFAULT_FIELDS: Final = (
    "id",
    "updated_time",
    "link",
    "snippet",
    "message_count",
    "unread_count",
    "can_reply",
    "participants",
)
INSTAGRAM_FIELDS: Final = ("id", "updated_time", "participants")
FOLDERS: Final = ("inbox", "other", "page_done", "spam")
"""Values of the edge's `folder` parameter (contract 1.1)."""


def _fields(value: Asked) -> str:
    """Meta's own text for field expansion; `id` and `updated_time` are always asked: the walk needs them."""
    text = text_of(value)
    # Under another name the answer would not tell them where the walk looks.
    names = {each.name for each in read_fields(text) if each.told_as == each.name}
    missing = [name for name in ("id", "updated_time") if name not in names]
    return ",".join([*missing, text] if text else missing)


def _folder(_query: object, _attribute: Any, value: str | None) -> None:
    if value is not None and value not in (*FOLDERS, "all"):
        raise ValueError(f"folder is one of {', '.join(FOLDERS)} and all, not {value!r}")


def _folders(value: str | Iterable[str] | None) -> tuple[str, ...] | None:
    if value is None or value == "all":
        return None if value is None else FOLDERS
    return tuple(dict.fromkeys([value] if isinstance(value, str) else value))


def _folders_are_known(query: "ThreadQuery", _attribute: Any, value: tuple[str, ...] | None) -> None:
    if value is None:
        return
    if query.folder is not None:
        raise ValueError("give folder or folders, not both")
    if not value or not set(value) <= set(FOLDERS):
        raise ValueError(f"folders is 'all', or some of {', '.join(FOLDERS)}")


def _natural(_query: object, attribute: Any, value: int) -> None:
    if type(value) is not int or value < 0:
        raise ValueError(f"{attribute.name} is a whole number from 0 up, not {value!r}")


def _positive(_query: object, attribute: Any, value: int | None) -> None:
    if value is not None and (type(value) is not int or value < 1):
        raise ValueError(f"{attribute.name} is a whole number from 1 up, not {value!r}")


def _not_on_this_edge(_query: object, attribute: Any, value: object) -> None:
    if value is not None:
        raise ValueError(
            f"`{attribute.name}` does not exist on this edge: Meta offers no paging by time here. "
            "List newest first and stop where you have enough."
        )


def _tags(value: "str | tuple[str, ...] | list[str] | None") -> tuple[str, ...] | None:
    return (value,) if isinstance(value, str) else None if value is None else tuple(value)


def _moment_of(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


@frozen(eq=False, repr=False)
class ThreadQuery(Value):
    """What to ask of each Inbox. `threads_per_call=None`: 100 on Messenger, 25 on Instagram (contract 5.3, 9).

    `fields` is Meta's own text or `fields(…)`. `messages=N` brings the newest N messages of each thread along.
    `folder="all"` and `folders="all"` list all of Messenger's folders, one after the other, each thread once.
    `updated_since` ends the listing at what is older and yields nothing that is; it works everywhere. Meta's own
    bounds `updated_after_ms` and `updated_before_ms` (UNIX milliseconds) stand in no reference page: they are sent as
    given, and where Meta refuses or ignores them the same is done on our side (contract 10).
    """

    folder: str | None = field(default=None, validator=_folder)
    user_id: str | None = field(default=None, validator=optional(check_digits))
    tags: tuple[str, ...] | None = field(default=None, converter=_tags)
    fields: str = field(default=",".join(DEFAULT_FIELDS), converter=_fields)
    messages: int = field(default=0, validator=_natural)
    threads_per_call: int | None = field(default=None, validator=_positive)
    folders: tuple[str, ...] | None = field(
        default=None, kw_only=True, converter=_folders, validator=_folders_are_known
    )
    updated_since: datetime | None = field(default=None, kw_only=True, validator=check_aware)
    updated_after_ms: int | None = field(default=None, kw_only=True, validator=_positive)
    updated_before_ms: int | None = field(default=None, kw_only=True, validator=_positive)
    since: None = field(default=None, kw_only=True, repr=False, validator=_not_on_this_edge)
    until: None = field(default=None, kw_only=True, repr=False, validator=_not_on_this_edge)

    @property
    def not_older_than(self) -> datetime | None:
        """The later of the two lower bounds."""
        bounds = [self.updated_since, _moment_of(self.updated_after_ms)]
        return max((bound for bound in bounds if bound is not None), default=None)

    @property
    def not_newer_than(self) -> datetime | None:
        return _moment_of(self.updated_before_ms)

    def fields_on(self, platform: Platform) -> str:
        """The fields to ask there: the default asks of Instagram only what its reference page lists (contract 2.1)."""
        if platform is Platform.INSTAGRAM:
            return _fields(INSTAGRAM_FIELDS) if self.fields == _ALL_DEFAULT_FIELDS else self.fields
        # Instagram's listings fail with nested messages first (contract 5.3): there each thread is asked by itself.
        return f"{self.fields},{self.messages_on(platform)}" if self.asks_messages else self.fields

    @property
    def asks_messages(self) -> bool:
        """Whether `messages` adds to the fields; a text that asks for messages itself stands as it is."""
        return self.messages > 0 and all(each.told_as != "messages" for each in read_fields(self.fields))

    def messages_on(self, platform: Platform) -> Field:
        """The newest messages of a thread as a field to ask there."""
        instagram = platform is Platform.INSTAGRAM
        return messages(INSTAGRAM_MESSAGE_FIELDS if instagram else MESSAGE_FIELDS, limit=self.messages)

    def folders_on(self, platform: Platform) -> tuple[str | None, ...]:
        """The listings to walk there, by the name of their folder; None for the default one."""
        several = FOLDERS if self.folder == "all" else self.folders
        if several is None:
            return (self.folder,)
        # What folders mean on Instagram is documented nowhere (contract 1.1): its default listing stands for all.
        return several if platform is Platform.MESSENGER else (None,)

    def threads_per_call_on(self, platform: Platform) -> int:
        """How many threads one call asks for at first; `TooMuchAsked` lowers it."""
        return self.threads_per_call or (100 if platform is Platform.MESSENGER else 25)


_ALL_DEFAULT_FIELDS: Final = _fields(DEFAULT_FIELDS)
