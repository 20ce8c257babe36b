"""Approves one sign-on after the other, as a coordinator does, and tells when each approval was committed.

In a process of its own, on a site's data: `python -m benchmarks.approving many 100 0.6` makes a hundred sign-ons,
says "ready" and how many editions there are, waits for a line, and then approves one every 0.6 seconds, each with a
line: the monotonic clock, the name. At last it waits for the editions, and says how many there are.
"""

import json
import os
import sys
import time

PATIENCE = 30  # seconds for the last edition


def main(slug: str, count: int, every: float) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import transaction
    from django.utils import timezone

    from letter.models import Letter
    from signatories import moderation
    from signatories.models import Event, Signatory

    letter = Letter.objects.get(slug=slug)
    coordinator, _made = get_user_model().objects.get_or_create(username="bench", is_staff=True)
    by = moderation.By.coordinator(coordinator)
    now = timezone.now()
    entries = [
        Signatory(
            letter=letter,
            revision=letter.revisions.get(),
            name=f"Association {number:03} of {time.time_ns():x}",
            countries=["KE"],
            contact_name="Amina Yusuf",
            contact_role="director",
            email=f"contact{number}@example.org",
            state=Signatory.State.PENDING,
            source=Signatory.Source.FORM,
            submitted_at=now,
            confirmed_at=now,
            assessed_at=now,
        )
        for number in range(count)
    ]
    for entry in entries:
        entry.derive_keys()
    Signatory.objects.bulk_create(entries)

    def editions() -> int:
        return letter.editions.count()

    say({"editions": editions()})
    sys.stdin.readline()
    start = time.monotonic()
    for number, entry in enumerate(entries):
        time.sleep(max(0.0, start + number * every - time.monotonic()))
        with transaction.atomic():
            # First of what is called after the commit: the decision has things to see to then.
            transaction.on_commit(
                lambda name=entry.name: say({"at": time.monotonic(), "name": name})
            )
            moderation.decide(entry.pk, Event.APPROVE, by=by)
    deadline = time.monotonic() + PATIENCE
    while letter.publication_requests.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    say({"editions": editions()})


def say(what: dict[str, object]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
