"""How fast readers are answered, beside nginx with the same bytes as a file.

The production server with all its processes and whoever asks share the machine's cores; the same holds for nginx.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.loading import GZIP, Load, ask, load, nginx
from benchmarks.measuring import compare
from benchmarks.programs import bring
from benchmarks.site import production_site

LENGTHS: Final = {"few": 33, "many": 5000}
# Of an answer's requests/s, those of nginx: what it must and should be.
PAGES: Final = {"few": (0.40, 0.55), "many": (0.50, 0.65)}
UNCHANGED: Final = (0.40, 0.55)
CONNECTIONS: Final = (16, 64)
PAIRS: Final = 5
SECONDS: Final = 3


def main(items: list[str]) -> None:
    bring("nginx", "wrk")
    for item in items or ITEMS:
        ITEMS[item]()


def pages() -> None:
    """The letter's page, and the 304 that stands for it."""
    with (
        tempfile.TemporaryDirectory(prefix="undersigned-bench-") as folder,
        production_site(Path(folder), LENGTHS) as site,
    ):
        answers = {slug: ask(f"{site.url}/{slug}/") for slug in LENGTHS}
        with nginx(Path(folder), answers) as reference:
            for slug, count in LENGTHS.items():
                for connections in CONNECTIONS:
                    _beside_nginx(
                        f"letter page, {count:,} signatories, {connections} connections",
                        f"{site.url}/{slug}/",
                        f"{reference}/{slug}",
                        connections=connections,
                        goal=PAGES[slug],
                    )
            for connections in CONNECTIONS:
                _beside_nginx(
                    f"304 for that of {LENGTHS['many']:,}, {connections} connections",
                    f"{site.url}/many/",
                    f"{reference}/many",
                    connections=connections,
                    goal=UNCHANGED,
                    is_known=True,
                )


def _beside_nginx(
    what: str,
    url: str,
    reference: str,
    *,
    connections: int,
    goal: tuple[float, float],
    is_known: bool = False,
) -> None:
    """Requests/s of two addresses by turns; with `is_known` the reader has the page already."""

    def asking(address: str) -> Callable[[], Load]:
        headers = GZIP
        first = ask(address)
        if is_known:
            headers = {**GZIP, "If-None-Match": first.headers["etag"]}
            first = ask(address, headers)
        assert first.status == (304 if is_known else 200), address

        def once() -> Load:
            return load(address, headers, connections=connections, seconds=SECONDS, expect=first)

        return once

    ours, others = asking(url), asking(reference)
    pairs = [(ours().rate, others().rate) for _pair in range(PAIRS)]
    compare(
        what,
        [one for one, _other in pairs],
        [other for _one, other in pairs],
        unit="answers/s",
        of="nginx, the same bytes as a file" if not is_known else "nginx’s 304",
        must=goal[0],
        aim=goal[1],
        better="higher",
        decimals=0,
    )


ITEMS: Final[dict[str, Callable[[], None]]] = {"pages": pages}


if __name__ == "__main__":
    main(sys.argv[1:])
