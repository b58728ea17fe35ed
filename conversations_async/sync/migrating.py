"""Leading a database forward to the schema of this version, each step and its record in one transaction."""

from conversations_async.sync.database import Database
from conversations_async.sync.moments import moment_text
from conversations_async.sync.recognising import refuse_schema
from conversations_async.sync.schema import MIGRATIONS, RECORD


def migrate(database: Database) -> None:
    """Apply what is missing. Raises StoreForeign for a schema newer than this version knows."""
    for migration in MIGRATIONS:
        database.begin()
        try:
            if database.dialect == "postgres":
                # Two that begin at once: the second waits, and finds it done.
                database.run("SELECT pg_advisory_xact_lock(7411046193150062)")
            database.run(RECORD)
            newest = database.rows("SELECT max(number) FROM schema_migrations")[0][0]
            refuse_schema(newest, opened_to_write=True)
            if (newest or 0) < migration.number:
                for statement in migration.told_to(database.dialect):
                    database.run(statement)
                database.run(
                    "INSERT INTO schema_migrations (number, name, applied_at) VALUES (?, ?, ?)",
                    (migration.number, migration.name, moment_text()),
                )
            database.commit()
        except BaseException:
            database.rollback()
            raise
