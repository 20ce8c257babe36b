"""Letters of a given length: the demo's text, its 33 signatories, and made-up ones up to the number asked for.

In a process of its own, on the database of DATABASE_URL: `python -m benchmarks.letters few=33 many=5000`.
"""

import itertools
import os
import random
import sys
from datetime import timedelta
from itertools import islice

BATCH = 1000


def main(lengths: dict[str, int]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from benchmarks.names import made_up
    from letter.models import Letter
    from letter.publishing import publish, request_publication
    from signatories.importing import import_letter
    from signatories.letter_file import read_letter
    from signatories.lines import approved_lines
    from signatories.management.commands.demo import FILE
    from signatories.models import Organization, Signatory
    from signatories.names import name_key

    call_command("migrate", verbosity=0)
    file = read_letter(FILE.read_text(encoding="utf-8"))
    # Among so many at once, two of the random ones may be equal.
    references = map("{:08}".format, itertools.count())
    names = made_up(random.Random(4))  # noqa: S311  # the same lists each time
    now = timezone.now() - timedelta(days=1)

    def fill(letter: Letter, count: int) -> None:
        batch = list(islice(names, count))
        organizations = Organization.objects.bulk_create(
            Organization(name=each.name, name_key=f"{letter.slug} {name_key(each.name)}")
            for each in batch
        )
        entries = [
            Signatory(
                reference=next(references),
                letter=letter,
                revision=letter.revisions.get(),
                name=each.name,
                countries=[each.country],
                organization=organization,
                state=Signatory.State.APPROVED,
                submitted_at=now,
                approved_at=now,
            )
            for each, organization in zip(batch, organizations, strict=True)
        ]
        for entry in entries:
            entry.derive_keys()
        Signatory.objects.bulk_create(entries)

    for slug, count in lengths.items():
        letter = import_letter(file, title=file.title, slug=slug, approve=True, at=now).letter
        left = count - letter.signatories.count()
        while left > 0:
            fill(letter, min(BATCH, left))
            left -= BATCH
        request_publication(letter, at=now)
        publish(letter.pk, approved_lines, at=timezone.now())


if __name__ == "__main__":
    main({slug: int(count) for slug, count in (each.split("=") for each in sys.argv[1:])})
