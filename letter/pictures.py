"""The pictures that a letter is passed on with: the card of an edition, and "We signed" for who did.

Typst sets them with the fonts of the letter's paper, so that every script is right, and as outlines, so that
whoever looks at them needs none.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import formats, timezone, translation
from django.utils.html import escape
from django.utils.translation import gettext, ngettext
from fontTools import unicodedata as scripts

from letter.documents import frame_of, name_of
from letter.models import Edition, Letter, Listing, Logo, Text
from letter.paper import typst_language
from letter.typesetting import picture

CARD_SIZE: Final = (1200, 630)  # pixels; what the networks ask for
BADGE_SIZE: Final = (264, 100)  # CSS pixels
# How Typst writes a badge, by the file name's end; as PNG three pixels for one, for slides and print.
BADGE_OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "svg": {"format": "svg"},
    "png": {"format": "png", "ppi": 216},
}
IMAGE_TYPES: Final = {"svg": "image/svg+xml", "png": "image/png"}
# Those that put no space between words (ISO 15924): a line may end nearly anywhere.
_UNSPACED: Final = {"Hani", "Hira", "Kana", "Bopo", "Yiii", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"}


def card(letter: Letter, edition: Edition, text: Text) -> bytes:
    """The PNG of an edition in the text's language; raises CannotBeMade."""
    options = {"format": "png", "ppi": 144}
    return picture("card.typ", _card_words(letter, edition, text), text.language, options)


def _card_words(letter: Letter, edition: Edition, text: Text) -> dict[str, Any]:
    with translation.override(text.language), timezone.override(letter.zone):
        return {
            **_title(text),
            "head": _folded(letter.letterhead) or gettext("Open letter"),
            "logo": _logo(letter),
            "facts": counted(edition),
            "until": _until(letter),
            "site": urlsplit(settings.BASE_URL).netloc,
        }


def counted(edition: Edition) -> list[str]:
    """How many organisations of how many countries, in words of the active language; empty where there are none."""
    counts = (
        ngettext("%(count)s organisation", "%(count)s organisations", edition.organization_count)
        % {"count": edition.organization_count},
        ngettext("%(count)s country", "%(count)s countries", edition.country_count)
        % {"count": edition.country_count},
    )
    how_many = (edition.organization_count, edition.country_count)
    return [words for words, count in zip(counts, how_many, strict=True) if count]


def _until(letter: Letter) -> str:
    """Words that stay true: networks keep a card for weeks."""
    if letter.state == Letter.State.CLOSED:
        return gettext("Final list")
    if letter.closes_at is None:
        return ""
    date = formats.date_format(timezone.localtime(letter.closes_at, letter.zone), "DATE_FORMAT")
    return gettext("Open for signature until %(date)s") % {"date": date}


def _logo(letter: Letter) -> dict[str, Any] | None:
    logo = Logo.objects.filter(letter=letter).first()
    if logo is None:
        return None
    # JSON has no bytes; Typst makes them of their numbers.
    return {"png": list(bytes(logo.picture)), "width": logo.width, "height": logo.height}


def badge_words(listing: Listing, text: Text) -> dict[str, Any]:
    """All that a line's badge says, in the text's language."""
    with translation.override(text.language):
        title, name = _folded(text.title), _folded(name_of(listing))
        short = {"title": _shortened(title, 120), "name": _shortened(name, 100)}
        return {
            **_title(text),
            **short,
            "longest": _longest(short["title"]),
            "longest_of_name": _longest(short["name"]),
            "name_direction": _direction(name),
            "signed": gettext("We signed"),
            "described": gettext("%(name)s signed “%(title)s”") % {"name": name, "title": title},
        }


def badge(words: dict[str, Any], kind: str) -> bytes:
    """The badge of these words as "svg" or "png"; raises CannotBeMade."""
    made = picture("badge.typ", words, words["language"], BADGE_OPTIONS[kind])
    if kind == "png":
        return made
    # Typst says nothing in words; an SVG is opened by itself, too, where no alt text stands beside it.
    head, end, rest = made.decode().partition(">")
    title = f"<title>{escape(words['described'])}</title>"
    return f'{head} role="img"{end}{title}{rest}'.encode()


def _title(text: Text) -> dict[str, Any]:
    """The title, and in which languages it and the words around it are, as Typst has them."""
    title = _folded(text.title)
    lang, region = typst_language(text.language)
    frame = frame_of(text.language)
    frame_lang, frame_region = typst_language(frame["language"])
    return {
        "language": text.language,
        "title": title,
        "longest": _longest(title),
        "lang": lang,
        "region": region,
        "direction": text.direction,
        "frame": {
            "lang": frame_lang,
            "region": frame_region,
            "direction": frame["direction"],
        },
    }


def _folded(words: str) -> str:
    """With single spaces, and without what neither a font nor XML 1.0 (§2.2) has a way to say."""
    folded = " ".join(words.split())
    return "".join(
        each
        for each in folded
        if unicodedata.category(each) != "Cc" and each not in {"\ufffe", "\uffff"}
    )


def _shortened(words: str, width: int) -> str:
    """As much as has room in so many letters, of which a Chinese character takes two."""
    taken = 0
    for at, each in enumerate(words):
        taken += 2 if unicodedata.east_asian_width(each) in {"W", "F"} else 1
        if taken > width:
            return words[:at].rstrip() + "…"
    return words


def _longest(words: str) -> str:
    """The longest word that must not be broken; more than 60 letters are no word."""
    whole = [
        word
        for word in words.split()
        if len(word) <= 60 and _UNSPACED.isdisjoint(map(scripts.script, word))
    ]
    return max(whole, key=len, default="")


def _direction(words: str) -> str:
    """That of the first letter which has one (UAX #9, rules P2 and P3)."""
    types = map(unicodedata.bidirectional, words)
    first = next((each for each in types if each in {"L", "R", "AL"}), "L")
    return "ltr" if first == "L" else "rtl"
