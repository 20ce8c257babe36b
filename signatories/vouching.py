"""Asking the organisation itself, at its own domain, whether it signs; what it says informs and never decides.

The question goes to an address at the website's domain, by mail, with a link that only that mail has. Asking and
answering are noted in the entry's history and count up its version, so that nobody decides on a reading
without them; the state stays what it is.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from letter.background import ring_after_commit
from letter.models import Letter
from signatories.domains import (
    DomainMatch,
    domain_match,
    domain_of_address,
    is_disposable,
    own_domain,
)
from signatories.models import Message, Signatory, Vouch
from signatories.moderation import By, Refused, locked, tell_coordinators

# The mailboxes that organisations have for whoever writes.
USUAL_MAILBOXES: Final = ("info", "contact", "office", "secretariat")
ASK_AGAIN_AFTER: Final = timedelta(days=2)
# A stranger's mailbox is written to twice at most, and an organisation at two of them.
MAILS_AT_MOST: Final = 2
ADDRESSES_AT_MOST: Final = 2
LINK_WORKS_FOR: Final = timedelta(days=30)
# While it is not settled, an answer can still help.
OPEN_STATES: Final = frozenset({Signatory.State.PENDING, Signatory.State.RETURNED})


class CannotAsk(Refused):
    """The organisation is not asked; the message is a sentence that says why."""


class CannotAnswer(Refused):
    """It was answered before, or is settled or too old; the page behind the link says which."""


class LineChanged(Refused):
    """The line is no longer the one that was shown to the organisation."""


def hindrance(signatory: Signatory) -> str:
    """Why there is nobody to be asked about an entry, in a sentence; empty if there is."""
    if signatory.state not in OPEN_STATES:
        return gettext("The organisation can be asked only while its entry is not settled.")
    if signatory.letter.state == Letter.State.DRAFT:
        return gettext("The letter is a draft: whoever was asked could not read it.")
    if not signatory.website:
        return gettext("No website is given, so there is no domain to write to.")
    if domain_match(signatory.email, signatory.website) == DomainMatch.SAME:
        return gettext("The contact's address is at the website's domain already.")
    domain = own_domain(signatory.website)
    if not domain or is_disposable(f"info@{domain}"):
        return gettext(
            "The website is at a domain that many share: an address there need not be the organisation's."
        )
    return ""


@transaction.atomic
def ask(pk: int, email: str, *, by: By, at: datetime | None = None) -> Vouch:
    """Have an address at the website's domain asked whether the organisation signs.

    Raises CannotAsk where there is nobody to be asked, or where the address was asked before and it is
    too early, too often or answered; Gone where the entry was erased.
    """
    at = at or timezone.now()
    signatory = locked(pk=pk)
    email = email.lower()
    if why_not := hindrance(signatory):
        raise CannotAsk(why_not)
    if domain_of_address(email) != own_domain(signatory.website):
        raise CannotAsk(gettext("The website is another by now. Please look again."))
    _refuse_too_many(signatory, email, at)
    vouch = Vouch.objects.create(signatory=signatory, email=email, user=by.user, asked_at=at)
    signatory.version += 1
    signatory.save(update_fields=["version"])
    Message.objects.create(
        kind=Message.Kind.VOUCH,
        letter_id=signatory.letter_id,
        signatory=signatory,
        vouch=vouch,
        created_at=at,
        due_at=at,
    )
    ring_after_commit()
    return vouch


def _refuse_too_many(signatory: Signatory, email: str, at: datetime) -> None:
    earlier = list(signatory.vouches.all())
    same = [vouch for vouch in earlier if vouch.email == email]
    if any(vouch.answer for vouch in same):
        raise CannotAsk(gettext("This address has answered already."))
    if len(same) >= MAILS_AT_MOST:
        raise CannotAsk(gettext("This address was asked twice. It is not written to again."))
    if same and at - same[-1].asked_at < ASK_AGAIN_AFTER:
        again = date_format(
            timezone.localtime(same[-1].asked_at + ASK_AGAIN_AFTER), "DATETIME_FORMAT"
        )
        raise CannotAsk(
            gettext(
                "This address was asked less than two days ago. It can be asked once more from %(date)s."
            )
            % {"date": again}
        )
    asked = sorted({vouch.email for vouch in earlier})
    if not same and len(asked) >= ADDRESSES_AT_MOST:
        raise CannotAsk(
            gettext("Two addresses were asked already (%(addresses)s). More are not written to.")
            % {"addresses": ", ".join(asked)}
        )


def answer_of(vouch: Vouch) -> Vouch | None:
    """The question with its answer; or another to the same mailbox about the same entry that has one."""
    answered = Vouch.objects.filter(signatory=vouch.signatory_id, email=vouch.email)
    return answered.exclude(answer="").first()


def is_open(vouch: Vouch, *, at: datetime) -> bool:
    """Whether an answer still counts: the entry is not settled, and the mail is not older than 30 days."""
    return vouch.signatory.state in OPEN_STATES and at - vouch.asked_at <= LINK_WORKS_FOR


@transaction.atomic
def answer(
    pk: int, said: Vouch.Answer, *, words: str = "", line: str, at: datetime | None = None
) -> Vouch:
    """Take the organisation's answer about the line that it was shown, and have coordinators told.

    Raises LineChanged where the line is another by now, CannotAnswer where it was answered before, is
    settled or too old, Gone where the entry was erased; nothing has changed then.
    """
    at = at or timezone.now()
    # The signatory's row is the lock for all that happens to it.
    signatory = locked(vouches=pk)
    vouch = signatory.vouches.get(pk=pk)
    if answer_of(vouch) or not is_open(vouch, at=at):
        raise CannotAnswer
    if line != signatory.line:
        raise LineChanged
    vouch.answer, vouch.words, vouch.answered_at = said, words.strip(), at
    vouch.save(update_fields=["answer", "words", "answered_at"])
    signatory.version += 1
    signatory.assessed_at = None
    signatory.save(update_fields=["version", "assessed_at"])
    tell_coordinators(signatory.letter, at=at)
    return vouch
