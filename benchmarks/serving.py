"""How fast readers are answered, beside nginx with the same bytes as a file, and what publications do to them.

The production server with all its processes and whoever asks share the machine's cores; the same holds for nginx.
On SQLite, and where the database has a say also on the PostgreSQL server of DATABASE_URL. By name some of ITEMS:
`python -m benchmarks.serving latency`.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.loading import GZIP, Load, ask, load, nginx
from benchmarks.measuring import compare
from benchmarks.programs import bring
from benchmarks.site import Site, approvals, production_site
from tests.browser.site import own_database

LENGTHS: Final = {"few": 33, "many": 5000}
# Of an answer's requests/s, those of nginx: what it must and should be.
PAGES: Final = {"few": (0.40, 0.55), "many": (0.50, 0.65)}
UNCHANGED: Final = (0.40, 0.55)
CONNECTIONS: Final = (16, 64)
PAIRS: Final = 5
SECONDS: Final = 3
# While editions are published: so many readers, who wait so long before they ask again.
READERS: Final = 16
PAUSE: Final = 0.032  # seconds; about 500 requests a second
EDITIONS_A_SECOND: Final = 2
SECONDS_PUBLISHING: Final = 6


def main(items: list[str]) -> None:
    bring("nginx", "wrk")
    server = os.environ.pop("DATABASE_URL", "")
    for database in ("SQLite", "PostgreSQL") if server else ("SQLite",):
        wanted = [item for item in items or ITEMS if database in ITEMS[item][1]]
        if not wanted:
            continue
        with _site(server if database == "PostgreSQL" else "", LENGTHS) as site:
            for item in wanted:
                ITEMS[item][0](site, database)


@contextmanager
def _site(server: str, lengths: dict[str, int]) -> Iterator[Site]:
    with (
        tempfile.TemporaryDirectory(prefix="undersigned-bench-") as folder,
        own_database(server, "undersigned_bench_serving") as database,
        production_site(Path(folder), lengths, **database) as site,
    ):
        yield site


def pages(site: Site, _database: str) -> None:
    """The letter's page, and the 304 that stands for it."""
    answers = {slug: ask(f"{site.url}/{slug}/") for slug in LENGTHS}
    with nginx(answers) as reference:
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
        of="nginx’s 304" if is_known else "nginx, the same bytes as a file",
        must=goal[0],
        aim=goal[1],
        better="higher",
        decimals=0,
    )


def latency(site: Site, database: str) -> None:
    """The slowest of a hundred answers while editions are published, beside the same at rest.

    wrk asks no faster than it is answered: at full load it would measure its own queue, so each of its connections
    pauses after each answer, which asks for far less than the server can do.
    """
    url = f"{site.url}/many/"
    count = SECONDS_PUBLISHING * EDITIONS_A_SECOND

    def p99() -> float:
        return load(url, connections=READERS, seconds=SECONDS_PUBLISHING, pause=PAUSE).p99 * 1000

    at_rest, publishing, written = [], [], 0
    for _pair in range(PAIRS):
        with approvals(site, "many", count=count, every=1 / EDITIONS_A_SECOND) as begin:
            at_rest.append(p99())
            end = begin()
            publishing.append(p99())
            written += end()[1]
    if written < 0.9 * count * PAIRS:
        print(f"It does not keep up: {count * PAIRS} approvals led to {written} editions.")
    compare(
        f"p99 of the page of {LENGTHS['many']:,}, {EDITIONS_A_SECOND} editions a second, {database}",
        publishing,
        at_rest,
        unit="ms",
        of="the same at rest",
        must=3,
        aim=1.5,
    )


ITEMS: Final[dict[str, tuple[Callable[[Site, str], None], tuple[str, ...]]]] = {
    "pages": (pages, ("SQLite",)),
    "latency": (latency, ("SQLite", "PostgreSQL")),
}


if __name__ == "__main__":
    main(sys.argv[1:])
