"""`conversations-async emulate`."""

import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from conversations_async.cli.endings import refuse
from conversations_async.cli.lines import is_of_output, say

if TYPE_CHECKING:
    from conversations_async.emulator import GraphEmulator, World

_MARK: Final = "# Pages of the emulator: conversations-async emulate wrote this file and may write it anew.\n"


def emulate(
    *,
    port: Annotated[
        int,
        Parameter(
            help="Port for graph.facebook.com, the next one for graph.instagram.com; 8080 by itself, 0: any two."
        ),
    ] = 8080,
    pages: Annotated[int, Parameter(help="How many Pages; 20 by itself.")] = 20,
    threads: Annotated[int, Parameter(help="How many threads in each Inbox; 100 by itself.")] = 100,
    seed: Annotated[int, Parameter(help="The same seed, the same Pages and people; 1 by itself.")] = 1,
    write_pages: Annotated[
        Path | None, Parameter(help="Write a pages file for these Pages, with their tokens.")
    ] = None,
    instagram_logins: Annotated[
        int,
        Parameter(help="Write so many of the Pages, the last ones, as Instagram accounts reached by Instagram Login."),
    ] = 0,
    no_limits: Annotated[bool, Parameter(help="Let every call pass, however many come.")] = False,
    latency_ms: Annotated[float, Parameter(help="Milliseconds that a call takes; 0 by itself.")] = 0.0,
    surprises: Annotated[
        bool, Parameter(help="Give some Pages an illness each: a dead token, refusals, odd answers.")
    ] = False,
) -> int:
    """Run the verb that `cli.verbs` describes, and give its exit status."""
    for option, value, least in (
        ("--port", port, 0),
        ("--pages", pages, 1),
        ("--threads", threads, 0),
        ("--instagram-logins", instagram_logins, 0),
    ):
        if value < least:
            refuse(f"{option} takes a whole number from {least} up")
    for option, value, most in (("--pages", pages, 100_000), ("--threads", threads, 10_000_000)):
        if value > most:
            refuse(f"{option} takes a whole number up to {most}")
    if port > 65534:
        refuse("--port takes a number up to 65534: the next port is used as well")
    if not 0 <= latency_ms <= 600_000:
        refuse("--latency-ms takes milliseconds from 0 to 600000")
    if instagram_logins > pages:
        refuse("--instagram-logins takes no more than there are Pages")

    import asyncio

    from conversations_async.emulator import GraphEmulator, LimitRules, World

    world = World.seeded(pages=pages, threads=threads, seed=seed, surprises=surprises)
    limits = LimitRules.off() if no_limits else LimitRules()
    graph = GraphEmulator(world, limits=limits, latency=latency_ms / 1000, port=port, seed=seed)
    logins = list(world.pages)[pages - instagram_logins :]
    try:
        asyncio.run(_serve(graph, write_pages, logins))
    except KeyboardInterrupt:
        pass  # that is how it is ended
    except OSError as error:
        if is_of_output(error):
            raise
        refuse(f"--port {port}: cannot listen there: {(error.strerror or 'no such address').lower()}")
    say(f"ended after {len(graph.calls)} calls")
    return 0


async def _serve(graph: "GraphEmulator", write_pages: Path | None, logins: list[str]) -> None:
    import asyncio
    import signal

    ended = asyncio.Event()
    with suppress(NotImplementedError):  # not on Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with graph:
        if write_pages is not None:
            _write(graph.world, write_pages, logins)
        for line in _greeting(graph, write_pages):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        await ended.wait()


def _greeting(graph: "GraphEmulator", write_pages: Path | None) -> list[str]:
    lines = [
        f"graph.facebook.com is at   {graph.base_url}",
        f"graph.instagram.com is at  {graph.instagram_url}",
        f"Pages {min(graph.world.pages, key=int)} to {max(graph.world.pages, key=int)}",
    ]
    lines += [f"Page {page_id}: {surprise}" for page_id, surprise in graph.world.surprises.items()]
    if write_pages is not None:
        lines.append("Try:")
        lines.append(
            f"  conversations-async threads --pages {shlex.quote(str(write_pages))} "
            f"--base-url {graph.base_url} --instagram-url {graph.instagram_url}"
        )
        lines.append("For the verb pages see the second line of that file.")
    else:
        lines.append("With --write-pages pages.toml it also writes a pages file for the other verbs.")
    return [*lines, "Ctrl-C ends it."]


def _write(world: "World", path: Path, logins: list[str]) -> None:
    """A pages file that only its owner may read. Somebody's own pages file is not written over."""
    from conversations_async.emulator import write_pages_file

    try:
        if path.exists() and (path.stat().st_size and not path.read_bytes().startswith(_MARK.encode())):
            refuse(f"--write-pages: {path} is there already and not of the emulator's making; name another file")
        # Among the Pages' own tokens, in a file that only its owner may read.
        head = f"{_MARK}# For the verb pages: CONVERSATIONS_USER_TOKEN={world.user.token}\n"
        write_pages_file(world, path, instagram_login=logins, head=head)
    except OSError as error:
        refuse(f"--write-pages: {path} cannot be written: {(error.strerror or '').lower()}")
