"""Two texts compared word by word, for people to read.

Paragraphs are put beside each other first, then their words, so that a paragraph moved in between
does not make everything after it look new, and no comparison is longer than a paragraph.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

Kind = Literal["same", "taken_out", "added"]

# A word, a sign of punctuation, white space, the address of a link; Chinese and Japanese write no spaces, so there a
# character is what a word is elsewhere. By what separates words, since \w knows no combining marks.
_SIGNS: Final = r".,;:!?…()\[\]{}«»“”„\"،؛؟·、。，；：！？（）《》「」"
_UNSPACED: Final = "\u2e80-\u2fdf\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN: Final = re.compile(rf"\s+|<[^<>\s]+>|[{_UNSPACED}]|[{_SIGNS}]|[^\s{_UNSPACED}{_SIGNS}]+")
# Below this, two paragraphs have so little in common that one is read as replaced by the other.
_ALIKE: Final = 0.35


@dataclass(frozen=True)
class Piece:
    """Some words that are in both texts, in the old one alone, or in the new one alone."""

    kind: Kind
    text: str


Paragraph = tuple[Piece, ...]


def compare(old: Sequence[str], new: Sequence[str]) -> list[Paragraph]:
    """The paragraphs of both texts in reading order, each as the pieces that it is made of."""
    compared: list[Paragraph] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            compared += [(Piece("same", text),) for text in old[i1:i2]]
            continue
        compared += _aligned(old[i1:i2], new[j1:j2])
    return compared


def _aligned(old: Sequence[str], new: Sequence[str]) -> list[Paragraph]:
    """The two that are most alike beside each other, then what stands above them and below them."""
    old_words, new_words = ([_words(text) for text in each] for each in (old, new))
    likeness, at_old, at_new = max(
        (
            (2 * (one & other).total() / (one.total() + other.total() or 1), -i, -j)
            for i, one in enumerate(old_words)
            for j, other in enumerate(new_words)
        ),
        default=(0.0, 0, 0),
    )
    if likeness < _ALIKE:
        taken_out: list[Paragraph] = [(Piece("taken_out", text),) for text in old if text]
        return taken_out + [(Piece("added", text),) for text in new if text]
    i, j = -at_old, -at_new
    return [
        *_aligned(old[:i], new[:j]),
        _by_word(old[i], new[j]),
        *_aligned(old[i + 1 :], new[j + 1 :]),
    ]


def _words(text: str) -> Counter[str]:
    return Counter(token for token in _TOKEN.findall(text) if any(map(str.isalnum, token)))


def _by_word(before: str, after: str) -> Paragraph:
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    pieces: list[Piece] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(Piece("same", "".join(old[i1:i2])))
            continue
        if i1 < i2:
            pieces.append(Piece("taken_out", "".join(old[i1:i2])))
        if j1 < j2:
            pieces.append(Piece("added", "".join(new[j1:j2])))
    return tuple(_joined(pieces))


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Changes with nothing but a space between them as one, so that a new phrase reads as a phrase."""
    joined: list[Piece] = []
    taken_out = added = ""
    for index, piece in enumerate(pieces):
        is_gap = piece.kind == "same" and piece.text.isspace() and 0 < index < len(pieces) - 1
        if piece.kind == "taken_out" or is_gap:
            taken_out += piece.text
        if piece.kind == "added" or is_gap:
            added += piece.text
        if piece.kind == "same" and not is_gap:
            joined += _change(taken_out, added)
            taken_out = added = ""
            joined.append(piece)
    return joined + _change(taken_out, added)


def _change(taken_out: str, added: str) -> list[Piece]:
    """What was taken out, then what came for it; white space alone is no change that anyone sees."""
    if taken_out.split() == added.split():
        return [Piece("same", added)] if added else []
    changed = (Piece("taken_out", taken_out), Piece("added", added))
    return [piece for piece in changed if piece.text]


def is_changed(paragraphs: Sequence[Paragraph]) -> bool:
    """Whether any word differs."""
    return any(piece.kind != "same" for pieces in paragraphs for piece in pieces)
