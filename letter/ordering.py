"""The order in which readers expect names: the Unicode Collation Algorithm's root order.

UTS #10 (https://www.unicode.org/reports/tr10/) without tailoring, punctuation not ignored: "PAX"
after "Pan-African", "Éducation" among the E's, Latin before Greek before Cyrillic before Arabic
before Chinese, in every language alike. A key is bytes, so that any database puts names in this
order by comparing a stored column, whatever its locale.
"""

import struct
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final

from pyuca import Collator

# Put between the name before and the name itself. A space sorts first of all that can be seen;
# then "_", then "-", for the rare list where a lower neighbour already begins with both words.
_JOINTS: Final = (" ", " - ", " _ ")
# Below every byte that a name's key can go on with at the same place.
_SEPARATOR: Final = b"\x00\x00"
# A row of a PostgreSQL index holds 2,704 bytes; rare characters take sixteen each and do not compress.
_NAME_BYTES: Final = 1600
_COUNTRY_BYTES: Final = 400


@cache
def _collator() -> Collator:
    # The table of weights takes a tenth of a second and 40,000 rows to read: on first use, once.
    return Collator()


@lru_cache(maxsize=4096)
def collation_key(text: str) -> bytes:
    """Bytes whose plain order is the UCA order of the texts.

    The sort key of UTS #10 §7 (weights of level 1, 0, level 2, 0, level 3, 0), each weight as
    two big-endian bytes: weights are 16 bits wide by definition, and 0 is below them all, so the
    bytes compare as the numbers do. Where the algorithm sees no difference, the text itself (NFC,
    UTF-8) decides, so only canonically equivalent texts have the same key.
    """
    weights: tuple[int, ...] = _collator().sort_key(text)
    # A lone surrogate is refused in names, but a key must not be what fails on it.
    tie_break = unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")
    return struct.pack(f">{len(weights)}H", *weights) + tie_break


def country_key(name: str) -> bytes:
    """A group's key in a list grouped by country; "" (no country) comes after all of them."""
    return b"\x01" + collation_key(name) if name else b"\x02"


def sort_key(
    ordering: str, *, name: bytes, country: bytes, approved_at: datetime | None, line_id: str
) -> bytes:
    """A line's key in a letter's order ("alphabetical", "approval" or "country").

    `name` is the collation key of the name or its `sort_as`, `country` comes from `country_key`. The
    line's own id closes the key, so that no two lines have the same and the order is total.
    """
    close = _SEPARATOR + line_id.encode()
    # Names that are alike for so long are told apart by their lines' ids.
    name, country = name[:_NAME_BYTES], country[:_COUNTRY_BYTES]
    if ordering == "approval":
        # Eight bytes of microseconds since 1970; what is not approved yet would come last.
        moment = int(approved_at.timestamp() * 1_000_000) if approved_at else 2**64 - 1
        return struct.pack(">Q", moment) + close
    if ordering == "country":
        return country + _SEPARATOR + name + close
    return name + close


def key_just_after(key: bytes, count: int) -> bytes:
    """The key that follows `key` and `count` others made from it, before every key made from a name."""
    return key + _SEPARATOR + struct.pack(">H", count)


@cache
def _initials() -> tuple[list[bytes], list[str]]:
    """Where each letter of the alphabets begins in the order, and the letters."""
    letters = [
        *map(chr, range(ord("A"), ord("Z") + 1)),
        *"ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
        *"АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЭЮЯ",
        *"אבגדהוזחטיכלמנסעפצקרשת",
        *"ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
        # Of other scripts the first letter, which stands for all of them.
        *"Աაሀअঅਅઅଅஅఅಅഅකกກཀကកᠠ가あ漢",
    ]
    found = sorted((collation_key(letter)[:2], letter) for letter in letters)
    return [key for key, _letter in found], [letter for _key, letter in found]


def initial(key: bytes) -> str:
    """The letter under which a name with this sort key is looked for; "#" for what stands before all letters.

    By the key, not by the name: a name that is placed under another letter is found there. What has no letter
    of its own in these alphabets goes with the letter before it; scripts whose order few readers know by heart,
    such as Chinese or Devanagari, have one entry each.
    """
    return _initial(key[:2])


@cache
def _initial(weight: bytes) -> str:
    starts, letters = _initials()
    at = bisect_right(starts, weight)
    return letters[at - 1] if at else "#"


def sort_as_needed(names: Sequence[str]) -> dict[int, str]:
    """The `sort_as` texts that keep names in the order in which they are given, by index.

    As few as can be: the longest part that is already in order (a longest non-decreasing
    subsequence) stays as it is. A name out of order gets the text of the name that it must follow
    with its own behind ("Initiatives for International Dialogue International Coalition"), so
    that it stays beside that name when others join the list; several in a row that are out of
    order among themselves are numbered in between ("… 1 Zebra", "… 2 Alpha"). Where two neighbours
    stand so close that nothing can be put between them, the second gets a text too.

    The texts may be longer than the longest name: twice as long, and a few characters.
    """
    keys = [collation_key(name) for name in names]
    found: dict[int, str] = {}
    before: int | None = None
    kept = iter([*_longest_in_order(keys), None])
    for after in kept:
        start = 0 if before is None else before + 1
        texts = _texts_between(names, keys, start, after)
        while texts is None:
            after = next(kept)  # noqa: PLW2901  nothing fits, so the neighbour must move as well
            texts = _texts_between(names, keys, start, after)
        moved = zip(range(start, len(names)), names[start:], texts, strict=False)
        found.update((index, text) for index, name, text in moved if text != name)
        before = after
    return found


def _longest_in_order(keys: Sequence[bytes]) -> list[int]:
    """Indices of a longest non-decreasing subsequence, by patience sorting in O(n log n)."""
    tails: list[bytes] = []  # the smallest key that ends a subsequence of each length
    ends: list[int] = []  # and its index
    previous: list[int | None] = []
    for index, key in enumerate(keys):
        length = bisect_right(tails, key)
        previous.append(ends[length - 1] if length else None)
        if length == len(tails):
            tails.append(key)
            ends.append(index)
        else:
            tails[length], ends[length] = key, index
    chain: list[int] = []
    at = ends[-1] if ends else None
    while at is not None:
        chain.append(at)
        at = previous[at]
    return chain[::-1]


def _texts_between(
    names: Sequence[str], keys: Sequence[bytes], start: int, end: int | None
) -> list[str] | None:
    """Texts for the names from `start` up to `end`, ascending strictly between their neighbours.

    None where no attempt holds. With `end` None there is no upper neighbour, and the numbered
    texts always hold: each begins with all of the lower neighbour and goes on with a space, which
    has a weight and joins with nothing, then with a number of the same width as the others.
    """
    run = names[start:end]
    if not run:
        return []
    lower = keys[start - 1 : start] if start else []
    upper = [] if end is None else [keys[end]]
    for texts in _attempts(run, lead=names[start - 1] if start else None):
        bounded = [*lower, *map(collation_key, texts), *upper]
        if all(one < other for one, other in pairwise(bounded)):
            return texts
    return None


def _attempts(names: Sequence[str], *, lead: str | None) -> Iterator[list[str]]:
    """Texts to try for a run of names, the most readable first."""
    yield list(names)
    width = len(str(len(names)))
    for joint in _JOINTS:
        prefix = joint.lstrip() if lead is None else lead + joint
        yield [prefix + name for name in names]
        yield [f"{prefix}{number:0{width}} {name}" for number, name in enumerate(names, start=1)]
