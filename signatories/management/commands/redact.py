"""manage.py redact SLUG LISTING --yes"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from letter.models import Letter
from signatories.retention import take_out
from signatories.worker import run_due


class Command(BaseCommand):
    help = (
        "Takes one line's text out of every edition, for an organisation in danger, and erases its sign-on with "
        "its contact and history. The chain of editions still verifies. This cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument(
            "listing",
            metavar="LISTING",
            help="the line's id, as in the link to it (…/signatory/<id>/) and in signatories.json",
        )
        parser.add_argument("--yes", action="store_true", help="really do it")

    def handle(self, *args: Any, **options: Any) -> None:
        letter = Letter.objects.filter(slug=options["slug"]).first()
        if letter is None:
            raise CommandError(f"There is no letter “{options['slug']}”.")
        line_id = options["listing"].rstrip("/").rpartition("/")[2]  # of a whole link, its end
        listings = letter.listings.filter(line_id=line_id)
        if not listings.exists():
            raise CommandError(f"The letter never had a line “{line_id}”.")
        if not options["yes"]:
            first, last = (
                listings.order_by("first_edition").first(),
                listings.order_by("-first_edition").first(),
            )
            assert first is not None
            assert last is not None
            until = f"to {last.last_edition}" if last.last_edition else "until today"
            raise CommandError(
                f"This takes “{last}” out of the editions from {first.first_edition} {until}, "
                "for good. Add --yes to do it."
            )
        count = take_out(letter, line_id, at=timezone.now())
        run_due()
        self.stdout.write(
            f"Redacted {count} listing(s). The chain still verifies; see verify_editions."
        )
