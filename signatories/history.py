"""An entry's history in words: what was decided and changed, by whom, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from signatories.models import Decision, Event, Signatory, Vouch

Actor = Decision.Actor


def in_words(value: Any) -> str:
    """A field's value as the history shows it."""
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return str(value)


@dataclass(frozen=True)
class Happening:
    """One row of an entry's history."""

    at: datetime
    what: str
    who: str
    reason: str


def history(signatory: Signatory) -> list[Happening]:
    """What was decided, changed, asked and answered, by whom and why, oldest first; in four queries."""
    rows = [
        Happening(
            decision.at,
            str(Event(decision.event).label),
            str(decision.user or Actor(decision.actor).label),
            decision.reason,
        )
        for decision in signatory.decisions.in_order().select_related("user")
    ]
    for change in signatory.changes.select_related("user"):
        what = gettext("%(field)s: “%(old)s” became “%(new)s”") % {
            "field": Signatory._meta.get_field(change.field).verbose_name,  # type: ignore[union-attr]  # a plain field
            "old": change.old,
            "new": change.new,
        }
        who = str(change.user or Actor(change.actor).label)
        rows.append(Happening(change.at, what, who, ""))
    rows += [
        Happening(
            correction.asked_at,
            gettext("correction asked for: “%(line)s”") % {"line": correction.line},
            str(Actor.CONTACT.label),
            "",
        )
        for correction in signatory.corrections.all()
    ]
    for vouch in signatory.vouches.select_related("user"):
        rows += _of_vouch(vouch)
    return sorted(rows, key=lambda row: row.at)


def _of_vouch(vouch: Vouch) -> Iterator[Happening]:
    asked = gettext("asked the organisation")
    if vouch.email:
        asked = gettext("asked the organisation at %(address)s") % {"address": vouch.email}
    yield Happening(vouch.asked_at, asked, str(vouch.user), "")
    if vouch.answered_at:
        what = gettext("confirmed that it signs")
        if vouch.answer == Vouch.Answer.NO:
            what = gettext("said that it does not sign")
        yield Happening(vouch.answered_at, what, gettext("the organisation"), vouch.words)


def what_happened(signatory: Signatory, *, since: int) -> list[str]:
    """What happened to an entry since it had a version, in words: each happening counted it up by one."""
    count = max(1, signatory.version - since)
    return [
        gettext("%(what)s by %(who)s") % {"what": row.what, "who": row.who}
        for row in history(signatory)[-count:]
    ]
