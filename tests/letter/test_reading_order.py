"""Whoever copies a list out of a PDF gets it as it is printed: in four scripts, and where they meet in one line."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from letter import paper, typesetting
from letter.reading_order import marked
from tests.letter.pdftotext import text_of
from tests.letter.test_paper import SAMPLE

NAMES = [
    "PAX",
    "Centre Kivu pour la paix",
    "Правозащитный центр «Мемориал»",
    "Центр «Взаимодействие» по правам человека",
    "人权组织",
    "北京和平研究中心",
    "منظمة السلام في أفريقيا",
    "جمعية شباب الغد الفلسطينية",
    "الاتحاد العام للنساء لأجل الآداب",
    "Médecins (MSF) du monde",
    "Foo, Bar & Co.",
    "16 Days",
    "Forum for Survivors and Girls' Education",
    "Collectif pour les droits humains et la mémoire – Abidjan",
    "C++ / A.B.C.",
    "Fórum para a terra e para os refugiados de Díli",  # a line that would be broken at Timor-
]
LABELS = {
    "en": ("Timor-Leste", "Democratic Republic of the Congo, Rwanda"),
    "ar": ("الأردن", "جمهورية الكونغو الديمقراطية، رواندا"),
    "ru": ("Иордания", "Демократическая Республика Конго, Руанда"),
    "zh-hans": ("约旦", "刚果民主共和国、卢旺达"),
}


def visible(text):
    """Without marks of direction, and without white space: a line may be broken anywhere."""
    seen = (c for c in text if unicodedata.category(c) != "Cf" and not c.isspace())
    return unicodedata.normalize("NFC", "".join(seen))


@pytest.mark.parametrize("count", [33, 600])
@pytest.mark.parametrize("language", LABELS)
def test_pdftotext_gives_each_line_of_the_list_back(language, count):
    direction = "rtl" if language == "ar" else "ltr"
    lines = [(NAMES[at % len(NAMES)], LABELS[language][at % 2]) for at in range(count)]
    printed = [
        paper.printed(paper._isolated(name, direction), paper._isolated(label, direction))
        for name, label in lines
    ]
    written = {
        **SAMPLE,
        "language": language,
        "lang": language.partition("-")[0],
        "direction": direction,
        "groups": [{"country": "", "start": 1, "lines": printed}],
    }

    text = text_of(typesetting.pdf(written))

    expected = [f"{number}. {name} ({label})" for number, (name, label) in enumerate(lines, 1)]
    read = visible(text)
    assert [line for line in expected if visible(line) not in read] == []
    numbers = [int(number) for number in re.findall(r"^\W*(\d+)\W*\.\W", text, re.MULTILINE)]
    assert sorted(set(numbers) & set(range(1, count + 1))) == list(range(1, count + 1))


# R stands for the mark from right to left, L for the one from left to right.
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("منظمة (الأردن)", "منظمة (الأردن)"),
        ("PAX (هولندا)", "PAX RR(هولندا)"),
        ("Pax for peace (هولندا)", "Pax for peace RR(هولندا)"),
        ("شبكة ABC للحقوق", "شبكة ABC RRللحقوق"),
        ("Aids' end – now (مصر)", "Aids'L end –L now RR(مصر)"),
        ("الاتحاد 16 يوما", "الاتحاد 16 RRيوما"),
        ("مركز 2024/2025، عمان", "مركز 2024/2025R،RR عمان"),
        ("رواندا، كينيا", "روانداR، كينيا"),
        ("Co. (مصر)", "CoR.RR (مصر)"),
        ("\u206816 Days\u2069\u200f (كينيا)", "L16 DaysL RR(كينيا)"),
        ("\u2068PAX سلام\u2069 (مصر)", "\u2068PAX سلام\u2069 RR(مصر)"),
        ("\u2068سلام ٤\u2069 (مصر)", "سلام ٤ RR(مصر)"),
    ],
)
def test_marks_stand_where_the_direction_changes(line, expected):
    assert marked(line) == expected.replace("R", "\u200f").replace("L", "\u200e")


def test_a_page_of_latin_names_in_an_arabic_letter_is_read_from_right_to_left():
    names = [f"Coalition of Centres number {number}" for number in range(40)]
    written = {
        **SAMPLE,
        "language": "ar",
        "lang": "ar",
        "direction": "rtl",
        "groups": [{"country": "", "start": 1, "lines": [f"{each} (مصر)" for each in names]}],
    }

    read = visible(text_of(typesetting.pdf(written)))

    lines = [f"{number}.{visible(name)}(مصر)" for number, name in enumerate(names, 1)]
    assert [line for line in lines if line not in read] == []


@given(st.text(st.sampled_from("aB1٤.,/+-()«» \u0301سكא中\u200f\u2068\u2069"), max_size=30))
def test_marks_are_all_that_is_added(line):
    assert visible(marked(line)) == visible(line)
