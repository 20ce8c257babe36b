"""Takes lists out: the public one as it is printed, and all of a letter's entries with their contacts.

Each function makes one file of one letter. The two CSV files are UTF-8 with a byte order mark, which
Excel needs, and begin with a row of column names; several countries in a cell are ISO 3166-1 codes with
"; " between them. No cell runs as a formula: what would is written with an apostrophe in front (see
`protected`), which whoever reads a file back takes off again (`unprotected`). In a workbook a cell says
of itself that it is text, and the text is as it was.

The private list has, among others, the columns of `READ_BACK`, so that an import can read the same file:
`label` is what was set by hand, `label_printed` what stands in the parentheses, wherever it comes from.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, Final

import docx
from django.db.models import OuterRef, Subquery
from django.utils import translation
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from letter.cells import protected
from letter.documents import groups_of, label_of, name_of, printed, taken_out
from letter.models import Letter
from signatories import other_names
from signatories.models import Decision, Signatory, SignatoryQuerySet

Row = list[int | str]

CHUNK: Final = 2000
COUNTRIES_SEPARATOR: Final = "; "
PUBLIC_COLUMNS: Final = ("number", "organization", "countries", "label_printed", "edition")
READ_BACK: Final = (
    "organization",
    "countries",
    "label",
    "website",
    "contact_name",
    "contact_role",
    "email",
    "note",
    "sort_as",
    "other_names",
)
PRIVATE_COLUMNS: Final = (
    "reference",
    "state",
    *READ_BACK,
    "label_hidden",
    "label_printed",
    "source",
    "submitted_at",
    "confirmed_at",
    "approved_at",
    "last_decision",
    "last_decision_at",
    "last_reason",
    "wants_updates",
    "partner",
)
# What XML 1.0 cannot hold, and so neither Word nor Excel.
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


# --- The public list ----------------------------------------------------------


def public_csv(letter: Letter) -> bytes:
    """The newest edition's list for a spreadsheet."""
    return _csv(PUBLIC_COLUMNS, _public_rows(letter))


def public_xlsx(letter: Letter) -> bytes:
    """The newest edition's list as a workbook."""
    return _xlsx(PUBLIC_COLUMNS, _public_rows(letter))


def public_text(letter: Letter) -> bytes:
    """The newest edition's list as it is printed: `1. Name (Label)`, under its countries if it is so grouped."""
    text = ""
    for country, start, lines in _public_groups(letter):
        heading = f"\n{country}\n\n" if country else ""
        rows = (f"{number}. {line}\n" for number, line in enumerate(lines, start))
        text += heading + "".join(rows)
    return text.lstrip("\n").encode()


def public_docx(letter: Letter) -> bytes:
    """The newest edition's list as a Word document: the letter's title, and a list that Word numbers."""
    document = docx.Document()
    about = document.core_properties
    about.title, about.language = _for_xml(letter.title), letter.default_language
    about.author = about.comments = ""  # else the library's own
    document.add_heading(about.title, level=0)
    first = document.add_paragraph(" ", style="List Number")._p
    for country, _start, lines in _public_groups(letter):
        if country:
            first.addprevious(document.add_heading(_for_xml(country), level=1)._p)
        # A copy of the element costs a twentieth of `add_paragraph`, which looks the style up each time.
        for line in lines:
            paragraph = deepcopy(first)
            paragraph.r_lst[0].text = _for_xml(line)
            first.addprevious(paragraph)
    first.getparent().remove(first)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _public_rows(letter: Letter) -> Iterator[Row]:
    for number, (edition, name, countries, label) in enumerate(_listed(letter), start=1):
        yield [number, name, COUNTRIES_SEPARATOR.join(countries), label, edition]


def _public_groups(letter: Letter) -> Iterator[tuple[str, int, list[str]]]:
    """Heading, number of the first line, and lines, as the page has them; one group has no heading."""
    edition = letter.newest_edition()
    if edition is None:
        return
    with translation.override(letter.default_language):
        for group in groups_of(letter, letter.listings.in_edition(edition.number).in_order()):
            lines = [
                taken_out()
                if line["is_redacted"]
                else " ".join(printed(line["name"], line["label"]).split())
                for line in group["lines"]
            ]
            yield group["country"], group["start"], lines


def _listed(letter: Letter) -> Iterator[tuple[int, str, list[str], str]]:
    """Edition, name, countries and label of each line in order, in the letter's language."""
    edition = letter.newest_edition()
    if edition is None:
        return
    # Of that edition, not the current ones: another may be published while we read.
    listings = letter.listings.in_edition(edition.number).in_order()
    with translation.override(letter.default_language):
        for listing in listings.iterator(chunk_size=CHUNK):
            if listing.redacted_at is None:
                label = label_of(listing.countries, listing.label)
                yield edition.number, name_of(listing), listing.countries, label
            else:
                yield edition.number, taken_out(), [], ""


# --- The private list ---------------------------------------------------------


def private_csv(letter: Letter) -> bytes:
    """All entries of a letter, in whatever state, with their contacts, for a spreadsheet."""
    return _csv(PRIVATE_COLUMNS, _private_rows(letter))


def private_xlsx(letter: Letter) -> bytes:
    """All entries of a letter, in whatever state, with their contacts, as a workbook."""
    return _xlsx(PRIVATE_COLUMNS, _private_rows(letter))


def private_entries(letter: Letter) -> SignatoryQuerySet:
    """What the private list holds."""
    return Signatory.objects.for_letter(letter).oldest_first()


def _private_rows(letter: Letter) -> Iterator[Row]:
    decisions = Decision.objects.filter(signatory=OuterRef("pk")).order_by("-at", "-pk")
    entries = (
        private_entries(letter)
        .defer("collation_key", "name_key")
        .select_related("partner")
        .annotate(
            last_decision=Subquery(decisions.values("event")[:1]),
            last_decision_at=Subquery(decisions.values("at")[:1]),
            last_reason=Subquery(decisions.values("reason")[:1]),
        )
    )
    with translation.override(letter.default_language):
        entry: Any  # a Signatory with the annotations
        for entry in entries.iterator(chunk_size=CHUNK):
            yield [
                entry.reference,
                entry.state,
                entry.name,
                COUNTRIES_SEPARATOR.join(entry.countries),
                entry.label,
                entry.website,
                entry.contact_name,
                entry.contact_role,
                entry.email,
                entry.note,
                entry.sort_as,
                other_names.written(entry.other_names),
                "yes" if entry.label_hidden else "",
                label_of(entry.countries, entry.public_label),
                entry.source,
                _moment(entry.submitted_at),
                _moment(entry.confirmed_at),
                _moment(entry.approved_at),
                entry.last_decision or "",
                _moment(entry.last_decision_at),
                entry.last_reason or "",
                "yes" if entry.wants_updates else "",
                entry.partner.name if entry.partner else "",
            ]


def _moment(moment: datetime | None) -> str:
    """ISO 8601 in UTC, with the microseconds, by which the order of approval is told."""
    return moment.astimezone(UTC).isoformat() if moment else ""


# --- The formats --------------------------------------------------------------


def _csv(columns: Iterable[str], rows: Iterable[Row]) -> bytes:
    buffer = io.BytesIO()
    text = io.TextIOWrapper(buffer, encoding="utf-8-sig", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([protected(cell) if isinstance(cell, str) else cell for cell in row])
    text.flush()
    return buffer.getvalue()


def _xlsx(columns: Iterable[str], rows: Iterable[Row]) -> bytes:
    workbook = Workbook(write_only=True)  # a row goes to a temporary file as soon as it is made
    sheet = workbook.create_sheet("signatories")
    sheet.freeze_panes = "A2"

    def typed(value: int | str) -> Any:
        if isinstance(value, int):
            return value
        cell = WriteOnlyCell(sheet, value=_for_xml(value))
        cell.data_type = "s"  # whatever the library took "=1+1" or "#N/A" for
        if protected(value) != value:
            cell.quotePrefix = True  # text it stays when somebody edits the cell
        return cell

    sheet.append(list(columns))
    for row in rows:
        sheet.append([typed(value) for value in row])
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _for_xml(text: str) -> str:
    return _NOT_XML.sub("", text)
