"""Likely duplicates: where in the registry and on a letter to look for a name, and what was judged of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from heapq import nlargest
from typing import Any, Final

from django.db import transaction
from django.db.models import IntegerField, Q, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from letter.models import Letter
from signatories.domains import own_domain
from signatories.likeness import LIKELY, POSSIBLE, folded_key, keys_of, likeness
from signatories.models import Alias, NameKey, Organization, Signatory, Verdict
from signatories.names import name_key

# A key of more rows than this tells nothing: half the registry is "for human rights".
_MOST_POSTINGS: Final = 400
_MOST_CANDIDATES: Final = 60
_BATCH: Final = 500
# The same for a list of thousands, each of whose rows is looked up.
_MOST_POSTINGS_OF_LIST: Final = 100
_MOST_COMPARED_OF_LIST: Final = 5


# States in which an entry has a place on the letter, or an address that was confirmed asks for one.
STANDING: Final = frozenset(
    {Signatory.State.PENDING, Signatory.State.RETURNED, Signatory.State.APPROVED}
)


@dataclass(frozen=True)
class Likeness:
    """Somebody on the letter or in the registry who may be the same, and why it is thought so."""

    name: str
    organization: Organization | None
    signatory: Signatory | None
    score: float
    reasons: tuple[str | Promise, ...]
    verdict: str

    @property
    def in_words(self) -> str | Promise:
        """The score for a reader."""
        if self.score == 1:
            return _("the same name")
        if self.score >= LIKELY:
            return _("probably the same")
        return _("resembles it")

    @property
    def is_duplicate(self) -> bool:
        """Whether an entry that stands or waits on the letter is probably the same organisation's.

        Not one whose address nobody confirmed: anybody could cast doubt on others with it.
        """
        return (
            self.signatory is not None
            and self.signatory.state in STANDING
            and self.score >= LIKELY
            and self.verdict != Verdict.Kind.BRANCH
        )

    @property
    def verdict_in_words(self) -> str | Promise:
        """What a coordinator has decided about the two names; empty if nothing."""
        return Verdict.Kind(self.verdict).label if self.verdict else ""


def index_organization(organization: Organization) -> None:
    """Bring the keys of an organisation and its other names up to date."""
    index_organizations([organization])


def index_organizations(organizations: Iterable[Organization]) -> None:
    """The same for many, in a bounded number of queries for each few hundred.

    One that was combined with another has no keys: it is found as that other.
    """
    by_pk = {organization.pk: organization for organization in organizations}
    keys = {
        pk: keys_of(one.name, one.website) if one.merged_into_id is None else set()
        for pk, one in by_pk.items()
    }
    for pks in _batches(by_pk):
        for alias in Alias.objects.filter(organization__in=pks, organization__merged_into=None):
            keys[alias.organization_id] |= keys_of(alias.name)
        NameKey.objects.filter(organization__in=pks).delete()
    NameKey.objects.bulk_create(
        [NameKey(organization_id=pk, key=key) for pk in keys for key in sorted(keys[pk])],
        batch_size=_BATCH,
    )


def index_signatory(signatory: Signatory) -> None:
    """Bring the keys of a sign-on up to date."""
    index_signatories([signatory])


def index_signatories(signatories: Iterable[Signatory]) -> None:
    """The same for many."""
    by_pk = {signatory.pk: signatory for signatory in signatories}
    for pks in _batches(by_pk):
        NameKey.objects.filter(signatory__in=pks).delete()
    index_new(by_pk.values())


def index_new(signatories: Iterable[Signatory]) -> None:
    """Add the keys of sign-ons that have none yet."""
    NameKey.objects.bulk_create(
        [
            NameKey(signatory_id=one.pk, key=key)
            for one in signatories
            for key in sorted(_keys_of_entry(one))
        ],
        batch_size=_BATCH,
    )


def _keys_of_entry(entry: Signatory) -> set[str]:
    keys = keys_of(entry.name, entry.website)
    return keys.union(*map(keys_of, entry.other_names.values()))


def _batches(pks: Iterable[int]) -> Iterable[list[int]]:
    every = list(pks)
    return (every[at : at + _BATCH] for at in range(0, len(every), _BATCH))


def find(
    name: str,
    *,
    letter: Letter,
    website: str = "",
    exclude_pk: int | None = None,
    limit: int = 8,
) -> list[Likeness]:
    """Who on this letter, or in the registry, may be the organisation of this name; the likeliest first.

    An organisation that stands on the letter is shown as its entry there. What a coordinator judged
    to be different is left out. The number of queries does not depend on the number of rows.
    """
    entry_pks, organization_pks = _candidates(keys_of(name, website), letter)
    entries = [
        entry
        for entry in Signatory.objects.filter(pk__in=entry_pks, merged_into=None).select_related(
            "organization"
        )
        if entry.pk != exclude_pk
    ]
    taken = {entry.organization_id for entry in entries}
    if exclude_pk:
        taken |= set(
            Signatory.objects.filter(pk=exclude_pk).values_list("organization_id", flat=True)
        )
    organizations = Organization.objects.filter(pk__in=organization_pks)
    listed = {entry.organization_id for entry in entries} - {None}
    names: dict[int, list[str]] = defaultdict(list)
    for alias in Alias.objects.filter(organization__in=[*organization_pks, *listed]):
        names[alias.organization_id].append(alias.name)
    found: list[tuple[Organization | None, Signatory | None]] = [
        *((entry.organization, entry) for entry in entries),
        *((one, None) for one in organizations if one.pk not in taken),
    ]
    kinds = _verdicts(name)
    likely = []
    for organization, entry in found:
        other = entry or organization
        assert other is not None
        verdict = kinds.get(name_key(other.name), "")
        aliases = [
            *(names[organization.pk] if organization else ()),
            *(entry.other_names.values() if entry else ()),
        ]
        score, reasons = _judged(name, website, other, aliases)
        if reasons and verdict != Verdict.Kind.DIFFERENT:
            likely.append(Likeness(other.name, organization, entry, score, reasons, verdict))
    likely.sort(key=lambda one: (-one.score, one.signatory is None, one.name))
    return likely[:limit]


def find_like(signatory: Signatory) -> list[Likeness]:
    """Who on its letter, or in the registry, may be the same organisation as an entry's."""
    return find(
        signatory.name,
        letter=signatory.letter,
        website=signatory.website,
        exclude_pk=signatory.pk,
    )


@dataclass(frozen=True)
class Twin:
    """What a row of a list is probably the same as: an entry on the letter, or an earlier row."""

    name: str
    entry: Signatory | None
    number: int | None


def find_twins(letter: Letter, names: Mapping[int, str]) -> dict[int, Twin]:
    """For the rows of a list, by number: the live entry or earlier row that is probably the same.

    Equal names are left out, and what a coordinator judged otherwise. For thousands of rows: the
    letter's keys are read once, and the number of queries depends on nothing.
    """
    twins, postings = _twins_on(letter)
    others = Verdict.objects.exclude(kind=Verdict.Kind.SAME)
    apart = {frozenset(keys) for keys in others.values_list("first_key", "second_key")}
    found = {}
    for number, name in names.items():
        keys = keys_of(name)
        weights: dict[int, float] = defaultdict(float)
        for key in keys:
            if (count := len(postings[key])) <= _MOST_POSTINGS_OF_LIST:
                for place in postings[key]:
                    weights[place] += 1 / count
        best = nlargest(_MOST_COMPARED_OF_LIST, weights, key=weights.__getitem__)
        candidates = [twins[place] for place in best if not _is_apart(name, twins[place], apart)]
        score, twin = max(
            ((likeness(name, twin.name), twin) for twin in candidates),
            key=lambda pair: pair[0],
            default=(0.0, None),
        )
        if twin is not None and score >= LIKELY:
            found[number] = twin
        for key in keys:
            postings[key].append(len(twins))
        twins.append(Twin(name, None, number))
    return found


def _twins_on(letter: Letter) -> tuple[list[Twin], dict[str, list[int]]]:
    """What is on a letter, also by other names, and for each key the places in that list."""
    live = Signatory.objects.for_letter(letter).live()
    entries = list(live.only("name", "reference", "state"))
    twins = [Twin(entry.name, entry, None) for entry in entries]
    places = {entry.pk: place for place, entry in enumerate(entries)}
    postings: dict[str, list[int]] = defaultdict(list)
    rows = NameKey.objects.filter(signatory__letter=letter).values_list("key", "signatory_id")
    for key, pk in rows.iterator():
        if pk in places:
            postings[key].append(places[pk])
    aliases = Alias.objects.filter(organization__signatories__in=live)
    for name, pk in aliases.values_list("name", "organization__signatories"):
        if pk in places:
            for key in keys_of(name):
                postings[key].append(len(twins))
            twins.append(Twin(name, entries[places[pk]], None))
    return twins, postings


def _is_apart(name: str, twin: Twin, apart: set[frozenset[str]]) -> bool:
    """Whether two names are equal, which is told elsewhere, or were judged to be no duplicates."""
    keys = frozenset({folded_key(name), folded_key(twin.entry.name if twin.entry else twin.name)})
    return len(keys) == 1 or keys in apart


def candidates(name: str, *, letter: Letter) -> list[int]:
    """The entries of a letter that are worth comparing with a name, in whatever state they are."""
    return _candidates(keys_of(name), letter)[0]


def _candidates(keys: set[str], letter: Letter) -> tuple[list[int], list[int]]:
    """The entries of the letter and the organisations that share the rarest of the keys."""
    counts = _counts(keys, letter)
    weights: dict[tuple[int | None, int | None], float] = defaultdict(float)
    here = Q(signatory=None) | Q(signatory__letter=letter)
    for key, entry, organization in NameKey.objects.filter(here, key__in=counts).values_list(
        "key", "signatory_id", "organization_id"
    ):
        weights[entry, organization] += 1 / counts[key]
    best = sorted(weights, key=lambda pair: -weights[pair])[:_MOST_CANDIDATES]
    return (
        [entry for entry, _organization in best if entry],
        [organization for _entry, organization in best if organization],
    )


class _CountOf(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _counts(keys: set[str], letter: Letter) -> dict[str, int]:
    """How many rows each of the keys has; left out where there are none or too many, of which no more are read."""
    if not keys:
        return {}
    ordered = sorted(keys)
    counts = Letter.objects.filter(pk=letter.pk).values_list(
        *(
            _CountOf(NameKey.objects.filter(key=key).values("key")[: _MOST_POSTINGS + 1])
            for key in ordered
        )
    )
    pairs = zip(ordered, counts.get(), strict=True)
    return {key: count for key, count in pairs if 0 < count <= _MOST_POSTINGS}


def _judged(
    name: str, website: str, other: Organization | Signatory, aliases: list[str]
) -> tuple[float, tuple[str | Promise, ...]]:
    """The score of the best of the other's names, and the reasons to show it; none to leave it out."""
    score = likeness(name, other.name)
    by_alias = max((likeness(name, alias) for alias in aliases), default=0.0)
    reasons: list[str | Promise] = []
    if by_alias > score and by_alias >= POSSIBLE:
        score = by_alias
        reasons.append(_("also known by such a name"))
    elif name_key(name) == name_key(other.name):
        reasons.append(_("equal but for capitals, accents and punctuation"))
    elif score >= LIKELY:
        reasons.append(_("each word of one has its like in the other"))
    elif score >= POSSIBLE:
        reasons.append(_("most words are the same"))
    if (domain := own_domain(website)) and domain == own_domain(other.website):
        reasons.append(_("the same website"))
    return score, tuple(reasons)


# --- What was judged ----------------------------------------------------------------


def known_as(key: str) -> Organization | None:
    """The organisation that a normalised name is an alias of, or was judged to be the same as.

    An organisation of just that name comes first. None where it may be several. One that was combined
    with another is known as that other.
    """
    namesake = Organization.objects.filter(name_key=key).first()
    if namesake is not None:
        return namesake.standing()
    same = Verdict.objects.filter(kind=Verdict.Kind.SAME)
    keys = [*same.filter(first_key=key).values_list("second_key", flat=True)]
    keys += same.filter(second_key=key).values_list("first_key", flat=True)
    found = Organization.objects.filter(Q(aliases__name_key=key) | Q(name_key__in=keys)).distinct()
    standing = {organization.standing() for organization in found}
    return standing.pop() if len(standing) == 1 else None


def judge(one: str, other: str, kind: str, *, user: Any, at: datetime) -> Verdict:
    """Remember what a coordinator decided about two names; the last word counts."""
    first, second = sorted((name_key(one), name_key(other)))
    verdict, _created = Verdict.objects.update_or_create(
        first_key=first, second_key=second, defaults={"kind": kind, "user": user, "at": at}
    )
    # Afterwards: whoever judges may hold what a colleague waits for, who holds one of these entries.
    transaction.on_commit(partial(_look_anew, [first, second]), robust=True)
    return verdict


@dataclass(frozen=True)
class Judged:
    """What was decided about a name and another, by whom and when; `key` is the other's, normalised."""

    name: str
    key: str
    verdict: Verdict


def judged(signatory: Signatory) -> list[Judged]:
    """What was decided about an entry's name and others, the newest first."""
    key = signatory.name_key
    verdicts = list(
        Verdict.objects.filter(Q(first_key=key) | Q(second_key=key))
        .select_related("user")
        .order_by("-at", "-pk")
    )
    if not verdicts:
        return []
    others = [one.second_key if one.first_key == key else one.first_key for one in verdicts]
    names: dict[str, str] = {}
    for rows in (
        Signatory.objects.for_letter(signatory.letter).filter(name_key__in=others),
        Organization.objects.filter(name_key__in=others),
    ):
        names |= dict(rows.values_list("name_key", "name"))
    return [
        Judged(names.get(other, other), other, verdict)
        for other, verdict in zip(others, verdicts, strict=True)
    ]


def forget(one_key: str, other_key: str) -> int:
    """Forget what was decided about two normalised names, so that it is asked again; give if there was anything."""
    first, second = sorted((one_key, other_key))
    count, _rows = Verdict.objects.filter(first_key=first, second_key=second).delete()
    transaction.on_commit(partial(_look_anew, [first, second]), robust=True)
    return count


def may_judge(one: str, other: str, *, user: Any) -> bool:
    """Whether somebody may decide about two names, or decide otherwise.

    What whoever has all letters decided holds for all letters; whoever has some of them leaves it.
    """
    if user is None or user.has_perm("letter.all_letters"):
        return True
    first, second = sorted((name_key(one), name_key(other)))
    verdict = (
        Verdict.objects.filter(first_key=first, second_key=second).select_related("user").first()
    )
    return verdict is None or not verdict.user.has_perm("letter.all_letters")


def _look_anew(keys: list[str]) -> None:
    """Have it looked at again whether entries of these names are likely duplicates."""
    # One by one, as evidence does.
    for pk in Signatory.objects.filter(name_key__in=keys).values_list("pk", flat=True):
        Signatory.objects.filter(pk=pk).update(assessed_at=None)


def _verdicts(name: str) -> dict[str, str]:
    """What was decided about this name and each other."""
    key = name_key(name)
    rows = Verdict.objects.filter(Q(first_key=key) | Q(second_key=key))
    return {
        second if first == key else first: kind
        for first, second, kind in rows.values_list("first_key", "second_key", "kind")
    }
