"""manage.py verify_editions [SLUG]"""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from letter.models import Letter
from letter.publishing import verify


class Command(BaseCommand):
    help = (
        "Recomputes the chain of digests of one letter or of all. "
        "Exit status 1, and the first bad edition, where one does not hold."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG", nargs="?")

    def handle(self, *args: Any, **options: Any) -> None:
        letters = Letter.objects.order_by("slug")
        if options["slug"]:
            letters = letters.filter(slug=options["slug"])
            if not letters:
                raise CommandError(f"There is no letter “{options['slug']}”.")
        is_sound = True
        for letter in letters:
            found = verify(letter)
            if found.first_bad is None:
                self.stdout.write(f"{letter.slug}: {found.edition_count} edition(s) hold.")
            else:
                is_sound = False
                self.stderr.write(
                    f"{letter.slug}: edition {found.first_bad} does not hold: {found.reason}."
                )
        if not is_sound:
            sys.exit(1)
