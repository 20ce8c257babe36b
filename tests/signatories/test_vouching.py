"""The organisation is asked at its own domain: who may be asked, how often, what the page behind the link does."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from letter.models import Letter
from signatories import links, moderation
from signatories.evidence import assess, level_of, signals
from signatories.history import history
from signatories.models import Event, Level, Link, Message, Signatory, Vouch
from signatories.moderation import CONTACT, By, ChangedMeanwhile, apply_changes, decide
from signatories.retention import purge, take_out
from signatories.vouching import CannotAnswer, CannotAsk, LineChanged, answer, ask, hindrance
from tests.factories import NOW, SignatoryFactory, UserFactory, make_letter
from tests.reading import text_of

State = Signatory.State
Answer = Vouch.Answer
DAY = timedelta(days=1)


def entry(letter, **kwargs) -> Signatory:
    fields = {
        "name": "Centre Kivu",
        "website": "https://www.kivu.org/about",
        "email": "aline.planted@gmail.com",
        "contact_name": "Aline Bahati",
        "contact_role": "director",
        "confirmed_at": NOW,
    }
    return SignatoryFactory(letter=letter, **fields | kwargs)


def seen(signatory) -> dict[str, Level]:
    return {signal.code: signal.level for signal in signals(signatory, at=NOW)}


def sentence(signatory, code) -> str:
    return next(each.sentence for each in signals(signatory, at=NOW) if each.code == code)


def path_in(message) -> str:
    [link] = re.findall(r"http://testserver(/\S+/organisation/\S+)", message.body)
    return link


@pytest.fixture
def by(coordinator):
    return By.coordinator(coordinator)


@pytest.fixture
def asked(letter, by, work):
    """An entry about which info@kivu.org was asked just now, and the path of the page in that mail."""
    signatory = entry(letter)
    ask(signatory.pk, "info@kivu.org", by=by)
    [message] = work()
    return signatory, path_in(message)


def state_of(signatory) -> tuple[str, int, list[str]]:
    signatory.refresh_from_db()
    return signatory.state, signatory.version, [vouch.answer for vouch in signatory.vouches.all()]


# --- Asking ---------------------------------------------------------------------


def test_asking_sends_a_mail_to_the_organisation_and_changes_nothing_else(letter, by, work):
    signatory = entry(letter)

    vouch = ask(signatory.pk, "Info@Kivu.org", by=by)
    [message] = work()

    assert message.to == ["info@kivu.org"]
    assert message.subject == "A question to Centre Kivu: do you sign “A code of conduct”?"
    assert "Aline Bahati, who gave the role “director”" in message.body
    assert "planted" not in message.body + str(message.alternatives)
    assert state_of(signatory) == (State.PENDING, 1, [""])
    assert (vouch.user, signatory.decisions.count()) == (by.user, 0)
    assert seen(signatory)["asked"] == Level.NEUTRAL
    assert "at info@kivu.org on" in sentence(signatory, "asked")
    assert [(row.what, row.who) for row in history(signatory)] == [
        ("asked the organisation at info@kivu.org", "grace")
    ]


def test_no_secret_of_the_mail_lies_in_the_database(asked):
    signatory, path = asked
    token = path.split("/")[-2]

    [vouch] = signatory.vouches.values()

    assert token not in str(vouch)
    assert len(vouch["token_hash"]) == 64
    assert not Link.objects.exists()


@pytest.mark.parametrize("state", State)
def test_only_what_is_not_settled_and_confirmed_is_asked_about(letter, by, state):
    signatory = entry(letter, state=state)
    version = signatory.version

    if state in {State.PENDING, State.RETURNED}:
        ask(signatory.pk, "info@kivu.org", by=by)
        assert state_of(signatory) == (state, version + 1, [""])
    else:
        with pytest.raises(CannotAsk):
            ask(signatory.pk, "info@kivu.org", by=by)
        assert state_of(signatory) == (state, version, [])
        assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"website": ""}, "No website is given"),
        ({"website": "https://www.facebook.com/centrekivu"}, "a domain that many share"),
        ({"website": "https://kivu.free.fr"}, "a domain that many share"),
        ({"website": "https://192.0.2.7/"}, "a domain that many share"),
        ({"website": "https://mailinator.com"}, "a domain that many share"),
        ({"website": "http://["}, "a domain that many share"),
        ({"email": "aline@mail.kivu.org"}, "at the website's domain already"),
    ],
)
def test_where_nobody_can_be_asked_it_is_said_why(letter, by, fields, why):
    signatory = entry(letter, **fields)

    assert why in hindrance(signatory)
    with pytest.raises(CannotAsk, match=why):
        ask(signatory.pk, "info@kivu.org", by=by)
    assert not Vouch.objects.exists()


def test_nobody_is_asked_about_a_letter_that_they_cannot_read(by):
    signatory = entry(make_letter(state=Letter.State.DRAFT))

    with pytest.raises(CannotAsk, match="draft"):
        ask(signatory.pk, "info@kivu.org", by=by)


@pytest.mark.parametrize(
    "address", ["info@other.org", "info@www.kivu.org", "info@kivu.org.evil.org", "info"]
)
def test_no_other_domain_than_the_websites_is_written_to(letter, by, address):
    signatory = entry(letter)

    with pytest.raises(CannotAsk):
        ask(signatory.pk, address, by=by)

    assert state_of(signatory) == (State.PENDING, 0, [])


def test_an_address_is_asked_again_after_two_days_and_twice_at_most(letter, by):
    signatory = entry(letter)
    ask(signatory.pk, "info@kivu.org", by=by, at=NOW)

    with pytest.raises(CannotAsk, match="less than two days ago"):
        ask(signatory.pk, "info@kivu.org", by=by, at=NOW + 2 * DAY - timedelta(seconds=1))
    ask(signatory.pk, "info@kivu.org", by=by, at=NOW + 2 * DAY)
    with pytest.raises(CannotAsk, match="asked twice"):
        ask(signatory.pk, "info@kivu.org", by=by, at=NOW + 9 * DAY)

    assert state_of(signatory) == (State.PENDING, 2, ["", ""])
    assert [signal.code for signal in signals(signatory, at=NOW)].count("asked") == 1


def test_two_addresses_are_asked_at_most(letter, by):
    signatory = entry(letter)
    for mailbox in ("info", "office"):
        ask(signatory.pk, f"{mailbox}@kivu.org", by=by, at=NOW)

    with pytest.raises(CannotAsk, match=r"info@kivu.org, office@kivu.org"):
        ask(signatory.pk, "contact@kivu.org", by=by, at=NOW)

    assert Vouch.objects.count() == 2


def test_who_has_answered_is_not_asked_again(letter, by):
    signatory = entry(letter)
    vouch = ask(signatory.pk, "info@kivu.org", by=by, at=NOW)
    answer(vouch.pk, Answer.NO, line=signatory.line, at=NOW)

    with pytest.raises(CannotAsk, match="answered already"):
        ask(signatory.pk, "info@kivu.org", by=by, at=NOW + 9 * DAY)


def test_a_question_that_is_settled_before_it_is_sent_is_not_sent(letter, by, work):
    signatory = entry(letter)
    ask(signatory.pk, "info@kivu.org", by=by)
    decide(signatory.pk, Event.REJECT, by=by, reason="No.")

    assert [message.to for message in work()] == [["aline.planted@gmail.com"]]


def test_a_mail_that_cannot_be_delivered_is_told(letter, by):
    signatory = entry(letter)
    vouch = ask(signatory.pk, "info@kivu.org", by=by)
    vouch.messages.update(given_up_at=NOW)

    assert "could not be delivered" in sentence(signatory, "asked")


# --- Answering ------------------------------------------------------------------


def test_a_get_shows_the_question_and_changes_nothing(asked, client):
    signatory, path = asked
    before = state_of(signatory)

    for method in (client.get, client.head):
        response = method(path)
        assert response.status_code == 200
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert "no-cache" in response.headers["Cache-Control"]

    page = text_of(client.get(path))
    assert "Centre Kivu (Kenya)" in page
    assert "Aline Bahati, who gave the role “director”" in page
    assert "We ask for a code of conduct" in page
    assert "planted" not in page
    assert state_of(signatory) == before


@pytest.mark.parametrize(
    ("said", "code", "level", "words"),
    [
        ("yes", "vouched", Level.GOOD, "The organisation confirmed the sign-on from info@kivu.org"),
        ("no", "disowned", Level.CAUTION, "The organisation said from info@kivu.org"),
    ],
)
def test_an_answer_is_evidence_and_decides_nothing(
    asked, client, work, coordinator, said, code, level, words
):
    signatory, path = asked
    line = signatory.line

    response = client.post(path, {"answer": said, "words": "Ask <Aline>.", "line": line})

    assert (response.status_code, response.headers["Location"]) == (302, path)
    assert state_of(signatory) == (State.PENDING, 2, [said])
    assert signatory.assessed_at is None
    assert seen(signatory)[code] == level
    assert sentence(signatory, code).startswith(words)
    assert sentence(signatory, code).endswith(": “Ask <Aline>.”")
    assert (history(signatory)[-1].who, history(signatory)[-1].reason) == (
        "the organisation",
        "Ask <Aline>.",
    )
    page = text_of(client.get(path))
    assert f"your organisation answered: “{Answer(said).label}”." in page
    assert "Ask <Aline>." in page
    assert "who gave the role" not in page
    [digest] = work()
    assert digest.to == [coordinator.email]
    assert "1 of them has an answer from the organisation itself" in digest.body


def test_what_the_organisation_confirmed_counts_as_its_own_domain(letter, by):
    signatory = entry(letter, email="aline@another.org")
    assert level_of(signals(signatory, at=NOW)) == Level.CAUTION
    vouch = ask(signatory.pk, "info@kivu.org", by=by, at=NOW)

    answer(vouch.pk, Answer.YES, line=signatory.line, at=NOW)

    assert seen(signatory)["other_domain"] == Level.NEUTRAL
    assert level_of(signals(signatory, at=NOW)) == Level.GOOD
    Signatory.objects.update(confirmed_at=None)
    signatory.refresh_from_db()
    assert level_of(signals(signatory, at=NOW)) == Level.NEUTRAL


def test_a_no_from_one_mailbox_outweighs_a_yes_from_another(letter, by):
    signatory = entry(letter)
    for mailbox, said in (("info", Answer.YES), ("office", Answer.NO)):
        vouch = ask(signatory.pk, f"{mailbox}@kivu.org", by=by, at=NOW)
        answer(vouch.pk, said, line=signatory.line, at=NOW)

    assert {"vouched", "disowned"} <= set(seen(signatory))
    assess(signatory, NOW)
    signatory.refresh_from_db()
    assert signatory.evidence_level == Level.CAUTION


@pytest.mark.parametrize(
    "changes", [{"name": "Another Centre"}, {"countries": ["FR"]}, {"website": "https://other.org"}]
)
def test_a_confirmation_does_not_stand_for_what_is_changed_afterwards(letter, by, changes):
    signatory = entry(letter)
    vouch = ask(signatory.pk, "info@kivu.org", by=by, at=NOW)
    answer(vouch.pk, Answer.YES, line=signatory.line, at=NOW)
    signatory.refresh_from_db()

    apply_changes(signatory, changes, by=CONTACT, at=NOW + DAY)

    codes = seen(signatory)
    assert "vouched" not in codes
    assert codes["vouched_before_change"] == Level.NEUTRAL


def test_an_answer_is_given_once_and_by_either_mail(letter, by, work, client):
    signatory = entry(letter)
    ask(signatory.pk, "info@kivu.org", by=by, at=timezone.now() - 3 * DAY)
    [first] = work()
    ask(signatory.pk, "info@kivu.org", by=by)
    [second] = work()
    client.post(path_in(first), {"answer": "yes", "line": signatory.line})

    response = client.post(path_in(second), {"answer": "no", "line": signatory.line})

    assert response.status_code == 302
    assert state_of(signatory)[2] == ["yes", ""]
    assert "answered: “Yes, we sign”" in text_of(client.get(path_in(second)))
    assert "asked" not in seen(signatory)


@pytest.mark.parametrize("typed", [{}, {"answer": "perhaps"}])
def test_an_answer_that_is_none_is_refused_in_words(asked, client, typed):
    signatory, path = asked

    response = client.post(path, {**typed, "words": "Wait.", "line": signatory.line})

    assert response.status_code == 422
    assert "Please press one of the two buttons." in text_of(response)
    assert "Wait." in response.content.decode()
    assert state_of(signatory)[2] == [""]


@pytest.mark.parametrize("words", ["x" * 501, "nul\x00"])
def test_words_that_cannot_be_kept_are_refused_beside_the_field(asked, client, words):
    signatory, path = asked

    response = client.post(path, {"answer": "no", "words": words, "line": signatory.line})

    assert response.status_code == 422
    assert 'id="id_words_error"' in response.content.decode()
    assert state_of(signatory)[2] == [""]


def test_what_is_answered_is_the_line_that_was_shown(asked, client):
    signatory, path = asked
    line = signatory.line
    signatory.refresh_from_db()
    apply_changes(signatory, {"name": "Another Centre"}, by=CONTACT, at=NOW)

    response = client.post(path, {"answer": "yes", "words": "Ours.", "line": line})

    assert response.status_code == 409
    assert "Another Centre (Kenya)" in text_of(response)
    assert "Ours." in text_of(response)
    assert state_of(signatory)[2] == [""]


@pytest.mark.parametrize("state", State)
def test_the_link_works_while_the_entry_is_not_settled(asked, client, state):
    signatory, path = asked
    organization = {}
    if state == State.APPROVED:
        approved = SignatoryFactory(letter=make_letter(), state=State.APPROVED)
        organization = {"organization": approved.organization, "approved_at": NOW}
    Signatory.objects.filter(pk=signatory.pk).update(state=state, **organization)

    page = text_of(client.get(path))
    client.post(path, {"answer": "no", "line": signatory.line})

    is_open = state in {State.PENDING, State.RETURNED}
    assert ("who gave the role" in page) == is_open
    assert ("have settled this signature meanwhile" in page) == (not is_open)
    assert state_of(signatory)[2] == ["no" if is_open else ""]


def test_the_link_works_for_thirty_days(letter, by, work, client):
    signatory = entry(letter)
    vouch = ask(signatory.pk, "info@kivu.org", by=by, at=timezone.now() - 31 * DAY)
    [message] = work()

    page = text_of(client.get(path_in(message)))
    client.post(path_in(message), {"answer": "yes", "line": signatory.line})

    assert "This link worked for 30 days, and they are over." in page
    assert "who gave the role" not in page
    assert state_of(signatory)[2] == [""]
    with pytest.raises(CannotAnswer):
        answer(vouch.pk, Answer.YES, line=signatory.line, at=vouch.asked_at + 31 * DAY)
    answer(vouch.pk, Answer.YES, line=signatory.line, at=vouch.asked_at + 30 * DAY)


def test_a_decision_on_a_reading_from_before_the_answer_is_refused(asked, client, by):
    signatory, path = asked
    signatory.refresh_from_db()
    client.post(path, {"answer": "no", "line": signatory.line})

    with pytest.raises(ChangedMeanwhile, match="said that it does not sign by the organisation"):
        decide(signatory.pk, Event.APPROVE, by=by, seen=signatory.version)


def test_a_line_that_changed_is_no_answer(letter, by):
    signatory = entry(letter)
    vouch = ask(signatory.pk, "info@kivu.org", by=by, at=NOW)

    with pytest.raises(LineChanged):
        answer(vouch.pk, Answer.YES, line="Another line", at=NOW)

    assert state_of(signatory) == (State.PENDING, 1, [""])


def test_an_erased_entry_has_no_question(asked, client):
    signatory, path = asked
    moderation.erase(signatory.pk)

    assert client.get(path).status_code == 404
    assert client.post(path, {"answer": "yes", "line": signatory.line}).status_code == 404


# --- What a link opens ----------------------------------------------------------


def test_a_question_opens_no_contacts_page_and_a_contacts_link_no_question(asked, client, work, by):
    signatory, path = asked
    token = path.split("/")[-2]
    decide(signatory.pk, Event.RETURN, by=by, reason="Mend it.")
    [message] = work()
    contacts = re.search(r"/conduct/signature/([^/]+)/", message.body)[1]

    for page in ("confirm", "not-us", "signature"):
        assert client.get(f"/conduct/{page}/{token}/").status_code == 404
        assert client.post(f"/conduct/{page}/{token}/").status_code == 404
    for page in ("correct", "withdraw"):
        assert client.post(f"/conduct/signature/{token}/{page}/").status_code == 404
    assert client.get(f"/conduct/signature/{token}/data.json").status_code == 404
    assert client.get(f"/conduct/organisation/{contacts}/").status_code == 404
    assert client.post(f"/conduct/organisation/{contacts}/", {"answer": "no"}).status_code == 404


def test_a_link_opens_its_own_entry_and_letter_alone(letter, by, work, client):
    other_letter = make_letter(slug="other")
    entries = [entry(letter), entry(letter, name="Goma Centre"), entry(other_letter)]
    for each in entries:
        ask(each.pk, "info@kivu.org", by=by)
    paths = {path_in(message): message.body for message in work()}

    assert len(paths) == 3
    for path, body in paths.items():
        name = "Goma Centre" if "Goma Centre" in body else "Centre Kivu"
        assert name in text_of(client.get(path))
        slug, token = path.split("/")[1], path.split("/")[-2]
        wrong = "other" if slug == "conduct" else "conduct"
        assert client.get(f"/{wrong}/organisation/{token}/").status_code == 404


@given(token=st.text("abcXYZ019_-", min_size=1, max_size=60))
@pytest.mark.django_db
def test_no_made_up_secret_opens_a_question(token):
    assert links.find_vouch("conduct", token) is None


def test_the_form_wants_the_pages_own_cookie(asked):
    signatory, path = asked

    response = Client(enforce_csrf_checks=True).post(
        path, {"answer": "yes", "line": signatory.line}
    )

    assert response.status_code == 403
    assert state_of(signatory)[2] == [""]


# --- The desk -------------------------------------------------------------------

REVIEW = "/admin/signatories/signatory/review/"


def ask_url(signatory) -> str:
    return f"/admin/signatories/signatory/{signatory.pk}/ask/"


def test_a_coordinator_asks_from_the_entrys_page_and_from_review(letter, client, coordinator):
    client.force_login(coordinator)
    signatory = entry(letter)

    for url in (f"/admin/signatories/signatory/{signatory.pk}/change/", REVIEW):
        assert f'action="{ask_url(signatory)}"' in client.get(url).content.decode()
    response = client.post(ask_url(signatory), {"mailbox": "info", "review": "all"})
    again = client.post(ask_url(signatory), {"mailbox": "office"})

    assert response.headers["Location"] == f"{REVIEW}?entry={signatory.pk}"
    assert urlsplit(again.headers["Location"]).path.endswith(f"/{signatory.pk}/change/")
    assert [vouch.email for vouch in signatory.vouches.all()] == [
        "info@kivu.org",
        "office@kivu.org",
    ]


def test_the_mail_can_be_seen_before_it_is_sent(letter, client, coordinator):
    client.force_login(coordinator)
    signatory = entry(letter)

    response = client.post(ask_url(signatory), {"mailbox": "info", "preview": "1"})

    assert response.status_code == 200
    assert "info@kivu.org" in text_of(response)
    assert "who gave the role “director”" in text_of(response)
    assert f"/{signatory.letter.slug}/organisation/…/" in text_of(response)
    assert not Vouch.objects.exists()
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("mailbox", "said"),
    [
        ("", "Type what stands before the @"),
        ("info@kivu.org", "Type only what stands before the @"),
        ("in fo", "An address cannot begin like that"),
        ("info\r\nBcc: x", "An address cannot begin like that"),
        (".info", "An address cannot begin like that"),
        ("x" * 65, "at most 64 characters"),
        ("nul\x00", "Null characters are not allowed"),
    ],
)
def test_a_mailbox_that_cannot_be_is_refused_beside_the_field(
    letter, client, coordinator, mailbox, said
):
    client.force_login(coordinator)
    signatory = entry(letter)

    response = client.post(ask_url(signatory), {"mailbox": mailbox})

    assert response.status_code == 422
    assert said in text_of(response)
    assert not Vouch.objects.exists()


def test_what_may_not_be_asked_is_told_on_the_page(letter, client, coordinator):
    client.force_login(coordinator)
    shared = entry(letter, website="https://facebook.com/kivu")
    known = entry(letter, email="a@kivu.org")
    asked = entry(letter)
    client.post(ask_url(asked), {"mailbox": "info"})

    refused = client.post(ask_url(asked), {"mailbox": "info"})
    page = client.get(f"/admin/signatories/signatory/{shared.pk}/change/")
    without = client.get(f"/admin/signatories/signatory/{known.pk}/change/")

    assert (refused.status_code, Vouch.objects.count()) == (422, 1)
    assert "This address was asked less than two days ago." in text_of(refused)
    assert "a domain that many share" in text_of(page)
    assert client.post(ask_url(shared), {"mailbox": "info"}).status_code == 422
    assert "Ask the organisation" not in text_of(without)


@pytest.mark.parametrize("group", ["observer", "editor", ""])
def test_only_those_who_may_decide_may_ask(letter, client, group):
    client.force_login(UserFactory(group=group))
    signatory = entry(letter)

    assert client.get(ask_url(signatory)).status_code == 403
    assert client.post(ask_url(signatory), {"mailbox": "info"}).status_code == 403
    assert not Vouch.objects.exists()


def test_a_stranger_is_sent_to_the_log_in(letter, client):
    response = client.post(ask_url(entry(letter)), {"mailbox": "info"})

    assert "/admin/login/" in response.headers["Location"]


def test_an_observer_sees_what_was_answered_and_no_form(letter, client, observer, by):
    signatory = entry(letter)
    vouch = ask(signatory.pk, "info@kivu.org", by=by, at=NOW)
    answer(vouch.pk, Answer.NO, words="Not ours.", line=signatory.line, at=NOW)
    client.force_login(observer)

    page = client.get(f"/admin/signatories/signatory/{signatory.pk}/change/")

    assert "that it does not sign: “Not ours.”" in text_of(page)
    assert 'id="ask"' not in page.content.decode()


def test_the_queue_is_narrowed_to_what_was_asked_and_answered(letter, client, coordinator, by):
    client.force_login(coordinator)
    entry(letter, name="Centre unasked")
    for said in ("yes", "no", "silent"):
        signatory = entry(letter, name=f"Centre {said}")
        vouch = ask(signatory.pk, "info@kivu.org", by=by, at=NOW)
        if said != "silent":
            answer(vouch.pk, said, line=signatory.line, at=NOW)

    def listed(choice):
        response = client.get(f"/admin/signatories/signatory/?organisation={choice}")
        return {each.name for each in response.context["cl"].result_list}

    assert listed("answered") == {"Centre yes", "Centre no"}
    assert listed("yes") == {"Centre yes"}
    assert listed("no") == {"Centre no"}
    assert listed("asked") == {"Centre silent"}
    assert listed("odd") == {"Centre yes", "Centre no", "Centre silent", "Centre unasked"}


# --- What is kept -----------------------------------------------------------------


def test_purge_forgets_address_words_and_link_with_the_contacts(letter, by, work, client):
    signatory = entry(letter)
    vouch = ask(signatory.pk, "info@kivu.org", by=by)
    [message] = work()
    answer(vouch.pk, Answer.YES, words="Ours.", line=signatory.line)
    Letter.objects.update(state=Letter.State.CLOSED, closes_at=timezone.now())

    purge(at=timezone.now() + letter.keeps_contacts_for + DAY)

    vouch.refresh_from_db()
    assert (vouch.email, vouch.words, vouch.token_hash, vouch.answer) == ("", "", None, "yes")
    assert client.get(path_in(message)).status_code == 404
    assert "from its own domain on" in sentence(signatory, "vouched")
    assert "kivu" not in str([row.what for row in history(signatory)])


def test_taking_an_organisation_out_takes_its_answers_out(letter, by):
    signatory = entry(letter)
    vouch = ask(signatory.pk, "info@kivu.org", by=by)
    answer(vouch.pk, Answer.YES, line=signatory.line)

    take_out(letter, signatory.line_id, at=timezone.now())

    assert not Vouch.objects.exists()
    assert not Message.objects.filter(kind=Message.Kind.VOUCH).exists()


def test_the_contact_may_know_that_the_organisation_was_asked(asked, client, work, by):
    signatory, path = asked
    client.post(path, {"answer": "no", "words": "A secret word.", "line": signatory.line})
    decide(signatory.pk, Event.RETURN, by=by, reason="Mend it.")
    message = next(mail for mail in work() if mail.to == [signatory.email])
    own = re.search(r"/conduct/signature/[^/]+/", message.body)[0]

    data = client.get(f"{own}data.json")

    assert [each["answer"] for each in data.json()["organization_asked"]] == ["no"]
    for private in ("info@kivu.org", "A secret word.", "grace"):
        assert private not in data.content.decode()
