"""What can go wrong with a database, in words for the person who must act."""


class StoreError(Exception):
    """The database cannot be used as wanted; the sentence says why and what to do. Nothing saved before is lost."""


class StoreMissing(StoreError):
    """There is no database there."""


class StoreForeign(StoreError):
    """What is there is no database of ours, or one of a newer or older schema."""


class StoreInUse(StoreError):
    """Another sync writes to this database."""


class StoreUnavailable(StoreError):
    """The database does not take writes: a full disk, a lock, missing rights, or a server that has gone away."""
