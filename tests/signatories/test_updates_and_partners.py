"""News mailed to those who asked for it, and links that say by whom a sign-on came."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from letter.models import Update
from letter.publishing import request_publication
from signatories import links
from signatories.models import Message, Partner, Signatory
from tests.factories import NOW, RevisionTextFactory, SignatoryFactory, UserFactory, make_letter
from tests.letter.test_follow_up import UPDATE_FORM
from tests.signatories.test_views import typed

State = Signatory.State


def wanting(letter, **fields):
    return SignatoryFactory(
        letter=letter, **{"state": State.APPROVED, "wants_updates": True, **fields}
    )


def mailed(letter, title="Delivered"):
    """An update that a coordinator has published and asked to have mailed."""
    update = Update.objects.create(
        letter=letter, published_at=timezone.now(), mail_asked_at=timezone.now()
    )
    update.texts.create(language="en", title=title, body="All **193** missions have it.")
    return update


# --- Updates --------------------------------------------------------------------------------------


def test_an_update_is_mailed_to_those_on_the_list_who_asked_for_it(letter, work):
    wanting(letter, email="yes@example.org", contact_name="Amina")
    wanting(letter, email="no@example.org", wants_updates=False)
    wanting(letter, email="waiting@example.org", state=State.PENDING)
    wanting(letter, email="gone@example.org", state=State.WITHDRAWN)
    wanting(letter, email="")
    wanting(make_letter(), email="elsewhere@example.org")
    mailed(letter)

    [sent] = work()

    assert sent.to == ["yes@example.org"]
    assert sent.subject.startswith("Delivered – ")
    assert "All 193 missions have it." in sent.body
    assert "/conduct/#update-" in sent.body
    assert work() == []


def test_who_is_the_contact_of_two_gets_it_once(letter, work):
    wanting(letter, email="one@example.org")
    wanting(letter, email="one@example.org")
    mailed(letter)

    assert len(work()) == 1


def test_it_comes_in_the_contacts_language(letter, work):
    RevisionTextFactory(revision=letter.revisions.get(), language="fr", title="Un code")
    wanting(letter, language="fr")
    update = mailed(letter)
    update.texts.create(language="fr", title="Remise", body="Les missions l'ont reçue.")

    [sent] = work()

    assert sent.subject == "Remise – Un code"
    assert "Les missions l'ont reçue." in sent.body


def test_a_coordinator_has_it_mailed_with_one_button(letter, work, coordinator, client):
    wanting(letter)
    client.force_login(coordinator)

    page = client.post(
        "/admin/letter/update/add/",
        {"letter": letter.pk, **UPDATE_FORM, "_publish_mail": "1"},
        follow=True,
    )
    sent = work()

    assert "is mailed to the contacts who asked for it" in page.content.decode()
    assert [mail.subject for mail in sent] == ["The Assembly has voted – A code of conduct"]
    assert Update.objects.get().mailed_at is not None


@pytest.mark.parametrize(("ticked", "wants"), [({"updates": "on"}, True), ({}, False)])
def test_the_form_asks_and_nothing_is_ticked_for_anybody(letter, client, ticked, wants):
    page = client.get("/conduct/sign/").content.decode()
    [box] = re.findall(r'<input[^>]*name="updates"[^>]*>', page)
    assert "checked" not in box

    client.post("/conduct/sign/", typed(**ticked))

    assert Signatory.objects.get().wants_updates is wants


def test_the_mail_says_how_to_stop_it_and_one_click_does(letter, work):
    first = wanting(letter, email="one@example.org")
    second = wanting(letter, email="one@example.org")
    mailed(letter)
    [sent] = work()
    url = sent.extra_headers["List-Unsubscribe"].strip("<>")
    assert sent.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = url.removeprefix("http://testserver")

    # Looking, as mail scanners do, changes nothing.
    client = Client(enforce_csrf_checks=True)
    assert client.get(path).status_code == 200
    first.refresh_from_db()
    assert first.wants_updates

    # RFC 8058: no cookie, no token of a form.
    response = client.post(path, {"List-Unsubscribe": "One-Click"})

    assert response.status_code == 302
    assert not Signatory.objects.filter(wants_updates=True).exists()
    mailed(letter, "More")
    assert work() == []
    client.post(path, {"wanted": "1"})
    second.refresh_from_db()
    assert second.wants_updates


def test_what_was_queued_before_somebody_stopped_it_is_not_sent(letter, work):
    entry = wanting(letter)
    update = mailed(letter)
    Message.objects.create(kind="update", letter=letter, signatory=entry, update=update)
    Signatory.objects.update(wants_updates=False)

    assert work() == []


def test_the_contacts_page_leads_to_the_choice(letter, client):
    token = links.new_link(wanting(letter))

    page = client.get(f"/conduct/signature/{token}/").content.decode()

    assert f"/conduct/signature/{token}/updates/" in page


# --- Partners' links ------------------------------------------------------------------------------


@pytest.fixture
def partner(letter, work):
    RevisionTextFactory(revision=letter.revisions.get(), language="fr", title="Un code")
    SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED)
    request_publication(letter, at=NOW)
    work()
    return Partner.objects.create(letter=letter, name="Amnesty", code="amnesty")


def test_a_partners_link_is_carried_to_the_sign_on(partner, client):
    page = client.get("/conduct/via/amnesty/")
    assert page.status_code == 200
    assert "PAX" in page.content.decode()
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert not page.cookies
    [sign] = set(re.findall(r'href="(/conduct/sign/[^"]*)"', page.content.decode()))
    form = client.get(sign).content.decode()
    [field] = re.findall(r'<input[^>]*name="via"[^>]*>', form)
    assert 'value="amnesty"' in field

    client.post("/conduct/sign/", typed(via="amnesty"))

    assert Signatory.objects.get(name="Centre Kivu").partner == partner


def test_it_is_carried_through_the_languages(partner, client):
    page = client.get("/conduct/via/amnesty/").content.decode()
    assert 'href="/fr/conduct/via/amnesty/" lang="fr"' in page

    french = client.get("/fr/conduct/via/amnesty/").content.decode()

    assert 'href="/fr/conduct/sign/?via=amnesty"' in french
    assert 'href="/conduct/via/amnesty/" lang="en"' in french
    # Search engines and share buttons are given the letter's own address.
    assert '<link rel="canonical" href="http://testserver/fr/conduct/">' in french


def test_a_word_that_is_no_partners_opens_nothing_and_counts_for_nobody(partner, client):
    assert client.get("/conduct/via/nobody/").headers["Location"] == "/conduct/"
    assert client.get("/conduct/via/AMNESTY/").status_code == 200  # as it was typed from paper
    assert client.get("/draft/via/amnesty/").status_code == 404

    client.post("/conduct/sign/", typed(via='"><script>'))

    assert Signatory.objects.get(name="Centre Kivu").partner is None


def test_another_letters_partner_counts_for_that_letter_alone(partner, client):
    other = make_letter(slug="other")
    client.post(f"/{other.slug}/sign/", typed(via="amnesty"))

    assert Signatory.objects.get(letter=other).partner is None


def test_coordinators_see_what_came_by_each(partner, letter, client, coordinator):
    for state in (State.SUBMITTED, State.PENDING, State.APPROVED, State.WITHDRAWN):
        SignatoryFactory(letter=letter, state=state, partner=partner)
    client.force_login(coordinator)

    page = client.get("/admin/signatories/partner/").content.decode()

    assert "http://testserver/conduct/via/amnesty/" in page
    assert '<td class="field-signed">3</td>' in page
    assert '<td class="field-listed">1</td>' in page
    one = client.get(f"/admin/signatories/partner/{partner.pk}/change/").content.decode()
    assert "data:image/svg+xml" in one


def test_a_partner_taken_away_takes_no_sign_on_along(partner, letter):
    entry = SignatoryFactory(letter=letter, partner=partner)

    partner.delete()

    entry.refresh_from_db()
    assert entry.partner is None


def test_a_limited_coordinator_makes_links_for_their_letters_alone(partner, letter, client):
    user = UserFactory(group="letter coordinator")
    other = make_letter(slug="other")
    other.coordinators.add(user)
    client.force_login(user)

    client.post("/admin/signatories/partner/add/", {"letter": letter.pk, "name": "X", "code": "x"})
    client.post("/admin/signatories/partner/add/", {"letter": other.pk, "name": "X", "code": "x"})

    assert list(Partner.objects.filter(code="x").values_list("letter", flat=True)) == [other.pk]


@pytest.mark.parametrize("via", ["x" * 60, "a\x00b", "two words", "Amnesty"])
def test_a_mangled_link_keeps_nobody_from_signing(partner, client, via):
    assert client.post("/conduct/sign/", typed(via=via)).status_code == 302
    found = Signatory.objects.exclude(email="").latest("pk").partner
    assert found == (partner if via.lower() == "amnesty" else None)
