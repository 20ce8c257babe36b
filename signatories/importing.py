"""Brings in what was collected elsewhere: a whole letter with its list, all or nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.text import slugify

from letter.models import Letter, Revision, RevisionText
from letter.ordering import sort_as_needed
from letter.publishing import request_publication
from signatories import moderation
from signatories.letter_file import LetterFile
from signatories.models import Signatory

# A list with more names out of alphabetical order than this is in another order: that of signing.
OUT_OF_ORDER_AT_MOST: Final = 0.2  # of the names


class NotImportable(Exception):
    """The file was read, but cannot become a letter as things stand; the message says why."""


@dataclass(frozen=True)
class ImportedLetter:
    """What an import made."""

    letter: Letter
    signatory_count: int
    sort_as: dict[str, str]


@transaction.atomic
def import_letter(
    file: LetterFile, *, title: str, slug: str, approve: bool, at: datetime
) -> ImportedLetter:
    """Make a letter, its first revision and its signatories from a file that was read without problems.

    The list keeps its order exactly: alphabetical, with a `sort_as` for the names that stand elsewhere,
    or, where most do, the order of approval. With `approve` the letter is opened and all are approved;
    else it stays a draft and they wait for a decision. Raises NotImportable if the slug is taken.
    """
    if file.problems:
        raise NotImportable("Some lines cannot be read.")
    if not file.body.strip():
        raise NotImportable("There is no text of a letter above the list of signatories.")
    letter = Letter(
        slug=slug,
        title=title,
        addressee=file.addressee,
        salutation=file.salutation,
        closing_line=file.closing_line,
    )
    letter.full_clean()
    names = [entry.name for entry in file.entries]
    sort_as = sort_as_needed(names)
    if len(sort_as) > max(1, OUT_OF_ORDER_AT_MOST * len(names)):
        letter.ordering = Letter.Ordering.APPROVAL
        sort_as = {}
    letter.save()
    revision = Revision.objects.create(letter=letter, number=1)
    RevisionText.objects.create(revision=revision, language=letter.default_language, body=file.body)

    for index, entry in enumerate(file.entries):
        signatory = Signatory(
            letter=letter,
            revision=revision,
            name=entry.name,
            countries=list(entry.countries),
            label=entry.label or "",
            label_hidden=entry.label == "",
            sort_as=sort_as.get(index, ""),
        )
        moderation.add(signatory, by=moderation.SYSTEM, source=Signatory.Source.IMPORT, at=at)
        if approve:
            # A microsecond apart, so that "by date of approval" is the order of the file.
            moment = at + timedelta(microseconds=index)
            moderation.decide(
                signatory.pk, moderation.Event.APPROVE, by=moderation.SYSTEM, at=moment
            )
    if approve:
        Letter.objects.filter(pk=letter.pk).update(state=Letter.State.OPEN)
        Revision.objects.filter(pk=revision.pk).update(published_at=at)
        letter.refresh_from_db()
        request_publication(letter, at=at)
    return ImportedLetter(
        letter=letter,
        signatory_count=len(file.entries),
        sort_as={names[index]: text for index, text in sort_as.items()},
    )


def slug_from(text: str) -> str:
    """A letter's address from a title or a file's name; empty where nothing of it can stand in one."""
    return slugify(text)[:60].strip("-")
