"""What is known of threads, as one text while nobody looks at it: 44 bytes a thread instead of 200.

Ids and times are short texts, and as objects of Python's, within a dictionary, they take four times their letters.
Hundreds of Inboxes under way, each waiting for half a second between two calls, are mostly that.
"""

from collections.abc import Mapping

_BETWEEN = "\n"


def packed(known: Mapping[str, object]) -> str | None:
    """The pairs as a text; None where that would not give the same pairs again."""
    try:
        text = _BETWEEN.join([*known, *known.values()])  # type: ignore[list-item]  # what is no text is refused by it
    except TypeError:
        return None
    return text if text.count(_BETWEEN) == 2 * len(known) - 1 else None


def unpacked(text: str) -> dict[str, object]:
    """The pairs of `packed`, in their order."""
    parts = text.split(_BETWEEN)
    half = len(parts) // 2
    return dict(zip(parts[:half], parts[half:], strict=True))


def packed_keys(known: Mapping[str, object]) -> str | None:
    """The keys as a text; None where that would not give the same keys again."""
    text = _BETWEEN.join(known)
    return text if known and text.count(_BETWEEN) == len(known) - 1 else None


def unpacked_keys(text: str) -> list[str]:
    """The keys of `packed_keys`, in their order."""
    return text.split(_BETWEEN)
