"""Where the lines of an edition stand: under which text, and whether they were there when the letter was delivered.

A revision that changes what a letter asks for is not signed by those who signed the text before it, until they
say so: their lines stay, and say which text they stand under. After a delivery the list goes on; what was handed
over is an edition that stays as it was, and whoever joined later is marked as such.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from letter.models import Delivery, Edition, Letter, Printable, Revision


@dataclass(frozen=True)
class Renewal:
    """A text that changed what the letter asks for, and who stands under it."""

    revision: Revision
    signed: Sequence[Printable]
    waiting: Sequence[Printable]  # signed an earlier text, and not this one yet


@dataclass(frozen=True)
class Since:
    """What became of the list since the letter was last delivered."""

    delivery: Delivery
    joined: Sequence[Printable]
    left_count: int


@dataclass(frozen=True)
class Standing:
    """What there is to say of an edition's lines."""

    renewal: Renewal | None = None
    since: Since | None = None
    deliveries: Sequence[Delivery] = ()

    def marks(self) -> Mapping[str, str]:
        """A few words for some of the lines, by their ids, in the active language."""
        marks: dict[str, list[str]] = {}
        for listing in self.renewal.waiting if self.renewal else ():
            marks.setdefault(listing.line_id, []).append(gettext("signed the earlier text"))
        for listing in self.since.joined if self.since else ():
            marks.setdefault(listing.line_id, []).append(gettext("joined after the delivery"))
        return {line_id: ", ".join(said) for line_id, said in marks.items()}


def standing_of(letter: Letter, edition: Edition, listings: Sequence[Printable]) -> Standing:
    """Where the lines of an edition stand."""
    renewal = renewal_of(edition.revision, listings)
    deliveries = list(
        letter.deliveries.filter(edition__number__lte=edition.number).select_related("edition")
    )
    last = max(deliveries, key=lambda each: each.edition.number, default=None)
    since = None
    if last:
        then = set(
            letter.listings.in_edition(last.edition.number).values_list("line_id", flat=True)
        )
        joined = [each for each in listings if each.line_id not in then]
        left_count = len(then) - (len(listings) - len(joined))
        since = Since(last, joined, left_count)
    return Standing(renewal, since, deliveries)


def renewal_of(revision: Revision, listings: Sequence[Printable]) -> Renewal | None:
    """Who has signed the newest text that changed what the letter asks for, up to this revision; None if none did."""
    asked = revision.last_substantive()
    if asked is None:
        return None
    standing = [each for each in listings if each.redacted_at is None]
    return Renewal(
        asked,
        signed=[each for each in standing if (each.signed_text or 0) >= asked.number],
        waiting=[each for each in standing if (each.signed_text or 0) < asked.number],
    )
