"""What the demonstration's world is made of: names of Pages, how much they hold, and who is ill."""

from typing import Final

from conversations_async.emulator.manners import CallKind, Manners
from conversations_async.model import Platform

NAMES: Final = (
    "Harbour Café",
    "Bicycles by Noor",
    "Blumen Zwölf",
    "山田書店",
    "Pizzeria da Chiara",
    "The Night Owl",
    "Łódź Records",
    "Casa García",
    "Mister Kebab",
    "Little Lantern Books",
    "Étoile du Nord",
    "مخبز السلام",
    "Riverside Yoga",
    "Old Town Hostel",
    "Green Thumb Nursery",
    "Αρτοποιείο Νικολάου",
    "Studio Sato",
    "Second Hand Records",
    "Corner Pharmacy",
    "Lighthouse Tours",
)

# Instagram's threads are asked for their messages one by one, at two calls a second.
THREADS: Final = {Platform.MESSENGER: (5, 70), Platform.INSTAGRAM: (2, 12)}
MESSAGES: Final = (1, 18)

ILL: Final[dict[str, tuple[str, Manners]]] = {
    "1007": ("dead token", Manners(dead_token=True)),
    "1010": (
        "permission for Instagram missing",
        Manners(missing_permission=230, platforms=[Platform.INSTAGRAM]),
    ),
    "1013": ("80006 for six seconds", Manners(refuse=80006, regain_minutes=0.1, platforms=[Platform.MESSENGER])),
}
"""Page id → what is ill about it."""

POISONED: Final = ("1016", "a thread that Meta cannot show")

BUSY: Final = (
    "1019",
    Manners(
        kinds=[CallKind.LISTING],
        usage_percent=72,
        script={number: Manners(usage_percent=30 + 3 * number) for number in range(1, 14)},
    ),
)
"""A Page whose allowance of calls is used up by somebody else meanwhile, up to where calls would be spaced out."""
