"""Two entries, or two organisations, become one, and two again."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from letter.models import Letter
from letter.publishing import publish, request_publication, verify
from signatories import duplicates, moderation
from signatories.history import history
from signatories.lines import approved_lines
from signatories.merging import (
    GROUPS,
    REVERSIBLE_FOR,
    NotMergeable,
    NotReversible,
    merge_entries,
    merge_organizations,
    undo,
)
from signatories.models import (
    Alias,
    Change,
    Correction,
    Decision,
    Event,
    Merge,
    Message,
    NameKey,
    Organization,
    Signatory,
    Verdict,
)
from signatories.moderation import (
    AlreadyListed,
    By,
    ChangedMeanwhile,
    Combined,
    Gone,
    State,
    TransitionRefused,
    decide,
)
from signatories.names import name_key
from signatories.retention import purge, take_out
from tests.factories import NOW, OrganizationFactory, SignatoryFactory, UserFactory, make_letter

LIVE = [State.PENDING, State.RETURNED, State.APPROVED]


@pytest.fixture
def by(coordinator):
    return By.coordinator(coordinator)


def entry(letter, name, by=None, state=State.PENDING, **fields):
    """An entry in a state to which its history led."""
    made = SignatoryFactory(letter=letter, name=name, confirmed_at=NOW, **fields)
    duplicates.index_signatory(made)
    if state == State.APPROVED:
        decide(made.pk, Event.APPROVE, by=by, at=NOW)
    if state == State.RETURNED:
        decide(made.pk, Event.RETURN, by=by, reason="Which city?", at=NOW)
    made.refresh_from_db()
    return made


def published(letter):
    """Publish, and give the list's names in order; the chain holds."""
    request_publication(letter, at=NOW)
    publish(letter.pk, approved_lines, at=timezone.now())
    assert verify(letter).first_bad is None
    return [str(each) for each in letter.listings.current().in_order()]


def rows() -> dict[str, Any]:
    """All that a merge may touch and its undo has to put back."""
    entries = Signatory.objects.order_by("pk").values(
        *[name for names in GROUPS.values() for name in names],
        *("pk", "state", "organization", "merged_into", "name_key", "confirmed_at", "approved_at"),
    )
    return {
        "entries": list(entries),
        "aliases": sorted(Alias.objects.values_list("organization", "name")),
        "verdicts": sorted(Verdict.objects.values_list("first_key", "second_key", "kind")),
        "corrections": sorted(
            Correction.objects.values_list("signatory", "name", "settled_at", "asked_at")
        ),
        "websites": sorted(Organization.objects.values_list("pk", "website", "merged_into")),
        "keys": sorted(
            NameKey.objects.values_list("key", "organization_id", "signatory_id"), key=str
        ),
    }


def after_undoing(pk, by):
    """Undo a merge, with nothing that could not be put back."""
    assert undo(pk, by=by) == []
    return rows()


# --- Two entries --------------------------------------------------------------


def test_one_stays_and_the_other_leaves_the_list(letter, by):
    full = entry(letter, "Human Rights Watch", by, State.APPROVED)
    short = entry(letter, "HRW", by, State.APPROVED)
    entry(letter, "PAX", by, State.APPROVED)
    assert published(letter) == ["HRW", "Human Rights Watch", "PAX"]

    merge_entries(full.pk, short.pk, by=by)

    assert published(letter) == ["Human Rights Watch", "PAX"]
    short.refresh_from_db()
    assert (short.state, short.merged_into) == (State.WITHDRAWN, full)
    assert letter.editions.count() == 2


@pytest.mark.parametrize("state", LIVE)
@pytest.mark.parametrize("other", LIVE)
def test_separated_everything_is_as_it_was(letter, by, state, other):
    one = entry(letter, "Human Rights Watch", by, state, website="https://hrw.example.org")
    two = entry(letter, "HRW", by, other, note="By telephone.", label="USA", countries=["US"])
    before, listed = rows(), published(letter)

    merge = merge_entries(one.pk, two.pk, by=by, take=set(GROUPS), with_alias=True)
    published(letter)

    assert rows() != before
    assert after_undoing(merge.pk, by) == before
    assert published(letter) == listed


def test_it_stands_under_its_old_organisation_also_where_its_name_no_longer_leads_there(letter, by):
    registered = OrganizationFactory(name="Human Rights Watch")
    alias = registered.aliases.create(name="Observatoire", name_key="observatoire")
    one = entry(letter, "Observatoire", by, State.APPROVED)
    two = entry(letter, "HRW", by, State.APPROVED)
    alias.delete()
    duplicates.index_organization(registered)
    before = rows()

    for pair in ((one, two), (two, one)):
        merge = merge_entries(pair[0].pk, pair[1].pk, by=by, take={"name"})
        assert after_undoing(merge.pk, by) == before


def test_a_correction_that_was_asked_for_comes_back(letter, by):
    one = entry(letter, "Human Rights Watch")
    two = entry(letter, "HRW", by, State.APPROVED)
    asked = {"name": "H.R.W.", "countries": ["US"], "website": ""}
    moderation.correct(two.pk, asked, at=NOW)
    before = rows()

    merge = merge_entries(one.pk, two.pk, by=by)

    assert Correction.objects.count() == 0
    assert after_undoing(merge.pk, by) == before


def test_on_a_list_in_the_order_of_approval_it_takes_its_old_place(by):
    letter = make_letter(slug="order", ordering=Letter.Ordering.APPROVAL)
    names = ["Zeta", "Alpha", "Zetta"]
    entries = [entry(letter, name) for name in names]
    for hours, each in enumerate(entries):
        decide(each.pk, Event.APPROVE, by=by, at=NOW + timedelta(hours=hours))
    assert published(letter) == names

    merge = merge_entries(entries[2].pk, entries[0].pk, by=by)
    assert published(letter) == ["Alpha", "Zetta"]
    undo(merge.pk, by=by)

    assert published(letter) == names


def test_the_chosen_values_come_from_the_one_that_goes(letter, by):
    one = entry(letter, "HRW", by, State.APPROVED, countries=["US"], note="")
    two = entry(
        letter,
        "Human Rights Watch",
        contact_name="Jan",
        email="jan@hrw.example.org",
        note="By post.",
    )

    merge_entries(one.pk, two.pk, by=by, take={"name", "contact"})

    one.refresh_from_db()
    assert (one.name, one.countries, one.contact_name, one.email, one.note) == (
        "Human Rights Watch",
        ["US"],
        "Jan",
        "jan@hrw.example.org",
        "",
    )
    assert published(letter) == ["Human Rights Watch"]
    fields = set(Change.objects.filter(signatory=one).values_list("field", flat=True))
    assert fields == {"name", "contact_name", "email"}


def test_an_address_that_nobody_confirmed_is_not_taken_for_confirmed(letter, by):
    one = entry(letter, "HRW")
    two = entry(letter, "Human Rights Watch")
    Signatory.objects.filter(pk=two.pk).update(confirmed_at=None)

    merge = merge_entries(one.pk, two.pk, by=by, take={"contact"})

    one.refresh_from_db()
    assert (one.email, one.confirmed_at) == (two.email, None)
    undo(merge.pk, by=by)
    one.refresh_from_db()
    assert one.confirmed_at == NOW


def test_the_registry_learns_the_other_name(letter, by):
    one = entry(letter, "Human Rights Watch", by, State.APPROVED)
    two = entry(letter, "Observatoire des droits humains")

    merge_entries(one.pk, two.pk, by=by, with_alias=True)

    assert [alias.name for alias in one.organization.aliases.all()] == [two.name]
    assert Verdict.objects.get().kind == Verdict.Kind.SAME
    elsewhere = entry(make_letter(), two.name, by, State.APPROVED)
    assert elsewhere.organization == one.organization


def test_the_contact_is_told_after_second_thoughts(letter, by, work):
    one = entry(letter, "Human Rights Watch", by, State.APPROVED)
    two = entry(letter, "HRW", by, email="jan@hrw.example.org")
    work()
    now = timezone.now()

    merge_entries(one.pk, two.pk, by=by, at=now)

    assert work(now) == []
    (mail,) = work(now + moderation.SECOND_THOUGHTS)
    assert mail.to == ["jan@hrw.example.org"]
    assert "today as No. 1:\n\n    Human Rights Watch (Kenya)\n" in mail.body


def test_nobody_is_told_of_what_was_undone_in_time(letter, by, work):
    one = entry(letter, "Human Rights Watch")
    two = entry(letter, "HRW")

    merge = merge_entries(one.pk, two.pk, by=by)
    undo(merge.pk, by=by)

    assert not Message.objects.filter(kind="combined").exists()


def test_who_was_told_is_told_of_the_way_back(letter, by, work):
    one = entry(letter, "Human Rights Watch")
    two = entry(letter, "HRW")
    merge = merge_entries(one.pk, two.pk, by=by)
    work(timezone.now() + moderation.SECOND_THOUGHTS)

    undo(merge.pk, by=by)

    mails = [mail for mail in work() if mail.to == [two.email]]
    assert [mail.subject for mail in mails] == ["On its own again: HRW, “A code of conduct”"]
    assert "It waits for a coordinator." in mails[0].body


def test_who_never_confirmed_is_not_told(letter, by):
    one = entry(letter, "Human Rights Watch")
    two = SignatoryFactory(letter=letter, name="HRW")

    merge_entries(one.pk, two.pk, by=by)

    assert not Message.objects.filter(signatory=two).exists()


@pytest.mark.parametrize("state", [State.SUBMITTED, State.REJECTED, State.WITHDRAWN])
@pytest.mark.parametrize("is_survivor", [True, False])
def test_what_is_not_live_is_not_combined(letter, by, state, is_survivor):
    pks = [SignatoryFactory(letter=letter, state=state).pk, entry(letter, "PAX").pk]
    before = rows()

    with pytest.raises(TransitionRefused):
        merge_entries(*(pks if is_survivor else reversed(pks)), by=by)

    assert (rows(), Merge.objects.count(), Decision.objects.count()) == (before, 0, 0)


def test_only_two_of_one_letter_are_combined(letter, by):
    one = entry(letter, "PAX")
    elsewhere = entry(make_letter(), "PAX")

    for other in (one, elsewhere):
        with pytest.raises(NotMergeable):
            merge_entries(one.pk, other.pk, by=by)
    with pytest.raises(Gone):
        merge_entries(one.pk, 4711, by=by)


@pytest.mark.parametrize("changed", [0, 1])
def test_what_changed_since_it_was_shown_is_refused_with_what(letter, by, changed):
    pair = [entry(letter, "PAX"), entry(letter, "Pax")]
    seen = {each.pk: each.version for each in pair}
    moderation.correct(pair[changed].pk, {"name": "PAX Netherlands"})
    before = rows()

    with pytest.raises(ChangedMeanwhile, match=f"{pair[changed].reference}.*PAX Netherlands"):
        merge_entries(pair[0].pk, pair[1].pk, by=by, seen=seen)

    assert rows() == before


def test_a_chosen_name_that_is_listed_already_is_refused_whole(letter, by):
    entry(letter, "Human Rights Watch", by, State.APPROVED)
    one = entry(letter, "HRW", by, State.APPROVED)
    two = entry(letter, "Human Rights Watch")
    before = rows()

    with pytest.raises(AlreadyListed):
        merge_entries(one.pk, two.pk, by=by, take={"name"})

    assert rows() == before


def test_a_merged_entry_says_what_stands_for_it(letter, by):
    one = entry(letter, "Human Rights Watch", by, State.APPROVED)
    two = entry(letter, "HRW", by, State.APPROVED)
    approval = two.decisions.get()
    merge_entries(one.pk, two.pk, by=by)

    for refused in (
        lambda: moderation.undo(approval.pk, by=by),
        lambda: decide(two.pk, Event.REOPEN, by=by),
        lambda: merge_entries(two.pk, one.pk, by=by),
    ):
        with pytest.raises(Combined, match=f"combined with “Human Rights Watch” .{one.reference}"):
            refused()


def test_it_is_nobodys_duplicate_any_more(letter, by):
    one = entry(letter, "Human Rights Watch")
    two = entry(letter, "Human Right Watch")
    assert [like.signatory for like in duplicates.find(one.name, letter=letter, exclude_pk=one.pk)]

    merge_entries(one.pk, two.pk, by=by)

    assert duplicates.find(one.name, letter=letter, exclude_pk=one.pk) == []


def test_both_histories_say_who_combined_what_and_when(letter, by):
    one = entry(letter, "Human Rights Watch")
    two = entry(letter, "HRW")
    merge = merge_entries(one.pk, two.pk, by=by)
    undo(merge.pk, by=by)

    def told(which):
        which.refresh_from_db()
        return [(row.what, row.who) for row in history(which)]

    assert told(two) == [
        (
            f"combined with another sign-on: Human Rights Watch (Kenya) ({one.reference})",
            "grace",
        ),
        (
            f"separated again from another sign-on: Human Rights Watch (Kenya) ({one.reference})",
            "grace",
        ),
    ]
    assert told(one) == [
        (f"stands for another sign-on, too: HRW (Kenya) ({two.reference})", "grace"),
        (f"no longer stands for HRW (Kenya) ({two.reference})", "grace"),
    ]
    assert (one.version, two.version) == (2, 2)


def test_its_contact_erasing_the_one_that_stands_separates_the_other(letter, by):
    one = entry(letter, "Human Rights Watch")
    two = entry(letter, "HRW", by, State.APPROVED)
    merge_entries(one.pk, two.pk, by=by)
    assert published(letter) == []

    moderation.erase(one.pk)

    assert Signatory.objects.get() == two
    assert published(letter) == ["HRW"]


# --- The way back -------------------------------------------------------------


def test_what_was_changed_since_is_kept_and_said(letter, by):
    one = entry(letter, "HRW", by, State.APPROVED, countries=["US"])
    two = entry(letter, "Human Rights Watch", by, countries=["US", "GB"], website="https://hrw.org")
    merge = merge_entries(one.pk, two.pk, by=by, take={"countries", "website"})
    one.refresh_from_db()
    moderation.apply_changes(one, {"countries": ["US", "FR"]}, by=by, at=NOW)

    kept = undo(merge.pk, by=by)

    one.refresh_from_db()
    assert kept == ["the countries of “HRW”"]
    assert (one.countries, one.website) == (["US", "FR"], "")


def test_what_cannot_be_listed_again_waits_and_says_why(letter, by):
    one = entry(letter, "Human Rights Watch", by, State.APPROVED)
    two = entry(letter, "HRW", by, State.APPROVED)
    merge = merge_entries(one.pk, two.pk, by=by)
    third = entry(letter, "hrw", by, State.APPROVED)
    # Its own organisation is on the list with another sign-on by now.
    assert third.organization == two.organization

    (said,) = undo(merge.pk, by=by)

    two.refresh_from_db()
    assert (two.state, two.merged_into) == (State.PENDING, None)
    assert said.startswith(f"“HRW” ({two.reference}) waits for a decision: “hrw” is already on")
    assert published(letter) == ["hrw", "Human Rights Watch"]


def test_it_is_undone_once_and_for_thirty_days(letter, by):
    one, two = entry(letter, "Human Rights Watch"), entry(letter, "HRW")
    merge = merge_entries(one.pk, two.pk, by=by, at=NOW)

    with pytest.raises(NotReversible, match="more than 30 days ago"):
        undo(merge.pk, by=by, at=NOW + REVERSIBLE_FOR)
    undo(merge.pk, by=by, at=NOW + REVERSIBLE_FOR - timedelta(seconds=1))
    with pytest.raises(NotReversible, match="separated already"):
        undo(merge.pk, by=by, at=NOW)


def test_what_was_combined_later_is_separated_first(letter, by):
    one, two, three = (entry(letter, name) for name in ("HRW", "Human Rights Watch", "H R W"))
    first = merge_entries(two.pk, one.pk, by=by)
    second = merge_entries(three.pk, two.pk, by=by)
    one.refresh_from_db()
    assert one.standing() == three

    with pytest.raises(NotReversible, match="“Human Rights Watch” was combined with “H R W” since"):
        undo(first.pk, by=by)
    undo(second.pk, by=by)
    undo(first.pk, by=by)

    assert set(Signatory.objects.values_list("state", "merged_into")) == {("pending", None)}


def test_after_thirty_days_nothing_is_kept_for_the_way_back(letter, by):
    one, two = entry(letter, "Human Rights Watch"), entry(letter, "HRW")
    merge = merge_entries(one.pk, two.pk, by=by, take={"contact"}, at=NOW)
    assert two.email in str(merge.moved)

    purge(at=NOW + REVERSIBLE_FOR)
    merge.refresh_from_db()
    assert merge.moved
    purge(at=NOW + REVERSIBLE_FOR + timedelta(seconds=1))
    merge.refresh_from_db()

    assert merge.moved == {}


def test_contacts_that_are_forgotten_are_forgotten_here_too(letter, by):
    one, two = entry(letter, "Human Rights Watch", note="By post."), entry(letter, "HRW")
    at = timezone.now()
    Letter.objects.filter(pk=letter.pk).update(
        state=Letter.State.CLOSED, closes_at=NOW, created_at=NOW
    )
    merge = merge_entries(one.pk, two.pk, by=by, take=set(GROUPS), at=at)

    purge(at=at)

    merge.refresh_from_db()
    assert set(merge.moved["fields"]) == {"name"}
    undo(merge.pk, by=by)
    assert set(Signatory.objects.values_list("email", "contact_name")) == {("", "")}


def test_taking_an_organization_out_takes_what_was_combined_with_it(letter, by):
    one = entry(letter, "Human Rights Watch", by, State.APPROVED)
    two = entry(letter, "HRW", by, State.APPROVED)
    entry(letter, "PAX", by, State.APPROVED)
    published(letter)
    merge_entries(one.pk, two.pk, by=by, take={"contact"})
    published(letter)

    assert take_out(letter, one.line_id, at=NOW) == 2

    assert [each.name for each in Signatory.objects.all()] == ["PAX"]
    assert [each.name for each in Organization.objects.all()] == ["PAX"]
    assert (Merge.objects.count(), Verdict.objects.count()) == (0, 0)
    assert published(letter)[-1] == "PAX"
    assert sorted(letter.listings.values_list("name", flat=True)) == ["", "", "PAX"]


# --- Two organisations --------------------------------------------------------


def test_sign_ons_and_names_go_over_to_the_one_that_stays(letter, by):
    one = entry(letter, "Human Rights Watch", by, State.APPROVED)
    elsewhere = make_letter(slug="veto")
    two = entry(elsewhere, "HRW", by, State.APPROVED)
    Alias.objects.create(organization=two.organization, name="H.R.W.", name_key=name_key("H.R.W."))
    duplicates.index_organization(two.organization)
    survivor, merged = one.organization, two.organization
    before = rows(), published(letter), published(elsewhere)

    merge = merge_organizations(survivor.pk, merged.pk, by=by)

    two.refresh_from_db()
    assert two.organization == survivor
    assert [alias.name for alias in survivor.aliases.all()] == ["H.R.W.", "HRW"]
    assert not NameKey.objects.filter(organization=merged).exists()
    found = duplicates.find("HRW", letter=make_letter())
    assert [like.organization for like in found] == [survivor]
    fresh = entry(make_letter(), "hrw", by, State.APPROVED)
    assert fresh.organization == survivor
    assert Organization.objects.count() == 2
    fresh.delete()
    assert (after_undoing(merge.pk, by), published(letter), published(elsewhere)) == before


def test_where_both_are_listed_their_entries_become_one(letter, by):
    one = entry(letter, "Human Rights Watch", by, State.APPROVED)
    two = entry(letter, "HRW", by, State.APPROVED)
    before, listed = rows(), published(letter)

    merge = merge_organizations(one.organization.pk, two.organization.pk, by=by)

    assert published(letter) == ["Human Rights Watch"]
    (part,) = merge.parts.all()
    with pytest.raises(NotReversible, match="along with their organisations"):
        undo(part.pk, by=by)
    assert (after_undoing(merge.pk, by), published(letter)) == (before, listed)


def test_organizations_are_not_combined_on_an_older_reading(letter, by):
    one = entry(letter, "Human Rights Watch", by, State.APPROVED)
    two = entry(letter, "HRW", by, State.APPROVED)
    pks = one.organization.pk, two.organization.pk
    before = rows()

    for seen in ({}, {one.pk: one.version, two.pk: two.version - 1}):
        with pytest.raises(ChangedMeanwhile):
            merge_organizations(*pks, by=by, seen=seen)
    with pytest.raises(NotMergeable):
        merge_organizations(pks[0], pks[0], by=by)

    assert rows() == before


def test_what_came_since_under_the_old_name_stays_and_is_said(letter, by):
    survivor = OrganizationFactory(name="Human Rights Watch", website="https://hrw.example.org")
    merged = OrganizationFactory(name="HRW")
    merge = merge_organizations(survivor.pk, merged.pk, by=by, take_website=True)
    since = entry(letter, "HRW", by, State.APPROVED)
    Organization.objects.filter(pk=survivor.pk).update(website="https://new.example.org")

    kept = undo(merge.pk, by=by)

    since.refresh_from_db()
    assert since.organization == survivor
    assert kept == [
        "the website of “Human Rights Watch”",
        "1 sign-on that came since as “HRW”, which stays with “Human Rights Watch”",
    ]
    assert Organization.objects.get(pk=survivor.pk).website == "https://new.example.org"


def test_one_that_was_combined_is_combined_no_more(by):
    pks = [OrganizationFactory(name=name).pk for name in ("A", "B", "C")]
    first = merge_organizations(pks[1], pks[0], by=by)
    merge_organizations(pks[2], pks[1], by=by)

    assert duplicates.known_as("a").name == "C"
    with pytest.raises(NotMergeable, match="“A” was combined with “B” already"):
        merge_organizations(pks[2], pks[0], by=by)
    with pytest.raises(NotReversible, match="“B” was combined with “C” since"):
        undo(first.pk, by=by)


# --- Whatever is combined with whatever ---------------------------------------

NAMES = ["Human Rights Watch", "HRW", "Hrw", "Observatoire"]
ENTRIES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from([*LIVE, State.REJECTED]), st.booleans()),
    min_size=2,
    max_size=5,
)


class WhateverIsCombined(TestCase):
    """Combined and separated in the reverse order, all is as it was, and the chain holds at each step."""

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        made=ENTRIES,
        steps=st.lists(
            st.tuples(
                st.integers(0, 4),
                st.integers(0, 4),
                st.sets(st.sampled_from(sorted(GROUPS))),
                st.booleans(),
                st.booleans(),
            ),
            min_size=1,
            max_size=4,
        ),
    )
    def test_it_can_be_separated_again(self, made, steps):
        by = By.coordinator(UserFactory(group="coordinator"))
        letters = [make_letter(), make_letter(ordering=Letter.Ordering.APPROVAL)]
        registered = OrganizationFactory(name=NAMES[0])
        alias = registered.aliases.create(name=NAMES[-1], name_key=name_key(NAMES[-1]))
        entries = []
        for index, (name, state, is_second) in enumerate(made):
            fields = {"website": f"https://{index}.example.org", "note": f"{index}"}
            made_entry = SignatoryFactory(letter=letters[is_second], name=name, **fields)
            duplicates.index_signatory(made_entry)
            entries.append(made_entry)
            event = {
                State.APPROVED: Event.APPROVE,
                State.RETURNED: Event.RETURN,
                State.REJECTED: Event.REJECT,
            }.get(state)
            if event:
                self._try(decide, made_entry.pk, event, by=by, reason="so")
        # Their names alone no longer say under which organisation they stand.
        alias.delete()
        duplicates.index_organization(registered)
        done = []
        for step in steps:
            before = rows(), [published(each) for each in letters]
            merge = self._try(self._combine, entries, by, *step)
            if merge:
                done.append((merge, before))
            else:
                assert (rows(), [published(each) for each in letters]) == before

        for letter in letters:
            published(letter)
            approved = Signatory.objects.for_letter(letter).approved()
            listed = letter.listings.current().values_list("line_id", flat=True)
            assert sorted(listed) == sorted(approved.values_list("line_id", flat=True))
            for organization in approved.values_list("organization", flat=True):
                assert Organization.objects.get(pk=organization).merged_into is None
        for merge, before in reversed(done):
            assert undo(merge.pk, by=by) == []
            now = rows(), [published(each) for each in letters]
            # An organisation that a name made it enter the registry stays there.
            assert _without_new(now[0], before[0]) == before[0]
            assert now[1] == before[1]

    @staticmethod
    def _combine(entries, by, one, other, take, with_alias, of_organizations):
        pks = [entry.pk for entry in entries]
        if of_organizations:
            pks = list(Organization.objects.order_by("pk").values_list("pk", flat=True))
        pair = pks[one % len(pks)], pks[other % len(pks)]
        if of_organizations:
            return merge_organizations(*pair, by=by, take_website=with_alias)
        return merge_entries(*pair, by=by, take=take, with_alias=with_alias)

    @staticmethod
    def _try(call, *args, **kwargs):
        try:
            return call(*args, **kwargs)
        except moderation.Refused:
            return None


def _without_new(now, before):
    known = {pk for pk, _website, _into in before["websites"]}
    websites = [row for row in now["websites"] if row[0] in known]
    keys = [row for row in now["keys"] if row[1] is None or row[1] in known]
    return {**now, "websites": websites, "keys": keys}
