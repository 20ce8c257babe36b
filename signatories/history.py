"""An entry's history in words: what was decided and changed, by whom, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from signatories import other_names
from signatories.models import Decision, Event, Signatory, Vouch

Actor = Decision.Actor


def in_words(value: Any) -> str:
    """A field's value as the history shows it."""
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, dict):
        return other_names.written(value)
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
    """What was decided, changed, asked and answered, by whom and why, oldest first; in a fixed number of queries."""
    others = _combined_with(signatory)
    rows = [
        Happening(
            decision.at,
            _what(Event(decision.event), others.get(decision.at)),
            str(decision.user or Actor(decision.actor).label),
            decision.reason,
        )
        for decision in signatory.decisions.in_order().select_related("user")
    ]
    rows += _stood_for(signatory)
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


def _what(event: Event, other: Signatory | None) -> str:
    if other is None or event not in {Event.MERGE, Event.SPLIT}:
        return str(event.label)
    return gettext("%(what)s: %(line)s (%(reference)s)") % {
        "what": event.label,
        "line": other.line,
        "reference": other.reference,
    }


def _combined_with(signatory: Signatory) -> dict[datetime, Signatory]:
    """With which other an entry was combined, by the moments at which it was and was separated again."""
    others: dict[datetime, Signatory] = {}
    for merge in signatory.merges_away.select_related("survivor"):
        assert merge.survivor is not None
        others |= {at: merge.survivor for at in (merge.at, merge.undone_at) if at}
    return others


def _stood_for(signatory: Signatory) -> list[Happening]:
    """When another was combined with this entry, which stands for both, and separated again."""
    rows = []
    for merge in signatory.merges.select_related("merged", "user", "undone_by"):
        assert merge.merged is not None
        words = {"line": merge.merged.line, "reference": merge.merged.reference}
        combined = gettext("stands for another sign-on, too: %(line)s (%(reference)s)") % words
        rows.append(Happening(merge.at, combined, str(merge.user), ""))
        if merge.undone_at:
            separated = gettext("no longer stands for %(line)s (%(reference)s)") % words
            rows.append(Happening(merge.undone_at, separated, str(merge.undone_by), ""))
    return rows


def what_happened(signatory: Signatory, *, since: int) -> list[str]:
    """What happened to an entry since it had a version, in words: each happening counted it up by one."""
    count = max(1, signatory.version - since)
    return [
        gettext("%(what)s by %(who)s") % {"what": row.what, "who": row.who}
        for row in history(signatory)[-count:]
    ]
