"""The PDF of a letter with 5,000 signatories beside Typst setting nothing but their lines.

Ours is what a reader waits for who is the first to ask for an edition's PDF: the lines read from the database,
the letter with its list set and tagged (PDF/UA-1). The reference is the plainest document with the same lines
in it, numbered, in the same fonts and called in the same way: Typst in a process of its own. In one process on SQLite.
"""

import json
import os
import random
import tempfile
from itertools import islice
from typing import Any, Final

from benchmarks.measuring import compare, measure
from benchmarks.names import Made, made_up

SIGNATORIES: Final = 5_000
PAIRS: Final = 7
BARE: Final = """\
#set text(font: json(bytes(sys.inputs.families)))
#enum(..json(bytes(sys.inputs.lines)).map(line => [#line]))
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="undersigned-bench-") as folder:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="tests.settings",
            VAR_DIR=folder,
            DATABASE_URL=f"sqlite:///{folder}/bench",
        )
        import django

        django.setup()
        _measure()


def _measure() -> None:
    from django.core.management import call_command

    from letter.paper import body_of, paper_of
    from letter.typesetting import job, run

    call_command("migrate", verbosity=0)
    letter = _letter()
    edition = letter.newest_edition()
    text = edition.revision.texts()[letter.default_language]
    words = paper_of(letter, edition, text)
    [group] = words["groups"]
    ours = job(words)
    bare = {
        **ours,
        "template": BARE,
        "inputs": {
            "lines": json.dumps(group["lines"], ensure_ascii=False),
            "families": ours["inputs"]["families"],
        },
        "options": {"format": "pdf"},
    }
    seconds: dict[str, list[float]] = {"ours": [], "bare": []}
    sizes = {"ours": len(body_of(letter, edition, text, "pdf")), "bare": len(next(run([bare])))}
    for _pair in range(PAIRS):
        seconds["ours"] += measure(lambda: body_of(letter, edition, text, "pdf"), runs=1)
        seconds["bare"] += measure(lambda: next(run([bare])), runs=1)
    compare(
        f"PDF, {SIGNATORIES:,} signatories",
        seconds["ours"],
        seconds["bare"],
        unit="s",
        of="typst on the bare list",
        must=2,
        aim=1.3,
    )
    print(f"{sizes['ours'] / 1024:,.0f} KiB; the bare list {sizes['bare'] / 1024:,.0f} KiB")


def _letter() -> Any:
    from django.utils import timezone

    from letter.publishing import publish, request_publication
    from tests.factories import make_letter

    letter = make_letter(slug="letter-on-paper")
    draw = random.Random(6)  # noqa: S311  the same list each time
    lines = [
        _line(letter, number, made, draw)
        for number, made in enumerate(islice(made_up(draw), SIGNATORIES))
    ]
    request_publication(letter, at=timezone.now())
    publish(letter.pk, lambda _letter, _named: lines, at=timezone.now())
    return letter


def _line(letter: Any, number: int, made: Made, draw: random.Random) -> Any:
    from letter.ordering import collation_key, country_key, sort_key
    from letter.publishing import Line

    more = draw.sample(("KE", "ET", "ZA", "US", "GB", "FR"), draw.choice((0, 0, 0, 1, 2)))
    return Line(
        line_id=f"line{number}",
        name=made.name,
        countries=tuple(dict.fromkeys((made.country, *more))),
        label=None,
        sort_key=sort_key(
            letter.ordering,
            name=collation_key(made.name),
            country=country_key(""),
            approved_at=None,
            line_id=f"line{number}",
        ),
    )


if __name__ == "__main__":
    main()
