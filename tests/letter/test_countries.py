import pytest
from django.utils import translation

from letter.countries import (
    choices,
    country_name,
    iso_codes,
    label_from,
    match,
    meanings,
    read_label,
    search_terms,
    suggestion,
    unread_part,
)


def test_country_name_is_in_the_active_language():
    names = [country_name(code) for code in ("KE", "XK", "CD", "US")]
    with translation.override("fr"):
        french = country_name("DE")

    assert names == ["Kenya", "Kosovo", "Democratic Republic of the Congo", "United States"]
    assert french == "Allemagne"


def test_country_name_of_an_unknown_code_is_the_code():
    assert country_name("ZZ") == "ZZ"


def test_choices_are_all_countries_in_the_order_of_the_language():
    english = choices()
    with translation.override("fr"):
        french = choices()

    assert len(english) == 250
    assert [name for _code, name in english[:3]] == ["Afghanistan", "Åland Islands", "Albania"]
    assert french[:2] == [("AF", "Afghanistan"), ("ZA", "Afrique du Sud")]


def test_label_from_keeps_the_order_given():
    assert label_from(["KE", "ET", "ZA"]) == "Kenya, Ethiopia, South Africa"
    assert label_from([]) == ""


def test_match_finds_every_country_by_its_name_and_codes():
    missed = [
        (code, text)
        for code, name in choices()
        for text in (
            name,
            name.upper(),
            f"The {name.removeprefix('The ')}",
            *iso_codes(code),
            *search_terms(code),
        )
        if match(text) != code
    ]

    assert missed == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("USA", "US"), ("U.S.A.", "US"), ("u.k.", "GB"), ("Scotland", "GB"), ("DRC", "CD"),
        ("DR Congo", "CD"), ("Democratic Republic of Congo", "CD"), ("Congo (Brazzaville)", "CG"),
        ("UAE", "AE"), ("CAR", "CF"), ("Ivory Coast", "CI"), ("Cote d’Ivoire", "CI"),
        ("Burma", "MM"), ("Swaziland", "SZ"), ("Czech Republic", "CZ"),
        ("Russian Federation", "RU"), ("The Netherlands", "NL"), ("Holland", "NL"),
        ("Palestinian territories", "PS"), ("Turkey", "TR"), ("Turkiye", "TR"),
        ("Cape Verde", "CV"), ("East Timor", "TL"), ("South Korea", "KR"),
        ("Republic of Korea", "KR"), ("North Korea", "KP"), ("DPRK", "KP"),
        ("Gambia, The", "GM"), ("Bahamas", "BS"), ("St. Lucia", "LC"), ("Guinea", "GN"),
        ("Deutschland", "DE"), ("中国", "CN"), ("مصر", "EG"), ("Atlantis", None),
        ("Congo", None), ("Korea", None), ("Virgin Islands", None), ("", None), (" ", None),
    ],
)  # fmt: skip
def test_match(text, code):
    assert match(text) == code


def test_match_knows_the_active_language():
    with translation.override("fr"):
        assert match("Ouganda") == "UG"
    assert match("Ouganda") is None


def test_meanings_of_an_ambiguous_name():
    assert meanings("Congo") == ("CD", "CG")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Kenya, Ethiopia, South Africa", ("KE", "ET", "ZA")),
        ("Canada and Democratic Republic of Congo", ("CA", "CD")),
        ("Kenya, and Uganda", ("KE", "UG")),
        ("Kenya & Uganda; Finland / Sweden", ("KE", "UG", "FI", "SE")),
        ("Trinidad and Tobago", ("TT",)),
        ("Bosnia and Herzegovina et Antigua & Barbuda", ("BA", "AG")),
        ("Kenya, Trinidad and Tobago and Korea, Republic of", ("KE", "TT", "KR")),
        ("Burma/Myanmar", ("MM",)),
        ("USA, United States", ("US",)),
        ("Kenya, Kenia", None),
        ("Congo, Rwanda", None),
        ("", None),
    ],
)
def test_read_label(text, codes):
    assert read_label(text) == codes


def test_read_label_takes_a_label_of_any_length():
    assert read_label(", ".join(["Kenya", "Uganda"] * 2_000)) == ("KE", "UG")


@pytest.mark.parametrize(
    ("text", "part"), [("Kenya, Ugandia and Oz", "Ugandia"), ("Trinidad and Tobago", "")]
)
def test_unread_part_is_the_first_that_is_no_country(text, part):
    assert unread_part(text) == part


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Kenia", "Kenya"), ("Phillipines", "Philippines"), ("Ukriane", "Ukraine"),
        ("Holand", "Netherlands"), ("Geneva office", None), ("Congo", None), ("FIM", None),
    ],
)  # fmt: skip
def test_suggestion(text, name):
    assert suggestion(text) == name


def test_search_terms_are_the_other_words_for_a_country():
    assert search_terms("DE") == ["DEU", "Deutschland"]
    assert search_terms("ZZ") == []
    with translation.override("fr"):
        assert search_terms("DE") == ["DEU", "Germany", "Deutschland"]
