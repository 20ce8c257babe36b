import hashlib
import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letter.digest import (
    canonical,
    commitment,
    edition_digest,
    new_salt,
    revision_digest,
    timestamp,
)

SALT = "00112233445566778899aabbccddeeff"
TEXT = {"title": "T", "addressee": "", "salutation": "S,", "body": "B", "closing_line": "C,"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_canonical_sorts_keys_and_escapes_only_what_json_must():
    value = {"b": [1, None, "é\u2028\x7f"], "a": {"z": '"\\\n\x1f', "y": -2}}

    assert canonical(value) == (
        '{"a":{"y":-2,"z":"\\"\\\\\\n\\u001f"},"b":[1,null,"é\u2028\x7f"]}'.encode()
    )


@pytest.mark.parametrize(
    "value", [1.5, True, {1: "a"}, {None: "a"}, [b"a"], {"a": {1, 2}}, {"a": [datetime.now(UTC)]}]
)
def test_canonical_refuses_what_the_form_leaves_out(value):
    with pytest.raises(TypeError, match="canonical form"):
        canonical(value)


def test_canonical_refuses_a_lone_surrogate():
    with pytest.raises(UnicodeEncodeError):
        canonical("\ud800")


@given(VALUES)
def test_canonical_reads_back_as_the_same_value(value):
    assert json.loads(canonical(value)) == value


def test_new_salt_is_128_bits_in_hex_and_never_the_same():
    salts = {new_salt() for _ in range(100)}

    assert len(salts) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", salt) for salt in salts)


def test_commitment_is_the_digest_of_the_documented_form():
    assert commitment(SALT, "PAX", ("NL", "US"), None) == sha256(
        f'{{"countries":["NL","US"],"label":null,"name":"PAX","salt":"{SALT}"}}'
    )


def test_commitment_depends_on_every_part():
    digests = {
        commitment(SALT, "PAX", ["NL"], None),
        commitment(SALT, "PAX", ["NL"], ""),
        commitment(SALT, "PAX", ["NL"], "NL"),
        commitment(SALT, "PAX", [], None),
        commitment(SALT, "Pax", ["NL"], None),
        commitment(SALT[::-1], "PAX", ["NL"], None),
    }

    assert len(digests) == 6


def test_revision_digest_is_the_digest_of_the_documented_form():
    assert revision_digest("code", 2, {"fr": TEXT, "en": TEXT}) == sha256(
        '{"letter":"code","number":2,"texts":{'
        '"en":{"addressee":"","body":"B","closing_line":"C,","salutation":"S,","title":"T"},'
        '"fr":{"addressee":"","body":"B","closing_line":"C,","salutation":"S,","title":"T"}}}'
    )


def test_revision_digest_refuses_a_text_with_a_field_missing():
    with pytest.raises(ValueError, match="'en' lacks or should not have: title"):
        revision_digest("code", 1, {"en": {k: v for k, v in TEXT.items() if k != "title"}})


@pytest.mark.parametrize("lines", [["a", "b"], ("a", "b"), iter(["a", "b"])])
def test_edition_digest_is_the_digest_of_the_documented_form(lines):
    digest = edition_digest(
        letter="code",
        number=1,
        published_at=datetime(2026, 11, 24, 5, 0, 0, 999_999, tzinfo=UTC),
        previous="",
        revision="r",
        lines=lines,
    )

    assert digest == sha256(
        '{"letter":"code","lines":["a","b"],"number":1,"previous":"",'
        '"published_at":"2026-11-24T05:00:00Z","revision":"r"}'
    )


def test_timestamp_is_in_utc():
    zone = timezone(timedelta(hours=-5))

    assert timestamp(datetime(2026, 11, 24, 0, 0, tzinfo=zone)) == "2026-11-24T05:00:00Z"


def test_timestamp_refuses_a_time_without_a_zone():
    with pytest.raises(ValueError, match="time zone"):
        timestamp(datetime(2026, 11, 24))  # noqa: DTZ001
