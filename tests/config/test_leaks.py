"""Whatever breaks, with a contact in its hands: nothing of that person is in the log or goes to Sentry."""

import io
import json
import logging
import smtplib

import pytest
from django.core import mail
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone
from sentry_sdk.utils import event_from_exception

from config.logs import JsonLines, WithoutSecrets
from config.sentry import without_persons
from letter.publishing import request_publication
from signatories import moderation, retention, worker
from signatories.models import Event, Message, Signatory
from signatories.worker import run_due
from tests.signatories.test_views import link_to, typed

PERSON = {
    "contact_name": "Quirina Zeldenrust",
    "contact_role": "ombudsvrouw",
    "email": "q.zeldenrust@kivu.example.org",
}
TRACES = ("quirina", "zeldenrust", "ombudsvrouw")
# What the database says where a row is there already (PostgreSQL), and what libraries make of it.
ROW = (
    'duplicate key value violates unique constraint "signatory_submitted_once"\n'
    "DETAIL:  Key (contact_name, contact_role, email)="
    f"({PERSON['contact_name']}, {PERSON['contact_role']}, {PERSON['email']}) already exists."
)
PART = ROW.rpartition("DETAIL:  ")[2]
STATEMENT = (
    'column "nothing" does not exist\n'
    f"LINE 1: …WHERE email = '{PERSON['email']}' AND contact_name = '{PERSON['contact_name']}'\n"
    "                     ^"
)
SAID = {
    "address": ValueError(f"no such contact: {PERSON['email']}"),
    "row": IntegrityError(ROW),
    "part of a row": ValueError(PART),
    "statement": IntegrityError(STATEMENT),
}

pytestmark = pytest.mark.django_db


class Everything(logging.Handler):
    """All that a handler with our filter writes, in both forms, and what Sentry would be sent of it."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(WithoutSecrets())
        self.written = io.StringIO()
        self.errors = 0

    def emit(self, record: logging.LogRecord) -> None:
        for formatter in (JsonLines(), logging.Formatter("%(asctime)s %(name)s: %(message)s")):
            self.written.write(formatter.format(record) + "\n")
        if record.levelno < logging.ERROR:
            return
        self.errors += 1
        event = {"logentry": {"message": record.msg, "params": record.args}}
        if record.exc_info:
            options = {
                "include_local_variables": False,
                "include_source_context": True,
                "max_value_length": None,
            }
            event |= event_from_exception(record.exc_info, client_options=options)[0]
        self.written.write(json.dumps(without_persons(event, {}), default=str) + "\n")


@pytest.fixture
def logged():
    """The text of the whole log from now on, in small letters, and how many errors are in it."""
    handler, root = Everything(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def leaked(logged: Everything, *more: str) -> list[str]:
    text = logged.written.getvalue().lower()
    return [word for word in (*TRACES, *(each.lower() for each in more)) if word in text]


@pytest.fixture
def browser():
    return Client(raise_request_exception=False)


@pytest.fixture
def sent(letter, browser):
    """The mail about a sign-on of the person, and the secret in its links."""
    request_publication(letter, at=timezone.now())
    browser.post("/conduct/sign/", typed(**PERSON))
    run_due()
    return mail.outbox[-1], link_to(mail.outbox[-1], "confirm").split("/")[-2]


def breaking(error):
    def broken(*_args, **_kwargs):
        raise error

    return broken


def test_nothing_of_a_sign_on_is_logged_where_all_goes_well(
    letter, browser, sent, coordinator, logged
):
    message, token = sent
    page = browser.post(link_to(message, "confirm")).headers["Location"]
    for part in ("", "data.json", "updates/", "erase/", "nothing/"):
        browser.get(page + part)
    browser.force_login(coordinator)
    pk = Signatory.objects.get().pk
    desk = "/admin/signatories/signatory/"
    for url in (f"{pk}/change/", f"?q={PERSON['email']}", f"{PERSON['email']}/change/", "review/"):
        browser.get(desk + url)
    browser.post(f"{desk}take-out/", {"letter": letter.pk, "form": "private_csv"})
    browser.post(f"{desk}{pk}/decide/reject/", {"reason": "Dear Quirina, no."})
    run_due()
    browser.post(f"{page}erase/", {"keep": "1"})
    retention.purge(at=timezone.now())

    assert "config.access" in logged.written.getvalue()
    assert leaked(logged, token) == []


@pytest.mark.parametrize("what", SAID)
@pytest.mark.parametrize(
    ("broken", "act"),
    [
        ("signatories.moderation.submit", lambda site, _page, _desk: site.post("/conduct/sign/", typed(**PERSON))),
        ("signatories.moderation.decide", lambda site, page, _desk: site.post(page.replace("signature", "confirm"))),
        ("signatories.moderation.correct", lambda site, page, _desk: site.post(f"{page}correct/", typed())),
        ("signatories.retention.erase_contact", lambda site, page, _desk: site.post(f"{page}erase/", {"withdraw": 1})),
        ("signatories.subject.of_signature", lambda site, page, _desk: site.get(f"{page}data.json")),
        ("signatories.desk.entry.entry_context", lambda site, _page, desk: site.get(f"{desk}change/")),
        ("signatories.moderation.edit", lambda site, _page, desk: site.post(f"{desk}change/", {
            "name": "Kivu", "email": PERSON["email"], "contact_name": PERSON["contact_name"]})),
        ("signatories.moderation.decide", lambda site, _page, desk: site.post(f"{desk}decide/approve/")),
    ],
    ids=["form", "confirm", "correct", "erase", "data", "entry", "edit", "decide"],
)  # fmt: skip
def test_nothing_of_a_person_is_in_the_log_or_at_sentry_when_a_page_breaks(
    letter, browser, sent, coordinator, logged, monkeypatch, broken, act, what
):
    message, token = sent
    page = link_to(message, "confirm").replace("confirm", "signature")
    pk = Signatory.objects.get().pk
    moderation.decide(pk, Event.CONFIRM, by=moderation.CONTACT)
    browser.force_login(coordinator)
    monkeypatch.setattr(broken, breaking(SAID[what]))

    answer = act(browser, page, f"/admin/signatories/signatory/{pk}/")

    assert answer.status_code == 500
    assert logged.errors == 1
    assert leaked(logged, token) == []


def test_a_mail_that_fails_says_nothing_of_its_recipient(
    letter, browser, sent, logged, monkeypatch
):
    refused = {PERSON["email"]: (451, f"<{PERSON['email']}> Quirina Zeldenrust is away".encode())}
    for error in (
        smtplib.SMTPRecipientsRefused(refused),
        smtplib.SMTPDataError(554, b"Quirina Zeldenrust, ombudsvrouw: no"),
        OSError(f"cannot reach {PERSON['email']}"),
    ):
        monkeypatch.setattr(mail.EmailMultiAlternatives, "send", breaking(error))
        Message.objects.update(sent_at=None, attempts=0, due_at=timezone.now())
        run_due()

    assert "attempt 1: SMTPRecipientsRefused" in logged.written.getvalue()
    assert leaked(logged) == []
    assert not [
        each for each in Message.objects.values_list("error", flat=True) if "zelden" in each.lower()
    ]


@pytest.mark.parametrize("what", SAID)
def test_a_worker_that_breaks_says_nothing_of_a_person(letter, logged, monkeypatch, what):
    monkeypatch.setattr(worker, "publish", breaking(SAID[what]))
    request_publication(letter, at=timezone.now())

    worker.publish_due(at=timezone.now())

    assert logged.errors == 1
    assert leaked(logged) == []


def test_what_the_database_itself_says_is_cleaned(letter, sent, logged):
    entry = Signatory.objects.get()
    entry.pk, entry.reference, entry.line_id = None, "AAA-AAAA", "other"
    try:
        entry.save(force_insert=True)
    except IntegrityError:
        logging.getLogger("undersigned.test").exception("the database refused")

    assert logged.errors == 1
    if connection.vendor == "postgresql":
        assert "DETAIL: …" in logged.written.getvalue()
    assert leaked(logged) == []
