"""`conversations-async usage`: how each Inbox stands, for one call each."""

from pathlib import Path

from cli.commands import Run, at
from conversations_async import Inbox, Platform, PoolUsage, RateLimited, Usage
from conversations_async.cli.usage import Standing, standings_table
from conversations_async.emulator import GraphEmulator, Manners


def test_every_inbox_costs_one_call_and_gives_one_line(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.pages["1001"].manners = Manners(usage_percent=144)
    ended = command("usage", "--pages", pages_file, *at(graph))
    assert ended.status == 0
    assert [(line["page_id"], line["platform"]) for line in ended.lines] == [
        (page, platform) for page in ("1001", "1002", "1003") for platform in ("messenger", "instagram")
    ]
    assert len(graph.calls) == 6
    assert {(call.params["limit"], call.params["fields"]) for call in graph.calls} == {("1", "updated_time,id")}
    first = ended.lines[0]
    assert list(first) == ["page_id", "platform", "percent", "regain_after", "refused", "pools"]
    assert first["percent"] == 144
    assert first["pools"][0].keys() == {
        "kind", "id", "call_count", "total_cputime", "total_time", "regain_after",
    }  # fmt: skip


def test_a_closed_pool_is_a_standing_and_no_failure(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.pages["1001"].manners = Manners(refuse=80006, regain_minutes=3, platforms=[Platform.MESSENGER])
    ended = command("usage", "--pages", pages_file, "--page", "1001", "--platform", "messenger", *at(graph))
    assert ended.status == 0
    (line,) = ended.lines
    assert line["refused"] == 80006
    assert 170 < line["regain_after"] <= 180


def test_where_meta_says_nothing_the_line_says_so(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.manners = Manners(usage_header="absent")
    ended = command("usage", "--pages", pages_file, "--page", "1001", "--platform", "messenger", *at(graph))
    assert ended.lines[0]["percent"] is None
    assert ended.lines[0]["pools"] == []


def test_a_dead_page_is_told_and_the_others_are_shown(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.pages["1002"].manners = Manners(dead_token=True)
    ended = command("usage", "--pages", pages_file, *at(graph))
    assert ended.status == 3
    assert len(ended.lines) == 4
    assert [line.partition(":")[0] for line in sorted(ended.told)] == [
        "Page 1002 on instagram",
        "Page 1002 on messenger",
    ]


def test_the_table_has_a_row_for_each_pool() -> None:
    from rich.console import Console

    inbox = Inbox("1001", Platform.MESSENGER)
    usage = Usage((PoolUsage("messenger", "1001", 80, 3, 2, 240), PoolUsage("app", "", 1)))
    console = Console(width=80, record=True)
    with console.capture() as captured:
        refusal = RateLimited("no", 613, inbox=inbox, retry_after=9.0)
        console.print(standings_table([Standing(inbox, usage), Standing(inbox, None, refusal), Standing(inbox, None)]))
    rows = [line.split() for line in captured.get().splitlines()]
    assert rows == [
        ["Page", "Platform", "Pool", "Calls", "CPU", "Time", "Opens", "in"],
        ["1001", "messenger", "messenger", "80", "%", "3", "%", "2", "%", "240", "s"],
        ["1001", "messenger", "app", "1", "%", "0", "%", "0", "%"],
        ["1001", "messenger", "refused,", "code", "613", "9", "s"],
        ["1001", "messenger", "nothing", "said"],
    ]
