"""The languages that the product speaks: of the browser at the desk, of the address or the contact elsewhere."""

import re

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from letter.models import Revision, RevisionText, Update
from letter.publishing import request_publication
from signatories.models import Message, Signatory
from tests.factories import NOW, SignatoryFactory, UserFactory, make_letter
from tests.reading import text_of

SPOKEN = [code for code, _name in settings.LANGUAGES if code != "en"]


@pytest.fixture
def letter(db, work):
    """A letter in English and in all that the product speaks."""
    letter = make_letter(slug="conduct", title="A code of conduct")
    revision = letter.revisions.get()
    for code in SPOKEN:
        RevisionText.objects.create(
            revision=revision, language=code, title=f"Title in {code}", body=f"Words in {code}."
        )
    request_publication(letter, at=NOW)
    work()
    return letter


def opening(page: str) -> str:
    return re.search(r"<html[^>]*>", page)[0]


@pytest.mark.parametrize("code", SPOKEN)
def test_the_letter_and_its_form_are_in_the_language_of_their_address(letter, client, code):
    with translation.override(code):
        button, heading = gettext("Sign for your organisation"), gettext("The undersigned")
    assert button != "Sign for your organisation"
    direction = "rtl" if code == "ar" else "ltr"

    page = client.get(f"/{code}/conduct/").content.decode()
    form = client.get(f"/{code}/conduct/sign/").content.decode()

    for each in (page, form):
        assert opening(each) == f'<html lang="{code}" dir="{direction}">'
        assert button in each
        assert f"Title in {code}" in each
    assert heading in page
    assert f'href="/{code}/conduct/sign/"' in page
    assert f'href="/{code}/conduct/"' in form


def test_the_countries_of_a_form_are_in_its_language_whichever_was_shown_before(letter, client):
    for path, name in (("fr/", "Norvège"), ("", "Norway"), ("es/", "Noruega"), ("fr/", "Norvège")):
        form = client.get(f"/{path}conduct/sign/").content.decode()
        named = re.findall(r'<option value="NO"[^>]*>(.*?)</option>', form)
        assert set(named) == {name}


def test_a_form_is_not_in_a_language_without_a_text(letter, client):
    assert client.get("/sw/conduct/sign/").status_code == 404
    assert client.get("/sw/conduct/sign/sent/").status_code == 404


def test_whoever_signs_in_french_is_written_to_in_french(letter, client, work, mailoutbox):
    page = client.get("/fr/conduct/sign/").content.decode()
    stamp = re.search(r'name="stamp" value="([^"]+)"', page)[1]
    typed = {
        "stamp": stamp,
        "organization": "Maison de la Mémoire",
        "countries": ["CD"],
        "contact_name": "Aline Bahati",
        "contact_role": "directrice",
        "email": "aline@memoire.example.org",
        "authorised": "on",
        "privacy": "on",
    }

    response = client.post("/fr/conduct/sign/", typed)
    assert response["Location"] == "/fr/conduct/sign/sent/"
    work()

    signatory = Signatory.objects.get()
    assert signatory.language == "fr"
    (mail,) = mailoutbox
    assert "Title in fr" in mail.subject
    assert "/fr/conduct/" in mail.body
    assert "République démocratique du Congo" in mail.body


def test_a_text_in_another_language_stands_in_an_english_frame(client, db, work):
    letter = make_letter(slug="conduct", default_language="sw")
    letter.revisions.get().bodies.update(language="sw")
    request_publication(letter, at=NOW)
    work()

    page = client.get("/conduct/").content.decode()

    assert opening(page) == '<html lang="en" dir="ltr">'
    assert '<article class="letter" lang="sw" dir="ltr">' in page


@pytest.mark.parametrize(
    ("asked", "given"), [("fr,en;q=0.5", "fr"), ("sw", "en"), ("zh-CN", "zh-hans")]
)
def test_the_desk_speaks_what_the_browser_asks_for(client, db, asked, given):
    client.force_login(UserFactory(group="coordinator"))

    response = client.get("/admin/signatories/signatory/", headers={"Accept-Language": asked})

    assert f'<html lang="{given}"' in response.content.decode()
    assert "Accept-Language" in response["Vary"]
    with translation.override(given):
        assert gettext("Review one by one") in text_of(response)


def test_a_public_page_is_the_same_for_every_browser(letter, client):
    one, other = (
        client.get("/conduct/", headers={"Accept-Language": asked}) for asked in ("fr", "en")
    )

    assert one.content == other.content
    assert one["Vary"] == "Accept-Encoding"


def revise(letter):
    """A text that changes what the letter asks for, in the languages of the one before."""
    first = letter.revisions.get()
    second = Revision.objects.create(
        letter=letter, number=2, kind=Revision.Kind.SUBSTANTIVE, published_at=NOW
    )
    for text in first.bodies.all():
        text.pk, text.revision = None, second
        text.save()


@pytest.mark.parametrize("code", SPOKEN)
@pytest.mark.parametrize(
    "kind", [kind for kind in Message.Kind if kind not in {"waiting", "corrected", "vouch"}]
)
def test_every_mail_is_sent_in_every_language(letter, work, mailoutbox, code, kind):
    state = {
        "confirm": "submitted",
        "approved": "approved",
        "returned": "returned",
        "rejected": "rejected",
        "withdrawn": "withdrawn",
        "update": "approved",
        "revised": "approved",
    }.get(kind, "pending")
    signatory = SignatoryFactory(letter=letter, language=code, state=state, wants_updates=True)
    update = None
    if kind == "revised":
        revise(letter)
    if kind == "update":
        update = Update.objects.create(letter=letter, published_at=NOW)
        update.texts.create(language=code, title="News", body="Words.")
    if kind != "revised":
        Message.objects.create(
            letter=letter, signatory=signatory, kind=kind, reason="Reason.", update=update
        )
    request_publication(letter, at=NOW)

    work()

    mail = next(mail for mail in mailoutbox if mail.to == [signatory.email])
    assert f"Title in {code}" in mail.subject
    html = mail.alternatives[0][0]
    assert opening(html) == f'<html lang="{code}" dir="{"rtl" if code == "ar" else "ltr"}">'
