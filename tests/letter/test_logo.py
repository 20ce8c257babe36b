"""The logo at the head of a letter: a picture and nothing else, on paper and at the desk."""

import io
import struct
import zipfile
import zlib

import docx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image
from pypdf import PdfReader

from letter import logo, serving, typesetting
from letter.models import Letter, Logo
from letter.paper import paper_of
from letter.publishing import request_publication
from letter.word import docx as word_document
from signatories.models import Signatory
from signatories.worker import run_due
from tests.factories import SignatoryFactory


def picture(size=(300, 100), form="PNG", mode="RGB", colour="navy", **options):
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, form, **options)
    return buffer.getvalue()


def png_of_size(width, height):
    """A PNG that says it is so large, with next to nothing in it."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 3_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def packed():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("logo.png", picture())
    return buffer.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
UNREADABLE = "This is no picture in PNG, JPEG or WebP that can be read."
TOO_MANY_PIXELS = "The logo has more than 20 million pixels."


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html><script>alert(1)</script></html>", UNREADABLE),
        (SVG, UNREADABLE),
        (packed(), UNREADABLE),
        (picture((900, 900), colour="red")[:200], UNREADABLE),
        (picture(form="JPEG")[:400], UNREADABLE),
        (b"\x89PNG\r\n\x1a\n", UNREADABLE),
        (picture(form="GIF"), UNREADABLE),
        (picture(form="BMP"), UNREADABLE),
        (png_of_size(30_000, 30_000), TOO_MANY_PIXELS),
        (png_of_size(11_000, 9_000), TOO_MANY_PIXELS),  # where Pillow only warns
        (png_of_size(5_000, 4_001), TOO_MANY_PIXELS),
        (b"\x89PNG" + b"x" * 2_000_000, "The logo is larger than 2 MB."),
    ],
    ids=str,
)
def test_what_is_no_logo_is_refused_in_words(data, said):
    with pytest.raises(logo.NotDrawn, match=said):
        logo.drawn(io.BytesIO(data))


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (picture(), (0, 0, 128)),
        (picture(form="JPEG", mode="CMYK", colour=(0, 0, 0, 0)), (255, 255, 255)),
        (picture(form="WEBP", mode="RGBA", colour=(9, 9, 9, 0)), 0),
        (picture(mode="P", colour=0, transparency=0), 0),
        (picture(mode="L", colour=7), (7, 7, 7)),
        (picture(mode="1", colour=1), (255, 255, 255)),
        (picture(mode="I;16", colour=65535), (255, 255, 255)),
    ],
    ids=str,
)
def test_each_kind_of_picture_is_drawn_as_it_looks(data, colour):
    made = Image.open(io.BytesIO(logo.drawn(io.BytesIO(data)).png))

    assert (made.format, made.size) == ("PNG", (300, 100))
    pixel = made.getpixel((5, 5))
    assert pixel[3] == 0 if colour == 0 else pixel == pytest.approx(colour, abs=3)


def test_a_large_picture_is_drawn_smaller_in_its_proportions():
    drawing = logo.drawn(io.BytesIO(picture((4000, 1000))))

    assert (drawing.width, drawing.height) == (1200, 300)


def test_however_much_is_in_a_picture_it_weighs_little():
    noise = Image.effect_noise((1200, 400), 90)
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")

    drawing = logo.drawn(io.BytesIO(buffer.getvalue()))

    assert len(drawing.png) <= 250_000
    assert drawing.width / drawing.height == pytest.approx(3, abs=0.05)


def test_nothing_is_kept_but_the_pixels_and_they_stand_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010F] = "Planted camera"
    data = picture(form="JPEG", exif=exif, comment=b"Planted comment")

    drawing = logo.drawn(io.BytesIO(data))

    assert (drawing.width, drawing.height) == (100, 300)
    assert b"Planted" in data
    made = Image.open(io.BytesIO(drawing.png))
    made.load()
    assert (b"Planted" in drawing.png, dict(made.getexif()), made.info) == (False, {}, {})


# --- At the desk ----------------------------------------------------------------


@pytest.fixture
def page(letter, client, editor):
    client.force_login(editor)
    return f"/admin/letter/letter/{letter.pk}/change/"


def typed(letter, **other):
    return {
        "title": letter.title,
        "slug": letter.slug,
        "state": letter.state,
        "salutation": letter.salutation,
        "closing_line": letter.closing_line,
        "default_language": "en",
        "time_zone": "UTC",
        "ordering": "alphabetical",
        "keep_contacts_days": "180",
        **other,
    }


def upload(data=None, name="logo.png"):
    return SimpleUploadedFile(name, data or picture())


def test_what_cannot_be_read_is_no_part_of_a_logos_description(letter, client, page):
    client.post(page, typed(letter, logo_file=upload(), logo_description="A\x02 dove\u202e"))
    assert Logo.objects.get(letter=letter).description == "A dove"

    client.post(page, typed(letter, logo_description="A\x02 white dove"))
    assert Logo.objects.get(letter=letter).description == "A white dove"
    assert client.post(page, typed(letter, logo_description="\x02")).status_code == 200
    assert Logo.objects.get(letter=letter).description == "A white dove"


def test_a_logo_is_kept_seen_described_replaced_and_taken_away(letter, client, page):
    client.post(page, typed(letter, logo_file=upload(), logo_description="A dove"))

    kept = Logo.objects.get(letter=letter)
    assert (kept.width, kept.height, kept.description) == (300, 100, "A dove")
    shown = client.get(page).content.decode()
    assert f'src="/admin/letter/letter/{letter.pk}/logo/"' in shown
    assert 'value="A dove"' in shown
    answer = client.get(f"/admin/letter/letter/{letter.pk}/logo/")
    assert (answer.headers["Content-Type"], answer.content) == ("image/png", bytes(kept.picture))

    client.post(page, typed(letter, logo_description="A white dove"))
    assert Logo.objects.get(letter=letter).description == "A white dove"
    assert bytes(Logo.objects.get(letter=letter).picture) == bytes(kept.picture)

    client.post(
        page, typed(letter, logo_file=upload(picture((50, 50))), logo_description="A square")
    )
    assert Logo.objects.get(letter=letter).width == 50

    client.post(page, typed(letter, logo_remove="on", logo_description="A square"))
    assert not Logo.objects.filter(letter=letter).exists()
    assert client.get(f"/admin/letter/letter/{letter.pk}/logo/").status_code == 404
    logged = list(letter.changes.order_by("pk").values_list("field", "old", "new"))
    assert logged == [
        ("logo", "", "A dove"),
        ("logo", "A dove", "A white dove"),
        ("logo", "A white dove", "A square"),
        ("logo", "A square", ""),
    ]
    assert "<td>logo</td>" in client.get(page).content.decode()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"logo_file": upload(b"<html>"), "logo_description": "A dove"}, UNREADABLE),
        ({"logo_file": upload()}, "Say what the logo shows, for those who cannot see it."),
        ({"logo_description": "A dove"}, "Choose the picture, too, or empty its description."),
    ],
)
def test_a_bad_logo_is_said_and_what_else_was_typed_is_kept(letter, client, page, other, said):
    answer = client.post(page, typed(letter, letterhead="Typed already", **other))

    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert 'value="Typed already"' in answer.content.decode()
    assert not Logo.objects.exists()
    letter.refresh_from_db()
    assert letter.letterhead == ""


def test_a_new_letter_can_have_one_at_once(client, editor):
    client.force_login(editor)
    letter = Letter(title="New", slug="new", state="draft")

    client.post(
        "/admin/letter/letter/add/",
        typed(letter, logo_file=upload(), logo_description="A dove"),
    )

    assert Logo.objects.get(letter__slug="new").description == "A dove"


def test_whoever_may_only_look_sees_the_logo_and_no_field(letter, client, observer):
    logo.keep(letter, logo.drawn(io.BytesIO(picture())), "A dove")
    client.force_login(observer)

    shown = client.get(f"/admin/letter/letter/{letter.pk}/change/").content.decode()

    assert 'alt="A dove"' in shown
    assert "logo_file" not in shown


# --- On paper -------------------------------------------------------------------


@pytest.fixture
def published(letter, work):
    logo.keep(letter, logo.drawn(io.BytesIO(picture())), "A dove")
    SignatoryFactory(letter=letter, name="PAX", state=Signatory.State.APPROVED)
    request_publication(letter, at=timezone.now())
    work()
    return letter


def words_in(letter):
    edition = letter.newest_edition()
    return paper_of(letter, edition, edition.revision.texts()["en"])


def test_the_pdf_has_the_logo_and_says_what_it_shows(published):
    reader = PdfReader(io.BytesIO(typesetting.pdf(words_in(published))))

    drawn = reader.pages[0].images
    assert [(each.image.width, each.image.height) for each in drawn] == [(300, 100)]
    assert drawn[0].image.convert("RGB").getpixel((5, 5)) == (0, 0, 128)
    said = [
        each["/Alt"]
        for number in range(1, reader.trailer["/Size"])
        if isinstance(each := reader.get_object(number), dict) and "/Alt" in each
    ]
    assert "A dove" in said


def test_the_word_document_has_the_logo_and_says_what_it_shows(published):
    document = docx.Document(io.BytesIO(word_document(words_in(published))))

    (shape,) = document.inline_shapes
    assert shape._inline.docPr.get("descr") == "A dove"
    assert (round(shape.width.mm), round(shape.height.mm)) == (54, 18)
    assert document.paragraphs[1].text == "Open letter"


@pytest.mark.parametrize("kind", ["pdf", "docx"])
def test_another_head_makes_the_documents_anew_even_for_a_process_that_has_them(
    published, client, kind
):
    first = client.get(f"/conduct/letter.{kind}").content

    for change in ("logo", "letterhead"):
        if change == "logo":
            logo.keep(published, logo.drawn(io.BytesIO(picture((60, 60)))), "A square")
        else:
            Letter.objects.filter(pk=published.pk).update(letterhead="Coalition")
        request_publication(published, at=timezone.now())
        run_due()
        serving._shelves["conduct"].due_at = 0  # a second has gone by
        again = client.get(f"/conduct/letter.{kind}").content
        assert again != first
        first = again
    assert published.editions.count() == 1


def test_what_is_made_while_the_logo_changes_is_not_kept(published, monkeypatch):
    from letter import paper

    content_type, make = paper.FORMATS["txt"]

    def slowly(words):
        logo.keep(published, logo.drawn(io.BytesIO(picture((60, 60)))), "A square")
        request_publication(published, at=timezone.now())
        run_due()
        return make(words)

    monkeypatch.setitem(paper.FORMATS, "txt", (content_type, slowly))

    serving.find_or_make("conduct", "txt")

    assert not published.documents.filter(kind="txt").exists()
