"""A flood meets a proof of work, people get through, nobody's mailbox is filled, and a stranger learns nothing."""

import hashlib
import html
import itertools
import re
import time
from datetime import timedelta

import pytest
from django.core import signing
from django.core.cache import cache, caches
from django.db import OperationalError
from django.test import Client, override_settings
from hypothesis import given
from hypothesis import strategies as st

from config.caching import SharedCache
from config.settings import cache_settings
from signatories import flood, links, moderation, networks, vouching
from signatories.models import Event, MailAsked, Message, Signatory
from signatories.moderation import CONTACT, MAILS_AT_MOST, By
from signatories.retention import purge
from tests.browser.site import free_port
from tests.factories import NOW, SignatoryFactory, make_letter
from tests.faults.proof import nonce_for
from tests.reading import text_of
from tests.signatories.test_moderation import new
from tests.signatories.test_together import at_once
from tests.signatories.test_views import typed

State = Signatory.State
OF_A_CLIENT, OF_A_LETTER = 2, 20  # sign-ons that nobody asks about, here
CLIENT = "9.9.9.9"
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _less_is_much(settings):
    settings.PROOF_AFTER = OF_A_LETTER


@pytest.fixture
def clock(monkeypatch):
    """Moves the time forward by so many seconds; begins where a window does."""
    real, ahead = time.time, [0.0]
    ahead[0] = flood.WINDOW - real() % flood.WINDOW
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])

    def move(seconds):
        ahead[0] += seconds

    return move


def sign(address=CLIENT, slug="conduct", *, forwarded="", **fields):
    """Another organisation's sign-on from an address."""
    number = next(_numbers)
    own = {"organization": f"Organisation {number}", "email": f"a@{number}.example.org"}
    header = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    sent = typed(**(own | fields))
    return Client().post(f"/{slug}/sign/", sent, REMOTE_ADDR=address, **header)


def attack(letter, count=OF_A_LETTER):
    """So many sign-ons of a letter from everywhere."""
    for number in range(count):
        assert sign(f"8.8.{number}.8", letter.slug).status_code == 302


def fields_of(response) -> dict[str, str]:
    """What the page of a held sign-on sends when its button is pressed."""
    found = re.findall(
        r'<input type="hidden" name="(\w+)" value="([^"]*)">', response.content.decode()
    )
    return {name: html.unescape(value) for name, value in found}


def bits_of(response) -> int:
    return int(re.search(r'data-bits="(\d+)"', response.content.decode())[1])


def proven(response) -> dict[str, str]:
    fields = fields_of(response)
    return fields | {"nonce": nonce_for(fields["challenge"], bits_of(response))}


def is_asked(response) -> bool:
    assert response.status_code in {302, 429}
    return response.status_code == 429 and b"data-proof" in response.content


def asked_among(*addresses, **options) -> list[bool]:
    return [is_asked(sign(address, **options)) for address in addresses]


# --- Who is counted -----------------------------------------------------------


def test_what_one_client_sends_beyond_a_few_is_asked_for_a_proof(letter):
    assert asked_among(CLIENT, CLIENT, CLIENT, "9.9.9.8") == [False, False, True, False]
    assert Signatory.objects.count() == 3


@pytest.mark.parametrize(
    ("addresses", "asked"),
    [
        # Within a /64 anybody takes whatever address they like.
        (["2a00:1:2:3::1", "2a00:1:2:3:ffff::2", "2a00:1:2:3:1:2:3:4"], [False, False, True]),
        (["2a00:1:2:3::1", "2a00:1:2:3::2", "2a00:1:2:4::1"], [False, False, False]),
        (["::ffff:9.9.9.9", "9.9.9.9", "9.9.9.9"], [False, False, True]),
        (["9.9.9.1", "9.9.9.2", "9.9.9.3"], [False, False, False]),
        # Not known: only the letter is counted.
        (["", "unknown", ""], [False, False, False]),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_64(letter, addresses, asked):
    assert asked_among(*addresses) == asked


def test_a_made_up_header_does_not_dodge_the_count(letter):
    asked = [is_asked(sign(CLIENT, forwarded=f"8.8.8.{number}")) for number in range(3)]

    assert asked == [False, False, True]


def test_through_a_proxy_of_ours_the_client_is_counted_and_what_it_made_up_is_not(letter, settings):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]

    asked = [
        is_asked(sign("127.0.0.1", forwarded=forwarded))
        for forwarded in (
            "8.8.8.1, 9.9.9.9",
            "8.8.8.2, 9.9.9.9",
            "8.8.8.3, 9.9.9.9",
            "9.9.9.9, 8.8.8.4",
        )
    ]

    assert asked == [False, False, True, False]


def test_an_attack_from_everywhere_has_everybody_asked_on_that_letter_alone(letter):
    make_letter(slug="other")
    attack(letter)

    assert is_asked(sign("9.9.9.1"))
    assert not is_asked(sign("9.9.9.1", "other"))


def test_no_address_is_kept(letter):
    sign(CLIENT)
    sign("2a00:1:2:3::4")

    kept = repr(cache._cache)
    assert "forms" in kept
    assert "9.9.9" not in kept
    assert "2a00" not in kept


def test_after_a_while_nobody_is_asked_any_more(letter, clock):
    asked_among(CLIENT, CLIENT)
    clock(flood.WINDOW - 60)
    # The next window has begun, and most of the one before still counts.
    clock(90)
    assert asked_among(CLIENT) == [True]
    clock(2 * flood.WINDOW)
    assert asked_among(CLIENT) == [False]


def test_a_flood_is_held_before_its_forms_are_read(letter, monkeypatch):
    attack(letter)
    monkeypatch.setattr("signatories.views.SignForm.full_clean", None)

    assert is_asked(sign("9.9.9.1", email="nothing"))


def test_while_the_cache_cannot_count_people_sign(letter, monkeypatch):
    def lost(*_args, **_kwargs):
        raise ValueError("Key not found")

    monkeypatch.setattr(type(cache._connections["default"]), "incr", lost)

    assert asked_among(*[CLIENT] * (OF_A_CLIENT + 2)) == [False] * (OF_A_CLIENT + 2)


def test_while_redis_is_away_people_sign_and_each_process_counts_for_itself(letter, monkeypatch):
    monkeypatch.setattr(SharedCache, "_away_until", 0.0)
    nowhere = cache_settings(f"redis://127.0.0.1:{free_port()}/0")
    with override_settings(CACHES={"default": nowhere}):
        try:
            asked = [sign(CLIENT) for _n in range(OF_A_CLIENT + 1)]
            taken = sign(**proven(asked[-1]))
        finally:
            caches["default"]._own.clear()

    assert [is_asked(each) for each in asked] == [False] * OF_A_CLIENT + [True]
    assert taken.status_code == 302


def test_a_flood_does_not_wash_out_what_is_counted(letter):
    sign(CLIENT)
    for number in range(400):
        flood.counted(f"forms:{number}")
    sign(CLIENT)

    assert is_asked(sign(CLIENT))


# --- Who is refused -----------------------------------------------------------


def test_a_client_far_beyond_what_people_send_is_refused_and_keeps_what_it_typed(
    letter, monkeypatch
):
    monkeypatch.setattr(flood, "FORMS_AT_MOST", 4)
    held = [sign() for _n in range(4)][-1]

    refused = sign(**(proven(held) | {"website": "www.kivu.example.org"}))

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "600")
    assert not is_asked(refused)
    assert "wait 10 minutes, then press the button" in text_of(refused)
    fields = fields_of(refused)
    assert fields["website"] == "www.kivu.example.org"
    assert fields.keys() >= typed().keys()
    assert "challenge" not in fields
    assert Signatory.objects.count() == OF_A_CLIENT
    # Others go on.
    assert sign("9.9.9.8").status_code == 302


def test_a_refused_client_goes_on_after_a_while(letter, monkeypatch, clock):
    monkeypatch.setattr(flood, "FORMS_AT_MOST", 1)
    sign()
    refused = sign()
    assert refused.status_code == 429

    clock(2 * flood.WINDOW)

    assert sign(**fields_of(refused)).status_code == 302


def test_behind_a_proxy_that_nobody_named_the_letter_is_counted_and_none_refused(
    letter, monkeypatch
):
    monkeypatch.setattr(flood, "FORMS_AT_MOST", 1)

    asked = asked_among(*["127.0.0.1"] * (OF_A_LETTER + 2))
    assert asked == [False] * OF_A_LETTER + [True] * 2


def test_forms_that_cannot_be_taken_count_as_well(letter, monkeypatch):
    monkeypatch.setattr(flood, "FORMS_AT_MOST", 2)

    statuses = [sign(email="nothing").status_code for _n in range(3)]

    assert statuses == [422, 422, 429]


def test_hints_corrections_and_answers_are_not_to_be_had_without_end(
    letter, monkeypatch, coordinator
):
    monkeypatch.setattr(flood, "FORMS_AT_MOST", 0)
    monkeypatch.setattr(flood, "HINTS_AT_MOST", 1)
    entry = SignatoryFactory(letter=letter)
    vouch = entry.vouches.create(email="info@kivu.example.org", asked_at=NOW, user=coordinator)
    page = f"/conduct/signature/{links.new_link(entry)}/"
    question = f"/conduct/organisation/{links.new_vouch_link(vouch)}/"
    client = Client(REMOTE_ADDR=CLIENT)

    hints = [client.get("/conduct/sign/hint/", {"name": "Kivu"}) for _n in range(2)]
    refused = client.post(f"{page}correct/", {"organization": "Another", "countries": ["KE"]})

    assert [hint.status_code for hint in hints] == [200, 429]
    assert hints[1].json() == {"listed": False}
    assert refused.status_code == 429
    assert fields_of(refused)["organization"] == "Another"
    assert client.get(page).status_code == 200
    entry.refresh_from_db()
    assert entry.name != "Another"

    unheard = client.post(question, {"answer": "yes", "words": "", "line": entry.line})
    assert unheard.status_code == 429
    assert fields_of(unheard)["line"] == entry.line
    assert client.get(question).status_code == 200
    assert vouching.answer_of(vouch) is None


# --- The proof ----------------------------------------------------------------


def held_by(letter):
    attack(letter)
    return sign()


def test_who_proves_gets_through(letter):
    held = held_by(letter)
    assert is_asked(held)
    assert Signatory.objects.count() == OF_A_LETTER

    taken = sign(**proven(held))

    assert (taken.status_code, taken.headers["Location"]) == (302, "/conduct/sign/sent/")
    assert Signatory.objects.count() == OF_A_LETTER + 1


def test_who_is_held_reads_what_was_typed_and_nothing_that_nobody_typed(letter):
    attack(letter)
    held = sign(
        organization="Centre <Kivu>",
        countries="NO",
        email="aline@kivu.example.org",
        via="amnesty",
    )

    read = text_of(held).partition("What you typed")[2]
    assert "Centre <Kivu>" in read
    assert "Norway" in read
    assert "aline@kivu.example.org" in read
    assert "amnesty" not in read
    assert fields_of(held)["stamp"] not in read


def test_the_harder_the_attack_the_more_bits_and_never_more_than_a_phone_can(letter, monkeypatch):
    bits = []
    for forms in (OF_A_CLIENT + 1, 2 * OF_A_CLIENT, 4 * OF_A_CLIENT, 10_000):
        hold = flood.hold(letter, CLIENT, forms, {})
        bits.append((hold.bits, hold.wait))

    assert bits == [(16, 15), (17, 30), (18, 60), (19, 120)]


@pytest.mark.parametrize("meet", [proven, fields_of], ids=["by proof", "by waiting"])
def test_a_slip_is_corrected_without_another_proof_or_wait(letter, clock, meet):
    attack(letter)
    held = sign(email="aline@gmial.com")
    sent = meet(held)
    clock(15)

    slipped = sign(**sent)
    taken = sign(**fields_of(slipped))

    assert slipped.status_code == 422
    assert "gmail.com" in text_of(slipped)
    assert taken.status_code == 302


def test_a_proof_is_not_spent_on_what_the_database_did_not_take(letter, monkeypatch):
    sent = proven(held_by(letter))

    def refuse(*_args, **_kwargs):
        raise OperationalError("connection lost")

    with monkeypatch.context() as away:
        away.setattr("signatories.moderation.submit", refuse)
        unsaved = sign(**sent)

    assert unsaved.status_code == 503
    assert sign(**fields_of(unsaved)).status_code == 302


def test_a_form_that_must_be_corrected_does_not_spend_its_proof(letter):
    proof = proven(held_by(letter))

    assert sign(**(proof | {"email": "nothing"})).status_code == 422
    assert sign(**proof).status_code == 302


def zeros_of(challenge: str, nonce: str) -> int:
    """How many bits in front of the SHA-256 are zero."""
    digest = hashlib.sha256(f"{challenge}{nonce}".encode()).digest()
    return 256 - int.from_bytes(digest, "big").bit_length()


def refused_proofs(letter, clock):
    """What is wrong with a proof, what is said, and the fields that were sent."""
    other = make_letter(slug="other")
    held = sign()
    fields, bits = fields_of(held), bits_of(held)
    challenge = fields["challenge"]

    replayed = proven(sign())
    assert sign(**replayed).status_code == 302
    yield "used for another signature", replayed

    easy = next(
        str(nonce) for nonce in itertools.count() if 6 <= zeros_of(challenge, str(nonce)) < bits
    )
    yield "did not come out right", fields | {"nonce": easy}
    yield "did not come out right", fields | {"nonce": "twelve"}

    made_easy = signing.dumps([letter.pk, 1, time.time(), "mark"], salt="another")
    yield (
        "meant for another letter",
        fields | {"challenge": made_easy, "nonce": nonce_for(made_easy, 1)},
    )
    cut = challenge.replace(":", ".", 1)
    yield "meant for another letter", fields | {"challenge": cut, "nonce": nonce_for(cut, bits)}

    foreign = flood.new_challenge(other, 1)
    yield (
        "meant for another letter",
        fields | {"challenge": foreign, "nonce": nonce_for(foreign, 1)},
    )

    old = proven(held)
    clock(flood.GOOD_FOR + 1)
    for _sent in range(2 * OF_A_LETTER):
        flood.counted(f"letter:{letter.pk}")
    yield "That took too long", old


def test_a_proof_that_is_none_is_refused_in_words_and_nothing_is_lost(letter, clock):
    attack(letter)
    for said, sent in refused_proofs(letter, clock):
        before = Signatory.objects.count()

        refused = sign(**sent)

        assert is_asked(refused), said
        assert said in text_of(refused)
        assert Signatory.objects.count() == before
        assert fields_of(refused)["organization"] == sent["organization"]
        assert fields_of(refused)["challenge"] != sent["challenge"]
        assert sign(**proven(refused)).status_code == 302


@given(
    challenge=st.text(),
    nonce=st.text() | st.integers(0).map(str),
    bits=st.integers(1, 3) | st.integers(1, 32),
)
def test_whatever_is_sent_as_a_nonce_has_the_bits_or_is_none(challenge, nonce, bits):
    is_number = re.fullmatch("[0-9]{1,20}", nonce) is not None

    assert flood.is_proof(challenge, nonce, bits) == (
        is_number and zeros_of(challenge, nonce) >= bits
    )


@given(challenge=st.text(max_size=20), bits=st.integers(1, 9))
def test_what_is_found_is_a_proof_of_so_many_bits(challenge, bits):
    assert flood.is_proof(challenge, nonce_for(challenge, bits), bits)


@pytest.mark.django_db
@given(challenge=st.text(), nonce=st.text())
def test_whatever_is_sent_as_a_challenge_is_refused_in_words(challenge, nonce):
    letter = Signatory._meta.get_field("letter").related_model(pk=1)

    with pytest.raises(flood.NotMet, match=r"\w"):
        flood.meet(challenge, nonce, letter=letter, address=CLIENT)


# --- Without JavaScript -------------------------------------------------------


def test_who_has_no_javascript_waits_and_gets_through_once(letter, clock):
    held = held_by(letter)
    assert held.headers["Retry-After"] == "15"
    assert "Wait 15 seconds, then press the button." in text_of(held)

    clock(14)
    hasty = sign(**fields_of(held))
    assert is_asked(hasty)
    assert "too soon" in text_of(hasty)
    # The wait goes on, and does not begin anew.
    assert hasty.headers["Retry-After"] == "1"
    assert "Wait one second, then" in text_of(hasty)
    clock(1)
    taken, again = sign(**fields_of(hasty)), sign(**fields_of(hasty))

    assert taken.status_code == 302
    assert is_asked(again)
    assert "used for another signature" in text_of(again)


def test_few_from_one_client_get_through_by_waiting(letter, clock):
    attack(letter)
    held = [sign(address) for address in [CLIENT] * 7 + ["9.9.9.8"]]
    clock(130)

    again = [
        sign(address, **fields_of(each))
        for address, each in zip([CLIENT] * 7 + ["9.9.9.8"], held, strict=True)
    ]

    assert [each.status_code for each in again] == [302] * 5 + [429] * 2 + [302]
    assert "Several have signed from your network in this way" in text_of(again[5])
    # With a proof they do.
    assert sign(**proven(again[5])).status_code == 302


# --- Mails, and what a stranger learns ----------------------------------------


def told(letter) -> list[str]:
    return [message.signatory.letter.slug for message in Message.objects.order_by("pk")]


def test_one_address_gets_a_few_mails_a_day_on_all_letters_whoever_asks(letter):
    letters = [letter, make_letter(slug="other")]
    for number in range(8):
        at = NOW + timedelta(hours=number)
        moderation.submit(new(letters[number % 2], name=f"Organisation {number}"), at=at)

    assert told(letter) == ["conduct", "other", "conduct", "other", "conduct"]
    assert Signatory.objects.count() == 8
    # A day after the first there is room for one again, for what was sent before, too.
    day = NOW + timedelta(days=1, seconds=1)
    for number in (7, 6):
        moderation.submit(new(letters[number % 2], name=f"Organisation {number}"), at=day)
    assert told(letter)[5:] == ["other"]


def test_mails_about_where_things_stand_count_too(letter):
    SignatoryFactory(letter=letter, name="PAX", email="a@pax.example.org")
    for number in range(8):
        moderation.submit(new(letter), at=NOW + number * timedelta(hours=1))

    assert list(Message.objects.values_list("kind", flat=True)) == ["standing"] * MAILS_AT_MOST


def test_who_erases_what_a_stranger_sent_is_not_mailed_anew(letter):
    for number in range(MAILS_AT_MOST):
        moderation.submit(new(letter, name=f"Organisation {number}"), at=NOW)
    for entry in Signatory.objects.all():
        moderation.erase(entry.pk)

    moderation.submit(new(letter), at=NOW + timedelta(hours=1))

    assert Message.objects.count() == 0
    assert "pax" not in str(list(MailAsked.objects.values()))
    purge(at=NOW + timedelta(days=1, seconds=1))
    assert MailAsked.objects.filter(at=NOW).count() == 0


def test_mails_about_decisions_always_go_out(letter, coordinator):
    for number in range(MAILS_AT_MOST):
        moderation.submit(new(letter, name=f"Organisation {number}"), at=NOW)
    entry = Signatory.objects.first()

    moderation.decide(entry.pk, Event.CONFIRM, by=CONTACT, at=NOW)
    moderation.decide(entry.pk, Event.RETURN, by=By.coordinator(coordinator), reason="Why?", at=NOW)

    kinds = entry.messages.order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["confirm", "received", "returned"]


@pytest.mark.django_db(transaction=True)
def test_many_forms_at_once_cause_no_more_mails(monkeypatch):
    letter = make_letter(slug="conduct")
    queue_mail = moderation.queue_mail

    def slowly(*args, **kwargs):
        time.sleep(0.1)
        queue_mail(*args, **kwargs)

    monkeypatch.setattr(moderation, "queue_mail", slowly)

    results = at_once(
        *(
            lambda number=number: moderation.submit(new(letter, name=f"Organisation {number}"))
            for number in range(12)
        )
    )

    assert [type(result) for result in results] == [Signatory] * 12, results
    assert Message.objects.count() == MAILS_AT_MOST


@pytest.mark.parametrize("is_attacked", [False, True])
def test_a_stranger_is_not_told_whether_an_address_has_signed(letter, is_attacked):
    fresh = {"organization": "Centre Kivu", "email": "aline@kivu.example.org"}
    SignatoryFactory(letter=letter, name="PAX", email="a@pax.example.org")
    SignatoryFactory(
        letter=letter, name="Full", email="full@example.org", state=State.SUBMITTED, countries=[]
    )
    for number in range(MAILS_AT_MOST):
        moderation.submit(new(letter, name=f"Organisation {number}", email="full@example.org"))
    known = {"organization": "PAX", "email": "a@pax.example.org"}
    full = {"organization": "Full", "email": "full@example.org"}
    if is_attacked:
        attack(letter)

    answers = []
    for number, who in enumerate((fresh, known, full)):
        address = f"9.9.9.{number}"
        answer = sign(address, **who)
        held = b""
        if is_attacked:
            assert is_asked(answer)
            held = without(answer, *who.values())
            answer = sign(address, **proven(answer))
        headers = {
            name: value
            for name, value in answer.headers.items()
            if name not in {"X-Request-ID", "Expires"}
        }
        answers.append((answer.status_code, headers, answer.content, held))

    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 302


def without(held, *typed_values) -> bytes:
    """The page of a held sign-on, but for what was typed and what is another each time."""
    page = held.content.decode()
    fields = fields_of(held)
    drawn = [fields[name] for name in ("csrfmiddlewaretoken", "challenge", "stamp")]
    for value in [*drawn, *typed_values]:
        assert value in page
        page = page.replace(value, "")
    return page.encode()


# --- The desk -----------------------------------------------------------------


BURST = "/admin/signatories/signatory/{}/burst/"


@pytest.fixture
def burst(letter):
    """Six from one network, three more from one domain, and two that have nothing to do with them."""
    network = networks.network_key(CLIENT, letter_id=letter.pk)
    flooded = [
        SignatoryFactory(letter=letter, network=network, email=f"a@{number}.example.org")
        for number in range(6)
    ]
    flooded += [
        SignatoryFactory(letter=letter, email=f"{number}@0.example.org") for number in range(3)
    ]
    SignatoryFactory(letter=letter, email="genuine@kivu.example.net")
    SignatoryFactory(
        letter=letter,
        network=network,
        submitted_at=NOW - timedelta(days=2),
        email="b@c.example.net",
    )
    return flooded


def test_a_burst_is_rejected_in_two_clicks_without_a_mail(letter, burst, client, coordinator):
    client.force_login(coordinator)
    entry = burst[0]
    seen = text_of(client.get(f"/admin/signatories/signatory/{entry.pk}/change/"))
    assert "Reject the 9 that came from the same place…" in seen
    review = client.get(f"/admin/signatories/signatory/review/?entry={entry.pk}")
    assert BURST.format(entry.pk) in review.content.decode()

    page = client.get(BURST.format(entry.pk)).content.decode()
    ticked = re.findall(r'name="entry" value="(\d+)" checked', page)
    versions = re.findall(r'name="seen" value="([\d:]+)"', page)
    assert sorted(map(int, ticked)) == sorted(each.pk for each in burst)
    genuine, changed = burst[3], burst[4]
    ticked.remove(str(genuine.pk))
    moderation.edit(changed.pk, {"note": "a friend"}, by=By.coordinator(coordinator))
    late = SignatoryFactory(letter=letter, network=entry.network)
    response = client.post(BURST.format(entry.pk), {"entry": ticked, "seen": versions}, follow=True)

    said = text_of(response)
    assert "7 rejected." in said
    assert f"Not changed: {changed.name}" in said
    rejected = Signatory.objects.filter(state=State.REJECTED)
    left = {genuine.pk, changed.pk, late.pk}
    assert {each.pk for each in rejected} == {each.pk for each in burst} - left
    assert Message.objects.count() == 0
    reasons = {each.decisions.get(event="reject").reason for each in rejected}
    assert reasons == {"One of many that came at once from the same place."}


def test_few_from_one_place_are_no_burst(letter, client, coordinator):
    entries = SignatoryFactory.create_batch(3, letter=letter, network="n")
    client.force_login(coordinator)

    page = client.get(f"/admin/signatories/signatory/{entries[0].pk}/change/")

    assert "that came from the same place" not in text_of(page)


def test_a_burst_of_another_letter_is_left_alone(letter, burst, client, coordinator):
    other = SignatoryFactory(letter=make_letter(slug="other"), email="x@0.example.org")
    client.force_login(coordinator)

    pks = [each.pk for each in [*burst, other]]
    client.post(BURST.format(burst[0].pk), {"entry": pks})

    other.refresh_from_db()
    assert other.state == State.PENDING
