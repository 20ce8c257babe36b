"""The desk's pages for combining two sign-ons or two organisations."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from letter.publishing import request_publication
from signatories import duplicates, links, moderation
from signatories.merging import merge_entries, merge_organizations
from signatories.models import Event, Merge, Organization, Signatory
from signatories.moderation import By, State, decide
from tests.factories import NOW, OrganizationFactory, SignatoryFactory, UserFactory
from tests.reading import text_of

ENTRIES = "/admin/signatories/signatory/"
ORGANIZATIONS = "/admin/signatories/organization/"
MERGES = "/admin/signatories/merge/"


@pytest.fixture
def by(coordinator):
    return By.coordinator(coordinator)


@pytest.fixture
def desk(client, coordinator):
    client.force_login(coordinator)
    return client


def entry(letter, name, by=None, **fields):
    made = SignatoryFactory(letter=letter, name=name, **{"confirmed_at": NOW, **fields})
    duplicates.index_signatory(made)
    if by:
        decide(made.pk, Event.APPROVE, by=by, at=NOW)
        made.refresh_from_db()
    return made


@pytest.fixture
def pair(letter, by, work):
    """Two of one organisation on the list, as numbers 1 and 2 of 3."""
    names = ("HRW", "Human Rights Watch", "PAX")
    made = [entry(letter, name, by, email=f"{name[:3].lower()}@example.org") for name in names]
    request_publication(letter, at=NOW)
    work()
    return made[1], made[0]


def page_of(one, other, query=""):
    return f"{ENTRIES}{one.pk}/combine/{other.pk}/{query}"


def send(client, url, **chosen):
    """Press the button of the page that is shown."""
    seen = [f"{each.pk}:{each.version}" for each in client.get(url).context["seen"]]
    return client.post(url, {"seen": seen, **chosen}, follow=True)


def test_the_page_says_what_will_happen(desk, pair):
    one, other = pair

    said = text_of(desk.get(page_of(one, other, f"?keep={one.pk}")))

    for words in (
        "No. 2, Human Rights Watch (Kenya), stays on the list.",
        "No. 1, HRW (Kenya), leaves the list; 2 lines move up.",
        "hrw@example.org is told after two minutes.",
        "It is noted that both names are the same organisation's.",
        "In the registry, “Human Rights Watch” and “HRW” stay two organisations.",
        "Name differs Human Rights Watch HRW",
    ):
        assert words in said
    assert Merge.objects.count() == 0


def test_by_default_what_is_on_the_list_stays_else_the_older(desk, letter, by):
    older = entry(letter, "PAX")
    newer = entry(letter, "Pax", submitted_at=timezone.now())

    assert desk.get(page_of(newer, older)).context["survivor"] == older
    decide(newer.pk, Event.APPROVE, by=by)
    assert desk.get(page_of(newer, older)).context["survivor"] == newer
    swapped = desk.get(page_of(newer, older, f"?keep={older.pk}"))
    assert swapped.context["survivor"] == older
    assert "not on the list until you approve what stays" in text_of(swapped)


def test_what_the_one_that_stays_lacks_is_taken_from_the_other_unless_told_otherwise(desk, letter):
    one = entry(letter, "PAX", email="", contact_name="", website="https://pax.example.org")
    other = entry(letter, "Pax", note="By post.", website="", submitted_at=timezone.now())

    rows = desk.get(page_of(one, other)).context["rows"]

    assert [row.group for row in rows if row.takes_theirs] == ["contact", "note"]


def test_who_is_the_contact_of_what_stays_gets_the_link_to_it(client, letter, by, work):
    one = entry(letter, "PAX", email="jan@pax.example.org")
    other = entry(letter, "Pax", email="jan@pax.example.org")
    merge_entries(one.pk, other.pk, by=by)

    (mail,) = [
        mail for mail in work(timezone.now() + moderation.SECOND_THOUGHTS) if "Pax" in mail.subject
    ]

    (link,) = re.findall(r"\S+/signature/\S+/", mail.body)
    assert "Withdraw the signature" in text_of(client.get(link[link.index("/conduct/") :]))


def test_what_is_chosen_is_done(desk, pair, work):
    one, other = pair

    response = send(desk, page_of(one, other, f"?keep={one.pk}"), name="other", contact="own")

    assert response.redirect_chain == [(f"{ENTRIES}{one.pk}/change/", 302)]
    assert "Combined: HRW (Kenya) stands for “HRW”, too." in text_of(response)
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.name, one.email, other.merged_into) == ("HRW", "hum@example.org", one)


def test_an_older_reading_is_refused_and_shown_anew_with_what_was_chosen(desk, pair):
    one, other = pair
    moderation.apply_changes(one, {"website": "https://hrw.org"}, by=moderation.CONTACT, at=NOW)

    response = desk.post(
        page_of(one, other, f"?keep={one.pk}"),
        {"seen": [f"{one.pk}:{one.version - 1}", f"{other.pk}:{other.version}"], "name": "other"},
    )

    assert response.status_code == 409
    assert f"Not combined: it changed meanwhile ({one.reference}: website" in text_of(response)
    assert re.search(r'name="name" value="other" checked', response.content.decode())
    assert Merge.objects.count() == 0


@pytest.mark.parametrize("state", [State.SUBMITTED, State.REJECTED, State.WITHDRAWN])
def test_what_cannot_be_combined_says_why(desk, letter, state):
    one, other = entry(letter, "PAX"), entry(letter, "Pax", state=state)

    for response in (desk.get(page_of(one, other)), desk.post(page_of(one, other))):
        assert response.status_code == 302
    assert "Not combined: it cannot be combined with another sign-on while it is" in text_of(
        desk.get(f"{ENTRIES}{one.pk}/change/")
    )


def test_the_entrys_page_leads_to_it_and_back(desk, letter):
    one, other = entry(letter, "Human Rights Watch"), entry(letter, "Human Right Watch")
    gone = entry(letter, "Human Rights Watch", state=State.REJECTED)

    page = desk.get(f"{ENTRIES}{one.pk}/change/").content.decode()

    assert re.findall(r'href="(/admin/\S+/combine/\S+/)"', page) == [page_of(one, other)]
    assert gone.reference in page
    send(desk, page_of(one, other))
    for each in (one, other):
        shown = text_of(desk.get(f"{ENTRIES}{each.pk}/change/"))
        assert "Combined by grace on" in shown
        assert "Separate them again" in shown
    assert "Combine…" not in text_of(desk.get(f"{ENTRIES}{one.pk}/change/"))


def test_separating_says_what_is_not_as_before(desk, pair, by):
    one, other = pair
    merge = merge_entries(one.pk, other.pk, by=by, take={"name"})
    one.refresh_from_db()
    moderation.apply_changes(one, {"name": "HRW International"}, by=by, at=NOW)

    response = desk.post(f"{MERGES}{merge.pk}/undo/", follow=True)

    assert response.redirect_chain == [(f"{ENTRIES}{other.pk}/change/", 302)]
    assert "Separated again. Not as before: the name of “HRW International”." in text_of(response)
    again = desk.post(f"{MERGES}{merge.pk}/undo/", follow=True)
    assert "Not separated: they were separated already." in text_of(again)


def test_no_button_combines_one_entry_alone(desk, pair):
    one, _other = pair
    for event in (Event.MERGE, Event.SPLIT):
        desk.post(f"{ENTRIES}{one.pk}/decide/{event}/")
    one.refresh_from_db()
    assert one.state == State.APPROVED


# --- Review ---------------------------------------------------------------------


def test_the_review_goes_on_and_takes_back(desk, letter):
    one = entry(letter, "Human Rights Watch")
    other = entry(letter, "Human Right Watch", submitted_at=timezone.now())
    review = f"{ENTRIES}review/?letter={letter.pk}"
    page = desk.get(review).content.decode()
    (link,) = re.findall(r'href="(\S+)" data-key="m" aria-keyshortcuts="m"', page)
    assert link.replace("&amp;", "&") == page_of(one, other, f"?review={letter.pk}")

    response = send(desk, link.replace("&amp;", "&"))

    assert response.redirect_chain == [(review, 302)]
    assert "stands for “Human Right Watch”, too. Press u to undo." in text_of(response)
    assert response.context["entry"] == one
    assert response.context["waiting_count"] == 1
    undone = desk.post(review, {"decision": "undo"}, follow=True)
    assert "Undone; the two are separate again." in text_of(undone)
    assert undone.context["entry"] == other


# --- Organisations --------------------------------------------------------------


def test_two_organizations_are_combined_from_their_list(desk, pair, by):
    one, other = pair
    pks = [one.organization.pk, other.organization.pk]
    chosen = {"action": "combine", "_selected_action": pks}

    response = desk.post(ORGANIZATIONS, chosen, follow=True)

    said = text_of(response)
    for words in (
        "become other names of",
        "On “A code of conduct”, where both are listed: No.",
        "leaves the registry’s list.",
    ):
        assert words in said
    url = f"{response.redirect_chain[0][0]}?keep={one.organization.pk}"
    send(desk, url)
    assert Organization.objects.get(pk=pks[1]).merged_into == one.organization
    listed = text_of(desk.get(f"{ORGANIZATIONS}?q=HRW"))
    assert "1 organisation" in listed
    page = desk.get(f"{ORGANIZATIONS}{pks[1]}/change/")
    assert "What stays: Human Rights Watch" in text_of(page)
    assert 'name="_save"' not in page.content.decode()
    merge = Merge.objects.get(part_of=None)
    desk.post(f"{MERGES}{merge.pk}/undo/")
    assert Organization.objects.get(pk=pks[1]).merged_into is None


@pytest.mark.parametrize("count", [1, 3])
def test_the_action_wants_two(desk, count):
    pks = [OrganizationFactory().pk for _n in range(count)]

    response = desk.post(ORGANIZATIONS, {"action": "combine", "_selected_action": pks}, follow=True)

    assert "Please select the two that are one organisation." in text_of(response)


def test_an_entry_of_another_organization_leads_to_combining_the_two(desk, letter, by):
    one = entry(letter, "Human Rights Watch", by)
    other = OrganizationFactory(name="Human Right Watch")
    duplicates.index_organization(other)

    page = desk.get(f"{ENTRIES}{one.pk}/change/").content.decode()

    url = f"{ORGANIZATIONS}{one.organization.pk}/combine/{other.pk}/"
    assert f'href="{url}"' in page
    assert desk.get(url).status_code == 200


def test_a_page_that_was_shown_before_another_was_listed_is_shown_anew(desk, letter, by):
    one = entry(letter, "Human Rights Watch", by)
    other = OrganizationFactory(name="HRW")
    url = f"{ORGANIZATIONS}{one.organization.pk}/combine/{other.pk}/"
    entry(letter, "HRW", by)

    response = desk.post(url, {})

    assert response.status_code == 409
    assert "Not combined: it changed meanwhile" in text_of(response)
    assert Merge.objects.count() == 0


# --- Who may, and what is kept ----------------------------------------------------


def test_who_may(client, letter, by, observer, coordinator):
    one, other = entry(letter, "Human Rights Watch", by), entry(letter, "HRW", by)
    pks = one.organization.pk, other.organization.pk
    deciding = UserFactory()
    deciding.user_permissions.set(
        Permission.objects.filter(
            codename__in=["all_letters", "decide_signatory", "view_signatory"]
        )
    )
    entries = page_of(one, other)
    organizations = f"{ORGANIZATIONS}{pks[0]}/combine/{pks[1]}/"
    merge = merge_entries(entry(letter, "PAX").pk, entry(letter, "Pax").pk, by=by)
    merged = merge_organizations(OrganizationFactory().pk, OrganizationFactory().pk, by=by)

    def statuses(user):
        client.force_login(user)
        return [
            client.get(entries).status_code,
            client.get(organizations).status_code,
            client.post(f"{MERGES}{merge.pk}/undo/").status_code,
            client.post(f"{MERGES}{merged.pk}/undo/").status_code,
        ]

    assert statuses(observer) == [403, 403, 403, 403]
    assert statuses(deciding) == [200, 403, 302, 403]
    assert statuses(coordinator) == [200, 200, 302, 302]
    client.logout()
    assert client.get(entries).status_code == 302


def test_the_list_of_merges(desk, pair, by, observer, client):
    one, other = pair
    merge = merge_entries(one.pk, other.pk, by=by)
    merge_organizations(OrganizationFactory().pk, OrganizationFactory().pk, by=by, at=NOW)

    listed = text_of(desk.get(MERGES))

    assert f"HRW (Kenya), {other.reference}gracecan be separated until" in listed
    assert "gracecombined for good" in listed
    assert "Separate them again" in text_of(desk.get(f"{MERGES}{merge.pk}/change/"))
    assert desk.get(f"{MERGES}{merge.pk}/undo/").status_code == 405
    client.force_login(observer)
    assert "Separate them again" not in text_of(client.get(f"{MERGES}{merge.pk}/change/"))


def test_the_list_of_merges_does_not_ask_more_for_more(desk, letter, by):
    def add():
        merge_entries(entry(letter, "PAX").pk, entry(letter, "Pax").pk, by=by)
        merge_organizations(OrganizationFactory().pk, OrganizationFactory().pk, by=by)

    def count():
        with CaptureQueriesContext(connection) as captured:
            desk.get(MERGES)
        return len(captured)

    add()
    few = count()
    for _n in range(3):
        add()
    assert count() == few


# --- The contact ------------------------------------------------------------------


def test_the_contacts_page_says_what_became_of_it_and_nothing_of_the_other_contact(
    client, pair, by, work, letter
):
    one, other = pair
    url = reverse("signatories:signature", args=["conduct", links.new_link(other)])
    merge_entries(one.pk, other.pk, by=by)
    work()

    page = text_of(client.get(url))

    assert "This signature was combined with another one of your organisation" in page
    assert "Both stand on the list as number 1: 1. Human Rights Watch (Kenya)" in page
    assert one.email not in page
    assert "Correct it" not in page
    assert "Withdraw the signature" not in page
    for what in ("withdraw", "correct"):
        client.post(url.rstrip("/") + f"/{what}/", {"organization": "PAX"})
    assert Signatory.objects.get(pk=one.pk).state == State.APPROVED
    assert Signatory.objects.get(pk=other.pk).name == "HRW"


def test_the_contacts_page_shows_nothing_of_what_is_not_public(client, letter, by):
    one, other = entry(letter, "Human Rights Watch"), entry(letter, "HRW")
    url = reverse("signatories:signature", args=["conduct", links.new_link(other)])
    merge_entries(one.pk, other.pk, by=by)

    page = text_of(client.get(url))

    assert "The coordinators decide about both together." in page
    assert "Human Rights Watch" not in page
