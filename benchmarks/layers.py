"""Where the work of a thread page goes: transport, answer, decode, walk, queue, hand-over, reading.

    python -m benchmarks.layers [--write]

100 threads with participants. Counted in instructions (valgrind's callgrind, the client only), which hardly differ from
run to run, so that a change of some percent shows; in CPU time where there is no valgrind. The counts of the last run
that was written are kept in `layers.txt`; without `--write` what changed since is told.

A layer is what its own call takes, on answers prepared beforehand. Two are differences: the queue (lanes, limits,
caller and events) is a session of thread pages over a transport that answers at once, less answer, decode and walk; the
hand-over is a session of threads, less that of thread pages. The rest is the whole over sockets, less all of these.
"""

import argparse
import asyncio
import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.measuring import Plan, cores, stay_on, versions
from benchmarks.server import Served, serving
from benchmarks.stages import INBOXES, STAGES
from benchmarks.table import Figure, Row

FILE: Final = Path(__file__).with_suffix(".txt")
SERVED: Final = Served(threads=100, calls=10)
LAYERS: Final = ("transport", "answer", "decode", "walk", "queue", "hand-over", "reading", "rest")

_MARK: Final = "sched_get_priority_max"
"""A call of libc's that nobody makes: callgrind closes a count where it is entered."""

Counts = dict[str, float]
"""Thousands of instructions (or µs) a thread page, by stage or layer."""

_SHARE: Final = "of the session's instructions (CPU without valgrind)"
_ROWS: Final = {layer: Row("layers", f"{layer}: share", _SHARE, "%", digits=1) for layer in LAYERS}
_FLOOR: Final = Row(
    "layers", "instructions: the floor to the session", "floor / session, reading some (CPU without valgrind)"
)
ROWS: Final = (*_ROWS.values(), _FLOOR)


def figures(plan: Plan) -> Iterator[Figure]:
    """Shares of the layers, and the floor to the whole."""
    stages = measure(counted=has_valgrind() and not plan.smoke, times=1 if plan.smoke else plan.rounds)
    layers = layers_of(stages)
    for layer, row in _ROWS.items():
        yield Figure.of(row, [100 * layers[layer] / stages["session"]])
    yield Figure.of(_FLOOR, [stages["floor"] / stages["session"]])


def has_valgrind() -> bool:
    return shutil.which("valgrind") is not None


def layers_of(stages: Mapping[str, float]) -> Counts:
    """What each layer takes, from what the stages took."""
    layers = {name: stages[name] for name in ("transport", "answer", "decode", "walk")}
    layers["queue"] = stages["thread pages"] - stages["answer"] - stages["decode"] - stages["walk"]
    layers["hand-over"] = stages["threads"] - stages["thread pages"]
    layers["reading"] = stages["reading"]
    layers["rest"] = stages["session"] - sum(layers.values())
    return layers


# -- counting ----------------------------------------------------------------------------------------------------------


def measure(*, counted: bool, times: int = 1) -> Counts:
    """What every stage takes for a thread page: thousands of instructions if counted, else µs of CPU.

    CPU is the best of some times; instructions are counted once.
    """
    times = 1 if counted else times
    with serving(SERVED) as server, tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.layers", "--stages", server.base_url, "--times", str(times)]
        if counted:
            out = f"--callgrind-out-file={folder}/out"
            command = ["valgrind", "--tool=callgrind", f"--dump-before={_MARK}", out, *command]
        root = str(Path(__file__).parents[1])
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": root, "PYTHONMALLOC": "pymalloc"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        if counted:
            return _counts(Path(folder))
    return {name: float(took) for name, took in (line.split("\t") for line in done.stdout.splitlines())}


def _counts(folder: Path) -> Counts:
    """The second count, the fourth and so on are those between the marks of a stage."""
    counts = {}
    for number, name in enumerate(STAGES):
        text = (folder / f"out.{2 * number + 2}").read_text("utf-8")
        found = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
        assert found is not None, "callgrind tells a total"
        counts[name] = int(found[1]) / 1e3 / (INBOXES * SERVED.calls)
    return counts


def _mark() -> None:
    if hasattr(os, "sched_get_priority_max"):
        os.sched_get_priority_max(os.SCHED_FIFO)


async def run_stages(base_url: str, times: int, served: Served = SERVED) -> Counts:
    """Each stage once to warm up and then between two marks; CPU µs a thread page, the best of some times."""
    found = {}
    for name, make in STAGES.items():
        await make(base_url, served)()
        found[name] = min([await _timed(make(base_url, served)) / (INBOXES * served.calls) for _ in range(times)])
    return found


async def _timed(run: Callable[[], Awaitable[object]]) -> float:
    """µs of CPU."""
    gc.collect()
    gc.freeze()  # what was prepared is not to be looked through while the stage runs
    _mark()
    began = time.process_time()
    await run()
    took = time.process_time() - began
    _mark()
    gc.unfreeze()
    return 1e6 * took


# -- the text under version control ------------------------------------------------------------------------------------


def text_of(stages: Mapping[str, float]) -> str:
    """What is kept: the layers, the whole and the floor, with their shares of the whole."""
    lines = [
        "# A thread page of 100 threads with participants, in thousands of instructions (callgrind), and shares of",
        "# the session's. Written by `python -m benchmarks.layers --write`.",
        f"# {versions()}",
    ]
    rows = layers_of(stages) | {"session": stages["session"], "floor": stages["floor"]}
    lines += [f"{name:12}{count:10,.1f}{100 * count / stages['session']:8.1f} %" for name, count in rows.items()]
    return "\n".join(lines) + "\n"


def read_text(text: str) -> Counts:
    """The counts of a text that `text_of` wrote."""
    lines = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(count.replace(",", "")) for name, count, *_ in lines}


def changes(before: Mapping[str, float], now: Mapping[str, float], *, least: float = 0.02) -> list[str]:
    """What differs by more than that share of the whole, in words."""
    whole = before["session"]
    return [
        f"{name}: {before[name]:,.1f} -> {count:,.1f} k ({100 * (count - before[name]) / whole:+.1f} % of the whole)"
        for name, count in now.items()
        if abs(count - before[name]) > least * whole
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.layers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help=f"keep the counts in {FILE.name}")
    parser.add_argument("--stages", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stages:
        for name, took in asyncio.run(run_stages(options.stages, options.times)).items():
            print(name, took, sep="\t")
        return 0
    if not has_valgrind():
        parser.error("valgrind is not installed; `python -m benchmarks --parts layers` does without")
    stay_on(cores()[0])
    text = text_of(measure(counted=True))
    print(text, end="")
    if options.write:
        FILE.write_text(text, "utf-8")
        return 0
    known = FILE.read_text("utf-8")
    if versions() not in known:
        print(f"\nnot comparable: {FILE.name} was measured with other versions")
        return 0
    print("", *(changes(read_text(known), read_text(text)) or ["nothing changed"]), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
