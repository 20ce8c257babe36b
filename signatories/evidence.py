"""What a coordinator should know before deciding: signals that say what was seen, and never decide."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from time import monotonic
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django_countries import countries
from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer
from email_validator import EmailNotValidError, EmailUndeliverableError, validate_email

from letter.models import Letter, entrusted
from signatories import duplicates, name_signs
from signatories.domains import (
    DomainMatch,
    domain_match,
    domain_of_address,
    host_of,
    is_disposable,
    is_free_mail,
    own_domain,
)
from signatories.duplicates import Likeness
from signatories.models import Decision, Level, Message, Signatory, SignatoryQuerySet, Vouch
from signatories.names import name_key

logger = logging.getLogger(__name__)

# Country codes that are sold to everybody, or that are no country's.
OPEN_SUFFIXES: Final = frozenset(
    {"ac", "ai", "cc", "cd", "co", "eu", "fm", "gg", "im", "io", "la", "ly", "me", "nu", "sh",
     "so", "st", "su", "to", "tv", "vc", "ws"}
)  # fmt: skip
BURST_WITHIN: Final = timedelta(hours=24)
# So many other names from one network are odd; fewer are what a house of NGOs, or a meeting, has.
NETWORK_CROWD: Final = 3
# A confirmation stands for the line as it was printed then.
VOUCHED_FIELDS: Final = ("name", "countries", "label", "label_hidden")
WAITING: Final = (
    Signatory.State.SUBMITTED,
    Signatory.State.PENDING,
    Signatory.State.RETURNED,
)
QUICK_BELOW: Final = 3  # seconds
LETTERS_NAMED: Final = 3
# A batch of assessments stops after so long: mails, and on SQLite publications, have their turn between two.
BATCH_SECONDS: Final = 0.1
DNS_TIMEOUT: Final = 3  # seconds


# --- Signals ------------------------------------------------------------------


@dataclass(frozen=True)
class Signal:
    """One thing that was seen about an entry, in a sentence."""

    code: str
    level: Level
    sentence: str


_ORDER: Final = (Level.CAUTION, Level.GOOD, Level.NEUTRAL)


def signals(
    signatory: Signatory,
    *,
    at: datetime,
    likenesses: Iterable[Likeness] = (),
    viewer: Any = None,
) -> list[Signal]:
    """What can be seen about an entry at that time, cautions first.

    `likenesses` is what `duplicates.find_like` found; the entry's page shows it, too. To a viewer, what
    other letters say is said only of those they may work on, and of public lists; of the rest only that it
    advises caution. Without a viewer all is taken in.
    """
    mine = entrusted(viewer, "letter") if viewer else Q()
    answers = list(_vouches(signatory))
    is_vouched = any(signal.code == "vouched" for signal in answers)
    found = [
        *_address(signatory),
        *_domain(signatory, is_vouched=is_vouched),
        *answers,
        *_authority(signatory),
        *_history(signatory, at, mine),
        *_burst(signatory, mine),
        *_duplicate(likenesses),
        *_name(signatory),
        *_country(signatory),
        *(_elsewhere(signatory, at, mine) if mine else ()),
    ]
    if signatory.seconds_taken is not None and signatory.seconds_taken < QUICK_BELOW:
        sentence = gettext(
            "The form was sent within three seconds of being opened, which people rarely manage."
        )
        found.append(Signal("quick", Level.CAUTION, sentence))
    return sorted(found, key=lambda signal: _ORDER.index(signal.level))


def level_of(found: list[Signal]) -> Level:
    """All signals in one word.

    Good takes a confirmed address, at the website's domain or vouched for from there, and no caution.
    """
    if any(signal.level == Level.CAUTION for signal in found):
        return Level.CAUTION
    codes = {signal.code for signal in found}
    is_known = not codes.isdisjoint({"same_domain", "vouched"})
    return Level.GOOD if "confirmed" in codes and is_known else Level.NEUTRAL


def _date(at: datetime) -> str:
    return date_format(timezone.localtime(at), "DATE_FORMAT")


def _address(signatory: Signatory) -> Iterator[Signal]:
    if not signatory.email:
        sentence = gettext("There is no e-mail address: the entry did not come through the form.")
        yield Signal("no_address", Level.NEUTRAL, sentence)
    elif signatory.confirmed_at:
        sentence = gettext("The address was confirmed on %(date)s.")
        sentence %= {"date": _date(signatory.confirmed_at)}
        yield Signal("confirmed", Level.GOOD, sentence)
    else:
        sentence = gettext("The address is not confirmed.")
        yield Signal("unconfirmed", Level.NEUTRAL, sentence)


def _domain(signatory: Signatory, *, is_vouched: bool) -> Iterator[Signal]:
    domain = domain_of_address(signatory.email)
    words = {"domain": domain, "site": host_of(signatory.website)}
    if not signatory.website:
        yield Signal("no_website", Level.NEUTRAL, gettext("No website is given."))
    if is_disposable(signatory.email):
        sentence = gettext("The address is at %(domain)s, a provider of throw-away addresses.")
        yield Signal("disposable", Level.CAUTION, sentence % words)
    elif is_free_mail(signatory.email):
        sentence = gettext("The address is at %(domain)s, where anybody can have one.")
        yield Signal("free_mail", Level.NEUTRAL, sentence % words)
    else:
        match domain_match(signatory.email, signatory.website):
            case DomainMatch.SAME:
                sentence = gettext("The address's domain (%(domain)s) matches the website.")
                yield Signal("same_domain", Level.GOOD, sentence % words)
            case DomainMatch.OTHER:
                sentence = gettext(
                    "The address's domain (%(domain)s) is not the website's (%(site)s)."
                )
                # The organisation has said itself what is to be thought of it.
                level = Level.NEUTRAL if is_vouched else Level.CAUTION
                yield Signal("other_domain", level, sentence % words)
    if signatory.takes_mail is False:
        sentence = gettext("The domain %(domain)s takes no mail.")
        yield Signal("takes_no_mail", Level.CAUTION, sentence % words)


def _vouches(signatory: Signatory) -> Iterator[Signal]:
    """What the organisation was asked at its own domain, and what it said."""
    undelivered = Message.objects.filter(vouch=OuterRef("pk"), given_up_at__isnull=False)
    vouches = list(
        Vouch.objects.filter(signatory=signatory)
        .annotate(is_undelivered=Exists(undelivered))
        .order_by("asked_at", "pk")
    )
    answered = [vouch for vouch in vouches if vouch.answer]
    for vouch in answered:
        yield _answer(signatory, vouch)
    heard = {vouch.email for vouch in answered}
    # The last mail to each mailbox that is still silent.
    for vouch in {each.email: each for each in vouches if each.email not in heard}.values():
        words = {"address": _mailbox(vouch), "date": _date(vouch.asked_at)}
        sentence = gettext(
            "The organisation was asked at %(address)s on %(date)s and has not answered yet."
        )
        if vouch.is_undelivered:
            sentence = gettext(
                "The organisation was to be asked at %(address)s on %(date)s, but the mail could not be delivered."
            )
        yield Signal("asked", Level.NEUTRAL, sentence % words)


def _answer(signatory: Signatory, vouch: Vouch) -> Signal:
    assert vouch.answered_at is not None  # a constraint says so
    words = {
        "address": _mailbox(vouch),
        "date": _date(vouch.answered_at),
        "words": Truncator(" ".join(vouch.words.split())).chars(300),
    }
    if vouch.answer == Vouch.Answer.NO:
        sentence = gettext(
            "The organisation said from %(address)s on %(date)s that it does not sign."
        )
        if vouch.words:
            sentence = gettext(
                "The organisation said from %(address)s on %(date)s that it does not sign: “%(words)s”"
            )
        return Signal("disowned", Level.CAUTION, sentence % words)
    if not _stands_for(vouch, signatory):
        sentence = gettext(
            "The organisation confirmed the sign-on from %(address)s on %(date)s, but the entry was changed since."
        )
        return Signal("vouched_before_change", Level.NEUTRAL, sentence % words)
    sentence = gettext("The organisation confirmed the sign-on from %(address)s on %(date)s.")
    if vouch.words:
        sentence = gettext(
            "The organisation confirmed the sign-on from %(address)s on %(date)s: “%(words)s”"
        )
    return Signal("vouched", Level.GOOD, sentence % words)


def _mailbox(vouch: Vouch) -> str:
    # The address is forgotten with the contacts of a closed letter.
    return vouch.email or gettext("its own domain")


def _stands_for(vouch: Vouch, signatory: Signatory) -> bool:
    """Whether a confirmation was of this line and this website: both may be corrected afterwards."""
    if vouch.email and domain_of_address(vouch.email) != own_domain(signatory.website):
        return False
    since = signatory.changes.filter(at__gt=vouch.answered_at, field__in=VOUCHED_FIELDS)
    return not since.exists()


def _authority(signatory: Signatory) -> Iterator[Signal]:
    role = signatory.contact_role
    if not role:
        sentence = gettext("No role of the contact is stated.")
        yield Signal("no_role", Level.NEUTRAL, sentence)
    elif name_signs.may_usually_sign(role):
        sentence = gettext("The contact's role, “%(role)s”, is one that usually may sign.")
        yield Signal("may_sign", Level.GOOD, sentence % {"role": role})
    else:
        sentence = gettext("The contact's role is stated as “%(role)s”.")
        yield Signal("other_role", Level.NEUTRAL, sentence % {"role": role})


def _history(signatory: Signatory, at: datetime, mine: Q) -> Iterator[Signal]:
    same = _same_organization(signatory)
    known = mine | Q(letter__in=Letter.objects.public()) if mine else Q()
    titles = list(
        Signatory.objects.approved()
        .filter(same, known, approved_at__lte=at)
        .exclude(letter=signatory.letter_id)
        .order_by("letter_id")
        .values_list("letter__title", flat=True)
        .distinct()
    )
    if titles:
        named = ", ".join(gettext("“%s”") % title for title in titles[-LETTERS_NAMED:])
        sentence = ngettext(
            "It is on the list of %(count)d other letter: %(letters)s.",
            "It is on the lists of %(count)d other letters, among them %(letters)s.",
            len(titles),
        )
        sentence %= {"count": len(titles), "letters": named}
        yield Signal("approved_before", Level.GOOD, sentence)
    last = (
        _rejections(Signatory.objects.filter(same, mine).exclude(pk=signatory.pk), at)
        .select_related("signatory__letter")
        .order_by("-at", "-pk")
        .first()
    )
    if last:
        sentence = gettext("It was rejected from “%(letter)s” on %(date)s: %(reason)s") % {
            "letter": last.signatory.letter,
            "date": _date(last.at),
            "reason": Truncator(" ".join(last.reason.split())).chars(200),
        }
        yield Signal("rejected_before", Level.CAUTION, sentence)


def _same_organization(signatory: Signatory) -> Q:
    same = Q(name_key=signatory.name_key)
    if signatory.organization_id:
        same |= Q(organization=signatory.organization_id)
    return same


def _rejections(entries: QuerySet[Signatory], at: datetime) -> QuerySet[Decision]:
    return Decision.objects.filter(
        signatory__in=entries, to_state=Signatory.State.REJECTED, at__lte=at
    )


def _elsewhere(signatory: Signatory, at: datetime, mine: Q) -> Iterator[Signal]:
    """That there is a caution on letters that are not the viewer's: no letter, no reason, no number."""
    others = Signatory.objects.filter(_same_organization(signatory)).exclude(mine)
    if _rejections(others, at).exists() or _others_within_a_day(signatory).exclude(mine).exists():
        sentence = gettext(
            "Something that advises caution was seen on a letter that you do not work on. "
            "A coordinator of all letters can tell you more."
        )
        yield Signal("elsewhere", Level.CAUTION, sentence)


def _burst(signatory: Signatory, mine: Q) -> Iterator[Signal]:
    others = _others_within_a_day(signatory).filter(mine)
    if count := others.filter(email=signatory.email).count():
        sentence = ngettext(
            "The same address signed for %(count)d other name within a day.",
            "The same address signed for %(count)d other names within a day.",
            count,
        )
        yield Signal("same_address", Level.CAUTION, sentence % {"count": count})
    if count := others.exclude(email=signatory.email).count():
        sentence = ngettext(
            "Another address at %(domain)s signed for %(count)d other name within a day.",
            "Other addresses at %(domain)s signed for %(count)d other names within a day.",
            count,
        )
        sentence %= {"count": count, "domain": domain_of_address(signatory.email)}
        yield Signal("same_address_domain", Level.CAUTION, sentence)
    if count := _names_of_the_network(signatory):
        sentence = ngettext(
            "%(count)d other name signed from the same network within a day.",
            "%(count)d other names signed from the same network within a day.",
            count,
        )
        level = Level.CAUTION if count >= NETWORK_CROWD else Level.NEUTRAL
        yield Signal("same_network", level, sentence % {"count": count})


def burst_of(signatory: Signatory) -> SignatoryQuerySet:
    """What waits on its letter and came within a day from the same network, address or domain; with it, if it waits."""
    alike = Q(pk=signatory.pk)
    if signatory.email:
        alike |= _same_sender(signatory)
    if signatory.network:
        alike |= Q(network=signatory.network)
    waiting = Signatory.objects.for_letter(signatory.letter).pending()
    return waiting.filter(alike, submitted_at__range=_day(signatory))


def _others_within_a_day(signatory: Signatory) -> QuerySet[Signatory]:
    """Other names from the same address or domain; the same name is signing other letters."""
    if not signatory.email:
        return Signatory.objects.none()
    return _around(signatory).filter(_same_sender(signatory))


def _same_sender(signatory: Signatory) -> Q:
    alike = Q(email=signatory.email)
    if not is_free_mail(signatory.email):
        alike |= Q(email__endswith=f"@{domain_of_address(signatory.email)}")
    return alike


def _same_network(signatory: Signatory) -> QuerySet[Signatory]:
    """Other names whose forms came from the same network."""
    if not signatory.network:
        return Signatory.objects.none()
    return _around(signatory).filter(network=signatory.network)


def _names_of_the_network(signatory: Signatory) -> int:
    return _same_network(signatory).values("name_key").distinct().count()


def _around(signatory: Signatory) -> QuerySet[Signatory]:
    """Other names that came in within a day; what was taken back since is no longer odd.

    What was rejected is: else the last of a burst that is settled one by one would look like any other.
    """
    others = Signatory.objects.filter(submitted_at__range=_day(signatory))
    return others.exclude(state=Signatory.State.WITHDRAWN).exclude(name_key=signatory.name_key)


def _day(signatory: Signatory) -> tuple[datetime, datetime]:
    return (signatory.submitted_at - BURST_WITHIN, signatory.submitted_at + BURST_WITHIN)


def _duplicate(likenesses: Iterable[Likeness]) -> Iterator[Signal]:
    for like in likenesses:
        if like.is_duplicate:
            assert like.signatory is not None
            sentence = gettext(
                "“%(name)s” (%(reference)s, %(state)s) is on this letter and probably the same organisation."
            ) % {
                "name": like.name,
                "reference": like.signatory.reference,
                "state": like.signatory.get_state_display(),
            }
            yield Signal("duplicate", Level.CAUTION, sentence)


def _name(signatory: Signatory) -> Iterator[Signal]:
    name = signatory.name
    if mixed := name_signs.mixed_words(name):
        sentence = gettext("Letters of scripts that look alike are mixed in “%(word)s”.")
        yield Signal("mixed_scripts", Level.CAUTION, sentence % {"word": " ".join(mixed)})
    if name_signs.is_link(name):
        sentence = gettext("There is a web address in the name.")
        yield Signal("link", Level.CAUTION, sentence)
    elif name_signs.is_host(name):
        sentence = gettext("The name reads like a site's.")
        yield Signal("host", Level.NEUTRAL, sentence)
    if name_signs.is_shouted(name):
        sentence = gettext("The name is all in capitals.")
        yield Signal("shouted", Level.NEUTRAL, sentence)
    if signatory.contact_name and name_key(signatory.contact_name) == name_key(name):
        sentence = gettext("The organisation's name is the contact's own.")
        yield Signal("own_name", Level.CAUTION, sentence)
    elif name_signs.looks_personal(name):
        level = Level.CAUTION if is_free_mail(signatory.email) else Level.NEUTRAL
        yield Signal("personal", level, gettext("The name may be a person's."))


def _country(signatory: Signatory) -> Iterator[Signal]:
    host = host_of(signatory.website) or domain_of_address(signatory.email)
    suffix = host.rpartition(".")[2]
    code = {"uk": "GB"}.get(suffix, suffix.upper())
    # Two letters: django_countries also knows the code "COM", of the Comoros.
    is_country = len(suffix) == 2 and suffix.isalpha() and bool(countries.name(code))
    if not is_country or suffix in OPEN_SUFFIXES or not signatory.countries:
        return
    words = {"suffix": f".{suffix}", "country": countries.name(code)}
    if code in signatory.countries:
        sentence = gettext("The domain ends in %(suffix)s, for %(country)s, as the entry says.")
        yield Signal("same_country", Level.GOOD, sentence % words)
    else:
        sentence = gettext(
            "The domain ends in %(suffix)s, for %(country)s, which the entry does not name."
        )
        yield Signal("other_country", Level.NEUTRAL, sentence % words)


# --- The stored summary -------------------------------------------------------


def assess(signatory: Signatory, at: datetime) -> list[Signatory]:
    """Store what the queue filters by, and give the entries on the letter that are likely duplicates.

    The caller holds the row's lock, or it may be old by then.
    """
    likenesses = duplicates.find_like(signatory)
    same = [like.signatory for like in likenesses if like.is_duplicate and like.signatory]
    if signatory.state in {Signatory.State.REJECTED, Signatory.State.WITHDRAWN}:
        same = []
    Signatory.objects.filter(pk=signatory.pk).update(
        evidence_level=level_of(signals(signatory, at=at, likenesses=likenesses)),
        is_free_mail=is_free_mail(signatory.email),
        takes_mail=signatory.takes_mail,
        likely_same_as=same[0] if same else None,
        assessed_at=at,
    )
    return same


def assess_due(at: datetime, limit: int = 200) -> int:
    """Assess entries that have not been yet, or changed since; give how many.

    Those that wait for a decision come first, then those that others are taken for duplicates of.
    """
    until = monotonic() + BATCH_SECONDS
    answers: dict[str, bool | None] = {}
    done = 0
    waiting = _due().filter(state__in=WAITING).order_by("submitted_at", "pk")
    decided = _due().filter(likely_same_as__isnull=False).exclude(state__in=WAITING).order_by("pk")
    for pk, email in chain(
        *(some.values_list("pk", "email")[:limit] for some in (waiting, decided))
    ):
        if monotonic() > until:
            break
        domain = domain_of_address(email)
        if settings.CHECK_MAIL_DOMAINS and domain not in answers:
            answers[domain] = takes_mail(email)
        try:
            done += _assess_locked(pk, email, at, takes=answers.get(domain))
        except Exception:
            # Not again and again: it would keep those behind it from their turn.
            logger.exception("sign-on %s could not be assessed", pk)
            Signatory.objects.filter(pk=pk).update(evidence_level="", assessed_at=at)
    return done


def _due() -> SignatoryQuerySet:
    return Signatory.objects.filter(assessed_at__isnull=True)


def _assess_locked(pk: int, email: str, at: datetime, *, takes: bool | None) -> bool:
    """Assess the entry as it is now; False if another worker did, or its address is another by now."""
    with transaction.atomic():
        signatory = _due().locked().filter(pk=pk, email=email).first()
        if signatory is None:
            return False
        signatory.takes_mail = takes
        same = assess(signatory, at)
    _caution_others(signatory, same)
    return True


def _caution_others(signatory: Signatory, same: list[Signatory]) -> None:
    """Let a burst or a duplicate show on those that came before it was one, and go where it is none."""
    unaware = Q(evidence_level__in=[Level.GOOD, Level.NEUTRAL])
    pks = set(_others_within_a_day(signatory).filter(unaware).values_list("pk", flat=True))
    neighbours = _same_network(signatory).filter(unaware).exclude(pk__in=pks)
    pks |= {each.pk for each in neighbours if _names_of_the_network(each) >= NETWORK_CROWD}
    # One by one: several at once could wait for a coordinator who waits for one of them.
    for pk in sorted(pks):
        Signatory.objects.filter(pk=pk).update(evidence_level=Level.CAUTION)
    for other in same if signatory.state in duplicates.STANDING else []:
        Signatory.objects.filter(pk=other.pk, likely_same_as=None).update(
            likely_same_as=signatory, evidence_level=Level.CAUTION
        )
    mistaken = Signatory.objects.filter(likely_same_as=signatory)
    for pk in mistaken.exclude(pk__in=[other.pk for other in same]).values_list("pk", flat=True):
        Signatory.objects.filter(pk=pk).update(assessed_at=None)


def renew_others(signatories: Iterable[Signatory]) -> None:
    """Have what waits assessed anew where it counts that these were just decided about, or erased.

    Within the transaction of the decision it would wait for colleagues who wait for it, so it is done
    after; if the process dies in between, the queue's filter is behind until the entry changes again.
    """
    if known := list(signatories):
        transaction.on_commit(partial(_renew, known), robust=True)


def _renew(signatories: list[Signatory]) -> None:
    assessed = Signatory.objects.filter(state__in=WAITING, assessed_at__isnull=False)
    organizations = {each.organization_id for each in signatories} - {None}
    same = Q(name_key__in={each.name_key for each in signatories})
    pks = set(
        assessed.filter(same | Q(organization__in=organizations)).values_list("pk", flat=True)
    )
    # One too many does no harm, so all are looked for at once and not each in its own day.
    senders = set().union(*(_sender(each.email, each.network) for each in signatories))
    if senders:
        times = [each.submitted_at for each in signatories]
        days = (min(times) - BURST_WITHIN, max(times) + BURST_WITHIN)
        near = assessed.filter(submitted_at__range=days).values_list("pk", "email", "network")
        pks |= {
            pk for pk, email, network in near if not senders.isdisjoint(_sender(email, network))
        }
    # One by one, for the same reason as above.
    for pk in sorted(pks):
        Signatory.objects.filter(pk=pk, state__in=WAITING).update(assessed_at=None)


def _sender(email: str, network: str) -> set[str]:
    """By what entries of one burst are told."""
    domain = "" if is_free_mail(email) else domain_of_address(email)
    return {email, domain, network} - {""}


def takes_mail(email: str) -> bool | None:
    """Whether the DNS knows where mail to this address goes; None if it gives no answer. Uses the network."""
    try:
        checked = validate_email(email, check_deliverability=True, timeout=DNS_TIMEOUT)
    except EmailUndeliverableError as refused:
        # It also stands for whatever else went wrong, which says nothing about the domain.
        known = refused.__cause__ is None or isinstance(refused.__cause__, NXDOMAIN | NoAnswer)
        return False if known else None
    except (EmailNotValidError, DNSException):
        return None
    return True if getattr(checked, "mx", None) else None
