"""The forms in which an edition is served: a page per language and status, JSON and CSV.

`refresh` makes the pages once, at publication, and stores the bytes with their strong ETag; the lists as JSON and
CSV, which few ask for, are made when somebody does. A long list is made and compressed in pieces, so that of one
that has changed in a line most is at hand. The pages hold
nothing about a visitor, so every visitor gets the same bytes. A page exists for each status that the
letter can still reach by the clock alone ("open" until the deadline, "past_deadline" after), so that
it turns at the second, with nothing to be made at that moment.
"""

import codecs
import csv
import hashlib
import io
import json
import logging
import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from html import escape
from itertools import groupby, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypedDict

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language_info, gettext

from letter import countries, fonts, linked_data
from letter.cells import protected
from letter.digest import timestamp
from letter.models import Document, Edition, Letter, Listing, Printable, Text, direction_of
from letter.ordering import initial
from letter.standing import Standing, standing_of
from letter.text import plain_text, render_markdown

logger = logging.getLogger(__name__)

LONG = 50  # lines, from which on a list is searched rather than read
# A list is made in pieces of 512 lines on average, each of which ends after a line whose commitment, in hex, is below
# this. It says nothing of the others, so that the pieces around a change stay as they were.
_ENDS_PIECE = "008"
LINES_AT_ONCE = 1000  # of a list that is written down line by line
ARCHIVED = "archived"  # what the page of an archived copy has in the place of a letter's status
DESCRIPTION_LENGTH = 200  # characters; search engines and share cards cut near this


class NotInLanguage(LookupError):
    """The text that a page is about does not exist in the language asked for."""


class PrintedLine(TypedDict):
    anchor: str
    name: str
    label: str
    mark: str  # where it stands, in a few words; see letter.standing
    is_redacted: bool


class Group(TypedDict):
    country: str
    start: int
    lines: list[PrintedLine]


@dataclass(frozen=True)
class Made:
    """One document's bytes before they are stored, in the pieces that are compressed each by itself."""

    kind: str
    language: str
    content_type: str
    pieces: Sequence[bytes]

    @property
    def body(self) -> bytes:
        """It as it is."""
        return b"".join(self.pieces)


def page_kind(status: str) -> str:
    return f"page:{status}"


def label_of(listing_countries: Sequence[str], label: str | None, language: str = "") -> str:
    """What stands in the parentheses, in the active language; empty where there are none.

    `language` is the letter's own, in which labels are set: what is there only another name of the countries
    ("USA") is their name in other languages.
    """
    if label is None:
        return countries.label_from(listing_countries)
    is_elsewhere = language and language != translation.get_language()
    if (
        label
        and is_elsewhere
        and countries.is_other_name(label, tuple(listing_countries), language)
    ):
        return countries.label_from(listing_countries)
    return label


def name_of(listing: Printable) -> str:
    """The name as it is printed in the active language: what the organisation gave for it, else its own."""
    return printed_name(listing.name, listing.other_names)


def printed_name(name: str, other_names: Mapping[str, str]) -> str:
    """The one of these names that the active language asks for."""
    # Most have no other, and asking for the language takes longer than all the rest.
    return other_names.get(translation.get_language() or "", name) if other_names else name


def printed(name: str, label: str) -> str:
    """A line without its number, as it stands on the page: `Name (Label)`."""
    return f"{name} ({label})" if label else name


def printed_html(name: str, label: str) -> SafeString:
    """The same for a page, so that a name in another direction never moves the parentheses."""
    if not label:
        return format_html("<bdi>{}</bdi>", name)
    return format_html("<bdi>{}</bdi> <bdi>({})</bdi>", name, label)


def taken_out() -> str:
    """What stands for a line that was taken out for an organisation in danger, in the active language."""
    return gettext("taken out at the organisation’s request")


def line_html(listing: Printable, letter: Letter) -> SafeString:
    """A line of the list without its number, for a page; what was taken out says so."""
    if listing.redacted_at is not None:
        return format_html("<em>{}</em>", taken_out())
    label = label_of(listing.countries, listing.label, letter.default_language)
    return printed_html(name_of(listing), label)


def closes_text(letter: Letter) -> str:
    """The public deadline in words, in the letter's zone and the active language; empty if there is none."""
    if letter.closes_at is None:
        return ""
    return moment_text(letter.closes_at, letter)


def moment_text(moment: datetime, letter: Letter) -> str:
    """A moment in words: date, time and the letter's zone by its city."""
    local = timezone.localtime(moment, letter.zone)
    return gettext("%(date)s, %(time)s (%(zone)s)") % {
        "date": formats.date_format(local, "DATE_FORMAT"),
        "time": formats.date_format(local, "TIME_FORMAT"),
        "zone": zone_name(letter.time_zone),
    }


def zone_name(time_zone: str) -> str:
    """A time zone as people say it: "New York time", "UTC"."""
    if "/" not in time_zone:
        return time_zone
    return gettext("%(city)s time") % {"city": time_zone.rsplit("/", 1)[1].replace("_", " ")}


def anchor_of(number: int) -> str:
    """The id of a line on a page. Short, for there are thousands; a link that lasts is `line_url`."""
    return f"n{number}"


def line_url(letter: Letter, language: str, line_id: str) -> str:
    """The path of the link to a line, which is the same whatever number the line has."""
    return f"{page_url(letter, language)}signatory/{line_id}/"


def groups_of(
    letter: Letter, listings: Iterable[Printable], marks: Mapping[str, str] = MappingProxyType({})
) -> list[Group]:
    """The list as it is printed: one group, or one for each country where the letter groups by country.

    `marks` has what is said beside lines, by their ids.
    """
    labels = _Labels(letter)
    return [
        {
            "country": country,
            "start": start,
            "lines": [
                {
                    "anchor": anchor_of(number),
                    "name": name_of(listing),
                    "label": labels[listing.label, tuple(listing.countries)],
                    "mark": marks.get(listing.line_id, ""),
                    "is_redacted": listing.redacted_at is not None,
                }
                for number, listing in enumerate(lines, start)
            ],
        }
        for country, start, lines in _grouped(letter, list(listings))
    ]


class _Labels(dict[tuple[str | None, tuple[str, ...]], str]):
    """What stands in the parentheses, in the active language, by label and countries: thousands of lines have few."""

    def __init__(self, letter: Letter) -> None:
        super().__init__()
        self._language = letter.default_language

    def __missing__(self, key: tuple[str | None, tuple[str, ...]]) -> str:
        label, codes = key
        self[key] = label_of(codes, label, self._language)
        return self[key]


def _grouped(
    letter: Letter, listings: Sequence[Printable]
) -> Iterator[tuple[str, int, Sequence[Printable]]]:
    """The heading of each group, empty where there is one alone, the number that it begins with, and its lines."""
    if letter.ordering != Letter.Ordering.COUNTRY or not _is_by_country(listings):
        if listings:
            yield "", 1, listings
        return
    country: str | None = None
    firsts = []
    for listing in listings:
        # Where it is redacted its country is gone, its place among the others is not.
        if listing.redacted_at is None or country is None:
            country = listing.countries[0] if listing.countries else ""
        firsts.append(country)
    start = 1
    for country, run in groupby(firsts):
        count = len(list(run))
        heading = countries.country_name(country) if country else gettext("International")
        yield heading, start, listings[start - 1 : start - 1 + count]
        start += count


def address(view: str, letter: Letter, language: str) -> str:
    """The path of one of the letter's pages in a language; in its default one the language is left out."""
    if language == letter.default_language:
        return reverse(view, args=[letter.slug])
    return reverse(f"{view}_in_language", args=[language, letter.slug])


def _is_by_country(listings: Iterable[Printable]) -> bool:
    """Whether each country's lines stand together; not so in an edition from before the letter grouped."""
    firsts = (
        listing.countries[0] if listing.countries else ""
        for listing in listings
        if listing.redacted_at is None
    )
    runs = [country for country, _lines in groupby(firsts)]
    return len(runs) == len(set(runs))


def page_url(letter: Letter, language: str) -> str:
    """The path of the letter's page in a language."""
    return address("letter:page", letter, language)


def frame_of(text_language: str) -> dict[str, str]:
    """Language and direction of the words around a text: its own where the product speaks it, else English."""
    try:
        language = translation.get_supported_language_variant(text_language)
    except LookupError:
        language = settings.LANGUAGE_CODE
    return {
        "language": language,
        "direction": direction_of(language),
    }


def read_today(letter: Letter, language: str) -> tuple[Edition, Text]:
    """The newest edition and its text in a language; raises NotInLanguage."""
    edition = letter.newest_edition()
    text = edition and edition.revision.texts().get(language)
    if not edition or not text:
        raise NotInLanguage(language)
    return edition, text


def shown_as(letter: Letter, text: Text | None = None) -> tuple[str, str]:
    """The language in which a page or a mail speaks of a letter, and the letter's title there.

    That is the active one if the letter has a text in it, which `text` is where it is at hand; else its own.
    """
    text = text or letter.text_in(translation.get_language() or letter.default_language)
    return (text.language, text.title) if text else (letter.default_language, letter.title)


def history_urls(letter: Letter, language: str, edition: Edition) -> dict[str, str]:
    """The paths of what a letter's pages say of its past; "revision" where its text was revised."""
    base = page_url(letter, language)
    urls = {"editions": f"{base}editions/", "feed": f"{base}feed.atom"}
    if edition.revision.number > 1:
        urls["revision"] = revision_url(letter, language, edition.revision.number)
    return urls


def revision_url(letter: Letter, language: str, number: int) -> str:
    """The path of the page that compares a text with the one before it."""
    return f"{page_url(letter, language)}revisions/{number}/"


def words_of(letter: Letter, listings: Iterable[Printable]) -> str:
    """All that a list has in letters, in the active language, for the fonts that it takes."""
    return "".join(
        f"{name_of(each)}{label_of(each.countries, each.label, letter.default_language)}"
        for each in listings
        if each.redacted_at is None
    )


def paper_urls(letter: Letter, text: Text, listed: str) -> dict[str, str]:
    """The forms for paper that a letter can be had in; no PDF where no font shows all of its words.

    `listed` is its list, as `words_of` or as markup.
    """
    words = f"{''.join(text.as_dict().values())}{listed}"
    missing = fonts.choose(words, text.language).missing
    if missing:
        logger.warning(
            "letter %s has no PDF in %s: no font shows %s",
            letter.slug,
            text.language,
            ", ".join(missing),
        )
    kinds = ["docx", "txt"] if missing else ["pdf", "docx", "txt"]
    return {kind: address(f"letter:{kind}", letter, text.language) for kind in kinds}


def card_url(letter: Letter, edition: Edition, text: Text) -> str:
    """The address of the picture that networks show for the page; empty where no font shows the title."""
    if fonts.choose(f"{text.title}{letter.letterhead}", text.language).missing:
        return ""
    # With the edition in it: whoever has seen an earlier one has to look again.
    return f"{settings.BASE_URL}{page_url(letter, text.language)}card-{edition.number}.png"


def scripts_without_font(letter: Letter) -> dict[str, tuple[str, ...]]:
    """The languages in which a published letter cannot be had as PDF, each with the scripts that no font shows."""
    pages = letter.documents.filter(kind__startswith=page_kind(""))
    missing = {
        page.language: fonts.choose(page.body.decode(), page.language).missing for page in pages
    }
    return {language: scripts for language, scripts in missing.items() if scripts}


def page_context(
    letter: Letter,
    texts: Mapping[str, Text],
    language: str,
    *,
    status: str,
    edition: Edition | None,
    signatories_html: SafeString,
    organization_count: int,
    country_count: int,
    standing: Standing | None = None,
    rail: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """Everything the page's template needs, in the active language; `edition` is None in a preview."""
    text = texts[language]
    return {
        "letter": letter,
        "text": text,
        "frame": frame_of(language),
        "body": render_markdown(text.body),
        "status": status,
        "accepts": status == Letter.Status.OPEN,
        "is_final": letter.state == Letter.State.CLOSED,
        "edition": edition,
        "is_preview": edition is None,
        "signatories_html": signatories_html,
        "rail": rail,
        "is_long": organization_count >= LONG,
        "organization_count": organization_count,
        "country_count": country_count,
        "closes_text": closes_text(letter),
        "opens_text": moment_text(letter.opens_at, letter) if letter.opens_at else "",
        "description": plain_text(text.body, limit=DESCRIPTION_LENGTH),
        "privacy": render_markdown(letter.privacy_text, prefix="privacy-"),
        "urls": {
            "page": settings.BASE_URL + page_url(letter, language),
            "sign": address("signatories:sign", letter, language),
            "json": reverse("letter:json", args=[letter.slug]),
            "csv": reverse("letter:csv", args=[letter.slug]),
            **(history_urls(letter, language, edition) if edition else {}),
            "countries": f"{page_url(letter, language)}countries/",
            "home": reverse("letter:home"),
        },
        "languages": language_links(letter, texts, language),
        **(follow_up(letter, language, standing) if standing else {}),
    }


def follow_up(letter: Letter, language: str, standing: Standing) -> dict[str, Any]:
    """What the letter's page says of it, in the active language."""
    base = page_url(letter, language)
    renewal, since = standing.renewal, standing.since
    return {
        "deliveries": [
            {
                "to": delivery.to,
                "date": formats.date_format(delivery.delivered_on, "DATE_FORMAT"),
                "iso": delivery.delivered_on.isoformat(),
                "number": delivery.edition.number,
                "organization_count": delivery.edition.organization_count,
                "url": f"{base}editions/{delivery.edition.number}/",
            }
            for delivery in standing.deliveries
        ],
        "since": since and {"joined_count": len(since.joined), "left_count": since.left_count},
        "renewal": renewal
        and {
            "signed_count": len(renewal.signed),
            "total_count": len(renewal.signed) + len(renewal.waiting),
            "url": revision_url(letter, language, renewal.revision.number),
        },
        "updates": updates(letter, language),
    }


def updates(letter: Letter, language: str) -> list[dict[str, Any]]:
    """The public notes, newest first, each in the language where it has it."""
    found = []
    for update in letter.updates.public().prefetch_related("texts"):
        text = update.text_in(language, otherwise=letter.default_language)
        if text is None or update.published_at is None:
            continue
        found.append(
            {
                "pk": update.pk,
                "anchor": update.anchor,
                "title": text.title,
                "body": render_markdown(text.body, prefix=f"{update.anchor}-"),
                "language": text.language,
                "direction": direction_of(text.language),
                "published_at": update.published_at,
                "changed_at": update.changed_at or update.published_at,
                "published": moment_text(update.published_at, letter),
            }
        )
    return found


def language_links(
    letter: Letter, languages: Collection[str], current: str, path: str = ""
) -> list[dict[str, Any]]:
    """The same page in each language, `path` behind the letter's; empty where there is only one."""
    if len(languages) < 2:
        return []
    return [
        {
            "code": code,
            "name": get_language_info(code)["name_local"],
            "url": page_url(letter, code) + path,
            "absolute_url": settings.BASE_URL + page_url(letter, code) + path,
            "is_current": code == current,
        }
        for code in languages
    ]


def rail(letter: Letter, listings: Sequence[Printable]) -> list[dict[str, str]]:
    """The letters under which names are looked for in a long list, each with the first line that it has.

    Empty for a short list, and for one that is not in the order of the alphabet.
    """
    if letter.ordering != Letter.Ordering.ALPHABETICAL or len(listings) < LONG:
        return []
    found: dict[str, str] = {}
    before = b""
    for number, listing in enumerate(listings, start=1):
        start = bytes(listing.sort_key[:2])
        if start != before:  # it is in order, so that those alike stand together
            before = start
            found.setdefault(initial(start), anchor_of(number))
    return [{"letter": each, "anchor": anchor} for each, anchor in found.items()]


def signatories_html(
    letter: Letter, listings: Iterable[Printable], marks: Mapping[str, str] = MappingProxyType({})
) -> SafeString:
    """The numbered list, rendered once and used by every page that shows it; `marks` as in `groups_of`."""
    return SafeString("".join(pieces_of_list(letter, listings, marks)))


def pieces_of_list(
    letter: Letter, listings: Iterable[Printable], marks: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """The same in pieces, which end where a line says so: whoever joins or leaves changes one piece, and moves none.

    Written here and not in a template, which takes forty times as long for a line.
    """
    language = translation.get_language() or ""
    out = f'<em class="signatory-label">{escape(taken_out())}</em>'
    labels = _Labels(letter)
    in_parentheses = {"": ""}
    pieces: list[str] = []
    piece: list[str] = []
    for country, start, lines in _grouped(letter, list(listings)):
        if country:
            piece.append(
                f'<h3 class="roll-group">{escape(country)} '
                f'<span class="signatory-label">({len(lines)})</span></h3>\n'
            )
        piece.append(
            f'<ol class="signatories" start="{start}">\n'
            if start != 1
            else '<ol class="signatories">\n'
        )
        for number, line in enumerate(lines, start):
            # A line's text is exactly "Name (Label)": no white space may come in between. What is said
            # beside a line is the style sheet's.
            words = out
            if line.redacted_at is None:
                label = labels[line.label, tuple(line.countries)]
                if label not in in_parentheses:
                    said = f' <bdi class="signatory-label">({escape(label)})</bdi>'
                    in_parentheses[label] = said
                name = line.other_names.get(language, line.name)
                words = f"<bdi>{escape(name)}</bdi>{in_parentheses[label]}"
            mark = marks and marks.get(line.line_id)
            said = f' data-mark="{escape(mark)}"' if mark else ""
            piece.append(f'<li id="{anchor_of(number)}"{said}>{words}</li>\n')
            if line.commitment < _ENDS_PIECE:
                pieces.append("".join(piece))
                piece.clear()
        piece.append("</ol>\n")
    return [*pieces, "".join(piece)] if piece else pieces


def reachable_statuses(letter: Letter) -> list[str]:
    """The statuses that the passing of time alone can bring a published letter to."""
    if letter.state == Letter.State.CLOSED:
        return [Letter.Status.CLOSED]
    statuses = [Letter.Status.OPEN]
    if letter.opens_at:
        statuses.append(Letter.Status.NOT_YET)
    if letter.closes_at:
        statuses.append(Letter.Status.PAST_DEADLINE)
    return [str(status) for status in statuses]


def etag_of(body: bytes) -> str:
    """What a strong validator of these bytes is made of (RFC 9110 §8.8.3), without its quotes."""
    return etag_from(hashlib.sha256(body))


def etag_from(digest: "hashlib._Hash") -> str:
    """The same, for bytes of which only the SHA-256 is at hand."""
    return digest.hexdigest()[:32]


def compressed(*pieces: bytes) -> bytes:
    """What is kept of a document's bytes: one gzip member (RFC 1952), the same whenever it is made.

    Each piece is compressed after the one before it, and remembered: of a list that has changed in one piece, that
    and the next are all that is compressed again.
    """
    crc = size = 0
    before = b""
    blocks = [_GZIP_HEADER]
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
        size += len(piece)
        blocks.append(_deflated(before[-_WINDOW:], piece))
        before = piece
    return b"".join((*blocks, _DEFLATE_END, struct.pack("<2I", crc, size % 2**32)))


# What gzip.compress writes where it is given no time: no name, no flags, an unknown system.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# The last block, which is empty (RFC 1951 §3.2.3).
_DEFLATE_END = zlib.compress(b"", wbits=-15)
# How far back a block may refer (RFC 1951 §3.2.5), in bytes.
_WINDOW = 32_768


@lru_cache(maxsize=128)  # 16 MB at most
def _deflated(before: bytes, piece: bytes) -> bytes:
    """A piece as whole blocks to stand behind others: they refer to nothing but the end of the piece before."""
    packer = zlib.compressobj(6, wbits=-15, zdict=before)
    return packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)


def refresh(letter: Letter, edition: Edition, listings: Sequence[Printable]) -> None:
    """Make the newest edition's documents and store those that differ; remove what is no longer served."""
    stored = {
        (document.kind, document.language): document
        for document in letter.documents.defer("body_gzip")
    }
    for made in make(letter, edition, listings):
        etag = etag_of(made.body)
        document = stored.pop((made.kind, made.language), None)
        if document and document.etag == etag and document.edition_id == edition.pk:
            continue
        Document.objects.update_or_create(
            letter=letter,
            kind=made.kind,
            language=made.language,
            defaults={
                "edition": edition,
                "content_type": made.content_type,
                "body_gzip": compressed(*made.pieces),
                "etag": etag,
            },
        )
    Document.objects.filter(pk__in=[document.pk for document in stored.values()]).delete()


def make(
    letter: Letter,
    edition: Edition,
    listings: Sequence[Printable],
    *,
    archived_on: date | None = None,
) -> Iterator[Made]:
    """The newest edition's documents; with a date, as they stand in an archived copy made then.

    `listings` are the lines of that edition, in order.
    """
    texts = edition.revision.texts()
    first_published_at = letter.editions.earliest("number").published_at
    standing = standing_of(letter, edition, listings)
    letters = rail(letter, listings)
    for language in texts:
        with translation.override(language), timezone.override(letter.zone):
            pieces = pieces_of_list(letter, listings, standing.marks())
            listed = SafeString("".join(pieces))
            on_paper = paper_urls(letter, texts[language], listed)
            for status in [ARCHIVED] if archived_on else reachable_statuses(letter):
                context = page_context(
                    letter,
                    texts,
                    language,
                    status=status,
                    edition=edition,
                    signatories_html=listed,
                    organization_count=edition.organization_count,
                    country_count=edition.country_count,
                    standing=standing,
                    rail=letters,
                )
                context["urls"] |= on_paper
                if not archived_on:  # there is nothing to be passed on of a copy
                    context["urls"]["share"] = f"{page_url(letter, language)}share/"
                context["card"] = card_url(letter, edition, texts[language])
                context["linked_data"] = linked_data.of_page(
                    edition,
                    texts[language],
                    url=context["urls"]["page"],
                    description=context["description"],
                    letterhead=letter.letterhead,
                    card=context["card"],
                    first_published_at=first_published_at,
                )
                if archived_on:
                    context["archived_on"] = archived_on
                    context["urls"]["readme"] = f"{letter.get_absolute_url()}README.txt"
                page = render_to_string("letter/letter.html", context)
                before, _, after = page.partition(listed) if listed else (page, "", "")
                yield Made(
                    page_kind(status),
                    language,
                    "text/html; charset=utf-8",
                    [part.encode() for part in (before, *pieces, after) if part],
                )


@cache
def schema() -> bytes:
    """The JSON Schema of `list_json`."""
    return (Path(__file__).parent / "schemas" / "signatories-1.json").read_bytes()


def list_json(
    letter: Letter, edition: Edition, listings: Iterable[Listing], texts: Mapping[str, Text]
) -> Iterator[bytes]:
    """An edition's list with all that it takes to verify its digest (see docs/canonical-form.md), piece by piece.

    Its form is that of `schemas/signatories-1.json`; the labels are in the active language.
    """
    document = {
        "$schema": settings.BASE_URL + reverse("letter:schema"),
        "letter": letter.slug,
        "title": letter.title,
        "url": settings.BASE_URL + letter.get_absolute_url(),
        "language": letter.default_language,
        "edition": edition.number,
        "published_at": timestamp(edition.published_at),
        "digest": edition.digest,
        "previous_digest": edition.previous_digest,
        "revision": {
            "number": edition.revision.number,
            "digest": edition.revision_digest,
            "texts": {code: text.as_dict() for code, text in texts.items()},
        },
        "organization_count": edition.organization_count,
        "country_count": edition.country_count,
        "signatories": [],
    }
    empty = json.dumps(document, ensure_ascii=False)
    end = "]}"
    yield empty.removesuffix(end).encode()
    separator = b""
    for lines in _in_pieces(listings):
        rows = [
            {
                "number": number,
                "id": listing.line_id,
                "name": listing.name,
                "countries": listing.countries,
                "label": label_of(listing.countries, listing.label),
                "label_set": listing.label,
                **({"other_names": listing.other_names} if listing.other_names else {}),
                **({"signed_text": listing.signed_text} if listing.signed_text else {}),
                "salt": listing.salt,
                "commitment": listing.commitment,
                "redacted": listing.redacted_at is not None,
            }
            for number, listing in lines
        ]
        yield separator + json.dumps(rows, ensure_ascii=False)[1:-1].encode()
        separator = b", "
    yield end.encode()


def list_csv(letter: Letter, edition: Edition, listings: Iterable[Listing]) -> Iterator[bytes]:
    """An edition's list for a spreadsheet, piece by piece: UTF-8 with a byte order mark, and no cell that is a formula.

    The labels are in the active language. Each row says which edition it is of, so that rows copied elsewhere still do.
    """
    of_edition = [
        letter.default_language,
        edition.number,
        timestamp(edition.published_at),
        edition.digest,
    ]
    heads = [
        "number",
        "name",
        "countries",
        "label",
        "language",
        "edition",
        "published_at",
        "digest",
    ]
    yield codecs.BOM_UTF8 + _csv([heads])
    for lines in _in_pieces(listings):
        yield _csv(
            [
                number,
                protected(
                    name_of(listing) if listing.redacted_at is None else gettext("(redacted)")
                ),
                protected(" ".join(listing.countries)),
                protected(label_of(listing.countries, listing.label)),
                *of_edition,
            ]
            for number, listing in lines
        )


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()


def _in_pieces(listings: Iterable[Listing]) -> Iterator[list[tuple[int, Listing]]]:
    """Lines with their numbers, so many at a time that those of a long list are never in memory together."""
    numbered = enumerate(listings, start=1)
    while lines := list(islice(numbered, LINES_AT_ONCE)):
        yield lines
