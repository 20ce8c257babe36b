"""The state table, and that a decision happens whole or not at all."""

import contextlib
from datetime import timedelta
from itertools import product

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from letter.models import PublicationRequest, Revision
from letter.publishing import publish
from signatories import moderation
from signatories.lines import approved_lines
from signatories.models import Correction, Decision, Event, Message, Organization, Signatory
from signatories.moderation import (
    ALLOWED,
    CONTACT,
    SYSTEM,
    TRANSITIONS,
    Actor,
    AlreadyListed,
    By,
    Gone,
    ReasonMissing,
    ReasonTooLong,
    State,
    TransitionRefused,
    decide,
    decide_many,
)
from tests.factories import (
    NOW,
    RevisionTextFactory,
    SignatoryFactory,
    UserFactory,
    make_letter,
)

EVENTS = [event for event in Event if event in ALLOWED]
REFUSED = [pair for pair in product(State, EVENTS) if pair not in TRANSITIONS]


def actor_for(event, coordinator):
    return By.coordinator(coordinator) if Actor.COORDINATOR in ALLOWED[event] else CONTACT


def ready_for(event, signatory):
    """Give an entry what the event needs besides a state: a text to sign again."""
    if event == Event.RENEW:
        RevisionTextFactory(
            revision__letter=signatory.letter,
            revision__number=2,
            revision__kind=Revision.Kind.SUBSTANTIVE,
        )


def written():
    return (
        Decision.objects.count(),
        Message.objects.count(),
        PublicationRequest.objects.count(),
        Organization.objects.count(),
    )


@pytest.mark.parametrize(("state", "event"), REFUSED)
def test_decide_refuses_what_the_table_does_not_list(state, event, letter, coordinator):
    signatory = SignatoryFactory(letter=letter, state=state)
    before = written()

    with pytest.raises(TransitionRefused):
        decide(signatory.pk, event, by=actor_for(event, coordinator), reason="because")

    assert Signatory.objects.get(pk=signatory.pk).state == state
    assert written() == before


@pytest.mark.parametrize(("state", "event"), TRANSITIONS)
def test_decide_follows_the_table_and_logs_it(state, event, letter, coordinator):
    signatory = SignatoryFactory(letter=letter, state=state)
    ready_for(event, signatory)
    by = actor_for(event, coordinator)

    decide(signatory.pk, event, by=by, reason="because", at=NOW)

    after = Signatory.objects.get(pk=signatory.pk)
    assert after.state == TRANSITIONS[state, event]
    assert list(
        after.decisions.values_list(
            "event", "from_state", "to_state", "actor", "user", "reason", "at"
        )
    ) == [(event, state, after.state, by.actor, by.user and by.user.pk, "because", NOW)]
    publishes = State.APPROVED in {state, after.state}
    assert PublicationRequest.objects.count() == int(publishes)
    mailed = moderation.MAILS.get(event)
    assert list(after.messages.values_list("kind", flat=True)) == ([mailed] if mailed else [])


@pytest.mark.parametrize(
    ("event", "actor"),
    [(event, actor) for event in EVENTS for actor in Actor if actor not in ALLOWED[event]],
)
def test_decide_refuses_who_may_not(event, actor, letter, coordinator):
    state = next(state for (state, of) in TRANSITIONS if of == event)
    signatory = SignatoryFactory(letter=letter, state=state)

    with pytest.raises(TransitionRefused):
        decide(signatory.pk, event, by=By(actor), reason="because")

    assert Signatory.objects.get(pk=signatory.pk).state == state


@pytest.mark.parametrize("reason", ["  ", "\0", "\u200b", "…"])
@pytest.mark.parametrize("event", [Event.REJECT, Event.RETURN])
def test_decide_wants_a_reason_for_a_no(event, reason, letter, coordinator):
    signatory = SignatoryFactory(letter=letter)

    with pytest.raises(ReasonMissing):
        decide(signatory.pk, event, by=By.coordinator(coordinator), reason=reason)

    assert written() == (0, 0, 0, 0)


def test_a_reason_may_have_two_pages_and_no_more(letter, coordinator):
    by, signatory = By.coordinator(coordinator), SignatoryFactory(letter=letter)
    most = "a\r\n" * (moderation.MOST_OF_REASON // 2)

    with pytest.raises(ReasonTooLong, match="longer than 5,000 characters"):
        decide(signatory.pk, Event.REJECT, by=by, reason=most + "abc")
    assert written() == (0, 0, 0, 0)

    decide(signatory.pk, Event.REJECT, by=by, reason=most)
    assert signatory.decisions.get().reason == most.replace("\r\n", "\n").strip()


def test_decide_says_that_an_entry_is_gone(db, coordinator):
    with pytest.raises(Gone):
        decide(4711, Event.APPROVE, by=By.coordinator(coordinator))


def test_approving_links_to_the_organization_of_that_name(letter, coordinator):
    known = Organization.objects.create(name="Genocide Watch", name_key="genocide watch")
    signatory = SignatoryFactory(letter=letter, name="GENOCIDE  WATCH".replace("  ", " "))

    decide(signatory.pk, Event.APPROVE, by=By.coordinator(coordinator))

    signatory.refresh_from_db()
    assert signatory.organization == known
    assert Organization.objects.count() == 1


def test_approving_makes_a_new_organization_with_its_website(letter, coordinator):
    signatory = SignatoryFactory(letter=letter, name="PAX", website="https://pax.example.org")

    decide(signatory.pk, Event.APPROVE, by=By.coordinator(coordinator))

    assert list(Organization.objects.values_list("name", "name_key", "website")) == [
        ("PAX", "pax", "https://pax.example.org")
    ]


def test_an_organization_is_listed_once_per_letter(letter, coordinator):
    first = SignatoryFactory(letter=letter, name="Genocide Watch")
    second = SignatoryFactory(letter=letter, name="Genocide watch")
    decide(first.pk, Event.APPROVE, by=By.coordinator(coordinator))
    before = written()

    with pytest.raises(AlreadyListed, match=first.reference):
        decide(second.pk, Event.APPROVE, by=By.coordinator(coordinator))

    assert Signatory.objects.get(pk=second.pk).state == State.PENDING
    assert written() == before


def test_the_database_itself_refuses_a_second_listing(letter):
    first = SignatoryFactory(letter=letter, state=State.APPROVED)
    second = SignatoryFactory(letter=letter)

    with pytest.raises(IntegrityError), transaction.atomic():
        Signatory.objects.filter(pk=second.pk).update(
            state=State.APPROVED, organization=first.organization, approved_at=NOW
        )


def test_the_same_organization_signs_two_letters(letter, coordinator):
    other = make_letter()
    for each in (letter, other):
        signatory = SignatoryFactory(letter=each, name="PAX")
        decide(signatory.pk, Event.APPROVE, by=By.coordinator(coordinator))

    assert Organization.objects.count() == 1
    assert Signatory.objects.approved().count() == 2


def test_decide_many_does_each_by_itself_and_publishes_once(letter, coordinator):
    SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED)
    again = SignatoryFactory(letter=letter, name="Pax")
    rejected = SignatoryFactory(letter=letter, state=State.REJECTED)
    fine = SignatoryFactory.create_batch(5, letter=letter)

    outcome = decide_many(
        [again.pk, rejected.pk, *(each.pk for each in fine)],
        Event.APPROVE,
        by=By.coordinator(coordinator),
    )

    assert {each.pk for each in outcome.done} == {each.pk for each in fine}
    assert {(each.pk, type(refused)) for each, refused in outcome.refused} == {
        (again.pk, AlreadyListed),
        (rejected.pk, TransitionRefused),
    }
    assert PublicationRequest.objects.count() == 1
    assert Decision.objects.count() == 5


def new(letter, **kwargs):
    fields = {"name": "PAX", "countries": ["NL"], "email": "a@pax.example.org"} | kwargs
    return Signatory(
        letter=letter,
        revision=letter.revisions.get(),
        source=Signatory.Source.FORM,
        contact_name="Jan",
        contact_role="director",
        **fields,
    )


def test_submit_locks_the_text_and_mails_the_address(letter):
    signatory = moderation.submit(new(letter), at=NOW)

    assert signatory.state == State.SUBMITTED
    assert list(signatory.messages.values_list("kind", flat=True)) == ["confirm"]
    assert Revision.objects.get().locked_at == NOW
    assert list(signatory.decisions.values_list("event", "from_state", "to_state")) == [
        ("submit", "", "submitted")
    ]


def test_submitting_again_before_confirming_keeps_what_was_typed_last(letter):
    first = moderation.submit(new(letter, countries=["BE"]), at=NOW)
    second = moderation.submit(new(letter, countries=["NL"]), at=NOW + timedelta(hours=1))

    assert second.pk == first.pk
    assert Signatory.objects.get().countries == ["NL"]
    assert list(first.messages.values_list("kind", flat=True)) == ["confirm", "confirm"]


def test_pressing_the_button_twice_sends_one_mail(letter):
    moderation.submit(new(letter), at=NOW)
    moderation.submit(new(letter), at=NOW + timedelta(seconds=1))

    assert Signatory.objects.count() == 1
    assert Message.objects.count() == 1


@pytest.mark.parametrize("state", [State.PENDING, State.RETURNED, State.APPROVED])
def test_submitting_again_later_changes_nothing_and_says_where_things_stand(letter, state):
    SignatoryFactory(
        letter=letter, name="PAX", email="a@pax.example.org", state=state, countries=["NL"]
    )

    moderation.submit(new(letter, countries=["BE"]), at=NOW)

    signatory = Signatory.objects.get()
    assert (signatory.state, signatory.countries) == (state, ["NL"])
    assert list(signatory.messages.values_list("kind", flat=True)) == ["standing"]


@pytest.mark.parametrize("state", [State.REJECTED, State.WITHDRAWN])
def test_who_was_turned_down_or_withdrew_may_sign_anew(letter, state):
    SignatoryFactory(letter=letter, name="PAX", email="a@pax.example.org", state=state)

    signatory = moderation.submit(new(letter), at=NOW)

    assert signatory.state == State.SUBMITTED
    assert Signatory.objects.count() == 2


def test_another_address_of_the_same_organization_makes_its_own_entry(letter):
    SignatoryFactory(letter=letter, name="PAX", email="b@pax.example.org")

    signatory = moderation.submit(new(letter), at=NOW)

    assert Signatory.objects.count() == 2
    assert list(signatory.messages.values_list("kind", flat=True)) == ["confirm"]


def test_coordinators_get_one_note_for_all_that_waits(letter):
    for signatory in SignatoryFactory.create_batch(4, letter=letter, state=State.SUBMITTED):
        decide(signatory.pk, Event.CONFIRM, by=CONTACT, at=NOW)

    assert Message.objects.filter(kind="waiting").count() == 1


def test_the_next_note_comes_an_hour_after_the_last(letter):
    Message.objects.create(kind="waiting", letter=letter, sent_at=NOW)
    moderation.tell_coordinators(letter, at=NOW + timedelta(minutes=5))

    assert Message.objects.unsent().get().due_at == NOW + moderation.DIGEST_PAUSE


CHANGES = {"name": "PAX Netherlands", "countries": ["NL", "BE"], "website": ""}


def test_a_pending_line_is_corrected_at_once(letter):
    signatory = SignatoryFactory(letter=letter, name="PAX")

    assert moderation.correct(signatory.pk, CHANGES, at=NOW) is None

    signatory.refresh_from_db()
    assert (signatory.name, signatory.countries, signatory.state) == (
        "PAX Netherlands",
        ["NL", "BE"],
        State.PENDING,
    )
    assert signatory.name_key == "pax netherlands"


def test_correcting_a_returned_line_puts_it_back_in_the_queue(letter):
    signatory = SignatoryFactory(letter=letter, state=State.RETURNED)

    moderation.correct(signatory.pk, CHANGES, at=NOW)

    signatory.refresh_from_db()
    assert signatory.state == State.PENDING
    assert list(signatory.decisions.values_list("event", "actor")) == [("resubmit", "contact")]


def test_a_published_line_changes_through_a_coordinator_alone(letter, coordinator):
    signatory = SignatoryFactory(letter=letter, name="PAX", countries=["NL"], state=State.APPROVED)

    correction = moderation.correct(signatory.pk, CHANGES, at=NOW)

    signatory.refresh_from_db()
    assert (signatory.name, PublicationRequest.objects.count()) == ("PAX", 0)
    assert Message.objects.filter(kind="waiting").count() == 1

    moderation.settle(correction.pk, accept=True, by=By.coordinator(coordinator), at=NOW)

    signatory.refresh_from_db()
    assert (signatory.name, signatory.countries) == ("PAX Netherlands", ["NL", "BE"])
    assert PublicationRequest.objects.count() == 1
    assert list(signatory.messages.values_list("kind", flat=True)) == ["corrected"]


def test_declining_a_correction_changes_nothing_and_says_why(letter, coordinator):
    signatory = SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED)
    correction = moderation.correct(signatory.pk, CHANGES, at=NOW)

    for reason, refused in (("\u200b", ReasonMissing), ("no" * 2501, ReasonTooLong)):
        with pytest.raises(refused):
            moderation.settle(
                correction.pk, accept=False, by=By.coordinator(coordinator), reason=reason
            )
    moderation.settle(
        correction.pk, accept=False, by=By.coordinator(coordinator), reason="Unlike your website."
    )
    with pytest.raises(Gone):
        moderation.settle(correction.pk, accept=True, by=By.coordinator(coordinator))

    signatory.refresh_from_db()
    assert (signatory.name, PublicationRequest.objects.count()) == ("PAX", 0)
    assert signatory.messages.get().reason == "Unlike your website."


def test_a_second_correction_replaces_the_first_which_nobody_can_accept_any_more(
    letter, coordinator
):
    signatory = SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED)
    seen = moderation.correct(signatory.pk, CHANGES, at=NOW)
    moderation.correct(signatory.pk, CHANGES | {"name": "PAX for Peace"}, at=NOW)

    assert Correction.objects.get().name == "PAX for Peace"
    with pytest.raises(Gone):
        moderation.settle(seen.pk, accept=True, by=By.coordinator(coordinator))


def test_no_correction_lists_an_organization_twice(letter, coordinator):
    SignatoryFactory(letter=letter, name="PAX Netherlands", state=State.APPROVED)
    signatory = SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED)
    correction = moderation.correct(signatory.pk, CHANGES, at=NOW)

    with pytest.raises(AlreadyListed):
        moderation.settle(correction.pk, accept=True, by=By.coordinator(coordinator))

    assert Signatory.objects.get(pk=signatory.pk).name == "PAX"


def test_a_line_with_another_name_is_another_organizations(letter, coordinator):
    signatory = SignatoryFactory(letter=letter, name="PAX", state=State.APPROVED)
    correction = moderation.correct(signatory.pk, CHANGES, at=NOW)
    moderation.settle(correction.pk, accept=True, by=By.coordinator(coordinator))

    fresh = SignatoryFactory(letter=letter, name="PAX")
    decide(fresh.pk, Event.APPROVE, by=By.coordinator(coordinator))

    signatory.refresh_from_db()
    assert signatory.organization.name == "PAX Netherlands"
    assert Signatory.objects.approved().count() == 2


@pytest.mark.parametrize("state", [State.SUBMITTED, State.REJECTED, State.WITHDRAWN])
def test_nothing_else_can_be_corrected(letter, state):
    signatory = SignatoryFactory(letter=letter, name="PAX", state=state)

    with pytest.raises(TransitionRefused):
        moderation.correct(signatory.pk, CHANGES)

    assert Signatory.objects.get().name == "PAX"


@pytest.mark.parametrize("state", [State.SUBMITTED, State.PENDING, State.RETURNED])
def test_erasing_leaves_no_trace(letter, state):
    signatory = SignatoryFactory(letter=letter, state=state)
    moderation.queue_mail(signatory, Message.Kind.CONFIRM, at=NOW)

    moderation.erase(signatory.pk)

    assert (Signatory.objects.count(), Decision.objects.count(), Message.objects.count()) == (
        0,
        0,
        0,
    )


@pytest.mark.parametrize("state", [State.APPROVED, State.REJECTED, State.WITHDRAWN])
def test_what_is_decided_is_not_erased(letter, state):
    signatory = SignatoryFactory(letter=letter, state=state)

    with pytest.raises(TransitionRefused):
        moderation.erase(signatory.pk)

    assert Signatory.objects.count() == 1


def test_decisions_are_never_changed_or_removed(letter):
    signatory = SignatoryFactory(letter=letter, state=State.SUBMITTED)
    decision = decide(signatory.pk, Event.CONFIRM, by=CONTACT)

    with pytest.raises(TypeError):
        decision.save()
    with pytest.raises(TypeError):
        decision.delete()


NAMES = ["PAX", "Pax", "Genocide Watch", "INSEC", "Centre Kivu"]
STEPS = st.lists(
    st.tuples(st.integers(0, len(NAMES) - 1), st.sampled_from(EVENTS), st.booleans()), max_size=25
)


class NoSequenceOfEvents(TestCase):
    """Whatever happens in whatever order, the list is the approved set and the chain holds."""

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=STEPS)
    def test_reaches_an_inconsistent_list(self, steps):
        letter = make_letter()
        by = By.coordinator(UserFactory())
        entries = [
            SignatoryFactory(letter=letter, name=name, state=State.SUBMITTED) for name in NAMES
        ]

        for index, event, publishes in steps:
            with contextlib.suppress(moderation.Refused):
                decide(
                    entries[index].pk,
                    event,
                    by=by if by.actor in ALLOWED[event] else CONTACT,
                    reason="so",
                )
            if publishes:
                publish(letter.pk, approved_lines, at=NOW)
        publish(letter.pk, approved_lines, at=NOW)

        approved = Signatory.objects.approved()
        listed = list(letter.listings.current().values_list("line_id", flat=True))
        assert sorted(listed) == sorted(approved.values_list("line_id", flat=True))
        organizations = list(approved.values_list("organization", flat=True))
        assert len(organizations) == len(set(organizations))
        for entry in Signatory.objects.all():
            states = [
                State.SUBMITTED,
                *entry.decisions.in_order().values_list("to_state", flat=True),
            ]
            assert states[-1] == entry.state
            for before, decision in zip(states, entry.decisions.in_order(), strict=False):
                assert TRANSITIONS[State(before), Event(decision.event)] == decision.to_state


def test_the_system_only_approves_and_separates(letter):
    assert [event for event in EVENTS if SYSTEM.actor in ALLOWED[event]] == [
        Event.APPROVE,
        Event.SPLIT,
    ]


def test_who_waits_longer_than_promised_is_told_so_once(letter, work, settings):
    late = SignatoryFactory(letter=letter, confirmed_at=NOW)
    SignatoryFactory(letter=letter, submitted_at=NOW + timedelta(days=3), confirmed_at=NOW)
    SignatoryFactory(letter=letter, state=State.APPROVED, confirmed_at=NOW)
    at = NOW + settings.DECIDE_WITHIN + timedelta(minutes=1)

    assert moderation.tell_of_delays(at=at) == 1
    assert moderation.tell_of_delays(at=at) == 0

    assert list(Message.objects.values_list("kind", "signatory")) == [("delayed", late.pk)]
    (mail,) = work()
    assert mail.to == [late.email]
    assert "within 5 days. It takes longer" in " ".join(mail.body.split())
