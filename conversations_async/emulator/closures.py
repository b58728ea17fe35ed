"""Messenger pools that `Manners(refuse=80006, regain_minutes=…)` closes: refusing until it is over, and counting."""

from collections.abc import Iterator, Mapping

import attrs

from conversations_async.emulator.manners import Manners
from conversations_async.emulator.world import PageWorld, World
from conversations_async.model import Platform


@attrs.define
class Closure:
    """One closed pool: from when to when on the server's clock, and the calls made into it after the first."""

    page_id: str
    began: float
    until: float
    manners: Manners
    platforms: frozenset[Platform] | None
    setting: tuple[tuple[Manners, ...], tuple[Manners, ...]]
    calls: list[float] = attrs.field(factory=list)

    @property
    def fractional(self) -> bool:
        """Whether the header tells parts of a minute: only where the whole closure is shorter than one."""
        return (self.manners.regain_minutes or 0.0) < 1

    def call_into(self, now: float) -> float:
        """Count a call at *now*; the seconds that the answer admits until the pool opens."""
        if now > self.began:
            self.calls.append(now)
            self.until += self.manners.regain_lengthens
        return 0.0 if self.manners.regain_unsaid else self.until - now


class Closures(Mapping[str, Closure]):
    """The latest closure of each Page, by Page id."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._closures: dict[str, Closure] = {}

    def __getitem__(self, page_id: str) -> Closure:
        return self._closures[page_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._closures)

    def __len__(self) -> int:
        return len(self._closures)

    def of(self, page: PageWorld | None, platform: Platform | None, manners: Manners, now: float) -> Closure | None:
        """The closure that a call at *now* runs into. The first call under such manners begins it; it happens once."""
        if page is None or platform is None:
            return None
        setting = (page.manners, self._world.manners)
        closure = self._closures.get(page.id)
        if closure is not None and (closure.setting[0] is not setting[0] or closure.setting[1] is not setting[1]):
            closure = None  # other manners were set meanwhile
        if closure is None and manners.regain_minutes is not None:
            until = now + manners.regain_minutes * 60
            closure = Closure(page.id, now, until, manners, _platforms(setting), setting)
            self._closures[page.id] = closure
        if closure is None or now >= closure.until:
            return None
        return closure if closure.platforms is None or platform in closure.platforms else None


def _platforms(setting: tuple[tuple[Manners, ...], tuple[Manners, ...]]) -> frozenset[Platform] | None:
    for each in (*setting[0], *setting[1]):
        if each.regain_minutes is not None or any(step.regain_minutes is not None for step in each.script.values()):
            return each.platforms
    return None
