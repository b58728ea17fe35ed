"""The whole suite in one table: every figure beside its bar, with the verdict computed from it.

    python -m benchmarks [--parts floor,layers,peers,scale,startup] [--size usual] [--rounds 7]

Exits with 1 if a bar is missed. Figures are ratios of what was measured in one run, in interleaved rounds, the client
on one core and the server on another. Sizes: `smoke` takes seconds and judges nothing, `usual` some minutes, `full`
adds 10,000 Inboxes. `--json` prints the figures as JSON, `--write-docs` writes them into docs/performance.md.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks import floor, layers, peers, scale, startup
from benchmarks.measuring import Plan, cores, stay_on, versions
from benchmarks.table import HEADINGS, Figure, Row, line, missed, written_into

PARTS: Final[dict[str, Callable[[Plan], Iterator[Figure]]]] = {
    "floor": floor.figures,
    "layers": layers.figures,
    "peers": peers.figures,
    "scale": scale.figures,
    "startup": startup.figures,
}
ROWS: Final[tuple[Row, ...]] = (*floor.ROWS, *layers.ROWS, *peers.ROWS, *scale.ROWS, *startup.ROWS)
DOCS: Final = Path(__file__).parents[1] / "docs" / "performance.md"


def machine() -> str:
    """What the figures were measured on, in general words."""
    where = "client and server on a core each" if cores()[1] is not None else "client and server on the same cores"
    return f"{versions()}, {os.cpu_count()} cores, {where}"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    plan = Plan(options.size, options.rounds, options.threads_per_call)
    # The table is for people: where the output is JSON it goes to the other stream.
    told = sys.stderr if options.json else sys.stdout
    print(machine(), line(HEADINGS), sep="\n\n", file=told)
    judged = not plan.smoke and cores()[1] is not None
    stay_on(cores()[0])
    found = []
    for part in options.parts:
        for figure in PARTS[part](plan):
            found.append(figure)
            print(line(figure.cells if judged else figure.unjudged), file=told, flush=True)
    if options.json:
        print(json.dumps({"machine": machine(), "figures": [figure.as_json() for figure in found]}, indent=1))
    if options.write_docs and judged:
        DOCS.write_text(written_into(DOCS.read_text("utf-8"), found, ROWS), "utf-8")
    if not judged:
        why = "too small to judge by" if plan.smoke else "not judged: the client and the server shared a core"
        print(f"\n{why}", file=told)
        return 0
    bars, misses = sum(figure.met is not None for figure in found), missed(found)
    print(f"\n{bars - len(misses)} of {bars} bars met", *misses, sep="\nmissed: ", file=told)
    measured = {figure.row for figure in found}
    for row in ROWS:
        if row.part in options.parts and row.bar is not None and row not in measured:
            print(f"not measured at this size: {row.part}: {row.name}", file=told)
    return 1 if misses else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", type=_parts, default=list(PARTS), help=f"some of {','.join(PARTS)}; by itself all")
    parser.add_argument("--size", choices=("smoke", "usual", "full"), default="usual")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads-per-call", type=int, default=25, help="of the listings of many Inboxes")
    parser.add_argument("--json", action="store_true", help="JSON on stdout, the table on stderr")
    parser.add_argument("--write-docs", action="store_true", help="write the table of docs/performance.md")
    options = parser.parse_args(arguments)
    if options.write_docs and options.size == "smoke":
        parser.error("a smoke run is too small for the docs")
    if options.write_docs and options.threads_per_call != 25:
        parser.error("the docs speak of 25 threads a call")
    if min(options.rounds, options.threads_per_call) < 1:
        parser.error("--rounds and --threads-per-call are 1 or more")
    return options


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        raise argparse.ArgumentTypeError(f"there is no part {unknown[0]!r}")
    return parts


if __name__ == "__main__":
    sys.exit(main())
