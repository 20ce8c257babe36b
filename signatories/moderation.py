"""Who may bring a signature from which state to which, and the one door through which it goes.

TRANSITIONS is the whole of the rule: what it does not list is refused. `decide` alone assigns
`Signatory.state`. In one transaction it locks the signatory, changes the state, writes the `Decision`,
queues the mail and asks for publication: either all of it happened or none of it. Admin buttons, the
contact's page and the imports are read from the table and go through here; there is no second list.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.formats import number_format
from django.utils.translation import gettext

from letter.background import ring_after_commit
from letter.characters import without_hidden
from letter.models import Letter, Revision, Update
from letter.publishing import request_publication
from signatories.duplicates import (
    index_new,
    index_organization,
    index_signatory,
    known_as,
)
from signatories.evidence import renew_others
from signatories.history import in_words, what_happened
from signatories.models import (
    Change,
    Correction,
    Decision,
    Event,
    MailAsked,
    Message,
    Organization,
    Signatory,
    SignatoryQuerySet,
    new_reference,
)

State = Signatory.State
Actor = Decision.Actor
# Why: words, or a function that has them in the contact's language.
Reason = str | Callable[[Signatory], str]

# Coordinators hear of what waits at most this often for each letter.
DIGEST_PAUSE = timedelta(hours=1)
# Asking for one more confirmation mail within this time sends none.
RESEND_PAUSE = timedelta(minutes=2)
# Anybody can type an address into a form: it gets so many mails from that within a day, on whatever letters.
MAILS_AT_MOST: Final = 5
MAILS_COUNT_FOR: Final = timedelta(days=1)
# A decision made in a row of many may be a slip of the finger: its mail waits for so long.
SECOND_THOUGHTS = timedelta(minutes=2)
# Rows that are stored with one statement when many are added.
BATCH: Final = 500


TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.SUBMITTED, Event.CONFIRM): State.PENDING,
    (State.PENDING, Event.APPROVE): State.APPROVED,
    (State.PENDING, Event.RETURN): State.RETURNED,
    (State.PENDING, Event.REJECT): State.REJECTED,
    (State.PENDING, Event.WITHDRAW): State.WITHDRAWN,
    (State.RETURNED, Event.RESUBMIT): State.PENDING,
    (State.RETURNED, Event.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Event.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Event.REOPEN): State.PENDING,
    (State.REJECTED, Event.REOPEN): State.PENDING,
    (State.PENDING, Event.RENEW): State.PENDING,
    (State.RETURNED, Event.RENEW): State.RETURNED,
    (State.APPROVED, Event.RENEW): State.APPROVED,
    (State.PENDING, Event.MERGE): State.WITHDRAWN,
    (State.RETURNED, Event.MERGE): State.WITHDRAWN,
    (State.APPROVED, Event.MERGE): State.WITHDRAWN,
    (State.WITHDRAWN, Event.SPLIT): State.PENDING,
}
ALLOWED: Final[dict[Event, frozenset[Actor]]] = {
    Event.CONFIRM: frozenset({Actor.CONTACT}),
    Event.APPROVE: frozenset({Actor.COORDINATOR, Actor.SYSTEM}),
    Event.RETURN: frozenset({Actor.COORDINATOR}),
    Event.RESUBMIT: frozenset({Actor.CONTACT, Actor.COORDINATOR}),
    Event.REJECT: frozenset({Actor.COORDINATOR}),
    Event.WITHDRAW: frozenset({Actor.CONTACT, Actor.COORDINATOR}),
    Event.REOPEN: frozenset({Actor.COORDINATOR}),
    # A coordinator, for whom an organisation has told otherwise than by its page.
    Event.RENEW: frozenset({Actor.CONTACT, Actor.COORDINATOR}),
    Event.MERGE: frozenset({Actor.COORDINATOR}),
    # The system, where the contact of the sign-on that stood for both has erased it.
    Event.SPLIT: frozenset({Actor.COORDINATOR, Actor.SYSTEM}),
}
# What happens to two entries at once, through signatories.merging; nobody does it to one alone.
OF_TWO: Final = frozenset({Event.MERGE, Event.SPLIT})
# States in which a signature can be put under the revised text.
RENEWABLE: Final = tuple(state for state, event in TRANSITIONS if event == Event.RENEW)
# How each decision that can be taken back is taken back.
UNDONE_BY: Final[dict[str, Event]] = {
    Event.APPROVE: Event.REOPEN,
    Event.REJECT: Event.REOPEN,
    Event.RETURN: Event.RESUBMIT,
}
# The contact can only act on a reason if there is one.
NEEDS_REASON: Final = frozenset({Event.RETURN, Event.REJECT})
MOST_OF_REASON: Final = 5_000  # characters: two pages, and the reason is a mail
MAILS: Final[dict[Event, Message.Kind]] = {
    Event.CONFIRM: Message.Kind.RECEIVED,
    Event.APPROVE: Message.Kind.APPROVED,
    Event.RETURN: Message.Kind.RETURNED,
    Event.REJECT: Message.Kind.REJECTED,
    Event.WITHDRAW: Message.Kind.WITHDRAWN,
}
SETTLED: Final = frozenset({State.APPROVED, State.REJECTED, State.WITHDRAWN})
# What the contact can have erased as if it had never been sent.
UNDECIDED: Final = frozenset(State) - SETTLED
# What a person types into the form, and may type again before confirming.
TYPED: Final = (
    "name",
    "name_key",
    "collation_key",
    "countries",
    "other_names",
    "website",
    "contact_name",
    "contact_role",
    "language",
    "wants_updates",
    "partner",
    "seconds_taken",
    "network",
)


@dataclass(frozen=True)
class By:
    """Who acts: the contact, a coordinator with an account, or the system itself."""

    actor: Actor
    user: Any = None

    @classmethod
    def coordinator(cls, user: Any) -> "By":
        return cls(Actor.COORDINATOR, user)


CONTACT: Final = By(Actor.CONTACT)
SYSTEM: Final = By(Actor.SYSTEM)


class Refused(Exception):
    """A decision that was not carried out; the message says why, in words for whoever tried."""


class TransitionRefused(Refused):
    """The table has no entry for this state, event and actor."""

    def __init__(self, state: State, event: Event) -> None:
        self.state, self.event = state, event
        super().__init__(
            gettext("it cannot be %(event)s while it is “%(state)s”")
            % {"event": event.label, "state": state.label}
        )


class ReasonMissing(Refused):
    """The contact would be told no without being told why."""

    def __init__(self) -> None:
        super().__init__(gettext("give a reason; it is mailed to the contact"))


class ReasonTooLong(Refused):
    """Nobody reads that much, and it is mailed and kept."""

    def __init__(self) -> None:
        super().__init__(
            gettext("the reason is longer than %(limit)s characters")
            % {"limit": number_format(MOST_OF_REASON, force_grouping=True)}
        )


class AlreadyListed(Refused):
    """The organisation is on the letter's list with another sign-on."""

    def __init__(self, other: Signatory) -> None:
        super().__init__(
            gettext("“%(name)s” is already on the list (%(reference)s)")
            % {"name": other.name, "reference": other.reference}
        )


class Combined(Refused):
    """Another sign-on stands for this one."""

    def __init__(self, other: Signatory) -> None:
        super().__init__(
            gettext("it was combined with “%(name)s” (%(reference)s); separate them first")
            % {"name": other.name, "reference": other.reference}
        )


class ChangedMeanwhile(Refused):
    """The entry is no longer what the decision was made on; the message says what happened since."""

    def __init__(self, since: list[str]) -> None:
        what = "; ".join(since) or gettext("something was saved")
        super().__init__(gettext("it changed meanwhile (%(what)s)") % {"what": what})


class NothingToUndo(Refused):
    """The decision is not the last about its entry, or not of a kind that is taken back."""

    def __init__(self) -> None:
        super().__init__(gettext("the decision cannot be taken back any more"))


class Gone(Refused):
    """The sign-on was erased meanwhile."""

    def __init__(self) -> None:
        super().__init__(gettext("it no longer exists"))


@dataclass
class Outcome:
    """What became of several decisions made at once."""

    done: list[Signatory] = field(default_factory=list)
    refused: list[tuple[Signatory, Refused]] = field(default_factory=list)


def words_of(reason: Reason, signatory: Signatory) -> str:
    """A reason as the contact of this entry reads it."""
    words = without_hidden(reason if isinstance(reason, str) else reason(signatory))
    return words.replace("\r\n", "\n").strip()


def possible_events(state: str, actor: Actor) -> list[Event]:
    """What the actor may do to any signature in this state by itself, in the table's order."""
    return [
        event
        for (of, event) in TRANSITIONS
        if of == state and actor in ALLOWED[event] and event not in OF_TWO | {Event.RENEW}
    ]


class ToSign(NamedTuple):
    """What a contact is asked to sign again."""

    text: Revision  # the one that is read today
    asked: Revision  # the newest, up to that, that changed what the letter asks for


def text_to_sign(signatory: Signatory) -> ToSign | None:
    """The text that is read today, if what the letter asks for has changed since it was signed; else None."""
    if signatory.state not in RENEWABLE:
        return None
    current = signatory.letter.current_revision()
    asked = current and current.last_substantive()
    if current is None or asked is None or signatory.revision.number >= asked.number:
        return None
    return ToSign(current, asked)


def locked(**lookup: int) -> Signatory:
    """The signatory, its row locked until the transaction ends; raises Gone if it is not there."""
    signatory = Signatory.objects.locked().filter(**lookup).first()
    if signatory is None:
        raise Gone
    return signatory


@transaction.atomic
def decide(
    pk: int,
    event: Event,
    *,
    by: By,
    reason: Reason = "",
    seen: int | None = None,
    mail_after: timedelta = timedelta(),
    at: datetime | None = None,
) -> Decision:
    """Move a signatory along TRANSITIONS.

    `seen` is the version of the entry that the decision was made on. `mail_after` is how long the mail
    waits. Raises ChangedMeanwhile where the entry has another version by now, TransitionRefused where
    the table has no entry, ReasonMissing, ReasonTooLong, AlreadyListed, or Gone; nothing has changed then.
    """
    signatory = locked(pk=pk)
    at = at or timezone.now()
    _refuse_changed(signatory, seen)
    decision = _decide(signatory, event, by=by, reason=reason, mail_after=mail_after, at=at)
    if _settles(decision):
        renew_others([signatory])
    if State.APPROVED in {decision.from_state, decision.to_state}:
        request_publication(signatory.letter, at=at, line_ids=[signatory.line_id])
    return decision


@transaction.atomic
def decide_many(
    pks: Iterable[int],
    event: Event,
    *,
    by: By,
    reason: Reason = "",
    seen: Mapping[int, int] | None = None,
    mail_after: timedelta | None = timedelta(),
    at: datetime | None = None,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """Decide about several at once: each is done or refused by itself, and the list is published once.

    `seen` has the versions that were shown, by primary key. `mail_after` is how long the mails wait; none go out where
    it is None. `progress` is told how many are through.
    """
    at = at or timezone.now()
    outcome = Outcome()
    # A microsecond apart, so that "by date of approval" is the order in which they were given.
    moments = {pk: at + timedelta(microseconds=place) for place, pk in enumerate(pks)}
    touched: dict[Letter, list[str]] = defaultdict(list)
    settled: list[Signatory] = []
    entries = Signatory.objects.locked().filter(pk__in=list(moments))
    for count, signatory in enumerate(entries, start=1):
        try:
            with transaction.atomic():
                _refuse_changed(signatory, (seen or {}).get(signatory.pk))
                decision = _decide(
                    signatory,
                    event,
                    by=by,
                    reason=reason,
                    mail_after=mail_after,
                    at=moments[signatory.pk],
                )
        except Refused as refused:
            outcome.refused.append((signatory, refused))
            continue
        finally:
            if progress:
                progress(count)
        outcome.done.append(signatory)
        if _settles(decision):
            settled.append(signatory)
        if State.APPROVED in {decision.from_state, decision.to_state}:
            touched[signatory.letter].append(signatory.line_id)
    renew_others(settled)
    for letter, line_ids in touched.items():
        request_publication(letter, at=at, line_ids=line_ids)
    return outcome


@transaction.atomic
def assign(
    pks: Iterable[int], user_pk: int | None, *, seen: Mapping[int, int] | None = None
) -> Outcome:
    """Give several to one coordinator, or to nobody; each that changed since it was shown is refused."""
    outcome = Outcome()
    for signatory in Signatory.objects.locked().filter(pk__in=list(pks)):
        try:
            _refuse_changed(signatory, (seen or {}).get(signatory.pk))
        except ChangedMeanwhile as refused:
            outcome.refused.append((signatory, refused))
        else:
            outcome.done.append(signatory)
    done = [signatory.pk for signatory in outcome.done]
    Signatory.objects.filter(pk__in=done).update(assigned_to=user_pk)
    return outcome


@transaction.atomic
def undo(decision_pk: int, *, by: By, at: datetime | None = None) -> Decision:
    """Take back an approval, rejection or return: the entry waits again, and what was not mailed is not.

    Raises NothingToUndo unless it is the last decision about its entry and the same person's.
    """
    at = at or timezone.now()
    signatory = locked(decisions=decision_pk)
    if signatory.merged_into is not None:
        raise Combined(signatory.merged_into)
    decision = signatory.decisions.in_order().last()
    if decision is None or decision.pk != decision_pk or decision.user != by.user:
        raise NothingToUndo
    back = UNDONE_BY.get(decision.event)
    if back is None or (State(signatory.state), back) not in TRANSITIONS:
        raise NothingToUndo
    mails = signatory.messages.filter(
        kind=MAILS[Event(decision.event)], created_at__gte=decision.at
    )
    was_told = mails.filter(sent_at__isnull=False).exists()
    mails.unsent().delete()
    undone = decide(signatory.pk, back, by=by, at=at)
    if was_told:
        queue_mail(signatory, Message.Kind.STANDING, at=at)
    return undone


def _settles(decision: Decision) -> bool:
    """Whether it brings an entry into a state that counts for what is seen about others, or out of it."""
    return not SETTLED.isdisjoint({decision.from_state, decision.to_state})


def _refuse_changed(signatory: Signatory, seen: int | None) -> None:
    if seen is not None and seen != signatory.version:
        raise ChangedMeanwhile(what_happened(signatory, since=seen))


def _decide(
    signatory: Signatory,
    event: Event,
    *,
    by: By,
    reason: Reason,
    at: datetime,
    mail_after: timedelta | None = timedelta(),
    organization: Organization | None = None,
) -> Decision:
    """What `decide` does to a locked signatory; no mail where `mail_after` is None.

    `organization` is the one to approve it under, where its name is not to say.
    """
    words = words_of(reason, signatory)
    from_state = State(signatory.state)
    to_state = _allowed(signatory, event, by=by, words=words)
    changed = ["state", "version", "claimed_by", "claimed_until", "assessed_at"]
    if event == Event.RENEW and (to_sign := text_to_sign(signatory)):
        signatory.revision = to_sign.text
        to_sign.text.lock(at=at)
        changed.append("revision")
    signatory.state = to_state
    signatory.version += 1
    signatory.claimed_by = signatory.claimed_until = None
    # What it is a likely duplicate of, and what of it, may be so no more.
    signatory.assessed_at = None
    if event == Event.CONFIRM:
        signatory.confirmed_at = at
        changed.append("confirmed_at")
    if event == Event.APPROVE:
        _link_organization(signatory, organization)
        signatory.approved_at = at
        changed += ["organization", "approved_at"]
    try:
        with transaction.atomic():
            signatory.save(update_fields=changed)
    except IntegrityError:
        # Another coordinator approved the same organisation since we looked; the constraint decides.
        raise AlreadyListed(_listed(signatory) or signatory) from None
    if event == Event.WITHDRAW:
        # A withdrawn line has nothing left to correct.
        signatory.corrections.filter(settled_at__isnull=True).delete()
    decision = _log(signatory, event, from_state, by=by, reason=words, at=at)
    if mail_after is not None:
        _tell(signatory, event, reason=words, at=at, due_at=at + mail_after)
    if to_state == State.PENDING != from_state:
        tell_coordinators(signatory.letter, at=at)
    return decision


def _allowed(signatory: Signatory, event: Event, *, by: By, words: str) -> State:
    """The state to which TRANSITIONS brings a signatory; raises what says why it does not."""
    if signatory.merged_into is not None:
        raise Combined(signatory.merged_into)
    from_state = State(signatory.state)
    to_state = TRANSITIONS.get((from_state, event))
    if to_state is None or by.actor not in ALLOWED[event]:
        raise TransitionRefused(from_state, event)
    if event == Event.RENEW and text_to_sign(signatory) is None:
        raise TransitionRefused(from_state, event)
    _refuse_unfit(words, is_needed=event in NEEDS_REASON)
    return to_state


def _refuse_unfit(words: str, *, is_needed: bool) -> None:
    """Raise ReasonMissing or ReasonTooLong where a reason cannot be mailed as it is."""
    if is_needed and not any(map(str.isalnum, words)):
        raise ReasonMissing
    if len(words) > MOST_OF_REASON:
        raise ReasonTooLong


def _tell(
    signatory: Signatory, event: Event, *, reason: str, at: datetime, due_at: datetime
) -> None:
    """Queue the contact's mail about what has just been decided."""
    if event in MAILS:
        queue_mail(signatory, MAILS[event], reason=reason, at=at, due_at=due_at)
    if event == Event.APPROVE and text_to_sign(signatory):
        # The text was revised while the entry waited: now there is a line that says so.
        queue_mail(signatory, Message.Kind.REVISED, at=at, due_at=due_at)


def _link_organization(signatory: Signatory, known: Organization | None = None) -> None:
    """Link to the organisation in the registry with that name or known by it, else to a new one."""
    known = known or known_as(signatory.name_key)
    if known is None:
        known, is_new = Organization.objects.get_or_create(
            name_key=signatory.name_key,
            defaults={"name": signatory.name, "website": signatory.website},
        )
        if is_new:
            index_organization(known)
    signatory.organization = _held(known)
    if other := _listed(signatory):
        raise AlreadyListed(other)


def _held(organization: Organization) -> Organization:
    """The organisation as it stands, which nobody combines with another until this transaction ends."""
    if connection.features.has_select_for_update:
        with connection.cursor() as cursor:
            # Shared, which Django's lock is not: approvals on several letters do not wait for one another.
            # The link's own check takes it too, but only at the end of the transaction.
            cursor.execute(
                "SELECT 1 FROM signatories_organization WHERE id = %s FOR KEY SHARE",
                [organization.pk],
            )
    now = Organization.objects.get(pk=organization.pk)
    return now if now.merged_into is None else _held(now.merged_into)


def _listed(signatory: Signatory) -> Signatory | None:
    return (
        Signatory.objects.filter(letter_id=signatory.letter_id, organization=signatory.organization)
        .approved()
        .exclude(pk=signatory.pk)
        .first()
    )


def _log(
    signatory: Signatory, event: Event, from_state: str, *, by: By, reason: str, at: datetime
) -> Decision:
    decision = _decision(signatory, event, from_state, by=by, reason=reason, at=at)
    decision.save(force_insert=True)
    return decision


def _decision(
    signatory: Signatory, event: Event, from_state: str, *, by: By, reason: str = "", at: datetime
) -> Decision:
    return Decision(
        signatory=signatory,
        event=event,
        from_state=from_state,
        to_state=signatory.state,
        actor=by.actor,
        user=by.user,
        reason=reason,
        at=at,
    )


def queue_mail(
    signatory: Signatory,
    kind: Message.Kind,
    *,
    reason: str = "",
    correction: Correction | None = None,
    at: datetime,
    due_at: datetime | None = None,
) -> None:
    """Have a mail sent to the contact after this transaction; entries made by hand may have no address."""
    if signatory.email:
        Message.objects.create(
            kind=kind,
            letter_id=signatory.letter_id,
            signatory=signatory,
            reason=reason,
            correction=correction,
            created_at=at,
            due_at=due_at or at,
        )
        ring_after_commit()


def tell_coordinators(letter: Letter, *, at: datetime) -> None:
    """Have coordinators told that something waits: one mail for all that comes in meanwhile."""
    digests = Message.objects.filter(letter=letter, kind=Message.Kind.WAITING)
    last = digests.aggregate(sent_at=models.Max("sent_at"))["sent_at"]
    due_at = max(at, last + DIGEST_PAUSE) if last else at
    digests.unsent().get_or_create(
        letter=letter, kind=Message.Kind.WAITING, defaults={"created_at": at, "due_at": due_at}
    )
    ring_after_commit()


@transaction.atomic
def ask_to_sign_again(letter: Letter, *, at: datetime) -> int:
    """Ask those on the list who signed before what the letter asks for changed, once for each change.

    Gives how many were asked. Whoever has no address cannot be, and who still waits is asked when approved.
    """
    current = letter.current_revision()
    asked = current and current.last_substantive()
    if asked is None or asked.published_at is None:
        return 0
    asked_before = Message.objects.filter(
        signatory=models.OuterRef("pk"),
        kind=Message.Kind.REVISED,
        created_at__gte=asked.published_at,
    )
    found = (
        Signatory.objects.for_letter(letter)
        .approved()
        .filter(revision__number__lt=asked.number)
        .exclude(email="")
        .exclude(models.Exists(asked_before))
    )
    return _queue_for_many(found, Message.Kind.REVISED, letter=letter, at=at)


def mail_updates(*, at: datetime) -> int:
    """Queue the updates that coordinators asked to have mailed, for every contact who wants them; give how many mails.

    Whoever is the contact of several organisations gets each once.
    """
    waiting = Update.objects.filter(mail_asked_at__isnull=False, mailed_at__isnull=True)
    # Asked twice a second by every worker: on SQLite a transaction would hold up all writers.
    return _mail_updates(waiting, at=at) if waiting.exists() else 0


@transaction.atomic
def _mail_updates(waiting: models.QuerySet[Update], *, at: datetime) -> int:
    count = 0
    for update in waiting.select_for_update(skip_locked=True, of=("self",)).select_related(
        "letter"
    ):
        wanted = Signatory.objects.for_letter(update.letter).approved().filter(wants_updates=True)
        firsts = wanted.exclude(email="").values("email").annotate(first=models.Min("pk"))
        found = Signatory.objects.filter(pk__in=firsts.values("first"))
        count += _queue_for_many(
            found, Message.Kind.UPDATE, letter=update.letter, at=at, update=update
        )
        update.mailed_at = at
        update.save(update_fields=["mailed_at"])
    return count


def _queue_for_many(
    found: SignatoryQuerySet,
    kind: Message.Kind,
    *,
    letter: Letter,
    at: datetime,
    update: Update | None = None,
) -> int:
    messages = [
        Message(kind=kind, letter=letter, signatory_id=pk, update=update, created_at=at, due_at=at)
        for pk in found.order_by("pk").values_list("pk", flat=True)
    ]
    Message.objects.bulk_create(messages, batch_size=BATCH)
    if messages:
        ring_after_commit()
    return len(messages)


@transaction.atomic
def want_updates(pk: int, *, wants: bool) -> None:
    """Note whether the contact wants updates by mail; on all of the letter's signatures that have their address."""
    signatory = locked(pk=pk)
    same = Signatory.objects.for_letter(signatory.letter).filter(email=signatory.email)
    (same if signatory.email else same.filter(pk=pk)).update(wants_updates=wants)


def submit(signatory: Signatory, *, at: datetime | None = None) -> Signatory:
    """Take in what a form says (an unsaved `Signatory` with its letter) and mail the address.

    Whoever signs gets the same answer; only the owner of the address learns more. If the same address
    signs again for the same organisation, no second entry is made: while it is not confirmed, what was
    typed last counts and the confirmation is mailed again; afterwards a mail says where things stand.
    Mails that are too many for the address are left out without a word.
    """
    at = at or timezone.now()
    signatory.derive_keys()
    try:
        return _submit(signatory, at=at)
    except IntegrityError:
        # The button was pressed twice and the other request was first; this one is the second.
        return _submit(signatory, at=at)


@transaction.atomic
def _submit(signatory: Signatory, *, at: datetime) -> Signatory:
    _await_turn(signatory.email)
    earlier = _same_sign_on(signatory)
    if earlier is None:
        _create(signatory, Event.SUBMIT, State.SUBMITTED, by=CONTACT, at=at)
        _mail_as_typed(signatory, Message.Kind.CONFIRM, at=at)
        return signatory
    kind = Message.Kind.STANDING
    if earlier.state == State.SUBMITTED:
        kind = Message.Kind.CONFIRM
        for name in TYPED:
            setattr(earlier, name, getattr(signatory, name))
        # The mail gives a week to confirm; the week begins anew.
        earlier.submitted_at = at
        # The words that are read today are the ones signed.
        earlier.revision = signatory.revision
        earlier.version += 1
        earlier.assessed_at = None
        earlier.save(update_fields=[*TYPED, "submitted_at", "revision", "version", "assessed_at"])
        index_signatory(earlier)
        earlier.revision.lock(at=at)
    if not earlier.messages.filter(kind=kind, created_at__gt=at - RESEND_PAUSE).exists():
        _mail_as_typed(earlier, kind, at=at)
    return earlier


def _await_turn(email: str) -> None:
    """Wait until no other form with this address is being taken in, so that all mails to it are counted."""
    if connection.features.has_select_for_update:  # on SQLite, who writes is alone
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [email])


def _mail_as_typed(signatory: Signatory, kind: Message.Kind, *, at: datetime) -> None:
    """Queue a mail to the address that a form names, unless forms had enough of them sent there today.

    Mails about decisions are none of these: nobody can cause them who does not read the address's mail.
    """
    address_hash = salted_hmac("signatories.mails", signatory.email, algorithm="sha256").hexdigest()
    today = MailAsked.objects.filter(address_hash=address_hash, at__gt=at - MAILS_COUNT_FOR)
    if today.count() < MAILS_AT_MOST:
        MailAsked.objects.create(address_hash=address_hash, at=at)
        queue_mail(signatory, kind, at=at)


def _same_sign_on(signatory: Signatory) -> Signatory | None:
    """The live entry of the same address for the same organisation on the same letter, if there is one."""
    same = (
        Signatory.objects.for_letter(signatory.letter)
        .live()
        .filter(email=signatory.email, name_key=signatory.name_key)
    )
    # Almost always there is none, which this tells at a fraction of the cost.
    return same.select_for_update().order_by("-pk").first() if same.exists() else None


@transaction.atomic
def add(
    signatory: Signatory, *, by: By, source: Signatory.Source, at: datetime | None = None
) -> Signatory:
    """Take in a signature that came by another way than the form; it waits for a decision like any other."""
    at = at or timezone.now()
    signatory.source = source
    signatory.derive_keys()
    _create(signatory, Event.ADD, State.PENDING, by=by, at=at)
    return signatory


def add_many(
    signatories: Sequence[Signatory],
    *,
    by: By,
    source: Signatory.Source,
    at: datetime | None = None,
) -> Iterator[int]:
    """The same as `add` for many, with the same rows written, in the caller's transaction.

    Goes on as it is iterated over, and gives after each batch how many are done.
    """
    at = at or timezone.now()
    for start in range(0, len(signatories), BATCH):
        batch = signatories[start : start + BATCH]
        for signatory in batch:
            signatory.source = source
            signatory.state = State.PENDING
            signatory.version = 1
            signatory.submitted_at = at
            signatory.derive_keys()
        _draw_free_references(batch)
        Signatory.objects.bulk_create(batch)
        index_new(batch)
        Decision.objects.bulk_create(_decision(each, Event.ADD, "", by=by, at=at) for each in batch)
        yield start + len(batch)
    for pk in {signatory.revision_id for signatory in signatories}:
        Revision.objects.filter(pk=pk).lock(at=at)


def _draw_free_references(batch: Sequence[Signatory]) -> None:
    """Of thousands, two may have drawn the same reference, or one that is taken; one alone hardly ever does."""
    drawn = [each.reference for each in batch]
    taken = set(Signatory.objects.filter(reference__in=drawn).values_list("reference", flat=True))
    for each in batch:
        while each.reference in taken:
            each.reference = new_reference()
        taken.add(each.reference)


def _create(signatory: Signatory, event: Event, state: State, *, by: By, at: datetime) -> None:
    signatory.state = state
    signatory.submitted_at = at
    signatory.version = 1
    signatory.save(force_insert=True)
    index_new([signatory])
    signatory.revision.lock(at=at)
    _log(signatory, event, "", by=by, reason="", at=at)


@transaction.atomic
def correct(pk: int, changes: dict[str, Any], *, at: datetime | None = None) -> Correction | None:
    """Take a contact's correction of name, countries and website.

    Before approval it is made at once (and a returned entry goes back to the queue); None is given.
    After approval it waits as a `Correction` for a coordinator; a second one replaces the first.
    Raises TransitionRefused for an entry that is rejected or withdrawn, or not yet confirmed.
    """
    at = at or timezone.now()
    signatory = locked(pk=pk)
    if signatory.state == State.APPROVED:
        if not any(getattr(signatory, name) != value for name, value in changes.items()):
            signatory.corrections.filter(settled_at__isnull=True).delete()
            return None
        # A new row, so that nobody accepts under the old one what they have not seen.
        signatory.corrections.filter(settled_at__isnull=True).delete()
        correction = Correction.objects.create(signatory=signatory, asked_at=at, **changes)
        signatory.version += 1
        signatory.save(update_fields=["version"])
        tell_coordinators(signatory.letter, at=at)
        return correction
    if signatory.state not in {State.PENDING, State.RETURNED}:
        raise TransitionRefused(State(signatory.state), Event.RESUBMIT)
    apply_changes(signatory, changes, by=CONTACT, at=at)
    if signatory.state == State.RETURNED:
        _decide(signatory, Event.RESUBMIT, by=CONTACT, reason="", at=at)
    return None


@transaction.atomic
def settle(
    correction_pk: int, *, accept: bool, by: By, reason: str = "", at: datetime | None = None
) -> Correction:
    """Accept or decline what a contact asked to change in a published line; the contact is told which.

    Raises Gone if it was settled or withdrawn meanwhile, ReasonMissing when declining without one, ReasonTooLong.
    """
    at = at or timezone.now()
    # The signatory's row is the lock for all that happens to it, corrections too.
    signatory = locked(corrections=correction_pk)
    correction = signatory.corrections.filter(pk=correction_pk, settled_at__isnull=True).first()
    if correction is None:
        raise Gone
    words = words_of(reason, signatory)
    _refuse_unfit(words, is_needed=not accept)
    if accept:
        apply_changes(
            signatory,
            {
                "name": correction.name,
                "countries": correction.countries,
                "other_names": correction.other_names,
                "website": correction.website,
            },
            by=by,
            at=at,
        )
    correction.settled_at = at
    correction.is_accepted = accept
    correction.user = by.user
    correction.reason = words
    correction.save(update_fields=["settled_at", "is_accepted", "user", "reason"])
    queue_mail(
        signatory, Message.Kind.CORRECTED, reason=correction.reason, correction=correction, at=at
    )
    return correction


@transaction.atomic
def edit(
    pk: int,
    changes: dict[str, Any],
    *,
    by: By,
    seen: int | None = None,
    at: datetime | None = None,
) -> Signatory:
    """Change fields of an entry as `apply_changes` does, as it is now.

    `seen` is the version that was looked at. Raises ChangedMeanwhile, AlreadyListed or Gone; nothing has
    changed then.
    """
    signatory = locked(pk=pk)
    _refuse_changed(signatory, seen)
    apply_changes(signatory, changes, by=by, at=at or timezone.now())
    return signatory


def apply_changes(signatory: Signatory, changes: dict[str, Any], *, by: By, at: datetime) -> None:
    """Change fields of a locked signatory and note who did; what is on the list is published again.

    Raises AlreadyListed if that would put an organisation on the list twice.
    """
    before = signatory.name_key
    notes = []
    for name, value in changes.items():
        old = getattr(signatory, name)
        if old != value:
            notes.append(
                Change(
                    signatory=signatory,
                    at=at,
                    actor=by.actor,
                    user=by.user,
                    field=name,
                    old=in_words(old),
                    new=without_hidden(in_words(value)),
                )
            )
        setattr(signatory, name, value)
    Change.objects.bulk_create(notes)
    if any(note.field == "email" for note in notes):
        # Whoever was mailed before is not shown who the contact is now.
        signatory.links.all().delete()
    signatory.version += len(notes)
    signatory.derive_keys()
    signatory.assessed_at = None
    changed = [*changes, "name_key", "collation_key", "version", "assessed_at"]
    if signatory.state == State.APPROVED and signatory.name_key != before:
        # Under another name it is, for the registry, another organisation: listed once, too.
        _link_organization(signatory)
        changed.append("organization")
    signatory.save(update_fields=changed)
    index_signatory(signatory)
    if signatory.state == State.APPROVED:
        request_publication(signatory.letter, at=at, line_ids=[signatory.line_id])


def combine(merged: Signatory, survivor: Signatory, *, by: By, at: datetime) -> None:
    """Let one of two locked entries stand for both; the other one's contact is told, if they are known to be that.

    Raises TransitionRefused or Combined.
    """
    decision = _decide(merged, Event.MERGE, by=by, reason="", at=at)
    merged.merged_into = survivor
    merged.save(update_fields=["merged_into"])
    survivor.version += 1
    survivor.save(update_fields=["version"])
    if merged.confirmed_at is not None:
        queue_mail(merged, Message.Kind.COMBINED, at=at, due_at=at + SECOND_THOUGHTS)
    if decision.from_state == State.APPROVED:
        request_publication(merged.letter, at=at, line_ids=[merged.line_id])


def separate(merged: Signatory, *, by: By, at: datetime) -> Refused | None:
    """Bring a locked entry that was combined with another back to the state that it had.

    It goes through the queue; where it cannot leave that, it waits there, and what is given says why.
    The survivor, locked too, counts this as a happening of its own.
    """
    survivor = merged.merged_into
    assert survivor is not None
    Signatory.objects.filter(pk=survivor.pk).update(version=models.F("version") + 1)
    decisions = merged.decisions.in_order()
    combined = decisions.filter(event=Event.MERGE).last()
    returned = decisions.filter(event=Event.RETURN).last()
    approved_at, organization = merged.approved_at, merged.organization
    merged.merged_into = None
    merged.save(update_fields=["merged_into"])
    _decide(merged, Event.SPLIT, by=by, reason="", at=at)
    refused = None
    state = combined.from_state if combined else State.PENDING
    try:
        with transaction.atomic():
            if state == State.RETURNED:
                reason = returned.reason if returned else ""
                _decide(merged, Event.RETURN, by=by, reason=reason, at=at, mail_after=None)
            elif state == State.APPROVED and organization is not None:
                known = organization.standing()
                _decide(
                    merged,
                    Event.APPROVE,
                    by=by,
                    reason="",
                    at=at,
                    mail_after=None,
                    organization=known,
                )
                # It takes its old place, also on a list in the order of approval.
                merged.approved_at = approved_at
                merged.save(update_fields=["approved_at"])
                request_publication(merged.letter, at=at, line_ids=[merged.line_id])
    except Refused as why:
        refused = why
        merged.refresh_from_db()
    mails = merged.messages.filter(kind=Message.Kind.COMBINED)
    was_told = (
        combined and mails.filter(created_at__gte=combined.at, sent_at__isnull=False).exists()
    )
    mails.unsent().delete()
    if was_told:
        queue_mail(merged, Message.Kind.COMBINED, at=at)
    return refused


def is_late(signatory: Signatory, *, at: datetime) -> bool:
    """Whether an entry waits longer than its contact was told."""
    return signatory.state == State.PENDING and at - signatory.submitted_at > settings.DECIDE_WITHIN


@transaction.atomic
def tell_of_delays(*, at: datetime) -> int:
    """Have contacts told, once, that the answer takes longer than promised; give how many."""
    late = (
        Signatory.objects.pending()
        .filter(submitted_at__lt=at - settings.DECIDE_WITHIN, confirmed_at__isnull=False)
        .exclude(letter__state=Letter.State.CLOSED)
        .exclude(messages__kind=Message.Kind.DELAYED)
    )
    found = list(late)
    for signatory in found:
        queue_mail(signatory, Message.Kind.DELAYED, at=at)
    return len(found)


def coordinators(letters: Collection[int]) -> list[Any]:
    """Everyone active who may decide about the sign-ons of all these letters, by name."""
    users = get_user_model().objects
    deciding, everywhere = (
        users.with_perm(permission, backend="django.contrib.auth.backends.ModelBackend")
        for permission in ("signatories.decide_signatory", "letter.all_letters")
    )
    assigned = (
        Letter.coordinators.through.objects.filter(letter__in=letters)
        .values("user")
        .annotate(count=models.Count("letter"))
        .filter(count=len(letters))
    )
    trusted = models.Q(pk__in=everywhere.values("pk")) | models.Q(pk__in=assigned.values("user"))
    return list(deciding.filter(trusted).order_by("username"))


@transaction.atomic
def erase(pk: int) -> None:
    """Remove a sign-on that its address's owner did not make, as if it had never been sent.

    Raises TransitionRefused once a coordinator has approved it: then it is withdrawn, openly.
    """
    signatory = locked(pk=pk)
    if signatory.state not in UNDECIDED:
        raise TransitionRefused(State(signatory.state), Event.WITHDRAW)
    renew_others([signatory])
    # It stood for others, whose contacts erase nothing: those wait for a decision by themselves.
    for merged in signatory.merged_entries.select_for_update():
        separate(merged, by=SYSTEM, at=timezone.now())
    Signatory.objects.filter(pk=pk).delete()


def note_forgotten(pk: int, *, at: datetime) -> Decision:
    """Note in an entry's history that its contact was erased at their own wish; the state stays."""
    signatory = locked(pk=pk)
    signatory.version += 1
    signatory.save(update_fields=["version"])
    return _log(signatory, Event.FORGET, signatory.state, by=CONTACT, reason="", at=at)
