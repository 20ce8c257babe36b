"""The letter on paper: the same words as on the page, in every script, or a sentence that says why not."""

import gzip
import io
import json
import re
import threading
import unicodedata
import zipfile

import docx
import pytest
from django.utils import timezone
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from letter import fonts, paper, serving, typesetting
from letter.models import Document, Letter
from letter.paper import CannotBeMade, made, paper_of, plain_text
from letter.publishing import redact, request_publication
from letter.text import tree
from letter.word import docx as word_document
from signatories.models import Signatory
from tests.factories import RevisionTextFactory, SignatoryFactory

NAMES = [
    ("PAX", ["NL"]),
    ("INSEC", ["NP"]),
    ("Centre Kivu", ["CD", "RW"]),
    ("Правозащитный центр", ["KZ"]),
    ("人权组织", ["CN"]),
    ("“Quotes” #let $x$ @you <a> *b* _c_ \\d [e] // f", ["KE"]),
]
LINES = [
    "1. “Quotes” #let $x$ @you <a> *b* _c_ \\d [e] // f (Kenya)",
    "2. Centre Kivu (Democratic Republic of the Congo, Rwanda)",
    "3. INSEC (Nepal)",
    "4. PAX (Netherlands)",
    "5. Правозащитный центр (Kazakhstan)",
    "6. 人权组织 (China)",
]


@pytest.fixture
def published(letter, work):
    for name, countries in NAMES:
        SignatoryFactory(
            letter=letter, name=name, countries=countries, state=Signatory.State.APPROVED
        )
    request_publication(letter, at=timezone.now())
    work()
    return letter


def words_of(pdf):
    """A PDF's text with its white space folded, without marks of direction."""
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return " ".join("".join(c for c in text if unicodedata.category(c) != "Cf").split())


def test_the_pdf_has_the_words_of_the_page_in_their_order(published, client):
    response = client.get("/conduct/letter.pdf")

    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/pdf")
    assert response.headers["Content-Disposition"] == 'inline; filename="conduct.pdf"'
    edition = published.newest_edition()
    words = words_of(response.content)
    assert words.startswith("Open letter A code of conduct ")
    assert "Excellency, We ask for a code of conduct. Sincerely, The undersigned 1. “Q" in words
    assert " ".join(LINES) in words
    assert f"Edition 1, {words.split('A code of conduct ')[1].split(' Excellency')[0]}" in words
    assert "1 of 1" in words
    assert "http://testserver/conduct/" in words or "/conduct/" in words
    assert edition.digest in words


def test_the_pdf_says_what_it_is_to_a_screen_reader(published, client):
    catalogue = PdfReader(io.BytesIO(client.get("/conduct/letter.pdf").content))
    root = catalogue.trailer["/Root"]

    assert catalogue.metadata.title == "A code of conduct"
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"].value is True
    assert "/StructTreeRoot" in root
    assert b"pdfuaid" in root["/Metadata"].get_data()


def test_a_word_document_of_the_same_words_is_the_same_file_at_any_time(published):
    document = word_document(words_in(published, "en"))

    with zipfile.ZipFile(io.BytesIO(document)) as packed:
        assert {part.date_time for part in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("kind", ["pdf", "docx", "txt"])
def test_a_document_is_made_once_for_an_edition(published, client, monkeypatch, kind):
    first = client.get(f"/conduct/letter.{kind}")
    content_type, _make = paper.FORMATS[kind]
    monkeypatch.setitem(paper.FORMATS, kind, (content_type, None))
    serving.forget()  # as another process, which has nothing in memory

    again = client.get(f"/conduct/letter.{kind}")

    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["ETag"] == first.headers["ETag"]
    etag = {"if-none-match": first.headers["ETag"]}
    assert client.get(f"/conduct/letter.{kind}", headers=etag).status_code == 304


@pytest.mark.parametrize("kind", ["pdf", "docx", "txt"])
def test_the_same_edition_gives_the_same_bytes(published, kind):
    _content_type, make = paper.FORMATS[kind]
    words = words_in(published, "en")

    assert make(words) == make(words)


def words_in(letter, language):
    edition = letter.newest_edition()
    return paper_of(letter, edition, edition.revision.texts()[language])


@pytest.mark.parametrize("kind", ["pdf", "docx", "txt"])
def test_a_new_edition_has_new_documents(published, client, work, kind):
    client.get(f"/conduct/letter.{kind}")
    SignatoryFactory(letter=published, name="Zarga", state=Signatory.State.APPROVED)
    request_publication(published, at=timezone.now())
    work()

    client.get(f"/conduct/letter.{kind}")

    assert Document.objects.get(letter=published, kind=kind).edition.number == 2


def test_a_redacted_name_is_in_no_document(published, client, work):
    for kind in paper.FORMATS:
        client.get(f"/conduct/letter.{kind}")
    line = published.listings.get(name="Centre Kivu").line_id
    redact(published, line, at=timezone.now())
    work()

    assert "Kivu" not in words_of(client.get("/conduct/letter.pdf").content)
    text = client.get("/conduct/letter.txt").content.decode()
    assert "Kivu" not in text
    assert "2. INSEC (Nepal)\n" in text


def test_what_was_overtaken_while_it_was_made_is_not_kept(published, work, monkeypatch):
    content_type, make = paper.FORMATS["txt"]

    def slowly(words):
        SignatoryFactory(letter=published, name="Zarga", state=Signatory.State.APPROVED)
        request_publication(published, at=timezone.now())
        work()
        return make(words)

    monkeypatch.setitem(paper.FORMATS, "txt", (content_type, slowly))

    assert b"Zarga" not in bytes(made(published, "txt", "en").body)
    assert not Document.objects.filter(letter=published, kind="txt").exists()


@pytest.mark.parametrize("kind", ["pdf", "docx", "txt"])
def test_a_draft_a_missing_letter_and_a_missing_language_are_not_there(published, client, kind):
    Letter.objects.create(slug="draft", title="Draft")

    for path in ("/draft/", "/nothing/", "/fr/conduct/"):
        assert client.get(f"{path}letter.{kind}").status_code == 404
    assert client.post(f"/conduct/letter.{kind}").status_code == 405


def test_each_language_has_its_own(published, client, work):
    revision = published.revisions.get()
    revision.locked_at = None
    revision.save()
    RevisionTextFactory(
        revision=revision, language="ar", title="مدونة سلوك", salutation="", body="نطلب *مدونة*."
    )
    request_publication(published, at=timezone.now())
    work()

    response = client.get("/ar/conduct/letter.pdf")

    root = PdfReader(io.BytesIO(response.content)).trailer["/Root"]
    assert (response.status_code, root["/Lang"]) == (200, "ar")
    text = client.get("/ar/conduct/letter.txt").content.decode()
    assert "نطلب مدونة." in text
    assert 'href="/ar/conduct/letter.pdf"' in client.get("/ar/conduct/").content.decode()


def test_the_letterhead_stands_on_top(published):
    published.letterhead = "Coalition  for a Code"

    words = words_in(published, "en")

    assert words_of(typesetting.pdf(words)).startswith("Coalition for a Code A code of conduct")
    assert plain_text(words).startswith(b"Coalition for a Code\n\nA code of conduct\n")
    document = docx.Document(io.BytesIO(word_document(words)))
    assert document.paragraphs[0].text == "Coalition for a Code"


def test_the_page_links_to_its_documents(published, client):
    page = client.get("/conduct/").content.decode()

    links = re.findall(r'href="(/conduct/letter\.[a-z]+)"', page)
    assert links == [f"/conduct/letter.{kind}" for kind in ("pdf", "docx", "txt")]


def test_a_script_without_a_font_is_said_and_never_printed_as_boxes(
    published, client, work, editor, caplog
):
    # U+0378 is no character, so no font on any machine shows it.
    SignatoryFactory(letter=published, name="Alpha \u0378", state=Signatory.State.APPROVED)
    request_publication(published, at=timezone.now())
    work()

    page = client.get("/conduct/").content.decode()
    refused = client.get("/conduct/letter.pdf")
    client.force_login(editor)
    desk = client.get(f"/admin/letter/letter/{published.pk}/change/").content.decode()

    assert "/conduct/letter.pdf" not in page
    assert "/conduct/letter.docx" in page
    assert refused.status_code == 404
    assert "Unknown (\u0378) would be missing" in refused.content.decode()
    assert "no font on the server shows Unknown (\u0378)" in desk
    assert "letter conduct has no PDF in en: no font shows Unknown (\u0378)" in caplog.text
    assert not Document.objects.filter(letter=published, kind="pdf").exists()
    assert client.get("/conduct/letter.txt").status_code == 200


def test_a_refusal_is_remembered_until_the_letter_changes(published, client, monkeypatch):
    tries = []

    def fail(words):
        tries.append(words)
        raise CannotBeMade((), "no")

    monkeypatch.setitem(paper.FORMATS, "pdf", ("application/pdf", fail))
    answers = [client.get("/conduct/letter.pdf").status_code for _ in range(3)]

    assert (answers, len(tries)) == ([404] * 3, 1)


def test_a_crowd_has_a_document_made_once(published, monkeypatch):
    content_type, make = paper.FORMATS["txt"]
    words = words_in(published, "en")
    tries = []

    def counted(letter, kind, language):
        tries.append(kind)
        return Document(
            letter=letter,
            kind=kind,
            content_type=content_type,
            body_gzip=gzip.compress(make(words)),
        )

    serving.find_page("conduct", at=timezone.now())
    serving._document(serving._shelf("conduct"), "txt", "en")  # looked up, and not there
    monkeypatch.setattr(serving, "made", counted)
    crowd = [
        threading.Thread(target=serving.find_or_make, args=("conduct", "txt")) for _ in range(8)
    ]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()

    assert tries == ["txt"]


def test_a_list_grouped_by_country_is_grouped_on_paper(published, client, work):
    Letter.objects.filter(pk=published.pk).update(ordering=Letter.Ordering.COUNTRY)
    for signatory in Signatory.objects.filter(letter=published):
        signatory.letter.refresh_from_db()
        signatory.save()
    request_publication(published, at=timezone.now())
    work()

    text = client.get("/conduct/letter.txt").content.decode()

    assert "Kenya\n\n" in text
    headings = re.findall(r"\n\n([A-Z][^\n.]+)\n\n(\d+)\. ", text)
    assert [int(number) for _country, number in headings] == list(range(1, 7))
    assert "Kenya" in words_of(client.get("/conduct/letter.pdf").content)


BODY = (
    "# Call\n\nWe *urge* **all** [states](https://example.org)[^1] to act[^1].\n\n- one\n- two\n\n"
    "3. three\n\n> said\n\nline\\\nbreak `code`\n\n### Deep\n\n---\n\n[^1]: As *defined*.\n"
)


def test_a_text_keeps_its_structure_in_plain_words(published):
    words = {**words_in(published, "en"), "blocks": tree(BODY)}

    text = plain_text(words).decode()

    assert (
        "Call\n\nWe urge all states <https://example.org>[1] to act[1].\n\n- one\n- two\n\n3. three\n\n"
        "> said\n\nline\nbreak code\n\nDeep\n\n* * *\n\nSincerely,\n\nThe undersigned\n\n1. “Q"
    ) in text
    assert "\n\n[1] As defined.\n\nEdition 1, " in text


def test_a_text_keeps_its_structure_in_the_pdf(published):
    words = {**words_in(published, "en"), "blocks": tree(BODY)}

    text = words_of(typesetting.pdf(words))

    assert (
        "Call We urge all states1 to act1. • one • two 3. three said line break code Deep" in text
    )
    assert "1As defined." in text


def test_a_text_keeps_its_structure_in_the_word_document(published):
    words = {**words_in(published, "en"), "blocks": tree(BODY)}

    document = docx.Document(io.BytesIO(word_document(words)))
    paragraphs = [(each.style.name, each.text) for each in document.paragraphs]

    assert paragraphs[:2] == [("Normal", "Open letter"), ("Title", "A code of conduct")]
    assert ("Heading 1", "Call") in paragraphs
    assert ("Normal", "We urge all states1 to act1.") in paragraphs
    assert ("Quote", "said") in paragraphs
    listed = [text for style, text in paragraphs if style == "List Number"]
    assert listed == [line.split(" ", 1)[1] for line in LINES]
    at = paragraphs.index(("Heading 1", "Notes"))
    assert paragraphs[at + 1] == ("Normal", "1 As defined.")
    assert document.core_properties.title == "A code of conduct"


def test_a_word_document_from_right_to_left_runs_so_in_all_its_parts():
    written = {
        **json.loads(json.dumps(SAMPLE)),
        "direction": "rtl",
        "groups": [{"country": "", "start": 1, "lines": ["منظمة", "PAX"]}],
    }

    document = docx.Document(io.BytesIO(word_document(written)))

    assert [len(each._sectPr.findall(qn("w:bidi"))) for each in document.sections] == [1, 1, 1]
    assert all(each._p.pPr.find(qn("w:bidi")) is not None for each in document.paragraphs[:3])
    listed = [each for each in document.paragraphs if each.style.name == "List Number"]
    assert [each.text for each in listed] == ["منظمة", "PAX"]
    assert all(each.runs[0]._r.rPr.find(qn("w:rtl")) is not None for each in listed)


# Whatever a person can type that the fonts show: the script of markup languages above all.
TYPED = st.text(
    st.one_of(
        st.sampled_from("#$\\[](){}<>@*_`'\"~/=-+|:;^%&!?.,\n\t 1aé"),
        st.characters(max_codepoint=0x17F, exclude_categories=("Cc", "Cs")),
        st.sampled_from("жЯمرحبا中文ก"),
    ),
    max_size=60,
)


@settings(max_examples=40)
@given(TYPED, TYPED)
def test_any_text_compiles_and_is_shown_as_it_is(words_of_a_letter, name):
    written = json.loads(json.dumps(SAMPLE))
    text = " ".join(words_of_a_letter.split())
    written["blocks"] = [{"kind": "paragraph", "of": [text]}]
    written["groups"] = [{"country": "", "start": 1, "lines": [" ".join(name.split())]}]

    shown = "".join(words_of(typesetting.pdf(written)).split())

    # In a text from right to left the order of words is the reader's guess, not the file's.
    for expected in (text, " ".join(name.split())):
        visible = [
            c for c in expected if not c.isspace() and unicodedata.category(c) not in {"Cf", "Cc"}
        ]
        if all(unicodedata.bidirectional(c) not in {"R", "AL"} for c in text + name):
            assert "".join(visible) in shown
        else:
            assert {c for c in visible if c.isalpha()} <= set(shown)


@settings(max_examples=40)
@given(TYPED)
def test_any_markdown_can_be_put_on_paper(source):
    written = {**json.loads(json.dumps(SAMPLE)), "blocks": tree(source)}

    for _content_type, make in paper.FORMATS.values():
        assert make(written)


SAMPLE = {
    "language": "en",
    "lang": "en",
    "region": None,
    "direction": "ltr",
    "title": "T",
    "logo": None,
    "letterhead": "E",
    "addressee": [],
    "salutation": "",
    "blocks": [],
    "closing_line": "",
    "heading": "H",
    "empty": "",
    "marks": [],
    "groups": [],
    "published_at": 1764000000,
    "date": {"year": 2025, "month": 11, "day": 24},
    "date_words": "D",
    "edition_line": "L",
    "notes_heading": "N",
    "page_of": "{page}/{total}",
    "live": "V",
    "url": "https://letters.example.org/",
    "qr": '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>',
    "qr_alt": "Q",
    "digest_words": "W",
    "digest": "0",
}


@pytest.mark.parametrize(
    ("name", "direction", "expected"),
    [
        ("PAX", "ltr", "PAX"),
        ("منظمة", "rtl", "منظمة"),
        ("منظمة", "ltr", "منظمة\u200e"),
        ("PAX 16", "rtl", "PAX 16\u200f"),
        ("16 Days", "rtl", "\u206816 Days\u2069\u200f"),
        ("منظمة (PAX)", "ltr", "\u2068منظمة (PAX)\u2069\u200e"),
    ],
)
def test_a_name_in_another_direction_is_kept_apart(name, direction, expected):
    assert paper._isolated(name, direction) == expected


@pytest.mark.parametrize(
    "source",
    [
        "[^1]: a note that nobody refers to",
        "x[^1]\n\n[^1]: see [^1]",
        "x[^1] y[^2]\n\n[^1]: see [^2]\n\n[^2]: see [^1]",
        "[^1]: see [^2]\n\n[^2]: only from a note\n\ny[^2]",
        "## Begins low\n\n###### And skips\n\n# Up\n\n### Again",
        "*a[^1] **b[^1]***\n\n[^1]: - list\n    - in a note\n\n        code",
        "[x](mailto:a@b.example) [y](http://) [](https://e.example) <https://e.example/ä>",
        "[x](#there) [z](ftp://e.example) [r](/relative)",
        "1. a\n\n   b\n2. - c\n     > d",
        "99999999999. far",
        "#",
        "# \u200b\n\n## [^1]\n\n[^1]: x",
        "# *![](x)*",
        "",
    ],
)
def test_odd_markdown_is_set_too(source):
    written = {**json.loads(json.dumps(SAMPLE)), "blocks": tree(source)}

    for _content_type, make in paper.FORMATS.values():
        assert make(written)


def test_fonts_are_chosen_by_what_a_text_needs():
    assert fonts.choose("Plain é Ж", "en").families == ("Noto Sans",)
    assert fonts.choose("PAX منظمة پژوهش", "ar").families == ("Noto Sans", "Amiri")
    assert fonts.choose("中", "zh-hant").families == ("Noto Sans CJK TC", "Noto Sans")
    assert fonts.choose("Kō 東", "ja").families == ("Noto Sans CJK JP", "Noto Sans")
    assert fonts.choose("ที่ አማ", "en").missing == ()
    assert fonts.choose("a\u200d\ufe0f\u2068\n", "en").missing == ()
    assert fonts.choose("\u0378", "en").missing == ("Unknown (\u0378)",)


def test_a_missing_script_is_called_by_its_name(monkeypatch):
    monkeypatch.setattr(fonts, "_others", lambda: ([], []))

    assert fonts.choose("ཀ་ ܐ", "en").missing == ("Syriac (ܐ)", "Tibetan (ཀ)")


def test_arabic_is_bold_in_word_too(letter, client, work):
    RevisionTextFactory(
        revision=letter.revisions.get(), language="ar", title="مدونة", body="نطالب **بمدونة**."
    )
    request_publication(letter, at=timezone.now())
    work()

    served = client.get("/ar/conduct/letter.docx").content

    xml = zipfile.ZipFile(io.BytesIO(served)).read("word/document.xml").decode()
    [bold] = [run for run in xml.split("<w:r>") if "بمدونة" in run]
    assert "<w:bCs/>" in bold
