"""Brings in what was collected elsewhere, all or nothing: a whole letter, or a list for one that is here."""

from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Case, When
from django.utils.text import slugify
from django.utils.translation import gettext as _

from letter.models import Letter, Revision, RevisionText
from letter.ordering import sort_as_needed
from letter.publishing import request_publication
from signatories import moderation, other_names
from signatories.letter_file import LetterFile
from signatories.list_file import Row, Typed
from signatories.models import Event, Signatory
from signatories.names import name_key

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
            moderation.decide(signatory.pk, Event.APPROVE, by=moderation.SYSTEM, at=moment)
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


@dataclass(frozen=True)
class ImportedRows:
    """What came in, in the order of the rows, and which rows were on the letter already."""

    signatories: list[Signatory] = field(default_factory=list)
    left_out: list[Row] = field(default_factory=list)


def signable_revision(letter: Letter) -> Revision | None:
    """The text that an organisation signs today: the published one, or a draft's newest that has words."""
    written = letter.revisions.filter(bodies__isnull=False).order_by("-number")
    return letter.current_revision() or written.first()


def already_there(letter: Letter, rows: Sequence[Row | Typed]) -> dict[int, Signatory]:
    """The rows' numbers whose organisation has a live entry on the letter, with that entry."""
    keys = {row.number: name_key(row.name) for row in rows if row.name}
    entries = Signatory.objects.for_letter(letter).live().filter(name_key__in=set(keys.values()))
    # Of two of one name, that on the list, else one that waits for it, else the older: the last one stays.
    rank = Case(
        When(state=Signatory.State.APPROVED, then=2),
        When(state=Signatory.State.PENDING, then=1),
        default=0,
    )
    live = {entry.name_key: entry for entry in entries.order_by(rank, "-pk")}
    return {number: live[key] for number, key in keys.items() if key in live}


def makes_needless(entry: Signatory) -> bool:
    """Whether a row of the same name adds nothing: one returned or unconfirmed may never be decided."""
    return entry.state in {Signatory.State.APPROVED, Signatory.State.PENDING}


def import_rows(
    letter: Letter,
    rows: Sequence[Row],
    *,
    by: moderation.By,
    at: datetime,
    chosen: Collection[int] = (),
    progress: Callable[[int], None] | None = None,
) -> ImportedRows:
    """Take in rows of a list; they wait for a decision like any other.

    What is on the letter already is left out, but for the row numbers in `chosen`. Raises
    NotImportable, with nothing stored, if a row has a problem or the letter has no text.
    """
    imported = ImportedRows()
    for imported in import_in_steps(letter, rows, by=by, at=at, chosen=chosen):
        if progress:
            progress(len(imported.signatories))
    return imported


def import_in_steps(
    letter: Letter,
    rows: Sequence[Row],
    *,
    by: moderation.By,
    at: datetime,
    chosen: Collection[int] = (),
) -> Generator[ImportedRows]:
    """The same for whoever shows how far it is: gives what is in so far, at first and after each batch.

    One transaction, which is over when there is no more; closed before that, nothing is stored.
    """
    with transaction.atomic():
        # The lock: two lists with the same names do not come in beside each other.
        Letter.objects.select_for_update().get(pk=letter.pk)
        revision = signable_revision(letter)
        if revision is None:
            raise NotImportable(_("This letter has no text yet, so nobody can sign it."))
        if any(row.problems for row in rows):
            raise NotImportable(_("Some rows cannot be read."))
        there = already_there(letter, rows)
        left_out = [row for row in rows if row.number in there and row.number not in chosen]
        numbers = {row.number for row in left_out}
        signatories = [
            Signatory(
                letter=letter,
                revision=revision,
                language=letter.default_language,
                name=row.name,
                countries=list(row.countries),
                label=row.label,
                sort_as=row.sort_as,
                other_names=other_names.read(row.other_names),
                website=row.website,
                contact_name=row.contact_name,
                contact_role=row.contact_role,
                email=row.email,
                note=row.note,
            )
            for row in rows
            if row.number not in numbers
        ]
        yield ImportedRows([], left_out)
        source = Signatory.Source.IMPORT
        for count in moderation.add_many(signatories, by=by, source=source, at=at):
            yield ImportedRows(signatories[:count], left_out)


def slug_from(text: str) -> str:
    """A letter's address from a title or a file's name; empty where nothing of it can stand in one."""
    return slugify(text)[:60].strip("-")
