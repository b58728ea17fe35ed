"""What a walk knows as text: the very same again, or not packed at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listing import EVERY, MESSENGER, keys, list_all, pages_of, session_on, truth

from conversations_async.emulator import GraphEmulator, World
from conversations_async.packing import packed, packed_keys, unpacked, unpacked_keys
from conversations_async.paging import ThreadWalk

TEXTS = st.text(max_size=5) | st.sampled_from(["", "\n", "t_1", "2026-05-04T13:32:08+0000"])


@given(st.dictionaries(TEXTS, TEXTS | st.none() | st.integers(0, 3)))
def test_what_is_packed_is_the_same_again_in_its_order(known: dict[str, object]) -> None:
    text = packed(known)
    if text is not None:
        assert list(unpacked(text).items()) == list(known.items())
    keys = packed_keys(known)
    if keys is not None:
        assert unpacked_keys(keys) == list(known)


def test_ids_and_times_as_meta_writes_them_are_packed() -> None:
    known = {f"t_{number}": "2026-05-04T13:32:08+0000" for number in range(3)}
    assert packed(known) is not None
    assert packed_keys(known) is not None


def test_what_holds_the_mark_between_is_left_as_it_is() -> None:
    assert packed({"a": "b\nc"}) is None
    assert packed({"a\nb": "c"}) is None
    assert packed({"a": None}) is None
    assert packed({}) is None
    assert packed_keys({}) is None


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
    world = World.seeded(pages=150, threads=25, seed=3, platforms=(MESSENGER,))
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        listed, failed = await list_all(session, pages_of(world), query=EVERY)
    assert sorted(keys(listed), key=str) == sorted(truth(world), key=str)
    assert not failed
    assert packings
