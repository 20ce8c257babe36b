"""Which entries of a letter are taken for one organisation's, and when that is looked at anew."""

import pytest

from signatories import merging
from signatories.duplicates import find_like, index_organization, index_signatory, judge
from signatories.evidence import assess_due, signals
from signatories.models import Event, Level, Signatory
from signatories.moderation import By, apply_changes, decide
from tests.factories import NOW, OrganizationFactory, SignatoryFactory, make_letter

State = Signatory.State
QUEUE = "/admin/signatories/signatory/"


def entry(letter, name, **kwargs):
    signatory = SignatoryFactory(letter=letter, name=name, **kwargs)
    index_signatory(signatory)
    return signatory


def flagged():
    """The names of the entries that are taken for duplicates, once everything due is assessed."""
    while assess_due(NOW):
        pass
    marked = Signatory.objects.filter(likely_same_as__isnull=False)
    return sorted(marked.values_list("name", flat=True))


@pytest.fixture
def pair(letter):
    return entry(letter, "Centre Kivu"), entry(letter, "Kivu Center asbl")


def test_both_of_a_pair_are_marked_and_the_earlier_one_when_the_later_comes(letter):
    first = entry(letter, "Centre Kivu", email="a@kivu.org")
    assert flagged() == []

    entry(letter, "Kivu Center asbl", email="b@centre.org")

    assert flagged() == ["Centre Kivu", "Kivu Center asbl"]
    first.refresh_from_db()
    assert first.evidence_level == Level.CAUTION


def test_an_entry_is_marked_beside_one_that_is_approved(letter):
    entry(letter, "Centre Kivu", state=State.APPROVED)
    entry(letter, "Kivu Center asbl")

    assert "Kivu Center asbl" in flagged()


@pytest.mark.parametrize("state", [State.REJECTED, State.WITHDRAWN, State.SUBMITTED])
def test_one_that_does_not_stand_casts_no_doubt_on_another(letter, state):
    entry(letter, "Centre Kivu")
    entry(letter, "Kivu Center asbl", state=state)

    assert "Centre Kivu" not in flagged()


def test_another_letter_and_the_registry_make_no_duplicate(letter):
    entry(make_letter(), "Centre Kivu")
    index_organization(OrganizationFactory(name="Centre Kivu"))
    entry(letter, "Kivu Center asbl")

    assert flagged() == []


@pytest.mark.parametrize("event", [Event.REJECT, Event.WITHDRAW])
def test_the_mark_goes_when_the_other_goes_and_comes_back_with_it(pair, coordinator, event):
    assert len(flagged()) == 2
    by = By.coordinator(coordinator)

    decide(pair[1].pk, event, by=by, reason="Twice.")

    assert flagged() == []
    if event == Event.REJECT:
        decide(pair[1].pk, Event.REOPEN, by=by)
        assert len(flagged()) == 2


def test_the_mark_goes_with_another_name(pair, coordinator):
    assert len(flagged()) == 2
    pair[1].refresh_from_db()

    apply_changes(pair[1], {"name": "Centre Goma"}, by=By.coordinator(coordinator), at=NOW)

    assert flagged() == []


def test_the_mark_goes_with_the_other_entry(pair):
    assert len(flagged()) == 2

    pair[1].delete()

    assert flagged() == []


@pytest.mark.parametrize("kind", ["different", "branch"])
def test_the_mark_goes_with_a_verdict_and_comes_back_with_another(
    pair, coordinator, kind, django_capture_on_commit_callbacks
):
    assert len(flagged()) == 2

    with django_capture_on_commit_callbacks(execute=True):
        judge(pair[0].name, pair[1].name, kind, user=coordinator, at=NOW)
    assert flagged() == []

    with django_capture_on_commit_callbacks(execute=True):
        judge(pair[0].name, pair[1].name, "same", user=coordinator, at=NOW)
    assert len(flagged()) == 2


def test_the_mark_comes_back_when_the_two_are_separated(letter, coordinator):
    by = By.coordinator(coordinator)
    listed = entry(letter, "Human Rights Watch", state=State.APPROVED)
    waiting = entry(letter, "HRW")
    assert len(flagged()) == 2

    merge = merging.merge_entries(waiting.pk, listed.pk, by=by)
    assert flagged() == []
    merging.undo(merge.pk, by=by)

    assert len(flagged()) == 2


def test_what_was_assessed_is_not_assessed_for_ever(pair):
    assert len(flagged()) == 2

    assert assess_due(NOW) == 0


def test_a_sentence_says_which_entry_it_is(pair):
    sentences = {
        signal.code: signal.sentence
        for signal in signals(pair[0], at=NOW, likenesses=find_like(pair[0]))
    }

    assert pair[1].reference in sentences["duplicate"]
    assert "Waiting for a decision" in sentences["duplicate"]


def test_the_queue_marks_duplicates_and_is_narrowed_to_them(pair, letter, client, coordinator):
    entry(letter, "Genocide Watch")
    flagged()
    client.force_login(coordinator)

    def names(query):
        page = client.get(f"{QUEUE}{query}")
        return sorted(one.name for one in page.context["cl"].result_list), page.content.decode()

    every, html = names("")
    assert len(every) == 3
    assert html.count("likely duplicate</span>") == 2
    assert names("?duplicate=yes")[0] == ["Centre Kivu", "Kivu Center asbl"]
    assert names("?duplicate=no")[0] == ["Genocide Watch"]


def test_the_entrys_page_looks_for_duplicates_once(pair, client, coordinator, monkeypatch):
    from signatories import duplicates

    asked = []
    real = duplicates.find
    monkeypatch.setattr(
        duplicates, "find", lambda name, **kwargs: asked.append(name) or real(name, **kwargs)
    )
    client.force_login(coordinator)

    page = client.get(f"{QUEUE}{pair[0].pk}/change/").content.decode()

    assert asked == ["Centre Kivu"]
    assert "probably the same organisation." in page
