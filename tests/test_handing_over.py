"""How answers that come in flocks reach the reader: one thread page at a time, and nobody's next call waits for it."""

import asyncio
import importlib
import sys
from contextlib import aclosing

import orjson
import pytest
from listing import MESSENGER, keys, list_all, pages_of, session_on, tasks_left, truth, turns
from multidict import CIMultiDict

from conversations_async import (
    ConversationSession,
    Event,
    GraphRequest,
    Inbox,
    LimitPolicy,
    Page,
    RawAnswer,
    Secret,
    TokenRejected,
)
from conversations_async.emulator import GraphEmulator, LimitRules, World
from conversations_async.events import ThreadPageRead
from conversations_async.handover import AT_A_TIME

PAGES = [Page(str(number), f"token-of-{number}", platforms=(MESSENGER,)) for number in range(1, 6)]
HAS_UVLOOP = sys.implementation.name == "cpython" and sys.platform != "win32"
QUICK = LimitPolicy(calls_per_second=0)


class Flocks:
    """A transport that answers all calls at the same turn of the loop: two thread pages an Inbox."""

    def __init__(self, *, rejects: str = "") -> None:
        self.asked: list[str] = []
        self._rejects = rejects
        self._gate: asyncio.Future[None] | None = None

    async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
        assert request.inbox is not None
        self.asked.append(request.inbox.page_id)
        loop = asyncio.get_running_loop()
        if self._gate is None or self._gate.done():
            self._gate = loop.create_future()
            loop.call_later(0.05, self._gate.set_result, None)
        await asyncio.shield(self._gate)
        if request.inbox.page_id == self._rejects:
            return RawAnswer(400, {}, orjson.dumps({"error": {"code": 190, "message": "no"}}))
        last = "after=" in request.query
        paging = {"cursors": {"after": "a"}} | ({} if last else {"next": "https://graph.facebook.com/"})
        answer = {"data": [{"id": f"t_{request.inbox.page_id}_{last}"}], "paging": paging}
        return RawAnswer(200, {}, orjson.dumps(answer), sent_at=loop.time(), received_at=loop.time())


@pytest.mark.looptime
async def test_a_reader_that_waits_reads_answers_one_by_one() -> None:
    seen: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, ThreadPageRead):
            seen.append(f"read {event.inbox.page_id}")

    async with ConversationSession(transport=Flocks(), limits=QUICK, on_event=hear) as session:
        async for thread in session.threads(PAGES, settle=False):
            seen.append(f"take {thread.page_id}")  # noqa: PERF401  # in between stands what was heard
    assert len(seen) == 20
    assert [what.split()[0] for what in seen] == ["read", "take"] * 10
    assert all(read.split()[1] == take.split()[1] for read, take in zip(seen[::2], seen[1::2], strict=True))


@pytest.mark.looptime
async def test_where_the_reader_does_not_come_back_at_once_nobodys_next_call_waits_for_it() -> None:
    transport, go_on = Flocks(), asyncio.Event()
    async with (
        ConversationSession(transport=transport, limits=QUICK) as session,
        aclosing(session.threads(PAGES, settle=False)) as listing,
    ):
        first = await anext(listing)
        await turns(5)
        assert sorted(transport.asked) == sorted(2 * [page.id for page in PAGES])
        asyncio.get_running_loop().call_later(10, go_on.set)
        await go_on.wait()
        rest = [thread async for thread in listing]
    assert len({*keys([first, *rest])}) == 10


@pytest.mark.looptime
async def test_answers_that_nobody_wants_any_more_give_their_permits_back() -> None:
    async with ConversationSession(transport=Flocks(), limits=LimitPolicy(calls_per_second=1)) as session:
        async with aclosing(session.threads(PAGES, settle=False)) as listing:
            await anext(listing)
        waits = [session.standing(Inbox(page.id, MESSENGER)).next_call_in for page in PAGES]
    # None would be: when the outcome of a call under way is known.
    assert None not in waits
    assert not tasks_left()


@pytest.mark.looptime
async def test_an_error_in_a_flock_fails_its_inbox_alone() -> None:
    async with ConversationSession(transport=Flocks(rejects="3"), limits=QUICK) as session:
        listed, failed = await list_all(session, PAGES, settle=False)
        assert [(inbox.page_id, type(failure.cause)) for inbox, failure in failed.items()] == [("3", TokenRejected)]
        assert not tasks_left()
    assert len({*keys(listed)}) == 8


@pytest.mark.skipif(not HAS_UVLOOP, reason="uvloop is made for CPython on Unix alone")
def test_a_listing_runs_on_uvloop() -> None:
    # Where it should be there and is not, the test fails: an extra that nobody runs is none.
    uvloop = importlib.import_module("uvloop")

    async def run() -> None:
        world = World.seeded(pages=5, threads=(5, 60), seed=3)
        async with GraphEmulator(world, limits=LimitRules.off()) as graph, session_on(graph, limits=QUICK) as session:
            threads, failed = await list_all(session, pages_of(world))
        assert not failed
        assert set(keys(threads)) == truth(world)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
        assert type(runner.get_loop()).__module__.startswith("uvloop")


@pytest.mark.looptime
async def test_the_loop_has_its_turn_while_answers_of_many_inboxes_are_read() -> None:
    """A hundred answers come at once: no more than a flock of them is read before the loop goes on."""
    pages = [Page(str(number), f"token-of-{number}", platforms=(MESSENGER,)) for number in range(1, 101)]
    turn, read_in = 0, []

    def count() -> None:
        nonlocal turn
        turn += 1
        ticking.append(asyncio.get_running_loop().call_soon(count))

    ticking: list[asyncio.Handle] = []
    async with ConversationSession(transport=Flocks(), limits=QUICK) as session:
        async for page in session.thread_pages(pages, settle=False):
            if not page.more:
                if not ticking:
                    count()
                read_in.append(turn)
        ticking[-1].cancel()
    assert len(read_in) == 100
    assert max(map(read_in.count, set(read_in))) <= 2 * AT_A_TIME


def test_a_header_is_found_in_any_case_whoever_folds_it() -> None:
    plain = RawAnswer(200, {"X-App-Usage": "1"}, b"")
    folding = RawAnswer(200, CIMultiDict({"X-App-Usage": "1"}), b"", in_any_case=True)
    for answer in (plain, folding, folding.with_body(b"{}")):
        assert (answer.header("x-app-usage"), answer.header("x-page-usage")) == ("1", None)
    twice = RawAnswer(200, {"X-App-Usage": "1", "x-app-usage": "50"}, b"")
    assert twice.header("x-app-usage") == twice.with_body(b"{}").header("x-app-usage") == "50"


@pytest.mark.looptime
async def test_nul_is_cleaned_from_an_answer_with_the_token_and_from_one_without() -> None:
    """The token and NUL are looked for at once; behind the last answer's `paging` is no link that holds the token."""

    class Spelling:
        async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
            last = "after=" in request.query
            thread = {"id": f"t_{last}", "snippet": "a\0b"}
            link = f"https://graph.facebook.com/?access_token={token.reveal()}"
            paging = {"cursors": {"after": "a"}} | ({} if last else {"next": link})
            return RawAnswer(200, {}, orjson.dumps({"data": [thread], "paging": paging}))

    async with ConversationSession(transport=Spelling(), limits=QUICK) as session:
        threads = [thread async for thread in session.threads(PAGES[:1], settle=False)]
    assert [thread.snippet for thread in threads] == ["a\ufffdb"] * 2


@pytest.mark.looptime
async def test_where_answers_are_far_away_all_that_may_be_asked_is_soon_asked() -> None:
    loop = asyncio.get_running_loop()
    began, asked = loop.time(), list[float]()

    class Far:
        async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
            asked.append(loop.time() - began)
            await asyncio.sleep(0.5)
            return RawAnswer(200, {}, b'{"data":[{"id":"t_1"}]}')

    pages = [Page(str(number), "token-of-many", platforms=(MESSENGER,)) for number in range(1, 601)]
    async with ConversationSession(transport=Far(), connections=400) as session:
        threads, _ = await list_all(session, pages)
    assert len(threads) == 600
    assert len([at for at in asked if at < 0.05]) == 400
