"""A PDF for each recipient: with their own name, in their language, from a list as people have it."""

import io
import re
import zipfile
from contextlib import suppress

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone, translation
from django.utils.translation import gettext
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from letter import recipients
from letter.models import Document, Recipient
from letter.publishing import request_publication
from letter.recipients import NotReadable, read, written
from signatories.models import Signatory
from tests.factories import RevisionTextFactory, SignatoryFactory

PASTED = (
    "Name; Title; Salutation; Country; Language\n"
    "H.E. Amina Yusuf; Permanent Representative; Excellency,; Kenya; en\n"
    "\n"
    'S.E. Jean "Petit"; ; Excellence,; FR; fr\n'
    "Mr. No-one\n"
)


@pytest.fixture
def published(letter, work):
    revision = letter.revisions.get()
    RevisionTextFactory(revision=revision, language="fr", title="Un code", body="Nous demandons.")
    SignatoryFactory(letter=letter, name="PAX", countries=["NL"], state=Signatory.State.APPROVED)
    request_publication(letter, at=timezone.now())
    work()
    return letter


@pytest.fixture
def page(published, client, editor):
    client.force_login(editor)
    return f"/admin/letter/letter/{published.pk}/recipients/"


def kept(letter):
    return list(letter.recipients.values_list("name", "title", "salutation", "country", "language"))


def test_a_pasted_list_is_kept_in_its_order_and_replaces_the_last(published, client, page):
    client.post(page, {"recipients": "Somebody else"})
    answer = client.post(page, {"recipients": PASTED}, follow=True)

    assert "3 recipients are kept." in answer.content.decode()
    assert kept(published) == [
        ("H.E. Amina Yusuf", "Permanent Representative", "Excellency,", "KE", "en"),
        ('S.E. Jean "Petit"', "", "Excellence,", "FR", "fr"),
        ("Mr. No-one", "", "", "", ""),
    ]


def test_a_file_and_cells_of_a_spreadsheet_are_read_alike(published, client, page):
    file = SimpleUploadedFile("list.csv", ("\ufeff" + PASTED).encode())
    client.post(page, {"recipients": "", "file": file})
    from_file = kept(published)
    client.post(page, {"recipients": PASTED.replace("; ", "\t")})

    assert kept(published) == from_file
    assert len(from_file) == 3


def test_what_cannot_be_read_is_said_line_by_line_and_nothing_is_kept(published, client, page):
    client.post(page, {"recipients": "Somebody"})
    wrong = "A;;;Atlantis\n;Ambassador\nB;;;KE;klingon\nC;;;;en;more\n" + "x" * 201

    answer = client.post(page, {"recipients": wrong})

    said = re.findall(r"<li>(Line .*?)</li>", answer.content.decode())
    assert answer.status_code == 422
    assert said == [
        "Line 1: “Atlantis” is no country that we know.",
        "Line 2: the name is missing.",
        "Line 3: “klingon” is no code of a language, as “fr” is.",
        "Line 4: there are more cells than name, title, salutation, country, language.",
        "Line 5: a cell has more than 200 characters.",
    ]
    assert "klingon\nC;;;;en;more" in answer.content.decode()
    assert [name for name, *_rest in kept(published)] == ["Somebody"]


def test_a_list_is_written_as_it_can_be_read_again():
    found = read('"Semi; colon"; "Quo""te"\nPlain;;;KE;fr')

    again = read(written(found))

    assert [each.name for each in found] == ["Semi; colon", "Plain"]
    assert [(each.name, each.title, each.country) for each in again] == [
        (each.name, each.title, each.country) for each in found
    ]


@pytest.mark.parametrize(
    ("text", "name"), [('"open', "open"), ("a\0b", "ab"), ("  a \t", "a"), ("\u202ea", "a")]
)
def test_odd_lists_are_read(text, name):
    assert [each.name for each in read(text)] == [name]


AS_READ = ("S.E. Ana Pérez", "Embajadora", "Excelencia:", "KE", "fr")


@pytest.mark.parametrize(
    "headings",
    [
        "Name; Title; Salutation; Country; Language",
        "Nom; Titre; Formule d'appel; Pays; Langue",
        "NOM ; FONCTION ; Formule d’appel ; PAYS ; LANGUE",
        "Nombre; Cargo; Saludo; País; Idioma",
        "Nome; Cargo; Saudação; País; Idioma",
        "Имя; Должность; Обращение; Страна; Язык",
        "الاسم; المنصب; التحية; البلد; اللغة",
        "姓名; 职务; 称呼; 国家; 语言",
        "Name; Amt; Anrede; Land; Sprache",
    ],
)
def test_headings_are_known_in_each_language_and_the_columns_may_be_in_any_order(headings):
    rows = [headings.split(";"), list(AS_READ)]
    for order in ([0, 1, 2, 3, 4], [3, 0, 4, 2, 1]):
        text = "\n\n".join(";".join(row[at] for at in order) for row in rows)
        assert [astuple(each) for each in read(text)] == [AS_READ]


def astuple(recipient):
    return tuple(getattr(recipient, field) for field in recipients.FIELDS)


def test_commas_part_cells_under_headings_alone():
    under = read('Country,Name,Salutation\nKE,"Yusuf, Amina","Excellency,"\n')
    without = read("Yusuf, Amina\n")

    assert [astuple(each) for each in under] == [("Yusuf, Amina", "", "Excellency,", "KE", "")]
    assert [each.name for each in without] == ["Yusuf, Amina"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Name; E-mail; Country\nA; a@b.example; KE", "Line 1: “E-mail” is none of name,"),
        ("Name; Title; Name\nA; B; C", "Line 1: “Name” is none of name,"),
        ("Title; Country\nB; KE", "Line 1: no column is the name’s."),
        ("Name; Country\nA; KE; more", "Line 2: there are more cells than"),
    ],
)
def test_headings_that_say_nothing_are_said(text, said):
    with pytest.raises(NotReadable, match=said):
        read(text)


def test_a_heading_is_one_on_the_first_line_alone():
    assert [each.name for each in read("Name\nA\nName\n")] == ["A", "Name"]
    assert [each.name for each in read("Land Rover Club; Chair\n")] == ["Land Rover Club"]


@pytest.mark.parametrize(
    ("country", "language", "expected"),
    [
        ("Allemagne", "français", ("DE", "fr")),
        ("España", "Spanish", ("ES", "es")),
        ("Кения", "русский", ("KE", "ru")),
        ("كينيا", "العربية", ("KE", "ar")),
        ("肯尼亚", "中文", ("KE", "zh-hans")),
        ("GB", "ZH-HANS", ("GB", "zh-hans")),
    ],
)
def test_countries_and_languages_are_known_by_their_names(country, language, expected):
    (found,) = read(f"A;;;{country};{language}")

    assert (found.country, found.language) == expected


def workbook(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_a_spreadsheet_is_read_with_the_numbers_of_its_rows(published, client, page):
    data = workbook(["Pays", "Nom"], [], ["KE", 'S.E. "Ana";\nPérez'], ["", "No. 7"])
    client.post(page, {"recipients": "", "file": SimpleUploadedFile("list.xlsx", data)})

    assert [(row[0], row[3]) for row in kept(published)] == [
        ('S.E. "Ana"; Pérez', "KE"),
        ("No. 7", ""),
    ]

    wrong = workbook(["Name", "Country"], [], ["A", "Atlantis"])
    answer = client.post(page, {"file": SimpleUploadedFile("list.xlsx", wrong)})
    assert "Line 3: “Atlantis” is no country that we know." in answer.text
    assert "A;Atlantis" in answer.text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 nothing", "This spreadsheet cannot be read."),
        (b"A\n" * 1_000_001, "The file is larger than 2 MB."),
    ],
)
def test_a_file_that_cannot_be_read_is_said_and_what_was_typed_is_kept(
    published, client, page, data, said
):
    answer = client.post(
        page, {"recipients": "Typed already", "file": SimpleUploadedFile("list.xlsx", data)}
    )

    assert answer.status_code == 422
    assert said in answer.text
    assert "Typed already" in answer.text
    assert kept(published) == []


def test_a_file_of_a_spreadsheet_program_in_utf_16_is_read(published, client, page):
    file = SimpleUploadedFile("list.txt", "Name\tCountry\nÉlise\tFR\n".encode("utf-16"))
    client.post(page, {"file": file})

    assert [(row[0], row[3]) for row in kept(published)] == [("Élise", "FR")]


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_in_words(text):
    found = []
    with suppress(NotReadable):
        found = read(text)

    assert all(each.name for each in found)


def test_too_many_recipients_are_refused():
    with pytest.raises(NotReadable, match="At most 1000"):
        read("Somebody\n" * 1001)


def words_of(pdf):
    return " ".join(
        " ".join(each.extract_text() for each in PdfReader(io.BytesIO(pdf)).pages).split()
    )


def test_each_gets_a_pdf_of_their_own_in_their_language(published, client, page):
    client.post(page, {"recipients": PASTED})

    progress = b"".join(client.post(f"{page}make/")).decode()
    answer = client.get(f"{page}zip/")

    assert re.findall(r"<li>(\d of \d)</li>", progress) == ["1 of 3", "2 of 3", "3 of 3"]
    assert f'href="{page}zip/"' in progress
    assert answer.headers["Content-Disposition"] == 'attachment; filename="conduct-edition-1.zip"'
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert archive.namelist() == [
        "001-he-amina-yusuf.pdf",
        "002-se-jean-petit.pdf",
        "003-mr-no-one.pdf",
    ]
    english, french, plain = (words_of(archive.read(name)) for name in archive.namelist())
    assert "H.E. Amina Yusuf Permanent Representative Kenya Excellency," in english
    assert 'S.E. Jean "Petit" France Excellence, Nous demandons.' in french
    assert "Mr. No-one Excellency, We ask" in plain
    assert all("1. PAX (" in words for words in (english, french, plain))
    assert published.newest_edition().digest in plain


def test_each_line_of_the_progress_is_in_the_language_of_whoever_asked(published, client, page):
    client.post(page, {"recipients": "Somebody"})

    progress = b"".join(client.post(f"{page}make/", headers={"accept-language": "fr"})).decode()

    with translation.override("fr"):
        assert f"<li>{gettext('%(done)d of %(count)d') % {'done': 1, 'count': 1}}</li>" in progress
        assert gettext("All are made: get the ZIP file") in progress
    assert "All are made" not in progress


def test_a_new_list_and_a_new_edition_do_away_with_the_zip(published, client, page, work):
    for change in ("list", "edition"):
        client.post(page, {"recipients": "Somebody"})
        b"".join(client.post(f"{page}make/"))
        assert client.get(f"{page}zip/").status_code == 200
        if change == "list":
            client.post(page, {"recipients": "Somebody else"})
        else:
            SignatoryFactory(letter=published, name="INSEC", state=Signatory.State.APPROVED)
            request_publication(published, at=timezone.now())
            work()
        assert client.get(f"{page}zip/").status_code == 404


def test_what_changed_while_it_was_made_is_said_and_nothing_is_kept(published, client, page, work):
    client.post(page, {"recipients": "Somebody"})
    lines = iter(client.post(f"{page}make/"))
    next(lines)
    next(lines)
    SignatoryFactory(letter=published, name="INSEC", state=Signatory.State.APPROVED)
    request_publication(published, at=timezone.now())
    work()

    said = b"".join(lines).decode()

    assert "changed meanwhile, so nothing was kept" in said
    assert not Document.objects.filter(letter=published, kind=recipients.KIND).exists()


def test_a_recipient_in_a_script_without_a_font_stops_all_before_anything_is_made(
    published, client, page
):
    Recipient.objects.create(letter=published, position=0, name="Plain")
    Recipient.objects.create(letter=published, position=1, name="Alpha \u0378")

    said = b"".join(client.post(f"{page}make/")).decode()

    assert "Nothing was made: no font on the server shows Unknown (\u0378)." in said
    assert "1 of 2" not in said
    assert not Document.objects.filter(letter=published, kind=recipients.KIND).exists()


def test_without_recipients_or_an_edition_nothing_is_made(published, client, page):
    answer = client.post(f"{page}make/", follow=True)

    assert "There is no recipient yet" in answer.content.decode()
    # Its address entered again leads back, and makes nothing.
    assert client.get(f"{page}make/").headers["Location"] == page


def test_no_recipient_is_on_a_public_page(published, client, page, work):
    client.post(page, {"recipients": "Planted Person; planted title"})
    request_publication(published, at=timezone.now())
    work()
    client.logout()

    for path in ("", "signatories.json", "signatories.csv", "letter.txt"):
        assert "lanted" not in client.get(f"/conduct/{path}").content.decode()
