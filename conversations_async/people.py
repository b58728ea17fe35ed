"""The people of a thread or message, as views on the answer's own JSON objects."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from conversations_async.readers import Readers, left_over
from conversations_async.views import each, one, readers_of, text_in


@frozen(hash=False)
class Participant:
    """A person or account in a thread: `name` and `email` on Messenger, `username` on Instagram (contract 2.1)."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str | None:
        """Page-scoped id (PSID, IGSID), or the Page's or account's own."""
        value = self.raw.get("id")
        return value if type(value) is str else str(value) if type(value) is int else None

    name = text_in("name")
    username = text_in("username")
    email = text_in("email", "`<id>@facebook.com`, made by Meta; the number may differ from `id`.")
    user_id = text_in("user_id", "The Instagram account id that answers carried until December 2021 (contract 1.7).")

    @property
    def extra(self) -> Mapping[str, Any]:
        """Fields this library does not know, and known ones of an unknown shape."""
        return left_over(self.raw, _READERS)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Participant(id={self.id!r})"


_READERS: Final[Readers] = {
    "id": lambda value: value if type(value) in (str, int) else None,
    **readers_of(Participant),
}

read_person = one(Participant)
read_people = each(Participant)
