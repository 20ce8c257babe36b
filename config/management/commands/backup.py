"""manage.py backup [FILE]"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from config.backups import CannotBackUp, back_up


class Command(BaseCommand):
    help = (
        "Writes all that the database holds at this moment into one file, while the product runs. "
        "`restore` makes a database of it, on SQLite or on PostgreSQL, whichever it came from."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            metavar="FILE",
            nargs="?",
            type=Path,
            help="a file that does not exist; in VAR_DIR/backups, with the time in its name, if not given",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        named = f"undersigned-{now:%Y%m%dT%H%M%SZ}.zip"
        path = options["file"] or settings.VAR_DIR / "backups" / named
        try:
            made = back_up(path, at=now, say=self.say)
        except CannotBackUp as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{path} has {made.row_count:,} rows of {len(made.tables)} tables, {path.stat().st_size:,} bytes."
        )

    def say(self, words: str) -> None:
        if self.stdout.isatty():
            self.stdout.write(words)
