"""Publication: plain public lines go in, the next edition comes out.

`request_publication` is called in the transaction of any change that readers should see. A worker
then calls `publish`, which, holding the letter's row,

1. reads the requests that it will have answered, and only then asks for the lines that they name: a
   change committed later leaves its own request, so none is ever missed;
2. compares these lines with their current listings, closes those that went or changed, opens the new;
3. writes the next edition, chained to the one before (see `letter.digest`), unless nothing changed;
4. makes the documents that the newest edition is served as, and removes those of the one before.

All of it is one transaction: a publication that fails leaves the last edition as it was.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, TypeVar

from django.conf import settings
from django.db import transaction

from letter import documents, ordering
from letter.background import ring_after_commit
from letter.copies import Copies
from letter.digest import commitment, edition_digest, new_salt, revision_digest
from letter.models import Edition, Letter, Listing, PublicationRequest, Revision

BATCH = 1000  # rows per statement; SQLite takes 32,766 variables

T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """One signatory as the public sees it.

    `line_id` stays the same as long as the signature does. `label` is None (made from the countries
    in the page's language), empty (none printed) or a text set by hand. `sort_key` comes from
    `ordering.sort_key`. `other_names` are printed for `name` in other languages, by their codes.
    `signed_text` is the number of the substantive revision that it stands under, None for the first text.
    """

    line_id: str
    name: str
    countries: tuple[str, ...]
    label: str | None
    sort_key: bytes
    other_names: Mapping[str, str] = field(default_factory=dict)
    signed_text: int | None = None


class NotPublishable(Exception):
    """The letter has no text to publish."""


LinesOf: TypeAlias = Callable[[Letter, Collection[str] | None], Iterable[Line]]


def request_publication(
    letter: Letter, *, at: datetime, line_ids: Collection[str] | None = None
) -> None:
    """Have the letter published again after this transaction; once is enough, more does no harm.

    `line_ids` are the lines that changed, came or went, where nothing else did: the others are then
    not even read.
    """
    PublicationRequest.objects.create(
        letter=letter,
        line_ids=None if line_ids is None else list(line_ids),
        requested_at=at,
        due_at=at,
    )
    ring_after_commit()


@transaction.atomic
def publish(letter_id: int, lines_of: LinesOf, *, at: datetime) -> Edition | None:
    """Bring the public side of a letter up to date; give the edition written, None if nothing changed.

    `lines_of` gives the lines that there are of those named, or of all where it is given None. It is called
    once the letter's row is locked, so that two publications never interleave and
    no approval falls between reading and writing. Does nothing where nobody asks, since another worker
    was first. A draft is not published: its requests are dropped, and opening it makes a new one.
    Raises NotPublishable where there is no text in the letter's default language.
    """
    letter = Letter.objects.select_for_update(no_key=True).get(pk=letter_id)
    answered = dict(letter.publication_requests.values_list("pk", "line_ids"))
    if not answered:
        return None
    edition = None
    if letter.state != Letter.State.DRAFT:
        edition = _write_edition(letter, _named(answered.values()), lines_of, at)
    for batch in _batches(list(answered)):
        PublicationRequest.objects.filter(pk__in=batch).delete()
    return edition


def _named(requests: Iterable[list[str] | None]) -> Collection[str] | None:
    """The lines that may have changed; None for all, also where there are so many that all are as quickly read."""
    named: set[str] = set()
    for line_ids in requests:
        if line_ids is None:
            return None
        named.update(line_ids)
    return named if len(named) <= BATCH else None


def _batches(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def _write_edition(
    letter: Letter, named: Collection[str] | None, lines_of: LinesOf, at: datetime
) -> Edition | None:
    """Write the edition, if there is anything new, and make the documents of the newest one."""
    revision = letter.current_revision()
    if revision is None or letter.default_language not in revision.texts():
        raise NotPublishable(
            f"letter {letter.slug!r} has no published text in its default language"
        )
    previous = letter.newest_edition()
    if previous is None:
        named = None  # nothing stands yet
    lines = list(lines_of(letter, named))
    listings = letter.listings.all()
    if lines or (named is not None and listings.current().exists()):
        # Names stand under these words now. Before they are read, so that no edit comes in between.
        revision.lock(at=at)
    digest_of_text = digest_of_revision(revision)
    number = previous.number + 1 if previous else 1

    if named is not None:
        listings = listings.filter(line_id__in=named)
    redacted = set(listings.filter(redacted_at__isnull=False).values_list("line_id", flat=True))
    # What was taken out for good never prints again, even if it is handed in.
    lines = [line for line in lines if line.line_id not in redacted]
    current = {listing.line_id: listing for listing in listings.current()}
    wanted = {line.line_id: line for line in lines}
    gone = [listing.pk for key, listing in current.items() if not _stands(listing, wanted.get(key))]
    # In the order of the list, by which those that came together are named.
    fresh = sorted(
        (line for line in lines if not _stands(current.get(line.line_id), line)),
        key=lambda line: line.sort_key,
    )
    if previous and not gone and not fresh and previous.revision_digest == digest_of_text:
        # The page says more than the list does: a deadline, an update, a delivery.
        documents.refresh(letter, previous, letter.listings.current().listed())
        return None

    for batch in _batches(gone):
        Listing.objects.filter(pk__in=batch).update(last_edition=number - 1)
    Listing.objects.bulk_create(
        (_listing(letter, line, number) for line in fresh), batch_size=BATCH
    )

    listed = letter.listings.current().listed()
    published_at = at.replace(microsecond=0)
    previous_digest = previous.digest if previous else ""
    edition = Edition.objects.create(
        letter=letter,
        number=number,
        published_at=published_at,
        revision=revision,
        revision_digest=digest_of_text,
        previous_digest=previous_digest,
        digest=edition_digest(
            letter=letter.slug,
            number=number,
            published_at=published_at,
            previous=previous_digest,
            revision=digest_of_text,
            lines=[line.commitment for line in listed],
        ),
        organization_count=len(listed),
        country_count=len(set().union(*{line.countries for line in listed})),
    )
    documents.refresh(letter, edition, listed)
    return edition


def _stands(listing: Listing | None, line: Line | None) -> bool:
    """Whether the listing prints exactly this line, at this place."""
    return (
        listing is not None
        and line is not None
        and listing.name == line.name
        and tuple(listing.countries) == line.countries
        and listing.label == line.label
        and listing.other_names == line.other_names
        and listing.signed_text == line.signed_text
        and bytes(listing.sort_key) == line.sort_key
    )


def _listing(letter: Letter, line: Line, number: int) -> Listing:
    salt = new_salt()
    return Listing(
        letter=letter,
        line_id=line.line_id,
        name=line.name,
        countries=list(line.countries),
        label=line.label,
        other_names=dict(line.other_names),
        signed_text=line.signed_text,
        sort_key=line.sort_key,
        salt=salt,
        commitment=commitment(
            salt,
            line.name,
            line.countries,
            line.label,
            other_names=line.other_names,
            signed_text=line.signed_text,
        ),
        first_edition=number,
    )


def digest_of_revision(revision: Revision) -> str:
    """The digest of a revision's words in all its languages."""
    texts = {language: text.as_dict() for language, text in revision.texts().items()}
    return revision_digest(revision.letter.slug, revision.number, texts)


@dataclass(frozen=True)
class Place:
    """Where a line would stand in the current list: its number, its neighbours, how many follow it."""

    number: int
    before: Listing | None
    after: Listing | None
    following_count: int


def place_of(letter: Letter, sort_key: bytes, line_id: str) -> Place:
    """The place that a line with this sort key has, or would take, in the current list."""
    current = letter.listings.current()
    others = current.exclude(line_id=line_id)
    own = _sort_key_of(letter, line_id)
    # All are counted, and the line itself subtracted: so the index of the sort keys tells it without the rows.
    earlier = current.filter(sort_key__lt=sort_key).count()
    later = current.filter(sort_key__gt=sort_key).count()
    return Place(
        number=earlier + 1 - (own is not None and own < sort_key),
        before=others.filter(sort_key__lt=sort_key).order_by("-sort_key").first(),
        after=others.filter(sort_key__gt=sort_key).order_by("sort_key").first(),
        following_count=later - (own is not None and own > sort_key),
    )


def number_of(letter: Letter, line_id: str) -> int | None:
    """The number that a line has in the newest edition; None where it is not on the list."""
    own = _sort_key_of(letter, line_id)
    if own is None:
        return None
    return letter.listings.current().filter(sort_key__lt=own).count() + 1


def _sort_key_of(letter: Letter, line_id: str) -> bytes | None:
    own = letter.listings.current().filter(line_id=line_id).values_list("sort_key", flat=True)
    return next((bytes(key) for key in own), None)


@transaction.atomic
def redact(letter: Letter, line_id: str, *, at: datetime) -> int:
    """Take a line's text out of every edition it ever stood in; give the number of listings emptied.

    All that its commitment covers goes, the commitment stays, and so the chain still verifies. The sort
    key spells the name, so it goes too: the listing takes a key just after its neighbour's, which keeps
    its place in every past edition and says nothing more. Calls for a publication, since the page shows it.
    """
    Letter.objects.select_for_update(no_key=True).get(pk=letter.pk)
    neighbour = b""
    old_keys: list[bytes] = []
    moved: list[Listing] = []
    for listing in letter.listings.in_order().only("line_id", "sort_key", "redacted_at").iterator():
        key = bytes(listing.sort_key)
        is_target = listing.line_id == line_id
        # A listing redacted earlier may have taken its key from the one that goes now.
        follows_target = listing.redacted_at is not None and key.startswith(tuple(old_keys))
        if not (is_target or follows_target):
            neighbour = key
            continue
        old_keys.append(key)
        listing.sort_key = ordering.key_just_after(neighbour, len(moved))
        moved.append(listing)
    targets = [listing for listing in moved if listing.line_id == line_id]
    for listing in moved:
        Listing.objects.filter(pk=listing.pk).update(sort_key=listing.sort_key)
    Listing.objects.filter(pk__in=[listing.pk for listing in targets]).update(
        name="",
        countries=[],
        label=None,
        other_names={},
        signed_text=None,
        salt="",
        redacted_at=at,
    )
    if targets:
        request_publication(letter, at=at)
        # Those of this machine; on others none is older than a day.
        transaction.on_commit(Copies(settings.COPIES_DIR).clear)
    return len(targets)


@dataclass(frozen=True)
class Verification:
    """What recomputing a letter's chain found: how many editions hold, and the first that does not."""

    edition_count: int
    first_bad: int | None
    reason: str = ""


def verify(letter: Letter) -> Verification:
    """Recompute every digest of a letter from its listings, in the order of its editions."""
    listings = list(letter.listings.in_order())
    for listing in listings:
        if listing.redacted_at is None and listing.commitment != commitment(
            listing.salt,
            listing.name,
            listing.countries,
            listing.label,
            other_names=listing.other_names,
            signed_text=listing.signed_text,
        ):
            return Verification(0, listing.first_edition, "a line differs from its commitment")
    previous = ""
    number = 0
    for edition in letter.editions.order_by("number").select_related("revision__letter"):
        number += 1
        if edition.number != number:
            return Verification(number - 1, number, "an edition is missing")
        if edition.previous_digest != previous:
            return Verification(number - 1, number, "it does not follow from the edition before")
        # Words that were changed before any name stood under them are gone; their digest remains.
        if edition.organization_count and edition.revision_digest != digest_of_revision(
            edition.revision
        ):
            return Verification(number - 1, number, "the text differs from what was published")
        digest = edition_digest(
            letter=letter.slug,
            number=number,
            published_at=edition.published_at,
            previous=previous,
            revision=edition.revision_digest,
            lines=[
                listing.commitment
                for listing in listings
                if listing.first_edition <= number
                and (listing.last_edition is None or listing.last_edition >= number)
            ],
        )
        if digest != edition.digest:
            return Verification(number - 1, number, "its digest does not match its list")
        previous = digest
    return Verification(number, None)
