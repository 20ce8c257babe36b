"""What /readyz says: whether this process can take traffic, and whether what is promised to people gets done.

Nothing here waits longer than config.look.PATIENCE, however the database or the cache hang.
"""

from datetime import datetime, timedelta
from functools import cache as once
from typing import Final

from django.core.cache import cache
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from config.caching import SharedCache
from config.look import PATIENCE, Look
from signatories import worker
from signatories.waiting import mail_went_out, waiting

OK: Final = "ok"
UNKNOWN: Final = "unknown"
# A publication takes seconds, a mail server that hangs twenty.
WORKER_SILENT_AFTER: Final = 120  # seconds
PUBLICATION_LATE_AFTER: Final = 120  # seconds past its time
# After a mail to thousands the last ones wait for long; nothing is wrong as long as some go out.
MAIL_LATE_AFTER: Final = timedelta(minutes=5)


def states() -> dict[str, str]:
    """Of database, migrations, cache and worker: "ok", or what is wrong, or "unknown" because something else is."""
    found = {"database": OK, "migrations": UNKNOWN, "cache": OK, "worker": UNKNOWN}
    # Both at once, so that together they take no longer than one.
    of_database, of_cache = _database.begin(), _cache.begin()
    try:
        found["migrations"], found["worker"] = of_database()
    except TimeoutError:
        found["database"] = f"has not answered within {PATIENCE:g} s"
    except Exception:  # noqa: BLE001 - its words may quote the password
        found["database"] = "does not answer"
    try:
        found["cache"] = of_cache()
    except TimeoutError:
        found["cache"] = f"has not answered within {PATIENCE:g} s"
    except Exception:  # noqa: BLE001 - redis has errors of its own, and so has each other cache
        found["cache"] = "does not answer"
    return found


def _ask_database() -> tuple[str, str]:
    try:
        return _migrations(), _worker(timezone.now())
    finally:
        connections.close_all()


def _migrations() -> str:
    applied = MigrationRecorder(connection).applied_migrations()
    if not _on_disk() - applied.keys():
        return OK
    # Where migrations were squashed, not all are applied and yet nothing is missing.
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "some are not applied" if plan else OK


@once
def _on_disk() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


def _worker(at: datetime) -> str:
    silent = worker.silent_for()
    if silent is not None and silent > WORKER_SILENT_AFTER:
        return f"has done nothing for {silent:.0f} s"
    owed = waiting(at=at)
    if owed.publication_overdue > PUBLICATION_LATE_AFTER:
        return f"has left a publication undone for {owed.publication_overdue:.0f} s"
    if timedelta(seconds=owed.mail_overdue) > MAIL_LATE_AFTER and not mail_went_out(
        since=at - MAIL_LATE_AFTER
    ):
        return f"has left a mail unsent for {owed.mail_overdue:.0f} s"
    return OK


def _ask_cache() -> str:
    cache.set("readyz", OK, 10)
    if SharedCache.is_away():
        return "does not answer"
    return OK if cache.get("readyz") == OK else "does not keep what it is given"


_database = Look(_ask_database)
_cache = Look(_ask_cache)
