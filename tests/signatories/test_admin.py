"""The coordinators' desk: what is shown, who may do what, and that nothing gets round the table."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from letter.models import (
    Letter,
    LetterChange,
    PublicationRequest,
    Revision,
    RevisionText,
    Update,
)
from letter.publishing import redact, request_publication
from signatories import moderation
from signatories.desk import searching
from signatories.evidence import assess_due
from signatories.models import (
    Alias,
    Correction,
    Decision,
    Event,
    Message,
    Partner,
    SavedReason,
    Signatory,
)
from tests.factories import (
    NOW,
    OrganizationFactory,
    RevisionFactory,
    SignatoryFactory,
    UserFactory,
    make_letter,
)
from tests.reading import text_of

State = Signatory.State
QUEUE = "/admin/signatories/signatory/"


@pytest.fixture
def desk(client, coordinator):
    client.force_login(coordinator)
    return client


def act(client, action, *entries, url=QUEUE + "?state=all", **data):
    return client.post(
        url,
        {"action": action, "_selected_action": [each.pk for each in entries], **data},
        follow=True,
    )


def said(response):
    return [str(message) for message in response.context["messages"]]


def rows(response):
    return [each.name for each in response.context["cl"].result_list]


def test_the_queue_opens_on_what_is_pending_oldest_first(letter, desk):
    for days, name in [(1, "Newer"), (3, "Oldest"), (2, "Older")]:
        SignatoryFactory(letter=letter, name=name, submitted_at=NOW - timedelta(days=days))
    for state in (State.SUBMITTED, State.APPROVED, State.REJECTED):
        SignatoryFactory(letter=letter, state=state)

    assert rows(desk.get(QUEUE)) == ["Oldest", "Older", "Newer"]


def test_the_queue_filters_by_letter_and_state(letter, desk):
    other = make_letter()
    SignatoryFactory(letter=letter, name="PAX")
    SignatoryFactory(letter=other, name="INSEC")
    SignatoryFactory(letter=other, name="Zarga", state=State.APPROVED)

    assert rows(desk.get(f"{QUEUE}?letter__id__exact={letter.pk}")) == ["PAX"]
    assert rows(desk.get(f"{QUEUE}?state=approved")) == ["Zarga"]
    assert rows(desk.get(f"{QUEUE}?state__exact=approved")) == ["Zarga"]
    assert rows(desk.get(f"{QUEUE}?state=all&letter__id__exact={other.pk}")) == ["INSEC", "Zarga"]
    assert rows(desk.get(f"{QUEUE}?state=%00")) == ["PAX", "INSEC"]


def test_a_row_shows_what_a_coordinator_decides_by(letter, desk):
    SignatoryFactory(
        letter=letter,
        name="Centre Kivu",
        countries=["CD", "RW"],
        website="https://www.kivu.example.org/",
        email="aline@mail.kivu.example.org",
        confirmed_at=NOW,
    )
    SignatoryFactory(letter=letter, email="someone@gmail.com", website="https://amani.example.org")

    response = desk.get(QUEUE)
    page = response.content.decode()

    assert "Centre Kivu (Democratic Republic of the Congo, Rwanda)" in text_of(response)
    assert "3 Mar 2025, 09:00" in page
    assert "www.kivu.example.org</a>" in page
    assert "matches the website" in page
    assert "free-mail address" in page


@pytest.mark.parametrize(("count", "path"), [(1, QUEUE), (3, QUEUE)])
def test_the_queue_costs_the_same_for_one_and_for_three(letter, desk, count, path):
    SignatoryFactory.create_batch(count, letter=letter)
    desk.get(path)

    with CaptureQueriesContext(connection) as queries:
        desk.get(path)

    assert len(queries) == 8


def test_approving_says_how_many_and_which_not_and_why(letter, desk, coordinator):
    SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED)
    again = SignatoryFactory(letter=letter, name="Pax")
    fine = SignatoryFactory.create_batch(2, letter=letter)

    response = act(desk, "approve", again, *fine)

    first, second = said(response)
    assert first.startswith("2 approved.")
    assert f"Pax ({again.reference})" in second
    assert "already on the list" in second
    assert Signatory.objects.approved().count() == 3
    assert {each.user for each in Decision.objects.all()} == {coordinator}


@pytest.mark.parametrize(
    ("action", "state"), [("reject", State.REJECTED), ("return_for_changes", State.RETURNED)]
)
def test_saying_no_asks_for_a_reason_first(letter, desk, action, state):
    entry = SignatoryFactory(letter=letter)

    asked = act(desk, action, entry)
    assert (asked.status_code, Signatory.objects.get().state) == (200, State.PENDING)
    assert 'name="reason"' in asked.content.decode()

    missing = act(desk, action, entry, reason=" ")
    assert (missing.status_code, Signatory.objects.get().state) == (422, State.PENDING)

    act(desk, action, entry, reason="Please give the full name.")
    assert Signatory.objects.get().state == state
    assert Message.objects.get().reason == "Please give the full name."


def test_withdrawing_asks_once(letter, desk):
    entry = SignatoryFactory(letter=letter, state=State.APPROVED)

    act(desk, "withdraw", entry)
    assert Signatory.objects.get().state == State.APPROVED

    response = act(desk, "withdraw", entry, reason="")
    assert Signatory.objects.get().state == State.WITHDRAWN
    assert said(response) == ["1 withdrawn."]


def test_approving_all_across_pages(letter, desk, work):
    SignatoryFactory.create_batch(120, letter=letter)
    first = Signatory.objects.order_by("pk").first()

    asked = act(desk, "approve", first, url=QUEUE, select_across="1")
    assert Signatory.objects.pending().count() == 120
    shown = list(asked.context["entries"])
    SignatoryFactory(letter=letter, name="Came in meanwhile")

    response = act(desk, "approve", *shown, url=QUEUE, select_across="0", reason="")

    assert list(Signatory.objects.pending().values_list("name", flat=True)) == ["Came in meanwhile"]
    assert said(response)[0].startswith("120 approved.")
    work()
    assert letter.editions.get().organization_count == 120


@pytest.mark.parametrize("event", ["approve", "return", "reject", "withdraw"])
def test_the_buttons_on_an_entrys_page(letter, desk, event):
    entry = SignatoryFactory(letter=letter)
    page = desk.get(f"{QUEUE}{entry.pk}/change/").content.decode()
    url = f"{QUEUE}{entry.pk}/decide/{event}/"
    assert f'formaction="{url}"' in page

    desk.post(url, {"reason": "because"})

    entry.refresh_from_db()
    assert entry.decisions.get().event == event
    history = desk.get(f"{QUEUE}{entry.pk}/change/").content.decode()
    assert "because" in history
    assert "grace" in history


def test_only_the_tables_buttons_are_there(letter, desk):
    for state in State:
        entry = SignatoryFactory(letter=letter, state=state)
        page = desk.get(f"{QUEUE}{entry.pk}/change/").content.decode()

        shown = re.findall(r"/decide/(\w+)/", page)
        possible = moderation.possible_events(state, moderation.Actor.COORDINATOR)
        assert sorted(shown) == sorted(possible)


def test_a_refused_button_says_why_and_changes_nothing(letter, desk):
    entry = SignatoryFactory(letter=letter, state=State.REJECTED)

    response = desk.post(f"{QUEUE}{entry.pk}/decide/approve/", follow=True)

    assert "cannot be approved while it is “Rejected”" in said(response)[0]
    assert Decision.objects.count() == 0
    for url in (f"{QUEUE}{entry.pk}/decide/nonsense/", f"{QUEUE}4711/decide/approve/"):
        assert desk.post(url).status_code in {302, 404}
    assert desk.get(f"{QUEUE}{entry.pk}/decide/approve/").status_code == 405


def typed_in(response, field: str) -> str:
    """What stands in that text area of the page."""
    page = response.content.decode()
    return html.unescape(re.search(rf'<textarea id="{field}"[^>]*>([^<]*)<', page)[1])


def test_a_refused_decision_keeps_the_words_that_were_typed(letter, desk, coordinator):
    entry = SignatoryFactory(letter=letter, name="Good Org")
    url = f"{QUEUE}{entry.pk}/decide/return/"
    words = "Which <city>?\nAnd who are you?"

    moderation.edit(entry.pk, {"name": "Better Org"}, by=moderation.By.coordinator(coordinator))
    refused = desk.post(url, {"reason": words, "seen": entry.version})

    assert refused.status_code == 409
    assert "was not changed: it changed meanwhile" in text_of(refused)
    assert typed_in(refused, "desk-reason") == words
    # The entry's own form, on that same page, is still sent to the entry's own page.
    assert f'action="{QUEUE}{entry.pk}/change/"' in refused.content.decode()
    entry.refresh_from_db()
    # What is shown now is decided about as it is now.
    assert f'name="seen" value="{entry.version}"' in refused.content.decode()
    desk.post(url, {"reason": words, "seen": entry.version})
    assert entry.decisions.get(event="return").reason == words


def test_an_entrys_page_says_where_it_would_stand(letter, desk, work):
    for name in ("Amnesty", "Zarga"):
        SignatoryFactory(letter=letter, name=name, state=State.APPROVED)
    request_publication(letter, at=timezone.now())
    work()
    entry = SignatoryFactory(letter=letter, name="PAX")

    page = " ".join(desk.get(f"{QUEUE}{entry.pk}/change/").content.decode().split())

    assert "Would be No. 2, between “Amnesty” and “Zarga”; 1 line moves." in page


FIELDS = {
    "countries": ["NL"], "label": "", "sort_as": "", "website": "", "contact_name": "Jan",
    "contact_role": "director", "email": "jan@pax.example.org", "note": "wrote on Monday",
}  # fmt: skip


def test_adding_by_hand_waits_for_a_decision(letter, desk, coordinator):
    response = desk.post(f"{QUEUE}add/", {"letter": letter.pk, "name": "PAX", **FIELDS})

    entry = Signatory.objects.get()
    assert response.headers["Location"] == f"{QUEUE}{entry.pk}/change/"
    assert (entry.state, entry.source, entry.countries, entry.note) == (
        State.PENDING, "hand", ["NL"], "wrote on Monday",
    )  # fmt: skip
    assert list(entry.decisions.values_list("event", "to_state", "user")) == [
        ("add", "pending", coordinator.pk)
    ]
    assert Message.objects.count() == 0


def test_nobody_signs_a_letter_without_words(desk):
    letter = RevisionFactory(letter__state=Letter.State.DRAFT, published_at=None).letter

    response = desk.post(f"{QUEUE}add/", {"letter": letter.pk, "name": "PAX", **FIELDS})

    assert "This letter has no text yet" in response.content.decode()
    assert (Signatory.objects.count(), Revision.objects.get().locked_at) == (0, None)


def test_adding_by_hand_refuses_what_the_form_refuses(letter, desk):
    response = desk.post(f"{QUEUE}add/", {"letter": letter.pk, "name": "\u202e!", **FIELDS})

    assert response.status_code == 200
    assert "id_name_error" in response.content.decode()
    assert Signatory.objects.count() == 0


def test_editing_a_published_line_publishes_it(letter, desk, work):
    entry = SignatoryFactory(letter=letter, name="International Coalition", state=State.APPROVED)
    SignatoryFactory(letter=letter, name="INSEC", state=State.APPROVED)
    request_publication(letter, at=timezone.now())
    work()

    desk.post(
        f"{QUEUE}{entry.pk}/change/",
        {**FIELDS, "name": entry.name, "label": "Worldwide", "sort_as": "Aa"},
    )
    work()

    assert [(each.name, each.label) for each in letter.listings.current().in_order()] == [
        ("International Coalition", "Worldwide"),
        ("INSEC", None),
    ]
    assert letter.editions.count() == 2


def test_renaming_to_what_is_listed_is_refused_beside_the_field(letter, desk):
    SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED)
    entry = SignatoryFactory(letter=letter, name="INSEC", state=State.APPROVED)

    response = desk.post(f"{QUEUE}{entry.pk}/change/", {**FIELDS, "name": "Pax"})

    assert "is on the list already" in response.content.decode()
    entry.refresh_from_db()
    assert entry.name == "INSEC"


def test_what_was_corrected_meanwhile_is_not_approved_unseen(letter, desk):
    entry = SignatoryFactory(letter=letter, name="Good Org", countries=["KE"])
    seen = re.search(
        r'name="seen" value="([^"]*)"', desk.get(f"{QUEUE}{entry.pk}/change/").content.decode()
    ).group(1)
    moderation.correct(entry.pk, {"name": "Other Org", "countries": [], "website": ""}, at=NOW)

    response = desk.post(f"{QUEUE}{entry.pk}/decide/approve/", {"seen": seen}, follow=True)

    assert "“Good Org” became “Other Org” by the contact" in said(response)[0]
    assert Signatory.objects.get().state == State.PENDING


def test_an_edit_does_not_take_back_a_correction_made_meanwhile(letter, desk):
    entry = SignatoryFactory(letter=letter, name="Good Org", countries=["KE"])
    url = f"{QUEUE}{entry.pk}/change/"
    shown = r'name="shown" value="([^"]*)"'
    before = re.search(shown, desk.get(url).content.decode()).group(1)
    moderation.correct(entry.pk, {"name": "Better Org", "countries": ["KE"], "website": ""}, at=NOW)
    typed = {**FIELDS, "name": "Good Org", "note": "called on Monday"}

    refused = desk.post(url, {**typed, "shown": before})

    assert "It now reads “Better Org (Kenya)”." in text_of(refused)
    assert "called on Monday" in refused.content.decode()
    entry.refresh_from_db()
    assert (entry.name, entry.note) == ("Better Org", "")

    desk.post(url, {**typed, "shown": re.search(shown, refused.content.decode()).group(1)})
    entry.refresh_from_db()
    assert (entry.name, entry.note) == ("Good Org", "called on Monday")


def test_a_search_looks_through_all_states(letter, desk):
    entry = SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED)

    assert rows(desk.get(f"{QUEUE}?q={entry.reference}")) == ["PAX"]


@pytest.mark.parametrize("model", ["signatories/signatory", "letter/letter", "letter/revision"])
def test_an_odd_digit_in_an_address_is_no_error(letter, client, model):
    client.force_login(UserFactory(is_superuser=True))

    assert client.get(f"/admin/{model}/²/change/").status_code == 302


def test_a_text_that_was_signed_meanwhile_is_handed_back(letter, client, editor):
    revision, text = Revision.objects.get(), RevisionText.objects.get()
    letter.revisions.lock(at=NOW)
    Revision.objects.update(published_at=None)
    client.force_login(editor)

    response = client.post(
        f"/admin/letter/revision/{revision.pk}/change/",
        {
            "bodies-TOTAL_FORMS": 1, "bodies-INITIAL_FORMS": 1, "bodies-0-id": text.pk,
            "bodies-0-language": "en", "bodies-0-body": "Typed for an hour",
        },
    )  # fmt: skip

    assert response.status_code == 409
    assert "Typed for an hour" in response.content.decode()
    text.refresh_from_db()
    assert text.body == "We ask for a **code of conduct**."


def test_state_is_no_field(letter, desk):
    entry = SignatoryFactory(letter=letter)

    desk.post(
        f"{QUEUE}{entry.pk}/change/",
        {
            **FIELDS,
            "name": "PAX",
            "state": "approved",
            "organization": 1,
            "approved_at": "2026-01-01",
        },
    )

    entry.refresh_from_db()
    assert (entry.name, entry.state, entry.organization, entry.approved_at) == (
        "PAX", State.PENDING, None, None,
    )  # fmt: skip


def test_saving_does_not_undo_a_decision_made_meanwhile(letter, desk, coordinator):
    entry = SignatoryFactory(letter=letter, name="PAX")
    desk.get(f"{QUEUE}{entry.pk}/change/")
    moderation.decide(entry.pk, Event.APPROVE, by=moderation.By.coordinator(coordinator))

    desk.post(f"{QUEUE}{entry.pk}/change/", {**FIELDS, "name": "PAX Netherlands"})

    entry.refresh_from_db()
    assert (entry.name, entry.state) == ("PAX Netherlands", State.APPROVED)


def test_the_preview_shows_the_place_and_saves_nothing(letter, desk, work):
    for name in ("Amnesty", "INSEC", "Zarga"):
        SignatoryFactory(letter=letter, name=name, state=State.APPROVED)
    request_publication(letter, at=timezone.now())
    work()
    entry = SignatoryFactory(letter=letter, name="PAX")

    page = desk.post(f"{QUEUE}{entry.pk}/place/", {**FIELDS, "name": "PAX", "sort_as": "Holland"})

    text = page.content.decode()
    assert re.findall(r'<li value="(\d)"', text) == ["1", "2", "3", "4"]
    assert (
        '<li value="2" class="desk-place-here"><strong><bdi>PAX</bdi> <bdi>(Netherlands)</bdi>'
        in text
    )
    entry.refresh_from_db()
    assert entry.sort_as == ""
    new = desk.post(f"{QUEUE}place/", {**FIELDS, "letter": letter.pk, "name": "Zz"})
    assert '<li value="4" class="desk-place-here">' in new.content.decode()
    bad = desk.post(f"{QUEUE}{entry.pk}/place/", {**FIELDS, "name": ""})
    assert "cannot be shown yet" in bad.content.decode()


def test_the_preview_says_that_a_neighbour_was_taken_out(letter, desk, work):
    neighbour = SignatoryFactory(letter=letter, name="Amnesty", state=State.APPROVED)
    request_publication(letter, at=timezone.now())
    work()
    redact(letter, neighbour.line_id, at=timezone.now())
    entry = SignatoryFactory(letter=letter, name="PAX")

    page = desk.post(f"{QUEUE}{entry.pk}/place/", {**FIELDS, "name": "PAX"})

    assert "<em>taken out at the organisation’s request</em>" in page.content.decode()


def test_an_approved_signatory_is_never_deleted(letter, client):
    client.force_login(UserFactory(is_superuser=True))
    listed = SignatoryFactory(letter=letter, state=State.APPROVED)
    spam = SignatoryFactory(letter=letter, state=State.REJECTED)

    assert client.post(f"{QUEUE}{listed.pk}/delete/", {"post": "yes"}).status_code == 403
    act(client, "delete_selected", listed, spam, post="yes")
    assert client.post(
        f"/admin/letter/letter/{letter.pk}/delete/", {"post": "yes"}
    ).status_code in {200, 403}
    client.post(
        f"/admin/signatories/organization/{listed.organization_id}/delete/", {"post": "yes"}
    )
    assert Signatory.objects.count() == 2

    client.post(f"{QUEUE}{spam.pk}/delete/", {"post": "yes"})
    assert Signatory.objects.get() == listed


def test_accepting_and_declining_a_correction(letter, desk, work):
    entry = SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED)
    changes = {"name": "PAX Netherlands", "countries": ["NL"], "website": ""}
    first = moderation.correct(entry.pk, changes, at=NOW)
    page = text_of(desk.get(f"{QUEUE}{entry.pk}/change/"))
    assert "PAX Netherlands (Netherlands)" in page
    assert rows(desk.get(f"{QUEUE}?state=correction")) == ["PAX"]

    desk.post(f"{QUEUE}correction/{first.pk}/decline/", {"reason": ""})
    assert Correction.objects.get().settled_at is None
    long = "We know you by another name. " * 200
    refused = desk.post(f"{QUEUE}correction/{first.pk}/decline/", {"reason": long})
    assert (refused.status_code, typed_in(refused, "decline-reason")) == (409, long)
    assert "The correction was not settled" in text_of(refused)
    desk.post(f"{QUEUE}correction/{first.pk}/decline/", {"reason": "no"})
    assert Signatory.objects.get().name == "PAX"

    second = moderation.correct(entry.pk, changes, at=NOW)
    desk.post(f"{QUEUE}correction/{second.pk}/accept/")
    assert Signatory.objects.get().name == "PAX Netherlands"
    assert PublicationRequest.objects.count() == 1


def test_mail_that_was_given_up_is_shown_and_tried_again(letter, desk, work):
    message = Message.objects.create(
        kind="received",
        letter=letter,
        signatory=SignatoryFactory(letter=letter),
        attempts=8,
        given_up_at=NOW,
        error="SMTPRecipientsRefused",
        due_at=NOW,
    )
    page = desk.get("/admin/signatories/message/?delivery=given_up").content.decode()
    assert "SMTPRecipientsRefused" in page

    desk.post(
        "/admin/signatories/message/", {"action": "try_again", "_selected_action": [message.pk]}
    )

    assert len(work()) == 1


# --- Who may do what ----------------------------------------------------------------------------


def test_an_observer_sees_no_button_and_no_action(letter, client, observer):
    client.force_login(observer)
    entry = SignatoryFactory(letter=letter)

    assert "/decide/" not in client.get(f"{QUEUE}{entry.pk}/change/").content.decode()
    act(client, "approve", entry)

    assert Signatory.objects.get().state == State.PENDING


# --- Letters ----------------------------------------------------------------------------------------


@pytest.fixture
def pen(client, editor):
    client.force_login(editor)
    return client


def letter_form(letter, **changes):
    fields = {
        "title": letter.title, "slug": letter.slug, "state": letter.state, "addressee": "", "salutation": "",
        "closing_line": "", "default_language": "en", "time_zone": "UTC", "ordering": "alphabetical",
        "sign_on_text": "", "privacy_text": "", "contact_address": "",
        "keep_contacts_days": "180",
        "opens_at_0": "", "opens_at_1": "", "closes_at_0": "", "closes_at_1": "", "cutoff_at_0": "",
        "cutoff_at_1": "",
    }  # fmt: skip
    return fields | changes


def test_a_letter_is_written_opened_and_read(db, pen, work):
    made = pen.post(
        "/admin/letter/letter/add/",
        letter_form(Letter(title="A code of conduct", slug="conduct", state="draft")),
    )
    letter, revision = Letter.objects.get(), Revision.objects.get()
    assert made.headers["Location"] == f"/admin/letter/revision/{revision.pk}/change/"

    too_early = pen.post(
        f"/admin/letter/letter/{letter.pk}/change/", letter_form(letter, state="open")
    )
    assert too_early.status_code == 200
    assert Letter.objects.get().state == Letter.State.DRAFT

    pen.post(
        f"/admin/letter/revision/{revision.pk}/change/",
        {
            "kind": "first", "note": "",
            "bodies-TOTAL_FORMS": 1, "bodies-INITIAL_FORMS": 0, "bodies-0-language": "en",
            "bodies-0-body": "We ask for **a code**.", "bodies-0-title": "", "bodies-0-addressee": "",
            "bodies-0-salutation": "", "bodies-0-closing_line": "",
        },
    )  # fmt: skip
    pen.post(f"/admin/letter/letter/{letter.pk}/change/", letter_form(letter, state="open"))
    work()

    pen.logout()
    assert "<strong>a code</strong>" in pen.get("/conduct/").content.decode()


def test_times_are_typed_in_the_letters_own_zone(letter, pen):
    pen.post(
        f"/admin/letter/letter/{letter.pk}/change/",
        letter_form(
            letter, time_zone="Africa/Kinshasa", closes_at_0="2026-12-05", closes_at_1="23:59:00"
        ),
    )

    letter.refresh_from_db()
    assert letter.closes_at.isoformat() == "2026-12-05T22:59:00+00:00"
    page = pen.get(f"/admin/letter/letter/{letter.pk}/change/").content.decode()
    assert 'value="23:59:00"' in page


def test_times_that_contradict_each_other_are_refused_in_words(letter, pen):
    response = pen.post(
        f"/admin/letter/letter/{letter.pk}/change/",
        letter_form(
            letter,
            closes_at_0="2026-12-05",
            closes_at_1="12:00",
            cutoff_at_0="2026-12-04",
            cutoff_at_1="12:00",
        ),
    )

    assert "The internal cut-off comes after the public deadline." in response.content.decode()
    letter.refresh_from_db()
    assert letter.closes_at is None


def test_the_preview_shows_what_is_typed_and_saves_nothing(letter, pen):
    page = pen.post(
        f"/admin/letter/letter/{letter.pk}/preview/",
        letter_form(letter, title="Quite another title"),
    )
    assert "Quite another title" in page.content.decode()
    page = pen.post(
        f"/admin/letter/letter/{letter.pk}/preview/",
        letter_form(
            letter, time_zone="America/New_York", closes_at_0="2099-12-05", closes_at_1="23:59"
        ),
    )
    assert "5 December 2099, 23:59 (New York time)" in text_of(page)
    revision = letter.revisions.get()
    page = pen.post(
        f"/admin/letter/revision/{revision.pk}/preview/",
        {
            "bodies-TOTAL_FORMS": 1,
            "bodies-0-language": "en",
            "bodies-0-body": "*Quite* other words",
        },
    )
    assert "<em>Quite</em> other words" in page.content.decode()

    letter.refresh_from_db()
    assert (letter.title, revision.bodies.get().body) == (
        "A code of conduct",
        "We ask for a **code of conduct**.",
    )


def test_a_signed_text_does_not_change_under_its_signatories(letter, pen):
    moderation.submit(
        Signatory(
            letter=letter,
            revision=letter.revisions.get(),
            source="form",
            name="PAX",
            email="a@example.org",
        )
    )
    revision, text = Revision.objects.get(), RevisionText.objects.get()

    pen.post(
        f"/admin/letter/letter/{letter.pk}/change/",
        letter_form(letter, title="Changed", salutation="Hi"),
    )
    pen.post(
        f"/admin/letter/revision/{revision.pk}/change/",
        {
            "bodies-TOTAL_FORMS": 1, "bodies-INITIAL_FORMS": 1, "bodies-0-id": text.pk,
            "bodies-0-revision": revision.pk, "bodies-0-language": "en", "bodies-0-body": "Changed",
        },
    )  # fmt: skip

    letter.refresh_from_db()
    text.refresh_from_db()
    assert (letter.title, letter.salutation, text.body) == (
        "A code of conduct", "Excellency,", "We ask for a **code of conduct**.",
    )  # fmt: skip


def test_a_new_revision_begins_with_the_old_words_and_is_read_once_published(letter, pen, work):
    SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED)
    letter.revisions.lock(at=NOW)
    request_publication(letter, at=timezone.now())
    work()

    for _twice in range(2):
        response = pen.post(f"/admin/letter/letter/{letter.pk}/revise/")
    newer = Revision.objects.get(number=2)
    assert response.headers["Location"] == f"/admin/letter/revision/{newer.pk}/change/"
    text = newer.bodies.get()
    assert text.body == "We ask for a **code of conduct**."
    pen.post(
        f"/admin/letter/revision/{newer.pk}/change/",
        {
            "kind": "editorial", "note": "A comma.",
            "bodies-TOTAL_FORMS": 1, "bodies-INITIAL_FORMS": 1, "bodies-0-id": text.pk,
            "bodies-0-revision": newer.pk, "bodies-0-language": "en", "bodies-0-body": "We ask, again.",
            "bodies-0-title": "", "bodies-0-addressee": "", "bodies-0-salutation": "", "bodies-0-closing_line": "",
        },
    )  # fmt: skip
    work()
    assert "We ask, again." not in pen.get("/conduct/").content.decode()

    pen.post(f"/admin/letter/revision/{newer.pk}/publish/")
    work()

    assert "We ask, again." in pen.get("/conduct/").content.decode()
    assert list(letter.editions.order_by("number").values_list("revision__number", flat=True)) == [
        1,
        2,
    ]


def test_a_published_letter_does_not_go_back_to_draft(letter, pen, work):
    request_publication(letter, at=timezone.now())
    work()

    response = pen.post(
        f"/admin/letter/letter/{letter.pk}/change/", letter_form(letter, state="draft")
    )

    assert "What has been published stays published." in response.content.decode()
    assert Letter.objects.get().state == Letter.State.OPEN


def test_a_published_letter_keeps_its_address(letter, pen, work):
    request_publication(letter, at=timezone.now())
    work()

    pen.post(f"/admin/letter/letter/{letter.pk}/change/", letter_form(letter, slug="elsewhere"))

    letter.refresh_from_db()
    assert letter.slug == "conduct"


def test_what_was_changed_about_a_letter_is_kept_and_shown(letter, pen, editor):
    page = f"/admin/letter/letter/{letter.pk}/change/"
    amina = UserFactory(username="amina", group="letter coordinator")
    given = letter_form(letter, salutation="Excellency,", closing_line="Sincerely,")
    pen.post(page, given)
    assert not LetterChange.objects.exists()

    given |= {
        "state": "closed",
        "contact_address": "desk@coalition.example.org",
        "coordinators": [amina.pk],
    }
    given |= {"time_zone": "Africa/Nairobi", "closes_at_0": "2030-01-02", "closes_at_1": "18:00"}
    pen.post(page, given)

    kept = {
        change.field: (change.old, change.new, change.user) for change in LetterChange.objects.all()
    }
    assert kept == {
        "state": ("open", "closed", editor),
        "contact_address": ("", "desk@coalition.example.org", editor),
        "coordinators": ("", "amina", editor),
        "time_zone": ("UTC", "Africa/Nairobi", editor),
        "closes_at": ("", "2030-01-02 18:00 (Africa/Nairobi)", editor),
    }
    for shown in (page, f"/admin/letter/letter/{letter.pk}/history/"):
        assert "edithstateOpenClosed" in text_of(pen.get(shown))


def test_a_letter_costs_the_same_with_one_change_and_with_three(letter, pen, editor):
    costs = []
    for fields in (["state"], ["title", "slug"]):
        for name in fields:
            LetterChange.objects.create(letter=letter, user=editor, field=name, old="a", new="b")
        with CaptureQueriesContext(connection) as queries:
            pen.get(f"/admin/letter/letter/{letter.pk}/change/")
        costs.append(len(queries))

    assert costs[0] == costs[1]


def test_a_letter_is_assigned_by_those_who_have_all_and_to_those_who_do_not(letter, pen, observer):
    page = f"/admin/letter/letter/{letter.pk}/change/"
    limited = UserFactory(username="amina", group="letter coordinator")
    UserFactory(username="reader", is_staff=False)
    writer = UserFactory(username="writer")
    writer.user_permissions.set(
        Group.objects.get(name="editor").permissions.exclude(codename="all_letters")
    )
    letter.coordinators.set([writer, observer])

    choice = pen.get(page).context["adminform"].form.fields["coordinators"].queryset
    # Whom it is assigned to stays, also if they have all letters by now.
    assert list(choice) == [limited, observer, writer]

    pen.force_login(writer)
    pen.post(page, letter_form(letter, state="closed", coordinators=[limited.pk]))
    letter.refresh_from_db()
    assert letter.state == "closed"
    assert set(letter.coordinators.all()) == {writer, observer}


def test_whoever_makes_a_letter_without_having_all_works_on_it(db, pen):
    writer = UserFactory(username="writer")
    writer.user_permissions.set(
        Group.objects.get(name="editor").permissions.exclude(codename="all_letters")
    )
    pen.force_login(writer)

    pen.post("/admin/letter/letter/add/", letter_form(Letter(title="A", slug="a", state="draft")))

    assert list(Letter.objects.get().coordinators.all()) == [writer]


@pytest.mark.parametrize("slug", ["admin", "fr", "sign", "Mixed", "a--b", "with_underscore"])
def test_an_address_that_leads_elsewhere_is_refused(db, pen, slug):
    pen.post("/admin/letter/letter/add/", letter_form(Letter(title="A", slug=slug, state="draft")))

    assert Letter.objects.count() == 0


def test_every_admin_page_opens(letter, client):
    client.force_login(UserFactory(is_superuser=True))
    SignatoryFactory(letter=letter, state=State.APPROVED)
    for model in admin.site._registry:
        opts = model._meta
        url = f"/admin/{opts.app_label}/{opts.model_name}/"
        assert client.get(url).status_code == 200
        first = model.objects.first()
        if first:
            assert client.get(f"{url}{first.pk}/change/").status_code == 200


def test_an_entry_says_what_was_seen_in_words_too(letter, desk):
    signatory = SignatoryFactory(letter=letter, seconds_taken=1, contact_role="<i>chair</i>")

    page = desk.get(f"{QUEUE}{signatory.pk}/change/")

    text = page.content.decode()
    assert '<li class="desk-caution"><strong>Look twice:</strong> The form was sent' in text
    assert "&lt;i&gt;chair&lt;/i&gt;" in text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("evidence_level__exact=caution", "First"),
        ("is_free_mail__exact=1", "Second"),
        ("country=UG", "First"),
        ("country=KE", "First Second"),
    ],
)
def test_the_queue_is_filtered_by_evidence_and_country(letter, desk, query, shown):
    SignatoryFactory(letter=letter, name="First", countries=["KE", "UG"], seconds_taken=0)
    SignatoryFactory(letter=letter, name="Second", countries=["KE"], email="a@gmail.com")
    assess_due(NOW)

    page = desk.get(f"{QUEUE}?{query}")

    assert rows(page) == shown.split()


def test_the_country_filter_offers_what_the_letter_has(letter, desk):
    SignatoryFactory(letter=letter, countries=["UG", "KE"])
    SignatoryFactory(letter=make_letter(), countries=["FR"])

    page = desk.get(f"{QUEUE}?letter__id__exact={letter.pk}")

    offered = next(each for each in page.context["cl"].filter_specs if each.title == "country")
    assert offered.lookup_choices == [("KE", "Kenya"), ("UG", "Uganda")]


def test_choosing_a_country_keeps_what_else_narrows_the_list(letter, desk):
    SignatoryFactory(letter=letter, countries=["UG"], name="Lakeside")

    page = desk.get(f"{QUEUE}?q=lake&letter__id__exact={letter.pk}&country=UG").content.decode()

    form = page[page.index('class="desk-filter"') :]
    form = form[: form.index("</form>")]
    assert '<input type="hidden" name="q" value="lake">' in form
    assert f'<input type="hidden" name="letter__id__exact" value="{letter.pk}">' in form
    assert 'type="hidden" name="country"' not in form
    assert '<option value="UG" selected>Uganda</option>' in form


def test_search_finds_names_without_accents_and_whole_texts_in_quotation_marks(letter, desk):
    peoples = SignatoryFactory(letter=letter, name="Peuples Endogènes", contact_name="Aline Bahati")
    SignatoryFactory(letter=letter, name="Forum for Peace", email="a@peace-forum.example.org")
    SignatoryFactory(letter=letter, name="Peace Forum")

    assert rows(desk.get(QUEUE, {"q": "endogenes"})) == ["Peuples Endogènes"]
    assert rows(desk.get(QUEUE, {"q": "bahati peuples"})) == ["Peuples Endogènes"]
    assert rows(desk.get(QUEUE, {"q": "A@Peace-Forum"})) == ["Forum for Peace"]
    assert rows(desk.get(QUEUE, {"q": peoples.reference.lower()})) == ["Peuples Endogènes"]
    assert rows(desk.get(QUEUE, {"q": "peace-forum"})) == ["Forum for Peace", "Peace Forum"]
    assert rows(desk.get(QUEUE, {"q": '"peace forum"'})) == ["Peace Forum"]
    assert rows(desk.get(QUEUE, {"q": "\"'"})) == []


@pytest.mark.parametrize("few", [1000, 1])
def test_search_is_the_same_for_few_and_for_many(letter, desk, monkeypatch, few):
    monkeypatch.setattr(searching, "_FEW", few)
    for name in ("Lake One", "Lake Two", "River"):
        SignatoryFactory(letter=letter, name=name, state=State.APPROVED)

    assert rows(desk.get(QUEUE, {"q": "lake"})) == ["Lake One", "Lake Two"]
    page = desk.get("/admin/signatories/organization/", {"q": "LAKE"})
    assert [each.name for each in page.context["cl"].result_list] == ["Lake One", "Lake Two"]
    assert page.context["cl"].result_count == 2


def test_search_looks_in_every_field_in_capitals_or_not(letter, desk):
    entry = SignatoryFactory(
        letter=letter,
        name="PAX",
        website="https://Pax.example/Home",
        email="info@mail.example",
        contact_name="Éric McDonald",
    )

    for word in ("pax", "example/home", "INFO@MAIL", "mcdonald", "Éric", entry.reference.lower()):
        assert rows(desk.get(QUEUE, {"q": word})) == ["PAX"], word
    Signatory.objects.update(contact_name="", email="")
    for word in ("mcdonald", "info@mail"):
        assert rows(desk.get(QUEUE, {"q": word})) == [], word


def test_an_entry_with_all_fields_at_their_longest_is_kept_and_found(letter, desk):
    # They take four bytes each, and the index's row has a limit.
    long = "".join(chr(0x20000 + number) for number in range(250))
    SignatoryFactory(
        letter=letter,
        name=long,
        email=f"{'a' * 64}@{'b' * 63}.example",
        website=f"https://example.org/{'c' * 180}",
        contact_name=long[:150],
    )

    assert rows(desk.get(QUEUE, {"q": long[:20]})) == [long]


def test_django_reads_the_table_with_what_is_sought_back(db):
    with connection.cursor() as cursor:
        table = Signatory._meta.db_table
        columns = connection.introspection.get_table_description(cursor, table)
        constraints = connection.introspection.get_constraints(cursor, table)

    assert "sought" in {column.name for column in columns}
    assert constraints["signatory_sought"]["columns"] == ["sought", "id"]


def test_an_organisation_is_found_by_its_other_names_without_accents(letter, desk):
    organization = OrganizationFactory(
        name="Réseau", name_key="reseau", website="https://reseau.example"
    )
    Alias.objects.create(organization=organization, name="Échanges", name_key="echanges")
    OrganizationFactory(name="Other")

    for word in ("reseau", "RESEAU.EXAMPLE", "echanges", "Échanges réseau"):
        page = desk.get("/admin/signatories/organization/", {"q": word})
        assert list(page.context["cl"].result_list) == [organization], word


def test_the_mails_are_shown_before_they_are_sent_in_each_contacts_language(letter, desk):
    reason = SavedReason.objects.create(event="reject", title="Twice")
    reason.texts.create(language="en", text="You have signed already.")
    reason.texts.create(language="fr", text="Vous avez déjà signé.")
    entries = SignatoryFactory.create_batch(2, letter=letter)
    french = SignatoryFactory(letter=letter)
    Signatory.objects.filter(pk=french.pk).update(language="fr")
    typed = {"reason": "Dear friends,", "saved": reason.pk}

    response = act(desk, "reject", *entries, french, preview="1", **typed)

    bodies = [" ".join(each.body.split()) for each in response.context["mails"]]
    assert [("already." in body, "signé." in body) for body in bodies].count((True, False)) == 1
    assert [("already." in body, "signé." in body) for body in bodies].count((False, True)) == 1
    assert all("Dear friends," in body for body in bodies)
    assert not Decision.objects.exists()
    act(desk, "reject", *entries, french, **typed)
    assert set(Decision.objects.values_list("signatory", "reason")) == {
        *((entry.pk, "Dear friends,\n\nYou have signed already.") for entry in entries),
        (french.pk, "Dear friends,\n\nVous avez déjà signé."),
    }


@pytest.mark.parametrize("tick", ["correction", "9" * 40, "", "1.5", "\x00", "-1"])
def test_a_tick_that_is_no_rows_changes_nothing_and_breaks_nothing(
    admin_client, rf, admin_user, tick
):
    asked = rf.get("/")
    asked.user = admin_user
    actions = {
        admins.model: [name for name, _label in admins.get_action_choices(asked) if name]
        for admins in admin.site._registry.values()
    }
    rows = {model: model._base_manager.count() for model in actions}

    for model, names in actions.items():
        page = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for name in names:
            sent = {"action": name, "index": "0", "_selected_action": tick}
            answer = admin_client.post(page, sent, follow=True)
            assert answer.status_code in {200, 403}, (page, name)
    assert {model: model._base_manager.count() for model in actions} == rows
    assert sum(map(len, actions.values())) >= 10


@pytest.mark.parametrize("query", ["letter=" + "9" * 20, "letter__in=1," + "9" * 20])
def test_a_number_that_no_row_has_is_no_error_of_ours(admin_client, query):
    for model in (Revision, Update, Message, Partner, Signatory):
        page = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert admin_client.get(f"{page}?{query}").status_code in {302, 400}, page
