"""Texts in the cells of a CSV file: none runs as a formula, and all come back as they were (OWASP, "CSV Injection")."""

import re
from typing import Final

# What a spreadsheet runs, the full-width forms for those that fold them, white space in front or not.
# Apostrophes of the text's own come first, so that taking one off gives back exactly what was there.
_RUNS: Final = re.compile(r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r\n])")


def protected(text: str) -> str:
    """A text for a cell of a CSV file, with an apostrophe in front where a spreadsheet would run it."""
    return f"'{text}" if _RUNS.match(text) else text


def unprotected(cell: str) -> str:
    """The text that `protected` made this cell of; other apostrophes stay ("'s-Hertogenbosch")."""
    return cell[1:] if cell.startswith("'") and _RUNS.match(cell) else cell
