"""The letter and its list on paper, ready to hand over: as PDF, as a Word document, as text for an e-mail.

`Paper` holds all words of one edition in one language, as plain data; a format is a function from it to
bytes. Each is made when it is first asked for and stored with its edition. It waits for nobody's
publication and holds none up: whatever a publication makes anew, it removes these with.
"""

import base64
import logging
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypedDict

import segno
from django.conf import settings
from django.db import transaction
from django.utils import formats, timezone, translation
from django.utils.translation import gettext

from letter.documents import (
    Group,
    compressed,
    etag_of,
    groups_of,
    page_kind,
    page_url,
    printed,
    taken_out,
)
from letter.models import Document, Edition, Letter, Logo, Text
from letter.standing import standing_of
from letter.text import Node, tree

logger = logging.getLogger(__name__)

# Marks that keep a text in another direction apart from what stands around it (UAX #9, FSI and PDI).
_ISOLATE: Final = "\u2068{}\u2069"
_SIGNS: Final = ("*", "†", "‡", "§")
_MARKS: Final = {"ltr": "\u200e", "rtl": "\u200f"}  # LRM, RLM
_DIRECTIONS: Final = {"L": "ltr", "R": "rtl", "AL": "rtl"}
# What in a text of either direction could move what stands around it.
_TURNING: Final = {"ltr": frozenset({"R", "AL", "AN"}), "rtl": frozenset({"L", "AN"})}
_REGIONS: Final = {"zh-hans": "CN", "zh-hant": "TW"}


class CannotBeMade(Exception):
    """A format that the letter cannot be had in; `scripts` are those that no font on this machine shows."""

    def __init__(self, scripts: tuple[str, ...], reason: str = "") -> None:
        super().__init__(reason or f"no font shows {', '.join(scripts)}")
        self.scripts = scripts


class PaperGroup(TypedDict):
    country: str  # empty where the list has one group
    start: int
    lines: list[str]  # without their numbers


class PaperLogo(TypedDict):
    png: str  # in base64
    width: int  # pixels
    height: int
    description: str


class Paper(TypedDict):
    """One edition in one language, in words."""

    language: str
    lang: str  # ISO 639, as Typst has it
    region: str | None  # ISO 3166-1
    direction: str
    title: str
    logo: PaperLogo | None
    letterhead: str
    addressee: list[str]
    salutation: str
    blocks: list[Node]
    closing_line: str
    heading: str
    empty: str
    marks: list[str]  # what the signs behind some lines mean, each with its sign
    groups: list[PaperGroup]
    published_at: int  # seconds since 1970
    date: dict[str, int]
    date_words: str
    edition_line: str
    notes_heading: str
    page_of: str
    live: str
    url: str
    qr: str  # an SVG picture
    qr_alt: str
    digest_words: str
    digest: str


def paper_of(letter: Letter, edition: Edition, text: Text) -> Paper:
    """All that stands on paper of an edition, in the text's language."""
    with translation.override(text.language), timezone.override(letter.zone):
        listings = letter.listings.in_edition(edition.number).listed()
        marks = standing_of(letter, edition, listings).marks()
        signs = _signs(marks.values())
        groups = groups_of(letter, listings, marks)
        local = timezone.localtime(edition.published_at, letter.zone)
        date_words = formats.date_format(local, "DATE_FORMAT")
        url = settings.BASE_URL + page_url(letter, text.language)
        lang, region = typst_language(text.language)
        return {
            "language": text.language,
            "lang": lang,
            "region": region,
            "direction": text.direction,
            "title": _folded(text.title),
            "logo": _logo(letter),
            "letterhead": _folded(letter.letterhead) or gettext("Open letter"),
            "addressee": [_folded(line) for line in text.addressee.splitlines() if line.strip()],
            "salutation": _folded(text.salutation),
            "blocks": tree(text.body),
            "closing_line": _folded(text.closing_line),
            "heading": gettext("The undersigned"),
            "empty": gettext("No organisation has signed yet."),
            "marks": [f"{sign} {words}" for words, sign in signs.items()],
            "groups": [_printed_group(group, text.direction, signs) for group in groups],
            "published_at": int(edition.published_at.timestamp()),
            "date": {"year": local.year, "month": local.month, "day": local.day},
            "date_words": date_words,
            "edition_line": gettext("Edition %(number)s, %(date)s")
            % {"number": edition.number, "date": date_words},
            "notes_heading": gettext("Notes"),
            # Translators: a page's number and how many there are, as in "3 of 12".
            "page_of": gettext("{page} of {total}"),
            "live": gettext("The live letter and its current list:"),
            "url": url,
            "qr": segno.make(url, error="m", micro=False).svg_inline(border=0),
            "qr_alt": gettext("QR code with the address of the live letter"),
            "digest_words": gettext("By this digest anybody can verify the edition (SHA-256):"),
            "digest": edition.digest,
        }


def _logo(letter: Letter) -> PaperLogo | None:
    logo = Logo.objects.filter(letter=letter).first()
    if logo is None:
        return None
    return {
        "png": base64.b64encode(logo.picture).decode(),
        "width": logo.width,
        "height": logo.height,
        "description": _folded(logo.description),
    }


def typst_language(code: str) -> tuple[str, str | None]:
    """A language code as Typst has it: ISO 639 and, where it is known, ISO 3166-1."""
    lang, _, rest = code.partition("-")
    return lang, _REGIONS.get(code, rest.upper() if len(rest) == 2 else None)


def _signs(marks: Iterable[str]) -> dict[str, str]:
    """A sign for each thing that is said beside lines: the words stand once, above the list."""
    return {words: _SIGNS[at % len(_SIGNS)] for at, words in enumerate(sorted(set(marks)))}


def _printed_group(group: Group, direction: str, signs: Mapping[str, str]) -> PaperGroup:
    # Thousands of lines have few.
    labels = {
        label: _shown(label, direction) for label in {line["label"] for line in group["lines"]}
    }
    return {
        "country": group["country"],
        "start": group["start"],
        "lines": [
            taken_out()
            if line["is_redacted"]
            else printed(_shown(line["name"], direction), labels[line["label"]])
            + (f"\u00a0{signs[line['mark']]}" if line["mark"] else "")
            for line in group["lines"]
        ],
    }


def _shown(text: str, direction: str) -> str:
    return _isolated(_folded(text), direction)


def _folded(text: str) -> str:
    return " ".join(text.split())


def _isolated(text: str, direction: str) -> str:
    """The text, kept apart where a part of it runs in another direction and could move what stands around it.

    Where it is all in one direction and begins and ends so, the algorithm (UAX #9, rules N0 to N2) puts the
    parentheses right by itself, and whoever copies it from a PDF gets it without marks.
    """
    if _TURNING[direction].isdisjoint(map(unicodedata.bidirectional, text)):
        return text
    types = [unicodedata.bidirectional(character) for character in text]
    strong = {_DIRECTIONS[each] for each in types if each in _DIRECTIONS}
    is_plain = len(strong) == 1 and types[0] in _DIRECTIONS and types[-1] in {*_DIRECTIONS, "EN"}
    return (text if is_plain else _ISOLATE.format(text)) + _MARKS[direction]


def plain_text(paper: Paper) -> bytes:
    """The letter for an e-mail: one line for each paragraph, notes in brackets and at the end."""
    notes: dict[int, str] = {}
    parts = [
        paper["letterhead"],
        paper["title"],
        paper["date_words"],
        "\n".join(paper["addressee"]),
        paper["salutation"],
        *(_plain_block(block, notes) for block in paper["blocks"]),
        paper["closing_line"],
        paper["heading"],
        "" if paper["groups"] else paper["empty"],
        "\n".join(paper["marks"]),
    ]
    for group in paper["groups"]:
        lines = (f"{number}. {line}" for number, line in enumerate(group["lines"], group["start"]))
        parts += [group["country"], "\n".join(lines)]
    parts += ["\n".join(f"[{number}] {note}" for number, note in sorted(notes.items()))]
    live = f"{paper['live']} {paper['url']}"
    digest = f"{paper['digest_words']} {paper['digest']}"
    parts += [f"{paper['edition_line']}\n{live}\n{digest}"]
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def _plain_block(block: Node | str, notes: dict[int, str]) -> str:
    """A block, or what is within one, in plain words; what notes say is put into `notes`."""
    if isinstance(block, str):
        return block
    parts = [_plain_block(child, notes) for child in block["of"]]
    match block["kind"]:
        case "numbered":
            return "\n".join(f"{at}. {part}" for at, part in enumerate(parts, block["start"]))
        case "items":
            return "\n".join(f"- {part}" for part in parts)
        case "item":
            return "\n\n".join(parts)
        case "quote":
            lines = "\n\n".join(parts).split("\n")
            words = "\n".join(f"> {line}".rstrip() for line in lines)
        case "note":
            notes[block["number"]] = " ".join(parts)
            words = f"[{block['number']}]"
        case "note_again":
            words = f"[{block['number']}]"
        case "link":
            words, shown = "".join(parts), block["href"].removeprefix("mailto:")
            words = words if words in {shown, block["href"]} else f"{words} <{shown}>"
        case other:
            words = {"break": "\n", "rule": "* * *"}.get(other) or "".join(parts)
    return words


def _pdf(paper: Paper) -> bytes:
    from letter.typesetting import pdf  # noqa: PLC0415  slow import, of no use to other pages

    return pdf(paper)


def _docx(paper: Paper) -> bytes:
    from letter.word import docx  # noqa: PLC0415  slow import, of no use to other pages

    return docx(paper)


def _card(letter: Letter, edition: Edition, text: Text) -> bytes:
    from letter.pictures import card  # noqa: PLC0415  slow import, of no use to other pages

    return card(letter, edition, text)


# The picture that stands for the letter where its address is passed on; stored like its papers.
CARD: Final = "card"
# The kinds by their file names' ends.
FORMATS: Final[Mapping[str, tuple[str, Callable[[Paper], bytes]]]] = {
    "pdf": ("application/pdf", _pdf),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", _docx),
    "txt": ("text/plain; charset=utf-8", plain_text),
}


def body_of(letter: Letter, edition: Edition, text: Text, kind: str) -> bytes:
    """An edition with that text in a format, or its card, made now; raises CannotBeMade."""
    if kind == CARD:
        return _card(letter, edition, text)
    _content_type, make = FORMATS[kind]
    return make(paper_of(letter, edition, text))


def made(letter: Letter, kind: str, language: str) -> Document | None:
    """A letter's newest edition in a format, stored or made now; None where it has no text in that language.

    Raises CannotBeMade. What was overtaken while it was made is given, but not kept.
    """
    stored = letter.documents.filter(kind=kind, language=language).first()
    if stored is not None:
        return stored
    state = state_of(letter)
    edition = letter.newest_edition()
    text = edition and edition.revision.texts().get(language)
    if not edition or not text:
        return None
    body = body_of(letter, edition, text, kind)
    document = Document(
        letter=letter,
        edition=edition,
        kind=kind,
        language=language,
        content_type="image/png" if kind == CARD else FORMATS[kind][0],
        body_gzip=compressed(body),
        etag=etag_of(body),
    )
    with transaction.atomic():
        Letter.objects.select_for_update(no_key=True).get(pk=letter.pk)
        is_new = not letter.documents.filter(kind=kind, language=language).exists()
        if is_new and state_of(letter) == state:
            document.save()
    return document


def state_of(letter: Letter) -> tuple[object, ...]:
    """What changes with each publication that changes a word, as a redaction without an edition does, and the head."""
    pages = letter.documents.filter(kind__startswith=page_kind("")).order_by("kind", "language")
    return (tuple(pages.values_list("kind", "language", "edition", "etag")), head_of(letter))


def head_of(letter: Letter) -> tuple[object, ...]:
    """What stands at the head of a letter on paper and is no part of its editions."""
    head = Letter.objects.values_list("letterhead", "logo__pk", "logo__description")
    return head.get(pk=letter.pk)
