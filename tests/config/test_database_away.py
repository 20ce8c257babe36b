"""What people get while the database does not answer: letters to read, and nothing typed is lost."""

import re
from html import unescape

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client
from django.utils import timezone

from letter import serving
from letter.publishing import request_publication
from signatories.models import Signatory
from tests.factories import SignatoryFactory
from tests.reading import text_of
from tests.signatories.test_views import link_to, typed


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


class Database:
    """One that can be sent away, and comes back."""

    def __init__(self, error, patched):
        self._error, self._patched = error, patched

    def leave(self):
        def refuse(*_args, **_kwargs):
            raise self._error("connection refused")

        for name in (
            "django.db.backends.utils.CursorWrapper.execute",
            "django.db.transaction.Atomic.__enter__",
        ):
            self._patched.setattr(name, refuse)

    def return_(self):
        self._patched.undo()


@pytest.fixture(params=[OperationalError, InterfaceError])
def database(request, published, monkeypatch):
    # It is asked at once whether it is back.
    monkeypatch.setattr(serving, "LOOK_AGAIN_AFTER", 0)
    with pytest.MonkeyPatch.context() as patched:
        yield Database(request.param, patched)


@pytest.fixture
def published(letter, work):
    request_publication(letter, at=timezone.now())
    work()
    return letter


def fields_of(response):
    """What the fields of a page's forms hold, by their names."""
    tags = re.findall(r"<input[^>]*>", response.content.decode())
    pairs = [
        (re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)) for tag in tags
    ]
    return {name[1]: unescape(value[1]) for name, value in pairs if name and value}


def test_the_form_says_so_keeps_what_was_typed_and_takes_it_later(published, client, database):
    client.get("/conduct/sign/")
    database.leave()
    sent = typed(organization="Centre “Kivu” <Goma>")
    response = client.post("/conduct/sign/", sent)

    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert "What you typed is still here" in text_of(response)
    kept = fields_of(response)
    assert {
        name: kept[name] for name in ("organization", "contact_name", "contact_role", "email")
    } == {name: sent[name] for name in ("organization", "contact_name", "contact_role", "email")}
    chosen = re.findall(r"<option[^>]*\bselected\b[^>]*>", response.content.decode())
    assert [code for each in chosen for code in ("CD", "RW") if f'"{code}"' in each] == ["CD", "RW"]
    assert client.get("/conduct/sign/").status_code == 200

    database.return_()
    assert client.post("/conduct/sign/", sent).status_code == 302
    assert Signatory.objects.get().name == "Centre “Kivu” <Goma>"


def test_who_signs_does_not_wait_where_it_is_known_that_the_database_is_away(
    published, client, database, monkeypatch
):
    asked = []
    monkeypatch.setattr("signatories.moderation.submit", asked.append)
    client.get("/conduct/sign/")
    database.leave()
    monkeypatch.setattr(serving, "FRESH_FOR", 0)
    serving._shelves["conduct"].due_at = 0

    assert client.post("/conduct/sign/", typed()).status_code == 503
    assert asked == []


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_the_first_to_find_the_database_away_keeps_what_was_typed_too(
    published, client, monkeypatch, error
):
    def refuse(*_args, **_kwargs):
        raise error("connection lost")

    monkeypatch.setattr("signatories.moderation.submit", refuse)
    response = client.post("/conduct/sign/", typed())

    assert response.status_code == 503
    assert "What you typed is still here" in text_of(response)


def test_a_form_of_a_process_that_knows_nothing_yet_comes_back_too(published, client, database):
    serving.forget()
    database.leave()
    sent = typed(csrfmiddlewaretoken="made-up")
    response = client.post("/conduct/sign/", sent)

    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert {name: str(value) for name, value in sent.items() if name != "countries"}.items() <= (
        fields_of(response).items()
    )
    assert "Centre Kivu" in text_of(response)
    assert "made-up" not in text_of(response)


@pytest.mark.parametrize("page", ["correct", "withdraw", "confirm"])
def test_what_a_contact_sends_comes_back_and_can_be_sent_again(
    published, client, work, database, page
):
    client.post("/conduct/sign/", typed())
    (message,) = work()
    path = link_to(message, "confirm")
    if page != "confirm":
        client.post(path)
        path = path.replace("/confirm/", "/signature/") + f"{page}/"
    database.leave()
    response = client.post(path, {"organization": "Kivu Centre", "countries": ["CD"]})

    assert response.status_code == 503
    assert fields_of(response)["organization"] == "Kivu Centre"
    database.return_()
    assert client.post(path, fields_of(response)).status_code == 302


def test_a_coordinators_reason_comes_back_and_a_password_does_not(
    published, client, coordinator, database
):
    entry = SignatoryFactory(letter=published, state=Signatory.State.PENDING)
    client.force_login(coordinator)
    database.leave()
    reason = {"reason": "We could not reach you.\nPlease answer.", "action": "reject"}
    response = client.post(f"/admin/signatories/signatory/{entry.pk}/change/", reason)
    assert response.status_code == 503
    assert "We could not reach you." in text_of(response)

    response = client.post("/admin/login/", {"username": "grace", "password": "so secret"})
    assert response.status_code == 503
    assert "so secret" not in response.content.decode()
    assert "grace" not in response.content.decode()


def test_another_fault_is_not_called_an_absent_database(published, client, monkeypatch):
    def broken(*_args, **_kwargs):
        raise ValueError("a fault")

    monkeypatch.setattr("signatories.moderation.submit", broken)
    assert client.post("/conduct/sign/", typed()).status_code == 500
