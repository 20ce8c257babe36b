"""What an organisation meets: the form, the mail, its own page. After a refusal nothing has changed."""

import html
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from letter import serving
from letter.models import Letter, PublicationRequest
from letter.publishing import request_publication
from signatories import links, moderation
from signatories.forms import STAMP_MAX_AGE, STAMP_SALT, new_stamp
from signatories.models import Decision, Event, Link, Message, Organization, Signatory
from signatories.tokens import token_hash
from tests.factories import SignatoryFactory, make_letter
from tests.reading import text_of

State = Signatory.State


def typed(**kwargs):
    return {
        "organization": "Centre Kivu",
        "countries": ["CD", "RW"],
        "website": "www.kivu.example.org",
        "contact_name": "Aline Bahati",
        "contact_role": "chargée de programme",
        "email": "aline@kivu.example.org",
        "authorised": "on",
        "privacy": "on",
        "stamp": new_stamp(),
    } | kwargs


def links_in(message):
    return re.findall(r"http://testserver(/\S+)", message.body)


def link_to(message, part):
    return next(link for link in links_in(message) if f"/{part}/" in link)


@pytest.fixture
def signed(letter, client, work):
    """A sign-on that came through the form of a published letter, with its confirmation mail."""
    request_publication(letter, at=timezone.now())
    client.post("/conduct/sign/", typed())
    (message,) = work()
    return message


def test_a_sign_on_is_kept_as_it_was_typed(letter, client, work):
    response = client.post("/conduct/sign/", typed())

    assert (response.status_code, response.headers["Location"]) == (302, "/conduct/sign/sent/")
    assert client.get("/conduct/sign/sent/").status_code == 200
    signatory = Signatory.objects.get()
    assert (
        signatory.name,
        signatory.countries,
        signatory.website,
        signatory.contact_name,
        signatory.contact_role,
        signatory.email,
        signatory.state,
        signatory.revision,
        signatory.organization,
    ) == (
        "Centre Kivu",
        ["CD", "RW"],
        "https://www.kivu.example.org",
        "Aline Bahati",
        "chargée de programme",
        "aline@kivu.example.org",
        State.SUBMITTED,
        letter.revisions.get(),
        None,
    )
    (message,) = work()
    assert message.to == ["aline@kivu.example.org"]
    assert "Centre Kivu (Democratic Republic of the Congo, Rwanda)" in message.body


def test_the_countries_keep_their_order_and_may_be_none(letter, client):
    client.post("/conduct/sign/", typed(countries=["ZA", "", "KE", "ET", "KE"]))
    client.post("/conduct/sign/", typed(organization="World Union", countries=[]))

    assert list(Signatory.objects.order_by("pk").values_list("countries", flat=True)) == [
        ["ZA", "KE", "ET"],
        [],
    ]


@pytest.mark.parametrize(
    ("typed_text", "countries"), [("guinea", ["KE", "GN"]), ("USA", ["KE", "US"]), ("", ["KE"])]
)
def test_a_country_that_was_typed_and_not_chosen_counts(letter, client, typed_text, countries):
    client.post("/conduct/sign/", typed(countries=["KE"], countries_typed=typed_text))

    assert Signatory.objects.get().countries == countries


@pytest.mark.parametrize(
    ("typed_text", "said"),
    [
        ("congo", "“congo” may be Democratic Republic of the Congo, Republic of the Congo."),
        ("Narnia", "No country is called “Narnia” here."),
    ],
)
def test_a_typed_text_that_is_no_country_is_asked_about_and_kept(letter, client, typed_text, said):
    response = client.post("/conduct/sign/", typed(countries=["KE"], countries_typed=typed_text))

    assert (response.status_code, Signatory.objects.count()) == (422, 0)
    assert said in text_of(response)
    assert f'data-typed="{typed_text}"' in response.content.decode()


def test_a_form_that_comes_too_early_is_told_so(letter, client):
    Letter.objects.update(opens_at=timezone.now() + timedelta(days=1))

    response = client.post("/conduct/sign/", typed())

    assert response.status_code == 403
    assert "too early" in text_of(response)


@pytest.mark.parametrize("name", ["write me@spam.com", "Buy at www.spam.com", "http://spam.com"])
def test_a_name_carries_no_advertisement_to_a_stranger(letter, client, name):
    for field in ("organization", "contact_name", "contact_role"):
        assert client.post("/conduct/sign/", typed(**{field: name})).status_code == 422

    assert Message.objects.count() == 0


@pytest.mark.parametrize(
    "name",
    [
        "Centre pour la Paix à Goma – « Amani »",
        "مركز الشهادة والعدالة",
        "Фонд «Память и право»",
        "和平見證協會",
        "Ħal Għaxaq & Ñandú Ångström ЖΩ",
    ],
)
def test_names_in_any_script_are_taken(letter, client, work, name):
    assert client.post("/conduct/sign/", typed(organization=name)).status_code == 302

    assert Signatory.objects.get().name == name
    (message,) = work()
    assert name in message.body


@pytest.mark.parametrize(
    "changes",
    [
        {"organization": ""},
        {"organization": "\u202e\u2066"},
        {"organization": "\u200b\ufeff"},
        {"organization": "Pax\u202echristi"},
        {"organization": "Pax\x00christi"},
        {"organization": "x" * 5000},
        {"organization": "Pax \ufffd"},
        {"organization": "!!!"},
        {"countries": ["KE", "QQ"]},
        {"website": "not an address"},
        {"website": "javascript:alert(1)"},
        {"website": "https://good.example.org@evil.example.net/"},
        {"contact_name": ""},
        {"contact_role": "\x07"},
        {"email": "nobody"},
        {"email": "a@b@example.org"},
        {"email": "a@example.org\nBcc: b@example.org"},
        {"authorised": ""},
        {"privacy": ""},
        {"homepage_2": "https://buy.example.com"},
    ],
)
def test_what_cannot_be_taken_is_said_and_what_was_typed_is_kept(letter, client, changes):
    response = client.post("/conduct/sign/", typed(**changes))
    page = response.content.decode()
    (field,) = changes

    assert response.status_code == 422
    assert f'id="id_{field}_error"' in page
    assert f'href="#id_{field}"' in page
    for kept in {"Aline Bahati", "chargée de programme"} - {changes.get("contact_name")}:
        if field not in {"contact_name", "contact_role"}:
            assert kept in page
    assert (Signatory.objects.count(), Message.objects.count()) == (0, 0)


def test_a_lone_surrogate_is_refused_in_words(letter, client):
    body = "organization=Pax%ED%A0%80&contact_name=A&contact_role=B&email=a%40example.org&authorised=on&privacy=on"
    response = client.post(
        "/conduct/sign/",
        f"{body}&stamp={new_stamp()}",
        content_type="application/x-www-form-urlencoded",
    )

    assert response.status_code == 422
    assert 'id="id_organization_error"' in response.content.decode()


def test_markup_that_was_typed_comes_back_as_text(letter, client):
    page = client.post(
        "/conduct/sign/", typed(organization='"><script>x</script>', email="")
    ).content.decode()

    assert "<script>x" not in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page


def test_a_slip_in_the_domain_is_asked_about_and_not_corrected(letter, client):
    response = client.post("/conduct/sign/", typed(email="aline@gmial.com"))
    page = response.content.decode()
    assert response.status_code == 422
    assert "aline@gmail.com" in page
    assert Signatory.objects.count() == 0
    asked = re.search(r'name="email_asked" value="([^"]*)"', page).group(1)

    again = client.post("/conduct/sign/", typed(email="aline@gmial.com", email_asked=asked))

    assert again.status_code == 302
    assert Signatory.objects.get().email == "aline@gmial.com"


@pytest.mark.parametrize(
    "stamp", ["", "forged", signing.dumps("x", salt=STAMP_SALT), signing.dumps(1, salt="other")]
)
def test_a_form_that_was_never_opened_is_shown_again_with_a_fresh_stamp(letter, client, stamp):
    response = client.post("/conduct/sign/", typed(stamp=stamp))
    page = response.content.decode()
    assert (response.status_code, Signatory.objects.count()) == (422, 0)

    fresh = re.search(r'name="stamp" value="([^"]*)"', page).group(1)
    assert client.post("/conduct/sign/", typed(stamp=fresh)).status_code == 302


def test_a_stamp_goes_stale(letter, client, monkeypatch):
    old = new_stamp()
    later = time.time() + STAMP_MAX_AGE + 60
    monkeypatch.setattr(time, "time", lambda: later)

    assert client.post("/conduct/sign/", typed(stamp=old)).status_code == 422


def test_more_country_fields_without_javascript(letter, client):
    page = client.get("/conduct/sign/").content.decode()
    response = client.post(
        "/conduct/sign/", typed(countries=["KE", "ET", "ZA"], more_countries="1")
    )
    more = response.content.decode()

    assert response.status_code == 200
    selects = r'<select[^>]* name="countries"'
    assert len(re.findall(selects, more)) > len(re.findall(selects, page)) > 1
    assert re.findall(r'<option value="(\w\w)"[^>]* selected', more) == ["KE", "ET", "ZA"]
    assert "Aline Bahati" in more
    assert Signatory.objects.count() == 0


def test_every_stranger_gets_the_same_answer(letter, client, work):
    SignatoryFactory(
        letter=letter, name="Centre Kivu", email="aline@kivu.example.org", state=State.APPROVED
    )
    SignatoryFactory(letter=letter, name="Amani", email="x@amani.example.org", state=State.PENDING)
    answers = {
        (response.status_code, response.headers["Location"])
        for response in (
            client.post("/conduct/sign/", typed()),
            client.post("/conduct/sign/", typed(organization="Amani")),
            client.post("/conduct/sign/", typed(organization="New", email="new@example.org")),
        )
    }

    assert answers == {(302, "/conduct/sign/sent/")}


def test_signing_again_is_told_to_the_addresss_owner_alone(letter, client, work):
    SignatoryFactory(
        letter=letter, name="Centre Kivu", email="aline@kivu.example.org", state=State.REJECTED
    )
    pending = SignatoryFactory(letter=letter, name="Centre Kivu", email="aline@kivu.example.org")

    client.post("/conduct/sign/", typed())

    (message,) = work()
    assert message.to == ["aline@kivu.example.org"]
    assert link_to(message, "signature")
    assert pending.reference in message.body
    assert Signatory.objects.count() == 2


def test_a_letter_that_takes_no_signatures_says_so(letter, client):
    now = timezone.now()
    for changes in (
        {"state": Letter.State.CLOSED},
        {"state": Letter.State.OPEN, "opens_at": now + timedelta(days=1)},
        {"opens_at": None, "closes_at": now - timedelta(days=1)},
    ):
        Letter.objects.update(**changes)
        serving.forget()  # as after a tenth of a second
        assert "<form" not in client.get("/conduct/sign/").content.decode()
        assert client.post("/conduct/sign/", typed()).status_code == 403
    Letter.objects.update(state=Letter.State.DRAFT)
    serving.forget()
    assert client.get("/conduct/sign/").status_code == 404
    assert client.post("/conduct/sign/", typed()).status_code == 404
    assert Signatory.objects.count() == 0


def test_latecomers_are_taken_until_the_internal_cut_off(letter, client):
    now = timezone.now()
    Letter.objects.update(closes_at=now - timedelta(hours=1), cutoff_at=now + timedelta(hours=1))

    assert "<form" in client.get("/conduct/sign/").content.decode()
    assert client.post("/conduct/sign/", typed()).status_code == 302


def test_no_link_in_a_mail_changes_anything_when_it_is_opened(letter, signed, client, work):
    before = (
        list(Signatory.objects.values()),
        list(Decision.objects.values()),
        list(Link.objects.values()),
        list(Message.objects.values()),
    )
    for link in links_in(signed):
        for _n in range(10):
            assert client.get(link).status_code in {200, 302}
            assert client.head(link).status_code in {200, 302}

    assert before == (
        list(Signatory.objects.values()),
        list(Decision.objects.values()),
        list(Link.objects.values()),
        list(Message.objects.values()),
    )


def test_confirming_takes_a_button(letter, signed, client, work):
    link = link_to(signed, "confirm")
    assert Signatory.objects.get().state == State.SUBMITTED

    response = client.post(link)

    signatory = Signatory.objects.get()
    assert response.status_code == 302
    assert (signatory.state, signatory.confirmed_at is not None) == (State.PENDING, True)
    assert "csrf" in client.get(response.headers["Location"]).content.decode()


def test_a_letter_in_french_is_signed_and_confirmed_in_french(db, client, work):
    letter = make_letter(
        slug="veto", default_language="fr", closes_at=datetime(2099, 12, 5, 12, tzinfo=UTC)
    )
    letter.revisions.get().bodies.update(language="fr")
    assert "5 décembre 2099" in text_of(client.get("/veto/sign/"))
    signatory = SignatoryFactory(
        letter=letter, state=State.SUBMITTED, countries=["DE"], language="fr", name="Kivu"
    )
    url = f"/veto/confirm/{links.new_link(signatory)}/"
    page = client.get(url).content.decode()
    assert 'name="seen" value="Kivu (Allemagne)"' in page

    assert client.post(url, {"seen": "Kivu (Allemagne)"}).status_code == 302

    signatory.refresh_from_db()
    assert signatory.state == State.PENDING


def test_what_was_sent_again_meanwhile_is_not_confirmed_unseen(letter, signed, client):
    link = link_to(signed, "confirm")
    seen = re.search(r'name="seen" value="([^"]*)"', client.get(link).content.decode()).group(1)
    client.post("/conduct/sign/", typed(countries=["RU"]))

    response = client.post(link, {"seen": seen})

    assert (response.status_code, Signatory.objects.get().state) == (409, State.SUBMITTED)
    assert "Centre Kivu (Russia)" in text_of(response)


@pytest.mark.parametrize(
    "website", ["example.org/" + "x" * 187, "https://example.org/" + "x" * 300]
)
def test_a_website_that_is_too_long_is_refused_in_words(letter, client, website):
    assert client.post("/conduct/sign/", typed(website=website)).status_code == 422


@pytest.mark.parametrize("name", ["\ufdfa" * 60, "\ufb03" * 250, "\U00020001" * 250])
def test_names_that_unfold_to_much_are_taken(letter, client, name):
    assert client.post("/conduct/sign/", typed(organization=name)).status_code == 302


def test_a_second_use_of_the_link_shows_where_things_stand(letter, signed, client, work):
    link = link_to(signed, "confirm")
    client.post(link)
    sent = work()

    again = client.post(link)
    opened = client.get(link, follow=True)

    assert again.status_code == 302
    assert "Centre Kivu (Democratic Republic of the Congo, Rwanda)" in text_of(opened)
    assert Decision.objects.filter(event="confirm").count() == 1
    assert [message.to for message in sent] == [["aline@kivu.example.org"]]
    assert work() == []


def test_the_database_holds_no_secret(letter, signed, client):
    token = link_to(signed, "confirm").split("/")[3]

    assert Link.objects.get().token_hash == token_hash(token)
    assert token not in str(list(Message.objects.values()) + list(Link.objects.values()))


def test_an_unknown_link_is_explained_and_tells_nothing(letter, signed, client):
    for page in ("confirm", "not-us", "signature"):
        for method in (client.get, client.post):
            response = method(f"/conduct/{page}/{'x' * 43}/")
            assert response.status_code == 404
            assert "Centre Kivu" not in response.content.decode()
    token = link_to(signed, "confirm").split("/")[3]
    assert client.get(f"/other/confirm/{token}/").status_code == 404


def test_pages_behind_secrets_are_kept_out_of_caches_and_referrers(letter, signed, client):
    for part in ("confirm", "not-us"):
        headers = client.get(link_to(signed, part)).headers
        assert headers["Referrer-Policy"] == "same-origin"
        assert "no-store" in headers["Cache-Control"]
        assert headers["X-Robots-Tag"] == "noindex"


def test_it_was_not_us_erases_the_entry(letter, signed, client, work):
    link = link_to(signed, "not-us")

    response = client.post(link)

    assert (response.status_code, response.headers["Location"]) == (302, "/conduct/erased/")
    assert client.get("/conduct/erased/").status_code == 200
    assert (Signatory.objects.count(), Decision.objects.count(), Link.objects.count()) == (0, 0, 0)
    assert client.get(link).status_code == 404
    assert work() == []


@pytest.mark.parametrize("state", [State.REJECTED, State.WITHDRAWN])
def test_links_to_what_is_over_show_where_things_stand(letter, signed, client, state):
    Signatory.objects.update(state=state)

    for part in ("not-us", "signature"):
        link = link_to(signed, "not-us").replace("not-us", part)
        link += "withdraw/" if part == "signature" else ""
        assert "/signature/" in client.get(link).headers["Location"]
    assert Signatory.objects.get().state == state


def test_it_was_not_us_does_not_take_down_what_is_on_the_list(letter, signed, client):
    signatory = Signatory.objects.get()
    organization = Organization.objects.create(name="Centre Kivu", name_key="centre kivu")
    Signatory.objects.update(
        state=State.APPROVED, organization=organization, approved_at=timezone.now()
    )

    response = client.post(link_to(signed, "not-us"))

    assert "/signature/" in response.headers["Location"]
    assert Signatory.objects.get().pk == signatory.pk


@pytest.fixture
def own_page(letter, signed, client):
    """The address of the contact's own page, confirmed."""
    return client.post(link_to(signed, "confirm")).headers["Location"]


def test_the_contact_corrects_freely_before_a_decision(letter, own_page, client):
    response = client.post(
        f"{own_page}correct/",
        {"organization": "Centre du Kivu", "countries": ["CD"], "website": ""},
    )

    assert response.status_code == 302
    signatory = Signatory.objects.get()
    assert (signatory.name, signatory.countries, signatory.website, signatory.state) == (
        "Centre du Kivu", ["CD"], "", State.PENDING,
    )  # fmt: skip


def test_a_bad_correction_is_refused_beside_the_field(letter, own_page, client):
    response = client.post(f"{own_page}correct/", {"organization": "\u202e", "countries": ["CD"]})

    assert response.status_code == 422
    assert 'id="id_organization_error"' in response.content.decode()
    assert Signatory.objects.get().name == "Centre Kivu"


def approve(client, coordinator):
    pk = Signatory.objects.get().pk
    moderation.decide(pk, Event.APPROVE, by=moderation.By.coordinator(coordinator))


def test_after_approval_a_correction_waits_for_a_coordinator(
    letter, own_page, client, coordinator, work
):
    approve(client, coordinator)
    work()

    client.post(f"{own_page}correct/", {"organization": "Centre du Kivu", "countries": ["CD"]})
    work()

    assert Signatory.objects.get().name == "Centre Kivu"
    assert letter.listings.current().get().name == "Centre Kivu"
    assert "Centre du Kivu (Democratic Republic of the Congo)" in text_of(client.get(own_page))


def test_withdrawing_asks_once_and_takes_the_line_off(letter, own_page, client, coordinator, work):
    approve(client, coordinator)
    work()
    assert letter.listings.current().count() == 1
    page = client.get(f"{own_page}withdraw/")
    assert (page.status_code, Signatory.objects.get().state) == (200, State.APPROVED)

    client.post(f"{own_page}withdraw/")
    client.post(f"{own_page}withdraw/")
    (message,) = work()

    assert letter.listings.current().count() == 0
    assert Signatory.objects.get().state == State.WITHDRAWN
    assert message.to == ["aline@kivu.example.org"]
    assert Decision.objects.filter(event="withdraw").count() == 1


def test_the_contact_takes_the_data_along(letter, own_page, client):
    document = client.get(f"{own_page}data.json").json()

    assert (document["name"], document["email"], document["countries"], document["state"]) == (
        "Centre Kivu", "aline@kivu.example.org", ["CD", "RW"], "pending",
    )  # fmt: skip
    assert [each["event"] for each in document["history"]] == ["submit", "confirm"]


def test_the_hint_knows_the_public_list_alone(letter, client, work):
    SignatoryFactory(letter=letter, name="Genocide Watch", countries=["US"], state=State.APPROVED)
    SignatoryFactory(letter=letter, name="Centre Kivu", state=State.PENDING)
    request_publication(letter, at=timezone.now())
    work()

    known = client.get("/conduct/sign/hint/", {"name": " GENOCIDE watch! "}).json()
    assert (known["listed"], known["line"], known["number"]) == (
        True,
        "Genocide Watch (United States)",
        1,
    )
    for name in ("Centre Kivu", "", "\x00", "nobody", "x" * 100_000):
        assert client.get("/conduct/sign/hint/", {"name": name}).json() == {"listed": False}


def test_nothing_is_hinted_at_before_it_is_published(letter, client):
    SignatoryFactory(letter=letter, name="Genocide Watch", state=State.APPROVED)

    assert client.get("/conduct/sign/hint/", {"name": "Genocide Watch"}).json() == {"listed": False}
    assert PublicationRequest.objects.count() == 0


PUBLIC = [
    "/", "/conduct/", "/conduct/signatories.json", "/conduct/signatories.csv", "/conduct/sign/",
    "/conduct/letter.txt",
    "/conduct/sign/sent/", "/conduct/sign/hint/?name=Centre+Kivu", "/conduct/erased/", "/robots.txt",
    "/nothing/", "/conduct/confirm/x/", "/conduct/signature/x/", "/conduct/not-us/x/",
]  # fmt: skip


@pytest.mark.parametrize("path", PUBLIC)
def test_no_contact_is_on_any_public_page(letter, client, work, path):
    for state in State:
        SignatoryFactory(
            letter=letter,
            name="Centre Kivu" if state == State.APPROVED else f"Org {state}",
            state=state,
            contact_name="Planted Person",
            contact_role="planted role",
            email=f"planted-{state}@example.org",
            website="https://planted.example.org",
            note="planted note",
        )
    request_publication(letter, at=timezone.now())
    work()

    body = client.get(path).content.decode()

    assert "lanted" not in body
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", body)
    assert "Org " not in body


def test_a_form_without_its_cookie_is_refused_in_words(letter):
    response = Client(enforce_csrf_checks=True).post("/conduct/sign/", typed())

    assert response.status_code == 403
    assert "cookie" in response.content.decode().lower()


def test_a_form_without_its_cookie_comes_back_and_is_sent_again_by_one_button(letter):
    client = Client(enforce_csrf_checks=True)
    response = client.post("/conduct/sign/", typed(organization="Centre “Kivu” <Goma>"))
    page = response.content.decode()
    assert re.findall(r'<p dir="auto">(.*?)</p>', page) == [
        "Centre “Kivu” &lt;Goma&gt;",
        "Democratic Republic of the Congo",
        "Rwanda",
        "www.kivu.example.org",
        *(typed()[name] for name in ("contact_name", "contact_role", "email")),
    ]

    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    again = client.post("/conduct/sign/", {name: html.unescape(value) for name, value in found})

    assert response.status_code == 403
    assert again.status_code == 302
    assert Signatory.objects.get().name == "Centre “Kivu” <Goma>"


def test_nothing_else_without_its_cookie_comes_back(letter):
    """A stranger could have sent it, for somebody who is let in to press the button."""
    entry = SignatoryFactory(letter=letter)
    client = Client(enforce_csrf_checks=True)

    for page in (f"/conduct/signature/{links.new_link(entry)}/withdraw/", "/admin/login/"):
        response = client.post(page, {"seen": "what was sent"})
        assert response.status_code == 403
        assert "what was sent" not in response.content.decode()
