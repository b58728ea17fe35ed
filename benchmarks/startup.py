"""What an import costs, and `--help`: fresh interpreters, wall time from outside, bytecode cached as once installed."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.measuring import Plan, interleaved
from benchmarks.table import Figure, Row, at_most

_PACKAGE: Final = "import conversations_async; conversations_async.ConversationSession"
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "python": ("-c", "pass"),
    "aiohttp": ("-c", "import aiohttp"),
    "package": ("-c", f"import aiohttp; {_PACKAGE}"),
    "help": ("-m", "conversations_async", "--help"),
}

_BARE: Final = Row("startup", "import aiohttp", "import aiohttp - python -c pass", "ms", digits=0)
_LIBRARY: Final = Row(
    "startup",
    "the library, on top of aiohttp",
    "import aiohttp and ConversationSession - import aiohttp",
    "ms",
    at_most(120),
    0,
)
_HELP: Final = Row(
    "startup", "conversations-async --help", "the whole command, with the interpreter", "s", at_most(0.3)
)
ROWS: Final = (_BARE, _LIBRARY, _HELP)


def figures(plan: Plan) -> Iterator[Figure]:
    """Medians of the rounds' differences."""
    with tempfile.TemporaryDirectory() as cache:
        root = str(Path(__file__).parents[1])
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"PYTHONPYCACHEPREFIX": cache, "PYTHONPATH": root}
        runs = {name: partial(_seconds, command, environment) for name, command in COMMANDS.items()}
        # Cheap and noisy: more rounds than others take.
        took = interleaved(runs, 1 if plan.smoke else 3 * plan.rounds)
    yield Figure.of(_BARE, _differences(took["aiohttp"], took["python"]))
    yield Figure.of(_LIBRARY, _differences(took["package"], took["aiohttp"]))
    yield Figure.of(_HELP, took["help"])


def _differences(more: list[float], less: list[float]) -> list[float]:
    """Milliseconds, round by round."""
    return [1e3 * (one - other) for one, other in zip(more, less, strict=True)]


def _seconds(command: tuple[str, ...], environment: Mapping[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *command], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began
