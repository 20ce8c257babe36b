"""What a publication costs, beside plain Python doing the least that one must do.

In a process of its own, on the database of DATABASE_URL, which is filled first: `python -m benchmarks.publishing`.
"""

import gzip
import os
import time
from collections.abc import Callable

from benchmarks import letters
from benchmarks.measuring import compare

LENGTHS = {"few": 33, "many": 5_000, "most": 50_000}
PAIRS = 7


def main() -> None:
    letters.main(LENGTHS)
    from django.db import connection
    from django.utils import timezone

    from letter.models import Letter
    from letter.publishing import request_publication
    from signatories.models import Signatory
    from signatories.worker import run_due

    database = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]

    def publish(letter: Letter, line_id: str) -> None:
        before = letter.editions.count()
        request_publication(letter, at=timezone.now(), line_ids=[line_id])
        run_due()
        assert letter.editions.count() == before + 1

    def change(letter: Letter) -> None:
        entry = Signatory.objects.for_letter(letter).order_by("pk")[letter.signatories.count() // 2]
        Signatory.objects.filter(pk=entry.pk).update(label=f"since {time.perf_counter_ns()}")
        publish(letter, entry.line_id)

    def take_off_or_on(letter: Letter) -> None:
        """Half of the list gets other numbers."""
        entry = Signatory.objects.for_letter(letter).order_by("pk")[letter.signatories.count() // 3]
        is_on = entry.state == Signatory.State.APPROVED
        state = Signatory.State.WITHDRAWN if is_on else Signatory.State.APPROVED
        Signatory.objects.filter(pk=entry.pk).update(state=state)
        publish(letter, entry.line_id)

    def plain(letter: Letter) -> None:
        rows = Signatory.objects.filter(letter=letter).values_list(
            "collation_key", "name", "countries"
        )
        lines = [f"<li>{name} ({', '.join(codes)})</li>" for _key, name, codes in sorted(rows)]
        gzip.compress("\n".join(lines).encode(), 6)

    changed: dict[str, list[float]] = {}
    for slug, count in LENGTHS.items():
        letter = Letter.objects.get(slug=slug)
        change(letter)  # what is remembered from one publication to the next is there
        for what, call in (("changed", change), ("joining or leaving", take_off_or_on)):
            ours, reference = [], []
            for _pair in range(PAIRS):
                ours.append(_seconds(call, letter))
                reference.append(_seconds(plain, letter))
            if what == "changed":
                changed[slug] = ours
            compare(
                f"publishing {count:,} listings, one line {what} ({database})",
                _milliseconds(ours),
                _milliseconds(reference),
                unit="ms",
                of="plain Python reading, ordering, joining and gzipping the lines",
                must=2.5 if count == LENGTHS["most"] else None,
                aim=1.0 if count == LENGTHS["most"] else None,
            )
    compare(
        f"growth of that from 5,000 to 50,000 listings ({database})",
        _milliseconds(changed["most"]),
        [10 * each for each in _milliseconds(changed["many"])],
        unit="ms",
        of="ten times what 5,000 take",
        must=1.2,
        aim=1.0,
    )


def _seconds(call: Callable[..., None], *arguments: object) -> float:
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def _milliseconds(seconds: list[float]) -> list[float]:
    return [1000 * each for each in seconds]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    main()
