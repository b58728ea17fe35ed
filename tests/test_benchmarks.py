"""The benchmark suite at its smallest: its arithmetic, its one table, and that what it runs reads every thread.

No figure that hangs on this machine's speed is asserted: those are the suite's own business.
"""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import __main__ as suite
from benchmarks import layers
from benchmarks.crowd import CREDITS, ROUND_TRIPS, Job, crowd
from benchmarks.measuring import Plan, interleaved, ratios
from benchmarks.scale import ideal
from benchmarks.server import Served, serving
from benchmarks.stages import STAGES
from benchmarks.store import main as measure_store
from benchmarks.table import BEGIN, END, Bar, Figure, Row, at_least, at_most, missed, rows_in, written_into

DOCUMENT = f"# A page\n\n{BEGIN}\n{END}\n\nThe end.\n"


def row(name: str = "a ratio", bar: Bar | None = None) -> Row:
    return Row("floor", name, "one / other", "", bar)


# -- a figure and its bar ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bar", "value", "verdict"),
    [
        (at_least(0.8), 0.8, "met"),
        (at_least(0.8), 0.7999, "MISSED"),
        (at_most(1.1), 1.1, "met"),
        (at_most(1.1), 1.1001, "MISSED"),
        (None, 0.0, ""),
    ],
)
def test_the_verdict_is_computed_from_figure_and_bar(bar: Bar | None, value: float, verdict: str) -> None:
    assert Figure.of(row(bar=bar), [value]).verdict == verdict


def test_a_figure_is_the_median_of_its_rounds_and_one_wild_round_does_not_move_it() -> None:
    figure = Figure.of(row(), [0.9, 50.0, 1.1])
    assert (figure.value, figure.least, figure.most) == (1.1, 0.9, 50.0)
    assert figure.spread == "0.90–50.00"


def test_a_single_outcome_has_no_spread() -> None:
    assert Figure.of(row(), [2.0]).spread == ""


def test_a_line_shows_figure_bar_verdict_and_formula() -> None:
    figure = Figure.of(Row("scale", "memory", "peak - start", "MB", at_most(30), 1), [16.54])
    assert figure.cells == ("scale", "memory", "16.5 MB", "", "≤ 30.0 MB", "met", "peak - start")


def test_only_rows_with_a_bar_can_miss() -> None:
    figures = [Figure.of(row("free"), [0.0]), Figure.of(row("low", at_least(1)), [0.5]), Figure.of(row("high"), [9.0])]
    assert missed(figures) == ["floor: low"]


# -- rounds ------------------------------------------------------------------------------------------------------------


def test_rounds_are_interleaved_begin_with_another_run_each_and_leave_the_first_one_out() -> None:
    ran: list[str] = []

    def run(name: str) -> str:
        ran.append(name)
        return f"{name}{len(ran)}"

    found = interleaved({"a": lambda: run("a"), "b": lambda: run("b")}, 2)
    assert "".join(ran) == "baabba"
    assert found == {"a": ["a3", "a6"], "b": ["b4", "b5"]}


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([1.0, 9.0], [2.0, 3.0]) == [0.5, 3.0]
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 9.0], [2.0])


def test_the_ideal_is_the_slowest_inbox_or_the_whole_core() -> None:
    assert ideal(calls=20, slowest=20, per_second=5_000) == 10.0
    assert ideal(calls=200_000, slowest=20, per_second=5_000) == 40.0


# -- the table in the docs ---------------------------------------------------------------------------------------------


def test_a_table_written_is_the_table_read() -> None:
    rows = [row("first", at_least(1)), row("second")]
    document = written_into(DOCUMENT, [Figure.of(rows[1], [2.0]), Figure.of(rows[0], [0.5])], rows)
    assert list(rows_in(document)) == [("floor", "first"), ("floor", "second")]
    assert document.startswith("# A page\n")
    assert document.endswith("\n\nThe end.\n")


def test_rows_not_measured_keep_their_lines_and_rows_that_are_no_more_go() -> None:
    rows = [row("first"), row("second"), row("third")]
    before = written_into(DOCUMENT, [Figure.of(each, [1.0]) for each in rows], rows)
    after = rows_in(written_into(before, [Figure.of(rows[1], [2.0])], rows[:2]))
    assert list(after) == [("floor", "first"), ("floor", "second")]
    assert "1.00" in after["floor", "first"]
    assert "2.00" in after["floor", "second"]


def test_no_two_rows_have_the_same_name() -> None:
    names = [(each.part, each.name) for each in suite.ROWS]
    assert len(set(names)) == len(names)
    assert {part for part, _ in names} == set(suite.PARTS)


def test_the_docs_show_rows_that_there_are_with_their_bars_and_formulas_and_every_bar() -> None:
    rows = {(each.part, each.name): each for each in suite.ROWS}
    lines = rows_in(suite.DOCS.read_text("utf-8"))
    for key, line in lines.items():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert key in rows, "run python -m benchmarks --write-docs"
        assert (cells[4], cells[6]) == (rows[key].shown_bar, rows[key].formula), key
    assert {key for key, each in rows.items() if each.bar is not None} <= set(lines)


def test_the_docs_say_how_many_inboxes_a_core_keeps_as_the_table_has_it() -> None:
    document = suite.DOCS.read_text("utf-8")
    pattern = r"about\s+([\d,]+) Inboxes .*?100 threads a call.*?about ([\d,]+) with five nested"
    said = re.search(pattern, document, re.DOTALL)
    assert said is not None
    lines = rows_in(document)
    for number, shape in zip(said.groups(), ("100 threads a call", "100, 5 nested messages"), strict=True):
        figure = lines["floor", f"{shape}: Inboxes a core keeps at pace"].split("|")[3]
        kept = float(figure.replace(",", "")) * 5 / 6
        assert float(number.replace(",", "")) == pytest.approx(kept, rel=0.25), shape


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the one row of the one part comes to; its bar is at least 1."""
    values: list[float] = []

    def figures(_plan: Plan) -> Iterator[Figure]:
        yield Figure.of(row(bar=at_least(1)), values)

    monkeypatch.setattr(suite, "PARTS", {"floor": figures})
    monkeypatch.setattr(suite, "ROWS", (row(bar=at_least(1)),))
    monkeypatch.setattr(suite, "stay_on", lambda core: None)
    return values


@pytest.mark.parametrize(("value", "arguments", "status"), [(1.0, [], 0), (0.9, [], 1), (0.9, ["--size", "smoke"], 0)])
def test_a_missed_bar_is_the_exit_status_but_of_a_smoke_run(
    found: list[float], value: float, arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found.append(value)
    assert suite.main(arguments) == status
    assert ("missed: floor: a ratio" in capsys.readouterr().out) is (status == 1)


def test_json_is_alone_on_stdout(found: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    found += [1.0, 2.0, 4.0]
    assert suite.main(["--json"]) == 0
    printed = capsys.readouterr()
    (figure,) = json.loads(printed.out)["figures"]
    assert (figure["value"], figure["bar"], figure["met"]) == (2.0, {"at_least": 1}, True)
    assert "a ratio" in printed.err


def test_the_docs_are_written_on_request(found: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found.append(3.0)
    docs = tmp_path / "performance.md"
    docs.write_text(DOCUMENT, "utf-8")
    monkeypatch.setattr(suite, "DOCS", docs)
    assert suite.main(["--write-docs"]) == 0
    assert "3.00" in rows_in(docs.read_text("utf-8"))["floor", "a ratio"]


def test_a_part_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        suite.main(["--parts", "ceiling"])
    assert ended.value.code == 2
    assert "there is no part 'ceiling'" in capsys.readouterr().err


# -- layers ------------------------------------------------------------------------------------------------------------

COUNTS = {
    "transport": 500.0,
    "answer": 300.0,
    "decode": 200.0,
    "walk": 100.0,
    "reading": 50.0,
    "thread pages": 1_000.0,
    "threads": 1_100.0,
    "session": 1_700.0,
    "floor": 800.0,
}


def test_the_layers_make_up_the_whole() -> None:
    found = layers.layers_of(COUNTS)
    assert (found["queue"], found["hand-over"], found["rest"]) == (400.0, 100.0, 50.0)
    assert sum(found.values()) == COUNTS["session"]
    assert tuple(found) == layers.LAYERS


def test_a_change_of_a_layer_shows_and_noise_does_not() -> None:
    before = layers.read_text(layers.text_of(COUNTS))
    now = layers.read_text(layers.text_of(COUNTS | {"decode": 260.0, "walk": 101.0}))
    (change,) = [each for each in layers.changes(before, now) if each.startswith("decode")]
    assert change == "decode: 200.0 -> 260.0 k (+3.5 % of the whole)"
    assert not [each for each in layers.changes(before, now) if each.startswith("walk")]


def test_what_is_kept_tells_every_layer() -> None:
    kept = layers.read_text(layers.FILE.read_text("utf-8"))
    assert set(kept) == {*layers.LAYERS, "session", "floor"}


# -- what is run -------------------------------------------------------------------------------------------------------


def test_every_stage_runs_and_takes_time() -> None:
    served = Served(threads=3, calls=2)
    with serving(served) as server:
        found = asyncio.run(layers.run_stages(server.base_url, 1, served))
        spent = server.spent()
    assert set(found) == set(STAGES)
    assert min(found.values()) > 0
    # Transport, session and floor each go over sockets twice.
    assert spent.answers == 3 * 2 * 4 * served.calls


def test_a_crowd_is_read_to_the_end() -> None:
    served = Served(threads=3, calls=2)
    with serving(served) as server:
        seen = crowd(Job(server.base_url, served, inboxes=5))
        answers = server.spent().answers
    assert seen.threads == 5 * 2 * 3
    assert answers == 5 * 2 + ROUND_TRIPS
    assert 0 < seen.first <= seen.wall
    assert len(seen.marks) == seen.threads


def test_a_crowd_stops_where_it_is_told_to_and_the_server_knows_how_far_ahead_it_was() -> None:
    served = Served(threads=3, calls=2)
    with serving(served) as server:
        seen = crowd(Job(server.base_url, served, inboxes=5, threads=6, pause=0.001))
        answers = server.spent().answers
    assert seen.threads == 6
    assert 0 <= answers - ROUND_TRIPS - 2 <= CREDITS


def test_the_store_is_measured_beside_the_session(capsys: pytest.CaptureFixture[str]) -> None:
    measure_store(["--inboxes", "2", "--calls", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert [line[:20].rstrip() for line in lines[:3]] == ["the session alone", "the store alone", "the sync"]
    assert lines[3].startswith("the store takes ")
