"""What is drawn and told while a listing runs."""

import asyncio
import io

import pytest
from rich.console import Console

from conversations_async import Inbox, Platform, Pool, RateLimited, TokenRejected, WaitTooLong
from conversations_async.cli.progress import Board, State, by_page, drawn, in_short, one_line
from conversations_async.cli.telling import Teller
from conversations_async.events import (
    AskingForLess,
    BoundsRefused,
    CursorLost,
    Eased,
    Event,
    GateOpened,
    InboxEnded,
    InboxStarted,
    ListingDoubted,
    ListingLean,
    LookingForThread,
    Proving,
    Refused,
    Retrying,
    Settling,
    ThreadPageRead,
    ThreadUnavailable,
    Unproven,
    Unsettled,
    Waiting,
)

MESSENGER = Inbox("1001", Platform.MESSENGER)
INSTAGRAM = Inbox("1001", Platform.INSTAGRAM)
POOL = Pool("messenger", "1001")
REJECTED = TokenRejected("expired", 190, 463, inbox=MESSENGER)


def board_of(pages: int) -> Board:
    inboxes = [Inbox(str(1001 + page), platform) for page in range(pages) for platform in Platform]
    return Board.of(inboxes, clock=lambda: 100.0)


def picture_of(board: Board, width: int, height: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    with console.capture() as captured:
        console.print(by_page(board, console))
    return captured.get().splitlines()


@pytest.mark.parametrize(
    ("events", "state", "threads", "outcome"),
    [
        ([], State.TO_COME, 0, "to come"),
        ([InboxStarted(MESSENGER)], State.READING, 0, "reading"),
        ([ThreadPageRead(MESSENGER, 5, True, False)] * 2, State.READING, 10, "reading"),
        ([ThreadPageRead(MESSENGER, 5, True, False), Settling(MESSENGER)], State.SETTLING, 5, "settling"),
        ([Waiting(MESSENGER, POOL, 9.0)], State.WAITING, 0, "waiting"),
        ([Retrying(MESSENGER, REJECTED, 1, 9.0)], State.WAITING, 0, "waiting"),
        ([InboxEnded(MESSENGER, 7, 2, 0.5, None)], State.COMPLETE, 7, "complete"),
        (
            [InboxEnded(MESSENGER, 0, 1, 0.0, REJECTED)],
            State.FAILED,
            0,
            "token rejected (code 190, subcode 463: expired)",
        ),
    ],
)
def test_the_board_follows_the_events(events: list[Event], state: State, threads: int, outcome: str) -> None:
    board = board_of(1)
    for event in events:
        board.feed(event)
    row = board.rows[MESSENGER]
    assert (row.state, row.threads, row.outcome) == (state, threads, outcome)
    assert board.rows[INSTAGRAM].state is State.TO_COME


def test_an_event_of_an_unknown_inbox_changes_nothing() -> None:
    board = board_of(1)
    board.feed(InboxStarted(Inbox("7", Platform.MESSENGER)))
    board.feed(Refused(None, POOL, 4, 9.0, stated=True))
    assert board.count(State.TO_COME) == 2


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (40, 10)])
def test_the_picture_fits_the_terminal_however_many_pages(width: int, height: int) -> None:
    board = board_of(100)
    for inbox in board.rows:
        board.feed(ThreadPageRead(inbox, 100, True, False))
    board.feed(InboxEnded(MESSENGER, 0, 1, 0.0, REJECTED))
    lines = picture_of(board, width, height)
    assert len(lines) < height
    assert len(lines) <= 23
    assert all(len(line) <= width for line in lines)
    assert "1 of 200 Inboxes done" in lines[-1]


def test_pages_that_are_done_give_way_to_those_under_way() -> None:
    board = board_of(30)
    for inbox in list(board.rows)[:40]:
        board.feed(InboxEnded(inbox, 1, 1, 0.0, None))
    text = "\n".join(picture_of(board, 80, 24))
    assert "1030" in text
    assert "1001" not in text
    assert "and 10 more Pages" in text


def test_a_refused_inbox_shows_how_long_it_waits_and_why() -> None:
    board = board_of(1)
    board.feed(Refused(MESSENGER, POOL, 80006, 60.0, stated=True))
    board.feed(Waiting(MESSENGER, POOL, 60.0))
    text = picture_of(board, 80, 24)[1]
    assert "waiting 60 s (80006)" in text


def test_one_line_sums_everything_up() -> None:
    board = board_of(2)
    board.feed(ThreadPageRead(MESSENGER, 1200, True, False))
    board.feed(InboxEnded(INSTAGRAM, 0, 1, 0.0, REJECTED))
    console = Console(width=80)
    with console.capture() as captured:
        console.print(one_line(board, console))
    assert "1 of 4 Inboxes done · 1,200 threads · 1 failed · 0 s" in captured.get()


def test_an_error_in_short_says_what_happened_and_nothing_of_metas_words() -> None:
    assert in_short(REJECTED) == "token rejected (code 190, subcode 463: expired)"
    assert in_short(WaitTooLong(5.0)) == "wait too long"


async def test_drawing_stops_with_its_body() -> None:
    before = asyncio.all_tasks()
    async with drawn(board_of(1), one_line):
        await asyncio.sleep(0)
        assert asyncio.all_tasks() != before
    assert asyncio.all_tasks() == before


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_long_wait_is_said_once_for_all_and_again_when_it_grows(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    teller = Teller(clock=clock)
    teller.hear(Refused(MESSENGER, POOL, 80006, 60.0, stated=True))
    for _ in range(9):
        teller.hear(Waiting(MESSENGER, POOL, 60.0))
        teller.hear(Waiting(INSTAGRAM, POOL, 60.0))
    clock.now = 60.0
    teller.hear(Refused(MESSENGER, POOL, 80006, 120.0, stated=False))
    teller.hear(GateOpened(POOL))
    teller.hear(Waiting(MESSENGER, POOL, 0.4))
    teller.hear(Waiting(MESSENGER, Pool("host"), float("inf")))
    teller.hear(Waiting(MESSENGER, Pool("host"), 4.0))
    assert capsys.readouterr().err.splitlines() == [
        "Page 1001 on messenger: rate limited (code 80006); waiting 60 s, says Meta",
        "Page 1001 on messenger: rate limited (code 80006); waiting 120 s, Meta does not say how long",
        "Page 1001 on messenger: waiting 4 s for Graph, which does not answer",
    ]


def test_retries_are_said_once_for_an_inbox(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller()
    error = RateLimited("no", 613, inbox=MESSENGER)
    for seconds in (0.5, 2.0, 4.0):
        teller.hear(Retrying(MESSENGER, error, 1, seconds))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_quiet_tells_failures_alone_and_verbose_tells_all(capsys: pytest.CaptureFixture[str]) -> None:
    events: list[Event] = [
        Refused(MESSENGER, POOL, 613, 60.0, stated=True),
        AskingForLess(MESSENGER, 50),
        Eased(POOL, 80.0, 5.0),
        Settling(MESSENGER),
        InboxEnded(INSTAGRAM, 5, 1, 0.0, None),
        InboxEnded(MESSENGER, 0, 1, 0.0, REJECTED),
        InboxEnded(MESSENGER, 0, 1, 0.0, REJECTED),
    ]
    for teller, count in ((Teller(quiet=True), 1), (Teller(), 2), (Teller(verbose=True), 6)):
        for event in events:
            teller.hear(event)
        assert len(capsys.readouterr().err.splitlines()) == count


WALKS: list[tuple[Event, str, bool]] = [
    (ThreadUnavailable(MESSENGER, "t_1"), "lists and cannot show", True),
    (Unsettled(MESSENGER), "never rested", True),
    (Unproven(MESSENGER), "no thread slipped by", False),
    (ListingLean(MESSENGER), "listing ids", False),
    (LookingForThread(MESSENGER, 12), "in parts, 12 threads", False),
    (CursorLost(MESSENGER, from_head=True), "going on from the head", False),
    (CursorLost(MESSENGER, from_head=False), "the one before", False),
    (Proving(MESSENGER), "listing ids once more", False),
    (BoundsRefused(MESSENGER, ignored=True), "ignores the bounds", False),
    (ListingDoubted(MESSENGER), "whether Graph is down", False),
]


@pytest.mark.parametrize(("event", "words", "always"), WALKS, ids=lambda value: type(value).__name__)
def test_what_a_walk_meets_is_a_sentence(
    event: Event, words: str, always: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    for teller, said in ((Teller(), always), (Teller(verbose=True), True), (Teller(quiet=True), False)):
        teller.hear(event)
        told = capsys.readouterr().err
        assert (words in told) is said
        assert "t_1" not in told
