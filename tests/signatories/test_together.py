"""What happens at the same moment, and what happens when a process dies in between.

Real threads with connections of their own. On SQLite a writer waits for the other's whole transaction,
on PostgreSQL for its rows; the promises are the same.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection, connections, transaction
from django.test import Client, override_settings
from django.utils import timezone

from letter.models import Letter, PublicationRequest
from letter.publishing import request_publication, verify
from signatories import merging, moderation, vouching, worker
from signatories.evidence import assess_due
from signatories.merging import merge_entries, merge_organizations
from signatories.models import Decision, Event, Message, Organization, Signatory, Vouch
from signatories.moderation import (
    AlreadyListed,
    By,
    ChangedMeanwhile,
    TransitionRefused,
    decide,
    decide_many,
)
from signatories.worker import run_due
from tests.factories import (
    NOW,
    OrganizationFactory,
    SignatoryFactory,
    UserFactory,
    make_letter,
)
from tests.signatories.test_views import typed

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parent.parent.parent


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run the calls in threads that start together; give what each returned or raised."""
    start = threading.Barrier(len(calls))
    results: list[object] = [None] * len(calls)

    def run(index: int, call: Callable[[], object]) -> None:
        start.wait()
        try:
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return results


@pytest.fixture
def letter():
    return make_letter(slug="conduct")


@pytest.fixture
def two(letter):
    """Two coordinators; transactional tests empty the tables, so the groups are not there."""
    return [By.coordinator(UserFactory()), By.coordinator(UserFactory())]


def finish():
    """Do what is left; a mail that waited for its number waits a second before it is tried again."""
    run_due(at=timezone.now() + timedelta(minutes=1))


def unbroken(letter):
    return verify(letter).first_bad is None and [
        each.number for each in letter.editions.order_by("number")
    ] == list(range(1, letter.editions.count() + 1))


@pytest.mark.parametrize("_round", range(5))
def test_two_coordinators_approve_the_same_entry(letter, two, _round):
    entry = SignatoryFactory(letter=letter)

    results = at_once(
        *(lambda by=by: (decide(entry.pk, Event.APPROVE, by=by), run_due()) for by in two)
    )

    assert sorted(type(result).__name__ for result in results) == ["TransitionRefused", "tuple"]
    finish()
    assert Decision.objects.filter(event="approve").count() == 1
    assert letter.listings.current().count() == 1
    assert [each.to for each in mail.outbox] == [[entry.email]]
    assert (letter.editions.count(), unbroken(letter)) == (1, True)


@pytest.mark.parametrize("slow", ["send_next", "assess_due"])
def test_no_list_waits_for_a_mail_server_or_for_domains(letter, monkeypatch, slow):
    stop, hanging, released = threading.Event(), threading.Event(), threading.Event()

    def hang(**_at):
        hanging.set()
        released.wait(20)

    monkeypatch.setattr(worker, slow, lambda at: hang(at=at))
    monkeypatch.setattr(worker, "request_all", lambda: None)
    thread = threading.Thread(target=worker.work, args=(stop,))
    thread.start()
    try:
        assert hanging.wait(10)
        request_publication(letter, at=timezone.now())
        deadline = time.monotonic() + 10
        while not letter.editions.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert letter.editions.count() == 1
    finally:
        stop.set()
        released.set()
        thread.join(20)


@pytest.mark.skipif(
    not connection.features.has_select_for_update_skip_locked, reason="SQLite has one writer"
)
def test_a_letter_that_one_worker_publishes_keeps_no_other_waiting(letter):
    other = make_letter(slug="other")
    for each in (letter, other):
        request_publication(each, at=timezone.now())
    stop = threading.Event()

    def work():
        worker.publish_due(stop=stop)
        connections.close_all()

    thread = threading.Thread(target=work)
    with transaction.atomic():
        Letter.objects.select_for_update().get(pk=letter.pk)
        thread.start()
        deadline = time.monotonic() + 10
        while not other.editions.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (other.editions.count(), letter.editions.count()) == (1, 0)
    thread.join(10)
    assert letter.editions.count() == 1


@pytest.mark.parametrize("_round", range(5))
def test_two_coordinators_approve_two_entries(letter, two, _round):
    entries = SignatoryFactory.create_batch(2, letter=letter)

    at_once(
        *(
            lambda by=by, pk=entry.pk: (decide(pk, Event.APPROVE, by=by), run_due())
            for by, entry in zip(two, entries, strict=True)
        )
    )

    finish()
    assert letter.listings.current().count() == 2
    assert sorted(each.to[0] for each in mail.outbox) == sorted(each.email for each in entries)
    assert letter.editions.count() in {1, 2}
    assert unbroken(letter)


@pytest.mark.parametrize("_round", range(5))
def test_two_entries_of_one_organization_at_once_make_one_listing(letter, two, _round):
    entries = [SignatoryFactory(letter=letter, name=name) for name in ("PAX", "Pax")]

    results = at_once(
        *(
            lambda by=by, pk=entry.pk: decide(pk, Event.APPROVE, by=by)
            for by, entry in zip(two, entries, strict=True)
        )
    )

    assert sorted(type(result) is AlreadyListed for result in results) == [False, True]
    assert Organization.objects.count() == 1
    finish()
    assert letter.listings.current().count() == 1
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("_round", range(3))
def test_overlapping_bulk_approvals_neither_deadlock_nor_double(letter, two, _round):
    entries = [SignatoryFactory(letter=letter, name=f"Org {n % 30:02}") for n in range(40)]
    pks = [entry.pk for entry in entries]

    results = at_once(
        lambda: decide_many(pks, Event.APPROVE, by=two[0]),
        lambda: decide_many(list(reversed(pks)), Event.APPROVE, by=two[1]),
    )

    assert all(isinstance(result, moderation.Outcome) for result in results), results
    assert sum(len(result.done) for result in results) == 30
    finish()
    assert letter.listings.current().count() == 30
    assert len(mail.outbox) == 30
    assert unbroken(letter)


def test_approvals_from_four_sides_while_two_workers_publish(letter, two):
    entries = SignatoryFactory.create_batch(24, letter=letter)
    done = threading.Event()

    def approve(part):
        for entry in part:
            decide(entry.pk, Event.APPROVE, by=two[0])

    def work():
        while not done.is_set():
            run_due()

    def approve_all():
        results = at_once(*(lambda part=entries[n::4]: approve(part) for n in range(4)))
        done.set()
        return results

    results = at_once(approve_all, work, work)

    assert results == [[None] * 4, None, None]
    finish()
    assert letter.listings.current().count() == 24
    assert PublicationRequest.objects.count() == 0
    assert sorted(each.to[0] for each in mail.outbox) == sorted(each.email for each in entries)
    assert unbroken(letter)


def sign(names):
    """Send the form for each; gives those that were acknowledged."""
    acknowledged = []
    for name in names:
        response = Client().post("/conduct/sign/", typed(organization=name, email=address_of(name)))
        if (response.status_code, response.headers["Location"]) == (302, "/conduct/sign/sent/"):
            acknowledged.append(name)
    return acknowledged


def address_of(name):
    return f"{name.replace(' ', '').lower()}@example.org"


def confirm(count, *, until):
    """Follow the links in the mails that come, until so many are confirmed; gives whose."""
    confirmed = []
    read = 0
    while len(confirmed) < count and time.monotonic() < until:
        for message in mail.outbox[read:]:
            read += 1
            if link := re.search(r"http://testserver(/conduct/confirm/\S+)", message.body):
                assert Client().post(link[1]).status_code == 302
                confirmed.append(message.to[0])
        time.sleep(0.01)
    return confirmed


def decide_all(count, event_for, *, by, until):
    """Decide about whatever waits, until so many are decided, by whomever."""
    while decisions_of_coordinators().count() < count and time.monotonic() < until:
        for entry in Signatory.objects.pending().order_by("pk"):
            with suppress(TransitionRefused):  # the other was faster
                decide(entry.pk, event_for(entry), by=by, reason="No.")


def work(count, *, until):
    while decisions_of_coordinators().count() < count and time.monotonic() < until:
        run_due()


def decisions_of_coordinators():
    return Decision.objects.filter(actor=Decision.Actor.COORDINATOR)


def approve(_entry):
    return Event.APPROVE


def reject_the_odd_ones(entry):
    return Event.REJECT if entry.name[-1] in "13579" else Event.APPROVE


@override_settings(PROOF_AFTER=1000)  # all sign from one address
def test_while_all_sign_and_decide_at_once_nothing_acknowledged_is_lost_or_doubled(letter, two):
    """Through the site: four hands sign, contacts confirm, two coordinators want the same entries, two workers."""
    waiting = [f"Union {number:02}" for number in range(8)]
    for name in waiting:
        SignatoryFactory(letter=letter, name=name)
    signing = [f"Centre {number:02}" for number in range(20)]
    everybody = sorted([*waiting, *signing, "PAX"])

    until = time.monotonic() + 120  # a thread that waits for what never comes ends, too

    *acknowledged, confirmed, one, other, first, second = at_once(
        # All four press the button for this one.
        *(lambda part=signing[n::4]: sign(["PAX", *part]) for n in range(4)),
        lambda: confirm(len(signing) + 1, until=until),
        lambda: decide_all(len(everybody), approve, by=two[0], until=until),
        lambda: decide_all(len(everybody), reject_the_odd_ones, by=two[1], until=until),
        lambda: work(len(everybody), until=until),
        lambda: work(len(everybody), until=until),
    )

    assert acknowledged == [["PAX", *signing[n::4]] for n in range(4)]
    assert sorted(confirmed) == sorted(map(address_of, [*signing, "PAX"]))
    assert (one, other, first, second) == (None, None, None, None)
    finish()
    entries = list(Signatory.objects.order_by("name"))
    assert [entry.name for entry in entries] == everybody
    for entry in entries:
        is_signed = entry.name not in waiting
        came = [("", "submitted"), ("submitted", "pending")] if is_signed else []
        history = entry.decisions.in_order().values_list("from_state", "to_state")
        assert list(history) == [*came, ("pending", entry.state)]
        # What whoever signs again is told is another matter.
        mails = entry.messages.exclude(kind=Message.Kind.STANDING)
        kinds = [*(["confirm", "received"] if is_signed else []), entry.state]
        assert sorted(mails.values_list("kind", flat=True)) == sorted(kinds)
    assert not Message.objects.filter(sent_at=None).exclude(kind=Message.Kind.WAITING).exists()
    approved = [entry.line_id for entry in entries if entry.state == Signatory.State.APPROVED]
    assert sorted(letter.listings.current().values_list("line_id", flat=True)) == sorted(approved)
    assert PublicationRequest.objects.count() == 0
    assert unbroken(letter)


def test_withdrawing_and_approving_at_once_leaves_what_the_log_says(letter, two):
    entry = SignatoryFactory(letter=letter)

    at_once(
        lambda: decide(entry.pk, Event.APPROVE, by=two[0]),
        lambda: decide(entry.pk, Event.WITHDRAW, by=moderation.CONTACT),
    )

    finish()
    entry.refresh_from_db()
    assert entry.state == Signatory.State.WITHDRAWN
    assert letter.listings.current().count() == 0
    assert entry.decisions.in_order().last().to_state == entry.state


def test_the_button_pressed_twice_at_once_makes_one_entry(letter):
    def sign():
        return moderation.submit(
            Signatory(
                letter=letter,
                revision=letter.revisions.get(),
                source=Signatory.Source.FORM,
                name="PAX",
                email="a@pax.example.org",
            )
        )

    results = at_once(sign, sign, sign)

    assert [type(result) for result in results] == [Signatory] * 3, results
    assert Signatory.objects.count() == 1
    finish()
    assert len(mail.outbox) == 1


def test_a_correction_is_settled_once(letter, two):
    entry = SignatoryFactory(letter=letter, name="PAX", state=Signatory.State.APPROVED)
    changes = {"name": "PAX Netherlands", "countries": ["NL"], "website": ""}
    correction = moderation.correct(entry.pk, changes, at=NOW)

    results = at_once(
        lambda: moderation.settle(correction.pk, accept=True, by=two[0]),
        lambda: moderation.settle(correction.pk, accept=False, by=two[1], reason="no"),
    )

    assert sorted(type(result).__name__ for result in results) == ["Correction", "Gone"]
    assert Message.objects.filter(kind="corrected").count() == 1


# A process of its own, so that it can be killed for good.
DIES_AFTER_APPROVING = """
import os, signal, sys
import django
django.setup()
from django.contrib.auth import get_user_model
from signatories.moderation import By, Event, decide
decide(int(sys.argv[1]), Event.APPROVE, by=By.coordinator(get_user_model().objects.get()))
os.kill(os.getpid(), signal.SIGKILL)
"""
DIES_WHILE_PUBLISHING = """
import os, signal, sys
import django
django.setup()
from django.utils import timezone
from letter import publishing
from letter.models import Letter
from signatories.lines import approved_lines
publishing.documents.refresh = lambda *_args: os.kill(os.getpid(), signal.SIGKILL)
publishing.publish(Letter.objects.get().pk, approved_lines, at=timezone.now())
"""


def run_to_death(script: str, *args: str) -> None:
    url = f"sqlite:///{connection.settings_dict['NAME']}"
    if connection.vendor == "postgresql":
        url = os.environ["DATABASE_URL"]
        name = connection.settings_dict["NAME"]
        script = (
            "from django.conf import settings; import os\n"
            "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings')\n"
            f"settings.DATABASES['default']['NAME'] = {name!r}\n" + script
        )
    connections.close_all()
    died = subprocess.run(
        [sys.executable, "-c", script, *args],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": url,
            "VAR_DIR": str(settings.VAR_DIR),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert died.returncode == -9, died.stderr


def test_killed_between_approval_and_publication_the_list_is_right_after_a_restart(letter):
    UserFactory()
    entry = SignatoryFactory(letter=letter, name="PAX")

    run_to_death(DIES_AFTER_APPROVING, str(entry.pk))

    assert (Signatory.objects.get().state, letter.editions.count()) == ("approved", 0)
    finish()
    assert [each.name for each in letter.listings.current()] == ["PAX"]
    assert [each.to for each in mail.outbox] == [[entry.email]]
    assert unbroken(letter)


def test_killed_in_the_midst_of_a_publication_the_list_is_right_after_a_restart(letter, two):
    entry = SignatoryFactory(letter=letter, name="PAX")
    decide(entry.pk, Event.APPROVE, by=two[0])

    run_to_death(DIES_WHILE_PUBLISHING)

    assert letter.editions.count() == 0
    finish()
    assert [each.name for each in letter.listings.current()] == ["PAX"]
    assert unbroken(letter)


def test_refused_is_refused_for_the_second(letter, two):
    entry = SignatoryFactory(letter=letter)
    results = at_once(
        *(lambda by=by: decide(entry.pk, Event.REJECT, by=by, reason="no") for by in two)
    )

    assert sorted(type(result) is TransitionRefused for result in results) == [False, True]
    assert Message.objects.filter(kind="rejected").count() == 1


@pytest.mark.parametrize("_round", range(3))
def test_an_organisation_answers_while_a_coordinator_approves(letter, two, _round):
    entry = SignatoryFactory(letter=letter, website="https://www.kivu.org", email="kivu@gmail.com")
    vouch = vouching.ask(entry.pk, "info@kivu.org", by=two[0])
    entry.refresh_from_db()

    answered, decided = at_once(
        lambda: vouching.answer(vouch.pk, Vouch.Answer.NO, line=entry.line),
        lambda: decide(entry.pk, Event.APPROVE, by=two[1], seen=entry.version),
    )

    entry.refresh_from_db()
    vouch.refresh_from_db()
    if isinstance(decided, Decision):
        assert isinstance(answered, vouching.CannotAnswer)
        assert (entry.state, vouch.answer) == (Signatory.State.APPROVED, "")
    else:
        assert isinstance(decided, ChangedMeanwhile)
        assert (entry.state, vouch.answer) == (Signatory.State.PENDING, "no")
    assert entry.version == 2


def test_two_people_of_one_organisation_answer_at_once(letter, two):
    entry = SignatoryFactory(letter=letter, website="https://www.kivu.org", email="kivu@gmail.com")
    vouch = vouching.ask(entry.pk, "info@kivu.org", by=two[0])

    results = at_once(
        lambda: vouching.answer(vouch.pk, Vouch.Answer.YES, line=entry.line),
        lambda: vouching.answer(vouch.pk, Vouch.Answer.NO, line=entry.line),
    )

    assert sorted(type(result).__name__ for result in results) == ["CannotAnswer", "Vouch"]


def test_two_coordinators_ask_the_same_address_at_once(letter, two):
    entry = SignatoryFactory(letter=letter, website="https://www.kivu.org", email="kivu@gmail.com")

    results = at_once(*(lambda by=by: vouching.ask(entry.pk, "info@kivu.org", by=by) for by in two))

    assert sorted(type(result).__name__ for result in results) == ["CannotAsk", "Vouch"]
    assert Message.objects.filter(kind=Message.Kind.VOUCH).count() == 1


@pytest.mark.parametrize("_round", range(3))
def test_deciding_about_one_burst_from_both_ends_while_it_is_assessed_ends(letter, two, _round):
    entries = SignatoryFactory.create_batch(12, letter=letter, email="one@ngo.org", network="n")
    assess_due(NOW)
    pks = [entry.pk for entry in entries]

    results = at_once(
        lambda: [decide(pk, Event.REJECT, by=two[0], reason="No.") for pk in pks[:6]],
        lambda: decide_many(pks[6:][::-1], Event.REJECT, by=two[1], reason="No."),
        lambda: [assess_due(timezone.now()) for _number in range(5)],
    )

    assert [result for result in results if isinstance(result, Exception)] == []
    assert Signatory.objects.filter(state=Signatory.State.REJECTED).count() == 12


@pytest.mark.parametrize("_round", range(5))
def test_two_merges_that_cross_leave_one_that_stands(letter, two, _round):
    entries = [
        SignatoryFactory(letter=letter, name=name, state=Signatory.State.APPROVED)
        for name in ("PAX", "IKV Pax Christi")
    ]
    one, other = (entry.pk for entry in entries)

    results = at_once(
        lambda: merge_entries(one, other, by=two[0]),
        lambda: merge_entries(other, one, by=two[1]),
    )

    assert sorted(type(result).__name__ for result in results) == ["Combined", "Merge"]
    finish()
    assert letter.listings.current().count() == 1
    assert unbroken(letter)


@pytest.mark.parametrize("_round", range(5))
def test_approving_while_it_is_combined_leaves_what_the_log_says(letter, two, _round):
    stays = SignatoryFactory(letter=letter, name="PAX", state=Signatory.State.APPROVED)
    entry = SignatoryFactory(letter=letter, name="IKV Pax Christi")
    request_publication(letter, at=NOW)

    results = at_once(
        lambda: merge_entries(stays.pk, entry.pk, by=two[0]),
        lambda: decide(entry.pk, Event.APPROVE, by=two[1]),
    )

    assert type(results[0]).__name__ == "Merge"
    assert type(results[1]).__name__ in {"Decision", "Combined"}
    finish()
    entry.refresh_from_db()
    assert (entry.state, entry.merged_into) == (Signatory.State.WITHDRAWN, stays)
    assert [each.name for each in letter.listings.current()] == ["PAX"]
    assert unbroken(letter)


@pytest.mark.parametrize("_round", range(5))
def test_approving_while_its_organization_is_combined_never_lists_it_twice(letter, two, _round):
    stays = SignatoryFactory(letter=letter, name="PAX", state=Signatory.State.APPROVED)
    goes = OrganizationFactory(name="IKV Pax Christi")
    entry = SignatoryFactory(letter=letter, name="IKV Pax Christi")
    elsewhere = SignatoryFactory(letter=make_letter(slug="veto"), name="IKV Pax Christi")

    results = at_once(
        lambda: merge_organizations(stays.organization.pk, goes.pk, by=two[0]),
        lambda: decide(entry.pk, Event.APPROVE, by=two[1]),
        lambda: decide(elsewhere.pk, Event.APPROVE, by=two[1]),
    )

    # Whichever was first, nobody is linked to the one that is no more, and nobody is listed twice.
    assert type(results[0]).__name__ in {"Merge", "ChangedMeanwhile"}
    assert type(results[1]).__name__ in {"Decision", "AlreadyListed"}
    assert type(results[2]).__name__ == "Decision"
    if type(results[0]).__name__ == "Merge":
        assert not goes.signatories.approved().exists()
        assert stays.organization.signatories.approved().count() == 2
    finish()
    assert unbroken(letter)


def test_separated_is_separated_once(letter, two):
    entries = [
        SignatoryFactory(letter=letter, name=name, state=Signatory.State.APPROVED)
        for name in ("PAX", "IKV Pax Christi")
    ]
    merge = merge_entries(entries[0].pk, entries[1].pk, by=two[0])
    decide(entries[0].pk, Event.REOPEN, by=two[0])

    results = at_once(*(lambda by=by: merging.undo(merge.pk, by=by) for by in two))

    assert sorted(type(result).__name__ for result in results) == ["NotReversible", "list"]
    assert Decision.objects.filter(event="split").count() == 1
    finish()
    assert unbroken(letter)
