"""What is kept of a contact, until when, and how it goes: by time, by their own wish, and by nobody's oversight."""

import gzip
import io
import json
import zipfile
from datetime import timedelta
from itertools import count

import pytest
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from letter.models import Letter
from letter.publishing import request_publication, verify
from signatories import links, merging, moderation, retention
from signatories.history import history
from signatories.models import (
    Correction,
    Decision,
    Event,
    Link,
    Message,
    Signatory,
    Vouch,
)
from signatories.privacy import what_is_kept
from signatories.retention import CONFIRM_WITHIN, Erased, erase_contact, purge, take_out
from signatories.subject import of_address
from tests.factories import NOW, RevisionTextFactory, SignatoryFactory, UserFactory, make_letter
from tests.reading import text_of
from tests.signatories.test_admin import letter_form
from tests.signatories.test_views import link_to, typed

State = Signatory.State
SECOND = timedelta(seconds=1)
# Who the contact is, in words that stand nowhere else.
PERSON = {
    "contact_name": "Quirina Zeldenrust",
    "contact_role": "ombudsvrouw",
    "email": "q.zeldenrust@kivu.example.org",
}
TRACES = ("quirina", "zeldenrust", "ombudsvrouw")

pytestmark = pytest.mark.django_db


def everything(*, prefix: str = "") -> dict[str, str]:
    """All that the database holds in columns of any kind, as text, by table; `prefix` narrows it to some tables."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith(prefix):
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a table that is there
                found[table] = "\n".join(map(_as_text, cursor.fetchall()))
    return found


def _as_text(row) -> str:
    return " ".join(
        bytes(cell).decode(errors="replace") if isinstance(cell, bytes | memoryview) else str(cell)
        for cell in row
    ).lower()


def tables_that_hold(*words: str, prefix: str = "") -> set[str]:
    return {
        table
        for table, text in everything(prefix=prefix).items()
        if any(word.lower() in text for word in words)
    }


@pytest.fixture
def by(coordinator):
    return moderation.By.coordinator(coordinator)


@pytest.fixture
def signed(letter, client, work):
    """A sign-on of the person, confirmed, about which nobody has decided; and the contact's own page."""
    request_publication(letter, at=timezone.now())
    client.post("/conduct/sign/", typed(**PERSON))
    (mail,) = work()
    page = client.post(link_to(mail, "confirm")).headers["Location"]
    work()
    return Signatory.objects.get(), page


@pytest.fixture
def listed(signed, by, work, client):
    """The same on the list, after all has happened by which a contact leaves traces."""
    signatory, page = signed
    reason = "Dear Ms Zeldenrust, is it QUIRINA ZELDENRUST who signs?"
    moderation.decide(signatory.pk, Event.RETURN, by=by, reason=reason)
    client.post(f"{page}correct/", {"organization": "Centre du Kivu", "countries": ["CD"]})
    changes = {"contact_role": "ombudsvrouw of Kivu", "note": "Quirina called."}
    moderation.edit(signatory.pk, changes, by=by)
    vouch = Vouch.objects.create(signatory=signatory, email=PERSON["email"], user=by.user)
    links.new_vouch_link(vouch)
    Vouch.objects.update(answer="yes", answered_at=NOW, words="Ms Zeldenrust may sign.")
    moderation.decide(signatory.pk, Event.APPROVE, by=by)
    work()
    client.post(f"{page}correct/", {"organization": "Centre Kivu-Sud", "countries": ["CD"]})
    work()
    # Cookies, and what was said to coordinators, last no longer than a sitting.
    Session.objects.all().delete()
    signatory.refresh_from_db()
    return signatory, page


def close(letter, at=NOW, **changes):
    """Close a letter that was over at a moment."""
    closed = {"state": "closed", "closes_at": at, "created_at": at - timedelta(days=9), **changes}
    Letter.objects.filter(pk=letter.pk).update(**closed)
    letter.refresh_from_db()


# --- Until when ---------------------------------------------------------------------


def test_an_unconfirmed_sign_on_goes_after_seven_days_to_the_second(letter):
    entry = SignatoryFactory(letter=letter, state=State.SUBMITTED, **PERSON)

    purge(at=NOW + timedelta(days=7))
    assert Signatory.objects.filter(pk=entry.pk).exists()
    purge(at=NOW + timedelta(days=7) + SECOND)

    assert timedelta(days=7) == CONFIRM_WITHIN
    assert tables_that_hold(*TRACES) == set()


@pytest.mark.parametrize("days", [1, 180, 730])
def test_contacts_go_after_the_letters_own_time_to_the_second(letter, days):
    close(letter, keep_contacts_days=days)
    entry = SignatoryFactory(letter=letter, state=State.APPROVED, note="Quirina called.", **PERSON)

    purge(at=NOW + timedelta(days=days))
    assert tables_that_hold(*TRACES) == {"signatories_signatory"}
    purge(at=NOW + timedelta(days=days) + SECOND)

    assert tables_that_hold(*TRACES) == set()
    entry.refresh_from_db()
    assert (entry.state, entry.name != "") == (State.APPROVED, True)


@pytest.mark.parametrize(
    "times",
    [
        {"closes_at": None},
        {"closes_at": NOW + timedelta(days=1000)},
        {"cutoff_at": NOW + timedelta(days=1000)},
        {"opens_at": NOW + timedelta(days=1000), "closes_at": None},
        {"state": "draft"},
    ],
)
def test_a_letter_that_is_not_over_keeps_its_contacts(letter, times):
    close(letter, **{"keep_contacts_days": 1, "state": "open"} | times)
    SignatoryFactory(letter=letter, **PERSON)

    purge(at=NOW + timedelta(days=999))

    assert tables_that_hold(*TRACES) == {"signatories_signatory"}


def test_a_letter_that_nobody_closed_is_over_with_its_cut_off(letter):
    cutoff_at = NOW + timedelta(days=3)
    close(letter, state="open", keep_contacts_days=10, cutoff_at=cutoff_at)
    SignatoryFactory(letter=letter, **PERSON)

    purge(at=cutoff_at + timedelta(days=10))
    assert tables_that_hold(*TRACES) == {"signatories_signatory"}
    purge(at=cutoff_at + timedelta(days=10) + SECOND)

    assert tables_that_hold(*TRACES) == set()


def test_the_time_begins_when_the_letter_was_closed_by_hand(letter, editor):
    close(letter, keep_contacts_days=1, closes_at=None)
    SignatoryFactory(letter=letter, **PERSON)
    closed_at = NOW + timedelta(days=100)
    letter.changes.create(user=editor, field="state", old="open", new="closed", at=closed_at)

    purge(at=closed_at + timedelta(days=1))
    assert tables_that_hold(*TRACES) == {"signatories_signatory"}
    purge(at=closed_at + timedelta(days=1) + SECOND)

    assert tables_that_hold(*TRACES) == set()


@pytest.mark.parametrize("days", [0, 731])
def test_no_letter_keeps_contacts_for_ever(letter, days):
    letter.keep_contacts_days = days
    with pytest.raises(ValidationError, match="keep_contacts_days"):
        letter.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        letter.save()


@pytest.mark.parametrize(("days", "is_taken"), [(179, True), (181, False)])
def test_what_was_promised_to_those_who_signed_is_shortened_and_not_lengthened(
    letter, editor, client, days, is_taken
):
    letter.revisions.get().lock(at=NOW)
    client.force_login(editor)

    answer = client.post(
        f"/admin/letter/letter/{letter.pk}/change/", letter_form(letter, keep_contacts_days=days)
    )

    letter.refresh_from_db()
    assert letter.keep_contacts_days == (days if is_taken else 180)
    assert ("It can be made shorter, not longer." in text_of(answer)) is not is_taken
    assert [each.field for each in letter.changes.all()] == ["keep_contacts_days"] * is_taken


def test_page_and_notice_say_what_the_letter_does(letter, client):
    Letter.objects.update(keep_contacts_days=90)

    page, form = text_of(client.get("/conduct/privacy/")), text_of(client.get("/conduct/sign/"))

    for said in ("90 days", "7 days", "2 days", "30 days"):
        assert said in page
    assert "at the latest 90 days after the letter has closed" in form
    assert "not confirmed, they are deleted after 7 days" in form
    assert "For 2 days a code made from your network’s address stays" in form
    assert 'href="/conduct/privacy/"' in client.get("/conduct/sign/").content.decode()


def test_the_page_is_in_each_language_and_has_the_coalitions_own_words(letter, client):
    RevisionTextFactory(revision=letter.revisions.get(), language="fr", body="Nous demandons.")
    Letter.objects.update(privacy_text="We are **the Coalition**, Geneva.")

    for url, language in (("/conduct/privacy/", "en"), ("/fr/conduct/privacy/", "fr")):
        page = client.get(url)
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.content.decode()
        assert "<strong>the Coalition</strong>, Geneva." in page.content.decode()
        assert page.content.decode().count("<tr") == 1 + len(what_is_kept(letter))
    assert client.get("/ru/conduct/privacy/").status_code == 404
    make_letter(slug="hidden", state="draft")
    assert client.get("/hidden/privacy/").status_code == 404


# --- Erased by their own wish ---------------------------------------------------------


def test_asking_shows_the_choices_and_changes_nothing(listed, client):
    before = everything(prefix="signatories_")

    page = client.get(f"{listed[1]}erase/")

    assert page.status_code == 200
    assert "Keep the line and erase me" in text_of(page)
    assert "Withdraw the signature and erase me" in text_of(page)
    assert everything(prefix="signatories_") == before
    assert f'href="{listed[1]}erase/"' in client.get(listed[1]).content.decode()


def test_the_person_goes_from_every_table_and_the_line_stays(letter, listed, client, work):
    signatory, page = listed
    assert tables_that_hold(*TRACES) >= {
        "signatories_signatory", "signatories_change", "signatories_decision", "signatories_vouch",
    }  # fmt: skip
    editions = letter.editions.count()

    answer = client.post(f"{page}erase/", {"keep": "1"})

    assert answer.headers["Location"] == "/conduct/erased/?kept"
    assert "The list stays as it was" in text_of(client.get("/conduct/erased/?kept"))
    assert tables_that_hold(*TRACES) == set()
    assert work() == []
    signatory.refresh_from_db()
    assert (signatory.state, signatory.wants_updates, signatory.seconds_taken, signatory.network) == (
        State.APPROVED, False, None, "",
    )  # fmt: skip
    assert letter.listings.current().get().name == "Centre du Kivu"
    assert (letter.editions.count(), verify(letter).first_bad) == (editions, None)
    assert (Link.objects.count(), Message.objects.filter(signatory=signatory).count()) == (0, 0)
    assert not Correction.objects.filter(settled_at=None).exists()
    assert Vouch.objects.get().token_hash is None
    for part in ("", "erase/", "data.json", "withdraw/"):
        assert client.get(f"{page}{part}").status_code == 404


def test_with_the_line_withdrawn_the_past_and_the_chain_stay(letter, listed, client, work):
    signatory, page = listed
    editions = letter.editions.count()

    answer = client.post(f"{page}erase/", {"withdraw": "1"})

    assert answer.headers["Location"] == "/conduct/erased/?withdrawn"
    assert "The signature is withdrawn" in text_of(client.get("/conduct/erased/?withdrawn"))
    # No mail, not even that of the withdrawal: there is no address.
    assert work() == []
    assert tables_that_hold(*TRACES) == set()
    signatory.refresh_from_db()
    assert signatory.state == State.WITHDRAWN
    assert letter.listings.current().count() == 0
    assert letter.listings.filter(name="Centre du Kivu").exists()
    assert (letter.editions.count(), verify(letter).first_bad) == (editions + 1, None)


def test_coordinators_see_that_it_was_the_contacts_wish(listed, client, coordinator):
    signatory, page = listed
    reason = Decision.objects.get(event="return").reason
    client.post(f"{page}erase/", {"keep": "1"})

    last = history(Signatory.objects.get())[-1]

    assert (last.what, last.who) == ("contact erased at their own wish", "the contact")
    assert reason != Decision.objects.get(event="return").reason == "Dear Ms …, is it … who signs?"
    client.force_login(coordinator)
    entry = client.get(f"/admin/signatories/signatory/{signatory.pk}/change/")
    assert "contact erased at their own wish" in text_of(entry)


@pytest.mark.parametrize("state", [State.PENDING, State.RETURNED, State.SUBMITTED])
def test_what_nobody_has_decided_about_goes_as_a_whole(letter, signed, client, work, state):
    Signatory.objects.update(state=state)

    shown = client.get(f"{signed[1]}erase/")
    answer = client.post(f"{signed[1]}erase/", {"withdraw": "1"})

    assert "Erase everything" in text_of(shown)
    assert "Keep the line" not in text_of(shown)
    assert answer.headers["Location"] == "/conduct/erased/"
    assert (Signatory.objects.count(), Decision.objects.count()) == (0, 0)
    assert tables_that_hold(*TRACES) == set()
    assert [mail.to for mail in work() if PERSON["email"] in mail.to] == []


@pytest.mark.parametrize("state", [State.REJECTED, State.WITHDRAWN])
def test_what_is_not_on_the_list_only_loses_its_contact(letter, signed, client, state):
    Signatory.objects.update(state=state)

    shown = client.get(f"{signed[1]}erase/")
    client.post(f"{signed[1]}erase/", {"keep": "1"})

    assert "Withdraw the signature and erase me" not in text_of(shown)
    assert Signatory.objects.get().state == state
    assert tables_that_hold(*TRACES) == set()


def test_what_was_opened_again_meanwhile_is_asked_about_anew(listed, client, by):
    signatory, page = listed
    moderation.decide(signatory.pk, Event.REOPEN, by=by)

    answer = client.post(f"{page}erase/", {"keep": "1"})

    assert answer.status_code == 409
    assert "have opened the signature again" in text_of(answer)
    assert Signatory.objects.get().email == PERSON["email"]


def test_approved_while_the_page_was_open_it_is_taken_off_again(signed, client, by, letter, work):
    moderation.decide(signed[0].pk, Event.APPROVE, by=by)
    work()

    client.post(f"{signed[1]}erase/", {"withdraw": "1"})
    work()

    assert Signatory.objects.get().state == State.WITHDRAWN
    assert letter.listings.current().count() == 0


def test_the_buttons_want_the_pages_own_cookie(signed):
    answer = Client(enforce_csrf_checks=True).post(f"{signed[1]}erase/", {"withdraw": "1"})

    assert (answer.status_code, Signatory.objects.count()) == (403, 1)


@pytest.mark.parametrize("is_asked_of_merged", [False, True])
@pytest.mark.parametrize("is_listed", [False, True])
def test_of_two_that_were_combined_both_are_theirs(letter, by, work, is_asked_of_merged, is_listed):
    state = State.APPROVED if is_listed else State.PENDING
    stays = SignatoryFactory(letter=letter, name="Human Rights Watch", state=state, **PERSON)
    goes = SignatoryFactory(letter=letter, name="HRW", state=state, **PERSON)
    merging.merge_entries(stays.pk, goes.pk, by=by, take={"name"})
    asked = goes if is_asked_of_merged else stays

    what = erase_contact(asked.pk, withdraw=False, at=timezone.now())
    work()

    assert tables_that_hold(*TRACES) == set()
    if is_listed:
        assert what == Erased.KEPT
        assert [each.name for each in letter.listings.current()] == ["HRW"]
    else:
        assert (what, Signatory.objects.count()) == (Erased.ALL, 0)


def test_a_line_that_was_combined_away_does_not_come_back_with_the_erasure(letter, by, work):
    """It was on the list, stood behind one that is open, and would be listed again by being separated."""
    stays = SignatoryFactory(letter=letter, name="Human Rights Watch", **PERSON)
    goes = SignatoryFactory(letter=letter, name="HRW", state=State.APPROVED, **PERSON)
    merging.merge_entries(stays.pk, goes.pk, by=by)

    what = erase_contact(goes.pk, withdraw=False, at=timezone.now())
    work()

    assert what == Erased.ALL
    assert letter.listings.current().count() == 0
    assert list(Signatory.objects.values_list("state", flat=True)) == [State.WITHDRAWN]
    assert tables_that_hold(*TRACES) == set()


def test_who_stands_for_another_contact_leaves_that_one_alone(letter, by):
    stays = SignatoryFactory(letter=letter, name="Human Rights Watch", state=State.APPROVED)
    goes = SignatoryFactory(letter=letter, name="HRW", note="Quirina called.", **PERSON)
    merge = merging.merge_entries(stays.pk, goes.pk, by=by, take={"contact", "note"})
    merging.undo(merge.pk, by=by)
    merging.merge_entries(stays.pk, goes.pk, by=by)
    assert "signatories_change" in tables_that_hold(*TRACES)

    what = erase_contact(goes.pk, withdraw=True, at=timezone.now())

    stays.refresh_from_db()
    assert (stays.state, stays.contact_name) == (State.APPROVED, "Amina Yusuf")
    assert what == Erased.WITHDRAWN
    assert tables_that_hold(*TRACES) == set()


def test_a_link_that_was_mailed_to_another_address_opens_nothing_any_more(signed, client, by):
    signatory, page = signed
    assert client.get(page).status_code == 200

    moderation.edit(signatory.pk, {"contact_role": "director"}, by=by)
    assert client.get(page).status_code == 200
    moderation.edit(signatory.pk, {"email": "somebody.else@kivu.example.org"}, by=by)

    assert client.get(page).status_code == 404


def test_erasing_twice_is_told_as_done(signed):
    signatory, _page = signed
    erase_contact(signatory.pk, withdraw=True, at=timezone.now())

    with pytest.raises(moderation.Gone):
        erase_contact(signatory.pk, withdraw=True, at=timezone.now())


# --- A request by somebody who asks us ------------------------------------------------


def run(capsys, *arguments):
    """What the command gives and what it says."""
    call_command("subject", *arguments)
    said = capsys.readouterr()
    return json.loads(said.out or "null"), said.err


def test_all_that_is_kept_about_an_address_is_given(letter, listed, by, capsys, client):
    _signatory, page = listed
    other = make_letter(slug="other")
    SignatoryFactory(letter=other, name="PAX", **PERSON | {"email": PERSON["email"].upper()})
    former = SignatoryFactory(letter=other, name="INSEC", **PERSON)
    anna = {"contact_name": "Anna Secret", "contact_role": "chair", "email": "anna@insec.org"}
    moderation.edit(former.pk, anna, by=by)
    user = UserFactory(username="quirina", email=PERSON["email"], group="coordinator")
    Letter.objects.get(pk=letter.pk).coordinators.add(user)
    taken_along = client.get(f"{page}data.json").json()

    found, said = run(capsys, PERSON["email"].title())

    assert {part: len(rows) for part, rows in found.items() if part != "address"} == {
        "signatures": 2, "was_contact_of": 1, "organization_asked_here": 1, "accounts": 1,
    }  # fmt: skip
    first = found["signatures"][0]
    assert first | taken_along == first
    assert (first["note"], len(first["links_mailed_at"]) > 0) == ("Quirina called.", True)
    assert found["was_contact_of"][0] | PERSON == found["was_contact_of"][0]
    assert found["organization_asked_here"][0]["words"] == "Ms Zeldenrust may sign."
    account = found["accounts"][0]
    assert (account["username"], account["groups"], account["letters"]) == (
        "quirina", ["coordinator"], ["conduct"],
    )  # fmt: skip
    # Of the one who came after nothing is told, nor a password's hash.
    assert "anna" not in json.dumps(found).lower()
    assert "password" not in json.dumps(found)
    assert "2 signature(s) with this address." in said
    assert f"conduct {first['reference']} approved: Centre du Kivu" in said


def test_what_was_kept_of_this_contact_before_is_given_and_of_another_is_not(letter, coordinator):
    entry = SignatoryFactory(
        letter=letter, contact_name="Another", email="another@kivu.example.org"
    )
    by = moderation.By.coordinator(coordinator)
    for minutes, changes in enumerate(
        (
            {"contact_name": "Aline", "email": "aline@kivu.example.org", "note": "rang them"},
            {"contact_name": "Aline K.", "note": "rang twice"},
        )
    ):
        with transaction.atomic():
            moderation.apply_changes(
                moderation.locked(pk=entry.pk), changes, by=by, at=NOW + timedelta(minutes=minutes)
            )

    (given,) = of_address("aline@kivu.example.org")["signatures"]

    assert [(each["field"], each["old"], each["new"]) for each in given["changes"]] == [
        ("contact_name", "Aline", "Aline K.")
    ]
    assert [each["old"] for each in given["notes_before"]] == ["rang them"]
    assert "Another" not in repr(given)


def test_the_file_is_for_the_one_who_asked_for_it_alone(signed, capsys, tmp_path):
    file = tmp_path / "subject.json"

    call_command("subject", PERSON["email"], "--json", file)

    assert json.loads(file.read_text("utf-8"))["signatures"][0]["email"] == PERSON["email"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert capsys.readouterr().out == ""
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("subject", PERSON["email"], "--json", file)


def test_of_nobody_nothing_is_kept(letter, capsys):
    found, said = run(capsys, "nobody@example.org")

    assert not any(rows for part, rows in found.items() if part != "address")
    assert "Nothing is kept about this address." in said


@pytest.mark.parametrize("is_withdrawn", [False, True])
def test_erased_on_request_nothing_is_left_on_any_letter(
    letter, listed, by, capsys, work, is_withdrawn
):
    other = make_letter(slug="other")
    SignatoryFactory(letter=other, name="PAX", **PERSON)
    SignatoryFactory(letter=other, name="Amani", state=State.APPROVED, **PERSON)
    former = SignatoryFactory(letter=other, name="INSEC", **PERSON)
    anna = {"contact_name": "Anna", "contact_role": "", "email": "anna@insec.org"}
    moderation.edit(former.pk, anna, by=by)
    one = SignatoryFactory(letter=other, name="Amani Trust", **PERSON)
    two = SignatoryFactory(letter=other, name="Amani Trust Goma")
    merging.merge_entries(one.pk, two.pk, by=by, take={"contact"})
    asked = SignatoryFactory(letter=other, name="Zarga", website="https://zarga.org")
    Vouch.objects.create(signatory=asked, email=PERSON["email"].upper(), user=by.user)
    work()

    call_command("subject", PERSON["email"], "--erase", *["--withdraw"] * is_withdrawn)

    said = capsys.readouterr().err
    assert tables_that_hold(*TRACES) == set()
    assert f"2 signature(s) {'withdrawn' if is_withdrawn else 'kept as they stand'}" in said
    assert "1 signature(s) erased as a whole" in said
    listed_now = letter.listings.current().count()
    assert listed_now == (0 if is_withdrawn else 1)
    assert verify(letter).first_bad is None


def test_withdrawing_alone_is_not_asked_of_this_command(signed):
    with pytest.raises(CommandError, match="goes with --erase"):
        call_command("subject", PERSON["email"], "--withdraw")

    assert Signatory.objects.get().state == State.PENDING


# --- What is never kept ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "traces"),
    [
        ("9.9.177.201", ("9.9.177", "0909b1c9")),
        ("2620:fe:abcd::99", ("2620:fe:abcd", "2620:00fe", "262000feabcd")),
    ],
)
def test_no_address_of_a_network_is_in_any_table_and_its_hash_goes_after_two_days(
    letter, client, work, address, traces
):
    client.post("/conduct/sign/", typed(**PERSON), REMOTE_ADDR=address)
    (mail,) = work()
    client.post(link_to(mail, "confirm"), REMOTE_ADDR=address)
    signatory = Signatory.objects.get()
    key = signatory.network

    assert len(key) == 32
    assert tables_that_hold(*traces) == set()
    assert tables_that_hold(key) == {"signatories_signatory"}
    purge(at=signatory.submitted_at + timedelta(days=2))
    assert tables_that_hold(key) == {"signatories_signatory"}
    purge(at=signatory.submitted_at + timedelta(days=2) + SECOND)
    assert tables_that_hold(key) == set()


@pytest.fixture
def campaign(letter, listed, by, work, client):
    """A letter after a whole campaign: approved, corrected, combined, withdrawn, revised, closed, and taken out."""
    signatory, _page = listed
    names = count(1)
    more = [
        SignatoryFactory(
            letter=letter, name=f"Zeta {next(names)}", note="Quirina called.", **PERSON
        )
        for _n in range(5)
    ]
    for each in more:
        moderation.decide(each.pk, Event.APPROVE, by=by)
    work()
    moderation.settle(
        Correction.objects.get(signatory=signatory).pk,
        accept=True,
        by=by,
        reason="Thanks, Quirina.",
    )
    merging.merge_entries(more[0].pk, more[1].pk, by=by)
    work()
    moderation.decide(more[2].pk, Event.WITHDRAW, by=moderation.CONTACT)
    work()
    RevisionTextFactory(
        revision__letter=letter,
        revision__number=2,
        revision__kind="substantive",
        revision__note="One word.",
        body="Other words.",
    )
    request_publication(letter, at=timezone.now())
    work()
    return more


PUBLIC = (
    "", "signatories.json", "signatories.csv", "editions/", "feed.atom", "countries/", "countries.json",
    "share/", "embed/", "letter.txt", "letter.docx", "privacy/", "sign/hint/?name=Zeta 1",
    *(f"editions/{number}/" for number in (1, 2, 3)),
    *(f"editions/{number}/signatories.json" for number in (1, 2, 3)),
)  # fmt: skip


def test_the_public_record_never_held_a_person(letter, campaign, client, work):
    assert tables_that_hold(*TRACES)  # there is something to find
    assert tables_that_hold(*TRACES, prefix="letter_") == set()
    for url in PUBLIC:
        answer = client.get(f"/conduct/{url}")
        assert answer.status_code == 200, url
        body = b"".join(answer)
        if body.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(body)) as file:
                body = b"".join(map(file.read, file.namelist()))
        found = [word for word in TRACES if word in body.decode(errors="replace").lower()]
        assert not found, url
    for document in letter.documents.all():
        body = gzip.decompress(bytes(document.body_gzip)).decode(errors="replace").lower()
        assert not [word for word in TRACES if word in body], document


def purge_all(entries):
    close(entries[0].letter)
    purge(at=timezone.now() + timedelta(days=181))


REMOVALS = {
    "erased": lambda entries: erase_contact(entries[3].pk, withdraw=False, at=timezone.now()),
    "withdrawn": lambda entries: erase_contact(entries[3].pk, withdraw=True, at=timezone.now()),
    "combined": lambda entries: erase_contact(entries[1].pk, withdraw=True, at=timezone.now()),
    "taken out": lambda entries: take_out(entries[4].letter, entries[4].line_id, at=timezone.now()),
    "deleted": lambda entries: entries[2].delete(),
    "on request": lambda entries: retention.erase_address(
        entries[0].email, withdraw=True, at=timezone.now()
    ),
    "purged": purge_all,
}


@pytest.mark.parametrize("what", REMOVALS)
def test_nothing_that_is_removed_breaks_the_chain(letter, campaign, work, what):
    before = list(letter.editions.order_by("number").values_list("number", "digest"))

    REMOVALS[what](campaign)
    work()

    after = list(letter.editions.order_by("number").values_list("number", "digest"))
    assert after[: len(before)] == before
    assert verify(letter).first_bad is None
    call_command("verify_editions", "conduct")
