"""What an import costs, and `--help`: fresh interpreters, bytecode cached as once installed.

The bars are about CPU time, which on an idle machine is the wall time, and elsewhere does not tell of the neighbours.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from attrs import frozen

from benchmarks.measuring import Plan, interleaved
from benchmarks.table import Bar, Figure, Row, at_most

_PACKAGE: Final = "import conversations_async; conversations_async.ConversationSession"
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "nothing": ("-c", "pass"),
    "aiohttp": ("-c", "import aiohttp"),
    "library": ("-c", f"import aiohttp; {_PACKAGE}"),
    "help": ("-m", "conversations_async", "--help"),
}


@frozen
class Took:
    """Milliseconds of one run, as the clock and as the CPU have it."""

    cpu: float
    wall: float


def _rows(name: str, formula: str, bar: Bar | None = None) -> dict[str, Row]:
    return {
        "cpu": Row("startup", f"{name}: CPU", formula, "ms", bar, 0),
        "wall": Row("startup", f"{name}: wall", formula, "ms", None, 0),
    }


_ROWS: Final = {
    "aiohttp": _rows("import aiohttp", "import aiohttp - an interpreter that does nothing"),
    "library": _rows("import of the library", "aiohttp and ConversationSession - aiohttp alone", at_most(120)),
    "help": _rows("conversations-async --help", "the whole command, with the interpreter", at_most(300)),
}
_LESS: Final = {"aiohttp": "nothing", "library": "aiohttp"}
"""What is taken off."""

_SHARE: Final = Row("startup", "import of the library: to aiohttp's", "CPU of the one / CPU of the other", "", None, 2)
"""How fast the machine is just then does not show in it."""

ROWS: Final = (*(row for rows in _ROWS.values() for row in rows.values()), _SHARE)


def figures(plan: Plan) -> Iterator[Figure]:
    """Medians over the rounds, of differences where something is taken off."""
    with tempfile.TemporaryDirectory() as cache:
        root = str(Path(__file__).parents[1])
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"PYTHONPYCACHEPREFIX": cache, "PYTHONPATH": root}
        runs = {name: partial(_took, command, environment) for name, command in COMMANDS.items()}
        # Short and noisy: more rounds than others take.
        took = interleaved(runs, 1 if plan.smoke else 8 * plan.rounds)
    for name, rows in _ROWS.items():
        for what, row in rows.items():
            whole, less = (
                [getattr(each, what) for each in took[key]] if key else [0.0] * len(took[name])
                for key in (name, _LESS.get(name))
            )
            yield Figure.of(row, [one - other for one, other in zip(whole, less, strict=True)])
    rounds = zip(*([each.cpu for each in took[name]] for name in ("library", "aiohttp", "nothing")), strict=True)
    yield Figure.of(_SHARE, [(library - aiohttp) / (aiohttp - nothing) for library, aiohttp, nothing in rounds])


def _took(command: tuple[str, ...], environment: Mapping[str, str]) -> Took:
    cpu, wall = _children(), time.perf_counter()
    subprocess.run([sys.executable, *command], env=environment, stdout=subprocess.DEVNULL, check=True)
    return Took(1e3 * (_children() - cpu), 1e3 * (time.perf_counter() - wall))


def _children() -> float:
    """CPU seconds of the processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
