"""How a figure is taken, and how it is printed."""

import os
import statistics
import time
from collections.abc import Callable

RUNS = 7


def measure(call: Callable[[], object], *, runs: int = RUNS) -> list[float]:
    """Seconds for each run."""
    seconds = []
    for _run in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def heading() -> None:
    # On a busy machine everything takes longer; the ratios still tell.
    print(f"{os.cpu_count()} cores, on average {os.getloadavg()[0]:.1f} processes at work")
    print(f"{'':<58} {'min':>9} {'median':>9} {'max':>9}")


def report(name: str, seconds: list[float], reference: list[float], more: str = "") -> None:
    low, middle, high = (f(seconds) * 1000 for f in (min, statistics.median, max))
    ratio = statistics.median(seconds) / statistics.median(reference)
    print(
        f"{name:<58} {low:9.2f} {middle:9.2f} {high:9.2f} ms   {ratio:7.2f} × its reference"
        f"{'   ' if more else ''}{more}",
        flush=True,
    )
