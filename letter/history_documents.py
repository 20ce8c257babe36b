"""The forms in which a letter's past is served: pages, the JSON of an edition, the feed.

Each function gives the bytes of one, for a public letter with at least the editions it is asked for.
They are made when somebody asks (`serving.remembered` keeps them), in the language of the address.
"""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from letter import history
from letter.documents import (
    LINES_AT_ONCE,
    NotInLanguage,
    frame_of,
    history_urls,
    language_links,
    line_html,
    list_csv,
    list_json,
    moment_text,
    page_url,
    paper_urls,
    signatories_html,
    updates,
)
from letter.history import Difference, Step
from letter.models import Edition, Letter, Listing, Revision, Text
from letter.paper import body_of
from letter.standing import renewal_of, standing_of
from letter.text import render_markdown

EDITIONS_ON_A_PAGE = 50
EDITIONS_IN_FEED = 50
UPDATES_IN_FEED = 50
NAMED = 200  # names of one kind under an edition; the comparison has all
NAMED_IN_FEED = 50
# What XML 1.0 has no way to say (§2.2), and nobody misses.
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class WordsNotKept(Exception):
    """The words of an edition were replaced before anyone had signed them."""


@contextmanager
def _speaking(letter: Letter, language: str) -> Iterator[dict[str, int]]:
    """In this language and the letter's zone; gives all that there are, raises NotInLanguage where it is none."""
    offered = history.languages(letter)
    if language not in offered:
        raise NotInLanguage(language)
    with translation.override(language), timezone.override(letter.zone):
        yield offered


def _context(
    letter: Letter,
    language: str,
    texts: Mapping[str, Text],
    newest: Edition,
    path: str,
    *,
    offered: Mapping[str, int],
    archived: bool,
) -> dict[str, Any]:
    """What every page of the past has: its letter, and itself in the other languages.

    `archived`: for a copy of the site as plain files, in which nothing can be asked.
    """
    title = texts[language].title if language in texts else letter.title
    base = page_url(letter, language)
    is_read_today = offered[language] == newest.revision.number
    return {
        "letter": letter,
        "language": language,
        "frame": frame_of(language),
        "letter_title": title,
        "newest": newest,
        "base": base,
        "today": base if is_read_today else page_url(letter, letter.default_language),
        "is_archived": archived,
        "urls": {"page": base, **history_urls(letter, language, newest)},
        "languages": language_links(letter, offered, language, path),
    }


def _newest(letter: Letter) -> Edition:
    return letter.editions.select_related("revision__letter").latest("number")


def editions_page(letter: Letter, language: str, page: int, *, archived: bool = False) -> bytes:
    """Every edition and what it brought, newest first; `page` counts from 1."""
    newest = _newest(letter)
    texts = newest.revision.texts()
    page_count = pages_of_editions(newest.number)
    first = newest.number - (page - 1) * EDITIONS_ON_A_PAGE
    with _speaking(letter, language) as offered:
        context = _context(
            letter, language, texts, newest, "editions/", offered=offered, archived=archived
        )
        context |= {
            "editions": [
                _step_context(step, letter, context["base"], NAMED)
                for step in history.steps(letter, first, EDITIONS_ON_A_PAGE)
            ],
            "page": page,
            "page_count": page_count,
            "newer_page": page - 1 if page > 1 else None,
            "older_page": page + 1 if page < page_count else None,
        }
        return render_to_string("letter/editions.html", context).encode()


def _listed_url(editions: str, number: int, newest: int) -> str:
    """Where an edition stands in the list of all."""
    page = pages_of_editions(newest - number + 1)
    return f"{editions}{f'?page={page}' if page > 1 else ''}#edition-{number}"


def pages_of_editions(newest: int) -> int:
    """How many pages the list of so many editions has."""
    return -(-newest // EDITIONS_ON_A_PAGE)


def edition_page(letter: Letter, language: str, number: int, *, archived: bool = False) -> bytes:
    """An edition as it stood: the text of its revision, and its list with the numbers of then."""
    edition, rows = _edition(letter, number)
    listings = list(rows)
    texts = history.texts_of(edition)
    newest = _newest(letter)
    with _speaking(letter, language) as offered:
        path = f"editions/{number}/"
        context = _context(
            letter, language, texts, newest, path, offered=offered, archived=archived
        )
        text = history.text_in(letter, texts, language)
        standing = standing_of(letter, edition, listings)
        context |= {
            "edition": edition,
            "published": moment_text(edition.published_at, letter),
            "live_url": settings.BASE_URL + context["today"],
            "change_url": f"{context['base']}editions/{number - 1}/{number}/" if number > 1 else "",
            "listed_url": _listed_url(context["urls"]["editions"], number, newest.number),
            "text": text,
            "body": render_markdown(text.body) if text else "",
            "organization_count": edition.organization_count,
            "country_count": edition.country_count,
            "signatories_html": signatories_html(letter, listings, standing.marks()),
            "deliveries": [each for each in standing.deliveries if each.edition_id == edition.pk],
        }
        # A copy of the site has the past on paper as far as it was handed over.
        is_kept = not archived or context["deliveries"]
        if language in texts and is_kept and _has_pdf(letter, texts[language], context):
            context["urls"]["pdf"] = f"{context['base']}editions/{number}/letter.pdf"
        return render_to_string("letter/edition.html", context).encode()


def _has_pdf(letter: Letter, text: Text, context: dict[str, Any]) -> bool:
    return "pdf" in paper_urls(letter, text, context["signatories_html"])


def edition_pdf(letter: Letter, language: str, number: int) -> bytes:
    """An edition on paper, under the letterhead of today; raises WordsNotKept, or CannotBeMade as the newest does."""
    edition = letter.editions.select_related("revision__letter").get(number=number)
    texts = history.texts_of(edition)
    if not texts:
        raise WordsNotKept
    if language not in texts:
        raise NotInLanguage(language)
    with _speaking(letter, language):
        return body_of(letter, edition, texts[language], "pdf")


def edition_json(letter: Letter, number: int) -> Iterator[bytes]:
    """The list of an edition, the newest or another, as JSON, piece by piece."""
    edition, listings = _edition(letter, number)
    with translation.override(letter.default_language):
        yield from list_json(
            letter, edition, listings.iterator(LINES_AT_ONCE), history.texts_of(edition)
        )


def edition_csv(letter: Letter, number: int) -> Iterator[bytes]:
    """The list of an edition for a spreadsheet, piece by piece."""
    edition, listings = _edition(letter, number)
    with translation.override(letter.default_language):
        yield from list_csv(letter, edition, listings.iterator(LINES_AT_ONCE))


def _edition(letter: Letter, number: int) -> tuple[Edition, QuerySet[Listing]]:
    edition = letter.editions.select_related("revision__letter").get(number=number)
    return edition, letter.listings.in_edition(number).in_order()


def comparison_page(
    letter: Letter, language: str, older: int, newer: int, *, archived: bool = False
) -> bytes:
    """How one edition differs from an earlier one: all names, and whether the text is the same."""
    newest = _newest(letter)
    texts = newest.revision.texts()
    both = {
        edition.number: edition
        for edition in letter.editions.filter(number__in=(older, newer)).select_related("revision")
    }
    before, after = both[older], both[newer]
    with _speaking(letter, language) as offered:
        difference = history.between(letter, older, newer)
        path = f"editions/{older}/{newer}/"
        context = _context(
            letter, language, texts, newest, path, offered=offered, archived=archived
        )
        context |= {
            "older": before,
            "newer": after,
            "older_published": moment_text(before.published_at, letter),
            "newer_published": moment_text(after.published_at, letter),
            "difference": _difference_context(letter, difference),
            "summary": _summary(difference),
            "is_text_new": before.revision_digest != after.revision_digest,
            **_compared(before, after, language),
            "revisions": letter.revisions.filter(
                editions__number__range=(older + 1, newer),
                number__range=(before.revision.number + 1, after.revision.number),
            )
            .distinct()
            .order_by("number"),
        }
        return render_to_string("letter/comparison.html", context).encode()


def _compared(before: Edition, after: Edition, language: str) -> dict[str, Any]:
    """The texts of two editions word by word; nothing where they are the same or one is not known in the language."""
    if before.revision_digest == after.revision_digest:
        return {}
    old, new = (history.texts_of(each).get(language) for each in (before, after))
    return {"text": new, "compared": history.compared(old, new)} if old and new else {}


def revision_page(letter: Letter, language: str, number: int, *, archived: bool = False) -> bytes:
    """A text compared word by word with the one before it; raises LookupError for one never published."""
    edition = history.last_edition_of(letter, number)
    if edition is None:
        raise LookupError(number)
    texts = history.texts_of(edition)
    revision = edition.revision
    before = history.revision_before(revision)
    last_before = before and history.last_edition_of(letter, before.number)
    old_texts = history.texts_of(last_before) if last_before else {}
    newest = _newest(letter)
    with _speaking(letter, language) as offered:
        text = history.text_in(letter, texts, language)
        old = old_texts.get(text.language) if text else None
        path = f"revisions/{number}/"
        context = _context(
            letter, language, texts, newest, path, offered=offered, archived=archived
        )
        context |= {
            "revision": revision,
            "before": before,
            "published": moment_text(revision.published_at, letter)
            if revision.published_at
            else "",
            "text": text,
            "old": old,
            "body": render_markdown(text.body) if text else "",
            "compared": history.compared(old, text) if text and old else None,
            "renewal": _renewal_context(newest, revision),
        }
        return render_to_string("letter/revision.html", context).encode()


def _renewal_context(newest: Edition, revision: Revision) -> dict[str, Any] | None:
    """Who on today's list has signed this text; None where it did not ask them to, or a later one does."""
    if newest.revision.last_substantive() != revision:
        return None
    letter = newest.letter
    listings = letter.listings.in_edition(newest.number).listed()
    renewal = renewal_of(revision, listings)
    if renewal is None or not listings:
        return None
    return {
        "signed": [line_html(each, letter) for each in renewal.signed],
        "waiting": [line_html(each, letter) for each in renewal.waiting],
    }


def feed(letter: Letter, language: str) -> bytes:
    """The last editions and updates as an Atom feed (RFC 4287), newest first.

    Ids are UUIDs made of digests, so that they stay when the site moves. An entry from which a line
    was taken out for an organisation in danger counts as updated then, for readers to replace it.
    """
    newest = _newest(letter)
    texts = newest.revision.texts()
    with _speaking(letter, language):
        title = texts[language].title if language in texts else letter.title
        page = settings.BASE_URL + page_url(letter, language)
        readable = language if language in texts else letter.default_language
        first = letter.editions.get(number=1)
        atom = Atom1Feed(
            title=_in_xml(title),
            link=settings.BASE_URL + page_url(letter, readable),
            description=None,
            subtitle=gettext("Who joined this letter, who left, and what became of it."),
            language=language,
            feed_url=f"{page}feed.atom",
            feed_guid=uuid.uuid5(uuid.NAMESPACE_OID, f"{first.digest} feed {language}").urn,
            author_name=gettext("The undersigned"),
        )
        entries = [
            *_update_entries(letter, language, page, first),
            *_edition_entries(letter, language, page, newest),
        ]
        for entry in sorted(entries, key=lambda each: each["pubdate"], reverse=True):
            atom.add_item(**entry)
        return str(atom.writeString("utf-8")).encode()


def _edition_entries(
    letter: Letter, language: str, page: str, newest: Edition
) -> Iterator[dict[str, Any]]:
    for step in history.steps(letter, newest.number, EDITIONS_IN_FEED):
        shown = _step_context(step, letter, page, NAMED_IN_FEED)
        published = step.edition.published_at
        yield {
            "title": _in_xml(
                gettext("Edition %(number)s: %(summary)s")
                % {"number": step.edition.number, "summary": "; ".join(shown["summary"])}
            ),
            "link": f"{page}editions/{step.edition.number}/",
            "description": _in_xml(
                render_to_string("letter/_difference.html", {**shown, "folded": False})
            ),
            "unique_id": uuid.uuid5(uuid.NAMESPACE_OID, f"{step.edition.digest} {language}").urn,
            "pubdate": published,
            "updateddate": max([published, *_redacted_at(step.difference)]),
        }


def _update_entries(
    letter: Letter, language: str, page: str, first: Edition
) -> Iterator[dict[str, Any]]:
    for update in updates(letter, language)[:UPDATES_IN_FEED]:
        about = f"{first.digest} update {update['pk']} {language}"
        yield {
            "title": _in_xml(update["title"]),
            "link": f"{page}#{update['anchor']}",
            "description": _in_xml(update["body"]),
            "unique_id": uuid.uuid5(uuid.NAMESPACE_OID, about).urn,
            "pubdate": update["published_at"],
            "updateddate": update["changed_at"],
        }


def _in_xml(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


def _redacted_at(difference: Difference) -> Iterator[Any]:
    changed = (listing for pair in difference.changed for listing in pair)
    for listing in (*difference.joined, *difference.left, *difference.renewed, *changed):
        if listing.redacted_at is not None:
            yield listing.redacted_at


def _step_context(step: Step, letter: Letter, base: str, limit: int) -> dict[str, Any]:
    """An edition in the history: its numbers in words, its names up to a limit, where all are."""
    edition = step.edition
    number = edition.number
    return {
        "edition": edition,
        "published": moment_text(edition.published_at, letter),
        "url": f"{base}editions/{number}/",
        "all_url": f"{base}editions/{number - 1}/{number}/"
        if number > 1
        else f"{base}editions/{number}/",
        "summary": _summary(step.difference, is_text_new=step.is_text_new),
        "revision_url": f"{base}revisions/{edition.revision.number}/" if step.is_text_new else "",
        "difference": _difference_context(letter, step.difference, limit),
        "folded": True,
    }


def _summary(difference: Difference, *, is_text_new: bool = False) -> list[str]:
    """What happened, in phrases."""
    joined, left = len(difference.joined), len(difference.left)
    changed, moved = len(difference.changed), difference.moved_count
    renewed = len(difference.renewed)
    phrases = []
    if joined:
        phrases.append(
            ngettext("%(count)s organisation joined", "%(count)s organisations joined", joined)
            % {"count": joined}
        )
    if left:
        phrases.append(
            ngettext("%(count)s organisation left", "%(count)s organisations left", left)
            % {"count": left}
        )
    if changed:
        phrases.append(
            ngettext("%(count)s line corrected", "%(count)s lines corrected", changed)
            % {"count": changed}
        )
    if renewed:
        phrases.append(
            ngettext(
                "%(count)s organisation signed the revised text",
                "%(count)s organisations signed the revised text",
                renewed,
            )
            % {"count": renewed}
        )
    if moved:
        phrases.append(
            ngettext(
                "%(count)s line took another place", "%(count)s lines took another place", moved
            )
            % {"count": moved}
        )
    if is_text_new:
        phrases.append(gettext("the text changed"))
    return phrases or [gettext("the list stayed as it was")]


def _difference_context(
    letter: Letter, difference: Difference, limit: int | None = None
) -> list[dict[str, Any]]:
    """The kinds of change that there are, each with its lines as they are printed."""
    kinds: list[tuple[str, str, Sequence[Listing | tuple[Listing, Listing]]]] = [
        ("joined", gettext("Joined"), difference.joined),
        ("left", gettext("Left"), difference.left),
        ("changed", gettext("Corrected"), difference.changed),
        ("renewed", gettext("Signed the revised text"), difference.renewed),
    ]
    return [
        {
            "kind": kind,
            "heading": heading,
            "lines": [_line_html(each, letter) for each in found[:limit]],
            "count": len(found),
            "more_count": len(found) - len(found[:limit]),
        }
        for kind, heading, found in kinds
        if found
    ]


def _line_html(found: Listing | tuple[Listing, Listing], letter: Letter) -> SafeString:
    """A line, or what it was and what it is now."""
    if isinstance(found, Listing):
        return line_html(found, letter)
    before, after = (line_html(each, letter) for each in found)
    return format_html(gettext("{before}, now {after}"), before=before, after=after)
