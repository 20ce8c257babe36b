"""A text that changed what the letter asks for is signed again; until then the list says who has not."""

import json

import pytest
from django.utils import timezone

from letter.models import Listing, Revision
from letter.publishing import request_publication, verify
from signatories import links, moderation
from signatories.models import Event, Message, Signatory
from signatories.moderation import CONTACT, By, decide
from tests.factories import NOW, RevisionTextFactory, SignatoryFactory
from tests.letter.test_history import items, words

State = Signatory.State


def revise(letter, number=2, kind=Revision.Kind.SUBSTANTIVE, note="A second demand."):
    """Publish a further text."""
    RevisionTextFactory(
        revision__letter=letter,
        revision__number=number,
        revision__kind=kind,
        revision__note=note,
        revision__published_at=timezone.now(),
        body=f"We ask for **{number}** codes of conduct.",
    )
    request_publication(letter, at=timezone.now())


@pytest.fixture
def two(letter, work):
    """PAX and INSEC on the list of a letter that is revised afterwards."""
    pax = SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED, email="pax@pax.nl")
    insec = SignatoryFactory(letter=letter, name="INSEC", state=State.APPROVED, email="i@insec.np")
    request_publication(letter, at=NOW)
    work()
    return pax, insec


def marked(client):
    """What the list says beside its lines, by what they print."""
    html = client.get("/conduct/").content.decode()
    found = {}
    for part in html.split("<li id=")[1:]:
        name = part.split("<bdi>")[1].split("</bdi>")[0]
        mark = part.split(">")[0].partition('data-mark="')[2]
        found[name] = mark.rstrip('"')
    return found


def test_those_who_signed_before_are_asked_once(letter, two, work):
    SignatoryFactory(letter=letter, name="No address", state=State.APPROVED, email="")
    SignatoryFactory(letter=letter, name="Gone", state=State.REJECTED)
    revise(letter)
    asked = work()
    request_publication(letter, at=timezone.now())
    again = work()

    assert sorted(mail.to[0] for mail in asked) == ["i@insec.np", "pax@pax.nl"]
    assert again == []
    body = asked[0].body
    assert "> A second demand." in body
    assert "/conduct/revisions/2/" in body


def test_an_editorial_text_asks_nobody(letter, two, work, client):
    revise(letter, kind=Revision.Kind.EDITORIAL)

    assert work() == []
    assert marked(client) == {"INSEC": "", "PAX": ""}
    assert "signed the revised text" not in words(client.get("/conduct/"))


def test_the_list_says_who_stands_under_the_earlier_text(letter, two, work, client):
    pax, _insec = two
    revise(letter)
    work()
    assert marked(client) == {
        "INSEC": "signed the earlier text",
        "PAX": "signed the earlier text",
    }

    decide(pax.pk, Event.RENEW, by=CONTACT)
    work()

    assert marked(client) == {"INSEC": "signed the earlier text", "PAX": ""}
    assert items(client.get("/conduct/")) == ["INSEC (Kenya)", "PAX (Kenya)"]
    page = words(client.get("/conduct/"))
    assert "1 of 2 organisations has signed the revised text." in page
    revision = client.get("/conduct/revisions/2/")
    assert items(revision, "names") == ["PAX (Kenya)", "INSEC (Kenya)"]
    assert "1 organisation has not signed it yet" in words(revision)
    assert "Signed the revised text PAX (Kenya)" in words(client.get("/conduct/editions/"))


def test_what_was_signed_is_part_of_the_chain(letter, two, work, client):
    pax, _insec = two
    revise(letter)
    work()
    decide(pax.pk, Event.RENEW, by=CONTACT)
    work()

    assert letter.editions.count() == 3
    assert verify(letter).first_bad is None
    served = json.loads(client.get("/conduct/signatories.json").content)
    assert [row.get("signed_text") for row in served["signatories"]] == [None, 2]
    Listing.objects.filter(name="PAX", last_edition=None).update(signed_text=None)
    assert verify(letter).first_bad == 3


def test_a_later_signature_stands_under_the_text_of_its_day(letter, two, work, client):
    revise(letter)
    revise(letter, 3, Revision.Kind.EDITORIAL, "A comma.")
    work()
    new = SignatoryFactory(
        letter=letter, name="Zarga", revision=letter.current_revision(), state=State.PENDING
    )
    decide(new.pk, Event.APPROVE, by=By.coordinator(None))
    work()

    assert marked(client)["Zarga"] == ""
    assert letter.listings.current().get(name="Zarga").signed_text == 2
    assert moderation.text_to_sign(new) is None


def test_the_contacts_page_asks_and_takes_the_answer(letter, two, work, client):
    pax, _insec = two
    revise(letter)
    work()
    token = links.new_link(pax)
    page = client.get(f"/conduct/signature/{token}/")
    assert "A second demand." in words(page)
    assert "We sign the revised text" in words(page)

    done = client.post(f"/conduct/signature/{token}/renew/", {"text": "2"}, follow=True)

    assert "Your organisation stands under the revised text." in words(done)
    assert "We sign the revised text" not in words(done)
    pax.refresh_from_db()
    assert pax.revision.number == 2
    assert pax.state == State.APPROVED
    [decision] = pax.decisions.filter(event="renew")
    assert (decision.actor, decision.from_state, decision.to_state) == (
        "contact",
        "approved",
        "approved",
    )
    assert pax.revision.locked_at is not None


def test_nobody_signs_a_text_that_they_were_not_shown(letter, two, work, client):
    pax, _insec = two
    revise(letter)
    work()
    token = links.new_link(pax)
    revise(letter, 3, note="A third demand.")
    work()

    page = client.post(f"/conduct/signature/{token}/renew/", {"text": "2"}, follow=True)

    assert "A third demand." in words(page)
    pax.refresh_from_db()
    assert pax.revision.number == 1


def test_a_get_signs_nothing(letter, two, work, client):
    pax, _insec = two
    revise(letter)
    token = links.new_link(pax)

    assert client.get(f"/conduct/signature/{token}/renew/").status_code == 405
    pax.refresh_from_db()
    assert pax.revision.number == 1


def test_there_is_nothing_to_sign_again_where_nothing_changed(letter, two):
    pax, _insec = two

    with pytest.raises(moderation.TransitionRefused):
        decide(pax.pk, Event.RENEW, by=CONTACT)
    assert not pax.decisions.filter(event="renew").exists()


def test_a_coordinator_notes_what_was_told_otherwise(letter, two, work, client, coordinator):
    pax, _insec = two
    client.force_login(coordinator)
    url = f"/admin/signatories/signatory/{pax.pk}/"
    assert "They have signed the revised text" not in client.get(f"{url}change/").content.decode()
    revise(letter)
    work()
    assert "They have signed the revised text" in client.get(f"{url}change/").content.decode()

    page = client.post(f"{url}decide/renew/", {"seen": pax.version}, follow=True)

    assert "1 stands under the revised text now." in page.content.decode()
    pax.refresh_from_db()
    assert pax.revision.number == 2


def test_no_mail_asks_who_has_signed_meanwhile(letter, two, work):
    pax, insec = two
    revise(letter)
    moderation.ask_to_sign_again(letter, at=timezone.now())
    decide(pax.pk, Event.RENEW, by=CONTACT)

    assert [mail.to for mail in work()] == [[insec.email]]


def test_whoever_still_waits_is_asked_once_there_is_a_line(letter, work, coordinator):
    entry = SignatoryFactory(letter=letter, state=State.PENDING, email="late@example.org")
    revise(letter)
    assert work() == []

    decide(entry.pk, Event.APPROVE, by=By.coordinator(coordinator))

    kinds = Message.objects.filter(signatory=entry).values_list("kind", flat=True)
    assert sorted(kinds) == ["approved", "revised"]


def test_the_reason_for_a_return_stays_when_the_text_is_signed_again(letter, work, client):
    entry = SignatoryFactory(letter=letter, state=State.PENDING)
    decide(entry.pk, Event.RETURN, by=By.coordinator(None), reason="Which Peace Centre?")
    revise(letter)
    work()
    token = links.new_link(entry)

    page = client.post(f"/conduct/signature/{token}/renew/", {"text": "2"}, follow=True)

    assert "Which Peace Centre?" in words(page)


def draft(letter, **fields):
    """A further text that is not published yet."""
    text = RevisionTextFactory(
        revision__letter=letter,
        revision__number=2,
        revision__kind=Revision.Kind.SUBSTANTIVE,
        revision__published_at=None,
        **{"revision__note": "A second demand.", "body": "We ask for **two** codes.", **fields},
    )
    return text.revision


def test_nobody_is_mailed_by_a_slip_of_the_finger(letter, two, work, client, editor):
    revision = draft(letter)
    client.force_login(editor)
    url = f"/admin/letter/revision/{revision.pk}/publish/"

    asked = client.post(url)
    assert "The 2 organisations on the list stay there" in asked.content.decode()
    assert work() == []

    client.post(url, {"asked": "1"})
    assert len(work()) == 2


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"body": "We ask for a **code of conduct**."}, "No word differs from the text before"),
        ({"revision__note": ""}, "Say in one sentence what changed"),
    ],
)
def test_a_text_that_changes_nothing_or_says_not_what_is_not_published(
    letter, two, work, client, editor, fields, says
):
    revision = draft(letter, **fields)
    client.force_login(editor)

    page = client.post(
        f"/admin/letter/revision/{revision.pk}/publish/", {"asked": "1"}, follow=True
    )

    assert says in page.content.decode()
    revision.refresh_from_db()
    assert revision.published_at is None
