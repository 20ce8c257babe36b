"""Where the time of a web process goes while readers ask for a letter's page: what py-spy and the kernel say.

py-spy looks two hundred times a second which function holds the interpreter, and the kernel counts what the process
has used of the cores, in itself and in system calls. What is neither is granian's own: reading and writing HTTP, and
handing requests to threads. Needs to be root, or to be let look into its own processes.
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
from typing import Final

from benchmarks import table
from benchmarks.loading import load
from benchmarks.site import production_site
from tests.debian import bring

LENGTHS: Final = {"few": 33, "many": 5000}
CONNECTIONS: Final = 16
SECONDS: Final = 15
RATE: Final = 200  # looks a second
BEGIN: Final = "<!-- `make bench ARGS=profile` writes from here -->\n"
END: Final = "<!-- to here, too -->\n"
KERNEL = "the kernel: sockets, waking threads"
GRANIAN = "granian’s own code (Rust): HTTP, handing requests to threads and answers back"
FRONT = "`letter/front.py`"
DJANGO = "Django and all below it, asked anew ten times a second"
HANDING_OVER = "granian’s `_runner`: makes the `environ`, calls us, takes the answer"
AROUND = "other Python"


def main() -> None:
    bring("wrk")
    shares: list[Counter[str]] = []
    costs = []
    with (
        tempfile.TemporaryDirectory(prefix="undersigned-bench-") as folder,
        production_site(Path(folder), LENGTHS) as site,
    ):
        for slug in LENGTHS:
            share, cost = _profile(site.processes(), f"{site.url}/{slug}/", Path(folder))
            shares.append(share)
            costs.append(cost)
    names = [KERNEL, GRANIAN, HANDING_OVER, *sorted(
        {name for share in shares for name in share if name.startswith(FRONT)},
        key=lambda name: -shares[0][name],
    ), DJANGO, AROUND]  # fmt: skip
    heads = " | ".join(f"{count:,} signatories" for count in LENGTHS.values())
    rows = [f"| of a web process’s time | {heads} |", "|---|" + "---|" * len(LENGTHS)]
    rows += [
        f"| {name} | {' | '.join(f'{share[name]:.0%}' for share in shares)} |" for name in names
    ]
    rows.append(
        "| in all, for each answer | " + " | ".join(f"{cost:.0f} µs" for cost in costs) + " |"
    )
    text = "\n".join(rows)
    print(text)
    if "--no-table" not in sys.argv:
        table.replace(BEGIN, END, f"{text}\n")


def _profile(pids: list[int], url: str, folder: Path) -> tuple[Counter[str], float]:
    """What share of a process's time went where, and microseconds of all processes for an answer."""
    rates = []
    asking = threading.Thread(
        target=lambda: rates.append(load(url, connections=CONNECTIONS, seconds=SECONDS + 4).rate)
    )
    asking.start()
    time.sleep(2)
    looked = folder / "looks"
    pid = pids[0]
    before = [_used(each) for each in pids]
    begun = time.monotonic()
    subprocess.run(
        [
            *(
                _py_spy(),
                "record",
                "--gil",
                "--nolineno",
                "--format",
                "raw",
                "--output",
                str(looked),
            ),
            *("--rate", str(RATE), "--duration", str(SECONDS), "--pid", str(pid)),
        ],
        check=True,
        capture_output=True,
    )
    took = time.monotonic() - begun
    used = [
        (now[0] - then[0], now[1] - then[1])
        for now, then in zip([_used(each) for each in pids], before, strict=True)
    ]
    asking.join()
    user, kernel = used[0]
    looks: Counter[str] = Counter()
    for line in looked.read_text(encoding="utf-8").splitlines():
        stack, _, count = line.rpartition(" ")
        looks[_place(stack)] += int(count)
    seconds = {place: count / RATE for place, count in looks.items()}
    # What Python does in system calls is in both; little of it: a clock, a lock.
    rest = max(0.0, user - sum(seconds.values()))
    share = Counter({KERNEL: kernel, GRANIAN: rest} | seconds)
    total = share.total()
    return (
        Counter({place: each / total for place, each in share.items()}),
        sum(map(sum, used)) / took / rates[0] * 1e6,
    )


def _place(stack: str) -> str:
    frames = stack.split(";")
    if any("django/" in frame for frame in frames):
        return DJANGO
    ours = [frame for frame in frames if "letter/" in frame or "config/" in frame]
    if ours:
        return (
            f"{FRONT}: `{ours[-1].partition(' ')[0]}`"
            if "front.py" in ours[-1]
            else f"{FRONT} asks `{ours[-1].partition(' ')[0]}`"
        )
    return HANDING_OVER if "granian/wsgi.py" in frames[-1] else AROUND


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
