"""`conversations-async find`: the thread with one person."""

from pathlib import Path

from cli.commands import Run, at
from conversations_async import Platform
from conversations_async.emulator import GraphEmulator, Manners


def test_the_thread_with_a_person_is_one_line(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    thread = graph.world.threads("1002", Platform.INSTAGRAM)[17]
    ended = command("find", "--pages", pages_file, "--page", "1002", "--user-id", thread.person.id, *at(graph))
    assert ended.status == 0
    assert [(line["platform"], line["id"]) for line in ended.lines] == [("instagram", thread.id)]
    assert ended.told == []
    assert len(graph.calls) == 2


def test_a_person_without_a_thread_is_a_sentence_and_status_0(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    ended = command("find", "--pages", pages_file, "--page", "1002", "--user-id", "5", *at(graph))
    assert (ended.status, ended.out) == (0, "")
    assert ended.told == ["Page 1002 has no thread with person 5 on messenger or instagram"]


def test_a_page_that_cannot_be_asked_is_no_page_without_a_thread(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    graph.world.pages["1002"].manners = Manners(dead_token=True)
    ended = command("find", "--pages", pages_file, "--page", "1002", "--user-id", "5", *at(graph))
    assert (ended.status, ended.out) == (4, "")
    assert all("token rejected" in line for line in ended.told)


def test_where_one_platform_could_not_be_asked_only_the_other_is_said_to_have_none(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    graph.world.pages["1002"].manners = Manners(dead_token=True, platforms=[Platform.INSTAGRAM])
    ended = command("find", "--pages", pages_file, "--page", "1002", "--user-id", "5", *at(graph))
    assert ended.status == 3
    assert ended.told[-1] == "Page 1002 has no thread with person 5 on messenger"
