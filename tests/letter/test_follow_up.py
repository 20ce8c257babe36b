"""What became of a letter: it was delivered, and there is news of it."""

import io
import json
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from django.utils import timezone
from pypdf import PdfReader

from letter.models import Delivery, Update
from letter.publishing import request_publication
from tests.factories import NOW, RevisionTextFactory, UserFactory, make_letter
from tests.letter.test_history import ATOM, items, words
from tests.letter.test_publishing import line, put_out
from tests.signatories.test_signing_again import marked


def publish_update(letter, title="Delivered", body="All **193** have it.", language="en", **fields):
    update = Update.objects.create(letter=letter, published_at=NOW, **fields)
    update.texts.create(language=language, title=title, body=body)
    request_publication(letter, at=NOW)
    return update


@pytest.fixture
def delivered(letter, work):
    """Two organisations were handed over; one of them left, one joined."""
    edition = put_out(letter, line("INSEC", ["NP"]), line("PAX", ["NL"]))
    Delivery.objects.create(
        letter=letter, edition=edition, to="the 193 missions", delivered_on=date(2025, 3, 4)
    )
    put_out(letter, line("PAX", ["NL"]), line("Zarga", ["SD"]), at=NOW + timedelta(days=2))
    return letter


def test_what_was_delivered_stays_beside_the_live_list(delivered, client):
    page = client.get("/conduct/")

    assert items(page) == ["PAX (Netherlands)", "Zarga (Sudan)"]
    assert marked(client) == {"PAX": "", "Zarga": "joined after the delivery"}
    assert "Delivered on 4 March 2025 to the 193 missions" in words(page)
    assert "As delivered: edition 1, with 2 organisations" in words(page)
    assert (
        "1 organisation has joined since the letter was delivered. 1 has withdrawn since."
        in words(page)
    )
    # Who has withdrawn is not named on the letter's page.
    assert "INSEC" not in words(page)
    as_delivered = client.get("/conduct/editions/1/")
    assert items(as_delivered) == ["INSEC (Nepal)", "PAX (Netherlands)"]
    assert "data-mark" not in as_delivered.content.decode()
    assert "This edition was delivered on 4 March 2025 to the 193 missions." in words(as_delivered)


def test_an_edition_is_marked_as_delivered_in_the_admin(letter, client, coordinator, work):
    put_out(letter, line("PAX", ["NL"]))
    client.force_login(coordinator)
    url = f"/admin/letter/letter/{letter.pk}/deliveries/"
    edition = letter.newest_edition()

    done = client.post(
        url,
        {"edition": edition.pk, "to": "the missions", "delivered_on": "2025-03-04"},
        follow=True,
    )
    work()

    assert "Edition 1 is marked as delivered" in done.content.decode()
    assert "to the missions" in words(client.get("/conduct/"))
    taken_back = client.post(url, {"remove": letter.deliveries.get().pk}, follow=True)
    work()
    assert "no longer marked as delivered" in taken_back.content.decode()
    assert "to the missions" not in words(client.get("/conduct/"))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"to": ""}, "This field is required."),
        ({"delivered_on": "2999-01-01"}, "This day has not come yet."),
        ({"delivered_on": "yesterday"}, "Enter a valid date."),
        ({"edition": "99999"}, "That choice is not one of the available choices."),
    ],
)
def test_a_delivery_that_cannot_be_is_refused_and_kept(letter, client, coordinator, typed, says):
    put_out(letter, line("PAX", ["NL"]))
    client.force_login(coordinator)
    good = {
        "edition": letter.newest_edition().pk,
        "to": "the “missions”",
        "delivered_on": "2025-03-04",
    }

    page = client.post(f"/admin/letter/letter/{letter.pk}/deliveries/", {**good, **typed})

    html = page.content.decode()
    assert page.status_code == 422
    assert says in html
    assert "to" in typed or "the “missions”" in html
    assert not Delivery.objects.exists()


def test_another_letters_edition_is_not_this_ones(letter, client, coordinator):
    put_out(letter, line("PAX", ["NL"]))
    other = put_out(make_letter(slug="other"), line("INSEC"))
    client.force_login(coordinator)

    page = client.post(
        f"/admin/letter/letter/{letter.pk}/deliveries/",
        {"edition": other.pk, "to": "all", "delivered_on": "2025-03-04"},
    )

    assert page.status_code == 422


def test_an_update_stands_under_the_letter_and_in_the_feed(letter, client):
    put_out(letter, line("PAX", ["NL"]))
    update = publish_update(letter)
    put_out(letter, line("PAX", ["NL"]))

    page = client.get("/conduct/")
    assert "What became of it Delivered 3 March 2025, 09:00 (UTC) All 193 have it." in words(page)
    feed = client.get("/conduct/feed.atom")
    entries = ET.fromstring(feed.content).findall(f"{ATOM}entry")  # noqa: S314  our own
    titles = [entry.find(f"{ATOM}title").text for entry in entries]
    assert sorted(titles) == ["Delivered", "Edition 1: 1 organisation joined"]
    [entry] = [one for one in entries if one.find(f"{ATOM}title").text == "Delivered"]
    assert entry.find(f"{ATOM}link").attrib["href"].endswith(f"/conduct/#update-{update.pk}")
    assert "<strong>193</strong>" in entry.find(f"{ATOM}summary").text
    # No edition is made of it: the list is what it was.
    assert letter.editions.count() == 1


def test_an_update_is_read_in_each_language_in_which_it_is_written(letter, client, work):
    RevisionTextFactory(revision=letter.revisions.get(), language="fr", title="Un code")
    RevisionTextFactory(revision=letter.revisions.get(), language="ar", title="مدونة")
    update = publish_update(letter)
    update.texts.create(language="fr", title="Remise", body="Les missions l'ont reçue.")
    put_out(letter, line("PAX", ["NL"]))

    assert "Remise" in words(client.get("/fr/conduct/"))
    assert "Delivered" not in words(client.get("/fr/conduct/"))
    arabic = client.get("/ar/conduct/").content.decode()
    assert f'id="update-{update.pk}" lang="en" dir="ltr"' in arabic


def test_a_draft_of_an_update_is_seen_by_nobody(letter, client, work):
    put_out(letter, line("PAX", ["NL"]))
    draft = Update.objects.create(letter=letter)
    draft.texts.create(title="Not yet")
    request_publication(letter, at=NOW)
    work()

    assert "Not yet" not in words(client.get("/conduct/"))
    assert "Not yet" not in client.get("/conduct/feed.atom").content.decode()


UPDATE_FORM = {
    "texts-TOTAL_FORMS": "1",
    "texts-INITIAL_FORMS": "0",
    "texts-0-language": "en",
    "texts-0-title": "The Assembly has voted",
    "texts-0-body": "97 in favour.",
}


def test_a_coordinator_writes_publishes_corrects_and_takes_back(letter, client, coordinator, work):
    put_out(letter, line("PAX", ["NL"]))
    client.force_login(coordinator)
    add = "/admin/letter/update/add/"
    client.post(add, {"letter": letter.pk, **UPDATE_FORM})
    work()
    assert "voted" not in words(client.get("/conduct/"))
    update = Update.objects.get()
    text = update.texts.get()

    url = f"/admin/letter/update/{update.pk}/"
    kept = {
        **UPDATE_FORM,
        "texts-INITIAL_FORMS": "1",
        "texts-0-id": text.pk,
        "texts-0-update": update.pk,
    }
    client.post(f"{url}change/", {**kept, "_publish": "1"})
    work()
    assert "The Assembly has voted" in words(client.get("/conduct/"))
    first = client.get("/conduct/feed.atom").content

    client.post(f"{url}change/", {**kept, "texts-0-title": "The Assembly voted"})
    work()
    assert "The Assembly voted" in words(client.get("/conduct/"))
    assert client.get("/conduct/feed.atom").content != first

    client.post(f"{url}delete/", {"post": "yes"})
    work()
    assert "Assembly" not in words(client.get("/conduct/"))


def test_an_update_without_words_is_refused(letter, client, coordinator):
    client.force_login(coordinator)

    page = client.post(
        "/admin/letter/update/add/",
        {"letter": letter.pk, "texts-TOTAL_FORMS": "0", "texts-INITIAL_FORMS": "0"},
    )

    assert not Update.objects.exists()
    assert page.status_code == 200
    assert "Write the update in one language at least." in page.content.decode()


def test_an_update_runs_nothing(letter, client, work):
    put_out(letter, line("PAX", ["NL"]))
    publish_update(letter, title="<script>alert(1)</script>", body="<img src=x onerror=alert(1)>")
    work()

    html = client.get("/conduct/").content.decode()
    assert "<script>alert" not in html
    assert "<img src=x" not in html


def test_the_json_says_nothing_of_deliveries(delivered, client):
    """It is the edition's list, which a delivery does not change."""
    assert "deliver" not in json.dumps(json.loads(client.get("/conduct/signatories.json").content))


def test_an_observer_sees_deliveries_and_marks_none(letter, client):
    put_out(letter, line("PAX", ["NL"]))
    client.force_login(UserFactory(group="observer"))
    url = f"/admin/letter/letter/{letter.pk}/deliveries/"

    assert "Mark as delivered" not in client.get(url).content.decode()
    assert client.post(url, {"to": "x", "delivered_on": "2025-03-04"}).status_code == 403


def test_the_days_of_a_zone_are_the_letters(letter, client, coordinator):
    """Nobody in Kiritimati is told that today has not come yet."""
    letter.time_zone = "Pacific/Kiritimati"
    letter.save()
    put_out(letter, line("PAX", ["NL"]))
    client.force_login(coordinator)
    today = timezone.localdate(timezone=letter.zone).isoformat()

    page = client.post(
        f"/admin/letter/letter/{letter.pk}/deliveries/",
        {"edition": letter.newest_edition().pk, "to": "all", "delivered_on": today},
    )

    assert page.status_code == 302


def test_paper_has_a_sign_for_what_is_said_beside_a_line(delivered, client):
    text = client.get("/conduct/letter.txt").content.decode()

    assert "* joined after the delivery\n\n1. PAX (Netherlands)\n2. Zarga (Sudan)\u00a0*" in text
    pdf = client.get("/conduct/letter.pdf")
    said = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.content)).pages)
    assert "Zarga (Sudan) *" in said.replace("\u00a0", " ")
    assert "* joined after the delivery" in said
    # What was handed over needs none.
    first = client.get("/conduct/editions/1/letter.pdf").content
    assert "*" not in PdfReader(io.BytesIO(first)).pages[0].extract_text()


def test_an_edition_is_not_delivered_before_it_was_published(letter, client, coordinator):
    put_out(letter, line("PAX", ["NL"]))
    client.force_login(coordinator)
    typed = {"edition": letter.newest_edition().pk, "to": "all", "delivered_on": "2025-03-02"}

    page = client.post(f"/admin/letter/letter/{letter.pk}/deliveries/", typed)

    assert page.status_code == 422
    assert "That edition was published later, on 2025-03-03." in page.content.decode()
