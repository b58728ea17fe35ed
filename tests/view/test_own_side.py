"""Whose side of an Instagram Inbox is the account's, which has another id than its Page."""

import pytest

from conversations_async.view.inboxes import InboxRow
from view.filled import OWN_INSTAGRAM

OTHER_ACCOUNT = "17841400000000009"


@pytest.mark.parametrize(
    ("met", "own"),
    [
        ([("7", 1), (OWN_INSTAGRAM, 9), ("8", 1)], OWN_INSTAGRAM),
        ([("7", 3), ("8", 9)], "8"),
        ([("7", 1), (OWN_INSTAGRAM, 1)], OWN_INSTAGRAM),
        ([(OWN_INSTAGRAM, 1), ("7", 1)], OWN_INSTAGRAM),
        ([("7", 2), ("8", 2), ("9", 2)], None),
        ([("7", 2), ("8", 2), (OWN_INSTAGRAM, 2)], OWN_INSTAGRAM),
        ([(OTHER_ACCOUNT, 1), (OWN_INSTAGRAM, 8)], OWN_INSTAGRAM),
        ([("7", 1)], None),
        ([("7", 9), ("1001", 1), ("8", 10)], "1001"),
        ([], None),
    ],
)
def test_the_own_side_is_who_takes_part_in_most_threads(met: list[tuple[str, int]], own: str | None) -> None:
    inbox = InboxRow(0, "1001", "instagram", None, "complete", None, None, None)
    for person_id, threads in met:
        inbox.meet(person_id, threads)
    assert inbox.own_id == own
