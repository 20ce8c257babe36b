"""To whom a letter is handed over: a list as it is pasted, and one PDF for each with their own name on it.

A line is one recipient: name, title, salutation, country (name or ISO 3166-1 code) and language (code), with
semicolons or tabs between them; only the name must be there. Whoever has no language, or one in which the
letter is not written, gets it in the letter's own.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence

from django.db import transaction
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext

from letter import countries, typesetting
from letter.models import LANGUAGE_CODES, Document, Edition, Letter, Recipient
from letter.paper import Paper, paper_of, state_of

KIND = "recipients"  # of the Document that holds the ZIP
FIELDS = ("name", "title", "salutation", "country", "language")
MOST = 1000


class NotReadable(Exception):
    """Lines that cannot be read, each with its number and what is wrong."""

    def __init__(self, findings: Sequence[str]) -> None:
        super().__init__("; ".join(findings))
        self.findings = findings


def read(text: str) -> list[Recipient]:
    """The recipients that a pasted text names, in its order, not saved; raises NotReadable."""
    delimiter = "\t" if "\t" in text else ";"
    rows = csv.reader(
        io.StringIO(text.replace("\0", "")), delimiter=delimiter, skipinitialspace=True
    )
    found: list[Recipient] = []
    findings: list[str] = []
    try:
        for row in rows:
            cells = [" ".join(cell.split()) for cell in row]
            if any(cells) and cells[0].casefold() != "name":
                recipient, finding = _read(cells, len(found))
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


def _read(cells: Sequence[str], position: int) -> tuple[Recipient, str]:
    """The recipient of one line, and what is wrong with it; empty if nothing is."""
    name, title, salutation, country, language, *rest = [*cells, *[""] * len(FIELDS)]
    code = countries.match(country) if country else ""
    recipient = Recipient(
        position=position,
        name=name,
        title=title,
        salutation=salutation,
        country=code or "",
        language=language.lower(),
    )
    finding = ""
    if not name:
        finding = gettext("the name is missing.")
    elif max(len(name), len(title), len(salutation)) > 200:
        finding = gettext("a cell has more than 200 characters.")
    elif code is None:
        finding = gettext("“%(country)s” is no country that we know.") % {"country": country}
    elif language and language.lower() not in LANGUAGE_CODES:
        finding = gettext("“%(language)s” is no code of a language, as “fr” is.") % {
            "language": language
        }
    elif any(rest):
        finding = gettext("there are more cells than name, title, salutation, country, language.")
    return recipient, finding


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
                body=buffer.getbuffer(),
                body_gzip=b"",
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
