"""What Typst sets: a letter on paper as PDF, tagged for screen readers (PDF/UA-1, ISO 14289-1), and pictures.

The same words give the same bytes, whenever they are set.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
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


def picture(
    template: str, words: Mapping[str, Any], language: str, options: Mapping[str, Any]
) -> bytes:
    """What a template of ours makes of words; `options` say how Typst writes it ("format": "svg").

    Raises CannotBeMade with the scripts that no font shows.
    """
    return next(run([_job(template, "words", words, language, options)]))


def job(paper: Paper) -> Job:
    """What there is to do for a paper, or CannotBeMade."""
    options = {
        "format": "pdf",
        # Refuses, too, what a font could not show after all.
        "pdf_standards": ["ua-1"],
        "timestamp": paper["published_at"],
    }
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
    return _job("letter.typ", "paper", paper, paper["language"], options)


def _job(
    template: str, name: str, data: Mapping[str, Any], language: str, options: Mapping[str, Any]
) -> Job:
    """A box in place of a letter is never printed: CannotBeMade, with the names of what is missing."""
    words = json.dumps(data, ensure_ascii=False)
    choice = fonts.choose(words, language)
    if choice.missing:
        raise CannotBeMade(choice.missing)
    return {
        "template": (_HERE / template).read_text(encoding="utf-8"),
        "inputs": {name: words, "families": json.dumps(choice.families)},
        "options": options,
        "font_folders": fonts.FOLDERS,
        "system_fonts": choice.needs_system,
    }


def run(jobs: Sequence[Job]) -> Iterator[bytes]:
    """The files, one by one as they are made; raises CannotBeMade where Typst fails."""
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
