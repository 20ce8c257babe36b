"""make bench: what costs how much, each figure beside a reference measured in the same run.

`publishing`: a publication of up to 50,000 listings beside plain Python doing the least that one must do; on SQLite
and on PostgreSQL.
`duplicates`: whether likely duplicates are found among labelled pairs, and what one check costs; on SQLite.
`paper`: the PDF of a letter with 5,000 signatories beside Typst setting the bare list; on SQLite.
`desk`: each page of the desk with 50,000 entries beside the same with 500, on PostgreSQL.
`evening`: a queue settled in a browser by keyboard alone, on PostgreSQL.
`serving`: pages from the running product beside nginx with the same bytes as a file, what publications do to
readers, how soon an approval is visible, what a long letter takes of memory; on SQLite and on PostgreSQL.
`profile`: where a web process spends its time under readers, by py-spy.
`reading`: the letter's page on a slow phone, with 33 and with 5,000 signatories, and Lighthouse's scores.
`signing`: the form's POST at 16 connections beside pgbench inserting the same rows, on a durable PostgreSQL.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import desk, settling, table
from tests.browser.site import own_database
from tests.run import postgresql

# What `make bench` is told to measure with, and not what it is to measure.
GIVEN_DATABASE = os.environ.pop("DATABASE_URL", "")
# The servers that the part at hand was measured on.
_databases: set[str] = set()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; else all")
    parser.add_argument("--desk-entries", type=int, default=desk.ENTRIES)
    parser.add_argument("--evening-entries", type=int, default=settling.EVENING)
    parser.add_argument(
        "--no-table",
        dest="table",
        action="store_false",
        help="print the figures, and leave docs/performance.md as it is",
    )
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}")
    with tempfile.TemporaryDirectory(prefix="undersigned-figures-") as folder:
        for part in given.parts or PARTS:
            _databases.clear()
            figures = Path(folder) / part
            os.environ["BENCH_FIGURES"] = str(figures)
            PARTS[part](given)
            if given.table:
                table.write(part, figures, sorted(_databases), list(PARTS))


@contextmanager
def _postgresql(*, durable: bool = False) -> Iterator[tuple[str, str]]:
    with postgresql(GIVEN_DATABASE, durable=durable) as (server, name):
        _databases.add(name)
        yield server, name


def _publishing(_given: argparse.Namespace) -> None:
    _on_sqlite("publishing", "Publications")
    _on_postgresql("publishing", "Publications")


def _duplicates(_given: argparse.Namespace) -> None:
    _on_sqlite("duplicates", "Likely duplicates")


def _serving(_given: argparse.Namespace) -> None:
    with _postgresql() as (server, name):
        _run("serving", f"Readers, on SQLite and on {name}", DATABASE_URL=server)


def _profile(given: argparse.Namespace) -> None:
    _run("profiling", "Where the time goes", *([] if given.table else ["--no-table"]))


def _signing(_given: argparse.Namespace) -> None:
    _on_postgresql("signing", "Sign-ons", durable=True)


def _paper(_given: argparse.Namespace) -> None:
    _run("paper", "The letter on paper")


def _reading(_given: argparse.Namespace) -> None:
    _run("reading", "The letter's page on a slow phone")


def _desk(given: argparse.Namespace) -> None:
    with _postgresql() as (server, name):
        print(f"\nThe desk on {name}", flush=True)
        desk.main(server, given.desk_entries)


def _evening(given: argparse.Namespace) -> None:
    with _postgresql() as (server, name):
        print(f"\nAn evening on {name}", flush=True)
        os.environ["DATABASE_URL"] = server
        settling.main(given.evening_entries)
        del os.environ["DATABASE_URL"]


def _on_sqlite(module: str, title: str) -> None:
    with tempfile.TemporaryDirectory(prefix="undersigned-bench-") as folder:
        _run(module, f"{title} on SQLite", DATABASE_URL=f"sqlite:///{folder}/bench", VAR_DIR=folder)


def _on_postgresql(module: str, title: str, *, durable: bool = False) -> None:
    with (
        _postgresql(durable=durable) as (server, name),
        own_database(server, f"undersigned_bench_{module}") as database,
    ):
        _run(module, f"{title} on {name}", **database)


def _run(module: str, title: str, *arguments: str, **environ: str) -> None:
    """In a process of its own: Django is set up once, for one database."""
    print(f"\n{title}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    subprocess.run(command, env=os.environ | environ, check=True)


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "publishing": _publishing,
    "duplicates": _duplicates,
    "serving": _serving,
    "profile": _profile,
    "signing": _signing,
    "paper": _paper,
    "desk": _desk,
    "evening": _evening,
    "reading": _reading,
}


if __name__ == "__main__":
    main()
