"""`conversations-async usage`: how each Inbox stands, for one call each."""

from pathlib import Path

from cli.commands import Run, at
from conversations_async import Inbox, Platform, Pool, PoolUsage, Standing, Usage
from conversations_async.cli.usage import standings_table
from conversations_async.emulator import GraphEmulator, Manners
from conversations_async.limits import ClosedPool, EasedPool


def test_every_inbox_costs_one_call_and_gives_one_line(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.pages["1001"].manners = Manners(usage_percent=144)
    ended = command("usage", "--pages", pages_file, *at(graph))
    assert ended.status == 0
    assert [(line["page_id"], line["platform"]) for line in ended.lines] == [
        (page, platform) for page in ("1001", "1002", "1003") for platform in ("messenger", "instagram")
    ]
    assert len(graph.calls) == 6
    assert graph.peak_connections <= 6, "one session for all"
    assert {(call.params["limit"], call.params["fields"]) for call in graph.calls} == {("1", "updated_time,id")}
    first = ended.lines[0]
    assert list(first) == [
        *("page_id", "platform", "next_call_in", "calls", "percent", "regain_after", "pools", "closed", "eased")
    ]
    assert first["percent"] == 144
    assert first["pools"][0].keys() == {
        "kind", "id", "call_count", "total_cputime", "total_time", "regain_after",
    }  # fmt: skip


def test_a_closed_pool_is_a_standing_and_no_failure(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.pages["1001"].manners = Manners(refuse=80006, regain_minutes=3, platforms=[Platform.MESSENGER])
    ended = command("usage", "--pages", pages_file, "--page", "1001", "--platform", "messenger", *at(graph))
    assert ended.status == 0
    (line,) = ended.lines
    (closed,) = line["closed"]
    assert (closed["kind"], closed["id"], closed["code"]) == ("messenger", "1001", 80006)
    assert 170 < line["next_call_in"] <= closed["seconds"] + 1 <= 181


def test_a_pool_that_one_inbox_found_closed_is_not_asked_by_the_others(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    graph.world.manners = Manners(refuse=4, slow=0.05)
    ended = command("usage", "--pages", pages_file, "--connections", 1, *at(graph))
    assert ended.status == 0
    assert len(graph.calls) == 1, "a refused call counts too, and makes a block longer"
    assert [[pool["code"] for pool in line["closed"]] for line in ended.lines] == [[4]] * 6


def test_a_pool_that_is_nearly_full_is_told_with_its_pace(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.manners = Manners(usage_percent=90)
    ended = command("usage", "--pages", pages_file, "--page", "1001", "--platform", "messenger", *at(graph))
    (eased,) = ended.lines[0]["eased"]
    assert (eased["kind"], eased["id"], eased["percent"]) == ("messenger", "1001", 90)
    assert 0 < ended.lines[0]["next_call_in"] <= max(1.0, eased["spacing"])


def test_a_graph_that_answers_nobody_is_a_failure_of_all(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.manners = Manners(html=502)
    ended = command("usage", "--pages", pages_file, "--max-wait", 0, *at(graph))
    assert (ended.status, ended.out, len(ended.told)) == (4, "", 6)


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
    console = Console(width=90, record=True)
    standings = [
        Standing(inbox, 0.0, usage=usage, eased=(EasedPool(Pool("messenger", "1001"), 80, 1.84),)),
        Standing(inbox, 9.0, closed=(ClosedPool(Pool("inbox", "1001/messenger"), 9.0, 613),)),
        Standing(inbox, None, closed=(ClosedPool(Pool("app"), None, 4),)),
        Standing(inbox, 0.0),
    ]
    with console.capture() as captured:
        console.print(standings_table(standings))
    rows = [" ".join(line.split()) for line in captured.get().splitlines()]
    assert rows == [
        "Page Platform Pool Calls CPU Time Opens in",
        "1001 messenger messenger: calls 1.8 s apart",
        "1001 messenger messenger 80 % 3 % 2 % 240 s",
        "1001 messenger app 1 % 0 % 0 %",
        "1001 messenger inbox: closed, code 613 9 s",
        "1001 messenger app: closed, code 4 not known",
        "1001 messenger nothing said",
    ]
