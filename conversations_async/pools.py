"""What Meta counts: pools, and how full it says they are."""

from functools import cached_property
from typing import Literal, TypeAlias

from attrs import frozen

from conversations_async.values import Plain, Value, plain

PoolKind: TypeAlias = Literal["inbox", "messenger", "instagram", "pages", "user", "app", "host"]


@plain
class Pool(Plain):
    """What a limit counts: an Inbox's calls a second, a Page's 24 hours, a user's, an app's; or a host that is down."""

    kind: PoolKind
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.id}".rstrip()


@plain
class PoolUsage(Plain):
    """One entry of a usage header: how full a pool is, in percent; over 100 is possible (contract 4.2)."""

    kind: str
    id: str
    call_count: float = 0.0
    total_cputime: float = 0.0
    total_time: float = 0.0
    regain_after: float = 0.0
    """Seconds until Meta answers again; 0 does not mean healthy."""

    @property
    def percent(self) -> float:
        """The fullest of the three."""
        return max(self.call_count, self.total_cputime, self.total_time)


@frozen(eq=False, repr=False)
class Usage(Value):
    """What Meta last said of the pools that a call drew on."""

    pools: tuple[PoolUsage, ...] = ()

    @cached_property
    def percent(self) -> float:
        """The fullest pool."""
        return max((pool.percent for pool in self.pools), default=0.0)

    @property
    def regain_after(self) -> float:
        """Seconds; the longest over all entries."""
        return max((pool.regain_after for pool in self.pools), default=0.0)
