"""From which network a form came: enough to see a crowd, too little to find anybody."""

from datetime import timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signatories.evidence import assess_due
from signatories.forms import new_stamp
from signatories.models import Signatory
from signatories.networks import KEY_LENGTH, network_key
from signatories.retention import KEEP_NETWORKS_FOR, purge
from tests.factories import NOW, SignatoryFactory, make_letter

TYPED = {
    "organization": "Centre Kivu",
    "countries": ["CD"],
    "contact_name": "Aline Bahati",
    "contact_role": "director",
    "email": "aline@kivu.example.org",
    "authorised": "on",
    "privacy": "on",
}


def sign(client, slug="conduct", **extra) -> Signatory:
    client.post(f"/{slug}/sign/", {**TYPED, "stamp": new_stamp()}, **extra)
    return Signatory.objects.get(letter__slug=slug)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("9.9.9.1", "9.9.9.254", True),
        ("9.9.9.1", "9.9.8.1", False),
        ("2001:4860:1:1::1", "2001:4860:1:ffff::2", True),
        ("2001:4860:1::1", "2001:4860:2::1", False),
    ],
)
def test_a_network_is_a_24_or_a_48(one, other, is_same):
    keys = {network_key(address, letter_id=1) for address in (one, other)}

    assert len(keys) == (1 if is_same else 2)


def test_each_letter_and_each_server_has_a_key_of_its_own(settings):
    keys = {network_key("9.9.9.1", letter_id=number) for number in (1, 2)}
    settings.SECRET_KEY = "another"
    keys.add(network_key("9.9.9.1", letter_id=1))

    assert len(keys) == 3


@pytest.mark.parametrize("address", ["", "unknown", "127.0.0.1", "10.2.3.4", "::1", "fd00::1"])
def test_what_is_no_address_on_the_internet_has_no_network(address):
    assert network_key(address, letter_id=1) == ""


@given(address=st.one_of(st.text(), st.ip_addresses().map(str)))
def test_a_key_is_empty_or_a_hash_that_shows_no_address(address):
    key = network_key(address, letter_id=1)

    assert len(key) in {0, KEY_LENGTH}
    assert set(key) <= set("0123456789abcdef")
    if key:
        packed = ip_address(address).packed.hex()
        assert packed not in key


def test_a_sign_on_keeps_its_network_and_not_its_address(letter, client):
    signatory = sign(client, REMOTE_ADDR="9.9.9.1")

    assert signatory.network == network_key("9.9.9.1", letter_id=letter.pk)
    assert "9.9.9" not in str(Signatory.objects.values().get())


def test_signing_again_before_confirming_counts_the_network_of_the_last_time(letter, client):
    sign(client, REMOTE_ADDR="9.9.9.1")

    signatory = sign(client, REMOTE_ADDR="8.8.8.8")

    assert signatory.network == network_key("8.8.8.8", letter_id=letter.pk)


def test_behind_a_proxy_of_ours_it_is_the_clients_network(letter, client, settings):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]

    signatory = sign(client, REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="8.8.8.8, 9.9.9.1")

    assert signatory.network == network_key("9.9.9.1", letter_id=letter.pk)


def test_a_forged_header_is_not_believed(letter, client):
    signatory = sign(client, REMOTE_ADDR="9.9.9.1", HTTP_X_FORWARDED_FOR="8.8.8.8")

    assert signatory.network == network_key("9.9.9.1", letter_id=letter.pk)


def test_two_letters_signed_from_one_place_cannot_be_joined(letter, client):
    make_letter(slug="other")

    networks = {sign(client, slug, REMOTE_ADDR="9.9.9.1").network for slug in ("conduct", "other")}

    assert len(networks) == 2


def test_a_network_is_forgotten_after_two_days_and_what_was_seen_by_it(letter):
    crowd = SignatoryFactory.create_batch(4, letter=letter, network="n", email="")
    later = SignatoryFactory(letter=letter, network="m", submitted_at=NOW + timedelta(hours=1))
    assess_due(NOW)

    purge(at=NOW + KEEP_NETWORKS_FOR)
    assert Signatory.objects.exclude(network="").count() == 5
    purge(at=NOW + KEEP_NETWORKS_FOR + timedelta(seconds=1))
    assess_due(NOW)

    assert list(Signatory.objects.exclude(network="")) == [later]
    for signatory in crowd:
        signatory.refresh_from_db()
        assert signatory.evidence_level == "neutral"
