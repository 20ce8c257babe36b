"""The product as `make serve` runs it, on data of its own, for a benchmark to ask."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.browser.site import children, free_port, wait_until_it_answers

BASE_DIR = Path(__file__).resolve().parent.parent
PATIENCE = 300  # seconds
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONDONTWRITEBYTECODE")
REST = 0.15  # of a core: less than that is looking whether there is anything to do


class Approval(NamedTuple):
    """A sign-on that was approved, and when that was committed, by the monotonic clock."""

    at: float
    name: str


# Waits until all is done; gives the approvals, and how many editions they led to.
Approvals = Callable[[], tuple[list[Approval], int]]


@dataclass
class Site:
    """A running production server; `environ` is what it was started with, `pid` granian's first process."""

    url: str
    environ: dict[str, str]
    pid: int = field(default=0)

    def processes(self) -> list[int]:
        """The web processes: children of the first, without the worker."""
        return [child for child in children(self.pid) if b"manage.py" not in _command(child)]

    def rest(self) -> None:
        """Wait until none of its processes has anything to do; after the start every letter is printed anew."""
        deadline = time.monotonic() + PATIENCE
        spent = -1.0
        while time.monotonic() < deadline:
            before, spent = spent, sum(_spent(pid) for pid in (self.pid, *children(self.pid)))
            if 0 <= spent - before < REST:
                return
            time.sleep(1)
        msg = f"the site did not come to rest in {PATIENCE} seconds"
        raise AssertionError(msg)


def service(**variables: str) -> dict[str, str]:
    """An environment with these, and as few others as an init system gives: each request gets a copy of them all."""
    return {**{name: os.environ[name] for name in KEPT if name in os.environ}, **variables}


@contextmanager
def production_site(folder: Path, lengths: Mapping[str, int], **variables: str) -> Iterator[Site]:
    """`python -m config.serve` on a free port of the loopback, with letters of these lengths by their slugs.

    On SQLite under `folder`, unless the variables name another DATABASE_URL.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = service(
        VAR_DIR=str(folder / "var"),
        SECRET_KEY=secrets.token_urlsafe(50),
        ALLOWED_HOSTS="127.0.0.1",
        BASE_URL=url,
        PORT=str(port),
        **variables,
    )
    run(
        "benchmarks.letters",
        *(f"{slug}={count}" for slug, count in lengths.items()),
        environ=environ,
    )
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.serve"],
            cwd=BASE_DIR,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_it_answers(url, process, log)
        site = Site(url, environ, process.pid)
        site.rest()
        yield site
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _spent(pid: int) -> float:
    """Seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(module: str, *arguments: str, environ: Mapping[str, str]) -> None:
    """Run one of our modules to its end, on a site's data."""
    subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=BASE_DIR, env=environ, check=True
    )


@contextmanager
def approvals(
    site: Site, slug: str, *, count: int, every: float
) -> Iterator[Callable[[], Approvals]]:
    """Prepares sign-ons; what it gives is called to have them approved, one every so many seconds."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.approving", slug, str(count), str(every)],
        cwd=BASE_DIR,
        env=site.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        out, into = process.stdout, process.stdin
        before = json.loads(out.readline())["editions"]

        def begin() -> Approvals:
            into.write("\n")
            into.flush()

            def end() -> tuple[list[Approval], int]:
                said = [json.loads(line) for line in out]
                made = [Approval(each["at"], each["name"]) for each in said[:-1]]
                return made, said[-1]["editions"] - before

            return end

        try:
            yield begin
        finally:
            process.kill()
