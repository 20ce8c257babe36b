"""manage.py publish SLUG"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from letter.models import Letter
from letter.publishing import NotPublishable, publish, request_publication
from signatories.lines import approved_lines


class Command(BaseCommand):
    help = "Writes a letter's next edition if anything changed, and makes its documents anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        letter = Letter.objects.filter(slug=options["slug"]).first()
        if letter is None:
            raise CommandError(f"There is no letter “{options['slug']}”.")
        if letter.state == Letter.State.DRAFT:
            raise CommandError("The letter is a draft. Open it in the admin first.")
        now = timezone.now()
        request_publication(letter, at=now)
        try:
            edition = publish(letter.pk, approved_lines, at=now)
        except NotPublishable as error:
            raise CommandError(f"Not published: {error}.") from error
        if edition is None:
            self.stdout.write("Nothing changed; no edition was written.")
        else:
            self.stdout.write(
                f"Edition {edition.number}: {edition.organization_count} organisations, "
                f"{edition.country_count} countries, digest {edition.digest}."
            )
