"""What the privacy rules say must go, and when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from letter.models import Letter
from letter.publishing import redact
from signatories.evidence import renew_others
from signatories.merging import PERSONAL, REVERSIBLE_FOR
from signatories.models import (
    Alias,
    Change,
    Link,
    Merge,
    Message,
    Organization,
    Signatory,
    Verdict,
    Vouch,
)

# A sign-on whose address nobody confirmed in this time was a mistake, or somebody else's.
CONFIRM_WITHIN: Final = timedelta(days=7)
# Contacts are kept for questions about a closed letter, and no longer.
KEEP_CONTACTS_FOR: Final = timedelta(days=180)
# From where a form was sent is kept while it can show a burst: that is a day to each side.
KEEP_NETWORKS_FOR: Final = timedelta(days=2)
# What says who the contact was; the history of these fields goes with them.
CONTACT_FIELDS: Final = ("contact_name", "contact_role", "email", "note")


@dataclass(frozen=True)
class Purged:
    """What a purge removed."""

    unconfirmed_count: int
    contact_count: int
    session_count: int


@transaction.atomic
def purge(*, at: datetime) -> Purged:
    """Remove what is past its time.

    Unconfirmed sign-ons, contacts of letters closed long ago, networks, sessions that have ended, and the
    way back from merges that can no longer be undone.
    """
    Merge.objects.filter(at__lt=at - REVERSIBLE_FOR).exclude(moved={}).update(moved={})
    # Locked first: whoever is confirming at this moment is passed over.
    unconfirmed = list(
        Signatory.objects.select_for_update(skip_locked=True).filter(
            state=Signatory.State.SUBMITTED, submitted_at__lt=at - CONFIRM_WITHIN
        )
    )
    renew_others(unconfirmed)
    Signatory.objects.filter(pk__in=[each.pk for each in unconfirmed]).delete()
    _forget_networks(at)
    contact_count = 0
    for letter in Letter.objects.filter(state=Letter.State.CLOSED):
        if _closed_at(letter) < at - KEEP_CONTACTS_FOR:
            contact_count += _forget_contacts(letter)
    session_count, _rows = Session.objects.filter(expire_date__lt=at).delete()
    return Purged(len(unconfirmed), contact_count, session_count)


def _forget_networks(at: datetime) -> None:
    free = list(
        Signatory.objects.select_for_update(skip_locked=True)
        .filter(submitted_at__lt=at - KEEP_NETWORKS_FOR)
        .exclude(network="")
        .values_list("pk", flat=True)
    )
    # What was seen by it can no longer be said, so the summary must not say it either.
    Signatory.objects.filter(pk__in=free).update(network="", assessed_at=None)


def _closed_at(letter: Letter) -> datetime:
    """When a closed letter was over: its cut-off or deadline, or its last edition if that came later."""
    last = letter.newest_edition()
    moments = [letter.cutoff_at, letter.closes_at, last and last.published_at, letter.created_at]
    return max(moment for moment in moments if moment)


def _forget_contacts(letter: Letter) -> int:
    entries = Signatory.objects.for_letter(letter).exclude(
        contact_name="", contact_role="", email="", note=""
    )
    Change.objects.filter(signatory__letter=letter, field__in=CONTACT_FIELDS).delete()
    Link.objects.filter(signatory__letter=letter).delete()
    Vouch.objects.filter(signatory__letter=letter).update(email="", words="", token_hash=None)
    Message.objects.filter(letter=letter).delete()
    for merge in Merge.objects.filter(survivor__letter=letter, moved__has_key="fields"):
        for group in PERSONAL:
            merge.moved["fields"].pop(group, None)
        merge.save(update_fields=["moved"])
    return entries.update(contact_name="", contact_role="", email="", note="")


@transaction.atomic
def take_out(letter: Letter, line_id: str, *, at: datetime) -> int:
    """For an organisation in danger: redact its line everywhere, and erase its sign-on and registry entry.

    What was combined with it is the same organisation, and goes with it. Gives the number of listings
    redacted. The registry keeps the organisation only if it has put its name under something else.
    """
    count = redact(letter, line_id, at=at)
    found = Signatory.objects.for_letter(letter).filter(line_id=line_id)
    entries = Signatory.objects.filter(
        pk__in=_combined(Signatory, found.values_list("pk", flat=True))
    )
    for other in entries.exclude(line_id=line_id):
        count += redact(letter, other.line_id, at=at)
    organizations = set(entries.exclude(organization=None).values_list("organization", flat=True))
    keys = set(entries.values_list("name_key", flat=True))
    entries.delete()
    families = [_combined(Organization, [pk]) for pk in organizations]
    gone = Organization.objects.filter(
        pk__in={
            pk
            for family in families
            for pk in family
            if not Signatory.objects.filter(organization__in=family).exists()
        }
    )
    keys |= set(gone.values_list("name_key", flat=True))
    keys |= set(Alias.objects.filter(organization__in=gone).values_list("name_key", flat=True))
    _forget_log(gone)
    gone.delete()
    # What was decided about a name that somebody else still bears is no secret.
    for model in (Organization, Signatory):
        keys -= set(model.objects.filter(name_key__in=keys).values_list("name_key", flat=True))
    Verdict.objects.filter(Q(first_key__in=keys) | Q(second_key__in=keys)).delete()
    return count


def _forget_log(organizations: QuerySet[Organization]) -> None:
    """Take the names of organisations, and their other names, out of what the admin logged about them."""
    LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Organization),
        object_id__in=[str(pk) for pk in organizations.values_list("pk", flat=True)],
    ).update(object_repr=gettext("an organisation that was taken out"), change_message="")


def _combined(model: type[Signatory] | type[Organization], pks: Iterable[int]) -> set[int]:
    """These, and all that they were combined with, either way."""
    found, fresh = set(), set(pks)
    link = "merged_entries" if model is Signatory else "merged_organizations"
    while fresh:
        found |= fresh
        near = model._default_manager.filter(Q(merged_into__in=fresh) | Q(**{f"{link}__in": fresh}))
        fresh = set(near.values_list("pk", flat=True)) - found
    return found
