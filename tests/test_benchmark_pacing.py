"""The pacing benchmark at a small size: it runs, what it simulates is the library, and nothing in it is ever unsafe.

No figure that hangs on this machine's speed is asserted: those are the benchmark's own business.
"""

import asyncio
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiolimiter import AsyncLimiter

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import pacing, pacing_bars
from benchmarks.pacing_rule import (
    ATTAINABLE,
    CONTENDERS,
    LEARNED,
    STRICT,
    TABLE,
    WINDOWS,
    Contender,
    Limiter,
    Network,
    paced,
    strict_refusals,
)
from benchmarks.virtual import list_virtually, run_virtually
from conversations_async import LimitPolicy

SEED = 5
ROW_NAMES = [network.name for network in TABLE]


def test_strict_is_refused_by_no_server_on_any_network() -> None:
    refused, calls = strict_refusals(40_000, SEED)
    assert calls >= 40_000
    assert refused == 0


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("network", TABLE, ids=ROW_NAMES)
def test_the_default_is_hardly_ever_refused_and_never_passes_the_attainable_pace(network: Network, window: str) -> None:
    default, best = (paced(contender, network, window, [2_000], str(SEED)) for contender in (LEARNED, ATTAINABLE))
    assert (default.refused, best.refused) == (0, 0)
    assert default.seconds >= best.seconds


def test_a_server_refuses_whoever_does_not_pace() -> None:
    row = TABLE[0]
    for contender in CONTENDERS:
        outcome = paced(contender, row, "rolling", [200], str(SEED))
        assert outcome.sent == 200 + outcome.refused
        assert (outcome.refused == 0) is contender.ours, contender.name


@pytest.mark.parametrize(("rate", "per"), [(2, 1.0), (1, 0.5)])
def test_the_peers_arithmetic_is_the_real_limiters(rate: float, per: float) -> None:
    def gaps() -> Iterator[float]:
        chance = random.Random(SEED)
        return (chance.choice((0.01, 0.2, 3.0)) for _ in range(200))

    async def real() -> list[float]:
        limiter, loop, moments = AsyncLimiter(rate, per), asyncio.get_running_loop(), []
        for gap in gaps():
            await limiter.acquire()
            moments.append(loop.time())
            await asyncio.sleep(gap)
        return moments

    ours, now, moments = Limiter(rate, per), 0.0, []
    for gap in gaps():
        now = ours.next_moment(now)
        ours.sent(now)
        moments.append(now)
        now += gap
    assert moments == pytest.approx(run_virtually(real), abs=1e-6)


@pytest.mark.parametrize(
    ("contender", "policy"), [(LEARNED, LimitPolicy()), (STRICT, LimitPolicy(strict=True))], ids=["default", "strict"]
)
@pytest.mark.parametrize("network", TABLE, ids=ROW_NAMES)
def test_the_whole_library_keeps_the_pace_of_the_bare_rule(
    network: Network, contender: Contender, policy: LimitPolicy
) -> None:
    jobs = pacing_bars.lone(1, 200)
    graph = pacing_bars.graph_of(jobs, network, SEED)
    listing = list_virtually(graph, limits=policy, seed=SEED)
    # The same draws for both: the seed of an Inbox's network is its name.
    (inbox,) = jobs
    side = pacing_bars.side(inbox, 200, network, SEED)
    rule = pacing_bars.bare(contender, network, side)
    assert (listing.threads, graph.refused) == (200, 0)
    assert listing.seconds == pytest.approx(rule, abs=1e-6)


@pytest.mark.parametrize(
    "bars",
    [
        pytest.param(lambda: pacing_bars.refusals(0.1, SEED), id="refusals"),
        pytest.param(lambda: pacing_bars.fan_out(0.04, SEED, TABLE[1:2]), id="fan-out"),
        pytest.param(lambda: pacing_bars.huge(0.05, SEED), id="huge"),
        pytest.param(lambda: pacing_bars.closed_page(0.04, SEED), id="closed page"),
        pytest.param(lambda: pacing_bars.outage(0.1, SEED, TABLE[:1]), id="outage"),
        pytest.param(lambda: pacing_bars.clock(0.1, SEED), id="clock"),
    ],
)
def test_a_scenario_in_virtual_time_meets_its_bars(bars: "pacing.Check") -> None:
    missed = [str(bar) for bar in bars() if not bar.met]
    assert not missed


def test_a_permit_is_measured() -> None:
    (bar,) = pacing_bars.cost(0.01, SEED)
    assert "us" in bar.figure


def test_the_table_has_a_cell_for_every_contender() -> None:
    jobs = [pacing.Job("small", (40,), 1, 1)]
    ((job, network, row),) = list(pacing.rows(jobs, SEED, TABLE[:1]))
    assert set(row) == {(job.name, network.name, contender.name) for contender in CONTENDERS}
    assert row[job.name, network.name, LEARNED.name].refused == (0, 0, 0)
