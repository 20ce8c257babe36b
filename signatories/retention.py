"""What the privacy rules say must go, and when."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from letter.models import Letter
from letter.publishing import redact
from signatories import moderation
from signatories.evidence import renew_others
from signatories.merging import PERSONAL, REVERSIBLE_FOR
from signatories.models import (
    Alias,
    Change,
    Correction,
    Decision,
    Event,
    Link,
    MailAsked,
    Merge,
    Message,
    Organization,
    Signatory,
    Verdict,
    Vouch,
)
from signatories.moderation import MAILS_COUNT_FOR

# A sign-on whose address nobody confirmed in this time was a mistake, or somebody else's.
CONFIRM_WITHIN: Final = timedelta(days=7)
# For how long contacts are kept, for questions about a closed letter, each letter says: Letter.keep_contacts_days.
# From where a form was sent is kept while it can show a burst: that is a day to each side.
KEEP_NETWORKS_FOR: Final = timedelta(days=2)
# What says who the contact was; the history of these fields goes with them.
CONTACT_FIELDS: Final = ("contact_name", "contact_role", "email", "note")
# What an entry holds of its contact, and what it holds where the contact is forgotten.
FORGOTTEN: Final[dict[str, Any]] = {
    **dict.fromkeys(CONTACT_FIELDS, ""),
    "wants_updates": False,
    "seconds_taken": None,
    "network": "",
    "is_free_mail": False,
    "takes_mail": None,
}


class Erased(StrEnum):
    """What became of a sign-on whose contact wished to be erased."""

    ALL = "all"  # the entry, about which nobody had decided
    WITHDRAWN = "withdrawn"
    KEPT = "kept"  # its line stands, or does not, as before


def days_kept(letter: Letter) -> dict[str, int]:
    """For how many days what is kept of whoever signs a letter, as its notice says it."""
    return {
        "unconfirmed": CONFIRM_WITHIN.days,
        "contacts": letter.keep_contacts_days,
        "networks": KEEP_NETWORKS_FOR.days,
        "mails": MAILS_COUNT_FOR.days,
        "merges": REVERSIBLE_FOR.days,
    }


@dataclass(frozen=True)
class Purged:
    """What a purge removed."""

    unconfirmed_count: int
    contact_count: int
    session_count: int


@transaction.atomic
def purge(*, at: datetime) -> Purged:
    """Remove what is past its time.

    Unconfirmed sign-ons, contacts of letters closed long ago, networks, what counts mails to an address, sessions
    that have ended, and the way back from merges that can no longer be undone.
    """
    Merge.objects.filter(at__lt=at - REVERSIBLE_FOR).exclude(moved={}).update(moved={})
    MailAsked.objects.filter(at__lt=at - MAILS_COUNT_FOR).delete()
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
    for letter in Letter.objects.public():
        if _is_over(letter, at) and _closed_at(letter) < at - letter.keeps_contacts_for:
            contact_count += _forget(Signatory.objects.for_letter(letter))
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


def _is_over(letter: Letter, at: datetime) -> bool:
    """Whether a letter is closed; or past its deadline, where nobody thought of closing it."""
    return letter.status(at=at) in {Letter.Status.CLOSED, Letter.Status.PAST_DEADLINE}


def _closed_at(letter: Letter) -> datetime:
    """Since when a letter is over: closed, its cut-off or deadline, or its last edition, whichever came last."""
    last = letter.newest_edition()
    closing = letter.changes.filter(field="state", new=Letter.State.CLOSED).first()
    moments = [
        letter.cutoff_at,
        letter.closes_at,
        last and last.published_at,
        closing and closing.at,
        letter.created_at,
    ]
    return max(moment for moment in moments if moment)


def _forget(entries: QuerySet[Signatory]) -> int:
    """Erase who the contacts of these entries are, wherever we keep it; give of how many we knew something.

    What is printed stays, and so does what was decided and by which coordinator.
    """
    known = entries.exclude(contact_name="", contact_role="", email="", note="")
    _forget_in_reasons(known)
    Change.objects.filter(signatory__in=entries, field__in=CONTACT_FIELDS).delete()
    Link.objects.filter(signatory__in=entries).delete()
    Vouch.objects.filter(signatory__in=entries).update(email="", words="", token_hash=None)
    Message.objects.filter(signatory__in=entries).delete()
    merges = Merge.objects.filter(Q(survivor__in=entries) | Q(merged__in=entries))
    for merge in merges.filter(moved__has_key="fields"):
        _forget_remnants(merge)
    return known.update(**FORGOTTEN)


def _forget_in_reasons(entries: QuerySet[Signatory]) -> None:
    """Take the contacts' names out of what was written to them; the logs keep each of their rows."""
    log: Any
    for log in (Decision, Correction):
        told = log.objects.filter(signatory__in=entries).exclude(reason="")
        for row in told.select_related("signatory").prefetch_related("signatory__changes"):
            words = _without(row.reason, _names_of(row.signatory))
            log.objects.filter(pk=row.pk).update(reason=words)


def _forget_remnants(merge: Merge) -> None:
    for group in PERSONAL:
        merge.moved["fields"].pop(group, None)
    merge.save(update_fields=["moved"])


def _names_of(signatory: Signatory) -> set[str]:
    """By which names and addresses the contact of an entry, or an earlier one, is or was known."""
    changes = [each for each in signatory.changes.all() if each.field in {"contact_name", "email"}]
    names = {signatory.contact_name, signatory.email}
    return {*names, *(each.old for each in changes), *(each.new for each in changes)}


def _without(text: str, names: Iterable[str]) -> str:
    """A text with "…" for the names in it, and for the longer words of which they are made."""
    whole = {re.escape(name) for name in names if len(name) > 1}
    parts = {rf"\b{re.escape(part)}\b" for name in names for part in name.split() if len(part) > 2}
    found = sorted(whole | parts, key=len, reverse=True)
    return re.sub("|".join(found), "…", text, flags=re.IGNORECASE) if found else text


def signed_by(signatory: Signatory) -> Signatory:
    """What a contact's wish is about: the entry that stands for theirs, where that has the same address."""
    standing = signatory.standing()
    return standing if _is_same(standing.email, signatory.email) else signatory


def _is_same(one: str, other: str) -> bool:
    return one != "" and one.lower() == other.lower()


@transaction.atomic
def erase_contact(pk: int, *, withdraw: bool, at: datetime) -> Erased:
    """Erase who signed, as they wish; with `withdraw`, take their signature back first.

    An entry about which nobody has decided goes as a whole. What was combined with it and has the same address
    is theirs, too. No mail says so: there is no address any more. Raises moderation.Gone.
    """
    family = Signatory.objects.locked().filter(pk__in=_combined(Signatory, [pk]))
    entries = {each.pk: each for each in family}
    if pk not in entries:
        raise moderation.Gone
    asked = entries[pk]
    is_undecided = signed_by(asked).state in moderation.UNDECIDED
    theirs = [
        each for each in entries.values() if each == asked or _is_same(each.email, asked.email)
    ]
    # What stands for the others first: they are on their own again where it goes.
    for each in sorted(theirs, key=_steps_to_standing):
        each.refresh_from_db()
        if each.state in moderation.UNDECIDED:
            moderation.erase(each.pk)
            continue
        if (withdraw or is_undecided) and each.state == Signatory.State.APPROVED:
            moderation.decide(each.pk, Event.WITHDRAW, by=moderation.CONTACT, at=at)
        each.corrections.filter(settled_at__isnull=True).delete()
        _forget(Signatory.objects.filter(pk=each.pk))
        moderation.note_forgotten(each.pk, at=at)
    # The others may have had this contact for a while.
    Change.objects.filter(signatory__in=list(entries), field__in=CONTACT_FIELDS).delete()
    if is_undecided:
        return Erased.ALL
    return Erased.WITHDRAWN if withdraw else Erased.KEPT


def _steps_to_standing(signatory: Signatory) -> int:
    """Over how many others it leads to the entry that stands for this one."""
    return 0 if signatory.merged_into is None else 1 + _steps_to_standing(signatory.merged_into)


@transaction.atomic
def erase_address(address: str, *, withdraw: bool, at: datetime) -> list[Erased]:
    """Erase whoever has an e-mail address from all letters; what became of each signature. Accounts stay."""
    signed = Signatory.objects.filter(email__iexact=address).order_by("pk")
    done = [
        erase_contact(pk, withdraw=withdraw, at=at)
        for pk in list(signed.values_list("pk", flat=True))
        if signed.filter(pk=pk).exists()  # some went along with another
    ]
    asked = Vouch.objects.filter(email__iexact=address)
    Message.objects.filter(vouch__in=asked).delete()
    asked.update(email="", words="", token_hash=None)
    was_contact = changes_of(address).values_list("signatory", flat=True)
    Change.objects.filter(signatory__in=list(was_contact), field__in=CONTACT_FIELDS).delete()
    for merge in Merge.objects.filter(moved__fields__has_key="contact"):
        contact = merge.moved["fields"]["contact"]
        if any(_is_same(contact[when]["email"], address) for when in ("before", "after")):
            _forget_remnants(merge)
    return done


def changes_of(address: str) -> QuerySet[Change]:
    """Where the history of an entry says that an e-mail address was its contact's."""
    was = Q(old__iexact=address) | Q(new__iexact=address)
    return Change.objects.filter(was, field="email")


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
