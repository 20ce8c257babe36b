"""manage.py restore FILE"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.backups import CannotRestore, restore


class Command(BaseCommand):
    help = (
        "Makes of an empty database what a file of `backup` holds, brings it up to date and verifies all editions. "
        "A file that is damaged, or of a newer version, is refused before anything is written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            restored = restore(options["file"], say=self.say)
        except CannotRestore as error:
            raise CommandError(str(error)) from error
        manifest = restored.manifest
        self.stdout.write(
            f"Restored {manifest.row_count:,} rows of {len(manifest.tables)} tables, as of {manifest.made_at}."
        )
        if faults := {slug: fault for slug, fault in restored.chains.items() if fault}:
            # As they were when the backup was made: what was written is what it has.
            said = "\n".join(f"{slug}: {fault}" for slug, fault in faults.items())
            raise CommandError(f"The editions do not hold:\n{said}")
        self.stdout.write(f"The editions of {len(restored.chains)} letter(s) hold.")

    def say(self, words: str) -> None:
        if self.stdout.isatty():
            self.stdout.write(words)
