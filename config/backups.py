"""All that the database holds as one file, and a database made of it: SQLite and PostgreSQL have the same.

A backup is a ZIP file with a member for each table, `<app>.<model>.jsonl`: a row is a line of JSON, in the order of the
primary keys, bytes in base64, times as in ISO 8601. The last member, `manifest.json`, says what there has to be:

    {"format": 1, "made_at": "2026-11-24T09:00:00+00:00", "version": "0.1.0",
     "migrations": ["letter.0001_letters_editions_listings", …],
     "tables": {"letter.letter": {"rows": 1, "sha256": "…"}, …}}

The tables are those that the applied migrations have made, read and written by the models of that state and not by
today's: so a database that is not migrated yet can be saved, and an older backup is restored and then migrated.
"""

import base64
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from config import VERSION
from letter.archiving import one_moment
from letter.models import Letter
from letter.publishing import verify

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
# Whoever finds a copy is logged in nowhere by it.
LEFT_OUT: Final = frozenset({"sessions.session"})
# How many rows are read at once, and how many bytes of them written: some have a whole PDF in them.
ROWS: Final = 100
BATCH: Final = 1 << 20

# What comes of reading a file that somebody or something has changed.
NOT_FIT: Final = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError),
    *(LookupError, TypeError, ValueError, AttributeError, ValidationError),
)

Say = Callable[[str], object]
Migrations = frozenset[tuple[str, str]]  # app and name of each


class CannotBackUp(Exception):
    """No backup can be made, or not there; says why."""


class CannotRestore(Exception):
    """The backup, or the database that it should go into, is not fit for it; says why."""


@dataclass(frozen=True)
class Table:
    """How many rows a table has, and the SHA-256 of their lines, in hex."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: see the head of this module."""

    made_at: str
    version: str
    migrations: Migrations
    tables: dict[str, Table]

    @property
    def row_count(self) -> int:
        return sum(table.rows for table in self.tables.values())


@dataclass(frozen=True)
class Restored:
    """What was restored, and what is wrong with each letter's chain of editions, by its slug: empty where it holds."""

    manifest: Manifest
    chains: dict[str, str]


def back_up(path: Path, *, at: datetime, say: Say = lambda _words: None) -> Manifest:
    """Write all that the database holds at one moment into a new file; raises CannotBackUp.

    Nobody who writes waits for it. The file is there when it is whole, readable for its owner alone.
    """
    draft: Path | None = None
    try:
        if path.exists():
            raise CannotBackUp(f"{path} is there already. Name a file that is not.")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            draft = Path(file.name)
            with one_moment(), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                manifest = _write(archive, at, say)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError as error:
        raise CannotBackUp(f"It cannot be written: {error}.") from error
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)
    return manifest


def _write(archive: zipfile.ZipFile, at: datetime, say: Say) -> Manifest:
    loader = MigrationLoader(connection)
    migrations = frozenset(loader.applied_migrations)
    if not migrations:
        raise CannotBackUp("There is nothing in this database. Is DATABASE_URL the right one?")
    if unknown := _unknown(loader, migrations):
        raise CannotBackUp(
            f"The database is of a newer Undersigned than this one, {VERSION}, which does not know {unknown}."
        )
    tables = {}
    for label, model in _models(loader, migrations).items():
        # Of a table of more than 2 GiB, too.
        with archive.open(_member(label), "w", force_zip64=True) as member:
            tables[label] = _sum(_lines(model), member.write)
        say(f"{label}: {tables[label].rows} rows")
    manifest = Manifest(at.isoformat(), VERSION, migrations, tables)
    said = {
        "format": FORMAT,
        **asdict(manifest),
        "migrations": [".".join(key) for key in sorted(migrations)],
    }
    archive.writestr(MANIFEST, json.dumps(said, indent=1))
    return manifest


def _member(label: str) -> str:
    return f"{label}.jsonl"


def _unknown(loader: MigrationLoader, migrations: Migrations) -> str:
    """Which of these migrations this product does not have."""
    return ", ".join(".".join(key) for key in sorted(migrations - loader.disk_migrations.keys()))


def _models(loader: MigrationLoader, migrations: Migrations) -> dict[str, type[models.Model]]:
    """The models that these migrations lead to, by their labels: every table but those that are left out."""
    state = loader.project_state([key for key in sorted(migrations) if key in loader.graph.nodes])
    found = {
        model._meta.label_lower: model
        for model in state.apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
    return {label: found[label] for label in sorted(found.keys() - LEFT_OUT)}


def _columns(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """What is stored of a row and not computed by the database."""
    return [field for field in model._meta.concrete_fields if not field.generated]


def _lines(model: type[models.Model]) -> Iterator[bytes]:
    """A table's rows, as they stand in a backup."""
    names = [field.attname for field in _columns(model)]
    rows = model._base_manager.order_by("pk").values("pk", *names)
    # Key by key and not by a cursor, which a pooler between us and PostgreSQL may not have.
    some = list(rows[:ROWS])
    while some:
        for row in some:
            last = row.pop("pk")
            # Sorted, because PostgreSQL keeps the members of JSON in an order of its own.
            line = json.dumps(row, default=_plain, ensure_ascii=False, sort_keys=True)
            yield f"{line}\n".encode()
        some = list(rows.filter(pk__gt=last)[:ROWS])


def _plain(value: object) -> str:
    """As a field's `to_python` reads it back."""
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in a backup")


def _sum(lines: Iterable[bytes], keep: Callable[[bytes], object] = len) -> Table:
    """Count and hash lines, handing each on to be kept."""
    count, digest = 0, hashlib.sha256()
    for count, line in enumerate(lines, start=1):  # noqa: B007  # how many is what is asked
        digest.update(line)
        keep(line)
    return Table(count, digest.hexdigest())


def restore(path: Path, *, say: Say = lambda _words: None) -> Restored:
    """Make of an empty database what a backup holds, and bring it up to date; raises CannotRestore.

    The file is checked whole before anything is written. What was written is read again, and must be what the backup
    has, before any of it is kept.
    """
    # Of the files alone: a backup that is refused has not so much as opened the database.
    loader = MigrationLoader(None)
    manifest = _checked(path, loader, say)
    if connection.introspection.table_names():
        raise CannotRestore(
            "There are tables in the database already. Restore into an empty one: a new database, or for SQLite "
            "a file that does not exist."
        )
    say("Making the tables")
    _migrate_to(manifest.migrations)
    try:
        with zipfile.ZipFile(path) as archive, transaction.atomic():
            _fill(archive, manifest, _models(loader, manifest.migrations), say)
    except (*NOT_FIT, DatabaseError) as error:
        raise CannotRestore(
            f"The rows cannot be written ({error}). The database has tables without rows now: "
            "before you try again, make a new one."
        ) from error
    call_command("migrate", interactive=False, verbosity=0)
    say("Verifying the editions")
    return Restored(manifest, {letter.slug: _fault(letter) for letter in Letter.objects.all()})


def _checked(path: Path, loader: MigrationLoader, say: Say) -> Manifest:
    """The manifest of a file that is whole, table by table, and that this product can read."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(archive)
            say("Checking the file")
            if missing := sorted({*map(_member, manifest.tables)} - set(archive.namelist())):
                raise CannotRestore(f"The backup is damaged: it has no {', '.join(missing)}.")
            for label, table in manifest.tables.items():
                with archive.open(_member(label)) as lines:
                    if _sum(lines) != table:
                        raise CannotRestore(f"The backup is damaged: {_member(label)} was changed.")
    except OSError as error:
        raise CannotRestore(f"It cannot be read: {error}.") from error
    except NOT_FIT as error:
        what = (
            "a part of the file is missing, or it is no ZIP file"
            if isinstance(error, (zipfile.BadZipFile, EOFError))
            else "what it says of itself cannot be read"
        )
        raise CannotRestore(f"{path} is no backup, or a damaged one: {what}.") from error
    if unknown := _unknown(loader, manifest.migrations):
        raise CannotRestore(
            f"The backup is of a newer Undersigned, {manifest.version}; this is {VERSION}, which does not know "
            f"{unknown}. Install that version, or a later one, and restore with it."
        )
    tables = _models(loader, manifest.migrations).keys()
    if odd := sorted(tables ^ manifest.tables.keys()):
        raise CannotRestore(
            f"The backup's tables are not those of its migrations: {', '.join(odd)}."
        )
    return manifest


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    said = json.loads(archive.read(MANIFEST))
    if said["format"] != FORMAT:
        raise CannotRestore(
            f"The backup has format {said['format']}, and this Undersigned, {VERSION}, reads format {FORMAT}."
        )
    app_and_name = (migration.partition(".") for migration in said["migrations"])
    return Manifest(
        made_at=said["made_at"],
        version=said["version"],
        migrations=frozenset((app, name) for app, _, name in app_and_name),
        tables={label: Table(**table) for label, table in said["tables"].items()},
    )


def _migrate_to(migrations: Migrations) -> None:
    """Make the tables that these migrations lead to; no signal is sent, so that nothing else writes into them."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    plan = executor.migration_plan(newest)
    executor.migrate(
        newest, [step for step in plan if (step[0].app_label, step[0].name) in migrations]
    )


def _fill(
    archive: zipfile.ZipFile,
    manifest: Manifest,
    tables: dict[str, type[models.Model]],
    say: Say,
) -> None:
    # Migrations have made groups, permissions and saved reasons; those of the backup are other rows.
    names = [model._meta.db_table for model in tables.values()]
    flush = connection.ops.sql_flush(no_style(), names, reset_sequences=True)
    connection.ops.execute_sql_flush(flush)
    # In any order: foreign keys are looked at when the transaction ends.
    for label, model in tables.items():
        with archive.open(_member(label)) as lines:
            for batch in _batches(lines):
                model._base_manager.bulk_create([_row(model, line) for line in batch])
        if _sum(_lines(model)) != manifest.tables[label]:
            raise ValueError(f"{label} is not what the backup has")
        say(f"{label}: {manifest.tables[label].rows} rows")
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(tables.values())):
            cursor.execute(statement)


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size > BATCH:
            yield batch
            batch, size = [], 0
    yield batch


def _row(model: type[models.Model], line: bytes) -> models.Model:
    said = json.loads(line)
    return model(
        **{field.attname: field.to_python(said[field.attname]) for field in _columns(model)}
    )


def _fault(letter: Letter) -> str:
    found = verify(letter)
    return "" if found.first_bad is None else f"edition {found.first_bad}: {found.reason}"
