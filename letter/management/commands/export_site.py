"""manage.py export_site SLUG DIR [--url URL] [--made-on DATE] [--replace]"""

from argparse import ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from letter.archiving import CannotArchive, archive
from letter.models import Letter


class Command(BaseCommand):
    help = (
        "Writes a letter with all its editions and documents as plain files, for any web server or archive to keep. "
        "The folder must be empty or not exist."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("folder", metavar="DIR", type=Path)
        parser.add_argument(
            "--url", default="", help="where the copy will be: https://archive.example/letter/"
        )
        parser.add_argument(
            "--made-on",
            type=_date,
            metavar="DATE",
            help="the date that the copy says it was made on (2026-11-24); today, if not given",
        )
        parser.add_argument(
            "--replace", action="store_true", help="remove an earlier copy in the folder"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        letter = Letter.objects.filter(slug=options["slug"]).first()
        if letter is None:
            raise CommandError(f"There is no letter “{options['slug']}”.")
        try:
            made = archive(
                letter,
                options["folder"],
                made_on=options["made_on"] or timezone.localdate(timezone=letter.zone),
                url=_address(options["url"]),
                replace=options["replace"],
                say=self.stdout.write,
            )
        except CannotArchive as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{options['folder']} has {made.file_count} files, {made.byte_count:,} bytes, and holds.\n"
            "Note down, and give to others:\n"
            f"  digest of edition {made.edition.number}: {made.edition.digest}\n"
            f"  SHA-256 of SHA256SUMS: {made.sums_digest}"
        )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"“{text}” is no date, as 2026-11-24 is") from None


def _address(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.query):
        raise CommandError(f"“{url}” is no address of a folder on the web, as https://…/ is.")
    return f"{url.rstrip('/')}/" if url else ""
