"""The mails: one function sends a queued `Message`, with the templates in templates/mail/<kind>/.

A message is claimed in a short transaction and sent outside of it: a mail server that hangs holds no lock, and if
this process dies, another takes the message up once it has itself watched the claim for long enough, whatever clocks
say. So each goes out at least once, and twice only where the server took it and we died before noting so.
"""

import logging
import smtplib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from letter.documents import moment_text, page_url, revision_url, shown_as
from letter.models import Letter
from letter.publishing import number_of
from letter.text import plain_text, render_markdown
from signatories import links
from signatories.domains import domain_of_address
from signatories.models import Correction, Message, Signatory, Vouch
from signatories.moderation import coordinators, tell_coordinators, text_to_sign
from signatories.vouching import LINK_WORKS_FOR, OPEN_STATES, answer_of

logger = logging.getLogger(__name__)

# After the n-th failed attempt, wait so long; after the last, a coordinator has to look.
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
# A claimed message is nobody else's for so long; more than any mail server takes to answer.
CLAIM: Final = timedelta(minutes=5)
# The mail about an approval says the number, so it waits for the publication, but not for ever.
WAIT_FOR_NUMBER: Final = timedelta(seconds=1)
WAIT_FOR_NUMBER_AT_MOST: Final = timedelta(hours=6)
# A mail about a state goes out only while the sign-on is in it; the others are true in any.
TRUE_IN: Final = {
    Message.Kind.CONFIRM: {Signatory.State.SUBMITTED},
    Message.Kind.RECEIVED: {Signatory.State.PENDING},
    Message.Kind.DELAYED: {Signatory.State.PENDING},
    Message.Kind.APPROVED: {Signatory.State.APPROVED},
    Message.Kind.RETURNED: {Signatory.State.RETURNED},
    Message.Kind.REJECTED: {Signatory.State.REJECTED},
    Message.Kind.WITHDRAWN: {Signatory.State.WITHDRAWN},
    Message.Kind.VOUCH: OPEN_STATES,
    Message.Kind.REVISED: {Signatory.State.APPROVED},
    Message.Kind.UPDATE: {Signatory.State.APPROVED},
}
# Where a mail has its secret, a preview has these.
DOTS: Final = "…"

# Messages that the mail server has taken, by primary key, and when; only until the database knows.
_taken: dict[int, datetime] = {}
# The claims that stand, by message and moment, and since when this process has seen them, by the monotonic clock.
_watched: dict[tuple[int, datetime], float] = {}


class NotYet(Exception):
    """The mail has nothing to say yet; to be tried again soon, without counting as a failure."""


def send_next(*, at: datetime) -> bool:
    """Send one message that is due; give whether there was one."""
    note_taken()
    message = _claim(at)
    if message is None:
        return False
    try:
        with transaction.atomic():
            mail = _make(message, at=at)
        # Nothing is locked while the mail server takes its time.
        if mail is not None:
            mail.send()
    except NotYet:
        Message.objects.filter(pk=message.pk).update(
            due_at=at + WAIT_FOR_NUMBER, attempts=message.attempts - 1, claimed_at=None
        )
    except Exception as error:  # noqa: BLE001 - one message that cannot be made must not hold up the others
        _note_failure(message, error, at=at)
    else:
        _taken[message.pk] = timezone.now()
        note_taken()
        if mail and message.kind == Message.Kind.WAITING:
            _tell_of_latecomers(message.letter, since=at)
    return True


def note_taken() -> None:
    """Tell the database what the mail server has taken, before anything else is sent where it was away at first."""
    for pk, at in list(_taken.items()):
        Message.objects.filter(pk=pk).update(sent_at=at, error="", claimed_at=None)
        _taken.pop(pk, None)  # another thread may have noted it, too


def _claim(at: datetime) -> Message | None:
    is_free = Q(claimed_at=None)
    for pk, claimed_at in _lapsed():
        is_free |= Q(pk=pk, claimed_at=claimed_at)
    due = Message.objects.unsent().filter(is_free, due_at__lte=at).order_by("due_at", "pk")
    # Asked twice a second by every worker: on SQLite a transaction would hold up all writers.
    if not due.exists():
        return None
    with transaction.atomic():
        message = due.select_for_update(skip_locked=True, of=("self",)).first()
        if message is None:
            return None
        # Whoever asks what is overdue is not to hear of it.
        message.due_at = at + CLAIM
        message.claimed_at = timezone.now()
        message.attempts += 1
        message.save(update_fields=["due_at", "claimed_at", "attempts"])
    made_of = (
        "letter",
        "signatory__letter",
        "signatory__revision",
        "correction",
        "vouch__signatory__letter",
        "update",
    )
    return Message.objects.select_related(*made_of).get(pk=message.pk)


def _lapsed() -> list[tuple[int, datetime]]:
    """The claims that have stood for CLAIM while this process looked: by moments, a stepped clock would end others."""
    now = time.monotonic()
    standing = Message.objects.unsent().filter(claimed_at__isnull=False)
    seen = {
        (pk, at): _watched.get((pk, at), now)
        for pk, at in standing.values_list("pk", "claimed_at")
        if at
    }
    _watched.clear()
    _watched.update(seen)
    return [claim for claim, since in seen.items() if now - since >= CLAIM.total_seconds()]


def _note_failure(message: Message, error: Exception, *, at: datetime) -> None:
    # The server's words may repeat the address; the class and code do not.
    code = getattr(error, "smtp_code", "")
    message.error = f"{type(error).__name__} {code}".strip()
    is_final = message.attempts > len(PAUSES) or _is_refused_for_good(error)
    if is_final:
        message.given_up_at = at
    else:
        message.due_at = at + PAUSES[message.attempts - 1]
    message.claimed_at = None
    message.save(update_fields=["error", "given_up_at", "due_at", "claimed_at"])
    logger.warning(
        "message %s (%s), attempt %s: %s%s",
        message.pk,
        message.kind,
        message.attempts,
        message.error,
        "; given up" if is_final else "",
    )


def _is_refused_for_good(error: Exception) -> bool:
    """Whether the server said that no such address exists (5xx, RFC 5321 §4.2.1)."""
    if not isinstance(error, smtplib.SMTPRecipientsRefused):
        return False
    return all(500 <= code < 600 for code, _text in error.recipients.values())


def _make(message: Message, *, at: datetime) -> EmailMultiAlternatives | None:
    """The mail of a claimed message, its links made; None where there is nothing (any more) to tell."""
    if message.kind == Message.Kind.WAITING:
        return _make_digest(message)
    if message.vouch is not None:
        return _make_question(message, message.vouch)
    signatory = message.signatory
    if signatory is None or not signatory.email or not _is_still_true(message, signatory):
        return None
    with translation.override(signatory.language):
        context = _context(message, signatory, at=at)
        standing = context.get("standing")
        # Whoever is the contact of what stands for their sign-on, too, can act there and not here.
        theirs = standing if standing and standing.email == signatory.email else signatory
        return _compose(message, [signatory.email], context | _links(theirs))


def _is_still_true(message: Message, signatory: Signatory) -> bool:
    """Whether what the mail would say still holds: no "approved" after a withdrawal."""
    if message.kind == Message.Kind.REVISED and text_to_sign(signatory) is None:
        return False
    if message.kind == Message.Kind.UPDATE and not signatory.wants_updates:
        return False
    states = TRUE_IN.get(Message.Kind(message.kind))
    return states is None or signatory.state in states


def _context(message: Message, signatory: Signatory, *, at: datetime) -> dict[str, Any]:
    letter = signatory.letter
    number = number_of(letter, signatory.line_id)
    if (
        message.kind == Message.Kind.APPROVED
        and number is None
        and at - message.created_at < WAIT_FOR_NUMBER_AT_MOST
    ):
        raise NotYet
    about = _about(letter)
    return {
        **about,
        "signatory": signatory,
        "contact_name": signatory.contact_name,
        "reason": message.reason,
        "number": number,
        "correction": message.correction,
        "line_url": f"{about['letter_url']}signatory/{signatory.line_id}/",
        "days": settings.DECIDE_WITHIN.days,
        "closes_text": moment_text(letter.closes_at, letter) if letter.closes_at else "",
        **(_namesakes(signatory) if message.kind == Message.Kind.CONFIRM else {}),
        **(_standing(signatory) if message.kind == Message.Kind.COMBINED else {}),
        **(_revised(signatory) if message.kind == Message.Kind.REVISED else {}),
        **(_update(message) if message.update else {}),
    }


def _revised(signatory: Signatory) -> dict[str, Any]:
    """For whoever signed the text before: what changed, and where it can be read word by word."""
    to_sign = text_to_sign(signatory)
    if to_sign is None:
        return {}
    language, _title = shown_as(signatory.letter)
    changes = revision_url(signatory.letter, language, to_sign.asked.number)
    return {"note": to_sign.asked.note, "changes_url": settings.BASE_URL + changes}


def _update(message: Message) -> dict[str, Any]:
    """An update's words in the contact's language, where it has them."""
    assert message.update is not None
    text = message.update.text_in(
        translation.get_language() or "", otherwise=message.letter.default_language
    )
    return {
        "update": text,
        "update_text": plain_text(text.body) if text else "",
        "update_html": render_markdown(text.body) if text else "",
        "update_url": f"{_about(message.letter)['letter_url']}#{message.update.anchor}",
    }


def _about(letter: Letter) -> dict[str, Any]:
    """The letter, its title and its page, in the active language if it has a text in it."""
    language, title = shown_as(letter)
    return {
        "letter": letter,
        "title": title,
        "letter_url": settings.BASE_URL + page_url(letter, language),
    }


def _links(signatory: Signatory, token: str = "") -> dict[str, str]:
    """The addresses with a secret in them; a fresh one, which only the mail will know."""
    token = token or links.new_link(signatory)
    slug = signatory.letter.slug
    return {
        "confirm_url": links.absolute("confirm", slug, token),
        "not_us_url": links.absolute("not_us", slug, token),
        "signature_url": links.absolute("signature", slug, token),
        "updates_url": links.absolute("updates", slug, token),
    }


def _make_question(message: Message, vouch: Vouch) -> EmailMultiAlternatives | None:
    """The mail to an organisation that did not write itself; None if it answered or all is settled."""
    if not _is_still_true(message, vouch.signatory) or answer_of(vouch):
        return None
    with translation.override(vouch.signatory.language):
        token = links.new_vouch_link(vouch)
        return _compose(message, [vouch.email], _question_context(vouch, token))


def _question_context(vouch: Vouch, token: str) -> dict[str, Any]:
    """What the question says: of the contact, name and role alone."""
    signatory = vouch.signatory
    letter = signatory.letter
    return {
        **_about(letter),
        "signatory": signatory,
        "vouch": vouch,
        "domain": domain_of_address(vouch.email),
        "vouch_url": links.absolute("organization", letter.slug, token),
        "link_days": LINK_WORKS_FOR.days,
    }


@dataclass(frozen=True)
class Preview:
    """A mail as it would go out, its link left out."""

    to: str
    subject: str
    body: str


def preview(signatory: Signatory, kind: Message.Kind, *, reason: str, at: datetime) -> Preview:
    """The mail that a decision would send, for whoever is about to make it; nothing is stored or sent."""
    message = Message(
        kind=kind, letter=signatory.letter, signatory=signatory, reason=reason, created_at=at
    )
    with translation.override(signatory.language):
        # As long after the decision as the mail waits for a number at most: it has none yet.
        context = _context(message, signatory, at=at + WAIT_FOR_NUMBER_AT_MOST)
        context |= _links(signatory, token=DOTS)
        mail = _compose(message, [signatory.email], context)
    return Preview(signatory.email, str(mail.subject), _readable(str(mail.body)))


def preview_question(signatory: Signatory, email: str) -> Preview:
    """The mail that asks the organisation, for whoever is about to have it sent; nothing is stored or sent."""
    vouch = Vouch(signatory=signatory, email=email)
    message = Message(
        kind=Message.Kind.VOUCH, letter=signatory.letter, vouch=vouch, created_at=timezone.now()
    )
    with translation.override(signatory.language):
        mail = _compose(message, [email], _question_context(vouch, DOTS))
    return Preview(email, str(mail.subject), _readable(str(mail.body)))


def _readable(body: str) -> str:
    """A mail's text with the dots that stand for the secret, which an address has in code."""
    return body.replace(quote(DOTS), DOTS)


def _namesakes(signatory: Signatory) -> dict[str, Any]:
    """For whoever signs: what else this address, and this organisation, has under the letter."""
    entries = Signatory.objects.for_letter(signatory.letter).exclude(pk=signatory.pk)
    return {
        "others": list(
            entries.live()
            .filter(email=signatory.email)
            .exclude(state=Signatory.State.SUBMITTED)
            .order_by("pk")
        ),
        # That the organisation is on the public list, anyone may know.
        "listed": entries.approved().filter(name_key=signatory.name_key).first(),
    }


def _standing(signatory: Signatory) -> dict[str, Any]:
    """For whoever's sign-on was combined with another: the line that stands for it; None if none does any more."""
    standing = signatory.standing()
    return {
        "standing": standing if standing.pk != signatory.pk else None,
        "standing_number": number_of(signatory.letter, standing.line_id),
    }


def _make_digest(message: Message) -> EmailMultiAlternatives | None:
    letter = message.letter
    pending = Signatory.objects.for_letter(letter).pending()
    count = pending.count()
    correction_count = Correction.objects.filter(
        signatory__letter=letter, settled_at__isnull=True
    ).count()
    answers = pending.filter(vouches__answered_at__isnull=False).distinct()
    recipients = coordinator_addresses(letter)
    if not (count or correction_count) or not recipients:
        return None
    queue = reverse("admin:signatories_signatory_changelist")
    queue_url = f"{settings.BASE_URL}{queue}?letter__id__exact={letter.pk}"
    with translation.override(letter.default_language):
        context = {
            **_about(letter),
            "count": count,
            "correction_count": correction_count,
            "answer_count": answers.count(),
            "oldest": pending.oldest_first().first(),
            "queue_url": queue_url,
            "corrections_url": f"{queue_url}&state=correction",
            "answers_url": f"{queue_url}&organisation=answered",
        }
        # One mail to all: what fails for one is then not sent again to the others.
        return _compose(message, recipients, context)


def coordinator_addresses(letter: Letter) -> list[str]:
    """Where notes about a letter go: everyone active who may decide about its sign-ons and has an address."""
    return sorted({user.email for user in coordinators([letter.pk]) if user.email})


def _tell_of_latecomers(letter: Letter, *, since: datetime) -> None:
    """Queue the next digest for what came in while this one was being written."""
    entries = Signatory.objects.for_letter(letter).pending()
    if entries.filter(decisions__at__gte=since).exists():
        tell_coordinators(letter, at=timezone.now())


def _compose(message: Message, to: list[str], context: dict[str, Any]) -> EmailMultiAlternatives:
    folder = f"mail/{message.kind}"
    subject = " ".join(render_to_string(f"{folder}/subject.txt", context).split())
    mail = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string(f"{folder}/body.txt", context),
        to=to,
        reply_to=[message.letter.contact_address] if message.letter.contact_address else None,
        headers={
            # RFC 3834: no holiday notes in answer, please.
            "Auto-Submitted": "auto-generated",
            # The same on every attempt, so that a mail sent twice is shown once.
            "Message-ID": _message_id(message),
            **(_unsubscribe(context["updates_url"]) if message.update else {}),
        },
        connection=get_connection(),
    )
    mail.attach_alternative(render_to_string(f"{folder}/body.html", context), "text/html")
    return mail


def _unsubscribe(url: str) -> dict[str, str]:
    """What lets a mail program offer to stop the updates by itself (RFC 2369, RFC 8058)."""
    return {
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _message_id(message: Message) -> str:
    domain = settings.SERVER_EMAIL.rpartition("@")[2] or "localhost"
    made = message.created_at.strftime("%Y%m%d%H%M%S")
    return f"<undersigned.{message.pk}.{made}@{domain}>"
