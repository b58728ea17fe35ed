"""What a walk knows, packed: it tells the same of each thread as a dictionary does."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listing import EVERY, MESSENGER, keys, list_all, pages_of, session_on, truth

from conversations_async import Cursor, Inbox, Page, Platform, Thread, ThreadPage, ThreadQuery, rota
from conversations_async.emulator import GraphEmulator, World
from conversations_async.graph.requests import list_threads
from conversations_async.packing import Numbers, Packed, PackedIds, PackedTimes
from conversations_async.paging import ThreadWalk
from conversations_async.sifting import Sieve

TIME = "2026-05-04T13:32:08+0000"
USUAL = st.datetimes().map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}+0000".rjust(24, "0"))
ODD = st.sampled_from(
    ["", "\n", "yesterday", TIME[:-1], TIME + "0", TIME[:-4] + "0700", TIME.replace("-", ":"), TIME.replace("8", "é")]
)
VERSIONS = USUAL | ODD | st.none() | st.integers(0, 3)
IDS = st.text(max_size=5) | st.integers(0, 20).map("t_{}".format)
STEPS = st.lists(st.tuples(st.sampled_from(["add", "set", "fill", "rest"]), st.dictionaries(IDS, VERSIONS, max_size=8)))


def known_of(packed: Packed, ids: Iterable[str]) -> dict[str, object]:
    """What is known, by whoever has no idea what it may be."""
    return packed.known_of([*ids], [None for _ in ids])


@given(STEPS)
def test_what_is_packed_tells_the_same_as_a_dictionary(steps: list[tuple[str, dict[str, object]]]) -> None:
    packed, plain = PackedTimes(), dict[str, object]()
    for step, others in steps:
        if step == "rest":
            packed.rest()
        elif step == "fill":
            packed.fill(others)
            plain = {**others, **plain}
        elif step == "add":
            unknown = plain.keys().isdisjoint(others)
            assert packed.add_unknown([*others], [*others.values()]) == unknown
            plain |= others if unknown else {}
        else:
            for key, version in others.items():
                packed[key] = version
            plain.update(others)
        assert len(packed) == len(plain)
        for told in (others, {key: plain.get(key, TIME) for key in others}, {**plain, "nobody": TIME}, plain, {}):
            assert packed.known_of([*told], [*told.values()]) == {key: plain[key] for key in told if key in plain}


@given(STEPS)
def test_ids_alone_are_known_as_a_set_knows_them(steps: list[tuple[str, dict[str, object]]]) -> None:
    packed, plain = PackedIds(), set[str]()
    for step, others in steps:
        if step == "rest":
            packed.rest()
        elif step == "fill":
            packed.fill(others)
        elif step == "add":
            assert packed.add_unknown([*others], [*others.values()]) == plain.isdisjoint(others)
        else:
            for key, version in others.items():
                packed[key] = version
        if step == "fill" or step == "set" or (step == "add" and plain.isdisjoint(others)):
            plain |= others.keys()
        assert len(packed) == len(plain)
        assert known_of(packed, [*plain, *others]) == dict.fromkeys(plain)


@given(st.dictionaries(IDS, VERSIONS, max_size=8), st.lists(st.tuples(IDS, VERSIONS), max_size=8), st.booleans())
def test_an_answer_is_taken_in_as_a_whole_or_not_at_all(
    known: dict[str, object], answer: list[tuple[str, object]], rests: bool
) -> None:
    ids, versions = [key for key, _ in answer], [version for _, version in answer]
    unknown = len({*ids}) == len(ids) and known.keys().isdisjoint(ids)
    sieve = Sieve(None, None, None)
    sieve.seen = dict(known)
    if rests:
        sieve.pack()
    assert sieve.take_in(ids, versions) == unknown
    after = {**known, **dict(answer)} if unknown else known
    assert len(sieve.seen) == len(after)
    assert sieve.seen_of([*after], [*after.values()]) == after


def test_what_a_proof_has_put_off_is_forgotten_with_it() -> None:
    inbox = Inbox("1", Platform.MESSENGER)
    sieve = Sieve(None, None, None)
    sieve.begin(proving=True, floor=datetime(2026, 5, 1, tzinfo=UTC))
    assert sieve.defer([Thread(inbox, {"id": "t_1", "updated_time": TIME})], {}) == 1
    assert sieve.has_deferred
    sieve.begin(proving=False, floor=None)
    assert not sieve.has_deferred


def test_a_time_takes_six_bytes_as_meta_writes_it_and_is_kept_as_it_is_otherwise() -> None:
    packed = PackedTimes()
    packed.add(["a", "b", "c"], [TIME, None, TIME.replace("+0000", "+0200")])
    assert [*known_of(packed, "abc").values()] == [TIME, None, TIME.replace("+0000", "+0200")]
    packed.add(["e", "f"], [TIME, TIME.replace("20", "19", 1)])
    assert [*known_of(packed, "ef").values()] == [TIME, TIME.replace("20", "19", 1)]
    assert len(packed._times) == 6 * len(packed)
    packed["b"] = TIME
    packed["a"] = "now"
    assert known_of(packed, "abd") == {"a": "now", "b": TIME}
    packed.add(["g", "h"], [TIME + TIME, ""])
    assert known_of(packed, "gh") == {"g": TIME + TIME, "h": ""}
    assert packed.known_of(["e", "b"], [TIME + TIME, ""]) == {"e": TIME, "b": TIME}
    nothing = "2000-00-00T00:00:00+0000"
    assert packed.known_of(["a", "d"], [nothing, nothing]) == {"a": "now"}


def test_an_unknown_thread_of_a_known_time_is_unknown() -> None:
    packed = PackedTimes()
    packed.add(["a", "b"], [TIME, TIME])
    assert packed.known_of(["x", "y"], [TIME, TIME]) == {}
    assert packed.known_of(["b", "a"], [TIME, TIME]) == {"a": TIME, "b": TIME}
    assert packed.known_of(["b", "x"], [TIME, TIME]) == {"b": TIME}
    later = TIME.replace("08+", "09+")
    packed["b"] = later
    assert packed.known_of(["b", "a"], [TIME, later]) == {"a": TIME, "b": later}
    packed.add(["c"], [TIME])
    assert packed.known_of(["a", "c", "b"], [TIME, later, TIME]) == {"a": TIME, "b": later, "c": TIME}


def test_all_tables_of_a_walk_are_packed() -> None:
    inbox = Inbox("1", Platform.MESSENGER)
    listing = list_threads(Page("1", "EAACANARY0123456789"), inbox, ThreadQuery())
    walk = ThreadWalk(listing, 1, since=datetime(2026, 1, 1, tzinfo=UTC))
    walk.feed(ThreadPage(inbox, (Thread(inbox, {"id": "t_1", "updated_time": TIME}),), Cursor("1"), more=True))
    walk.pack()
    assert isinstance(walk._sieve.seen, PackedTimes)
    assert isinstance(walk._sieve.listed, PackedTimes)
    assert isinstance(walk._stretches._where, Numbers)
    assert walk._sieve.listed._index is None, "which takes six times as much as what is packed"


def test_the_last_thread_is_known_by_its_id() -> None:
    packed = PackedTimes()
    packed.add(["a", "b"], [TIME, TIME])
    packed["a"] = None
    assert packed.last == "b"
    packed["c"] = TIME
    packed.fill({"d": TIME})
    assert packed.last == "c"


NUMBERED = st.lists(
    st.tuples(st.sampled_from(["add", "set", "number", "rest"]), st.lists(IDS, max_size=8, unique=True))
)


@given(st.dictionaries(IDS, st.integers(1, 70_000), max_size=8), NUMBERED, st.integers(1, 66_000))
def test_numbers_beside_what_is_packed_tell_the_same_as_a_dictionary(
    before: dict[str, int], steps: list[tuple[str, list[str]]], first: int
) -> None:
    """Threads may be known and have no number: those that the reader of a walk taken up holds."""
    known = PackedIds()
    known.fill(dict.fromkeys(["held", *before], None))
    numbers, plain = Numbers(known, before), dict(before)
    for number, (step, ids) in enumerate(steps, first):
        if step == "rest":
            known.rest()
        elif step == "set":
            for key in ids:
                known[key] = None
        elif step == "number":
            for key in ids:
                known[key] = None
                numbers[key] = number
            plain |= dict.fromkeys(ids, number)
        elif known.add_unknown(ids, [None] * len(ids)):
            numbers.add_last(len(ids), number)
            plain |= dict.fromkeys(ids, number)
        assert numbers.of(["held", "nobody", *ids, *plain]) == plain


def test_a_number_beside_what_is_packed_takes_two_bytes_as_long_as_it_can() -> None:
    known = PackedIds()
    known.add(["a", "b"], [None, None])
    numbers = Numbers(known, {"a": 65_535})
    assert numbers._numbers.itemsize == 2
    numbers["b"] = 65_536
    assert (numbers._numbers.itemsize, numbers.of("ab")) == (4, {"a": 65_535, "b": 65_536})


@pytest.mark.looptime
async def test_a_crowd_of_inboxes_at_a_pace_is_packed_and_lists_each_thread_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packings: list[ThreadWalk] = []
    pack = ThreadWalk.pack

    def count(walk: ThreadWalk) -> None:
        packings.append(walk)
        pack(walk)

    monkeypatch.setattr(ThreadWalk, "pack", count)
    monkeypatch.setattr(rota, "_MUCH", 1_000)
    world = World.seeded(pages=150, threads=25, seed=3, platforms=(MESSENGER,))
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        listed, failed = await list_all(session, pages_of(world), query=EVERY)
    assert sorted(keys(listed), key=str) == sorted(truth(world), key=str)
    assert not failed
    assert packings


@pytest.mark.looptime
async def test_only_whoever_takes_or_looks_for_newer_versions_pays_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: set[type] = set()
    pack = Sieve.pack

    def look(sieve: Sieve) -> None:
        pack(sieve)
        if sieve.seen:
            kinds.add(type(sieve.seen))

    monkeypatch.setattr(Sieve, "pack", look)
    monkeypatch.setattr(rota, "_MUCH", 100)
    world = World.seeded(pages=50, threads=30, seed=4, platforms=(MESSENGER,))
    found = {}
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        for reader in ("threads", "thread_pages"):
            for settle in (True, False):
                kinds.clear()
                async for _ in getattr(session, reader)(pages_of(world), query=EVERY, settle=settle):
                    pass
                found[reader, settle] = set(kinds)
    times = {PackedTimes}
    assert found.pop(("threads", False)) == {PackedIds}
    assert found == {("threads", True): times, ("thread_pages", True): times, ("thread_pages", False): times}


@pytest.mark.parametrize("upserts", [True, False])
@pytest.mark.parametrize("packs", [True, False])
def test_a_newer_version_is_news_to_whoever_takes_it_and_to_nobody_else(packs: bool, upserts: bool) -> None:
    sieve = Sieve(None, None, None, keeps_versions=upserts)
    inbox = Inbox("1", Platform.MESSENGER)
    older, newer = (Thread(inbox, {"id": "t_1", "updated_time": time}) for time in (TIME, TIME.replace("08+", "09+")))
    assert sieve.take_in(["t_1"], [TIME])
    assert sieve.sift((older,), {}, fresh=True) == ((older,), (older,), 0)
    if packs:
        sieve.pack()
        assert isinstance(sieve.seen, PackedTimes if upserts else PackedIds)
    for version in (older, newer, newer):
        is_news = upserts and version is newer and sieve.known == 1
        seen = sieve.seen_of([version.id], [version.version])
        assert sieve.is_news(version, seen) is is_news
        assert not sieve.take_in([version.id], [version.version])
        assert sieve.sift((version,), seen, fresh=False) == ((version,) * is_news, (), 0)
    # That it moved is told all the same: the walk gets on.
    assert sieve.known == 2
    timeless = Thread(inbox, {"id": "t_1"})
    sieve.sift((timeless,), sieve.seen_of(["t_1"], [None]), fresh=False)
    assert sieve.known == 2 + upserts, "one without a time has changed, and nobody can tell whether it has moved"
