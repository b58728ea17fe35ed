"""The command line: arguments in, one call, lines out.

Nothing is configured by importing it, and nothing heavy is imported before a verb is known: `--help` answers at once.
What is imported is imported inside the `try`, so that a Ctrl-C meanwhile ends like any other.
"""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and say how it ended, as an exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        from conversations_async.cli.lines import ready_streams

        ready_streams()

        from conversations_async.cli.app import run

        status = run(given)
        sys.stdout.flush()
    except BaseException as error:  # every ending of a run has its sentence and its status
        from conversations_async.cli.endings import ended_badly

        return ended_badly(error, given)
    return status
