"""What is taken out: nothing that runs, nothing that is not the reader's, and all in order."""

import csv
import io
from datetime import timedelta

import docx
import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from letter.cells import protected, unprotected
from letter.models import Letter
from letter.publishing import request_publication
from signatories import exporting, moderation
from signatories.models import Event, Partner, Signatory
from tests.factories import NOW, SignatoryFactory, make_letter

State = Signatory.State
PLANTED = ["=1+1", "+x", "-x", "@x", "\tx", "\rx", "\nx", " =1+1", "＝1+1", "＋x", "－x", "＠x"]
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def records(body):
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def cells(body):
    return list(openpyxl.load_workbook(io.BytesIO(body)).active.iter_rows())


def publish(letter, work):
    request_publication(letter, at=timezone.now())
    work()


@pytest.fixture
def planted(letter, work):
    """A letter whose entries carry in every field what a spreadsheet would run."""
    for number, text in enumerate(PLANTED):
        SignatoryFactory(
            letter=letter, name=f"{text} no{number}", label=text, contact_name=text, contact_role=text,
            note=text, sort_as=text, email="private@contact.example", state=State.APPROVED,
        )  # fmt: skip
    publish(letter, work)
    return letter


@pytest.mark.parametrize("make", [exporting.public_csv, exporting.private_csv])
def test_no_cell_of_a_csv_file_begins_as_a_formula(planted, make):
    rows = list(csv.reader(io.StringIO(make(planted).decode("utf-8-sig"), newline="")))

    assert len(rows) == 1 + len(PLANTED)
    assert not [cell for row in rows for cell in row if cell.lstrip(" ").startswith(STARTS)]
    assert make(planted).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("make", [exporting.public_xlsx, exporting.private_xlsx])
def test_no_cell_of_a_workbook_is_a_formula(planted, make):
    rows = cells(make(planted))

    assert len(rows) == 1 + len(PLANTED)
    assert {cell.data_type for row in rows for cell in row if cell.value is not None} <= {"s", "n"}
    assert all(cell.quotePrefix for row in rows for cell in row if str(cell.value).startswith("="))
    assert {"=1+1 no0", "=1+1"} <= {cell.value for row in rows for cell in row}


def test_a_workbook_takes_no_name_for_an_error(letter):
    SignatoryFactory(letter=letter, name="#N/A", note="a\x0bb\ufffec")

    row = cells(exporting.private_xlsx(letter))[1]

    assert [cell.value for cell in row if cell.value in {"#N/A", "abc"}] == ["#N/A", "abc"]
    assert "e" not in {cell.data_type for cell in row}


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1", "'=1"),
        ("'=1", "''=1"),
        ("''=1", "'''=1"),
        ("'s-Hertogenbosch", "'s-Hertogenbosch"),
        ("'", "'"),
        ("PAX", "PAX"),
    ],
)
def test_the_apostrophe_comes_off_again(text, cell):
    assert protected(text) == cell
    assert unprotected(cell) == text


CELLS = st.text(alphabet="'=+-@＝ \t\r\n\";|,a", max_size=10)


@given(CELLS)
def test_whatever_is_protected_is_read_back(text):
    assert unprotected(protected(text)) == text


@given(st.lists(CELLS, min_size=1, max_size=3))
def test_nothing_runs_at_whatever_character_a_spreadsheet_parts_the_line(texts):
    out = io.StringIO()
    csv.writer(out).writerow(map(protected, texts))

    for delimiter in ",;\t|":
        rows = csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=delimiter)
        starts = {cell.strip()[:1] for row in rows for cell in row} - {""}
        assert not starts & set("=+-@＝＋－＠"), (delimiter, out.getvalue())


def test_the_public_list_is_the_newest_edition_numbered(letter, work):
    for name in ("Zarga", "Amani", "PAX"):
        SignatoryFactory(letter=letter, name=name, state=State.APPROVED)
    SignatoryFactory(letter=letter, name="Not yet")
    SignatoryFactory(
        letter=letter, name="ICBL", countries=[], label="Geneva, worldwide", state=State.APPROVED
    )
    SignatoryFactory(
        letter=letter, name="Kivu", countries=["CD", "RW"], label_hidden=True, state=State.APPROVED
    )
    publish(letter, work)
    SignatoryFactory(letter=letter, name="Approved since", state=State.APPROVED)

    lines = ["Amani (Kenya)", "ICBL (Geneva, worldwide)", "Kivu", "PAX (Kenya)", "Zarga (Kenya)"]
    assert exporting.public_text(letter).decode().splitlines() == [
        f"{number}. {line}" for number, line in enumerate(lines, start=1)
    ]
    rows = records(exporting.public_csv(letter))
    assert [(row["number"], row["organization"]) for row in rows] == [
        ("1", "Amani"), ("2", "ICBL"), ("3", "Kivu"), ("4", "PAX"), ("5", "Zarga"),
    ]  # fmt: skip
    assert (rows[2]["countries"], rows[2]["label_printed"], rows[2]["edition"]) == (
        "CD; RW",
        "",
        "1",
    )
    assert [row[1].value for row in cells(exporting.public_xlsx(letter))[1:]] == [
        row["organization"] for row in rows
    ]
    document = docx.Document(io.BytesIO(exporting.public_docx(letter)))
    assert [each.text for each in document.paragraphs] == ["A code of conduct", *lines]
    assert {each.style.name for each in document.paragraphs[1:]} == {"List Number"}
    assert document.core_properties.author == ""


def test_a_redacted_line_keeps_its_number_and_says_why_it_is_empty(letter, work):
    for name in ("Amani", "PAX"):
        SignatoryFactory(letter=letter, name=name, state=State.APPROVED)
    publish(letter, work)
    letter.listings.filter(name="Amani").update(
        name="", countries=[], label=None, salt="", redacted_at=NOW
    )

    assert exporting.public_text(letter).decode().splitlines() == [
        "1. taken out at the organisation’s request",
        "2. PAX (Kenya)",
    ]


def test_a_list_grouped_by_country_is_taken_out_under_its_countries(letter, work):
    letter.ordering = Letter.Ordering.COUNTRY
    letter.save()
    for name, countries in (("PAX", ["NL"]), ("Amani", ["KE"]), ("Zarga", ["NL"]), ("ICBL", [])):
        SignatoryFactory(letter=letter, name=name, countries=countries, state=State.APPROVED)
    publish(letter, work)

    groups = [
        ("International", ["ICBL"]),
        ("Kenya", ["Amani (Kenya)"]),
        ("Netherlands", ["PAX (Netherlands)", "Zarga (Netherlands)"]),
    ]
    document = docx.Document(io.BytesIO(exporting.public_docx(letter)))
    printed = [(each.text, each.style.name) for each in document.paragraphs[1:]]
    text = exporting.public_text(letter).decode()

    assert sorted(text.split("\n\n")[::2]) == [country for country, _lines in groups]
    assert [line.split(". ", 1)[0] for line in text.splitlines() if ". " in line] == list("1234")
    for country, lines in groups:
        at = printed.index((country, "Heading 1"))
        assert printed[at + 1 : at + 1 + len(lines)] == [(line, "List Number") for line in lines]


def test_a_letter_never_published_has_an_empty_public_list(letter):
    assert exporting.public_text(letter) == b""
    assert records(exporting.public_csv(letter)) == []


def test_no_public_form_holds_a_contact(letter, work):
    SignatoryFactory(
        letter=letter, name="Amani", state=State.APPROVED, email="private@contact.example",
        contact_name="Wanjiru Private", contact_role="private director", note="private note",
        website="https://private.example",
    )  # fmt: skip
    publish(letter, work)

    for make in (exporting.public_csv, exporting.public_text):
        assert b"rivate" not in make(letter)
    for row in cells(exporting.public_xlsx(letter)):
        assert not [cell for cell in row if "rivate" in str(cell.value)]
    document = docx.Document(io.BytesIO(exporting.public_docx(letter)))
    assert "Amani" in document.element.xml
    assert "rivate" not in document.element.xml


def test_the_private_list_tells_all_of_each_entry(letter, coordinator):
    entry = SignatoryFactory(
        letter=letter, name="Centre Kivu", countries=["CD", "RW"], label="DRC, Rwanda",
        website="https://kivu.example.org", note="Asked on the telephone,\nthen “=twice”",
        other_names={"en": "Kivu Centre", "ar": "مركز كيفو"}, wants_updates=True,
        partner=Partner.objects.create(letter=letter, name="Amnesty", code="amnesty"),
        sort_as="Kivu", confirmed_at=NOW + timedelta(hours=1), email="aline@kivu.example.org",
    )  # fmt: skip
    for event in ("return", "resubmit", "reject"):
        moderation.decide(
            entry.pk, Event(event), by=moderation.By.coordinator(coordinator),
            reason=f"Because {event}.",
        )  # fmt: skip
    SignatoryFactory(letter=letter, name="Hidden", label_hidden=True, note="-see\n=above")
    SignatoryFactory(letter=letter, name="Plain")
    SignatoryFactory(name="Elsewhere", letter=make_letter())

    kivu, hidden, plain = records(exporting.private_csv(letter))

    assert kivu == {
        "reference": entry.reference, "state": "rejected", "organization": "Centre Kivu",
        "countries": "CD; RW", "label": "DRC, Rwanda", "website": "https://kivu.example.org",
        "contact_name": "Amina Yusuf", "contact_role": "director", "email": "aline@kivu.example.org",
        "note": "Asked on the telephone,\nthen “=twice”", "sort_as": "Kivu", "label_hidden": "",
        "label_printed": "DRC, Rwanda", "source": "form",
        "submitted_at": "2025-03-03T09:00:00+00:00", "confirmed_at": "2025-03-03T10:00:00+00:00",
        "approved_at": "", "last_decision": "reject", "last_reason": "Because reject.",
        "other_names": "ar: مركز كيفو | en: Kivu Centre", "wants_updates": "yes", "partner": "Amnesty",
        "last_decision_at": entry.decisions.in_order().last().at.isoformat(),
    }  # fmt: skip
    assert (hidden["label_hidden"], hidden["label_printed"]) == ("yes", "")
    assert unprotected(hidden["note"]) == "-see\n=above"
    assert (plain["label"], plain["label_printed"], plain["last_reason"]) == ("", "Kenya", "")
    workbook = cells(exporting.private_xlsx(letter))
    assert [cell.value for cell in workbook[0]] == list(kivu)
    assert [cell.value or "" for cell in workbook[1]] == list(kivu.values())


@pytest.mark.parametrize(
    "make",
    [
        exporting.public_csv,
        exporting.public_xlsx,
        exporting.public_docx,
        exporting.public_text,
        exporting.private_csv,
        exporting.private_xlsx,
    ],
)
def test_a_file_costs_the_same_for_one_and_for_three(letter, work, make):
    counts = []
    for more in (1, 2):
        for _each in range(more):
            SignatoryFactory(letter=letter, state=State.APPROVED)
        publish(letter, work)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            make(letter)
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 2
