"""What a letter is passed on with: the page that says how, the part of it for other sites, a badge's words, a QR code.

Each function gives the bytes of one, for a public letter that has an edition; `serving` keeps them.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import segno
from django.conf import settings
from django.conf.locale import LANG_INFO
from django.db.models import Count, Min, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import escape
from django.utils.translation import gettext

from letter import fonts, pictures
from letter.documents import (
    address,
    card_url,
    closes_text,
    frame_of,
    history_urls,
    language_links,
    line_html,
    line_url,
    page_url,
    paper_urls,
    read_today,
    words_of,
)
from letter.models import Letter, Listing, Text

NAMED: Final = 5
_TAG_LENGTH: Final = 35  # RFC 5646 §4.4.1
# Pixels for a module as PNG: sharp on a poster of A2, where the code is a hand wide.
_QR_SCALE: Final = 30
# How high the part for other sites is where no script says so: five names of two lines on a phone.
_EMBED_HEIGHT: Final = 560


class NotListed(LookupError):
    """A badge was asked for a line that is not on the list today, or was taken out."""


def nearest(asked: str, languages: Sequence[str]) -> str:
    """Of a letter's languages, the first of which is its default one, the nearest to a language tag (RFC 5646).

    As "fr-CA": in that itself, else in what Django falls back to from it, else in "fr", else in any other French.
    """
    tag = asked.strip().lower().replace("_", "-")[:_TAG_LENGTH]
    base = tag.partition("-")[0]
    while tag:
        fallback: list[str] = LANG_INFO.get(tag, {}).get("fallback", [])
        for each in (tag, *fallback):
            if each in languages:
                return each
        tag = tag.rpartition("-")[0]
    related = (each for each in languages if each.partition("-")[0] == base)
    return next(related, languages[0])


def spoken(asked: str) -> str:
    """Of the languages that the product speaks, the nearest to a language tag; empty where it speaks none."""
    codes = ["", *(code for code, _name in settings.LANGUAGES)]
    return nearest(asked, codes)


def embed_page(letter: Letter, language: str, status: str, around: str = "") -> bytes:
    """Title, count, the names that joined last, and the button: for a frame on another site.

    `around` is the language of that site, for the words around the letter's own, if it is another one.
    """
    edition, text = read_today(letter, language)
    around = around or language
    with translation.override(around), timezone.override(letter.zone):
        context = {
            "text": text,
            "frame": frame_of(around),
            "accepts": status == Letter.Status.OPEN,
            "closes_text": closes_text(letter),
            "organization_count": edition.organization_count,
            "country_count": edition.country_count,
            "lines": [line_html(listing, letter) for listing in _joined_last(letter)],
            "page_url": page_url(letter, language),
            "sign_url": address("signatories:sign", letter, language),
        }
        return render_to_string("letter/embed.html", context).encode()


def _joined_last(letter: Letter) -> Iterator[Listing]:
    """The lines that came in last, those of one edition as they stand on the list.

    A line that was corrected has begun anew, and did not join then.
    """
    is_listed = Q(last_edition__isnull=True, redacted_at__isnull=True)
    joined = (
        letter.listings.values("line_id")
        .annotate(
            joined_in=Min("first_edition"), first=Min("pk"), now=Count("pk", filter=is_listed)
        )
        .filter(now__gt=0)
        .order_by("-joined_in", "first")
    )
    line_ids = [row["line_id"] for row in joined[:NAMED]]
    listings = {
        each.line_id: each for each in letter.listings.current().filter(line_id__in=line_ids)
    }
    return (listings[line_id] for line_id in line_ids)


def share_page(letter: Letter, language: str) -> bytes:
    """How to pass the letter on: what can be linked to, printed, or shown elsewhere."""
    edition, text = read_today(letter, language)
    with translation.override(language), timezone.override(letter.zone):
        base = page_url(letter, language)
        listed = words_of(letter, letter.listings.current())
        context = {
            "text": text,
            "frame": frame_of(language),
            "languages": language_links(letter, edition.revision.texts(), language, "share/"),
            "page_url": base,
            "address": settings.BASE_URL + base,
            "short": short_url(letter),
            "qr": {
                kind: reverse("letter:qr", args=[letter.slug, kind])
                for kind in pictures.IMAGE_TYPES
            },
            "card": card_url(letter, edition, text),
            "card_size": pictures.CARD_SIZE,
            "urls": {
                **history_urls(letter, language, edition),
                **paper_urls(letter, text, listed),
            },
            "script_html": _script_html(letter),
            "frame_html": _frame_html(base, text),
            "organization_count": edition.organization_count,
        }
        return render_to_string("letter/share.html", context).encode()


def short_url(letter: Letter) -> str:
    """An address that can be typed from a poster; it stays the letter's, whatever becomes of its longer one."""
    return settings.BASE_URL + reverse("letter:short", args=[letter.pk])


def _script_html(letter: Letter) -> str:
    source = settings.BASE_URL + reverse("letter:embed_script")
    return f'<script async src="{source}" data-letter="{letter.slug}"></script>'


def _frame_html(base: str, text: Text) -> str:
    return (
        f'<iframe src="{settings.BASE_URL}{base}embed/" title="{escape(text.title)}"'
        f' lang="{text.language}" width="100%" height="{_EMBED_HEIGHT}" style="border: 0" loading="lazy"></iframe>'
    )


def qr(letter: Letter, kind: str) -> bytes:
    """The short address as a QR code with its quiet zone (ISO/IEC 18004: four modules), "svg" or "png".

    A quarter of it may be scratched or rained off (level Q).
    """
    code = segno.make(short_url(letter), error="q", micro=False)
    buffer = io.BytesIO()
    if kind == "png":
        code.save(buffer, kind="png", scale=_QR_SCALE, border=4)
        return buffer.getvalue()
    with translation.override(letter.default_language):
        title = gettext("QR code with the address of “%(title)s”") % {"title": letter.title}
    # White around it, too: on a dark page no phone reads it otherwise.
    code.save(buffer, kind="svg", scale=10, border=4, light="#fff", title=title, unit="px")
    return buffer.getvalue()


def badge_words(letter: Letter, line_id: str, language: str) -> dict[str, Any]:
    """What a line's badge says; raises NotListed, NotInLanguage."""
    _edition, text = read_today(letter, language)
    listing = letter.listings.current().filter(line_id=line_id, redacted_at__isnull=True).first()
    if listing is None:
        raise NotListed(line_id)
    return pictures.badge_words(listing, text)


@dataclass(frozen=True)
class Badge:
    """An organisation's badge for whoever shows it: where it is as which file, what it says, how to put it up."""

    urls: Mapping[str, str]  # paths by the file names' ends
    size: tuple[int, int]  # CSS pixels
    described: str
    html: str


def badge_of(letter: Letter, line_id: str, language: str) -> Badge | None:
    """The badge of a line in a language; None where it has none: not listed, no text in it, no font for the name."""
    try:
        words = badge_words(letter, line_id, language)
    except LookupError:
        return None
    if fonts.choose("".join((words["title"], words["name"])), language).missing:
        return None
    base = page_url(letter, language)
    urls = {kind: f"{base}badge/{line_id}.{kind}" for kind in pictures.IMAGE_TYPES}
    width, height = pictures.BADGE_SIZE
    html = (
        f'<a href="{settings.BASE_URL}{line_url(letter, language, line_id)}">'
        f'<img src="{settings.BASE_URL}{urls["svg"]}" width="{width}" height="{height}"'
        f' alt="{escape(words["described"])}"></a>'
    )
    return Badge(urls, pictures.BADGE_SIZE, words["described"], html)
