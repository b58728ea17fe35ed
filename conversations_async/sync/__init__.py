"""A database that is always right: run the sync, kill it, run it again.

`async with ConversationSession() as session, SqliteStore("inbox.db") as store:`
`    report = await SyncJob(session, store, pages).run()`
"""

from conversations_async.sync.errors import StoreError, StoreForeign, StoreInUse, StoreMissing, StoreUnavailable
from conversations_async.sync.job import SyncJob, read_plan
from conversations_async.sync.plan import InboxPlan, SyncPlan
from conversations_async.sync.reading import Reader, open_reader
from conversations_async.sync.store import PostgresStore, SqliteStore, Store, open_store
from conversations_async.sync.values import InboxReport, Outcome, SyncReport

__all__ = [
    "InboxPlan",
    "InboxReport",
    "Outcome",
    "PostgresStore",
    "Reader",
    "SqliteStore",
    "Store",
    "StoreError",
    "StoreForeign",
    "StoreInUse",
    "StoreMissing",
    "StoreUnavailable",
    "SyncJob",
    "SyncPlan",
    "SyncReport",
    "open_reader",
    "open_store",
    "read_plan",
]
