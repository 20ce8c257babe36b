"""What `make faults` calls: rounds of people at work on a site of which one part after the other fails.

Meanwhile another site, for neither keeps two cores busy, has no database for a minute (tests/faults/outage.py).
Exit status 1 where a promise was not kept, where fewer rounds than asked for fitted into the time, or where a fault
cannot be done on this machine and was not left out by name.
"""

import argparse
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tests.faults.failing import FAULTS
from tests.faults.rounds import NotKept, Play, Round
from tests.faults.site import running_site
from tests.run import exit_on_signal

# Of each hundred rounds.
SIGN_ONS, DECISIONS = 2000, 500
COLUMNS = ("signed", "confirmed", "decided", "unanswered", "mails", "answer lost", "worker killed")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", help="of an earlier run, for the same faults again")
    parser.add_argument("--minutes", type=float, default=14, help="for the rounds")
    parser.add_argument("--only", nargs="+", choices=FAULTS, metavar="FAULT", default=[*FAULTS])
    parser.add_argument("--without", nargs="+", choices=FAULTS, metavar="FAULT", default=[])
    given = parser.parse_args()
    # As an exception, so that whatever was started is stopped on the way out.
    signal.signal(signal.SIGTERM, exit_on_signal)
    faults = [name for name in given.only if name not in given.without]
    seed = given.seed or secrets.token_hex(4)
    print(f"Seed {seed}: {', '.join(faults)}", flush=True)
    until = time.monotonic() + given.minutes * 60

    with (
        _outage(is_wanted=len(faults) == len(FAULTS)) as outage,
        running_site(seed, with_disk="disk" in faults, with_clock="clock" in faults) as site,
    ):
        missing = {"disk": site.disk, "clock": site.clock}
        undone = [name for name in faults if name in missing and missing[name] is None]
        done: list[Round] = []
        with closing(Play(site, seed)) as play:
            try:
                for this in play.rounds([name for name in faults if name not in undone]):
                    done.append(this)
                    print(_line(len(done), this), flush=True)
                    if len(done) == given.rounds or time.monotonic() > until:
                        break
            except NotKept as error:
                print(
                    f"{site.log_tails()}\n\n"
                    f"Round {len(done) + 1} (seed {seed}): a promise was not kept.\n{error}"
                )
                return 1
        without_database = outage and outage.communicate()[0]
    sums = _table(done)
    found = play.found
    print(
        f"In the database: {len(found.entries)} entries, {len(found.steps)} decisions, {len(found.mails)} mails.\n"
        f"Seed {seed}"
    )
    failures = [f"not done: {name}, which this machine does not allow" for name in undone]
    if len(done) < given.rounds:
        failures.append(f"only {len(done)} of {given.rounds} rounds fitted into the time")
    for name, count in (("signed", SIGN_ONS), ("confirmed", SIGN_ONS), ("decided", DECISIONS)):
        if sums[name] * 100 < count * len(done) * 0.9 or (len(done) >= 100 and sums[name] < count):
            failures.append(f"only {sums[name]} {name}, which proves too little")
    if outage:
        print(f"\nAnd without a database:\n{without_database.strip()}")
        if outage.returncode:
            failures.append("what was promised without a database was not kept")
    print("\n".join(failures) or "Every promise was kept.")
    return 1 if failures else 0


@contextmanager
def _outage(*, is_wanted: bool) -> Iterator["subprocess.Popen[str] | None"]:
    """The other site's; what it says is kept for the end."""
    if not is_wanted:
        yield None
        return
    command = [sys.executable, "-m", "tests.faults.outage"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def _line(number: int, this: Round) -> str:
    counts = this.counts
    return (
        f"round {number}, {this.moment:.1f} s: {this.fault} {this.what}; {counts['signed']} signed, "
        f"{counts['confirmed']} confirmed, {counts['decided']} decided, {counts['unanswered']} without answer; "
        f"{counts['mails']} mails, {counts['answer lost'] + counts['worker killed']} of them again; "
        f"settled after {this.settled_after:.1f} s, kept ({this.took:.1f} s)"
    )


def _table(done: list[Round]) -> Counter[str]:
    """Print the sums by fault; gives those of all."""
    by_fault: dict[str, list[Round]] = defaultdict(list)
    for this in done:
        by_fault[this.fault].append(this)
    print(
        f"\n{'':18}{'rounds':>8}"
        + "".join(f"{name:>15}" for name in COLUMNS)
        + f"{'settled, s':>15}"
    )
    for name, rounds in [*sorted(by_fault.items()), ("all", done)]:
        sums = sum((this.counts for this in rounds), Counter())
        slowest = max(this.settled_after for this in rounds)
        print(
            f"{name:18}{len(rounds):8}"
            + "".join(f"{sums[each]:15}" for each in COLUMNS)
            + f"{slowest:15.1f}"
        )
    return sum((this.counts for this in done), Counter())


if __name__ == "__main__":
    sys.exit(main())
