"""Who does not have all letters works on those that are assigned to them, and reads nothing of the others.

Which pages open to whom is in tests/test_roles.py.
"""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from letter.models import Letter
from signatories import moderation
from signatories.evidence import signals
from signatories.models import Event, Level, Signatory
from signatories.moderation import By
from tests.factories import NOW, SignatoryFactory, UserFactory, make_letter

State = Signatory.State
QUEUE = "/admin/signatories/signatory/"
REVIEW = f"{QUEUE}review/"


@pytest.fixture
def amina(letter):
    """A letter coordinator of the letter."""
    user = UserFactory(username="amina", group="letter coordinator")
    letter.coordinators.add(user)
    return user


@pytest.fixture
def desk(client, amina):
    client.force_login(amina)
    return client


@pytest.fixture
def other(db) -> Letter:
    return make_letter(slug="other", title="Another letter")


def test_the_rule_gives_all_letters_or_the_assigned_ones(letter, other, amina, coordinator):
    superuser = UserFactory(is_superuser=True)
    gone = UserFactory(group="coordinator", is_active=False)

    found = {
        user.username: set(Letter.objects.entrusted_to(user))
        for user in (amina, coordinator, superuser, gone)
    }

    assert found == {
        amina.username: {letter},
        coordinator.username: {letter, other},
        superuser.username: {letter, other},
        gone.username: set(),
    }


def test_whoever_has_all_letters_does_not_pay_for_the_rule(letter, client, coordinator, desk):
    entry = SignatoryFactory(letter=letter)
    assigned = Letter.coordinators.through._meta.db_table

    def asked(path):
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        return [query["sql"] for query in queries if assigned in query["sql"]]

    paths = (
        QUEUE,
        REVIEW,
        f"{QUEUE}{entry.pk}/change/",
        f"{QUEUE}campaign/{letter.pk}/",
        "/admin/",
    )
    assert all(asked(path) for path in paths)
    client.force_login(coordinator)
    # The review asks whether those to whom entries are assigned still work on the letter.
    assert not any(asked(path) for path in paths if path != REVIEW)


@pytest.mark.parametrize("path", [QUEUE, REVIEW, "/admin/"])
def test_a_limited_page_costs_the_same_for_one_and_for_three(letter, desk, path):
    costs = []
    for count in (1, 2):
        SignatoryFactory.create_batch(count, letter=letter)
        SignatoryFactory.create_batch(count, letter=make_letter())
        desk.get(path)
        with CaptureQueriesContext(connection) as queries:
            desk.get(path)
        costs.append(len(queries))

    assert costs[0] == costs[1]


def test_the_filters_offer_what_the_assigned_letters_have(letter, other, desk):
    SignatoryFactory(letter=letter, countries=["UG"])
    SignatoryFactory(letter=other, countries=["FR"])

    # The other letter's number in the address gives nothing either.
    for query in ("", f"?letter__id__exact={other.pk}"):
        page = desk.get(QUEUE + query)
        specs = {spec.title: spec for spec in page.context["cl"].filter_specs}
        assert ("country" in specs) == (not query)
        assert query or specs["country"].lookup_choices == [("UG", "Uganda")]
        # One letter is nothing to choose from.
        assert "letter" not in specs


def test_review_gives_nothing_of_other_letters(letter, other, desk):
    theirs = SignatoryFactory(letter=other)

    page = desk.get(f"{REVIEW}?letter={other.pk}&entry={theirs.pk}")

    assert page.context["entry"] is None
    assert (page.context["waiting_count"], list(page.context["letters"])) == (0, [letter])


def test_nothing_is_undone_on_a_letter_that_was_taken_away(letter, desk, amina):
    entry = SignatoryFactory(letter=letter)
    desk.post(REVIEW, {"decision": "approve", "entry": entry.pk, "seen": entry.version})
    letter.coordinators.remove(amina)

    page = desk.post(REVIEW, {"decision": "undo"}, follow=True)

    entry.refresh_from_db()
    assert entry.state == State.APPROVED
    assert "Not undone: it no longer exists." in page.text


def test_entries_are_assigned_to_those_alone_who_work_on_all_their_letters(
    letter, other, client, coordinator, amina
):
    both = UserFactory(username="zoe", group="letter coordinator")
    for each in (letter, other):
        each.coordinators.add(both)
    mine, theirs = SignatoryFactory(letter=letter), SignatoryFactory(letter=other)
    client.force_login(coordinator)

    def ask(*entries, **data):
        selected = {"action": "assign", "_selected_action": [entry.pk for entry in entries]}
        return client.post(QUEUE, selected | data)

    assert ask(mine).context["colleagues"] == [amina, coordinator, both]
    assert ask(mine, theirs).context["colleagues"] == [coordinator, both]
    ask(mine, theirs, colleague=amina.pk)
    assert not Signatory.objects.exclude(assigned_to=None).exists()
    ask(mine, colleague=amina.pk)
    assert Signatory.objects.get(pk=mine.pk).assigned_to == amina


def test_a_note_about_a_letter_goes_to_those_who_work_on_it(
    letter, other, coordinator, amina, work
):
    for each in (letter, other):
        SignatoryFactory(letter=each)
        moderation.tell_coordinators(each, at=NOW)

    told = {note.subject: note.to for note in work(at=NOW)}

    assert sorted(told.values()) == [
        [amina.email, coordinator.email],
        [coordinator.email],
    ]
    assert [to for subject, to in told.items() if other.title in subject] == [[coordinator.email]]


# --- What other letters say about an entry --------------------------------------------------------


def codes(entry, viewer):
    return {signal.code: signal for signal in signals(entry, at=NOW, viewer=viewer)}


def test_a_rejection_from_another_letter_is_told_without_which_and_why(
    letter, other, amina, coordinator
):
    turned_down = SignatoryFactory(letter=other, name="Kivu Forum", email="a@kivu.example")
    by = By.coordinator(coordinator)
    moderation.decide(turned_down.pk, Event.REJECT, by=by, reason="Not real.", at=NOW)
    entry = SignatoryFactory(letter=letter, name="Kivu Forum", email="b@forum.example")

    assert "Not real." in codes(entry, coordinator)["rejected_before"].sentence
    assert "elsewhere" not in codes(entry, coordinator)
    seen = codes(entry, amina)
    assert "rejected_before" not in seen
    assert seen["elsewhere"].level == Level.CAUTION
    assert seen["elsewhere"].sentence == (
        "Something that advises caution was seen on a letter that you do not work on. "
        "A coordinator of all letters can tell you more."
    )


def test_a_burst_is_counted_on_the_assigned_letters(letter, other, amina, coordinator):
    entry = SignatoryFactory(letter=letter, name="Kivu Forum", email="a@kivu.example")
    SignatoryFactory(letter=other, name="Goma Forum", email="a@kivu.example")

    assert "same_address" in codes(entry, coordinator)
    assert codes(entry, amina).keys() & {"same_address", "elsewhere"} == {"elsewhere"}
    SignatoryFactory(letter=letter, name="Uvira Forum", email="a@kivu.example")
    assert "1 other name" in codes(entry, amina)["same_address"].sentence


def test_what_stands_on_a_public_list_is_told_and_what_a_draft_has_is_not(
    letter, other, amina, coordinator
):
    draft = make_letter(title="A draft", state=Letter.State.DRAFT)
    entry = SignatoryFactory(letter=letter, name="Kivu Forum")
    for each in (other, draft):
        SignatoryFactory(letter=each, name="Kivu Forum", state=State.APPROVED)

    assert "2 other letters" in codes(entry, coordinator)["approved_before"].sentence
    seen = codes(entry, amina)
    assert seen["approved_before"].sentence == (
        "It is on the list of 1 other letter: “Another letter”."
    )
    assert "elsewhere" not in seen


def test_the_registry_counts_public_letters_and_the_assigned_ones(letter, other, desk, coordinator):
    draft = make_letter(state=Letter.State.DRAFT)
    for each in (letter, other, draft):
        SignatoryFactory(letter=each, name="PAX", state=State.APPROVED)

    def count():
        page = desk.get("/admin/signatories/organization/")
        return [row.letter_count for row in page.context["cl"].result_list]

    assert count() == [2]
    desk.force_login(coordinator)
    assert count() == [3]


# --- How it came ------------------------------------------------------------------------------------


def test_whoever_worked_here_before_goes_on_with_all_letters(db):
    migration = import_module("signatories.migrations.0012_letter_coordinators")
    migration.take_back(apps, None)
    own = Group.objects.create(name="secretariat")
    own.permissions.add(Permission.objects.get(codename="decide_signatory"))
    other = Group.objects.create(name="bookkeepers")
    other.permissions.add(Permission.objects.get(codename="view_user"))
    user = UserFactory()
    user.user_permissions.add(Permission.objects.get(codename="view_signatory"))

    for _twice in range(2):
        migration.grant(apps, None)

    holders = set(Group.objects.filter(permissions__codename="all_letters"))
    assert {group.name for group in holders} == {"coordinator", "editor", "observer", "secretariat"}
    assert get_user_model().objects.get(pk=user.pk).has_perm("letter.all_letters")
    limited, whole = (
        set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))
        for name in ("letter coordinator", "coordinator")
    )
    assert limited < whole
    assert whole - limited == {
        "all_letters",
        "change_organization",
        *(
            f"{verb}_{model}"
            for verb in ("add", "change", "delete")
            for model in ("savedreason", "savedreasontext")
        ),
    }


@pytest.mark.parametrize(
    "query", ["signatories=1", "signatories__note__contains=x", "_to_field=signatories"]
)
def test_the_registry_does_not_tell_which_entry_stands_for_whom(db, client, query):
    client.force_login(UserFactory(group="letter coordinator"))

    response = client.get(f"/admin/signatories/organization/?{query}")

    assert response.status_code in {302, 400}
