"""Where the time of a web process goes while readers ask for a letter's page: what py-spy and the kernel say.

py-spy looks two hundred times a second which function holds the interpreter. It does not stop the process for that
(--nonblocking): a stopped process reads no more requests while those under way come to their end, so that what is
seen then is threads that wait. It runs on the same core instead, and goes first. Needs to be root, or to be let look
into its own processes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import table
from benchmarks.loading import load
from benchmarks.site import Site, production_site
from tests.debian import bring

LENGTHS: Final = {"few": 33, "many": 5000}
CONNECTIONS: Final = 16
SECONDS: Final = 10
RATE: Final = 200  # looks a second
BEGIN: Final = "<!-- `make bench ARGS=profile` writes from here -->\n"
END: Final = "<!-- to here, too -->\n"
BEFORE: Final = "granian, before it calls Python: a request becomes Python’s objects"
HANDED_OVER: Final = (
    "granian, called by `config/threads.py`: takes the answer, and wakes who sends it"
)
DJANGO: Final = "Django, asked anew five times a second in each process"
OTHERS: Final = "all other"
LEAST: Final = 0.005  # of the time; what is less is among the others


def main() -> None:
    bring("wrk")
    with (
        tempfile.TemporaryDirectory(prefix="undersigned-bench-") as folder,
        production_site(Path(folder), LENGTHS) as site,
    ):
        seen = [_profile(site, slug, Path(folder)) for slug in LENGTHS]
    total: Counter[str] = sum((each.share for each in seen), Counter())
    ours = [name for name, share in total.most_common() if name.startswith("`")]
    heads = " | ".join(f"{count:,} signatories" for count in LENGTHS.values())
    lines = [f"| of the time for which the interpreter is held | {heads} |", "|---|---|---|"]
    lines += [
        *(
            f"| {name} | {' | '.join(f'{each.share[name]:.0%}' for each in seen)} |"
            for name in (BEFORE, HANDED_OVER, *ours, DJANGO, OTHERS)
        ),
        f"| **of all the time of the process, in the kernel** | {' | '.join(f'{each.kernel:.0%}' for each in seen)} |",
        f"| **of all processes, for each answer** | {' | '.join(f'{each.cost * 1e6:.0f} µs' for each in seen)} |",
    ]
    print("\n".join(lines))
    if "--no-table" not in sys.argv:
        table.replace(BEGIN, END, "".join(f"{line}\n" for line in lines))


class Seen(NamedTuple):
    """What was seen of a web process: what held the interpreter how much of the time, by its name in the table."""

    share: Counter[str]
    kernel: float  # of the time that the process used
    cost: float  # seconds of all web processes for an answer


def _profile(site: Site, slug: str, folder: Path) -> Seen:
    pids = site.processes()
    rates = []
    asking = threading.Thread(
        target=lambda: rates.append(
            load(f"{site.url}/{slug}/", connections=CONNECTIONS, seconds=SECONDS + 4).rate
        )
    )
    asking.start()
    time.sleep(2)
    looks = folder / "looks"
    before = [_used(pid) for pid in pids]
    begun = time.monotonic()
    subprocess.run(
        [
            # Before all else, or it would have its turn mostly when the process waits; and on the core that the process
            # is kept on, which stands still meanwhile: from another, it would read what changes while it is read.
            *(("chrt", "--fifo", "1") if os.geteuid() == 0 else ()),
            *("taskset", "--cpu-list", ",".join(map(str, os.sched_getaffinity(pids[0])))),
            *(_py_spy(), "record", "--gil", "--nonblocking", "--nolineno", "--format", "raw"),
            *("--rate", str(RATE), "--duration", str(SECONDS), "--pid", str(pids[0])),
            *("--output", str(looks)),
        ],
        check=True,
        capture_output=True,
    )
    took = time.monotonic() - begun
    used = [
        (now[0] - then[0], now[1] - then[1])
        for now, then in zip(map(_used, pids), before, strict=True)
    ]
    asking.join()
    counts: Counter[str] = Counter()
    for line in looks.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        counts[_place(stack)] += int(count)
    share: Counter[str] = Counter()
    for name, count in counts.items():
        part = count / counts.total()
        share[name if part >= LEAST else OTHERS] += part  # type: ignore[assignment]
    user, kernel = used[0]
    return Seen(share, kernel / (user + kernel), sum(map(sum, used)) / took / rates[0])


def _place(stack: str) -> str:
    """The name in the table of what has the innermost say in a stack, which begins with the outermost."""
    frames = [frame for frame in stack.split(";") if frame]
    if not frames:
        return BEFORE
    if "django/" in stack:
        return DJANGO
    function, _, file = frames[-1].partition(" (")
    if function == "_answered_at_once":
        return HANDED_OVER
    return f"`{file.removesuffix(')')}`" if file.startswith(("letter/", "config/")) else OTHERS


def _used(pid: int) -> tuple[float, float]:
    """Seconds of a core that a process has used, in itself and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return int(fields[11]) / tick, int(fields[12]) / tick


def _py_spy() -> str:
    beside = Path(sys.executable).with_name("py-spy")
    if path := shutil.which(str(beside)) or shutil.which("py-spy"):
        return path
    msg = "There is no py-spy here. Install what requirements-dev.lock has: make test does so."
    raise SystemExit(msg)


if __name__ == "__main__":
    main()
