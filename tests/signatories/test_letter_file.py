from pathlib import Path

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from letter.countries import choices, label_from, read_label
from signatories.letter_file import Entry, LetterFile, Problem, read_letter
from signatories.names import NameRefused, clean_name, name_key

FIXTURE = Path(__file__).with_name("code-of-conduct.txt")
# Name, countries and label of each line, as they were printed in 2015.
ENTRIES = [
    ("Action pour le Développement et la Paix Endogènes", ("CD",), "Democratic Republic of Congo"),
    ("Alternative ASEAN Network on Burma", ("TH",), None),
    (
        "Budapest Centre for the International Prevention of Genocide and Mass Atrocities",
        ("HU",),
        None,
    ),
    ("Burma Partnership", (), None),
    ("Centre for Citizens' Participation on the African Union", ("KE", "ET", "ZA"), None),
    ("Child Soldiers International", ("GB",), None),
    ("Droits Humains Sans Frontières", ("CD",), None),
    ("Fast Rural Development Program", ("PK",), None),
    ("Genocide Alert", ("DE",), None),
    ("Genocide Watch", ("US",), "USA"),
    ("Global Action for the Prevention of Armed Conflict—Southeast Asia", (), None),
    ("Global Centre for the Responsibility to Protect", ("US",), "USA"),
    ("Global Justice Center", ("US",), "USA"),
    ("Human Rights Watch", (), None),
    ("Initiatives for International Dialogue", ("PH",), None),
    ("International Coalition for the Responsibility to Protect", (), None),
    ("INSEC", ("NP",), None),
    ("Inspirator Muda Nusantara", ("ID",), None),
    ("International Refugee Rights Initiative", ("UG",), None),
    ("Jananeethi", ("IN",), None),
    ("Montreal Institute for Genocide and Human Rights Studies", ("CA",), None),
    ("Pan-African Lawyers' Union", ("ET",), None),
    ("PAX", ("NL",), None),
    ("Shabolombi", ("BD",), None),
    ("Stanley Foundation", ("US",), "USA"),
    ("Syrian Network for Human Rights", ("SY",), None),
    ("United Nations Association-Sweden", (), None),
    ("United Nations Association-United Kingdom", (), None),
    ("Vision-Gram International", ("CA", "CD"), "Canada and Democratic Republic of Congo"),
    ("World Federalist Movement-Canada", (), None),
    ("World Federalist Movement-Institute for Global Policy", ("NL", "US"), "Netherlands, USA"),
    ("World Federation of United Nations Associations", (), None),
    ("Zarga Organization for International Development", ("SD",), None),
]


def listed(*lines):
    """A letter file with nothing but a list."""
    return read_letter("\n".join(lines))


def reasons(letter_file):
    return [(problem.line_number, problem.reason) for problem in letter_file.problems]


def bodies(text):
    """Body and notes of a text above a list of one."""
    letter_file = read_letter(f"{text}\n\nSincerely,\n\n1. PAX\n")
    assert letter_file.problems == ()
    return letter_file.body, letter_file.notes


def test_read_letter_reads_the_code_of_conduct_letter():
    letter_file = read_letter(FIXTURE.read_text(encoding="utf-8"))

    assert letter_file == LetterFile(
        title="Restraint of the veto",
        addressee="To the permanent representatives\nNew York",
        salutation="Excellency,",
        body=(
            "We write about a promise[^1] that *every* member of the Council has made.\n\n"
            "**We urge all states to keep it.**\n\n"
            "[^1]: Given in 2005."
        ),
        closing_line="Sincerely,",
        entries=tuple(
            Entry(number + 15, number, name, countries, label)
            for number, (name, countries, label) in enumerate(ENTRIES, start=1)
        ),
        problems=(),
        notes=(),
    )


def test_read_letter_gives_back_the_printed_lines():
    text = FIXTURE.read_text(encoding="utf-8")
    printed = [line for line in text.splitlines() if line.startswith("- ")]

    lines = []
    for entry in read_letter(text).entries:
        label = label_from(entry.countries) if entry.label is None else entry.label
        parentheses = f" ({label})" if label else ""
        lines.append(f"- {entry.number}. {entry.name}{parentheses}")

    assert lines == printed


def test_read_letter_takes_windows_files():
    text = FIXTURE.read_text(encoding="utf-8")

    assert read_letter("\ufeff" + text.replace("\n", "\r\n")) == read_letter(text)


# The parts before the list.


def test_read_letter_without_a_frame_is_body_and_list():
    letter_file = read_letter("A paragraph.\n\n1. PAX")

    assert letter_file == LetterFile(
        "", "", "", "A paragraph.", "", (Entry(3, 1, "PAX", (), None),), (), ()
    )


def test_read_letter_leaves_out_a_heading_of_the_list_and_says_so():
    letter_file = read_letter("Dear all,\n\nBody.\n\nSincerely,\n\nSignatories:\n\n1. PAX")

    assert (letter_file.body, letter_file.closing_line) == ("Body.", "Sincerely,")
    assert letter_file.notes == (
        "Line 7, “Signatories:”, is the heading of the list and was left out.",
    )


def test_read_letter_keeps_a_numbered_list_of_the_text():
    body, notes = bodies("Dear all,\n\nWe ask:\n\n1. Stop.\n2. Think.")

    assert body == "We ask:\n\n1. Stop.\n2. Think."
    assert notes == ("The numbered list that begins in line 5 was read as part of the text.",)


def test_read_letter_refuses_a_null_character_in_the_text():
    letter_file = read_letter("Bo\0dy.\n\n1. PAX")

    assert letter_file.problems == (Problem(1, "Bo\0dy.", "This line contains a null character."),)


# Footnotes.


def test_a_note_without_a_mark_stays_as_a_paragraph():
    body, notes = bodies("Dear all,\n\nBody.\n\n¹ Often referred to so.")

    assert body == "Body.\n\n¹ Often referred to so."
    assert notes == ("Line 5: nothing in the text refers to this note. It stands as printed.",)


def test_notes_may_follow_each_other_and_run_on():
    body, notes = bodies("Dear all,\n\nOne¹ two¹².\n\n¹ First,\nstill first.\n¹² Twelfth.")

    assert body == "One[^1] two[^12].\n\n[^1]: First,\nstill first.\n\n[^12]: Twelfth."
    assert notes == ()


def test_a_second_note_of_the_same_number_stays_as_printed():
    body, notes = bodies("Dear all,\n\nOne¹.\n\n¹ First.\n\n¹ Second.")

    assert body == "One[^1].\n\n[^1]: First.\n\n¹ Second."
    assert notes == ("Line 7: nothing in the text refers to this note. It stands as printed.",)


def test_a_mark_without_a_note_stays_as_printed():
    body, notes = bodies("Dear all,\n\nTen km² of land.")

    assert body == "Ten km² of land."
    assert notes == ("Line 3: there is no note 2. The mark stands as printed.",)


@pytest.mark.parametrize(
    "end", ["Sincerely,\n\n¹ Note.\n\n1. PAX", "Sincerely,\n\n1. PAX\n\n¹ Note."]
)
def test_a_note_below_the_closing_line_goes_to_the_body(end):
    letter_file = read_letter(f"Dear all,\n\nOne¹.\n\n{end}")

    assert (letter_file.body, letter_file.closing_line) == ("One[^1].\n\n[^1]: Note.", "Sincerely,")
    assert (len(letter_file.entries), letter_file.problems, letter_file.notes) == (1, (), ())


# Entries.


@pytest.mark.parametrize(
    ("line", "name", "countries", "label"),
    [
        ("1. PAX (Netherlands)", "PAX", ("NL",), None),
        ("  -  1)  PAX   (Netherlands)  ", "PAX", ("NL",), None),
        ("1. PAX (The Netherlands)", "PAX", ("NL",), "The Netherlands"),
        ("1. PAX (Kenya and Uganda)", "PAX", ("KE", "UG"), "Kenya and Uganda"),
        ("1. Genocide Watch (USA)", "Genocide Watch", ("US",), "USA"),
        ("1. Refugee Initiative (IRRI)", "Refugee Initiative (IRRI)", (), None),
        ("1. Coalition (ICRtoP) (Kenya)", "Coalition (ICRtoP)", ("KE",), None),
        ("1. Pax (Geneva office) ()", "Pax (Geneva office)", (), None),
        ("1. Pax（中国）", "Pax", ("CN",), "中国"),
        ("1. Pax (Virgin Islands (U.S.))", "Pax", ("VI",), "Virgin Islands (U.S.)"),
        ("1. 1. FC Peace", "1. FC Peace", (), None),
    ],
)
def test_an_entry(line, name, countries, label):
    letter_file = listed(line)

    assert letter_file.problems == ()
    assert letter_file.entries == (Entry(1, 1, name, countries, label),)


def test_an_entry_in_the_language_of_the_letter_needs_no_label():
    letter_file = read_letter("1. Paix (Allemagne, Ouganda)", language="fr")

    assert letter_file.entries == (Entry(1, 1, "Paix", ("DE", "UG"), None),)
    assert letter_file.problems == ()


def test_a_label_is_compared_in_the_language_of_the_letter_whatever_is_active():
    with translation.override("fr"):
        letter_file = listed("1. PAX (Germany)")

    assert letter_file.entries == (Entry(1, 1, "PAX", ("DE",), None),)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1. A (Kenia)", "“Kenia” is not a country known here; did you mean Kenya?"),
        ("1. A (Uganda, Kenia)", "“Kenia” is not a country known here; did you mean Kenya?"),
        (
            "1. A (Congo)",
            "“Congo” may be Democratic Republic of the Congo or Republic of the Congo. "
            "Please say which.",
        ),
        (
            "1. A (Geneva office)",
            "“Geneva office” is not a country known here. "
            "If it belongs to the name, put () behind it.",
        ),
        ("1. A (Kenya", "A parenthesis is not closed or not opened."),
        ("1. A Kenya)", "A parenthesis is not closed or not opened."),
        ("1. A (Kenya).", "Something stands behind the parentheses. Please take it out."),
        ("1. (Kenya)", "A name needs at least one letter or digit."),
        ("1. A\0", "This contains a control character (U+0000). Please type it anew."),
    ],
)
def test_an_entry_that_cannot_be_read_is_a_problem(line, reason):
    letter_file = listed(line)

    assert letter_file.entries == ()
    assert letter_file.problems == (Problem(1, line, reason),)


@pytest.mark.parametrize(
    ("line", "notes"),
    [
        ("1. Movement (PAN)", ("Line 1: “PAN” was read as Panama.",)),
        ("1. Movement (KENIA)", ("Line 1: “KENIA” was read as part of the name.",)),
        ("1. Movement (UK)", ()),
    ],
)
def test_a_doubtful_acronym_is_noted(line, notes):
    assert listed(line).notes == notes


def test_numbers_must_run_from_one():
    letter_file = listed("2. A", "5. B", "5. C", "3. D", "6. E")

    assert reasons(letter_file) == [
        (1, "Number 1 is missing before this line."),
        (2, "Numbers 3 to 4 are missing before this line."),
        (3, "Number 5 is also in line 2."),
        (4, "Number 3 is out of order."),
    ]


def test_a_name_stands_once():
    letter_file = listed("1. Pan-African Union", "2. PAX", "3. PAN AFRICAN UNION (Kenya)")

    assert reasons(letter_file) == [(3, "The same organisation is in line 1.")]


def test_what_is_not_numbered_is_a_problem_of_its_line():
    letter_file = listed("1. PAX", "", "and others", "2. INSEC")

    assert letter_file.problems == (
        Problem(3, "and others", "This is not a numbered line (“1. Name (Country)”)."),
    )
    assert [entry.name for entry in letter_file.entries] == ["PAX", "INSEC"]


@pytest.mark.parametrize(("text", "line"), [("", 1), ("Dear all,\n\nBody.\n", 3)])
def test_a_letter_without_a_list_is_a_problem(text, line):
    assert read_letter(text).problems == (
        Problem(line, "", "There is no numbered list of signatories (“1. Name (Country)”)."),
    )


def is_clean(name):
    try:
        return clean_name(name) == name and not set(name) & set("()（）")
    except NameRefused:
        return False


NAMES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1).filter(is_clean)
CODES = st.lists(st.sampled_from([code for code, _name in choices()]), max_size=3, unique=True)
LABELS = st.sampled_from([None, None, "USA", "Canada and DR Congo", "Kenya & Uganda", "U.K."])


@given(st.lists(st.tuples(NAMES, CODES, LABELS), min_size=1, unique_by=lambda e: name_key(e[0])))
def test_entries_written_out_are_read_back_the_same(drawn):
    entries = tuple(
        Entry(number, number, name, (label and read_label(label)) or tuple(codes), label)
        for number, (name, codes, label) in enumerate(drawn, start=1)
    )
    lines = []
    for entry in entries:
        label = entry.label or label_from(entry.countries)
        lines.append(f"{entry.number}. {entry.name}" + (f" ({label})" if label else ""))

    letter_file = listed(*lines)

    assert (letter_file.entries, letter_file.problems) == (entries, ())


@given(st.text())
def test_read_letter_reads_anything_without_failing(text):
    assert isinstance(read_letter(text), LetterFile)
