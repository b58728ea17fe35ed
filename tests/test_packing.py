"""What a walk knows as text: the very same again, or not packed at all."""

from hypothesis import given
from hypothesis import strategies as st

from conversations_async.packing import packed, packed_keys, unpacked, unpacked_keys

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
