import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letter.ordering import collation_key, country_key, key_just_after, sort_as_needed, sort_key

# The letter of 2015 about the code of conduct, as it was printed.
PRINTED = [
    "Action pour le Développement et la Paix Endogènes",
    "Alternative ASEAN Network on Burma",
    "Budapest Centre for the International Prevention of Genocide and Mass Atrocities",
    "Burma Partnership",
    "Centre for Citizens' Participation on the African Union",
    "Child Soldiers International",
    "Droits Humains Sans Frontières",
    "Fast Rural Development Program",
    "Genocide Alert",
    "Genocide Watch",
    "Global Action for the Prevention of Armed Conflict—Southeast Asia",
    "Global Centre for the Responsibility to Protect",
    "Global Justice Center",
    "Human Rights Watch",
    "Initiatives for International Dialogue",
    "International Coalition for the Responsibility to Protect",
    "INSEC",
    "Inspirator Muda Nusantara",
    "International Refugee Rights Initiative",
    "Jananeethi",
    "Montreal Institute for Genocide and Human Rights Studies",
    "Pan-African Lawyers' Union",
    "PAX",
    "Shabolombi",
    "Stanley Foundation",
    "Syrian Network for Human Rights",
    "United Nations Association-Sweden",
    "United Nations Association-United Kingdom",
    "Vision-Gram International",
    "World Federalist Movement-Canada",
    "World Federalist Movement-Institute for Global Policy",
    "World Federation of United Nations Associations",
    "Zarga Organization for International Development",
]
# Short names of few letters, so that neighbours come close to each other.
CLOSE_NAMES = st.text("abAé 1-\0", max_size=4)


def in_order(names, sort_as):
    """The names as the list would show them: by `sort_as` or else the name."""
    keys = [collation_key(sort_as.get(index, name)) for index, name in enumerate(names)]
    return [name for _key, name in sorted(zip(keys, names, strict=True), key=lambda pair: pair[0])]


@pytest.mark.parametrize(
    "names",
    [
        ["Pan-African", "PAX"],
        ["Edinburgh", "Éducation", "Edward"],
        ["pax", "Pax", "PAX"],
        ["Ökumene", "Oxfam", "Zebra"],
        ["10 Days", "Zebra", "Ωmega", "Яблоко", "منظمة", "中国"],
        ["Doctors Without", "Doctors-Without", "DoctorsWithout"],
        ["A", "A\0", "A\0\0"],
    ],
)
def test_collation_key_gives_the_order_of_the_algorithm(names):
    backwards = names[::-1]

    assert sorted(backwards, key=collation_key) == names


def test_collation_key_is_weights_in_two_bytes_and_then_the_text():
    key = collation_key("Pé")

    assert (key[-3:], key[:-3].count(b"\0\0")) == ("Pé".encode(), 3)


@given(st.text(st.characters()), st.text(st.characters()))
def test_collation_key_is_the_same_only_for_canonically_equivalent_texts(one, other):
    equivalent = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)

    assert (collation_key(one) == collation_key(other)) is equivalent


@given(st.text())
def test_collation_key_ignores_the_form_of_normalization(text):
    assert collation_key(unicodedata.normalize("NFD", text)) == collation_key(text)


def test_sort_as_needed_moves_one_name_of_the_printed_letter():
    assert sort_as_needed(PRINTED) == {
        15: "Initiatives for International Dialogue "
        "International Coalition for the Responsibility to Protect"
    }


@pytest.mark.parametrize(
    ("names", "sort_as"),
    [
        ([], {}),
        (["Zebra"], {}),
        (["Zebra", "Alpha", "Beta"], {0: "1 Zebra"}),
        (["Alpha", "Zebra", "Yak", "Beta"], {1: "Alpha 1 Zebra", 2: "Alpha 2 Yak"}),
        (["A", "Z", "A B"], {1: "A 1 Z"}),
        (["A", "Z", "A\0", "B"], {1: "A 1 Z", 2: "A 2 A\0"}),
    ],
)
def test_sort_as_needed(names, sort_as):
    assert sort_as_needed(names) == sort_as


def test_sort_as_needed_keeps_texts_short_where_many_names_are_out_of_order():
    names = [f"{number:03} Friends" for number in range(200, 0, -1)]

    sort_as = sort_as_needed(names)

    assert in_order(names, sort_as) == names
    assert max(map(len, sort_as.values())) < 30


@given(st.lists(CLOSE_NAMES, unique=True) | st.lists(st.text(), unique=True))
def test_sort_as_needed_reproduces_any_order(names):
    assert in_order(names, sort_as_needed(names)) == names


@given(st.permutations(PRINTED))
def test_sort_as_needed_reproduces_any_order_of_real_names(names):
    assert in_order(names, sort_as_needed(names)) == list(names)


@given(st.lists(CLOSE_NAMES, unique=True) | st.lists(st.text(), unique=True))
def test_sort_as_needed_leaves_a_sorted_list_alone(names):
    assert sort_as_needed(sorted(names, key=collation_key)) == {}


# Keys of lines.

# As `clean_name` lets them through, near enough: no control characters, something to be seen.
LINE_NAMES = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1)


def key(ordering, name="PAX", country="", approved_at=None, line_id="a"):
    return sort_key(
        ordering,
        name=collation_key(name),
        country=country_key(country),
        approved_at=approved_at,
        line_id=line_id,
    )


@given(
    st.lists(
        st.tuples(LINE_NAMES, st.text(alphabet="0123456789abcdef", min_size=12, max_size=12)),
        unique=True,
    )
)
def test_lines_stand_as_their_names_do_and_never_tie(lines):
    keys = [key("alphabetical", name, line_id=line_id) for name, line_id in lines]

    assert len(set(keys)) == len(keys)
    by_key = [name for _key, (name, _id) in sorted(zip(keys, lines, strict=True))]
    assert [collation_key(name) for name in by_key] == sorted(
        collation_key(name) for name, _id in lines
    )


def test_grouped_by_country_those_without_come_last():
    keys = [
        key("country", "Zz", "Albania"),
        key("country", "Aa", "Zambia"),
        key("country", "Bb", "Zambia"),
        key("country", "Aa", ""),
    ]

    assert keys == sorted(keys)


def test_by_approval_the_earlier_stand_first():
    moments = [datetime(2026, 11, 24, 9, 0, 0, n, tzinfo=UTC) for n in (0, 1, 2)]

    keys = [key("approval", name, approved_at=at) for name, at in zip("CBA", moments, strict=True)]

    assert [*keys, key("approval")] == sorted([*keys, key("approval")])


@given(LINE_NAMES, LINE_NAMES, st.integers(0, 9))
def test_what_follows_a_key_stands_before_every_other_name(name, other, count):
    first, second = sorted([key("alphabetical", name), key("alphabetical", other, line_id="b")])

    assert first < key_just_after(first, count) < second
