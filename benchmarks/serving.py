"""How fast readers are answered, beside nginx with the same bytes as a file, and what publications do to them.

The production server with all its processes and whoever asks share the machine's cores; the same holds for nginx.
On SQLite, and where the database has a say also on the PostgreSQL server of DATABASE_URL. By name some of ITEMS:
`python -m benchmarks.serving latency`.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Final

from benchmarks.loading import GZIP, Load, ask, bare, cache_before, load, nginx
from benchmarks.measuring import absolute, compare
from benchmarks.site import Site, approvals, production_site
from benchmarks.watching import each_process, memory, watching
from tests.browser.site import own_database
from tests.debian import bring

LENGTHS: Final = {"few": 33, "many": 5000}
# Of an answer's requests/s, those of nginx: what it must and should be.
PAGES: Final = {"few": (0.40, 0.55), "many": (0.50, 0.65)}
UNCHANGED: Final = (0.40, 0.55)
CACHED: Final = (0.90, 1.0)
CONNECTIONS: Final = (16, 64)
PAIRS: Final = 5
SECONDS: Final = 3
# While editions are published: so many readers, who wait so long before they ask again.
READERS: Final = 16
PAUSE: Final = 0.032  # seconds; about 500 requests a second
EDITIONS_A_SECOND: Final = 2
SECONDS_PUBLISHING: Final = 6
APPROVALS: Final = 100
APPROVE_EVERY: Final = 0.73  # seconds, no multiple of any that the product waits
HUGE: Final = 50_000  # signatories


def main(items: list[str]) -> None:
    bring("nginx", "wrk")
    server = os.environ.pop("DATABASE_URL", "")
    for database in ("SQLite", "PostgreSQL") if server else ("SQLite",):
        wanted = [item for item in ITEMS if item in (items or ITEMS) and database in ITEMS[item][1]]
        if not wanted:
            continue
        with _site(server if database == "PostgreSQL" else "", LENGTHS) as site:
            for item in wanted:
                ITEMS[item][0](site, database)
    if not items or "memory" in items:
        memory_of_long("")


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
            # What is to be had here: it depends on the machine as much as on us.
            with bare(answers[slug]) as function:
                for connections in CONNECTIONS:
                    _beside_nginx(
                        f"a bare function under granian, the same bytes as {count:,} signatories, "
                        f"{connections} connections",
                        function,
                        f"{reference}/{slug}",
                        connections=connections,
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


def cached(site: Site, _database: str) -> None:
    """The letter's page from the cache of an nginx before us, which asks us about once a second."""
    answers = {slug: ask(f"{site.url}/{slug}/") for slug in LENGTHS}
    with nginx(answers) as reference, cache_before(site.url) as front:
        for slug, count in LENGTHS.items():
            for connections in CONNECTIONS:
                _beside_nginx(
                    f"behind nginx with a cache, {count:,} signatories, {connections} connections",
                    f"{front}/{slug}/",
                    f"{reference}/{slug}",
                    connections=connections,
                    goal=CACHED,
                )


def _beside_nginx(
    what: str,
    url: str,
    reference: str,
    *,
    connections: int,
    goal: tuple[float | None, float | None] = (None, None),
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


def visible(site: Site, database: str) -> None:
    """From the commit of an approval until the last web process shows the name."""
    with each_process(site) as connections:
        with (
            approvals(site, "many", count=APPROVALS, every=APPROVE_EVERY) as begin,
            watching(list(connections.values()), "/many/") as watches,
        ):
            approved, _editions = begin()()
            time.sleep(1)
        shown = [watch.shown([name for _at, name in approved]) for watch in watches]
    seconds = [max(moments) - at for (at, _name), *moments in zip(approved, *shown, strict=True)]
    absolute(
        f"approval to visible in each of {len(shown)} web processes, {LENGTHS['many']:,} signatories, {database}",
        seconds,
        judged=("p99", quantiles(seconds, n=100)[98]),
        unit="s",
        must=1,
        aim=0.3,
    )


def memory_of_long(server: str) -> None:
    """What a web process takes once it has been asked for all forms of a letter: a very long one and a short one."""
    taken = {count: _taken(server, count) for count in (LENGTHS["few"], HUGE)}
    few, huge = (sorted(each) for each in taken.values())
    absolute(
        f"memory of a web process with a letter of {HUGE:,}, beyond one with {LENGTHS['few']}",
        [one - other for one, other in zip(huge, few, strict=True)],
        unit="MiB",
        must=60,
        aim=20,
        decimals=1,
    )


def _taken(server: str, count: int) -> list[float]:
    with _site(server, {"letter": count}) as site, each_process(site) as connections:
        for path in ("", "signatories.json", "signatories.csv"):
            for encoding in ("identity", "gzip", "br"):
                for connection in connections.values():
                    connection.request(
                        "GET", f"/letter/{path}", headers={"Accept-Encoding": encoding}
                    )
                    response = connection.getresponse()
                    assert response.status == 200, path
                    response.read()
        site.rest()
        return [memory(process) for process in connections]


ITEMS: Final[dict[str, tuple[Callable[[Site, str], None], tuple[str, ...]]]] = {
    "pages": (pages, ("SQLite",)),
    "cached": (cached, ("SQLite",)),
    "latency": (latency, ("SQLite", "PostgreSQL")),
    "visible": (visible, ("SQLite", "PostgreSQL")),
}


if __name__ == "__main__":
    main(sys.argv[1:])
