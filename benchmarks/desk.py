"""Every page of the desk with 50,000 entries: how long the server takes, and how many queries it makes.

In a process of its own, on the database that DATABASE_URL names, which must be empty and is left full.
"""

import os
import random
import statistics
import sys
import time
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from benchmarks.measuring import heading, measure, report
from benchmarks.names import made_up

ENTRIES: Final = 50_000
TARGET: Final = 150  # ms
FEW: Final = 500
# Letters and their entries at full size; the shares are the same with few.
SHARES: Final = {
    "bench-biggest": 0.6,
    "bench-second": 0.24,
    "bench-third": 0.12,
    "bench-small": 0.04,
}
STATES: Final = {
    "approved": 60,
    "pending": 25,
    "submitted": 5,
    "returned": 4,
    "rejected": 4,
    "withdrawn": 2,
}
BATCH: Final = 1000
QUEUE: Final = "/admin/signatories/signatory/"


def main(count: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    draw = random.Random(3)  # noqa: S311  # the same entries each time
    names = made_up(draw)
    letters = _letters()
    few = min(FEW, count)
    _fill(letters, names, few, draw)
    _publish(letters)
    before = {name: _queries(path) for name, path in _pages(letters[0]).items()}
    _fill(letters, names, count - few, draw)
    _publish(letters)
    _timings(letters[0], before, few, count)


def _letters() -> list[Any]:
    from tests.factories import make_letter

    return [make_letter(slug=slug, title=f"The letter “{slug}”") for slug in SHARES]


def _fill(letters: list[Any], names: Any, count: int, draw: random.Random) -> None:
    """Add entries, each with its organisation in the registry, its decision and its mail."""
    from django.db import transaction

    start = time.perf_counter()
    done = 0
    for letter, share in zip(letters, SHARES.values(), strict=True):
        left = round(count * share)
        while left:
            batch = list(islice(names, min(BATCH, left)))
            with transaction.atomic():
                _fill_batch(letter, batch, draw)
            left -= len(batch)
            done += len(batch)
            print(f"\r{done:,} of {count:,} entries", end="", file=sys.stderr, flush=True)
    print(f"\rfilled with {done:,} entries in {time.perf_counter() - start:.0f} s", file=sys.stderr)


def _fill_batch(letter: Any, batch: list[Any], draw: random.Random) -> None:
    from django.utils import timezone

    from signatories.duplicates import index_organizations, index_signatories
    from signatories.models import Decision, Message, Organization, Signatory
    from signatories.names import name_key

    now = timezone.now()
    revision = letter.revisions.get()
    organizations = Organization.objects.bulk_create(
        Organization(name=each.name, name_key=name_key(each.name), website=f"https://{each.domain}")
        for each in batch
    )
    entries = []
    for each, organization in zip(batch, organizations, strict=True):
        state = draw.choices(list(STATES), list(STATES.values()))[0]
        submitted_at = now - timedelta(minutes=draw.randrange(40 * 24 * 60))
        is_free = draw.random() < 0.2
        local = each.domain.partition(".")[0]
        entry = Signatory(
            # Among so many at once, two of the random ones may be equal.
            reference=f"{int(local.rpartition('-')[2]):08}",
            letter=letter,
            revision=revision,
            name=each.name,
            countries=[each.country],
            website=f"https://{each.domain}",
            email=f"{local}@gmail.com" if is_free else f"office@{each.domain}",
            contact_name="Aline Bahati",
            contact_role="director",
            source="form",
            state=state,
            submitted_at=submitted_at,
            confirmed_at=None if state == "submitted" else submitted_at + timedelta(minutes=5),
            approved_at=submitted_at + timedelta(days=1) if state == "approved" else None,
            organization=organization if state == "approved" else None,
            evidence_level=draw.choices(["good", "neutral", "caution"], [70, 22, 8])[0],
            is_free_mail=is_free,
            assessed_at=now,
            version=2,
        )
        entry.derive_keys()
        entries.append(entry)
    Signatory.objects.bulk_create(entries)
    index_organizations(organizations)
    index_signatories(entries)
    Decision.objects.bulk_create(
        Decision(
            signatory=entry,
            event="submit",
            to_state=entry.state,
            actor="contact",
            at=entry.submitted_at,
        )
        for entry in entries
    )
    Message.objects.bulk_create(
        Message(kind="confirm", letter=letter, signatory=entry, sent_at=entry.submitted_at)
        for entry in entries
    )


def _publish(letters: list[Any]) -> None:
    from django.db import connection
    from django.utils import timezone

    from letter.publishing import publish, request_publication
    from signatories.lines import approved_lines

    start = time.perf_counter()
    for letter in letters:
        request_publication(letter, at=timezone.now())
        publish(letter.pk, approved_lines, at=timezone.now())
    with connection.cursor() as cursor:
        # What a server does by itself within minutes of so much coming in.
        cursor.execute("ANALYZE")
    print(f"published in {time.perf_counter() - start:.0f} s", file=sys.stderr)


def _pages(letter: Any) -> dict[str, str]:
    """What each page is called, and where it is."""
    from signatories.models import Organization

    entries = letter.signatories.order_by("pk")
    pending, approved = (entries.filter(state=state)[:1].get() for state in ("pending", "approved"))
    organization = Organization.objects.order_by("pk")[0]
    domain = pending.website.removeprefix("https://")
    return {
        "the queue": QUEUE,
        "the queue, page 2": f"{QUEUE}?p=2",
        "the queue of one letter": f"{QUEUE}?letter__id__exact={letter.pk}",
        "all states": f"{QUEUE}?state=all",
        "search: a name without its accents": f"{QUEUE}?q=democratie+memoire",
        "search: a domain": f"{QUEUE}?q={domain}",
        "search: nothing found": f"{QUEUE}?q=endogenes",
        "filter: evidence": f"{QUEUE}?evidence_level__exact=caution",
        "filter: country": f"{QUEUE}?country=CD",
        "filter: free-mail": f"{QUEUE}?is_free_mail__exact=1",
        "filter: state": f"{QUEUE}?state=returned",
        "review": f"{QUEUE}review/",
        "review of one letter": f"{QUEUE}review/?letter={letter.pk}",
        "one entry that waits": f"{QUEUE}{pending.pk}/change/",
        "one entry on the list": f"{QUEUE}{approved.pk}/change/",
        "campaign": f"{QUEUE}campaign/{letter.pk}/",
        "the admin's front page": "/admin/",
        "bringing in": f"{QUEUE}bring-in/",
        "taking out": f"{QUEUE}take-out/",
        "the letters": "/admin/letter/letter/",
        "one letter": f"/admin/letter/letter/{letter.pk}/change/",
        "the organisations": "/admin/signatories/organization/",
        "search: an organisation": "/admin/signatories/organization/?q=Goma",
        "one organisation": f"/admin/signatories/organization/{organization.pk}/change/",
        "the mails": "/admin/signatories/message/",
        "the saved reasons": "/admin/signatories/savedreason/",
    }


def _client() -> Any:
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group
    from django.test import Client

    user, _is_new = get_user_model().objects.get_or_create(
        username="bench", defaults={"email": "bench@coalition.example", "is_staff": True}
    )
    user.groups.set(Group.objects.filter(name__in=["coordinator", "editor"]))
    client = Client()
    client.force_login(user)
    return client


def _get(client: Any, path: str) -> None:
    response = client.get(path)
    if response.status_code != 200:
        msg = f"{path} answers {response.status_code}"
        raise SystemExit(msg)


def _queries(path: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = _client()
    # The first may fill caches; the second is what every other costs.
    _get(client, path)
    with CaptureQueriesContext(connection) as queries:
        _get(client, path)
    return len(queries)


def _timings(letter: Any, before: dict[str, int], few: int, count: int) -> None:
    from django.test import Client

    anybody, client = Client(), _client()
    _get(anybody, "/admin/login/")
    heading()
    reference = measure(lambda: _get(anybody, "/admin/login/"))
    report("the log-in form, the reference of what follows", reference, reference)
    medians = {}
    slow, growing = [], []
    for name, path in _pages(letter).items():
        _get(client, path)
        seconds = measure(lambda path=path: _get(client, path))  # type: ignore[misc]
        after = _queries(path)
        medians[name] = statistics.median(seconds)
        report(
            f"{name}, {count:,} entries", seconds, reference, f"{before[name]} → {after} queries"
        )
        if statistics.median(seconds) * 1000 > TARGET:
            slow.append(name)
        if after > before[name]:
            growing.append(name)
    # On a busy machine the measure itself changes: how many times both of its figures each page took.
    again = measure(lambda: _get(anybody, "/admin/login/"))
    report("the log-in form, again", again, reference)
    both = statistics.median([*reference, *again])
    print("; ".join(f"{name} {each / both:.1f}×" for name, each in medians.items()))
    print(f"over {TARGET} ms: {', '.join(slow) or 'none'}")
    print(f"more queries with {count:,} entries than with {few}: {', '.join(growing) or 'none'}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
