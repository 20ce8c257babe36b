"""Whether likely duplicates are found, how often that is right, and what one check costs.

In a process of its own, on the database of DATABASE_URL: `python -m benchmarks.duplicates`.
"""

import csv
import os
import random
import statistics
from pathlib import Path

from benchmarks.measuring import measure

COUNT = 50_000  # organisations in the registry


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from signatories.duplicates import find, index_organizations
    from signatories.likeness import LIKELY, likeness
    from signatories.models import Organization
    from signatories.names import name_key
    from tests.factories import make_letter

    call_command("migrate", verbosity=0)
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
    names = {" ".join(draw.sample(words, draw.randint(3, 5))) for _n in range(COUNT)}
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
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    main()
