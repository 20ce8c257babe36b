"""The table of docs/performance.md: the rows of each part as it was last measured, and on what."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.measuring import MISSED, verdict
from tests.debian import find

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN: Final = "<!-- `make bench` writes from here -->\n"
END: Final = "<!-- to here -->\n"
HEAD: Final = (
    "| part | what | ours: min, median, max | reference | its min, median, max | ratio: min, median, max "
    "| must | aim | median |\n|---|---|---|---|---|---|---|---|---|\n"
)


def write(part: str, figures: Path, databases: Iterable[str], order: Sequence[str]) -> None:
    """Put what a part has noted (see `measuring`) in the place of what it had noted before; others' rows stay.

    `order` is that of the parts in the table. A part that notes nothing has no rows.
    """
    if not figures.exists():
        return
    lines = figures.read_text(encoding="utf-8").splitlines()
    fresh = [_row(part, json.loads(line)) for line in lines]
    old = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [row for row in re.findall(r"^\| `.*\n", old, re.MULTILINE) if _part(row) != part]
    notes = [note for note in re.findall(r"^- `.*\n", old, re.MULTILINE) if _part(note) != part]

    def place(line: str) -> int:
        return order.index(_part(line))

    rows = sorted([*rows, *fresh], key=place)
    notes = sorted([*notes, f"- `{part}`: {_circumstances(databases)}\n"], key=place)
    replace(BEGIN, END, f"{HEAD}{''.join(rows)}\n{''.join(notes)}")


def replace(begin: str, end: str, lines: str) -> None:
    """Put lines between two marks of the document."""
    before, rest = DOCUMENT.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    DOCUMENT.write_text(f"{before}{begin}{lines}{end}{after}", encoding="utf-8")


def _part(line: str) -> str:
    return line.split("`")[1]


def _row(part: str, figure: dict[str, Any]) -> str:
    decimals = figure["decimals"]

    def three(values: Sequence[float], digits: int, unit: str = "") -> str:
        return ", ".join(f"{value:,.{digits}f}" for value in values) + unit

    if "ratio" in figure:
        judged = figure["ratio"][1]
        ratio = three(figure["ratio"], 2)
        reference = three(figure["reference"], decimals)
    else:
        name, judged = figure["judged"]
        ratio = f"{name}: {judged:,.{decimals}f} {figure['unit']}"
        reference = ""
    sign = "≥" if figure["better"] == "higher" else "≤"
    goals = [
        f"{sign} {goal}" if goal is not None else "" for goal in (figure["must"], figure["aim"])
    ]
    said = verdict(judged, figure["must"], figure["aim"], figure["better"])
    cells = [
        f"`{part}`",
        figure["what"],
        three(figure["ours"], decimals, f" {figure['unit']}"),
        figure["of"],
        reference,
        ratio,
        *goals,
        f"**{said}**" if said == MISSED else said,
    ]
    return f"| {' | '.join(cells)} |\n"


def _circumstances(databases: Iterable[str]) -> str:
    today = datetime.now(UTC)
    programs = [
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("Django", "granian")),
        *databases,
        *_versions(),
    ]
    return (
        f"{today.day} {today:%B %Y}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the end;"
        f" {', '.join(programs)}"
    )


def _versions() -> list[str]:
    """Of nginx and wrk, where they are here."""
    found = []
    for name, pattern in (("nginx", r"nginx/([\d.]+)"), ("wrk", r"wrk \S*?([\d.]+)")):
        if command := find(name):
            told = subprocess.run([command, "-v"], capture_output=True, text=True, check=False)
            if match := re.search(pattern, told.stdout + told.stderr):
                found.append(f"{name} {match[1]}")
    return found
