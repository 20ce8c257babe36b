"""A letter on paper as PDF: tagged for screen readers (PDF/UA-1, ISO 14289-1), and the same bytes whenever made."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from letter import fonts
from letter.paper import CannotBeMade, Paper
from letter.reading_order import marked, stop_of

Job = dict[str, Any]

_HERE: Final = Path(__file__).parent
# Ten times what 5,000 names take.
_TIMEOUT: Final = 60  # seconds
# Of a letter with 500 names ten take 180 MB, which the process keeps until it ends.
_AT_A_TIME: Final = 10


def pdf(paper: Paper) -> bytes:
    """The PDF, made by a process of its own; raises CannotBeMade with the scripts that no font shows."""
    return next(run([job(paper)]))


def job(paper: Paper) -> Job:
    """What there is to do for a paper, or CannotBeMade: a box in place of a letter is never printed.

    What is missing is looked for here, with its name; Typst refuses what would be missing all the same.
    """
    if paper["direction"] == "rtl":
        groups = [
            {
                **group,
                "lines": [marked(line) for line in group["lines"]],
                "stops": [stop_of(line) for line in group["lines"]],
            }
            for group in paper["groups"]
        ]
        paper = {**paper, "groups": groups}  # type: ignore[typeddict-item]  # of the same type
    words = json.dumps(paper, ensure_ascii=False)
    choice = fonts.choose(words, paper["language"])
    if choice.missing:
        raise CannotBeMade(choice.missing)
    return {
        "template": (_HERE / "letter.typ").read_text(encoding="utf-8"),
        "inputs": {"paper": words, "families": json.dumps(choice.families)},
        "timestamp": paper["published_at"],
        "font_folders": fonts.FOLDERS,
        "system_fonts": choice.needs_system,
    }


def run(jobs: Sequence[Job]) -> Iterator[bytes]:
    """The PDFs, one by one as they are made; raises CannotBeMade where Typst fails."""
    for start in range(0, len(jobs), _AT_A_TIME):
        yield from _run(jobs[start : start + _AT_A_TIME])


def _run(jobs: Sequence[Job]) -> list[bytes]:
    # The fonts are looked for once in a process: for all that any of its jobs needs.
    system_fonts = any(each["system_fonts"] for each in jobs)
    lines = (json.dumps({**each, "system_fonts": system_fonts}) + "\n" for each in jobs)
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_HERE / "compiling.py")],
            input="".join(lines).encode(),
            capture_output=True,
            timeout=_TIMEOUT,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise CannotBeMade((), f"Typst did not end well: {error}") from error
    made, rest = [], done.stdout
    for _job in jobs:
        head, _, rest = rest.partition(b"\n")
        answer = json.loads(head)
        if "error" in answer:
            raise CannotBeMade((), answer["error"])
        made.append(rest[: answer["size"]])
        rest = rest[answer["size"] :]
    return made
