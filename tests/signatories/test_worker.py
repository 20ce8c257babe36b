"""Mail and publication: from rows written with the change, through every way in which they can fail."""

import smtplib
import threading
import time
from datetime import timedelta

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.db import OperationalError, connection
from django.utils import timezone

from letter import publishing
from letter.models import Letter, PublicationRequest
from letter.publishing import request_publication
from signatories import mail, moderation, worker
from signatories.models import Event, Message, Signatory
from signatories.moderation import CONTACT, By, decide, decide_many
from signatories.worker import run_due, see_to_the_rest
from tests.factories import NOW, SignatoryFactory, UserFactory, make_letter

State = Signatory.State


class Server(EmailBackend):
    """A mail server that refuses as often as it is told to."""

    failures: list[Exception] = []

    def send_messages(self, messages):
        if Server.failures:
            raise Server.failures.pop(0)
        return super().send_messages(messages)


@pytest.fixture
def server(settings):
    settings.EMAIL_BACKEND = f"{__name__}.Server"
    Server.failures = []
    return Server


@pytest.fixture
def message(letter):
    signatory = SignatoryFactory(letter=letter, email="amina@example.org")
    return Message.objects.create(
        kind="received", letter=letter, signatory=signatory, created_at=NOW, due_at=NOW
    )


def test_told_to_stop_it_leaves_the_rest_to_the_next_worker(message, mailoutbox):
    stop = threading.Event()
    stop.set()

    see_to_the_rest(stop=stop)
    assert mailoutbox == []
    run_due()
    assert [mail.to for mail in mailoutbox] == [["amina@example.org"]]


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_went_out_while_the_database_was_away_is_not_sent_again(message, mailoutbox):
    def once_it_is_sent(execute, *arguments):
        if mailoutbox:
            raise OperationalError("the connection is lost")
        return execute(*arguments)

    with connection.execute_wrapper(once_it_is_sent), pytest.raises(OperationalError):
        mail.send_next(at=NOW)
    message.refresh_from_db()
    assert message.claimed_at is not None

    assert not mail.send_next(at=NOW + mail.CLAIM)
    message.refresh_from_db()
    assert (len(mailoutbox), message.sent_at is not None) == (1, True)
    assert message.claimed_at is None


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_stepped_clock_has_no_mail_sent_twice(message, mailoutbox, monkeypatch, step):
    Message.objects.update(due_at=NOW + step)  # for it was queued by the same clock
    claimed = mail._claim(NOW + step)  # by another worker, which has not got far
    later, monotonic = NOW + 2 * abs(step), time.monotonic
    watch = mail.CLAIM.total_seconds()

    assert not mail.send_next(at=later)
    monkeypatch.setattr(mail.time, "monotonic", lambda: monotonic() + watch - 5)
    assert not mail.send_next(at=later)
    assert mailoutbox == []
    # That one is gone: this has watched its claim for long enough, by a clock that nobody can step.
    monkeypatch.setattr(mail.time, "monotonic", lambda: monotonic() + watch)
    assert mail.send_next(at=later)
    assert not mail.send_next(at=later)
    assert len(mailoutbox) == 1
    message.refresh_from_db()
    assert (message.attempts, message.claimed_at, claimed.pk) == (2, None, message.pk)


@pytest.mark.django_db(transaction=True)
def test_told_to_stop_it_notes_what_went_out_while_the_database_was_away(message, monkeypatch):
    monkeypatch.setitem(mail._taken, message.pk, NOW)
    stop = threading.Event()
    stop.set()

    worker.work(stop)

    message.refresh_from_db()
    assert (message.sent_at, mail._taken) == (NOW, {})


def test_a_bulk_approval_of_500_makes_one_edition(letter, coordinator, work):
    entries = SignatoryFactory.create_batch(500, letter=letter)

    decide_many([each.pk for each in entries], Event.APPROVE, by=By.coordinator(coordinator))
    sent = work()

    assert list(letter.editions.values_list("number", "organization_count")) == [(1, 500)]
    assert letter.listings.current().count() == 500
    assert sorted(each.to[0] for each in sent) == sorted(each.email for each in entries)


def test_decisions_taken_one_after_the_other_are_published_together(letter, coordinator, work):
    for entry in SignatoryFactory.create_batch(5, letter=letter):
        decide(entry.pk, Event.APPROVE, by=By.coordinator(coordinator))
    work()

    assert letter.editions.count() == 1


def test_the_approval_mail_has_number_reference_and_line(letter, coordinator, work):
    SignatoryFactory(letter=letter, name="Amnesty", state=State.APPROVED)
    entry = SignatoryFactory(letter=letter, name="PAX", countries=["NL"])
    decide(entry.pk, Event.APPROVE, by=By.coordinator(coordinator))

    (sent,) = work()

    assert "No. 2" in sent.body
    assert entry.reference in sent.body
    assert f"http://testserver/conduct/signatory/{entry.line_id}/" in sent.body


def test_the_approval_mail_waits_for_the_publication(letter, coordinator, monkeypatch, work):
    entry = SignatoryFactory(letter=letter, name="PAX")
    decide(entry.pk, Event.APPROVE, by=By.coordinator(coordinator))

    def fails(*args, **kwargs):
        raise RuntimeError("boom")

    monkeypatch.setattr(worker, "publish", fails)
    assert work() == []
    assert Message.objects.unsent().get().attempts == 0

    monkeypatch.undo()
    later = timezone.now() + timedelta(minutes=1)
    (sent,) = work(later)
    assert "No. 1" in sent.body


def test_a_failed_publication_leaves_the_last_edition_is_shown_and_retried(
    letter, client, coordinator, editor, monkeypatch, work
):
    first = SignatoryFactory(letter=letter, name="Amnesty", state=State.APPROVED)
    request_publication(letter, at=timezone.now())
    work()
    entry = SignatoryFactory(letter=letter, name="PAX")
    decide(entry.pk, Event.APPROVE, by=By.coordinator(coordinator))

    def fails(*_args):
        raise RuntimeError("no room on the disk")

    monkeypatch.setattr(publishing.documents, "refresh", fails)
    work()

    assert letter.editions.count() == 1
    page = client.get("/conduct/").content.decode()
    assert (first.name in page, "PAX" in page) == (True, False)
    request = PublicationRequest.objects.get()
    assert (request.attempts, request.error) == (1, "RuntimeError")
    client.force_login(editor)
    page = client.get("/admin/letter/letter/").content.decode()
    # What went wrong, and not its words, which may quote anything.
    assert ("RuntimeError" in page, "no room on the disk" in page) == (True, False)

    monkeypatch.undo()
    work(request.due_at)
    assert letter.editions.count() == 2
    assert PublicationRequest.objects.count() == 0


def test_a_publication_does_not_wait_for_a_clock_that_was_ahead(letter, work):
    request_publication(letter, at=timezone.now() + timedelta(hours=1))
    work()

    assert letter.editions.count() == 1


def test_one_letter_that_fails_does_not_hold_up_another(letter, work):
    from tests.factories import LetterFactory, RevisionFactory

    broken = LetterFactory()
    RevisionFactory(letter=broken)
    request_publication(broken, at=NOW)
    request_publication(letter, at=NOW)

    work()

    assert letter.editions.count() == 1
    assert PublicationRequest.objects.get().letter == broken


def test_the_publication_is_there_after_a_restart(letter, coordinator):
    """The process that approved dies right after the commit: nothing but rows is left of it."""
    entry = SignatoryFactory(letter=letter, name="PAX")
    decide(entry.pk, Event.APPROVE, by=By.coordinator(coordinator))
    assert letter.editions.count() == 0

    run_due()

    assert [each.name for each in letter.listings.current()] == ["PAX"]


def test_mail_is_sent_once_and_noted(message, work):
    (sent,) = work()

    assert sent.to == ["amina@example.org"]
    assert work() == []
    message.refresh_from_db()
    assert (message.sent_at is not None, message.attempts) == (True, 1)


def test_mail_is_text_and_html_with_headers_that_robots_respect(message, work):
    (sent,) = work()

    assert [kind for _body, kind in sent.alternatives] == ["text/html"]
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert sent.extra_headers["Message-ID"].startswith(f"<undersigned.{message.pk}.")


def test_mail_is_retried_with_growing_pauses_and_then_given_up(message, server, mailoutbox):
    server.failures = [ConnectionRefusedError() for _n in range(20)]
    at, waited = NOW, []
    for _n in range(len(mail.PAUSES) + 3):
        run_due(at=at)
        message.refresh_from_db()
        if message.given_up_at:
            break
        waited.append(message.due_at - at)
        at = message.due_at

    assert tuple(waited) == mail.PAUSES
    assert sorted(waited) == waited
    assert (message.attempts, message.error) == (len(mail.PAUSES) + 1, "ConnectionRefusedError")
    assert mailoutbox == []


def test_a_mail_server_that_hangs_holds_no_lock(message, server, monkeypatch, mailoutbox):
    real = Server.send_messages
    seen = []

    def send(self, messages):
        seen.append(len(connection.savepoint_ids))
        return real(self, messages)

    before = len(connection.savepoint_ids)
    monkeypatch.setattr(Server, "send_messages", send)
    run_due(at=NOW)

    assert seen == [before]
    assert len(mailoutbox) == 1


def test_other_things_have_their_turn_while_the_mail_server_hangs(
    letter, server, mailoutbox, monkeypatch
):
    for signatory in SignatoryFactory.create_batch(3, letter=letter, state=State.SUBMITTED):
        moderation.queue_mail(signatory, Message.Kind.CONFIRM, at=NOW)
    assessed, real = [], worker.send_next

    def slow(at):
        time.sleep(0.02)
        return real(at=at)

    monkeypatch.setattr(worker, "MAILS_FOR", 0.01)
    monkeypatch.setattr(worker, "send_next", slow)
    monkeypatch.setattr(worker, "assess_due", lambda _at: assessed.append(len(mailoutbox)))

    run_due(at=NOW)

    assert assessed == [1, 2, 3, 3]


def test_a_mail_server_that_comes_back_gets_everything(letter, server, mailoutbox):
    for signatory in SignatoryFactory.create_batch(3, letter=letter, state=State.SUBMITTED):
        moderation.queue_mail(signatory, Message.Kind.CONFIRM, at=NOW)
    server.failures = [TimeoutError() for _n in range(3)]

    run_due(at=NOW)
    assert mailoutbox == []
    run_due(at=NOW + mail.PAUSES[0])

    assert len(mailoutbox) == 3


def test_after_an_hour_without_a_mail_server_each_mail_goes_out_once(letter, server, mailoutbox):
    """While it is away more comes in; by the end of the longest pause that was begun, all of it is sent."""
    minutes = 0
    for minutes in range(60):
        server.failures = [ConnectionRefusedError()] * 100
        if minutes % 3 == 0:
            signatory = SignatoryFactory(letter=letter, state=State.SUBMITTED)
            at = NOW + timedelta(minutes=minutes)
            moderation.queue_mail(signatory, Message.Kind.CONFIRM, at=at)
        run_due(at=NOW + timedelta(minutes=minutes))
    assert mailoutbox == []

    server.failures = []
    for minute in range(minutes + 1, minutes + 62):
        run_due(at=NOW + timedelta(minutes=minute))

    addresses = sorted(Signatory.objects.values_list("email", flat=True))
    assert sorted(address for each in mailoutbox for address in each.to) == addresses
    assert len(addresses) == 20
    assert not Message.objects.filter(sent_at__isnull=True).exists()


def test_an_address_that_does_not_exist_is_given_up_at_once_and_blocks_nobody(
    letter, server, mailoutbox
):
    for signatory in SignatoryFactory.create_batch(2, letter=letter, state=State.SUBMITTED):
        moderation.queue_mail(signatory, Message.Kind.CONFIRM, at=NOW)
    server.failures = [smtplib.SMTPRecipientsRefused({"a@example.org": (550, b"no such user")})]

    run_due(at=NOW)

    assert len(mailoutbox) == 1
    assert Message.objects.filter(given_up_at__isnull=False).count() == 1


def test_no_address_is_in_the_error_or_the_log(message, server, caplog):
    server.failures = [
        smtplib.SMTPRecipientsRefused({"amina@example.org": (450, b"amina@example.org busy")})
    ]

    run_due(at=NOW)

    message.refresh_from_db()
    assert "amina" not in message.error + caplog.text
    assert caplog.text


def test_a_message_that_cannot_be_made_holds_up_no_other(letter, message, monkeypatch, mailoutbox):
    other = Message.objects.create(
        kind="standing", letter=letter, signatory=SignatoryFactory(letter=letter), due_at=NOW
    )
    real = mail.render_to_string

    def render(name, context):
        if "/received/" in name:
            raise KeyError("template")
        return real(name, context)

    monkeypatch.setattr(mail, "render_to_string", render)
    run_due(at=NOW)

    assert [each.to for each in mailoutbox] == [[other.signatory.email]]
    message.refresh_from_db()
    assert (message.sent_at, message.attempts) == (None, 1)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("confirm", State.PENDING),
        ("approved", State.WITHDRAWN),
        ("returned", State.PENDING),
        ("received", State.REJECTED),
    ],
)
def test_a_mail_that_is_no_longer_true_is_not_sent(letter, kind, state, work):
    signatory = SignatoryFactory(letter=letter, state=state)
    moderation.queue_mail(signatory, Message.Kind(kind), at=NOW)

    assert work() == []
    assert Message.objects.unsent().count() == 0


def test_coordinators_are_told_once_and_without_names_of_contacts(
    letter, coordinator, editor, observer, work
):
    for entry in SignatoryFactory.create_batch(3, letter=letter, state=State.SUBMITTED):
        decide(entry.pk, Event.CONFIRM, by=CONTACT)

    colleague = UserFactory(group="coordinator")

    digests = [each for each in work() if coordinator.email in each.to]

    assert [sorted(each.to) for each in digests] == [sorted([coordinator.email, colleague.email])]
    assert "3 signatures" in digests[0].body
    assert "Amina" not in digests[0].body
    assert "/admin/signatories/signatory/" in digests[0].body


def test_who_may_not_decide_gets_no_note(letter, editor, observer, work):
    entry = SignatoryFactory(letter=letter, state=State.SUBMITTED)
    decide(entry.pk, Event.CONFIRM, by=CONTACT)

    assert [each.to for each in work()] == [[entry.email]]


def test_a_note_is_dropped_where_nothing_waits_any_more(letter, coordinator, work):
    moderation.tell_coordinators(letter, at=NOW)

    assert work() == []
    assert Message.objects.unsent().count() == 0


def test_nobody_is_mailed_where_there_is_no_address(letter, coordinator, work):
    entry = SignatoryFactory(letter=letter, email="")
    decide(entry.pk, Event.APPROVE, by=By.coordinator(coordinator))

    assert work() == []


def test_a_new_version_prints_every_public_letter_anew(letter, work):
    Letter.objects.update(state=Letter.State.OPEN)
    worker.request_all()
    work()

    assert letter.documents.count() == 1


def test_a_list_that_takes_long_rests_as_long_and_what_comes_meanwhile_comes_out_together(
    letter, monkeypatch, work
):
    monkeypatch.setattr(worker, "LONG", 0.1)
    other = make_letter(slug="other")
    published = []

    def slow(letter_id, *args, at):
        edition = publishing.publish(letter_id, *args, at=at)
        published.append(letter_id)
        if len(published) == 1:
            time.sleep(worker.LONG * 1.2)
            for each in (letter, letter, letter, other):
                add(each)
        return edition

    def add(to):
        SignatoryFactory(letter=to, state=State.APPROVED)
        request_publication(to, at=NOW)

    monkeypatch.setattr(worker, "publish", slow)
    add(letter)
    work()

    # The other letter need not wait for it.
    assert published == [letter.pk, other.pk, letter.pk]
    counts = letter.editions.order_by("number").values_list("organization_count", flat=True)
    assert list(counts) == [1, 4]
    worker._resting.clear()
    assert PublicationRequest.objects.count() == 0
