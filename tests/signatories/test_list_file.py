"""Lists as people have them, and what is made of them."""

import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from letter import countries
from signatories import list_file
from signatories.list_file import Row, Unreadable, check, lay_out, read_table, write_csv

FILE = Path(__file__).parent / "code-of-conduct.txt"


def read(data, **kwargs):
    return check(lay_out(read_table(data, **kwargs)))


def brief(data, **kwargs):
    return [(row.name, row.countries) for row in read(data, **kwargs)]


def problems(data):
    return [reason for row in read(data) for _field, reason in row.problems]


def sheet(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_the_real_list_needs_no_correction():
    lines = [
        line for line in FILE.read_text(encoding="utf-8").splitlines() if line.startswith("- ")
    ]

    rows = read("\n".join(lines))

    with_label = [
        f"- {n}. {row.name}"
        + (f" ({row.label or countries.label_from(row.countries)})" if row.countries else "")
        for n, row in enumerate(rows, start=1)
    ]
    assert with_label == lines
    assert [(row.problems, row.remarks) for row in rows] == [((), ())] * 33


@pytest.mark.parametrize(
    ("line", "name", "codes"),
    [
        ("12) Genocide Watch – USA", "Genocide Watch", ("US",)),
        ("5. Centre X (Kenya, Ethiopia)", "Centre X", ("KE", "ET")),
        ("- INSEC (Nepal)", "INSEC", ("NP",)),
        ("• INSEC (Nepal).", "INSEC", ("NP",)),
        ("•INSEC — Nepal", "INSEC", ("NP",)),
        ("INSEC; Nepal", "INSEC", ("NP",)),
        ("INSEC\tNepal", "INSEC", ("NP",)),
        ("INSEC, Nepal", "INSEC", ("NP",)),
        ("INSEC, Nepal, Kenya and Uganda", "INSEC", ("NP", "KE", "UG")),
        ("INSEC", "INSEC", ()),
        ("Médecins Sans Frontières (MSF)", "Médecins Sans Frontières (MSF)", ()),
        ("Peace, Justice and Hope", "Peace, Justice and Hope", ()),
        ("Lawyers of Kenya, Uganda", "Lawyers of Kenya, Uganda", ()),
        ("Lawyers, CAN", "Lawyers, CAN", ()),
        ("United Nations Association-Sweden", "United Nations Association-Sweden", ()),
        ("3.5 Degrees", "3.5 Degrees", ()),
    ],
)
def test_a_line_as_people_write_it(line, name, codes):
    assert brief(line) == [(name, codes)]
    assert brief(f"{line}\nAmnesty") == [(name, codes), ("Amnesty", ())]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_by_their_headings(delimiter):
    text = '\ufeffPays|Nom de l’organisation|Courriel|Fonction\r\n"RDC"|"A ""B"""|A@B.org|Chef\r\n'
    row = read(text.replace("|", delimiter).encode())[0]

    assert (row.name, row.countries, row.email, row.contact_role) == (
        'A "B"', ("CD",), "a@b.org", "Chef",
    )  # fmt: skip


def test_columns_by_what_is_in_them():
    text = "1;Centre Kivu;Kenya;info@kivu.org;www.kivu.org\n2;PAX;Netherlands;;\n"
    table = read_table(text)

    assert table.mapping == ("", "line", "countries", "email", "website")
    assert [(row.name, row.website) for row in check(lay_out(table))] == [
        ("Centre Kivu", "https://www.kivu.org"),
        ("PAX", ""),
    ]


HEADED = [
    ("Organisation;Land;Webseite;Ansprechpartner;Funktion", "Kenia"),
    ("Nom;Pays;Site web;Interlocuteur;Qualité", "Kenya"),
    ("Organización;País;Página web;Persona de contacto;Cargo", "Kenia"),
    ("Organização;País;Sítio;Pessoa de contato;Função", "Quênia"),
    ("المنظمة;البلد;الموقع الإلكتروني;جهة الاتصال;المنصب", "كينيا"),
    ("Название;Страна;Сайт;Контактное лицо;Должность", "Кения"),
    ("组织名称;国家;网站;联系人;职务", "肯尼亚"),
]


@pytest.mark.parametrize(("headings", "kenya"), HEADED)
def test_headings_and_countries_in_other_languages(headings, kenya):
    row = read(f"{headings}\nKivu;{kenya};https://kivu.org;Aline Bahati;Chair\nPAX;;;;")[0]

    assert (row.name, row.countries, row.website, row.contact_name, row.contact_role) == (
        "Kivu", ("KE",), "https://kivu.org", "Aline Bahati", "Chair",
    )  # fmt: skip


@pytest.mark.parametrize("heading", ["Organisation", "Titel"])
def test_where_headings_say_nothing_the_values_do(heading):
    text = f"{heading};Sitz;Netz;Stadt;Herkunft\nKivu;Kenya;kivu.org;Goma;Nepal\nPAX;Nepal;pax.org;Utrecht;Kenya"
    table = read_table(text)

    assert table.mapping[1:] == ("countries", "website", "", "")
    assert table.columns_lost() == [4]
    assert [row.name for row in check(lay_out(table))] == ["Kivu", "PAX"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_text_in_whatever_encoding_a_spreadsheet_saves(encoding):
    table = read_table("Nom;Pays\nDroits – Genève;Suisse\n".encode(encoding))

    assert [row.name for row in check(lay_out(table))] == ["Droits – Genève"]
    assert table.is_windows_1252 == (encoding == "cp1252")


def test_the_parts_of_a_line_go_to_the_fields_that_they_look_like():
    lines = "PAX (Netherlands)\nKivu; Kenya; https://kivu.org; Ann Lee; ann@kivu.org\nX (Nepal); x.org\n"
    pax, kivu, x = read(lines)

    assert (kivu.name, kivu.countries, kivu.website, kivu.contact_name, kivu.email) == (
        "Kivu", ("KE",), "https://kivu.org", "Ann Lee", "ann@kivu.org",
    )  # fmt: skip
    assert kivu.remarks == ("“Ann Lee” was read as the contact's name.",)
    assert [(row.name, row.countries, row.website, row.problems) for row in (pax, x)] == [
        ("PAX", ("NL",), "", ()),
        ("X", ("NP",), "https://x.org", ()),
    ]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("PAX (Kenya, Korea)", ("Kenya, North Korea", "Kenya, South Korea")),
        ("PAX (DR Congo / Congo)", (
            "DR Congo / Democratic Republic of the Congo", "DR Congo / Republic of the Congo",
        )),
        ("PAX; Kenia", ("Kenya",)),
        ("PAX; Atlantis", ()),
        ("PAX; Kenya", ()),
    ],
)  # fmt: skip
def test_what_may_have_been_meant_by_a_country_is_offered(line, meant):
    assert read(line)[0].meant == meant


@pytest.mark.parametrize("line", ["1.", "12)", "(3)", "- 4."])
def test_a_number_without_a_name_is_no_organization(line):
    assert problems(f"PAX\n{line}") == ["This is a number without a name."]


@pytest.mark.parametrize(
    ("name", "remarks"),
    [
        ("<script>alert(1)</script>", ("The name looks like a formula or a piece of code.",)),
        ("=cmd|' /C calc'!A0", ("The name looks like a formula or a piece of code.",)),
        ("https://evil.example", ("The name has a web address in it.",)),
        ("350.org", ()),
        ("+Peace", ()),
    ],
)
def test_names_that_look_like_something_else_are_remarked_on(name, remarks):
    row = read(name)[0]

    assert (row.name, row.problems, row.remarks) == (name, (), remarks)


def test_the_lines_around_a_numbered_list_are_told_apart():
    laid = lay_out(read_table(FILE.read_text(encoding="utf-8")))
    asides = [typed.raw for typed in laid if typed.is_aside]
    lines = [typed for typed in laid if not typed.is_aside]

    assert "Excellency," in asides
    assert len(lines) == 33
    assert not any(typed.is_aside for typed in lay_out(read_table("1. PAX\nINSEC\nKivu")))


def test_a_spreadsheet():
    data = sheet(["Organización", "País"], [], ["Centre X", "KE, ET"], ["PAX", None])

    assert brief(data, filename="list.xlsx") == [("Centre X", ("KE", "ET")), ("PAX", ())]
    assert [row.number for row in read(data)] == [3, 4]


def test_what_was_decided_in_doubt_is_told():
    assert read("Amnesty, Kenja")[0].remarks == (
        "“Kenja” was read as part of the name; did you mean Kenya?",
    )
    assert read("Lawyers, CAN")[0].remarks == ("“CAN” was read as part of the name.",)


def test_problems_are_told_in_words():
    assert problems("PAX (Kenia)") == ["“Kenia” is not a country known here; did you mean Kenya?"]
    assert problems("PAX (Congo)")[0].endswith("Please say which.")
    assert problems("PAX – Korea")[0].endswith("Please say which.")
    assert problems("name,countries,email\nPAX,Kenya,nobody") == [
        "“nobody” is not an e-mail address."
    ]
    assert problems("PAX\nAmnesty\nPax") == ["The same organisation is in line 1."]
    assert problems("•••") == ["A name needs at least one letter or digit."]
    assert problems("name,countries\nPAX\u202e,Kenya")[0].startswith("This contains an invisible")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        " \n\t\n",
        "Name\n",
        b"Caf\x81",
        b"PK\x03\x04 no zip",
        b"\xd0\xcf\x11\xe0 old",
        b"%PDF-1.7",
        b"a\0b",
        b"\xff\xfea",
        sheet(["Name"], ["PAX"])[:-300],
        "x" * (list_file.MOST_BYTES + 1),
        "a\n" * (list_file.MOST_ROWS + 1),
    ],
    ids=range(12),
)
def test_what_cannot_be_read_is_told_in_a_sentence(data):
    with pytest.raises(Unreadable, match=r"\.$"):
        read_table(data)


@given(st.one_of(st.text(), st.text(alphabet="aK(),;\t\n\"'-–=1.) ", max_size=60), st.binary()))
def test_whatever_comes_is_read_or_refused_in_words(data):
    try:
        rows = read(data)
        read(data, filename="list.csv")
    except Unreadable:
        return
    assert rows


texts = st.text(alphabet="ab'=+-@;,\"\té (1", max_size=12).map(lambda text: " ".join(text.split()))


@given(
    st.lists(
        st.tuples(
            texts, st.lists(st.sampled_from(["ET", "KE", "TT", "CD", "KR", "BQ"]), unique=True)
        ),
        min_size=1,
        max_size=6,
    )
)
def test_rows_written_as_csv_are_read_as_the_same_rows(made):
    rows = [
        Row(
            number=number,
            raw="",
            name=f"{name} N{number}".strip(),
            countries=tuple(codes),
            label=name,
            website="https://example.org" if name else "",
            contact_name=name,
            contact_role=name,
            email="a@example.org" if codes else "",
            sort_as=name,
            other_names=f"fr: {name}N | zh-hans: 和平 {number}" if codes else "",
            note=name,
        )
        for number, (name, codes) in enumerate(made, start=2)
    ]

    again = read(write_csv(rows))

    # What is remarked on a name like "=A1" is no part of what came.
    assert [Row(**{**vars(row), "raw": "", "remarks": ()}) for row in again] == rows


def test_a_line_of_a_thousand_columns_is_refused_in_words():
    with pytest.raises(Unreadable, match="has 1001 columns"):
        read_table("a," * 1000, filename="list.csv")
