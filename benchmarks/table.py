"""The one table of the suite: what a row is, when its bar is met, how it is shown, in a terminal and in the docs.

A row is declared once, beside the code that measures it, with its formula and its bar. A figure is what a run found for
it: the median of its rounds, with the least and the most. Whether the bar is met is computed from that alone.
"""

import re
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, Final, Self

from attrs import frozen

BEGIN: Final = "<!-- the table, written by python -m benchmarks --write-docs -->"
END: Final = "<!-- end of the table -->"


@frozen
class Bar:
    """What is to be reached: at least, or at most."""

    limit: float
    at_least: bool

    def admits(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


def at_least(limit: float) -> Bar:
    return Bar(limit, True)


def at_most(limit: float) -> Bar:
    return Bar(limit, False)


@frozen
class Row:
    """What is measured: by which formula, in which unit (none for a ratio), and what it has to reach."""

    part: str
    name: str
    formula: str
    unit: str = ""
    bar: Bar | None = None
    digits: int = 2

    def shown(self, value: float) -> str:
        return f"{value:,.{self.digits}f} {self.unit}".rstrip()

    @property
    def shown_bar(self) -> str:
        if self.bar is None:
            return ""
        return f"{'≥' if self.bar.at_least else '≤'} {self.shown(self.bar.limit)}"


@frozen
class Figure:
    """What a run found for a row."""

    row: Row
    value: float
    least: float
    most: float

    @classmethod
    def of(cls, row: Row, rounds: Iterable[float]) -> Self:
        """The median of the rounds. Raises StatisticsError where there are none."""
        found = tuple(rounds)
        return cls(row, median(found), min(found), max(found))

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where there is none."""
        return None if self.row.bar is None else self.row.bar.admits(self.value)

    @property
    def verdict(self) -> str:
        return {True: "met", False: "MISSED", None: ""}[self.met]

    @property
    def spread(self) -> str:
        """The least and the most of the rounds, where there was more than one outcome."""
        if self.least == self.most:
            return ""
        return f"{self.least:,.{self.row.digits}f}–{self.most:,.{self.row.digits}f}"

    @property
    def cells(self) -> tuple[str, ...]:
        """The columns of the table, as `HEADINGS` has them."""
        row = self.row
        return row.part, row.name, row.shown(self.value), self.spread, row.shown_bar, self.verdict, row.formula

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The same without bar and verdict: of a run too small to judge by."""
        return *self.cells[:4], "", "", self.cells[-1]

    def as_json(self) -> dict[str, Any]:
        bar = self.row.bar
        return {
            "part": self.row.part,
            "name": self.row.name,
            "value": self.value,
            "least": self.least,
            "most": self.most,
            "unit": self.row.unit,
            "formula": self.row.formula,
            "bar": None if bar is None else {"at_least" if bar.at_least else "at_most": bar.limit},
            "met": self.met,
        }


HEADINGS: Final = ("part", "what", "figure", "rounds", "bar", "verdict", "formula")
_WIDTHS: Final = (8, 50, 12, 14, 10, 8)


def line(cells: Sequence[str]) -> str:
    """A line of the table for a terminal."""
    padded = (f"{cell:{width}}" for cell, width in zip(cells, _WIDTHS, strict=False))
    return " ".join((*padded, cells[-1])).rstrip()


def missed(figures: Iterable[Figure]) -> list[str]:
    """The rows whose bar is missed."""
    return [f"{figure.row.part}: {figure.row.name}" for figure in figures if figure.met is False]


# -- in the docs -------------------------------------------------------------------------------------------------------


def rows_in(document: str) -> dict[tuple[str, str], str]:
    """The lines of the table in a document, by part and name. Raises ValueError where there is no table."""
    found = re.search(f"{re.escape(BEGIN)}\n(.*?){re.escape(END)}", document, re.DOTALL)
    if found is None:
        raise ValueError("the document has no place for the table")
    lines = [each for each in found[1].splitlines() if each.startswith("| ")][1:]
    return {tuple(cell.strip() for cell in each.split("|")[1:3]): each for each in lines}  # type: ignore[misc]  # two cells: part and name


def written_into(document: str, figures: Iterable[Figure], rows: Iterable[Row]) -> str:
    """The document with these figures in its table; rows not measured now keep their lines, unknown ones go.

    In the order of `rows`, which are all there are.
    """
    lines = rows_in(document) | {
        (figure.row.part, figure.row.name): f"| {' | '.join(figure.cells)} |" for figure in figures
    }
    order = [(row.part, row.name) for row in rows]
    table = [
        f"| {' | '.join(HEADINGS)} |",
        "|---" * len(HEADINGS) + "|",
        *(lines[key] for key in order if key in lines),
    ]
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n" + "\n".join(table) + f"\n\n{END}{tail}"
