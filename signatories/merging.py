"""Two sign-ons of one letter, or two organisations of the registry, combined into one; and separated again.

Nothing is deleted. One entry stays, and the other goes to "withdrawn" through `moderation` and says into
which it was merged; likewise an organisation, whose sign-ons and names go over. `Merge.moved` holds what
is needed to go back, for REVERSIBLE_FOR and no longer. Going back touches only what is as the merge left
it: what was changed since is kept, and said.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from signatories import moderation
from signatories.duplicates import index_organizations, judge, may_judge
from signatories.history import what_happened
from signatories.models import (
    Alias,
    Correction,
    Decision,
    Event,
    Merge,
    Organization,
    Signatory,
    Verdict,
)
from signatories.moderation import (
    TRANSITIONS,
    By,
    ChangedMeanwhile,
    Combined,
    Gone,
    Refused,
    State,
    TransitionRefused,
)
from signatories.names import name_key

REVERSIBLE_FOR: Final = timedelta(days=30)
# What the two entries may differ in and the survivor may take from the other; a contact is one person.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "name": ("name", "sort_as", "other_names"),
    "countries": ("countries",),
    "label": ("label", "label_hidden"),
    "website": ("website",),
    "contact": ("contact_name", "contact_role", "email", "language", "wants_updates"),
    "note": ("note",),
}
GROUP_NAMES: Final[dict[str, Promise]] = {
    "name": _("Name"),
    "countries": _("Countries"),
    "label": _("Label"),
    "website": _("Website"),
    "contact": _("Contact"),
    "note": _("Note"),
}
# Of these, `Merge.moved` may hold what says who the contact was.
PERSONAL: Final = ("contact", "note")


class NotMergeable(Refused):
    """The two are not two of the same kind that could be one."""


class NotReversible(Refused):
    """The merge was undone, or is too long ago, or something later stands on it."""


def can_be_merged(signatory: Signatory) -> bool:
    """Whether an entry is in a state in which it can be combined with another."""
    return (State(signatory.state), Event.MERGE) in TRANSITIONS


def why_not(survivor: Signatory, merged: Signatory) -> Refused | None:
    """Why two entries as they are cannot be combined; None where they can."""
    if survivor.pk == merged.pk or survivor.letter_id != merged.letter_id:
        return NotMergeable(gettext("only two sign-ons of the same letter can be combined"))
    for each in (survivor, merged):
        if each.merged_into is not None:
            return Combined(each.merged_into)
        if not can_be_merged(each):
            return TransitionRefused(State(each.state), Event.MERGE)
    return None


def is_reversible(merge: Merge, *, at: datetime) -> bool:
    """Whether it is neither undone, nor too long ago, nor to be undone with the organisations'."""
    return merge.undone_at is None and merge.part_of_id is None and at < merge.at + REVERSIBLE_FOR


def by_default(one: Signatory, other: Signatory) -> tuple[Signatory, Signatory]:
    """The two with the one that stays first: that on the list, else the older."""
    on_list = [each for each in (one, other) if each.state == State.APPROVED]
    survivor = on_list[0] if len(on_list) == 1 else min(one, other, key=_age)
    return (one, other) if survivor is one else (other, one)


def _age(signatory: Signatory) -> tuple[datetime, int]:
    return signatory.submitted_at, signatory.pk


def differing(one: Signatory, other: Signatory) -> list[str]:
    """The groups of fields in which two entries differ."""
    return [
        group
        for group, names in GROUPS.items()
        if any(getattr(one, name) != getattr(other, name) for name in names)
    ]


# --- Two entries --------------------------------------------------------------


@transaction.atomic
def merge_entries(
    survivor_pk: int,
    merged_pk: int,
    *,
    by: By,
    take: Collection[str] = (),
    with_alias: bool = False,
    seen: Mapping[int, int] | None = None,
    at: datetime | None = None,
) -> Merge:
    """Combine two entries of one letter; `take` has the GROUPS whose values come from the one that goes.

    `with_alias` makes the name that is not printed another name of the survivor's organisation. `seen` has
    the versions that were shown, by primary key. Raises ChangedMeanwhile, TransitionRefused, Combined,
    AlreadyListed (by a chosen name), NotMergeable or Gone; nothing has changed then.
    """
    at = at or timezone.now()
    entries = _locked_entries(Q(pk__in=[survivor_pk, merged_pk]))
    if not {survivor_pk, merged_pk} <= entries.keys():
        raise Gone
    survivor, merged = entries[survivor_pk], entries[merged_pk]
    _refuse_changed(entries.values(), seen or {})
    if refused := why_not(survivor, merged):
        raise refused
    merge = _merge(survivor, merged, by=by, at=at)
    names = [survivor.name, merged.name]
    merge.moved["organization"] = survivor.organization_id
    merge.moved["verdict"] = _judge_same(survivor.name, merged.name, by=by, at=at)
    merge.moved["fields"] = _take(survivor, merged, take, by=by, at=at)
    if with_alias and survivor.organization is not None:
        new = unknown_names(survivor.organization, names)
        merge.moved["aliases"] = [_add_alias(survivor.organization, name) for name in new]
        index_organizations([survivor.organization])
    merge.save(update_fields=["moved"])
    return merge


def _locked_entries(wanted: Q) -> dict[int, Signatory]:
    return {each.pk: each for each in Signatory.objects.locked().filter(wanted)}


def _refuse_changed(entries: Iterable[Signatory], seen: Mapping[int, int]) -> None:
    for each in entries:
        if (version := seen.get(each.pk, each.version)) != each.version:
            since = what_happened(each, since=version) or [gettext("something was saved")]
            raise ChangedMeanwhile([f"{each.reference}: {what}" for what in since])


def _merge(
    survivor: Signatory, merged: Signatory, *, by: By, at: datetime, part_of: Merge | None = None
) -> Merge:
    """Let one of two locked entries stand for both."""
    moderation.combine(merged, survivor, by=by, at=at)
    moved: dict[str, Any] = {}
    # Nobody can settle what is asked for a line that another stands for.
    correction = merged.corrections.filter(settled_at__isnull=True).first()
    if correction is not None:
        moved["correction"] = {
            "name": correction.name,
            "countries": correction.countries,
            "other_names": correction.other_names,
            "website": correction.website,
            "asked_at": correction.asked_at.isoformat(),
        }
        correction.delete()
    return Merge.objects.create(
        survivor=survivor, merged=merged, part_of=part_of, user=by.user, at=at, moved=moved
    )


def _take(
    survivor: Signatory, merged: Signatory, take: Collection[str], *, by: By, at: datetime
) -> dict[str, Any]:
    """Give the survivor the values chosen from the other; what they were and became, by group."""
    fields: dict[str, Any] = {}
    changes: dict[str, Any] = {}
    for group in differing(survivor, merged):
        if group in take:
            names = GROUPS[group]
            fields[group] = {
                "before": {name: getattr(survivor, name) for name in names},
                "after": {name: getattr(merged, name) for name in names},
            }
            changes |= fields[group]["after"]
    if changes:
        moderation.apply_changes(survivor, changes, by=by, at=at)
    if "contact" in fields:
        # It was one address that was confirmed, and not another.
        fields["contact"]["confirmed_at"] = _text(survivor.confirmed_at)
        survivor.confirmed_at = merged.confirmed_at
        survivor.save(update_fields=["confirmed_at"])
    return fields


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _judge_same(one: str, other: str, *, by: By, at: datetime) -> dict[str, Any]:
    """Note that two names are the same organisation's; the verdict that there was, to go back to.

    Nothing, where the names are equal, or somebody decided about them whose word counts for more.
    """
    keys = sorted((name_key(one), name_key(other)))
    if keys[0] == keys[1] or not may_judge(one, other, user=by.user):
        return {}
    before = Verdict.objects.filter(first_key=keys[0], second_key=keys[1]).first()
    judge(one, other, Verdict.Kind.SAME, user=by.user, at=at)
    then = before and {"kind": before.kind, "user": before.user_id, "at": _text(before.at)}
    return {"keys": keys, "before": then}


def unknown_names(organization: Organization, names: Iterable[str]) -> list[str]:
    """Those of the names by which neither this nor another organisation of the registry is known."""
    by_key = {name_key(name): name for name in names}
    organizations = Organization.objects.filter(name_key__in=by_key)
    known = {*organizations.values_list("name_key", flat=True)}
    known |= {*organization.aliases.values_list("name_key", flat=True)}
    return [name for key, name in by_key.items() if key not in known]


def _add_alias(organization: Organization, name: str) -> list[Any]:
    """Make a name another of the organisation's; the primary key and the name."""
    alias = Alias.objects.create(organization=organization, name=name, name_key=name_key(name))
    return [alias.pk, name]


# --- Two organisations ----------------------------------------------------------


def listed_twice(survivor: Organization, merged: Organization) -> list[tuple[Signatory, Signatory]]:
    """The entries of both that are on the same letter's list: they become one, too."""
    approved = Signatory.objects.approved().select_related("letter").order_by("letter", "pk")
    theirs = {each.letter_id: each for each in approved.filter(organization=merged)}
    return [
        (each, theirs[each.letter_id])
        for each in approved.filter(organization=survivor)
        if each.letter_id in theirs
    ]


@transaction.atomic
def merge_organizations(
    survivor_pk: int,
    merged_pk: int,
    *,
    by: By,
    take_website: bool = False,
    seen: Mapping[int, int] | None = None,
    at: datetime | None = None,
) -> Merge:
    """Combine two organisations of the registry: sign-ons and names go over to the one that stays.

    `seen` has the versions of the entries that are listed on the same letter, as they were shown. Raises
    ChangedMeanwhile, NotMergeable, Gone or what `merge_entries` does; nothing has changed then.
    """
    at = at or timezone.now()
    entries = _locked_entries(Q(organization__in=[survivor_pk, merged_pk]))
    survivor, merged = _locked_organizations(survivor_pk, merged_pk)
    if survivor == merged:
        raise NotMergeable(gettext("only two different organisations can be combined"))
    for one in (survivor, merged):
        if one.merged_into is not None:
            raise NotMergeable(
                gettext("“%(name)s” was combined with “%(other)s” already")
                % {"name": one.name, "other": one.merged_into.name}
            )
    # What was linked to them between the two locks is not locked.
    linked = Signatory.objects.filter(organization__in=[survivor_pk, merged_pk])
    twice = listed_twice(survivor, merged)
    shown = {each.pk for pair in twice for each in pair}
    if set(linked.values_list("pk", flat=True)) != entries.keys() or (
        seen is not None and seen.keys() != shown
    ):
        raise ChangedMeanwhile([gettext("their sign-ons are others by now")])
    _refuse_changed(entries.values(), seen or {})

    merge = Merge.objects.create(
        organization=survivor, merged_organization=merged, user=by.user, at=at
    )
    for stays, goes in twice:
        _merge(entries[stays.pk], entries[goes.pk], by=by, at=at, part_of=merge)
    moved = [
        each
        for each in entries.values()
        if each.organization_id == merged.pk and each.merged_into_id is None
    ]
    for each in moved:
        moderation.apply_changes(each, {"organization": survivor}, by=by, at=at)
    known = {survivor.name_key, *survivor.aliases.values_list("name_key", flat=True)}
    aliases = [each for each in merged.aliases.all() if each.name_key not in known]
    Alias.objects.filter(pk__in=[each.pk for each in aliases]).update(organization=survivor)
    # It may be one of the other's names already.
    known |= {each.name_key for each in aliases}
    merge.moved = {
        "entries": [each.pk for each in moved],
        "moved_aliases": [each.pk for each in aliases],
        "aliases": [] if merged.name_key in known else [_add_alias(survivor, merged.name)],
        "verdict": _judge_same(survivor.name, merged.name, by=by, at=at),
    }
    if take_website and survivor.website != merged.website:
        merge.moved["website"] = [survivor.website, merged.website]
        survivor.website = merged.website
        survivor.save(update_fields=["website"])
    merge.save(update_fields=["moved"])
    merged.merged_into = survivor
    merged.save(update_fields=["merged_into"])
    index_organizations([survivor, merged])
    return merge


def _locked_organizations(*pks: int) -> list[Organization]:
    """For which whoever links a sign-on to one of them waits; raises Gone."""
    locked = {
        each.pk: each
        for each in Organization.objects.select_for_update().filter(pk__in=pks).order_by("pk")
    }
    if not set(pks) <= locked.keys():
        raise Gone
    return [locked[pk] for pk in pks]


# --- The way back ---------------------------------------------------------------


@transaction.atomic
def undo(pk: int, *, by: By, at: datetime | None = None) -> list[str]:
    """Separate what was combined; give, in words, what was changed since and therefore stays.

    Raises NotReversible or Gone; nothing has changed then.
    """
    at = at or timezone.now()
    merge = Merge.objects.filter(pk=pk).first()
    if merge is None:
        raise Gone
    # The entries first, as everywhere; then the merge is read anew, for somebody may have been faster.
    parts = Q(merges__part_of=pk) | Q(merges_away__part_of=pk)
    pks = Signatory.objects.filter(Q(merges=pk) | Q(merges_away=pk) | parts).values("pk")
    entries = _locked_entries(Q(pk__in=pks) | Q(pk__in=merge.moved.get("entries", [])))
    merge = Merge.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if merge is None:
        raise Gone
    _refuse_irreversible(merge, at=at)
    if merge.organization_id is None:
        return _separate_entries(merge, entries, by=by, at=at)
    return _separate_organizations(merge, entries, by=by, at=at)


def _refuse_irreversible(merge: Merge, *, at: datetime) -> None:
    if merge.undone_at is not None:
        raise NotReversible(gettext("they were separated already"))
    if merge.part_of_id is not None:
        raise NotReversible(
            gettext("they were combined along with their organisations; separate those")
        )
    if not is_reversible(merge, at=at):
        raise NotReversible(
            ngettext(
                "it was more than %(days)s day ago",
                "it was more than %(days)s days ago",
                REVERSIBLE_FOR.days,
            )
            % {"days": REVERSIBLE_FOR.days}
        )
    survivor = merge.survivor or merge.organization
    assert survivor is not None
    if survivor.merged_into is not None:
        raise NotReversible(
            gettext("“%(name)s” was combined with “%(other)s” since; separate those first")
            % {"name": survivor.name, "other": survivor.merged_into.name}
        )


def _separate_entries(
    merge: Merge, entries: Mapping[int, Signatory], *, by: By, at: datetime
) -> list[str]:
    assert merge.survivor_id is not None
    assert merge.merged_id is not None
    survivor, merged = entries[merge.survivor_id], entries[merge.merged_id]
    moved = merge.moved
    kept = _give_back(survivor, moved, by=by, at=at)
    if not _unjudge(moved.get("verdict"), by=by):
        kept.append(gettext("what was decided about the two names since"))
    if by.user is None or by.user.has_perm("signatories.change_organization"):
        _remove_aliases(moved.get("aliases", []))
    else:
        kept += [
            gettext("“%(name)s”, which the registry has as another name") % {"name": name}
            for _pk, name in moved.get("aliases", [])
        ]
    if correction := moved.get("correction"):
        Correction.objects.create(
            signatory=merged,
            **{**correction, "asked_at": datetime.fromisoformat(correction["asked_at"])},
        )
    refused = moderation.separate(merged, by=by, at=at)
    # The two may be taken for each other's duplicates again.
    Signatory.objects.filter(pk=survivor.pk).update(assessed_at=None)
    if refused is not None:
        kept.append(
            gettext("“%(name)s” (%(reference)s) waits for a decision: %(reason)s")
            % {"name": merged.name, "reference": merged.reference, "reason": refused}
        )
    _close(merge, by=by, at=at)
    return kept


def _give_back(survivor: Signatory, moved: Mapping[str, Any], *, by: By, at: datetime) -> list[str]:
    """Give the survivor the values it had; those in words that were changed since."""
    kept = []
    for group, values in moved.get("fields", {}).items():
        is_as_left = all(getattr(survivor, name) == now for name, now in values["after"].items())
        try:
            if not is_as_left:
                raise ChangedMeanwhile([])
            with transaction.atomic():
                moderation.apply_changes(survivor, values["before"], by=by, at=at)
                _link_back(survivor, moved, group, by=by, at=at)
        except Refused:
            survivor.refresh_from_db()
            kept.append(
                gettext("the %(field)s of “%(name)s”")
                % {"field": str(GROUP_NAMES[group]).lower(), "name": survivor.name}
            )
            continue
        if group == "contact":
            survivor.confirmed_at = _moment(values["confirmed_at"])
            survivor.save(update_fields=["confirmed_at"])
    return kept


def _link_back(
    survivor: Signatory, moved: Mapping[str, Any], group: str, *, by: By, at: datetime
) -> None:
    """With its old name, an approved entry stands under its old organisation again."""
    before = moved.get("organization")
    if group != "name" or survivor.organization_id == before or before is None:
        return
    organization = Organization.objects.filter(pk=before).first()
    if organization is not None and survivor.organization_id != organization.standing().pk:
        changes = {"organization": organization.standing()}
        moderation.apply_changes(survivor, changes, by=by, at=at)


def _unjudge(verdict: Mapping[str, Any] | None, *, by: By) -> bool:
    """Put back the verdict that there was before; give whether it could be, since nobody judged anew."""
    if not verdict:
        return True
    first, second = verdict["keys"]
    if not may_judge(first, second, user=by.user):
        return False
    now = Verdict.objects.filter(first_key=first, second_key=second)
    if not now.filter(kind=Verdict.Kind.SAME).exists():
        return not now.exists()
    if before := verdict["before"]:
        now.update(kind=before["kind"], user=before["user"], at=_moment(before["at"]))
    else:
        now.delete()
    return True


def _remove_aliases(made: Iterable[list[Any]]) -> None:
    for pk, name in made:
        alias = Alias.objects.select_related("organization").filter(pk=pk, name=name).first()
        if alias is not None:
            alias.delete()
            index_organizations([alias.organization])


def _separate_organizations(
    merge: Merge, entries: Mapping[int, Signatory], *, by: By, at: datetime
) -> list[str]:
    assert merge.organization_id is not None
    assert merge.merged_organization_id is not None
    survivor, merged = _locked_organizations(merge.organization_id, merge.merged_organization_id)
    moved, kept = merge.moved, []
    merged.merged_into = None
    merged.save(update_fields=["merged_into"])
    if not _unjudge(moved.get("verdict"), by=by):
        kept.append(gettext("what was decided about the two names since"))
    _remove_aliases(moved.get("aliases", []))
    theirs = Alias.objects.filter(pk__in=moved.get("moved_aliases", []), organization=survivor)
    theirs.update(organization=merged)
    if website := moved.get("website"):
        before, after = website
        if survivor.website == after:
            survivor.website = before
            survivor.save(update_fields=["website"])
        else:
            kept.append(gettext("the website of “%(name)s”") % {"name": survivor.name})
    for pk in moved.get("entries", []):
        entry = entries.get(pk)
        if entry is None:
            continue
        if entry.organization_id == survivor.pk:
            moderation.apply_changes(entry, {"organization": merged}, by=by, at=at)
        else:
            kept.append(gettext("the organisation of %(line)s") % {"line": entry.line})
    for part in merge.parts.filter(undone_at=None):
        kept += _separate_entries(part, entries, by=by, at=at)
    since = Signatory.objects.filter(organization=survivor, name_key=merged.name_key).count()
    if since:
        kept.append(
            ngettext(
                "%(count)s sign-on that came since as “%(name)s”, which stays with “%(other)s”",
                "%(count)s sign-ons that came since as “%(name)s”, which stay with “%(other)s”",
                since,
            )
            % {"count": since, "name": merged.name, "other": survivor.name}
        )
    index_organizations([survivor, merged])
    _close(merge, by=by, at=at)
    return kept


def _close(merge: Merge, *, by: By, at: datetime) -> None:
    merge.undone_at, merge.undone_by, merge.moved = at, by.user, {}
    merge.save(update_fields=["undone_at", "undone_by", "moved"])


def merges_of(thing: Signatory | Organization) -> QuerySet[Merge]:
    """What an entry or an organisation was combined with, or was, that was not separated again."""
    involved = (
        Q(survivor=thing) | Q(merged=thing)
        if isinstance(thing, Signatory)
        else Q(organization=thing) | Q(merged_organization=thing)
    )
    return Merge.objects.filter(involved, undone_at=None).select_related(
        "survivor", "merged", "organization", "merged_organization", "user"
    )


def merge_by(decision_pk: int) -> Merge | None:
    """The merge, not separated since, by which a decision was made."""
    decision = Decision.objects.filter(pk=decision_pk, event=Event.MERGE).first()
    if decision is None:
        return None
    return Merge.objects.filter(
        merged=decision.signatory_id, at=decision.at, undone_at=None
    ).first()
