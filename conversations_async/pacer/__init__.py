"""Several processes on one machine share the pace of the same Inboxes through a file.

`turns` is what a session asks of any pacer, `line` the rule and its proof, `file` the SQLite file in which processes
find each other's lines, `processes` what can be known of them, and `shared` the pacer that sessions use.
"""

from typing import TYPE_CHECKING

from conversations_async.pacer.turns import Pacer, Turn

if TYPE_CHECKING:
    from conversations_async.pacer.shared import SharedPacer
else:

    def __getattr__(name: str) -> object:
        # It brings SQLite along: imported for who shares the pace.
        if name != "SharedPacer":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from conversations_async.pacer.shared import SharedPacer

        return SharedPacer


__all__ = ["Pacer", "SharedPacer", "Turn"]
