"""Databases as the command line names them."""

from pathlib import Path
from urllib.parse import urlsplit


def name_of(target: str) -> str:
    """What to call a database: of a server's address only the database, since the rest may hold a password."""
    if "://" not in target:
        return Path(target).name
    try:
        return urlsplit(target).path.strip("/") or "PostgreSQL"
    except ValueError:
        return "PostgreSQL"
