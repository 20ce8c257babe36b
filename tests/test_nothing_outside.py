"""Nothing that a stranger types has the server ask anybody: no address is fetched, no name looked up.

But for mail, which goes to the mail server of the settings, and for CHECK_MAIL_DOMAINS, which is off unless it is set.
"""

import socket

import pytest
from django.test import Client

from letter.models import RevisionText
from letter.publishing import request_publication
from signatories import evidence, links
from signatories.models import Message, Signatory
from tests.factories import NOW, SignatoryFactory, UserFactory, make_letter
from tests.signatories.test_views import typed

# Where a server must never go, and where somebody would see that it came.
ADDRESSES = (
    "http://169.254.169.254/latest/",
    "http://localhost:5432/",
    "https://evil.example/x",
    "http://[::1]/",
)
MAIL_SERVER = "mail.coalition.example"


@pytest.fixture
def asked(monkeypatch, settings):
    """Everybody who was asked, by name or number; nobody answers."""
    found = []

    def refuse(who):
        def refused(*arguments, **_options):
            found.append(str(arguments[who]))
            raise OSError("nobody is there")

        return refused

    monkeypatch.setattr(socket, "getaddrinfo", refuse(0))
    monkeypatch.setattr(socket, "gethostbyname", refuse(0))
    monkeypatch.setattr(socket, "gethostbyaddr", refuse(0))
    monkeypatch.setattr(socket.socket, "connect", refuse(1))
    monkeypatch.setattr(socket.socket, "connect_ex", refuse(1))
    monkeypatch.setattr(socket.socket, "sendto", refuse(-1))
    # A machine's own name, with which it greets the mail server.
    monkeypatch.setattr(socket, "getfqdn", lambda *_name: "web1.internal")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = MAIL_SERVER
    return found


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_that_somebody_typed_is_asked(db, asked, work, address):
    letter = make_letter(slug="conduct", title=f"See {address}")
    RevisionText.objects.update(
        body=f"![a]({address}) [b]({address}) <{address}> <img src='{address}'>"
    )
    client, desk = Client(), Client()
    desk.force_login(UserFactory(is_superuser=True, group="coordinator"))
    client.post("/conduct/sign/", typed())
    sent = client.post("/conduct/sign/", typed(website=address, email="ana@evil.example"))
    if sent.status_code == 422:  # no website's address, so it is brought in otherwise
        SignatoryFactory(letter=letter, website=address, email="ana@evil.example")
    work()
    entry = Signatory.objects.latest("pk")
    Signatory.objects.filter(pk=entry.pk).update(state=Signatory.State.PENDING)
    listed = SignatoryFactory(letter=letter, website=address, state=Signatory.State.APPROVED)
    request_publication(letter, at=NOW)
    work()
    evidence.assess_due(at=NOW)
    token = links.new_link(entry)
    desk_pages = ("change/", "ask/", "place/")
    for url in (
        "",
        "share/",
        "embed/",
        "letter.docx",
        "letter.txt",
        "feed.atom",
        "editions/1/",
        "countries/",
        f"signature/{token}/",
        f"signatory/{listed.line_id}/",
    ):
        assert client.get(f"/conduct/{url}").status_code in {200, 302}, url
    for url in (
        *(f"{entry.pk}/{page}" for page in desk_pages),
        "review/",
        "",
        f"campaign/{letter.pk}/",
    ):
        desk.get(f"/admin/signatories/signatory/{url}")
    bring_in = {"letter": letter.pk, "text": f"PAX; {address}; ana@evil.example"}
    assert desk.post("/admin/signatories/signatory/bring-in/", bring_in).status_code in {200, 422}
    desk.post(f"/admin/signatories/signatory/{entry.pk}/ask/", {"mailbox": "info"})
    desk.post(
        "/admin/signatories/signatory/take-out/", {"letter": letter.pk, "form": "private_xlsx"}
    )
    work()

    assert Message.objects.exclude(error="").exists()
    assert {*asked} == {MAIL_SERVER}
