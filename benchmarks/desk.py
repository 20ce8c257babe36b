"""Each page of the desk with 50,000 entries beside the same page with 500: how long it takes, how many queries.

Two databases and a process for each, asked by turns. Some entries are the same in both and fit every search
and filter: lists are as full and an entry has as many others like it, so that what grows is only what lies behind.
"""

import json
import logging
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice
from typing import Any, Final

from benchmarks.measuring import RUNS, compare
from benchmarks.names import Made, made_up
from tests.browser.site import own_database

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
# Of those that are in both: a list has 50 rows, that of the organisations 100.
FITTING: Final = {"approved": 5, "pending": 60, "returned": 55}
HEADS: Final = (
    "Réseau, Centre, Collectif, Observatoire, Synergie, Comité, Ligue, Maison, Alliance, Forum"
)
WHOSE: Final = (
    "des femmes, des jeunes, des juristes, des paysans, des écoles, des mères, des anciens, "
    "des médecins, des pêcheurs, des artistes, des étudiants, des voisins"
)
BATCH: Final = 1000
QUEUE: Final = "/admin/signatories/signatory/"


def main(server: str, count: int) -> None:
    """Compare on that server, given by its URL."""
    few = min(FEW, count)
    with _desk(server, few) as with_few, _desk(server, count) as with_many:
        worst: tuple[float, str] = (0, "")
        slow, growing, figures = [], [], {}
        for page in json.loads(with_few.hear()) and json.loads(with_many.hear()):
            before, after = (each.ask("queries", page) for each in (with_few, with_many))
            pairs = [
                [each.ask("ms", page) for each in (with_few, with_many)] for _run in range(RUNS)
            ]
            reference, ours = zip(*pairs, strict=True)
            figures[page] = (ours, reference)
            compare(
                f"desk, {count:,} entries: {page}",
                ours,
                reference,
                unit="ms",
                of=f"with {few}",
                must=2,
                aim=1.2,
            )
            worst = max(worst, (statistics.median(map(_ratio, ours, reference)), page))
            if statistics.median(ours) > TARGET:
                slow.append(page)
            if after > before:
                growing.append(f"{page} ({before:.0f} → {after:.0f})")
    ours, reference = figures[worst[1]]
    compare(
        f"desk, {count:,} entries, the page that grows most ({worst[1]})",
        ours,
        reference,
        unit="ms",
        of=f"with {few}",
        must=2,
        aim=1.2,
    )
    print(f"over {TARGET} ms: {', '.join(slow) or 'none'}")
    print(f"more queries with {count:,} entries than with {few}: {', '.join(growing) or 'none'}")


def _ratio(one: float, other: float) -> float:
    return one / other


@dataclass(frozen=True)
class Desk:
    """A process with a desk of its own, which answers a line with a line."""

    process: "subprocess.Popen[str]"

    def hear(self) -> str:
        assert self.process.stdout is not None
        if not (line := self.process.stdout.readline()):
            raise SystemExit("a desk has ended before its time")
        return line

    def ask(self, what: str, page: str) -> float:
        assert self.process.stdin is not None
        print(what, page, file=self.process.stdin, flush=True)
        return float(self.hear())


@contextmanager
def _desk(server: str, count: int) -> Iterator[Desk]:
    # In a process of its own: Django is set up once, for one database.
    with (
        own_database(server, f"undersigned_bench_desk_{count}") as database,
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.desk", str(count)],
            env={**os.environ, **database},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            yield Desk(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def serve(count: int) -> None:
    """Fill the empty database that DATABASE_URL names, say which pages there are, and answer about each."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.core.management import call_command

    # Nobody reads a line for each request here.
    logging.getLogger("config.requests").setLevel(logging.WARNING)
    call_command("migrate", verbosity=0)
    letters = _letters()
    _fill(letters, count)
    _publish(letters)
    pages = _pages(letters[0])
    client = _client()
    print(json.dumps(list(pages)), flush=True)
    for line in sys.stdin:
        what, _space, page = line.rstrip("\n").partition(" ")
        ask = {"queries": _queries, "ms": _milliseconds}[what]
        print(ask(client, pages[page]), flush=True)


def _letters() -> list[Any]:
    from tests.factories import make_letter

    return [make_letter(slug=slug, title=f"The letter “{slug}”") for slug in SHARES]


def _fill(letters: list[Any], count: int) -> None:
    """Add entries, each with its organisation in the registry, its decision and its mail."""
    from django.db import transaction

    start = time.perf_counter()
    draw = random.Random(3)  # noqa: S311  # the same entries each time
    fitting = [
        (made, state)
        for made, state in zip(
            _fitting(), chain(*([state] * n for state, n in FITTING.items())), strict=True
        )
    ]
    others = ((made, "") for made in made_up(draw))
    done = 0
    for letter, share in zip(letters, SHARES.values(), strict=True):
        left = round(count * share)
        # All of them on the first letter, of which the pages are.
        entries = chain(fitting, others) if letter is letters[0] else others
        while left:
            batch = list(islice(entries, min(BATCH, left)))
            with transaction.atomic():
                _fill_batch(letter, batch, draw)
            left -= len(batch)
            done += len(batch)
    seconds = time.perf_counter() - start
    print(f"filled with {done:,} entries in {seconds:.0f} s", file=sys.stderr, flush=True)


def _fitting() -> Iterator[Made]:
    names = [
        f"{head} {whose} pour la démocratie et la mémoire – Goma"
        for whose in WHOSE.split(", ")
        for head in HEADS.split(", ")
    ]
    for number, name in enumerate(names):
        yield Made(name, "CD", f"goma-{10_000_000 + number}.example", "fr")


def _fill_batch(letter: Any, batch: list[tuple[Made, str]], draw: random.Random) -> None:
    """Entries with the state that they are to have; one is drawn where that is empty."""
    from django.utils import timezone

    from signatories.duplicates import index_organizations, index_signatories
    from signatories.models import Decision, Message, Organization, Signatory
    from signatories.names import name_key

    now = timezone.now()
    revision = letter.revisions.get()
    organizations = Organization.objects.bulk_create(
        Organization(name=each.name, name_key=name_key(each.name), website=f"https://{each.domain}")
        for each, _state in batch
    )
    entries = []
    for (each, given), organization in zip(batch, organizations, strict=True):
        state = given or draw.choices(list(STATES), list(STATES.values()))[0]
        # Those that are in both come first in the queue.
        submitted_at = now - timedelta(
            minutes=40 * 24 * 60 - draw.randrange(40 * 24 * 60) * (not given)
        )
        is_free = not each.name.startswith("Réseau des") if given else draw.random() < 0.2
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
            evidence_level="caution"
            if given
            else draw.choices(["good", "neutral", "caution"], [70, 22, 8])[0],
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
        cursor.execute("VACUUM ANALYZE")
    print(f"published in {time.perf_counter() - start:.0f} s", file=sys.stderr)


def _pages(letter: Any) -> dict[str, str]:
    """What each page is called, and where it is."""
    from signatories.models import Organization

    entries = letter.signatories.order_by("pk")
    # Such as are the same in both: the first.
    pending, approved = (
        entries.filter(state=state, is_free_mail=False)[:1].get()
        for state in ("pending", "approved")
    )
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

    user = get_user_model().objects.create_user(
        "bench", email="bench@coalition.example", is_staff=True
    )
    user.groups.set(Group.objects.filter(name__in=["coordinator", "editor"]))
    client = Client()
    client.force_login(user)
    return client


def _milliseconds(client: Any, path: str) -> float:
    start = time.perf_counter()
    response = client.get(path)
    taken = time.perf_counter() - start
    if response.status_code != 200:
        msg = f"{path} answers {response.status_code}"
        raise SystemExit(msg)
    return taken * 1000


def _queries(client: Any, path: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    # The first may fill caches; the second is what every other costs.
    _milliseconds(client, path)
    with CaptureQueriesContext(connection) as queries:
        _milliseconds(client, path)
    return len(queries)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
