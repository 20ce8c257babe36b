"""To whom a letter is handed over: a list as people have it, and one PDF for each with their own name on it.

A line is one recipient: name, title, salutation, country (name or ISO 3166-1 code) and language (code or name), with
semicolons or tabs between them; only the name must be there. Under headings, in any of eight languages, the columns
may stand in another order, and commas may be between them. Whoever has no language, or one in which the letter is not
written, gets it in the letter's own.
"""

import codecs
import csv
import gzip
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import zip_longest

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import get_language_info, gettext

from letter import countries, sheets, typesetting
from letter.characters import without_hidden
from letter.models import LANGUAGE_CODES, Document, Edition, Letter, Recipient
from letter.paper import Paper, paper_of, state_of
from letter.recipient_headings import field_of

KIND = "recipients"  # of the Document that holds the ZIP
FIELDS = ("name", "title", "salutation", "country", "language")
MOST = 1000
MOST_COLUMNS = 40
MOST_BYTES = 2_000_000


class NotReadable(Exception):
    """Lines that cannot be read, each with its number and what is wrong."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = findings


def text_of(data: bytes) -> str:
    """A file as text, to be read and to be mended: a spreadsheet's first sheet as CSV; raises NotReadable."""
    if len(data) > MOST_BYTES:
        raise NotReadable([gettext("The file is larger than 2 MB.")])
    if not sheets.is_sheet(data):
        is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        # What cannot be read shows as such in the list.
        return data.decode("utf-16" if is_wide else "utf-8-sig", "replace")
    try:
        rows = sheets.first_sheet(data, most_rows=MOST, most_columns=MOST_COLUMNS)
    except (sheets.Broken, sheets.TooLarge) as error:
        said = gettext("This spreadsheet cannot be read. Please save it as .xlsx anew, or as CSV.")
        raise NotReadable([said]) from error
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\n")
    for number, cells in rows:
        # Its rows keep their numbers.
        buffer.write("\n" * (number - 1 - buffer.getvalue().count("\n")))
        folded = [" ".join(cell.split()) for cell in cells]
        while not folded[-1] and len(folded) > 1:
            folded.pop()
        writer.writerow(folded)
    return buffer.getvalue()


def read(text: str) -> list[Recipient]:
    """The recipients that a text names, in its order, not saved; raises NotReadable."""
    text = without_hidden(text)
    rows = csv.reader(io.StringIO(text), delimiter=_delimiter(text), skipinitialspace=True)
    found: list[Recipient] = []
    findings: list[str] = []
    fields: Sequence[str] = ()
    try:
        for row in rows:
            cells = [" ".join(cell.split()) for cell in row]
            if not any(cells):
                continue
            headings = () if fields else _headings(cells)
            fields = fields or headings or FIELDS
            if headings:
                finding = _unknown(cells, headings)
            else:
                recipient, finding = _read(cells, fields, len(found))
                found.append(recipient)
            if finding:
                what = {"number": rows.line_num, "finding": finding}
                findings.append(gettext("Line %(number)s: %(finding)s") % what)
    except csv.Error:
        findings.append(gettext("Line %(number)s cannot be read.") % {"number": rows.line_num})
    if len(found) > MOST:
        findings.append(gettext("At most %(most)s recipients can be kept.") % {"most": MOST})
    if findings:
        raise NotReadable(findings)
    return found


def _delimiter(text: str) -> str:
    """What stands between cells; a comma only under headings, since names and salutations have commas."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    for delimiter in ("\t", ";", ","):
        if len(_headings(next(csv.reader([first], delimiter=delimiter), []))) > 1:
            return delimiter
    return "\t" if "\t" in text else ";"


def _headings(cells: Sequence[str]) -> tuple[str, ...]:
    """The field of each column by its heading, "" by none; empty where it is no row of headings."""
    fields: list[str] = []
    for cell in cells:
        field = field_of(cell)
        fields.append("" if field in fields else field)
    known = {*fields} - {""}
    is_row = len(known) > 1 or (known == {"name"} and not any(cells[1:]))
    return tuple(fields) if is_row else ()


def _unknown(cells: Sequence[str], fields: Sequence[str]) -> str:
    """What is wrong with a row of headings; empty if nothing is."""
    if "name" not in fields:
        return gettext("no column is the name’s.")
    unknown = [cell for cell, field in zip(cells, fields, strict=True) if cell and not field]
    if unknown:
        return gettext(
            "“%(heading)s” is none of name, title, salutation, country, language, or comes twice."
        ) % {"heading": unknown[0]}
    return ""


def _read(cells: Sequence[str], fields: Sequence[str], position: int) -> tuple[Recipient, str]:
    """The recipient of one line, and what is wrong with it; empty if nothing is."""
    values = dict.fromkeys(FIELDS, "")
    rest = []
    for field, cell in zip_longest(fields, cells, fillvalue=""):
        if field:
            values[field] = cell
        else:
            rest.append(cell)
    country, language = values["country"], values["language"]
    values["country"] = _country(country) or ""
    values["language"] = _languages().get(language.casefold(), "")
    finding = ""
    if not values["name"]:
        finding = gettext("the name is missing.")
    elif max(map(len, values.values())) > 200:
        finding = gettext("a cell has more than 200 characters.")
    elif country and not values["country"]:
        finding = gettext("“%(country)s” is no country that we know.") % {"country": country}
    elif language and not values["language"]:
        finding = gettext("“%(language)s” is no code of a language, as “fr” is.") % {
            "language": language
        }
    elif any(rest):
        finding = gettext("there are more cells than name, title, salutation, country, language.")
    return Recipient(position=position, **values), finding


def _country(text: str) -> str | None:
    """The code of a country by its name, in the active language or another that the product speaks."""
    if not text:
        return None
    for language in (translation.get_language(), *dict(settings.LANGUAGES)):
        with translation.override(language):
            if code := countries.match(text):
                return code
    return None


@cache
def _languages() -> dict[str, str]:
    """Codes of languages by themselves and by their names: their own, and in each language that the product speaks."""
    found = {}
    for spoken in dict(settings.LANGUAGES):
        with translation.override(spoken):
            for code in LANGUAGE_CODES:
                about = get_language_info(code)
                found[about["name_translated"].casefold()] = code
                found[about["name_local"].casefold()] = code
    chinese = dict.fromkeys(
        ("zh", "chinese", "中文", "汉语", "chinois", "chino", "китайский"), "zh-hans"
    )
    return found | chinese | {code: code for code in LANGUAGE_CODES}


def written(recipients: Sequence[Recipient]) -> str:
    """The list as it can be pasted again."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\n")
    for recipient in recipients:
        writer.writerow([getattr(recipient, field) for field in FIELDS])
    return buffer.getvalue()


@transaction.atomic
def keep(letter: Letter, recipients: Sequence[Recipient]) -> None:
    """Make these the letter's recipients; what was made for the others goes."""
    Letter.objects.select_for_update(no_key=True).get(pk=letter.pk)
    letter.recipients.all().delete()
    for recipient in recipients:
        recipient.letter = letter
    Recipient.objects.bulk_create(recipients)
    letter.documents.filter(kind=KIND).delete()


def make_zip(letter: Letter, edition: Edition, recipients: Sequence[Recipient]) -> Iterator[int]:
    """Make each recipient's PDF of an edition and store them as one ZIP; gives how many are done, after each.

    Raises CannotBeMade, before anything is made where a script has no font. The ZIP is not stored, and the last
    number is 0, where there is a newer edition, another head of the letter, or another list by then.
    """
    state = state_of(letter)
    papers: Mapping[str, Paper] = {
        language: paper_of(letter, edition, text)
        for language, text in edition.revision.texts().items()
    }
    jobs = [typesetting.job(_addressed(papers, letter, recipient)) for recipient in recipients]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:  # a PDF is compressed
        for number, body in enumerate(typesetting.run(jobs), start=1):
            recipient = recipients[number - 1]
            name = slugify(recipient.name, allow_unicode=True)[:60] or "recipient"
            archive.writestr(f"{number:03}-{name}.pdf", body)
            yield number
    with transaction.atomic():
        Letter.objects.select_for_update(no_key=True).get(pk=letter.pk)
        kept = [recipient.pk for recipient in letter.recipients.all()]
        is_current = (
            letter.newest_edition() == edition
            and state_of(letter) == state
            and kept == [recipient.pk for recipient in recipients]
        )
        if is_current:
            letter.documents.filter(kind=KIND).delete()
            Document.objects.create(
                letter=letter,
                edition=edition,
                kind=KIND,
                content_type="application/zip",
                # What is in it is compressed already.
                body_gzip=gzip.compress(buffer.getbuffer(), 0),
                etag=edition.digest[:32],
            )
    if not is_current:
        yield 0


def _addressed(papers: Mapping[str, Paper], letter: Letter, recipient: Recipient) -> Paper:
    language = recipient.language if recipient.language in papers else letter.default_language
    paper = papers[language]
    with translation.override(language):
        country = countries.country_name(recipient.country) if recipient.country else ""
    lines = [recipient.name, recipient.title, country]
    return {
        **paper,
        "addressee": [line for line in lines if line],
        "salutation": recipient.salutation or paper["salutation"],
    }
