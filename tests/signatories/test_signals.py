"""What is seen about an entry, each sign in both directions, and what of it is stored."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from dns.resolver import NXDOMAIN, NoResolverConfiguration
from email_validator import EmailSyntaxError, EmailUndeliverableError
from hypothesis import given
from hypothesis import strategies as st

from signatories import evidence
from signatories.evidence import assess, assess_due, level_of, signals
from signatories.models import Decision, Event, Level, Signatory
from signatories.moderation import (
    CONTACT,
    By,
    ReasonMissing,
    apply_changes,
    decide,
    decide_many,
    erase,
    submit,
)
from signatories.retention import purge
from tests.factories import NOW, OrganizationFactory, SignatoryFactory, make_letter

State = Signatory.State


def seen(signatory) -> dict[str, Level]:
    return {signal.code: signal.level for signal in signals(signatory, at=NOW)}


def sentence(signatory, code) -> str:
    return next(each.sentence for each in signals(signatory, at=NOW) if each.code == code)


def entry(letter, **kwargs) -> Signatory:
    return SignatoryFactory(letter=letter, **kwargs)


def stored(signatory) -> Signatory:
    signatory.refresh_from_db()
    return signatory


# --- Address and domain ---------------------------------------------------------


def test_a_confirmed_address_and_when(letter):
    signatory = entry(letter, confirmed_at=NOW)

    assert seen(signatory)["confirmed"] == Level.GOOD
    assert "3 March 2025" in sentence(signatory, "confirmed")
    assert "unconfirmed" not in seen(signatory)


def test_an_address_that_is_not_confirmed(letter):
    assert seen(entry(letter))["unconfirmed"] == Level.NEUTRAL


def test_an_entry_by_hand_without_address(letter):
    codes = seen(entry(letter, email="", source=Signatory.Source.HAND))

    assert codes["no_address"] == Level.NEUTRAL
    assert not {"confirmed", "unconfirmed", "free_mail"} & set(codes)


@pytest.mark.parametrize(
    ("email", "website", "code", "level"),
    [
        ("a@ngo.org", "https://www.ngo.org", "same_domain", Level.GOOD),
        ("a@ngo.org", "https://other.org", "other_domain", Level.CAUTION),
        ("a@gmail.com", "https://ngo.org", "free_mail", Level.NEUTRAL),
        ("a@gmail.com", "https://gmail.com", "free_mail", Level.NEUTRAL),
        ("a@mailinator.com", "https://ngo.org", "disposable", Level.CAUTION),
        ("a@x.mailinator.com", "", "disposable", Level.CAUTION),
        ("a@ngo.org", "", "no_website", Level.NEUTRAL),
    ],
)
def test_the_domain(letter, email, website, code, level):
    codes = seen(entry(letter, email=email, website=website))

    assert codes[code] == level
    others = {"same_domain", "other_domain", "free_mail", "disposable", "no_website"} - {code}
    assert not (others - ({"no_website"} if not website else set())) & set(codes)


def test_a_website_that_cannot_be_read(letter):
    assert "same_domain" not in seen(entry(letter, website="http://["))


@pytest.mark.parametrize(
    ("role", "code", "level"),
    [
        ("Directrice", "may_sign", Level.GOOD),
        ("volunteer", "other_role", Level.NEUTRAL),
        ("", "no_role", Level.NEUTRAL),
    ],
)
def test_stated_authority(letter, role, code, level):
    signatory = entry(letter, contact_role=role)
    codes = seen(signatory)

    assert codes[code] == level
    assert role in sentence(signatory, code)
    assert len({"may_sign", "other_role", "no_role"} & set(codes)) == 1


# --- History --------------------------------------------------------------------


def test_approved_on_earlier_letters_by_name_or_by_link(letter):
    organization = OrganizationFactory(name="Kivu Centre")
    for title in ("First", "Second"):
        entry(make_letter(title=title), name="Kivu Centre", state=State.APPROVED)
    signatory = entry(letter, name="KIVU CENTRE")
    linked = entry(letter, name="Another Spelling", organization=organization)

    for each in (signatory, linked):
        assert seen(each)["approved_before"] == Level.GOOD
        assert "2 other letters" in sentence(each, "approved_before")
        assert "“First”, “Second”" in sentence(each, "approved_before")


def test_the_same_letter_or_another_name_is_no_earlier_letter(letter):
    entry(letter, name="Kivu Centre", state=State.APPROVED)
    entry(make_letter(), name="Goma Centre", state=State.APPROVED)

    assert "approved_before" not in seen(entry(letter, name="Kivu Centre"))


def test_rejected_before_and_why(letter, coordinator):
    other = make_letter(title="An older letter")
    for number, reason in enumerate(("Not known.", "Not an\norganisation.")):
        decide(
            entry(other, name="Kivu Centre").pk,
            Event.REJECT,
            by=By.coordinator(coordinator),
            reason=reason,
            at=NOW - timedelta(days=2 - number),
        )
    signatory = entry(letter, name="Kivu Centre")

    assert seen(signatory)["rejected_before"] == Level.CAUTION
    assert sentence(signatory, "rejected_before") == (
        "It was rejected from “An older letter” on 2 March 2025: Not an organisation."
    )
    assert "rejected_before" not in seen(entry(letter, name="Goma Centre"))


def test_its_own_rejection_is_no_earlier_one(letter):
    signatory = entry(letter, state=State.REJECTED)
    Decision.objects.create(
        signatory=signatory, event="reject", to_state="rejected", actor="coordinator", at=NOW
    )

    assert "rejected_before" not in seen(signatory)


# --- Bursts ---------------------------------------------------------------------


def test_one_address_for_several_names(letter):
    signatory = entry(letter, email="a@gmail.com")
    for hours in (-23, 1):
        entry(letter, email="a@gmail.com", submitted_at=NOW + timedelta(hours=hours))

    assert seen(signatory)["same_address"] == Level.CAUTION
    assert "2 other names" in sentence(signatory, "same_address")


def test_one_domain_for_several_names(letter):
    signatory = entry(letter, email="a@ngo.org")
    entry(letter, email="b@ngo.org")

    assert seen(signatory)["same_address_domain"] == Level.CAUTION
    assert "1 other name " in sentence(signatory, "same_address_domain")
    assert "same_address" not in seen(signatory)


@pytest.mark.parametrize(
    "other",
    [
        {"email": "a@ngo.org", "submitted_at": NOW - timedelta(hours=25)},
        {"email": "b@another-ngo.org"},
        {"email": "b@sub.ngo.org"},
        {"email": ""},
    ],
)
def test_no_burst(letter, other):
    signatory = entry(letter, email="a@ngo.org")
    entry(letter, **other)

    assert not {"same_address", "same_address_domain"} & set(seen(signatory))


def test_a_shared_free_mail_provider_is_no_burst(letter):
    signatory = entry(letter, email="a@gmail.com")
    entry(letter, email="b@gmail.com")

    assert not {"same_address", "same_address_domain"} & set(seen(signatory))


def test_signing_two_letters_is_no_burst(letter):
    signatory = entry(letter, name="Kivu Centre", email="a@ngo.org")
    entry(make_letter(), name="Kivu Centre", email="a@ngo.org")

    assert "same_address" not in seen(signatory)


@pytest.mark.parametrize(
    ("count", "level"), [(1, Level.NEUTRAL), (2, Level.NEUTRAL), (3, Level.CAUTION)]
)
def test_a_network_is_shared_by_a_house_but_not_by_a_crowd(letter, count, level):
    signatory = entry(letter, network="n")
    SignatoryFactory.create_batch(count, letter=letter, network="n", email="")
    # The same name twice is one name.
    entry(letter, network="n", name=Signatory.objects.last().name, email="")

    assert seen(signatory)["same_network"] == level
    assert sentence(signatory, "same_network").startswith(f"{count} other name")


@pytest.mark.parametrize(
    "other",
    [
        {"network": "another"},
        {"network": ""},
        {"network": "n", "submitted_at": NOW - timedelta(hours=25)},
        {"network": "n", "state": State.WITHDRAWN},
        {"network": "n", "name": "Kivu Centre"},
    ],
)
def test_no_shared_network(letter, other):
    signatory = entry(letter, name="Kivu Centre", network="n")
    entry(letter, **other)

    assert "same_network" not in seen(signatory)


def test_entries_without_a_network_share_none(letter):
    signatory = entry(letter)
    SignatoryFactory.create_batch(3, letter=letter, email="")

    assert "same_network" not in seen(signatory)


# --- Names, countries, haste ----------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code", "level"),
    [
        ({"name": "SAVE THE SEA"}, "shouted", Level.NEUTRAL),
        ({"name": "John Smith"}, "personal", Level.NEUTRAL),
        ({"name": "John Smith", "email": "j@gmail.com"}, "personal", Level.CAUTION),
        ({"name": "AMINA Yusuf"}, "own_name", Level.CAUTION),
        ({"name": "www.spam.example"}, "link", Level.CAUTION),
        ({"name": "350.org"}, "host", Level.NEUTRAL),
        ({"name": "Аmnesty"}, "mixed_scripts", Level.CAUTION),
        ({"seconds_taken": 2}, "quick", Level.CAUTION),
    ],
)
def test_what_a_name_or_haste_shows(letter, fields, code, level):
    assert seen(entry(letter, **fields))[code] == level
    plain = seen(entry(letter, name="Centre for Rights", seconds_taken=3))
    assert code not in plain


@pytest.mark.parametrize(
    ("website", "email", "countries", "code"),
    [
        ("https://ngo.or.ke", "", ["KE"], "same_country"),
        ("https://ngo.org.uk", "", ["FR", "GB"], "same_country"),
        ("", "a@ngo.ke", ["KE"], "same_country"),
        ("https://ngo.fr", "", ["KE"], "other_country"),
        ("https://ngo.org", "", ["KE"], None),
        ("https://ngo.com", "", ["KE"], None),
        ("https://ngo.io", "", ["KE"], None),
        ("https://ngo.eu", "", ["KE"], None),
        ("https://ngo.fr", "", [], None),
        ("https://192.0.2.10", "", ["KE"], None),
        ("", "", ["KE"], None),
    ],
)
def test_the_domains_country(letter, website, email, countries, code):
    codes = seen(entry(letter, website=website, email=email, countries=countries))

    assert {"same_country", "other_country"} & set(codes) == ({code} if code else set())
    assert codes.get("same_country", Level.GOOD) == Level.GOOD
    assert codes.get("other_country", Level.NEUTRAL) == Level.NEUTRAL


# --- All together -----------------------------------------------------------------


def test_cautions_come_first(letter):
    signatory = entry(letter, confirmed_at=NOW, seconds_taken=1)
    levels = [signal.level for signal in signals(signatory, at=NOW)]

    assert levels[0] == Level.CAUTION
    assert levels == sorted(levels, key=[Level.CAUTION, Level.GOOD, Level.NEUTRAL].index)


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({"confirmed_at": NOW, "website": "https://ngo.org"}, Level.GOOD),
        ({"website": "https://ngo.org"}, Level.NEUTRAL),
        ({"confirmed_at": NOW}, Level.NEUTRAL),
        ({"confirmed_at": NOW, "website": "https://ngo.org", "seconds_taken": 0}, Level.CAUTION),
    ],
)
def test_the_overall_level(letter, fields, level):
    signatory = entry(letter, email="a@ngo.org", name="Centre for Rights", **fields)

    assert level_of(signals(signatory, at=NOW)) == level


@given(name=st.text(min_size=1, max_size=250), role=st.text(max_size=150))
def test_signals_never_raise(name, role):
    signatory = Signatory(name=name, contact_role=role, contact_name=name, submitted_at=NOW)

    assert list(evidence._name(signatory)) is not None
    assert list(evidence._authority(signatory))


@pytest.mark.parametrize("count", [1, 3])
def test_signals_cost_the_same_for_one_other_and_for_three(letter, coordinator, count):
    signatory = entry(letter, name="Kivu Centre", email="a@ngo.org")
    for _number in range(count):
        other = make_letter()
        entry(other, name="Kivu Centre", state=State.APPROVED)
        rejected = entry(other, name="Kivu Centre", email="a@ngo.org")
        decide(rejected.pk, Event.REJECT, by=By.coordinator(coordinator), reason="No.", at=NOW)
        entry(other, email="a@ngo.org")
        entry(other, email="b@ngo.org")

    with CaptureQueriesContext(connection) as queries:
        codes = seen(signatory)

    assert {"approved_before", "rejected_before", "same_address", "same_address_domain"} <= set(
        codes
    )
    assert len(queries) == 5


# --- What is stored ---------------------------------------------------------------


def test_assess_stores_a_summary(letter):
    signatory = entry(letter, email="a@gmail.com", seconds_taken=0)

    assess(signatory, NOW)

    stored(signatory)
    assert signatory.evidence_level == Level.CAUTION
    assert signatory.is_free_mail
    assert signatory.assessed_at == NOW


@pytest.mark.parametrize("state", [State.SUBMITTED, State.PENDING, State.RETURNED])
def test_what_waits_is_assessed_once(letter, state):
    signatory = entry(letter, state=state)

    assert assess_due(NOW) == 1
    assert assess_due(NOW) == 0
    assert stored(signatory).evidence_level == Level.NEUTRAL


def test_what_is_decided_is_not_assessed(letter):
    for state in (State.APPROVED, State.REJECTED, State.WITHDRAWN):
        entry(letter, state=state)

    assert assess_due(NOW) == 0


def test_a_batch_has_a_limit(letter):
    SignatoryFactory.create_batch(3, letter=letter)

    assert [assess_due(NOW, limit=2), assess_due(NOW, limit=2)] == [2, 1]


def test_a_batch_stops_before_it_holds_up_mail(letter, monkeypatch):
    SignatoryFactory.create_batch(3, letter=letter)
    monkeypatch.setattr(evidence, "BATCH_SECONDS", -1)

    assert assess_due(NOW) == 0


def test_a_burst_shows_on_those_that_came_before_it(letter):
    first = entry(letter, email="a@ngo.org")
    apart = entry(letter, email="a@pax.org")
    assess_due(NOW)
    assert stored(first).evidence_level == Level.NEUTRAL

    entry(letter, email="b@ngo.org")
    assess_due(NOW)

    assert stored(first).evidence_level == Level.CAUTION
    assert stored(apart).evidence_level == Level.NEUTRAL


def test_a_crowd_shows_on_those_that_came_before_it(letter):
    first, second, third = (
        entry(letter, network="n", email="", submitted_at=NOW + timedelta(hours=hours))
        for hours in (0, 12, 23)
    )
    assess_due(NOW)
    levels = [stored(each).evidence_level for each in (first, second, third)]
    assert levels == [Level.NEUTRAL] * 3

    # Within a day of the second and the third, not of the first: that one has two neighbours as before.
    last = entry(letter, network="n", email="", submitted_at=NOW + timedelta(hours=25))
    assess_due(NOW)

    levels = [stored(each).evidence_level for each in (first, second, third, last)]
    assert levels == [Level.NEUTRAL, Level.CAUTION, Level.CAUTION, Level.NEUTRAL]


# --- What is decided about others ---------------------------------------------------


def renewed(*entries) -> list[bool]:
    return [stored(each).assessed_at is None for each in entries]


@pytest.fixture
def settle(coordinator, django_capture_on_commit_callbacks):
    """Decide about an entry, and let happen what follows the decision."""

    def settle(signatory, event, reason="Not known."):
        with django_capture_on_commit_callbacks(execute=True):
            decide(signatory.pk, event, by=By.coordinator(coordinator), reason=reason, at=NOW)

    return settle


def test_a_rejection_and_its_undoing_show_on_the_same_name_elsewhere(letter, settle):
    rejected = entry(make_letter(), name="Kivu Centre")
    waiting = [
        entry(letter, name="KIVU Centre", state=state)
        for state in (State.SUBMITTED, State.PENDING, State.RETURNED)
    ]
    apart = entry(letter, name="Goma Centre", email="")
    assess_due(NOW)

    settle(rejected, Event.REJECT)

    assert renewed(*waiting, apart) == [True, True, True, False]
    assess_due(NOW)
    assert [stored(each).evidence_level for each in waiting] == [Level.CAUTION] * 3
    settle(rejected, Event.REOPEN)
    assert renewed(*waiting, apart) == [True, True, True, False]


def test_rejecting_many_shows_on_the_others_but_one_refused_does_not(
    letter, coordinator, django_capture_on_commit_callbacks
):
    other = make_letter()
    rejected = entry(other, name="Kivu Centre", email="a@ngo.org")
    refused = entry(other, name="Goma Centre", email="", state=State.RETURNED)
    waiting = [
        entry(letter, name="Kivu Centre", email=""),
        entry(letter, name="Bukavu Centre", email="b@ngo.org"),
        entry(letter, name="Goma Centre", email=""),
    ]
    assess_due(NOW)

    with django_capture_on_commit_callbacks(execute=True):
        decide_many(
            [rejected.pk, refused.pk], Event.REJECT, by=By.coordinator(coordinator), reason="No."
        )

    assert renewed(*waiting) == [True, True, False]


def test_an_approval_shows_on_what_is_linked_to_the_same_organisation(letter, settle):
    organization = OrganizationFactory(name="Kivu Centre")
    approved = entry(make_letter(), name="Kivu Centre")
    linked = entry(letter, name="Another Spelling", organization=organization)
    settled = entry(make_letter(), name="Kivu Centre", state=State.APPROVED, assessed_at=NOW)
    assess_due(NOW)

    settle(approved, Event.APPROVE)

    assert renewed(linked, settled) == [True, False]


def test_a_burst_is_one_to_its_last_entry_and_over_when_the_others_are_taken_back(letter, settle):
    first = entry(letter, email="a@ngo.org")
    rejected = entry(letter, email="b@ngo.org")
    taken_back = entry(letter, email="c@ngo.org")
    assess_due(NOW)

    settle(taken_back, Event.WITHDRAW)
    settle(rejected, Event.REJECT)
    assess_due(NOW)
    assert stored(first).evidence_level == Level.CAUTION
    assert "for 1 other name" in sentence(first, "same_address_domain")

    settle(rejected, Event.REOPEN)
    settle(rejected, Event.WITHDRAW)
    assess_due(NOW)

    assert stored(first).evidence_level == Level.NEUTRAL
    assert "same_address_domain" not in seen(first)


def test_a_crowd_is_over_when_one_of_it_is_erased(letter, django_capture_on_commit_callbacks):
    crowd = SignatoryFactory.create_batch(4, letter=letter, network="n", email="")
    assess_due(NOW)
    assert stored(crowd[0]).evidence_level == Level.CAUTION

    with django_capture_on_commit_callbacks(execute=True):
        erase(crowd[3].pk)
    assess_due(NOW)

    assert [stored(each).evidence_level for each in crowd[:3]] == [Level.NEUTRAL] * 3


def test_what_nobody_confirmed_counts_no_longer_when_it_is_purged(
    letter, django_capture_on_commit_callbacks
):
    waiting = entry(letter, email="a@ngo.org")
    entry(letter, email="b@ngo.org", state=State.SUBMITTED)
    assess_due(NOW)
    assert stored(waiting).evidence_level == Level.CAUTION

    with django_capture_on_commit_callbacks(execute=True):
        purge(at=NOW + timedelta(days=8))
    assess_due(NOW)

    assert stored(waiting).evidence_level == Level.NEUTRAL


def test_what_does_not_settle_anything_renews_nothing(letter, settle):
    returned = entry(letter, name="Kivu Centre", email="a@ngo.org")
    waiting = entry(letter, name="Kivu Centre", email="b@ngo.org")
    assess_due(NOW)

    settle(returned, Event.RETURN)

    assert renewed(waiting) == [False]


def test_a_decision_that_is_refused_renews_nothing(letter, settle):
    decided = entry(letter, name="Kivu Centre")
    waiting = entry(letter, name="Kivu Centre")
    assess_due(NOW)

    with pytest.raises(ReasonMissing):
        settle(decided, Event.REJECT, reason="")

    assert renewed(waiting) == [False]


def test_the_worker_assesses(letter, work):
    signatory = entry(letter)

    work()

    assert stored(signatory).assessed_at is not None


def test_one_that_fails_does_not_keep_the_others(letter, monkeypatch):
    first, second = (entry(letter, email=email) for email in ("a@ngo.org", "b@pax.org"))
    real = evidence.assess

    def fail_for_first(signatory, at):
        if signatory.pk == first.pk:
            raise RuntimeError("odd")
        return real(signatory, at)

    monkeypatch.setattr(evidence, "assess", fail_for_first)

    assert assess_due(NOW) == 1
    assert stored(first).evidence_level == ""
    assert stored(first).assessed_at == NOW
    assert stored(second).evidence_level == Level.NEUTRAL


def test_a_confirmation_a_change_and_a_second_form_are_assessed_anew(letter):
    def fresh():
        made = Signatory(letter=letter, revision=letter.revisions.get(), name="Kivu Centre")
        made.email, made.source = "a@ngo.org", Signatory.Source.FORM
        return made

    signatory = submit(fresh(), at=NOW)
    assess_due(NOW)
    submit(fresh(), at=NOW)
    assert stored(signatory).assessed_at is None
    assess_due(NOW)
    decide(signatory.pk, Event.CONFIRM, by=CONTACT, at=NOW)
    assert stored(signatory).assessed_at is None
    assess_due(NOW)
    apply_changes(stored(signatory), {"website": "https://ngo.org"}, by=CONTACT, at=NOW)
    assert stored(signatory).assessed_at is None
    assess_due(NOW)
    assert stored(signatory).evidence_level == Level.GOOD


# --- The question to the DNS --------------------------------------------------------


def because(cause) -> EmailUndeliverableError:
    error = EmailUndeliverableError("no")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("answer", "takes"),
    [
        (EmailUndeliverableError("a null MX record"), False),
        (because(NXDOMAIN()), False),
        (because(OSError("no network")), None),
        (NoResolverConfiguration(), None),
        (EmailSyntaxError("odd"), None),
        (type("Checked", (), {"mx": [(10, "mx.ngo.org")]})(), True),
        (type("Checked", (), {})(), None),
    ],
)
def test_whether_a_domain_takes_mail(monkeypatch, answer, takes):
    def validate(email, **options):
        assert options == {"check_deliverability": True, "timeout": 3}
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(evidence, "validate_email", validate)

    assert evidence.takes_mail("a@ngo.org") is takes


def test_the_dns_is_asked_once_for_a_domain_and_only_if_set(letter, settings, monkeypatch):
    asked = []
    monkeypatch.setattr(evidence, "takes_mail", lambda email: asked.append(email) or False)
    first = entry(letter, email="a@ngo.org")
    assess_due(NOW)
    assert (asked, stored(first).takes_mail) == ([], None)
    assert "takes_no_mail" not in seen(first)

    settings.CHECK_MAIL_DOMAINS = True
    Signatory.objects.update(assessed_at=None)
    entry(letter, email="b@ngo.org")
    assess_due(NOW)

    assert asked == ["a@ngo.org"]
    assert stored(first).takes_mail is False
    assert seen(first)["takes_no_mail"] == Level.CAUTION
    assert first.evidence_level == Level.CAUTION
