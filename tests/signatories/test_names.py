import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signatories.names import NameRefused, clean_line, clean_name, name_key

ANY_TEXT = st.text(st.characters())  # lone surrogates and all
LETTERS = st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs", "Cf"]))


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("INSEC", "INSEC"),
        ("  Human \t Rights\r\nWatch ", "Human Rights Watch"),
        ("Human\xa0Rights\u2028Watch\u3000", "Human Rights Watch"),
        ("Cafe\u0301", "Café"),
        ("\ufeffAm\u00adnes\u200bty\u200e", "Amnesty"),
        ("A\u200cB", "AB"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("منظمة\u061c العفو", "منظمة العفو"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("می\u200c", "می"),
        ("ന\u0d4d\u200d", "ന\u0d4d\u200d"),
        ("မြွှေး", "မြွှေး"),
        ("Комитет «За права»", "Комитет «За права»"),
        ("中国人权", "中国人权"),
        ("Việt Nam", "Việt Nam"),
        # A joiner that goes leaves no blank behind.
        ("PAX \u200d", "PAX"),
        ("PAX \u200d Kivu", "PAX Kivu"),
        # One that goes may give the next another neighbour.
        ("e\u0310\u200d\u094d\u200d", "e\u094d\u0310"),
    ],
)
def test_clean_name_keeps_names_and_takes_out_what_came_along(raw, name):
    assert clean_name(raw) == name


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("", "at least one letter or digit"),
        (" \n ", "at least one letter or digit"),
        ("\u200b\u2060\ufeff", "at least one letter or digit"),
        ("\u3164\u115f", "at least one letter or digit"),
        ("\u200d\u200c", "at least one letter or digit"),
        ("– * –", "at least one letter or digit"),
        ("PAX\0", r"control character \(U\+0000\)"),
        ("PAX\x1f", r"control character \(U\+001F\)"),
        ("PAX \u202eXAP", r"direction of writing \(U\+202E\)"),
        ("\u2066PAX\u2069", r"direction of writing \(U\+2066\)"),
        ("PAX \ud800", r"damaged.*\(U\+D800\)"),
        ("Caf\ufffd", r"damaged.*\(U\+FFFD\)"),
        ("PAX \ue000", r"only one font knows \(U\+E000\)"),
        ("PAX \uffff", r"Unicode does not know \(U\+FFFF\)"),
        ("PAX \u0378", r"Unicode does not know \(U\+0378\)"),
        ("PAX \U000e0041", r"cannot be seen \(U\+E0041\)"),
        ("P" + "\u0301" * 5 + "AX", "More than 4 accents"),
        ("a" + "\u0301" * 5, "More than 4 accents"),
        ("x" * 5_000, "has 5000 characters; at most 250 fit"),
    ],
)
def test_clean_name_refuses_in_words(raw, words):
    with pytest.raises(NameRefused, match=words):
        clean_name(raw)


def test_clean_name_counts_what_is_kept():
    assert clean_name(" " + "\u200bx" * 250 + " ") == "x" * 250


def test_clean_line_may_be_empty_or_have_no_letter():
    assert [clean_line("  "), clean_line(" – ")] == ["", "–"]


@given(ANY_TEXT | LETTERS)
def test_clean_name_of_a_clean_name_is_itself(raw):
    try:
        name = clean_name(raw)
    except NameRefused:
        return

    assert clean_name(name) == name
    assert name == unicodedata.normalize("NFC", " ".join(name.split()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Human Rights Watch", "HUMAN  RIGHTS WATCH"),
        ("Action pour la Paix Endogènes", "Action pour la Paix Endogenes"),
        ("Pan-African Lawyers' Union", "Pan African Lawyers’ Union."),
        ("Arts & Rights", "Arts and Rights"),
        ("ＰＡＸ", "PAX"),
        ("Straße", "STRASSE"),
        ("Ειρήνη", "ΕΙΡΗΝΗ"),
        ("Ёлка", "ЕЛКА"),
        ("می\u200cخواهم", "میخواهم"),
    ],
)
def test_name_key_is_one_for_spellings_of_one_name(one, other):
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("PAX", "PAX 2"), ("कि", "की"), ("Rights Arts", "Arts Rights")]
)
def test_name_key_is_another_for_other_names(one, other):
    assert name_key(one) != name_key(other)


def test_name_key_in_full():
    assert (
        name_key("Centre for Citizens' Participation—AU") == "centre for citizens participation au"
    )


@given(ANY_TEXT | LETTERS)
def test_name_key_of_a_key_is_itself(name):
    assert name_key(name_key(name)) == name_key(name)


@given(LETTERS)
def test_name_key_of_a_clean_name_is_never_empty(raw):
    try:
        name = clean_name(raw)
    except NameRefused:
        return

    assert name_key(name) != ""
