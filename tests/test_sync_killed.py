"""`kill -9` at any moment loses nothing and repeats almost nothing.

A sync runs as a process, is killed after a random while, and is begun again, over first listings and later ones of
Inboxes that move meanwhile. When it is at last let alone its database equals, row for row, one never disturbed. The
world is served by the test's own process, which sees what was asked twice. How often is a matter of patience:
`SYNC_KILLS=300 SYNC_KILLS_SEED=1 pytest -n0 -s tests/test_sync_killed.py`, half on each kind of database.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import define, field
from forks import Forks
from syncs import held, kept, select, there

from conversations_async import Inbox
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, World
from conversations_async.emulator.asks import Call
from conversations_async.emulator.manners import CallKind
from conversations_async.sync import StoreError

KILLS = int(os.environ.get("SYNC_KILLS", "10"))
SEED = int(os.environ.get("SYNC_KILLS_SEED", "1"))
A_LIFE = 12
"""Kills before the next begins with an empty database."""


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as forks:
        yield forks


@define
class Campaign:
    """Lives of databases, each killed some times; what was found."""

    graph: GraphEmulator
    forks: Forks
    chance: random.Random
    kills: int = 0
    ran_through: int = 0
    asked_twice: Counter[int] = field(factory=Counter)
    """Thread pages asked twice by an Inbox after a kill → how often."""
    settled_again: Counter[int] = field(factory=Counter)
    """The same of passes that settle, which begin again."""
    odd: list[str] = field(factory=list)
    """What was asked where more than one was."""
    days: int = 0
    usual: float = 0.2
    """Seconds that a sync takes, about; learned from those that came to their end and those that did not."""
    killed_in: Counter[str] = field(factory=Counter)
    """What the Inboxes were about that a kill met → how many."""

    def live(self, target: str, messages: Literal["none", "all"], kills: int) -> None:
        """From an empty database to one that has seen some days and kills."""
        world, until = self.graph.world, self.kills + kills
        before: dict[Inbox, list[Call]] = {}
        unfinished: set[Inbox] = set()
        while self.kills < until:
            seen = len(self.graph.calls)
            delay = self.chance.uniform(0, 1.1) * self.usual
            ended = self.run(target, messages, kill_after=delay)
            asked = self.asked_since(seen)
            for inbox in unfinished & asked.keys():
                twice, settling = repeated(before[inbox], asked[inbox])
                (self.settled_again if settling else self.asked_twice)[twice] += 1
                if twice > 1 and not settling:
                    self.odd.append(f"{inbox}: {places(before[inbox])} and then {places(asked[inbox])}")
            if ended:
                self.ran_through += 1
                self.usual *= 0.8
                self.days += 1
                for page in world.pages.values():
                    for platform in page.platforms:
                        world.let_pass(page.id, platform, self.chance, moved=15, new=3, gone=0)
                before, unfinished = {}, set()
            else:
                self.kills += 1
                # So that one in four or five runs through, and later listings are met as often as the first.
                self.usual *= 1.06
                before = before | asked
                met = unfinished_in(target)
                self.killed_in.update(met.values())
                unfinished = met.keys() & before.keys()
        for page in world.pages.values():
            page.manners = None
        assert self.run(target, messages, kill_after=None)

    def run(self, target: str, messages: str, *, kill_after: float | None) -> bool:
        """One sync; whether it came to its end."""
        number = self.forks.start(
            target=target,
            messages=messages,
            threads_per_call=6,
            base_url=self.graph.base_url,
            instagram_url=self.graph.instagram_url,
            pages=[
                {"id": page.id, "token": page.token, "name": page.name, "platforms": [*page.platforms]}
                for page in self.graph.world.pages.values()
            ],
        )
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(number, signal.SIGKILL)
        status = self.forks.wait()
        # What a dead process had sent may arrive yet.
        give_up_at = time.monotonic() + 1
        while self.graph.open_connections and time.monotonic() < give_up_at:
            time.sleep(0.002)
        assert status in (0, -signal.SIGKILL), status
        return status == 0

    def asked_since(self, seen: int) -> dict[Inbox, list[Call]]:
        found: dict[Inbox, list[Call]] = {}
        for call in self.graph.calls[seen:]:
            # One id is no thread page: a walk asks for it to see where a cursor leads now.
            is_page = call.kind is CallKind.LISTING and call.params.get("limit") != "1"
            if is_page and call.page_id and call.platform and call.code is None:
                found.setdefault(Inbox(call.page_id, call.platform), []).append(call)
        return found


def places(calls: list[Call]) -> str:
    """Where calls of a listing began, in short."""
    return " ".join(f"{call.params.get('after', 'head')[-6:]}({call.params.get('limit')})" for call in calls)


def repeated(before: list[Call], after: list[Call]) -> tuple[int, bool]:
    """How many thread pages were asked before a kill and are asked again, and whether they are of a settling pass.

    The new process takes a listing up at a cursor that was asked last, or at the one behind it. A pass that settles
    begins again at its head: it is mostly a single call, but for one that reads everything a second time.
    """
    places = [call.params.get("after") for call in before]
    first = after[0].params.get("after")
    if first not in places:
        return 0, False
    place = len(places) - 1 - places[::-1].index(first)
    # A first pass that had asked twice had a cursor saved, and is not begun at the head.
    return len(places) - place, first is None and len(places) > 1


def unfinished_in(target: str) -> dict[Inbox, str]:
    """Inboxes whose listing was under way, and of what kind it was."""
    try:
        rows = select(target, "SELECT page_id, platform, kind FROM sync_runs WHERE outcome = 'running'")
    except StoreError:
        return {}
    return {Inbox(page_id, platform): kind for page_id, platform, kind in rows}


def campaign(forks: Forks, targets: Iterator[str], fresh: Iterator[str], kills: int, seed: str) -> Campaign:
    """So many kills, and every database compared with one that was never disturbed."""
    chance = random.Random(seed)
    found: dict[str, Any] = {}
    total: Campaign | None = None
    while total is None or total.kills < kills:
        world = World.seeded(pages=2, threads=40, seed=chance.randrange(1000), messages=(1, 3))
        for page in world.pages.values():
            page.manners = Manners(arrivals_per_call=1, chance=0.1, kinds={CallKind.LISTING})
        with GraphEmulator(world, limits=LimitRules.off(), latency=0.002, seed=1).in_thread() as graph:
            now = Campaign(graph, forks, chance)
            if total is not None:
                now.usual = total.usual
            target, other = next(targets), next(fresh)
            messages: Literal["none", "all"] = "all" if chance.random() < 0.25 else "none"
            now.live(target, messages, min(A_LIFE, kills - (total.kills if total else 0)))
            assert now.run(other, messages, kill_after=None)
            found = held(target)
            assert found == held(other)
            assert kept(target, world) == there(world)
        if total is None:
            total = now
        else:
            total.kills += now.kills
            total.ran_through += now.ran_through
            total.usual = now.usual
            total.killed_in += now.killed_in
            total.asked_twice += now.asked_twice
            total.settled_again += now.settled_again
            total.odd += now.odd
    return total


def tell(database: str, done: Campaign) -> None:
    """The figures, where somebody looks (-s)."""
    twice, again = (dict(sorted(each.items())) for each in (done.asked_twice, done.settled_again))
    print(f"\n{database}: {done.kills} kills, {done.ran_through} syncs ran through")
    print(f"Inboxes that a kill met: {dict(sorted(done.killed_in.items()))}")
    print(f"thread pages asked twice by an Inbox after a kill: {twice}; of settling passes: {again}")
    print(*done.odd, sep="\n")


def test_sqlite_survives_being_killed(forks: Forks, tmp_path: Path) -> None:
    targets = (str(tmp_path / f"killed-{number}.db") for number in range(10_000))
    fresh = (str(tmp_path / f"undisturbed-{number}.db") for number in range(10_000))
    done = campaign(forks, targets, fresh, (KILLS + 1) // 2, f"{SEED}/sqlite")
    tell("SQLite", done)
    assert not done.odd


def test_postgres_survives_being_killed(forks: Forks, postgres_server: Any) -> None:
    def databases(kind: str) -> Iterator[str]:
        for number in range(10_000):
            name = f"{kind}_{SEED}_{number}_{os.getpid()}"
            postgres_server.psql(f"CREATE DATABASE {name}")
            yield postgres_server.get_uri(database=name)

    done = campaign(forks, databases("killed"), databases("undisturbed"), KILLS // 2, f"{SEED}/postgres")
    tell("PostgreSQL", done)
    assert not done.odd
