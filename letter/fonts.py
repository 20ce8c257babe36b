"""The fonts that a document can be set in, and what none of them can show.

Fonts come from packages that are installed with the product (Noto Sans for Latin, Greek, Cyrillic and two
dozen other scripts, and for Chinese, Japanese and Korean; Amiri for Arabic), and beyond those from the system. What
a text needs is looked up in the fonts' own character maps, so that a missing script is said by name.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import fontpkg_amiri
import manimgx_fonts
import manimgx_fonts_cjk
import typst
from fontTools import unicodedata as scripts
from fontTools.ttLib import TTFont

FOLDERS: Final = [
    str(Path(package.__file__).parent)
    for package in (manimgx_fonts, manimgx_fonts_cjk, fontpkg_amiri)
]
_FIRST: Final = "Noto Sans"
# Its letters are whole glyphs, and lam-alef is two. In Noto Sans Arabic the dots are glyphs of their own: that looks
# the same, but text copied from the PDF has letters twice.
_ARABIC: Final = "Amiri"
# The same characters are drawn differently; what is not Japanese or Korean is taken for Chinese.
_HAN: Final = {"ja": "JP", "ko": "KR", "zh-hant": "TC"}
_REGULAR: Final = 400
_ASCII: Final = bytes(range(128))


@dataclass(frozen=True)
class Choice:
    """The families that show a text, in the order to try them, and the scripts that none can show.

    A missing script is its name in English with its first character: "Tibetan (ཀ)".
    """

    families: tuple[str, ...]
    missing: tuple[str, ...]
    needs_system: bool  # whether any family is not of our packages


def choose(text: str, language: str) -> Choice:
    """What to set a text in; `language` decides how Chinese characters are drawn."""
    han = f"Noto Sans CJK {_HAN.get(language, 'SC')}"
    first = [_FIRST, _ARABIC, han]
    if language.partition("-")[0] in {"zh", "ja", "ko"}:
        first = [han, _FIRST, _ARABIC]
    needed = {character for character in _characters(text) if _is_seen(character)}
    families = []
    for family in first:
        # The map of the Chinese characters takes a second to read.
        shown_here = _shown(needed, family) if needed else set()
        if shown_here or family == _FIRST:
            families.append(family)
        needed -= shown_here
    # Few families rather than many: of each kind, the one that shows most of what is left.
    for candidates in _others():
        while needed and candidates:
            shown = {family: _shown(needed, family) for family in candidates}
            best = max(candidates, key=lambda family: len(shown[family]))
            if not shown[best]:
                break
            families.append(best)
            needed -= shown[best]
    needs_system = not set(families) <= {*_others()[0]}
    return Choice(tuple(families), tuple(_named(needed)), needs_system)


def _characters(text: str) -> set[str]:
    """What a text is written with, and ASCII, which every family has: long lists are mostly that."""
    rest = text.encode("utf-8", "surrogatepass").translate(None, _ASCII)
    return {*rest.decode("utf-8", "surrogatepass"), *_ASCII.decode()}


@cache
def _files() -> dict[str, tuple[str, int]]:
    """The file of each upright family and the font's place in it; where there are several, ours or the regular one."""
    found: dict[str, tuple[tuple[bool, int], str, int]] = {}
    available = typst.Fonts(
        include_system_fonts=True, include_embedded_fonts=False, font_paths=list(FOLDERS)
    )
    for font in available.fonts():
        if font.path is None or font.style != "normal":
            continue
        rank = (not font.path.startswith(tuple(FOLDERS)), abs(font.weight - _REGULAR))
        if font.family not in found or rank < found[font.family][0]:
            found[font.family] = (rank, font.path, font.index)
    return {family: (path, index) for family, (_rank, path, index) in found.items()}


@cache
def _others() -> tuple[list[str], list[str]]:
    """The families of the packages, then those of the system, in the order of their names."""
    files = _files()
    ours = [family for family in files if files[family][0].startswith(tuple(FOLDERS))]
    theirs = [family for family in files if family not in ours]
    theirs.sort(key=lambda family: (not family.startswith("Noto Sans"), family))
    return sorted(ours), theirs


@cache
def _coverage(family: str) -> frozenset[str]:
    """The characters that a family has."""
    if family not in _files():
        return frozenset()
    path, index = _files()[family]
    with TTFont(path, fontNumber=index, lazy=True) as font:
        # Of the glyphs' names, which take seconds and a quarter of a gigabyte to read, none matters.
        font.setGlyphOrder([str(number) for number in range(font["maxp"].numGlyphs)])
        return frozenset(map(chr, font.getBestCmap() or ()))


def _shown(characters: Iterable[str], family: str) -> set[str]:
    coverage = _coverage(family)
    return {
        character
        for character in characters
        # A letter that a font lacks is put together from its parts, where it has those.
        if character in coverage or coverage.issuperset(unicodedata.normalize("NFD", character))
    }


def _is_seen(character: str) -> bool:
    """Whether a character needs a picture: not white space, joiners, marks of direction, variation selectors."""
    return not (
        character.isspace()
        or unicodedata.category(character) in {"Cc", "Cf"}
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def _named(characters: Iterable[str]) -> list[str]:
    by_script: dict[str, list[str]] = defaultdict(list)
    for character in sorted(characters):
        by_script[scripts.script_name(scripts.script(character))].append(character)
    return [
        f"{script} ({next(filter(str.isalpha, found), found[0])})"
        for script, found in sorted(by_script.items())
    ]
