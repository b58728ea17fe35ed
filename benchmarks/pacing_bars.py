"""The bars of the pace, each a scenario: on the bare rule, or on the whole library in virtual time."""

import asyncio
import inspect
import random
import time
from collections.abc import Callable, Iterable
from typing import Final
from unittest.mock import patch

from attrs import frozen

from benchmarks.pacing_rule import TABLE, WINDOWS, Contender, Network, Walk, Ways, run, strict_refusals
from benchmarks.virtual import (
    Call,
    InProcessGraph,
    Listing,
    Reply,
    Side,
    VirtualLoop,
    list_virtually,
    rejects_nothing,
    run_virtually,
)
from conversations_async import ConversationSession, Inbox, LimitPolicy, Page, Platform
from conversations_async.events import GateOpened, Refused
from conversations_async.throttle import Throttle

USUAL = TABLE[1]


@frozen
class Bar:
    """What was to be reached, by which formula, and what was reached."""

    name: str
    formula: str
    figure: str
    met: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.figure} — {'met' if self.met else 'MISSED'} ({self.formula})"


def graph_of(
    jobs: dict[Inbox, int],
    network: Network,
    seed: int,
    *,
    window: str = "rolling",
    manners: Callable[[Inbox, float], Reply | None] = rejects_nothing,
) -> InProcessGraph:
    """A server with so many calls for each Inbox, whose network is the same whoever else is listed."""
    return InProcessGraph({inbox: side(inbox, calls, network, seed, window) for inbox, calls in jobs.items()}, manners)


def side(inbox: Inbox, calls: int, network: Network, seed: int, window: str = "rolling") -> Side:
    name = f"{seed}/{inbox}"
    return Side(calls, network.ways(name), WINDOWS[window](random.Random(name).random()))


def bare(contender: Contender, network: Network, its: Side) -> float:
    """Seconds that the rule alone takes where the library has this server's side of an Inbox."""
    walk = Walk(contender.rules(network)(), its.ways, its.window, its.calls, contender.ours, random.Random(0))
    run([walk])
    return walk.finished


def many(pages: int, most: int, seed: int) -> dict[Inbox, int]:
    """Pages on both platforms with 1 to so many calls each."""
    chance = random.Random(seed)
    return {
        Inbox(str(1000 + page), platform): chance.randint(1, most) for page in range(pages) for platform in Platform
    }


def lone(pages: int, calls: int) -> dict[Inbox, int]:
    """Pages on Messenger alone with so many calls each."""
    return {Inbox(str(1000 + page), Platform.MESSENGER): calls for page in range(pages)}


# -- the rule ----------------------------------------------------------------------------------------------------------


def strict(size: float, seed: int) -> list[Bar]:
    refused, calls = strict_refusals(max(int(1_000_000 * size), 1000), seed)
    return [Bar("strict", "refusals = 0 over all models, networks, overlaps", f"{refused} of {calls:,}", refused == 0)]


def refusals(size: float, seed: int) -> list[Bar]:
    """Forced refusals cost a pause each, and no thread."""
    calls, policy = max(int(400 * size), 40), LimitPolicy(strict=True)
    jobs = lone(8, calls)
    chance = random.Random(seed)
    forced: list[float] = []

    def manners(_inbox: Inbox, now: float) -> Reply | None:
        if chance.random() >= 0.02:
            return None
        forced.append(now)
        return 400, {}, b'{"error":{"message":"(#613) Calls to this api have exceeded the rate limit.","code":613}}'

    calm = list_virtually(graph_of(jobs, USUAL, seed), limits=policy, seed=seed)
    graph = graph_of(jobs, USUAL, seed, manners=manners)
    hit = list_virtually(graph, limits=policy, keep=[Refused], seed=seed)
    pauses: dict[Inbox, float] = dict.fromkeys(jobs, 0.0)
    for event in hit.events:
        assert isinstance(event, Refused)
        assert event.inbox is not None
        pauses[event.inbox] += event.seconds
    per_pause = sum(hit.last.values()) - sum(calm.last.values())
    share = per_pause / sum(pauses.values())
    return [
        Bar(
            "a refusal never costs a thread",
            "threads listed = threads there",
            f"{hit.threads:,} of {graph.wanted:,} with {len(forced)} forced refusals",
            hit.threads == graph.wanted and not hit.failed and len(forced) > 0,
        ),
        Bar(
            "a refusal costs one pause",
            "one pause a refusal; time lost / sum of pauses <= 1.05",
            f"{len(hit.events)} pauses, {share:.3f}",
            len(hit.events) == len(forced) and share <= 1.05,
        ),
    ]


# -- many Inboxes ------------------------------------------------------------------------------------------------------


DEFAULT_CONNECTIONS: Final = inspect.signature(ConversationSession).parameters["connections"].default


def fan_out(size: float, seed: int, networks: Iterable[Network] = TABLE) -> list[Bar]:
    """Nobody is slower for the company of others."""
    jobs = many(max(int(500 * size), 10), 40, seed)
    bars = []
    for network in networks:
        default, strict_share = (
            _company(jobs, network, seed, policy, DEFAULT_CONNECTIONS)
            for policy in (LimitPolicy(), LimitPolicy(strict=True))
        )
        bars.append(
            Bar(
                f"{len(jobs)} Inboxes at {network.name}",
                "total time / the slowest Inbox's alone <= 1.03",
                f"default {default:.3f}, strict {strict_share:.3f}, with {DEFAULT_CONNECTIONS} connections",
                max(default, strict_share) <= 1.03,
            )
        )
    return bars


def _company(jobs: dict[Inbox, int], network: Network, seed: int, policy: LimitPolicy, connections: int) -> float:
    """The total time as a share of the slowest Inbox's alone."""
    together = list_virtually(graph_of(jobs, network, seed), limits=policy, connections=connections, seed=seed)
    slowest = max(together.last, key=together.last.__getitem__)
    alone = list_virtually(graph_of({slowest: jobs[slowest]}, network, seed), limits=policy, seed=seed)
    return together.seconds / alone.seconds


def huge(size: float, seed: int) -> list[Bar]:
    """One huge Inbox, listed first, and many small ones; also without pacing, where it is due at every moment."""
    others = lone(max(int(999 * size), 49), 3)
    giant = Inbox("999", Platform.MESSENGER)
    paced, unpaced = LimitPolicy(), LimitPolicy(calls_per_second=0)
    worst = 0.0
    for connections, policy in ((1, paced), (1, unpaced), (16, unpaced), (16, paced), (256, paced)):
        small = dict(list(others.items())[:49]) if connections == 1 else others
        without, _ = _unrefused(small, policy, connections, seed)
        with_it, log = _unrefused({giant: 400, **small}, policy, connections, seed)
        one_call = max(call.received - call.sent for call in calls_of(log, giant))
        worst = max(worst, max(with_it.first[inbox] - without.first[inbox] for inbox in small) / one_call)
    return [
        Bar(
            "a huge Inbox and the others' first thread pages",
            "largest delay / its longest call <= 1; with 1, 16 and 256 connections, paced and not",
            f"{worst:.2f} calls",
            worst <= 1.0,
        )
    ]


def _unrefused(jobs: dict[Inbox, int], policy: LimitPolicy, connections: int, seed: int) -> tuple[Listing, list[Call]]:
    graph = graph_of(jobs, USUAL, seed)
    for each in graph.sides.values():
        each.window = lambda now: True
    return list_virtually(graph, limits=policy, connections=connections, seed=seed), graph.log


# -- gates -------------------------------------------------------------------------------------------------------------

_REGAIN = 300.0


@frozen
class _Closure:
    """80006 with a regain of five minutes, from the first call after a moment on."""

    page: str
    since: float
    began: list[float]

    def __call__(self, inbox: Inbox, now: float) -> Reply | None:
        if inbox.page_id != self.page or now < self.since:
            return None
        if not self.began:
            self.began.append(now)
        if (left := self.began[0] + _REGAIN - now) <= 0:
            return None
        usage = f'[{{"type":"messenger","call_count":100,"estimated_time_to_regain_access":{left / 60:.6f}}}]'
        header = {"x-business-use-case-usage": f'{{"{self.page}":{usage}}}'}
        return 400, header, b'{"error":{"message":"(#80006) too many messenger api calls","code":80006}}'


def closed_page(size: float, seed: int) -> list[Bar]:
    pages = max(int(500 * size), 10)
    jobs = many(pages, 40, seed)
    page = "1007"
    theirs = [Inbox(page, platform) for platform in Platform]
    jobs.update(dict.fromkeys(theirs, 40))
    calm = list_virtually(graph_of(jobs, USUAL, seed), seed=seed)
    closure = _Closure(page, 5.0, [])
    graph = graph_of(jobs, USUAL, seed, manners=closure)
    hit = list_virtually(graph, keep=[Refused, GateOpened], seed=seed)
    change = max(abs(hit.last[inbox] / calm.last[inbox] - 1) for inbox in jobs if inbox not in theirs)
    its = [call for call in graph.log if call.inbox.page_id == page]
    known = min(call.received for call in its if call.status == 400)
    opened = min(call.received for call in its if call.status == 200 and call.sent > known)
    probes = [call for call in its if known < call.sent < opened]
    share = min(_share_after(opened, calls_of(its, inbox)) for inbox in theirs)
    return [
        Bar(
            "80006 on one Page: the others",
            "largest change of an Inbox's finishing time <= 0.01",
            f"{change:.4f} over {pages - 1} Pages",
            change <= 0.01,
        ),
        Bar(
            "80006 on one Page: its probes",
            "calls sent from the refusal until the pool answers = 1",
            f"{len(probes)}, {probes[0].sent - known:.1f} s after the refusal",
            len(probes) == 1,
        ),
        Bar(
            "80006 on one Page: its pace afterwards",
            "calls / 2 per second of each of its Inboxes >= 0.95 of the attainable",
            f"{share:.3f}, threads {hit.threads:,} of {graph.wanted:,}",
            share >= 0.95 and hit.threads == graph.wanted,
        ),
    ]


def calls_of(log: list[Call], inbox: Inbox) -> list[Call]:
    return [call for call in log if call.inbox == inbox]


def _share_after(opened: float, calls: list[Call]) -> float:
    """The pace after a gate opened, as a share of one call per half period and shortest way (the attainable)."""
    after = [call for call in calls if call.sent >= opened]
    # The slots come back two by two: whole pairs are what can be compared.
    pairs = (len(after) - 1) // 2
    spread = sum(call.received - call.sent for call in after) / len(after) - USUAL.latency
    return pairs * (1.0 + spread) / (after[2 * pairs].sent - after[0].sent)


_OUTAGE = 120.0


@frozen
class _Passage:
    """How a run came through an outage."""

    into: int
    """Calls that arrived in it."""
    known: int
    """Of these, sent when three failures were back: before, nobody can know."""
    lost: float
    """Seconds that the Inbox lost which lost most, the outage itself taken off."""
    last: float
    """Seconds from the outage's end until all were done."""
    whole: bool


def _spread(graph: InProcessGraph) -> InProcessGraph:
    """Inboxes spread over the second, as some minutes of jitter do: else all calls are under way at once, or none."""
    for number, each in enumerate(graph.sides.values()):
        each.ways = _late_at_first(each.ways, number / len(graph.sides))
    return graph


def _late_at_first(ways: Ways, by: float) -> Ways:
    late = [by]

    def draw() -> tuple[float, float]:
        there, back = ways()
        return there, back + (late.pop() if late else 0.0)

    return draw


def _pass_through(network: Network, start: float, calm: Listing, seed: int) -> _Passage:
    ends = start + _OUTAGE

    def manners(_inbox: Inbox, now: float) -> Reply | None:
        return (502, {}, b"<html>Bad Gateway</html>") if start <= now < ends else None

    graph = _spread(graph_of(_OUTAGE_JOBS, network, seed, manners=manners))
    hit = list_virtually(graph, seed=seed + int(start * 1000))
    failed = [call for call in graph.log if call.status == 502]
    known = failed[2].received
    return _Passage(
        len(failed),
        sum(call.sent > known for call in failed),
        max(hit.last[inbox] - calm.last[inbox] for inbox in hit.last) - _OUTAGE,
        hit.seconds - ends,
        len(hit.last) == len(_OUTAGE_JOBS) and hit.threads == graph.wanted and not hit.failed,
    )


_OUTAGE_JOBS = lone(200, 20)


def outage(size: float, seed: int, networks: Iterable[Network] = TABLE) -> list[Bar]:
    """A host that answers 502 to all for two minutes, beginning at several moments of a second."""
    runs = max(int(8 * size), 1)
    bars = []
    for network in networks:
        calm = list_virtually(_spread(graph_of(_OUTAGE_JOBS, network, seed)), seed=seed)
        seen = [_pass_through(network, 8.0 + number / runs, calm, seed) for number in range(runs)]
        known, into = max(each.known for each in seen), [each.into for each in seen]
        lost, last = max(each.lost for each in seen), max(each.last for each in seen)
        name = f"200 Pages, 120 s outage at {network.name}"
        bars.append(
            Bar(
                f"{name}: calls into it",
                "calls sent after three failures were back <= 61",
                f"at most {known}; those under way counted in, {sum(into) / runs:.0f} on average, at most {max(into)}",
                known <= 61,
            )
        )
        bars.append(
            Bar(
                f"{name}: after it",
                "200 of 200 finish; what an Inbox loses - 120 s <= 15 s",
                f"all in {sum(each.whole for each in seen)} of {runs} runs; {lost:.1f} s (the last {last:.1f} s after)",
                lost <= 15.0 and all(each.whole for each in seen),
            )
        )
    return bars


# -- clocks and costs --------------------------------------------------------------------------------------------------


def clock(size: float, seed: int) -> list[Bar]:
    """The wall clock is set an hour forward, and then back, while a listing runs."""
    jobs = lone(10, max(int(200 * size), 20))
    shift, true_time = [0.0], time.time
    steady = list_virtually(graph_of(jobs, USUAL, seed), seed=seed)

    def set_clock(now: float) -> None:
        shift[0] = 3600.0 if steady.seconds / 3 < now < steady.seconds * 2 / 3 else 0.0

    with patch("time.time", lambda: true_time() + shift[0]):
        moved = list_virtually(graph_of(jobs, USUAL, seed), seed=seed, meanwhile=set_clock)
    return [
        Bar(
            "clock set forward and back by an hour",
            "seconds with / seconds without = 1",
            f"{moved.seconds / steady.seconds:.6f}",
            moved.last == steady.last,
        )
    ]


async def _permits(inboxes: int, rounds: int) -> tuple[float, float]:
    """Seconds that a permit costs, and a bare step of the loop: the best of some rounds of each."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    throttle = Throttle(LimitPolicy(), lambda event: None)
    pages = [(Inbox(str(key), Platform.MESSENGER), Page(str(key), "token")) for key in range(inboxes)]
    permit_costs, bare_costs = [], []
    for _ in range(rounds):
        loop.advance(2.0)
        began = time.perf_counter()
        for inbox, page in pages:
            permit = throttle.take(inbox, page)
            assert permit is not None
            await throttle.draw(permit)
            throttle.release(permit, received_at=loop.time() + 0.1, sent_at=loop.time())
        permit_costs.append((time.perf_counter() - began) / inboxes)
        began = time.perf_counter()
        for _inbox, _page in pages:
            await asyncio.sleep(0)
        bare_costs.append((time.perf_counter() - began) / inboxes)
    # The first round makes the accounts.
    return min(permit_costs[1:]), min(bare_costs[1:])


def cost(size: float, seed: int) -> list[Bar]:
    permit, bare = run_virtually(lambda: _permits(10_000, max(int(12 * size), 3)))
    return [
        Bar(
            "CPU of a permit with 10,000 Inboxes live",
            "take + draw + release < 20 us",
            f"{permit * 1e6:.1f} us, {permit / bare:.2f} times an asyncio.sleep(0) of {bare * 1e6:.1f} us",
            permit < 20e-6,
        )
    ]


SCENARIOS: tuple[Callable[[float, int], list[Bar]], ...] = (
    strict,
    refusals,
    fan_out,
    huge,
    closed_page,
    outage,
    clock,
    cost,
)
