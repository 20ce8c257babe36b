"""Half a million cases of what strangers may send: what `make fuzz` calls.

    python -m tests.fuzz [--cases N] [--minutes M] [--seed N] [--only NAME]
    python -m tests.fuzz --only NAME --repeat HEX

Parsers are tried out under atheris where that is installed, else by hypothesis; the site by hypothesis, on a database
of its own. Two processes at a time. Ends with status 1 where anything failed, and says how to do it again.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.cases import SITE

BASE_DIR = Path(__file__).resolve().parent.parent.parent
# Of all cases, those that ask the site: a hundred take as long as a thousand of a parser.
OF_THE_SITE = 0.05
AT_ONCE = 2


@dataclass(frozen=True)
class Outcome:
    name: str
    cases: int
    seconds: float
    by: str
    failed: bytes | None = None
    said: str = ""


def main(arguments: Sequence[str]) -> int:
    asked = _asked(arguments)
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    if asked.repeat is not None:
        return _repeat(asked.only, bytes.fromhex(asked.repeat))
    if asked.by_hypothesis:
        return _by_hypothesis(asked.only, asked.seed, asked.cases, asked.minutes * 60)
    return _all(asked)


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--cases", type=int, default=500_000)
    parser.add_argument("--minutes", type=float, default=14)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    parser.add_argument("--only", default="")
    parser.add_argument("--repeat", metavar="HEX")
    parser.add_argument("--by-hypothesis", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _all(asked: argparse.Namespace) -> int:
    import django

    django.setup()
    from tests.fuzz.parsers import PARSERS

    names = [asked.only] if asked.only else [*SITE, *(target.name for target in PARSERS)]
    print(
        f"Seed {asked.seed}: {asked.cases:,} cases in {asked.minutes:g} minutes at most", flush=True
    )
    begun = time.monotonic()
    sites = [name for name in names if name in SITE]
    parsers = [name for name in names if name not in SITE]
    # The site's cases take half of the time.
    budget = asked.minutes * 60 * AT_ONCE * 0.85  # the rest is for starting them
    half = 0.5 if sites and parsers else 1.0
    of_sites = asked.cases * (OF_THE_SITE if parsers else 1.0)
    counting = threading.Lock()
    owed = asked.cases

    def of(name: str) -> Outcome:
        nonlocal owed
        with counting:
            if name in SITE:
                cases, seconds = round(of_sites / len(sites)), budget * half / len(sites)
            else:
                # What slow ones have left of theirs the others make up for.
                cases = -(-owed // (len(parsers) - parsers.index(name)))
                seconds = budget * half / len(parsers)
            owed -= cases
        outcome = _tried(name, asked.seed, max(1, cases), seconds)
        with counting:
            owed += max(0, cases - outcome.cases)
        rate = outcome.cases / max(outcome.seconds, 0.001)
        how = f"{outcome.name:22}{outcome.cases:>9,} cases {rate:>8,.0f}/s by {outcome.by}"
        print(how if outcome.failed is None else f"{how}  FAILED", flush=True)
        return outcome

    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(of, names))
    failed = [outcome for outcome in outcomes if outcome.failed is not None]
    for outcome in failed:
        again = f'python -m tests.fuzz --only "{outcome.name}" --repeat {outcome.failed.hex() or repr("")}'
        print(f"\n--- {outcome.name} ---\n{outcome.said}\nAgain: {again}")
    cases = sum(outcome.cases for outcome in outcomes)
    seconds = time.monotonic() - begun
    print(
        f"\n{cases:,} cases in {seconds:.0f} s, {cases / seconds:,.0f}/s, seed {asked.seed}, {len(failed)} failed"
    )
    return 1 if failed else 0


def _tried(name: str, seed: int, cases: int, seconds: float) -> Outcome:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        if name not in SITE and find_spec("atheris"):
            by, command = "atheris", ["tests.fuzz.guided", name, seed, cases, int(seconds), folder]
        else:
            by = "hypothesis"
            command = [
                "tests.fuzz",
                "--by-hypothesis",
                "--only",
                name,
                "--seed",
                seed,
                "--cases",
                cases,
            ]
            command += ["--minutes", seconds / 60]
        run = subprocess.run(
            [sys.executable, "-m", *map(str, command)],
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds + 300,
        )
        said = run.stdout + run.stderr
        left = [path for path in Path(folder).iterdir() if path.is_file()]
        failed = left[0].read_bytes() if left else None
    took = time.monotonic() - begun
    if by == "atheris":
        counted = re.search(r"number_of_executed_units: (\d+)", said)
        done = int(counted[1]) if counted else 0
    else:
        last = json.loads(run.stdout.splitlines()[-1]) if run.stdout.strip() else {}
        done = last.get("cases", 0)
        failed = bytes.fromhex(last["failed"]) if "failed" in last else failed
    if run.returncode and failed is None:
        failed = b""
    return Outcome(
        name,
        done,
        took,
        by,
        failed,
        "\n".join(said.splitlines()[-40:]) if failed is not None else "",
    )


def _by_hypothesis(name: str, seed: int, cases: int, seconds: float) -> int:
    """In this process; the last line on standard output is JSON."""
    until = time.monotonic() + seconds
    done = 0
    failed: list[bytes] = []
    with _target(name) as target:

        def tried(data: bytes) -> None:
            nonlocal done
            if time.monotonic() > until and not failed:
                return
            done += 1
            try:
                target.run(data)
            except BaseException:
                failed.append(data)
                raise

        try:
            target.try_out(tried, cases, beginning=seed)
        except BaseException:
            import traceback

            traceback.print_exc(file=sys.stdout)
            print(
                json.dumps({"cases": done, "failed": min(failed, key=len).hex() if failed else ""})
            )
            return 1
    print(json.dumps({"cases": done}))
    return 0


def _repeat(name: str, data: bytes) -> int:
    with _target(name) as target:
        target.run(data)
    print("It holds.")
    return 0


def _target(name: str):
    """The target of a name, with a database where it asks for one."""
    from contextlib import contextmanager

    import django

    django.setup()

    @contextmanager
    def found():
        from tests.fuzz.parsers import PARSERS

        for target in PARSERS:
            if target.name == name:
                yield target
                return
        from django.db import connection
        from django.test.utils import setup_test_environment

        setup_test_environment()
        connection.creation.create_test_db(verbosity=0)
        from tests.fuzz.site import Site

        try:
            site = Site()
            with site:
                [target] = [each for each in site.targets() if each.name == name]
                yield target
        finally:
            connection.creation.destroy_test_db("", verbosity=0)

    return found()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
