"""Several processes on one machine share the pace of the same Inboxes through a file.

`turns` is what a session asks of any pacer, `line` the rule and its proof, `file` the SQLite file in which processes
find each other's lines, `processes` what can be known of them, and `shared` the pacer that sessions use.
"""

from conversations_async.pacer.shared import SharedPacer
from conversations_async.pacer.turns import Pacer, Turn

__all__ = ["Pacer", "SharedPacer", "Turn"]
