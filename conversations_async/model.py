"""The words of this library as frozen values."""

from enum import StrEnum


class Platform(StrEnum):
    """Where the people write: the edge's `platform` parameter, in lower case (contract 1.1)."""

    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
