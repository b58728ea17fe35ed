"""A database in, one self-contained HTML file out: no network, no script but its own."""

from conversations_async.view.document import MARK, Written, write_view

__all__ = ["MARK", "Written", "write_view"]
