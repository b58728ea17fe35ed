"""A database taken elsewhere: JSON lines, CSV or Parquet, streamed table by table."""

from conversations_async.export.files import Kind, file_names, write_export
from conversations_async.export.formats import FormatUnavailable

__all__ = ["FormatUnavailable", "Kind", "file_names", "write_export"]
