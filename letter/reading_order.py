"""Marks in a line from right to left, so that whoever copies it out of a PDF gets it in the order in which it is read.

A PDF has glyphs and their places; what reads it guesses the order of a line. From right to left that goes wrong where
the direction changes: pdftotext (poppler, `reorderText`) takes whatever follows a Latin word for a part of it until it
meets a letter that runs from right to left, and a full stop or a comma for a part of a number. The marks are such
letters. They are not seen, and as they stand where the text runs from right to left anyway, nothing is moved by them.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_MARK: Final = "\u200f"  # RLM
_LEFT: Final = "\u200e"  # LRM
# Typst drops the mark's own glyph and leaves it with the character after it in its run, or with the one before at the
# run's end. The template sets a character before two marks in a run of its own.
_AFTER: Final = _MARK * 2
_NUMBERS: Final = {"EN", "AN"}
_STRONG: Final = {"L", "R", "AL", "isolate", *_NUMBERS}
_OF_NUMBERS: Final = {"ES", "ET", "CS"}
_UNSEEN: Final = {"NSM", "BN"}
_ISOLATE: Final = re.compile("\u2068([^\u2069]*)\u2069")  # FSI, PDI


def stop_of(line: str) -> str:
    """The full stop behind the number of a line that runs from right to left.

    pdftotext takes a page to run in the direction that most of its letters do, so that the names of a hundred Latin
    organisations turn an Arabic page around. The marks count as letters: here there are as many as outweigh the line.
    """
    kinds = [unicodedata.bidirectional(character) for character in line]
    surplus = kinds.count("L") - kinds.count("R") - kinds.count("AL")
    return f"{_MARK}.{_AFTER}{_MARK * max(surplus, 0)}"


def marked(line: str) -> str:
    """A whole line that runs from right to left, with such marks (UAX #9 has the types of characters)."""
    pieces = list(_pieces(line.replace(_MARK, "")))
    kinds = [kind for _piece, kind in pieces]
    found, last = [], ""
    for at, (piece, kind) in enumerate(pieces):
        if kind in _STRONG:
            last = "L" if (last, kind) == ("L", "EN") else kind  # rule W7
        elif kind not in _UNSEEN:
            following = next((each for each in kinds[at + 1 :] if each in _STRONG), "")
            is_within = (last == "L" and following in {"L", "EN"}) or (
                kind in _OF_NUMBERS and last in _NUMBERS and kinds[at + 1 : at + 2] == [last]
            )
            if not is_within:
                before = _MARK if kind in _OF_NUMBERS else ""
                after = _AFTER if last in {"L", "isolate", *_NUMBERS} else ""
                found.append(f"{before}{piece}{after}")
                last = "R"
                continue
            if not piece.isspace() and kinds[at + 1 : at + 2] == ["WS"]:
                piece += _LEFT  # noqa: PLW2901  it may be the last of a broken line
        found.append(piece)
    return "".join(found)


def _pieces(line: str) -> Iterator[tuple[str, str]]:
    """Each character with its type; what is kept apart and runs from left to right is one piece, an "isolate".

    All in one direction, it is held together by marks: where a line is broken, Typst moves an isolate's last quotation
    mark to its front.
    """
    at = 0
    for isolate in _ISOLATE.finditer(line):
        yield from _characters(line[at : isolate.start()])
        kinds = [kind for _character, kind in _characters(isolate[1])]
        # The first strong letter decides (rules P2 and X5c).
        letters = [kind for kind in kinds if kind in {"L", "R", "AL"}]
        if "L" not in letters[:1] and letters:
            yield from _characters(isolate[1])
        elif {*letters} <= {"L"}:
            yield from _characters(f"{_LEFT}{isolate[1]}{_LEFT}")
        else:
            yield isolate[0], "isolate"
        at = isolate.end()
    yield from _characters(line[at:])


def _characters(text: str) -> Iterator[tuple[str, str]]:
    return ((character, unicodedata.bidirectional(character)) for character in text)
