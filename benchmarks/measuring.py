"""How a figure is taken, and how it is printed."""

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

RUNS = 7
MISSED = "missed"


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
    _note(figure)
    print(
        f"{what}: {statistics.median(ours):,.{decimals}f} {unit}; {of}: {statistics.median(reference):,.{decimals}f};"
        f" ratio {low:.2f} / {middle:.2f} / {high:.2f}{_in_words(middle, must, aim, better)}",
        flush=True,
    )


def absolute(
    what: str,
    values: Sequence[float],
    *,
    unit: str,
    judged: tuple[str, float] | None = None,
    must: float,
    aim: float,
    decimals: int = 2,
) -> None:
    """Print a figure that has limits of its own, in `unit` as they are, and note it likewise.

    `judged` is what of the values is held against them: its name and itself; else the median.
    """
    name, value = judged or ("median", statistics.median(values))
    _note(
        {
            "what": what,
            "of": "",
            "unit": unit,
            "ours": [min(values), statistics.median(values), max(values)],
            "judged": [name, value],
            "must": must,
            "aim": aim,
            "better": "lower",
            "decimals": decimals,
        }
    )
    print(
        f"{what}: {name} {value:,.{decimals}f} {unit} of {len(values)};"
        f" min {min(values):,.{decimals}f}, median {statistics.median(values):,.{decimals}f},"
        f" max {max(values):,.{decimals}f}{_in_words(value, must, aim, 'lower')}",
        flush=True,
    )


def _note(figure: dict[str, object]) -> None:
    if path := os.environ.get("BENCH_FIGURES"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(figure) + "\n")


def verdict(value: float, must: float | None, aim: float | None, better: str) -> str:
    """What is reached of `must` and `aim`, in a word or two; empty where there are none."""

    def reached(goal: float) -> bool:
        return value >= goal if better == "higher" else value <= goal

    if aim is not None and reached(aim):
        return "aim reached"
    if must is not None and reached(must):
        return "must reached"
    return MISSED if must is not None or aim is not None else ""


def _in_words(value: float, must: float | None, aim: float | None, better: str) -> str:
    said = verdict(value, must, aim, better)
    return f" ({said}; must {must}, aim {aim})" if said else ""
