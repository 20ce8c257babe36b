"""Names as they are kept, and the key by which two spellings are one name.

A name is printed on a public page among others, so nothing in it may disturb its neighbours or
pass for what it is not: no control or bidirectional override characters (UTS #36 §3), nothing
that cannot be seen, no towers of accents. What merely came along when a name was pasted is
taken out in silence; everything else is refused in words. Letters are never changed or re-cased.
"""

import re
import unicodedata
from typing import Final

from django.utils.translation import gettext as _

from letter.characters import BIDI_CONTROLS

# White_Space in Unicode, and the blank of Braille. Not \s: in Python that has U+001C to U+001F.
_WHITE_SPACE: Final = re.compile(
    "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000]+"
)
# Invisible, and without meaning where they stand: zero-width space, soft hyphen, byte order
# mark, word joiner, single direction marks, and the Hangul fillers, which count as letters.
_DROPPED: Final = re.compile(
    "[\u200b\ufeff\u2060\u00ad\u200e\u200f\u061c\u115f\u1160\u3164\uffa0]",
)
_JOINERS: Final = re.compile("[\u200c\u200d]")
_VIRAMA: Final = 9  # canonical combining class
_FIRST_JOINING_SCRIPT: Final = "\u0590"  # before it: Latin, Greek, Cyrillic, Armenian

_DAMAGE: Final = frozenset("\ufffc\ufffd")
# Format characters that can be seen: Arabic, Syriac and Kaithi signs that enclose numbers.
_VISIBLE_FORMATS: Final = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
_MOST_MARKS: Final = 4
# NFC makes one character of four at most; putting a megabyte of accents in order takes hours (UAX #15 §9).
_MOST_TIMES_LONGER: Final = 4


class NameRefused(ValueError):
    """A name that cannot be kept. The message is a sentence for whoever typed it."""


def clean_name(raw: str, *, max_length: int = 250) -> str:
    """A name in NFC, white space folded to single spaces, without what cannot be seen.

    `max_length` counts characters (code points) of the result. Raises NameRefused, also for a
    name without any letter or digit.
    """
    name = clean_line(raw, max_length=max_length)
    if not any(unicodedata.category(char)[0] in "LN" for char in name):
        raise NameRefused(_("A name needs at least one letter or digit."))
    return name


def clean_line(raw: str, *, max_length: int = 250) -> str:
    """The same for a line that may be empty or have no letter, such as a contact's role."""
    line = _WHITE_SPACE.sub(" ", _DROPPED.sub("", raw)).strip(" ")
    if len(line) > _MOST_TIMES_LONGER * max_length:
        raise _too_long(line, max_length)
    line = unicodedata.normalize("NFC", line)
    # A joiner is kept or goes by its neighbours in the composed text, and the next may have others then.
    while (fewer := unicodedata.normalize("NFC", _JOINERS.sub(_joiner_in_use, line))) != line:
        line = fewer
    # One that went may have stood between blanks, or been the last.
    line = _WHITE_SPACE.sub(" ", line).strip(" ")
    for char in line:
        _refuse_character(char)
    if _has_tower_of_marks(line):
        raise NameRefused(
            _("More than %(count)d accents stand on one letter.") % {"count": _MOST_MARKS}
        )
    if len(line) > max_length:
        raise _too_long(line, max_length)
    return line


def _too_long(line: str, limit: int) -> NameRefused:
    return NameRefused(
        _("This has %(length)d characters; at most %(limit)d fit.")
        % {"length": len(line), "limit": limit}
    )


KEY_MAX_LENGTH: Final = 500


def name_key(name: str) -> str:
    """What is equal for two spellings of a name that differ in no word; never empty for a name.

    Compatibility forms, case, accents on Latin, Greek and Cyrillic letters, punctuation and white
    space make no difference, and "&" is "and". Marks of other scripts are letters to their
    readers and stay. Words are neither translated nor sorted: likeness is another module's.
    """
    folded = _fold(name)
    words = "".join(_key_part(char) for char in folded.replace("&", " and "))
    key = " ".join(words.split()) or " ".join(folded.split())
    # Some characters fold to eighteen; the column is twice as long as a name.
    return key[:KEY_MAX_LENGTH].rstrip()


def _joiner_in_use(joiner: re.Match[str]) -> str:
    """The joiner (ZWJ, ZWNJ) where the scripts that have it use it, else nothing.

    Persian and Indian scripts need it between two letters, Malayalam and Sinhala also after a
    virama at the end of a word. Anywhere else it makes two names that look the same.
    """
    text, at = joiner.string, joiner.start()
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if before and unicodedata.combining(before) == _VIRAMA:
        return joiner.group()
    return joiner.group() if _may_join(before) and _may_join(after) else ""


def _may_join(char: str) -> bool:
    return char >= _FIRST_JOINING_SCRIPT and unicodedata.category(char)[0] in "LM"


def _refuse_character(char: str) -> None:
    category = unicodedata.category(char)
    code = {"code": f"U+{ord(char):04X}"}
    if category == "Cc":
        raise NameRefused(
            _("This contains a control character (%(code)s). Please type it anew.") % code
        )
    if char in BIDI_CONTROLS:
        raise NameRefused(
            _(
                "This contains an invisible character that changes the direction of writing "
                "(%(code)s). Please type it without; Arabic and Hebrew need none."
            )
            % code
        )
    if char in _DAMAGE or category == "Cs":
        raise NameRefused(
            _("This arrived damaged: a character was lost on the way (%(code)s). Please type it.")
            % code
        )
    if category == "Co":
        raise NameRefused(
            _("This contains a character that only one font knows (%(code)s).") % code
        )
    if category == "Cn":
        raise NameRefused(
            _("This contains a character that Unicode does not know (%(code)s).") % code
        )
    if category == "Cf" and char not in _VISIBLE_FORMATS and not _JOINERS.match(char):
        raise NameRefused(
            _("This contains a character that cannot be seen (%(code)s). Please type it without.")
            % code
        )


def _has_tower_of_marks(line: str) -> bool:
    """Whether more marks stand upon each other than any language needs.

    Counted in NFD, or a letter with one accent would be free to carry another. Spacing marks
    (Mc) stand beside their letter: Burmese has five marks on one, of which two are such.
    """
    height = 0
    for char in unicodedata.normalize("NFD", line):
        height = height + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        if height > _MOST_MARKS:
            return True
    return False


def _fold(name: str) -> str:
    """Compatibility forms, case and the accents U+0300 to U+036F off."""
    # Twice: lower case has compatibility forms of its own, and so has what is left without accents.
    text = name
    for _round in range(2):
        text = unicodedata.normalize("NFKC", text).casefold()
        text = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKC", text)


def _key_part(char: str) -> str:
    category = unicodedata.category(char)
    if category[0] in "LMN":
        return char
    return "" if category == "Cf" else " "
