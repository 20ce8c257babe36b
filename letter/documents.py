"""The forms in which an edition is served: a page per language and status, JSON and CSV.

`refresh` makes them once, at publication, and stores the bytes with their strong ETag. They hold
nothing about a visitor, so every visitor gets the same bytes. A page exists for each status that the
letter can still reach by the clock alone ("open" until the deadline, "past_deadline" after), so that
it turns at the second, with nothing to be made at that moment.
"""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language_info, gettext

from letter import countries
from letter.cells import protected
from letter.digest import timestamp
from letter.models import Document, Edition, Letter, Listing, Text
from letter.text import plain_text, render_markdown

DESCRIPTION_LENGTH = 200  # characters; search engines and share cards cut near this


class PrintedLine(TypedDict):
    anchor: str
    name: str
    label: str
    is_redacted: bool


class Group(TypedDict):
    country: str
    start: int
    lines: list[PrintedLine]


@dataclass(frozen=True)
class Made:
    """One document's bytes before they are stored."""

    kind: str
    language: str
    content_type: str
    body: bytes


def page_kind(status: str) -> str:
    return f"page:{status}"


def label_of(listing_countries: Sequence[str], label: str | None) -> str:
    """What stands in the parentheses, in the active language; empty where there are none."""
    return countries.label_from(listing_countries) if label is None else label


def printed(name: str, label: str) -> str:
    """A line without its number, as it stands on the page: `Name (Label)`."""
    return f"{name} ({label})" if label else name


def printed_html(name: str, label: str) -> SafeString:
    """The same for a page, so that a name in another direction never moves the parentheses."""
    if not label:
        return format_html("<bdi>{}</bdi>", name)
    return format_html("<bdi>{}</bdi> (<bdi>{}</bdi>)", name, label)


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


def groups_of(letter: Letter, listings: Iterable[Listing]) -> list[Group]:
    """The list as it is printed: one group, or one for each country where the letter groups by country."""
    grouped = letter.ordering == Letter.Ordering.COUNTRY
    groups: list[Group] = []
    key: str | None = None
    for number, listing in enumerate(listings, start=1):
        first = listing.countries[0] if grouped and listing.countries else ""
        if not groups or (grouped and first != key):
            key = first
            name = countries.country_name(first) if first else ""
            if grouped and not first:
                name = gettext("International")
            groups.append({"country": name, "start": number, "lines": []})
        groups[-1]["lines"].append(
            {
                "anchor": listing.anchor,
                "name": listing.name,
                "label": label_of(listing.countries, listing.label),
                "is_redacted": listing.redacted_at is not None,
            }
        )
    return groups


def page_url(letter: Letter, language: str) -> str:
    """The path of the letter's page in a language."""
    if language == letter.default_language:
        return reverse("letter:page", args=[letter.slug])
    return reverse("letter:page_in_language", args=[language, letter.slug])


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
) -> dict[str, Any]:
    """Everything the page's template needs, in the active language; `edition` is None in a preview."""
    text = texts[language]
    return {
        "letter": letter,
        "text": text,
        "body": render_markdown(text.body),
        "status": status,
        "accepts": status == Letter.Status.OPEN,
        "edition": edition,
        "is_preview": edition is None,
        "signatories_html": signatories_html,
        "organization_count": organization_count,
        "country_count": country_count,
        "closes_text": closes_text(letter),
        "opens_text": moment_text(letter.opens_at, letter) if letter.opens_at else "",
        "description": plain_text(text.body, limit=DESCRIPTION_LENGTH),
        "privacy": render_markdown(letter.privacy_text, prefix="privacy-"),
        "urls": {
            "page": settings.BASE_URL + page_url(letter, language),
            "sign": reverse("signatories:sign", args=[letter.slug]),
            "json": reverse("letter:json", args=[letter.slug]),
            "csv": reverse("letter:csv", args=[letter.slug]),
            "home": reverse("letter:home"),
        },
        "languages": [
            {
                "code": code,
                "name": get_language_info(code)["name_local"],
                "url": page_url(letter, code),
                "is_current": code == language,
            }
            for code in texts
        ]
        if len(texts) > 1
        else [],
    }


def signatories_html(letter: Letter, listings: Iterable[Listing]) -> SafeString:
    """The numbered list, rendered once and used by every page that shows it."""
    return render_to_string("letter/_signatories.html", {"groups": groups_of(letter, listings)})


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


def refresh(letter: Letter) -> None:
    """Make the newest edition's documents and store those that differ; remove what is no longer served."""
    edition = letter.newest_edition()
    if edition is None:
        return
    stored = {
        (document.kind, document.language): document
        for document in letter.documents.defer("body", "body_gzip")
    }
    for made in _make(letter, edition):
        etag = hashlib.sha256(made.body).hexdigest()[:32]
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
                "body": made.body,
                # mtime=0: the same bytes whenever they are made.
                "body_gzip": gzip.compress(made.body, 9, mtime=0),
                "etag": etag,
            },
        )
    Document.objects.filter(pk__in=[document.pk for document in stored.values()]).delete()


def _make(letter: Letter, edition: Edition) -> Iterator[Made]:
    listings = list(letter.listings.current().in_order())
    texts = edition.revision.texts()
    for language in texts:
        with translation.override(language), timezone.override(letter.zone):
            listed = signatories_html(letter, listings)
            for status in reachable_statuses(letter):
                context = page_context(
                    letter,
                    texts,
                    language,
                    status=status,
                    edition=edition,
                    signatories_html=listed,
                    organization_count=edition.organization_count,
                    country_count=edition.country_count,
                )
                yield Made(
                    page_kind(status),
                    language,
                    "text/html; charset=utf-8",
                    render_to_string("letter/letter.html", context).encode(),
                )
    with translation.override(letter.default_language):
        yield Made("json", "", "application/json", _json(letter, edition, listings))
        yield Made("csv", "", "text/csv; charset=utf-8", _csv(letter, edition, listings))


def _json(letter: Letter, edition: Edition, listings: Sequence[Listing]) -> bytes:
    """The public list with all that it takes to verify its digest (see docs/canonical-form.md)."""
    texts = {code: text.as_dict() for code, text in edition.revision.texts().items()}
    document = {
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
            "texts": texts,
        },
        "organization_count": edition.organization_count,
        "country_count": edition.country_count,
        "signatories": [
            {
                "number": number,
                "id": listing.line_id,
                "name": listing.name,
                "countries": listing.countries,
                "label": label_of(listing.countries, listing.label),
                "label_set": listing.label,
                "salt": listing.salt,
                "commitment": listing.commitment,
                "redacted": listing.redacted_at is not None,
            }
            for number, listing in enumerate(listings, start=1)
        ],
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _csv(letter: Letter, edition: Edition, listings: Sequence[Listing]) -> bytes:
    """The public list for a spreadsheet: UTF-8 with a byte order mark, and no cell that runs as a formula.

    Each row says which edition it is of, so that rows copied elsewhere still do.
    """
    of_edition = [
        letter.default_language,
        edition.number,
        timestamp(edition.published_at),
        edition.digest,
    ]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(
        ["number", "name", "countries", "label", "language", "edition", "published_at", "digest"]
    )
    for number, listing in enumerate(listings, start=1):
        name = listing.name if listing.redacted_at is None else gettext("(redacted)")
        label = label_of(listing.countries, listing.label)
        writer.writerow(
            [
                number,
                protected(name),
                protected(" ".join(listing.countries)),
                protected(label),
                *of_edition,
            ]
        )
    return buffer.getvalue().encode("utf-8-sig")
