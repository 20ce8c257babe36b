"""How a figure is taken, and how it is printed."""

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

RUNS = 7


def measure(call: Callable[[], object], *, runs: int = RUNS) -> list[float]:
    """Seconds for each run."""
    seconds = []
    for _run in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def compare(
    what: str,
    ours: Sequence[float],
    reference: Sequence[float],
    *,
    unit: str,
    of: str,
    must: float | None = None,
    aim: float | None = None,
    better: Literal["higher", "lower"] = "lower",
    decimals: int = 2,
) -> None:
    """Print a figure beside its reference, and note it for the table in docs/performance.md.

    `ours` and `reference` are in `unit` and were measured by turns, so that the n-th of each saw the same machine: each
    pair gives a ratio. `of` says what the reference is; `must` and `aim` are ratios.
    """
    ratios = [one / other for one, other in zip(ours, reference, strict=True)]
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    figure = {
        "what": what,
        "of": of,
        "unit": unit,
        "ours": [min(ours), statistics.median(ours), max(ours)],
        "reference": [min(reference), statistics.median(reference), max(reference)],
        "ratio": [low, middle, high],
        "must": must,
        "aim": aim,
        "better": better,
        "decimals": decimals,
    }
    if path := os.environ.get("BENCH_FIGURES"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(figure) + "\n")
    print(
        f"{what}: {statistics.median(ours):,.{decimals}f} {unit}; {of}: {statistics.median(reference):,.{decimals}f};"
        f" ratio {low:.2f} / {middle:.2f} / {high:.2f}{_verdict(middle, must, aim, better)}",
        flush=True,
    )


def _verdict(ratio: float, must: float | None, aim: float | None, better: str) -> str:
    def reached(goal: float) -> bool:
        return ratio >= goal if better == "higher" else ratio <= goal

    if aim is not None and reached(aim):
        return f" (aim {aim} reached)"
    if must is not None:
        return f" (must {must} {'reached' if reached(must) else 'MISSED'}, aim {aim} missed)"
    return ""
