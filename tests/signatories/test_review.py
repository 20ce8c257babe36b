"""Review: one entry after the other, never the same to two people, never on an old reading."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from signatories import moderation
from signatories.duplicates import index_organization
from signatories.models import Change, Decision, Event, Message, SavedReason, Signatory
from signatories.moderation import By, ChangedMeanwhile, NothingToUndo
from tests.factories import (
    NOW,
    OrganizationFactory,
    SignatoryFactory,
    UserFactory,
    make_letter,
)
from tests.reading import text_of

State = Signatory.State
REVIEW = "/admin/signatories/signatory/review/"


@pytest.fixture
def desk(client, coordinator):
    client.force_login(coordinator)
    return client


@pytest.fixture
def colleague(db):
    other = Client()
    other.force_login(UserFactory(username="ada", group="coordinator"))
    return other


def shown(client, url=REVIEW):
    entry = client.get(url).context["entry"]
    return entry and entry.name


def press(client, decision, url=REVIEW, **typed):
    """Send the form of the page that is shown, with one of its buttons."""
    entry = client.get(url).context["entry"]
    seen = {"entry": entry.pk, "seen": entry.version} if entry else {}
    return client.post(url, {**seen, "decision": decision, **typed}, follow=True)


def waiting(letter, *names):
    return [
        SignatoryFactory(letter=letter, name=name, submitted_at=NOW + timedelta(hours=hours))
        for hours, name in enumerate(names)
    ]


def test_it_opens_on_the_oldest_and_goes_on_after_each_decision(letter, desk):
    waiting(letter, "Amani", "INSEC", "PAX")

    assert shown(desk) == "Amani"
    press(desk, "approve")
    assert shown(desk) == "INSEC"
    press(desk, "reject", reason_reject="Unknown to us.")
    assert shown(desk) == "PAX"
    press(desk, "return", reason_return="Which city?")
    assert shown(desk) is None

    assert dict(Signatory.objects.values_list("name", "state")) == {
        "Amani": "approved",
        "INSEC": "rejected",
        "PAX": "returned",
    }


def test_two_coordinators_never_get_the_same_entry(letter, desk, colleague):
    waiting(letter, "Amani", "INSEC")

    assert (shown(desk), shown(colleague)) == ("Amani", "INSEC")
    assert (shown(desk), shown(colleague)) == ("Amani", "INSEC")
    press(colleague, "approve")
    assert "Your colleagues have before them" in text_of(colleague.get(REVIEW))


def test_what_was_left_lying_is_given_to_the_next_after_a_while(letter, desk, colleague):
    (entry,) = waiting(letter, "Amani")
    shown(desk)
    assert shown(colleague) is None

    Signatory.objects.filter(pk=entry.pk).update(
        claimed_until=timezone.now() - timedelta(seconds=1)
    )

    assert shown(colleague) == "Amani"


def test_what_is_assigned_to_a_colleague_is_left_to_them(letter, desk, colleague):
    (entry,) = waiting(letter, "Amani")
    entry.assigned_to = get_user_model().objects.get(username="ada")
    entry.save(update_fields=["assigned_to"])

    assert (shown(desk), shown(colleague)) == (None, "Amani")


def test_what_was_skipped_comes_again_when_asked_for(letter, desk):
    waiting(letter, "Amani", "INSEC")

    press(desk, "skip")
    assert shown(desk) == "INSEC"
    press(desk, "skip")
    assert "Only what you skipped still waits" in text_of(desk.get(REVIEW))
    press(desk, "again")
    assert shown(desk) == "Amani"


def test_a_decision_on_an_older_reading_is_refused_with_what_changed(letter, desk):
    (entry,) = waiting(letter, "Amani")
    page = desk.get(REVIEW)
    seen = page.context["entry"].version
    moderation.correct(entry.pk, {"name": "Amani Trust", "countries": ["KE"], "website": ""})

    response = desk.post(REVIEW, {"decision": "approve", "entry": entry.pk, "seen": seen})

    assert response.status_code == 409
    assert "“Amani” became “Amani Trust” by the contact" in text_of(response)
    assert Signatory.objects.get().state == State.PENDING
    assert response.context["entry"].name == "Amani Trust"


def test_a_colleagues_decision_stands(letter, desk, coordinator):
    (entry,) = waiting(letter, "Amani")
    ada = UserFactory(username="ada", group="coordinator")
    moderation.decide(entry.pk, Event.REJECT, by=By.coordinator(ada), reason="Unknown.")

    with pytest.raises(ChangedMeanwhile, match="rejected by ada"):
        moderation.decide(entry.pk, Event.APPROVE, by=By.coordinator(coordinator), seen=0)

    assert Signatory.objects.get().state == State.REJECTED


def test_a_no_without_a_reason_is_asked_for_one_and_keeps_the_entry(letter, desk):
    waiting(letter, "Amani")

    response = press(desk, "reject", reason_reject="  ")

    assert response.status_code == 422
    assert "give a reason" in text_of(response)
    assert response.context["opened"] == "reject"
    assert Signatory.objects.get().state == State.PENDING


def test_a_saved_reason_is_given_in_the_contacts_language(letter, desk):
    (entry,) = waiting(letter, "Maison de la Mémoire")
    Signatory.objects.filter(pk=entry.pk).update(language="fr")
    reason = SavedReason.objects.create(event="reject", title="Twice")
    reason.texts.create(language="en", text="You have signed already.")
    reason.texts.create(language="fr", text="Vous avez déjà signé.")

    press(desk, f"reject:{reason.pk}")

    assert Decision.objects.get().reason == "Vous avez déjà signé."


def test_undo_brings_the_entry_back_and_mails_nothing(letter, desk, work):
    waiting(letter, "Amani", "INSEC")
    press(desk, "approve")
    press(desk, "reject", reason_reject="Unknown.")
    assert work() == []

    assert shown(desk, press(desk, "undo").request["PATH_INFO"]) in {"Amani", "INSEC"}
    press(desk, "undo")

    assert set(Signatory.objects.values_list("state", flat=True)) == {State.PENDING}
    assert list(Message.objects.exclude(kind="waiting")) == []
    assert list(Decision.objects.values_list("event", flat=True)) == [
        "approve",
        "reject",
        "reopen",
        "reopen",
    ]
    assert "There is nothing to undo." in text_of(press(desk, "undo"))


def test_an_entry_that_was_undone_is_before_nobody_else(letter, desk, colleague):
    waiting(letter, "Amani", "INSEC")
    press(desk, "approve")

    again = press(desk, "undo")

    assert again.context["entry"].name == "Amani"
    assert shown(colleague) == "INSEC"


def test_undo_after_the_mail_went_out_says_where_things_stand(letter, coordinator, work):
    (entry,) = waiting(letter, "Amani")
    by = By.coordinator(coordinator)
    decision = moderation.decide(entry.pk, Event.REJECT, by=by, reason="Unknown.", at=NOW)
    work()

    moderation.undo(decision.pk, by=by)

    assert list(entry.messages.values_list("kind", flat=True).order_by("pk")) == [
        "rejected",
        "standing",
    ]


def test_only_ones_own_last_decision_is_undone(letter, coordinator):
    (entry,) = waiting(letter, "Amani")
    by = By.coordinator(coordinator)
    first = moderation.decide(entry.pk, Event.RETURN, by=by, reason="Which city?")
    moderation.decide(entry.pk, Event.RESUBMIT, by=moderation.CONTACT)

    for pk, who in [(first.pk, by), (first.pk, By.coordinator(UserFactory()))]:
        with pytest.raises(NothingToUndo):
            moderation.undo(pk, by=who)

    assert Signatory.objects.get().state == State.PENDING
    assert Decision.objects.count() == 2


def test_the_last_decision_is_the_one_made_last_also_where_the_clock_was_set_back(
    letter, coordinator
):
    (entry,) = waiting(letter, "Amani")
    by = By.coordinator(coordinator)
    moderation.decide(entry.pk, Event.APPROVE, by=by, at=NOW + timedelta(hours=1))
    moderation.decide(entry.pk, Event.REOPEN, by=by, at=NOW + timedelta(hours=1))
    rejection = moderation.decide(
        entry.pk, Event.REJECT, by=by, reason="Not an organisation.", at=NOW
    )

    moderation.undo(rejection.pk, by=by)

    assert Signatory.objects.get().state == State.PENDING


def test_the_history_has_each_field_that_a_person_changed(letter, desk, coordinator):
    (entry,) = waiting(letter, "Amani")
    page = f"/admin/signatories/signatory/{entry.pk}/change/"

    desk.post(
        page,
        {
            "name": "Amani Trust",
            "countries": ["KE"],
            "email": entry.email,
            "contact_name": entry.contact_name,
            "contact_role": entry.contact_role,
        },
    )

    assert list(Change.objects.values_list("field", "old", "new", "user")) == [
        ("name", "Amani", "Amani Trust", coordinator.pk)
    ]
    assert "“Amani” became “Amani Trust”" in text_of(desk.get(page))


def test_the_page_costs_the_same_for_one_and_for_three(letter, desk):
    costs = []
    for names in (["Amani"], ["INSEC", "PAX"]):
        waiting(letter, *names)
        desk.get(REVIEW)
        with CaptureQueriesContext(connection) as queries:
            desk.get(REVIEW)
        costs.append(len(queries))

    assert costs[0] == costs[1]


def test_an_edit_that_begins_in_the_review_ends_there(letter, desk):
    waiting(make_letter(), "PAX")
    entry, _next = waiting(letter, "Amani", "INSEC")
    review = f"{REVIEW}?letter={letter.pk}"
    change = f"/admin/signatories/signatory/{entry.pk}/change/?review={letter.pk}"
    assert f'href="{change}#id_name"' in desk.get(review).content.decode()
    typed = {"name": "Amani Trust", "countries": ["KE"], "email": entry.email, "_save": "Save"}

    saved = desk.post(change, typed, follow=True)

    assert saved.context["entry"].name == "Amani Trust"
    assert "was changed successfully" in text_of(saved)
    press(desk, "approve", saved.wsgi_request.get_full_path())
    assert shown(desk, review) == "INSEC"


@pytest.mark.parametrize("left", ["deactivated", "without the letter"])
def test_what_was_assigned_to_somebody_who_left_is_anybodys(letter, desk, left):
    (_entry,) = waiting(letter, "PAX")
    gone = UserFactory(group="letter coordinator", is_active=left != "deactivated")
    if left == "deactivated":
        letter.coordinators.add(gone)
    Signatory.objects.update(assigned_to=gone)

    assert shown(desk) == "PAX"

    letter.coordinators.add(gone)
    gone.is_active = True
    gone.save()
    assert shown(desk) is None


def test_the_review_says_why_it_does_not_show_what_was_asked_for(letter, desk):
    returned = SignatoryFactory(letter=letter, name="INSEC", state=State.RETURNED)
    taken = SignatoryFactory(
        letter=letter, name="Kivu", assigned_to=UserFactory(username="zoe", group="coordinator")
    )

    for pk, words in (
        (returned.pk, "“INSEC” does not wait for a decision. Its state: Returned for changes."),
        (taken.pk, "“Kivu” is assigned to zoe."),
        (999_999, "The entry that you asked for is not there."),
    ):
        assert words in text_of(desk.get(f"{REVIEW}?entry={pk}"))


def test_a_judgement_made_in_the_review_of_one_letter_stays_with_it(letter, desk):
    waiting(make_letter(), "PAX")
    (entry,) = waiting(letter, "Genocide Wach")

    response = desk.post(
        f"/admin/signatories/signatory/{entry.pk}/judge/",
        {"verdict": "different:Genocide Watch", "review": letter.pk},
        follow=True,
    )

    assert (response.context["entry"], response.context["letter"]) == (entry, letter)


def test_what_was_judged_about_two_names_is_not_asked_again(letter, desk):
    known = OrganizationFactory(name="Genocide Watch")
    index_organization(known)
    (entry,) = waiting(letter, "Genocide Wach")
    assert [like.name for like in desk.get(REVIEW).context["likenesses"]] == ["Genocide Watch"]

    response = desk.post(
        f"/admin/signatories/signatory/{entry.pk}/judge/",
        {"verdict": "different:Genocide Watch", "review": "all"},
        follow=True,
    )

    assert response.context["entry"] == entry
    assert response.context["likenesses"] == []
    assert "“Genocide Watch”: different organisations (" in text_of(response)

    desk.post(
        f"/admin/signatories/signatory/{entry.pk}/judge/", {"verdict": "forget:genocide watch"}
    )

    assert [like.name for like in desk.get(REVIEW).context["likenesses"]] == ["Genocide Watch"]


def test_the_registrys_spelling_is_taken_with_one_button(letter, desk):
    known = OrganizationFactory(name="Genocide Watch")
    index_organization(known)
    (entry,) = waiting(letter, "Genocide Wach")
    page = desk.get(REVIEW).content.decode()
    assert 'value="spelling:Genocide Watch"' in page
    assert 'data-key="t"' in page

    response = desk.post(
        f"/admin/signatories/signatory/{entry.pk}/judge/",
        {"verdict": "spelling:Genocide Watch", "seen": entry.version, "review": letter.pk},
        follow=True,
    )

    assert response.context["entry"] == entry
    assert "spelling:" not in response.content.decode()
    entry.refresh_from_db()
    change = entry.changes.get()
    assert (entry.name, entry.name_key, change.old) == (
        "Genocide Watch",
        "genocide watch",
        "Genocide Wach",
    )


def test_a_spelling_is_not_taken_over_what_changed_meanwhile(letter, desk):
    index_organization(OrganizationFactory(name="Genocide Watch"))
    (entry,) = waiting(letter, "Genocide Wach")
    moderation.correct(entry.pk, {"name": "Genocide Wachen"})

    response = desk.post(
        f"/admin/signatories/signatory/{entry.pk}/judge/",
        {"verdict": "spelling:Genocide Watch", "seen": entry.version, "review": "all"},
        follow=True,
    )

    assert "was not changed: it changed meanwhile" in text_of(response)
    entry.refresh_from_db()
    assert entry.name == "Genocide Wachen"


def test_an_entry_judged_the_same_joins_the_organization_when_approved(letter, desk):
    known = OrganizationFactory(name="Genocide Watch")
    index_organization(known)
    (entry,) = waiting(letter, "Genocide Wach")

    desk.post(f"/admin/signatories/signatory/{entry.pk}/judge/", {"verdict": "same:Genocide Watch"})
    press(desk, "approve")

    entry.refresh_from_db()
    assert entry.organization == known


def test_a_row_that_changed_since_it_was_shown_is_not_assigned(letter, desk, coordinator):
    stays, changes = (SignatoryFactory(letter=letter, name=name) for name in ("Pax", "INSEC"))
    queue = "/admin/signatories/signatory/"
    form = {"action": "assign", "_selected_action": [stays.pk, changes.pk]}
    seen = [f"{one.pk}:{one.version}" for one in (stays, changes)]
    moderation.correct(changes.pk, {"name": "INSEC Nepal"})

    page = desk.post(queue, {**form, "seen": seen})
    assert f'name="seen" value="{changes.pk}:0"' in page.content.decode()
    done = desk.post(queue, {**form, "seen": seen, "colleague": coordinator.pk}, follow=True)

    said = [str(message) for message in done.context["messages"]]
    assert said[0] == "1 assigned."
    assert said[1].startswith(f"Not changed: INSEC Nepal ({changes.reference}): it changed meanwh")
    assert list(Signatory.objects.filter(assigned_to=coordinator)) == [stays]
