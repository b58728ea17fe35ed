"""A database that is always right: rows and cursor in one transaction."""

from conversations_async.sync.errors import StoreError, StoreForeign, StoreInUse, StoreMissing, StoreUnavailable
from conversations_async.sync.reading import Reader, open_reader

__all__ = ["Reader", "StoreError", "StoreForeign", "StoreInUse", "StoreMissing", "StoreUnavailable", "open_reader"]
