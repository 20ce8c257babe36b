"""What can be said of past editions: how each stood, what it brought, how any two differ.

Everything is read from the listings' first and last editions and from the revisions' texts; nothing
is stored for it. What was taken out for an organisation in danger is empty in all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Max, Q

from letter.comparing import Paragraph, compare, is_changed
from letter.models import Edition, Letter, Listing, Revision, RevisionText, Text
from letter.publishing import digest_of_revision
from letter.text import paragraphs

# What a difference needs of a listing; salts and commitments are many bytes that nobody reads here.
_SHOWN = (
    "letter",  # the manager looks at it for each row
    "line_id",
    "name",
    "countries",
    "label",
    "other_names",
    "signed_text",
    "sort_key",
    "first_edition",
    "last_edition",
    "redacted_at",
)


@dataclass
class Difference:
    """How one list differs from an earlier one, each in the list's order.

    `changed` has the lines that print something else (before, after), `renewed` those that print the same
    and have signed a later text; `moved_count` counts those that print the same at another place.
    """

    joined: list[Listing] = field(default_factory=list)
    left: list[Listing] = field(default_factory=list)
    changed: list[tuple[Listing, Listing]] = field(default_factory=list)
    renewed: list[Listing] = field(default_factory=list)
    moved_count: int = 0

    def __bool__(self) -> bool:
        return bool(self.joined or self.left or self.changed or self.renewed or self.moved_count)


@dataclass(frozen=True)
class Step:
    """One edition and what it brought."""

    edition: Edition
    difference: Difference
    # A newer revision, or other words while nobody had signed the one before.
    is_text_new: bool


def _difference(gone: Iterable[Listing], fresh: Iterable[Listing]) -> Difference:
    """The difference that rows closed and rows opened amount to."""
    before = {listing.line_id: listing for listing in gone}
    found = Difference()
    for listing in fresh:
        earlier = before.pop(listing.line_id, None)
        if earlier is None:
            found.joined.append(listing)
        elif _print_of(earlier) != _print_of(listing):
            found.changed.append((earlier, listing))
        elif earlier.signed_text != listing.signed_text:
            found.renewed.append(listing)
        else:
            found.moved_count += 1
    found.left = list(before.values())
    return found


def _print_of(listing: Listing) -> tuple[object, ...]:
    return (listing.name, listing.countries, listing.label, listing.other_names)


def between(letter: Letter, older: int, newer: int) -> Difference:
    """How edition `newer` differs from the earlier edition `older`."""
    rows = letter.listings.only(*_SHOWN).in_order()
    return _difference(
        rows.in_edition(older).filter(last_edition__lt=newer),
        rows.in_edition(newer).filter(first_edition__gt=older),
    )


def steps(letter: Letter, newest: int, count: int) -> list[Step]:
    """Edition `newest` and those before it, `count` at most, newest first, in two queries."""
    oldest = max(newest - count + 1, 1)
    editions = {
        edition.number: edition
        for edition in letter.editions.filter(number__range=(oldest - 1, newest)).select_related(
            "revision"
        )
    }
    gone: dict[int, list[Listing]] = {}
    fresh: dict[int, list[Listing]] = {}
    for listing in (
        letter.listings.filter(
            Q(first_edition__range=(oldest, newest))
            | Q(last_edition__range=(oldest - 1, newest - 1))
        )
        .only(*_SHOWN)
        .in_order()
    ):
        fresh.setdefault(listing.first_edition, []).append(listing)
        if listing.last_edition is not None:
            gone.setdefault(listing.last_edition + 1, []).append(listing)
    return [
        Step(
            edition=editions[number],
            difference=_difference(gone.get(number, ()), fresh.get(number, ())),
            is_text_new=number - 1 in editions
            and editions[number].revision_digest != editions[number - 1].revision_digest,
        )
        for number in range(newest, oldest - 1, -1)
        if number in editions
    ]


def texts_of(edition: Edition) -> Mapping[str, Text]:
    """The words that an edition printed, by language; empty where they are no longer known.

    That is so while nobody has signed: such words may be changed, and only their digest remains.
    """
    if digest_of_revision(edition.revision) != edition.revision_digest:
        return {}
    return edition.revision.texts()


def languages(letter: Letter) -> dict[str, int]:
    """The languages in which a letter's past is read, its default one first, each with the last revision that has it.

    They are all that an edition printed: a translation that came later, or went, has all pages of the past, so that
    the links among them lead somewhere.
    """
    printed = dict(
        RevisionText.objects.filter(revision__letter=letter, revision__editions__isnull=False)
        .order_by("language")
        .values_list("language")
        .annotate(last=Max("revision__number"))
    )
    return {letter.default_language: 0, **printed}


def text_in(letter: Letter, texts: Mapping[str, Text], language: str) -> Text | None:
    """The words in that language, else in the letter's own, else in one that there is; None where none are known."""
    for code in (language, letter.default_language, *texts):
        if code in texts:
            return texts[code]
    return None


def version(letter: Letter) -> tuple[int, int]:
    """What every page of a letter's history depends on: the newest edition, and how much is redacted."""
    newest = letter.editions.aggregate(number=Max("number"))["number"] or 0
    return newest, letter.listings.filter(redacted_at__isnull=False).count()


def revision_before(revision: Revision) -> Revision | None:
    """The text that readers saw before this one; None for the first."""
    return (
        revision.letter.revisions.filter(editions__isnull=False, number__lt=revision.number)
        .order_by("-number")
        .first()
    )


def last_edition_of(letter: Letter, revision: int) -> Edition | None:
    """The newest edition that printed this revision; None where none did."""
    return (
        letter.editions.filter(revision__number=revision)
        .select_related("revision__letter")
        .order_by("-number")
        .first()
    )


@dataclass(frozen=True)
class ComparedText:
    """Two texts in one language: each part's paragraphs, and whether any word differs."""

    title: Sequence[Paragraph]
    addressee: Sequence[Paragraph]
    salutation: Sequence[Paragraph]
    body: Sequence[Paragraph]
    closing_line: Sequence[Paragraph]

    @property
    def is_changed(self) -> bool:
        return any(
            is_changed(part)
            for part in (
                self.title,
                self.addressee,
                self.salutation,
                self.body,
                self.closing_line,
            )
        )


def compared(old: Text, new: Text) -> ComparedText:
    """The new text with what was added and taken out since the old one, word by word."""
    return ComparedText(
        title=compare([old.title], [new.title]),
        addressee=compare(old.addressee.splitlines(), new.addressee.splitlines()),
        salutation=compare([old.salutation], [new.salutation]),
        body=compare(paragraphs(old.body), paragraphs(new.body)),
        closing_line=compare([old.closing_line], [new.closing_line]),
    )
