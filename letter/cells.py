"""Texts in the cells of a CSV file: none runs as a formula, and all come back as they were (OWASP, "CSV Injection").

A spreadsheet may split a cell further than we did: LibreOffice asks at which characters, and Excel in much
of Europe splits at semicolons alone. So what follows such a character is kept from running, too.
"""

import re
from typing import Final

# At these a cell may be split. Not at commas: a text with one stands in quotation marks in our files.
_BEGINNING: Final = r"(?:\A|(?<=[;|\t\r\n]))"
# What a spreadsheet runs, the full-width forms for those that fold them, blanks and quotation marks in front or not.
# Apostrophes of the text's own come first, so that taking one off gives back exactly what was there.
_FORMULA: Final = r"(?='*(?:[^\S\t\r\n]|\")*[=+\-@＝＋－＠])"
_CONTROL: Final = r"(?='*[\t\r\n])"
_BARE: Final = re.compile(rf"{_BEGINNING}{_FORMULA}|\A{_CONTROL}")
_PROTECTED: Final = re.compile(rf"{_BEGINNING}'{_FORMULA}|\A'{_CONTROL}")


def protected(text: str) -> str:
    """A text for a cell of a CSV file, with an apostrophe wherever a spreadsheet would run what follows."""
    return _BARE.sub("'", text)


def unprotected(cell: str) -> str:
    """The text that `protected` made this cell of; other apostrophes stay ("'s-Hertogenbosch")."""
    return _PROTECTED.sub("", cell)
