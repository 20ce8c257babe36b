"""What `make faults` calls: rounds of people at work on a site of which one part after the other fails.

On two sites side by side, each with half of the rounds, for one keeps half of two cores busy; meanwhile a third has no
database for a minute (tests/faults/outage.py). `--alone` plays all rounds on one, with nothing beside it: so the seed
of a site strikes again. Exit status 1 where a promise was not kept, where fewer rounds than asked for fitted into the
time, or where a fault cannot be done on this machine and was not left out by name.
"""

import argparse
import json
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

from tests.faults.failing import FAULTS
from tests.faults.rounds import NotKept, Play, Round
from tests.faults.site import running_site
from tests.run import exit_on_signal

# Of each hundred rounds.
SIGN_ONS, DECISIONS = 2000, 500
SUMS = "sums: "  # before what one site tells the other, as JSON
COLUMNS = ("signed", "confirmed", "decided", "unanswered", "mails", "answer lost", "worker killed")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", help="of an earlier run, for the same faults again")
    parser.add_argument("--minutes", type=float, default=13.5, help="for the rounds")
    parser.add_argument("--only", nargs="+", choices=FAULTS, metavar="FAULT", default=[*FAULTS])
    parser.add_argument("--without", nargs="+", choices=FAULTS, metavar="FAULT", default=[])
    parser.add_argument("--alone", action="store_true")
    given = parser.parse_args()
    # As an exception, so that whatever was started is stopped on the way out.
    signal.signal(signal.SIGTERM, exit_on_signal)
    faults = [name for name in given.only if name not in given.without]
    seed = given.seed or secrets.token_hex(4)
    if given.alone:
        return _one_site(faults, given.rounds, given.minutes, seed)
    return _side_by_side(faults, given.rounds, given.minutes, seed)


def _side_by_side(faults: list[str], rounds: int, minutes: float, seed: str) -> int:
    """Two sites with their rounds, and one without a database; what each says is told with its name before it."""
    halves = {"one": rounds - rounds // 2, "two": rounds // 2}
    commands = {
        name: [
            *("tests.faults", "--alone", "--rounds", str(half), "--minutes", str(minutes)),
            *("--seed", f"{seed}-{name}", "--only", *faults),
        ]
        for name, half in halves.items()
        if half
    }
    if len(faults) == len(FAULTS):
        commands["without a database"] = ["tests.faults.outage"]
    with ThreadPoolExecutor(len(commands)) as threads, ExitStack() as undo:
        processes = {
            name: undo.enter_context(_process(command)) for name, command in commands.items()
        }
        told = {name: threads.submit(_pass_on, name, each) for name, each in processes.items()}
        sums = sum((each.result() for each in told.values()), Counter())
    failures = [
        f"not all is well with {name}" for name, each in processes.items() if each.returncode
    ]
    failures += _too_few(sums, rounds)
    print(
        ", ".join(f"{sums[name]} {name}" for name in COLUMNS)
        + f" in {rounds} rounds. Seed {seed}\n"
        + ("\n".join(failures) or "Every promise was kept.")
    )
    return 1 if failures else 0


@contextmanager
def _process(command: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """A part of the tests as a program, stopped on the way out."""
    with subprocess.Popen(
        [sys.executable, "-um", *command], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _pass_on(name: str, process: "subprocess.Popen[str]") -> Counter[str]:
    """Say what a process says, until it ends; gives the sums that it ends with, if it does."""
    sums: Counter[str] = Counter()
    assert process.stdout
    for line in process.stdout:
        if line.startswith(SUMS):
            sums = Counter(json.loads(line.removeprefix(SUMS)))
        elif line.strip():
            print(f"{name}: {line}", end="", flush=True)
    process.wait()
    return sums


def _one_site(faults: list[str], rounds: int, minutes: float, seed: str) -> int:
    print(f"Seed {seed}: {', '.join(faults)}", flush=True)
    until = time.monotonic() + minutes * 60
    with running_site(seed, with_disk="disk" in faults, with_clock="clock" in faults) as site:
        missing = {"disk": site.disk, "clock": site.clock}
        undone = [name for name in faults if name in missing and missing[name] is None]
        done: list[Round] = []
        with closing(Play(site, seed)) as play:
            try:
                for this in play.rounds([name for name in faults if name not in undone]):
                    done.append(this)
                    print(_line(len(done), this), flush=True)
                    if len(done) == rounds or time.monotonic() > until:
                        break
            except NotKept as error:
                print(
                    f"{site.log_tails()}\n\n"
                    f"Round {len(done) + 1} (seed {seed}): a promise was not kept.\n{error}"
                )
                return 1
    sums = _table(done)
    found = play.found
    print(
        f"In the database: {len(found.entries)} entries, {len(found.steps)} decisions, {len(found.mails)} mails.\n"
        f"Seed {seed}"
    )
    failures = [f"not done: {name}, which this machine does not allow" for name in undone]
    if len(done) < rounds:
        failures.append(f"only {len(done)} of {rounds} rounds fitted into the time")
    failures += _too_few(sums, len(done))
    print("\n".join(failures) or "Every promise was kept.")
    print(f"{SUMS}{json.dumps(sums)}")
    return 1 if failures else 0


def _too_few(sums: Counter[str], rounds: int) -> list[str]:
    """Whether less was done in so many rounds than proves anything; few rounds may fall short by a tenth."""
    enough = rounds / 100 * (1 if rounds >= 100 else 0.9)
    least = {"signed": SIGN_ONS, "confirmed": SIGN_ONS, "decided": DECISIONS}
    return [
        f"only {sums[name]} {name}, which proves too little"
        for name, count in least.items()
        if sums[name] < count * enough
    ]


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
