import pytest
from hypothesis import given
from hypothesis import strategies as st

from signatories import name_signs


@pytest.mark.parametrize(
    "role",
    [
        "Director",
        "executive director",
        "Vice-President",
        "Secretary-General",
        "Programme Coordinator",
        "Co-Chair",
        "Directrice exécutive",
        "SECRÉTAIRE GÉNÉRAL",
        "Coordonnatrice",
        "Directora",
        "Secretario General",
        "Presidente",
        "Diretora executiva",
        "Secretária-Geral",
        "المدير التنفيذي",
        "رئيسة الجمعية",
        "الأمين العام",
        "منسق",
    ],
)
def test_a_role_that_usually_may_sign(role):
    assert name_signs.may_usually_sign(role)


@pytest.mark.parametrize(
    "role",
    ["", "member", "secretary", "Assistant to the director", "ex-présidente", "direct", "متطوع"],
)
def test_a_role_that_says_nothing(role):
    assert not name_signs.may_usually_sign(role)


@pytest.mark.parametrize("name", ["SAVE THE SEA", "PEACE HOUSE", "ЗЕЛЁНЫЙ ФРОНТ"])
def test_a_shouted_name(name):
    assert name_signs.is_shouted(name)


@pytest.mark.parametrize("name", ["HRW", "UNESCO IFEX", "Save the SEA", "ARTICLE 19", "مركز حقوق"])
def test_capitals_that_are_fine(name):
    assert not name_signs.is_shouted(name)


@pytest.mark.parametrize(
    "name",
    ["John Smith", "Dr Anna Müller", "Dr. Müller", "Jean-Pierre O’Neill", "J. R. Smith"],
)
def test_a_name_that_may_be_a_persons(name):
    assert name_signs.looks_personal(name)


@pytest.mark.parametrize(
    "name",
    [
        "Human Rights Watch",
        "Access Now",
        "Fundación Karisma",
        "Conectas Direitos Humanos",
        "Amnesty",
        "Friends of the Sea",
        "Jamii HRW",
        "Four Words Of It",
        "مركز حقوق",
        "",
        "- -",
    ],
)
def test_a_name_that_is_no_persons(name):
    assert not name_signs.looks_personal(name)


@pytest.mark.parametrize(
    "name",
    [
        "https://spam.example",
        "www.spam.example",
        "Buy spam.ru/now",
        "www․spam․example",
        "ｗｗｗ．spam.example",
    ],
)
def test_a_link(name):
    assert name_signs.is_link(name)


@pytest.mark.parametrize("name", ["350.org", "No.1 Union", "St.Mary", "Rights e.V.", "and/or"])
def test_no_link(name):
    assert not name_signs.is_link(name)


@pytest.mark.parametrize(
    ("name", "is_host"),
    [
        ("350.org", True),
        ("Change.org", True),
        ("Change․org", True),  # with a leader's dot
        ("Change。org", True),  # with an ideographic full stop
        ("St.Mary", False),
        ("org", False),
    ],
)
def test_a_sites_name(name, is_host):
    assert name_signs.is_host(name) is is_host


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Аmnesty", ["Аmnesty"]),  # a Cyrillic A
        ("Human Rightѕ", ["Rightѕ"]),  # a Cyrillic dze
        ("Οxfam", ["Οxfam"]),  # a Greek O
        ("Amnesty", []),
        ("Мемориал Memorial", []),  # each word in its own
        ("日本 NGO連合", []),
        ("Straße Ñandú", []),
    ],
)
def test_scripts_that_imitate_each_other(name, words):
    assert name_signs.mixed_words(name) == words


@given(st.text())
def test_no_name_is_too_odd(name):
    for look in (
        name_signs.may_usually_sign,
        name_signs.is_shouted,
        name_signs.looks_personal,
        name_signs.is_link,
        name_signs.is_host,
        name_signs.mixed_words,
    ):
        look(name)
