"""The table of samples: one tuple of frozen rows per kind. README.md says how to read and extend it."""

from typing import Final

from samples.rows import SAMPLES_DIR, Sample
from samples.table_accounts import ACCOUNTS
from samples.table_batch import BATCH
from samples.table_errors import ERRORS
from samples.table_headers import HEADERS
from samples.table_messages import MESSAGE, MESSAGES
from samples.table_thread import THREAD
from samples.table_threads import THREADS

ALL: Final[tuple[Sample, ...]] = (*THREADS, *THREAD, *MESSAGES, *MESSAGE, *ERRORS, *HEADERS, *BATCH, *ACCOUNTS)

__all__ = ["ACCOUNTS", "ALL", "BATCH", "ERRORS", "HEADERS", "MESSAGE", "MESSAGES", "SAMPLES_DIR", "THREAD", "THREADS"]
