"""Passing a letter on: what networks, posters, and other sites show of it, and that they get no more than that."""

import html
import io
import json
import re
import threading
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from letter import linked_data, pictures, serving, sharing, typesetting
from letter.models import Document, Edition, Letter, Logo, Text
from letter.paper import CannotBeMade
from letter.publishing import redact, request_publication
from signatories import moderation
from signatories.links import new_link
from signatories.models import Event, Signatory
from tests.factories import RevisionTextFactory, SignatoryFactory

SVG = "{http://www.w3.org/2000/svg}"


def approve(letter, work, *names):
    for name in names:
        SignatoryFactory(letter=letter, name=name, state=Signatory.State.APPROVED)
    request_publication(letter, at=timezone.now())
    work()


@pytest.fixture
def published(letter, work):
    """A letter in English and Arabic with two organisations under it."""
    revision = letter.revisions.get()
    RevisionTextFactory(revision=revision, language="ar", title="مدونة سلوك", body="نطلب.")
    approve(letter, work, "Alpha Union", "منظمة السلام")
    return letter


def line_of(letter, name):
    return letter.listings.current().get(name=name).line_id


# --- The card ---------------------------------------------------------------------


def test_the_page_names_a_card_that_is_a_picture_of_the_size_it_says(published, client):
    for base in ("/conduct/", "/ar/conduct/"):
        page = client.get(base).content.decode()
        said = dict(
            re.findall(
                r'<meta (?:property|name)="((?:og:image|twitter)[^"]*)" content="([^"]*)"', page
            )
        )
        address = said["og:image"].removeprefix("http://testserver")
        response = client.get(address)

        assert address == f"{base}card-1.png"
        assert said["twitter:card"] == "summary_large_image"
        assert said["og:image:alt"]
        assert response.headers["Content-Type"] == said["og:image:type"] == "image/png"
        size = Image.open(io.BytesIO(response.content)).size
        assert size == (int(said["og:image:width"]), int(said["og:image:height"])) == (1200, 630)
        assert size == pictures.CARD_SIZE


def test_each_edition_has_a_card_of_its_own_and_an_old_address_leads_to_it(published, client, work):
    first = client.get("/conduct/card-1.png").content
    approve(published, work, "Zarga")

    moved = client.get("/ar/conduct/card-1.png")
    assert (moved.status_code, moved.headers["Location"]) == (302, "/ar/conduct/card-2.png")
    assert client.get("/conduct/card-2.png").content != first
    assert Document.objects.get(letter=published, kind="card").edition.number == 2
    assert "/conduct/card-2.png" in client.get("/conduct/").content.decode()


def test_a_card_is_made_once(published, client, monkeypatch):
    first = client.get("/conduct/card-1.png")
    monkeypatch.setattr(pictures, "card", None)
    serving.forget()  # as another process, which has nothing in memory

    again = client.get("/conduct/card-1.png")

    assert again.content == first.content
    etag = {"if-none-match": first.headers["ETag"]}
    assert client.get("/conduct/card-1.png", headers=etag).status_code == 304


def words_of_card(letter, language="en"):
    edition = letter.newest_edition()
    return pictures._card_words(letter, edition, edition.revision.texts()[language])


def test_a_card_says_title_counts_deadline_and_site(published):
    published.letterhead = "Coalition  for a Code"
    published.closes_at = datetime(2030, 5, 2, 22, 0, tzinfo=UTC)
    published.time_zone = "Asia/Tokyo"

    words = words_of_card(published)

    assert words["title"] == "A code of conduct"
    assert words["head"] == "Coalition for a Code"
    assert words["facts"] == ["2 organisations", "1 country"]
    assert words["until"] == "Open for signature until 3 May 2030"
    assert words["site"] == "testserver"
    assert words["logo"] is None


def test_a_closed_letters_card_has_no_deadline(published):
    published.closes_at = datetime(2030, 5, 2, tzinfo=UTC)
    published.state = Letter.State.CLOSED

    assert words_of_card(published)["until"] == "Final list"


def test_a_logo_is_on_the_card(published):
    plain = pictures.card(published, published.newest_edition(), text_in("en", "Title"))
    buffer = io.BytesIO()
    Image.new("RGB", (300, 80), "#e00000").save(buffer, "PNG")
    Logo.objects.create(
        letter=published, picture=buffer.getvalue(), width=300, height=80, description="A logo"
    )

    card = pictures.card(published, published.newest_edition(), text_in("en", "Title"))

    red = (0xE0, 0, 0)
    colours = [
        colour for _count, colour in Image.open(io.BytesIO(card)).convert("RGB").getcolors(2**20)
    ]
    assert red in colours
    assert red not in [c for _n, c in Image.open(io.BytesIO(plain)).convert("RGB").getcolors(2**20)]


def text_in(language, title):
    return Text(language, title, "", "", "", "")


# Ink outside the frame of the title would run into what stands above and below it, or out of the picture.
@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "Peace"),
        ("de", "Rechtsschutzversicherungsgesellschaften " * 5),
        ("en", "W" * 200),
        ("en", "#panic() $x$ @label <b> \\ * _ ` // /* " * 5),
        ("ar", "ندعو جميع الدول إلى دعم مدونة سلوك بشأن استخدام حق النقض " * 3),
        ("zh-hans", "我们呼吁所有国家支持行为守则" * 14),
        ("th", "เราเรียกร้องให้รัฐทั้งหมด" * 8),
        ("hi", "हम सभी राज्यों से आचार संहिता का समर्थन करने का आह्वान करते हैं"),
        ("he", "מכתב פתוח אל כל המדינות"),
    ],
)
def test_a_title_of_any_length_and_script_stays_within_its_part_of_the_card(
    published, language, title
):
    edition = published.newest_edition()
    blank = ink_rows(pictures.card(published, edition, text_in(language, ".")))
    rows = ink_rows(pictures.card(published, edition, text_in(language, title[:200])))

    # Above and below the title, all is as on a card with next to none.
    assert rows[:100] == blank[:100]
    assert rows[490:] == blank[490:]
    assert rows[100:490] != blank[100:490]


def ink_rows(png):
    """How many dark pixels each row has."""
    picture = Image.open(io.BytesIO(png)).convert("L").point(lambda shade: 255 * (shade < 128))
    return [sum(picture.crop((0, y, 1200, y + 1)).tobytes()) // 255 for y in range(630)]


def test_without_a_font_for_the_title_there_is_no_card_and_none_is_named(letter, client, work):
    # U+0378 is no character, so no font on any machine shows it.
    RevisionTextFactory(revision=letter.revisions.get(), language="fr", title="Lettre \u0378")
    approve(letter, work, "Alpha")

    page = client.get("/fr/conduct/").content.decode()

    assert "og:image" not in page
    assert '<meta name="twitter:card" content="summary">' in page
    assert client.get("/fr/conduct/card-1.png").status_code == 404
    assert client.get("/conduct/card-1.png").status_code == 200
    assert client.get("/fr/conduct/share/").status_code == 200


# --- schema.org -------------------------------------------------------------------


def data_of(page):
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, flags=re.DOTALL)
    assert len(found) == 1
    return json.loads(found[0])


def test_the_page_describes_itself_to_search_engines(published, client, work):
    Letter.objects.filter(pk=published.pk).update(letterhead="Coalition for a Code")
    approve(published, work, "Zarga")
    first, second = published.editions.order_by("number")

    data = data_of(client.get("/ar/conduct/").content.decode())

    coalition = {"@type": "Organization", "name": "Coalition for a Code"}
    assert data == {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": "مدونة سلوك",
        "description": "نطلب.",
        "inLanguage": "ar",
        "url": "http://testserver/ar/conduct/",
        "mainEntityOfPage": "http://testserver/ar/conduct/",
        "datePublished": first.published_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "dateModified": second.published_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "version": 2,
        "isAccessibleForFree": True,
        "interactionStatistic": {
            "@type": "InteractionCounter",
            "interactionType": "https://schema.org/EndorseAction",
            "userInteractionCount": 3,
        },
        "image": "http://testserver/ar/conduct/card-2.png",
        "author": coalition,
        "publisher": coalition,
    }


@given(
    st.text(
        st.one_of(
            st.sampled_from("</script>!-&'\"\\\u2028"), st.characters(exclude_categories=("Cs",))
        )
    )
)
def test_no_title_ends_the_data_or_changes(title):
    edition = Edition(number=1, published_at=timezone.now(), organization_count=1)

    element = linked_data.of_page(
        edition,
        text_in("en", title),
        url="u",
        description=title,
        letterhead=title,
        card="",
        first_published_at=timezone.now(),
    )

    inside = element.removeprefix('<script type="application/ld+json">').removesuffix("</script>")
    assert not re.search("[<>&]", inside)
    assert json.loads(inside)["headline"] == title


def test_a_title_with_a_script_in_it_is_a_title(letter, client, work):
    title = "</script><script>alert(1)</script><!--"
    Letter.objects.filter(pk=letter.pk).update(title=title)
    approve(letter, work, "Alpha")

    for path in ("", "share/", "embed/"):
        assert "<script>" not in client.get(f"/conduct/{path}").content.decode()
    assert data_of(client.get("/conduct/").content.decode())["headline"] == title
    assert client.get("/conduct/card-1.png").status_code == 200


# --- The part for other sites ---------------------------------------------------------


def names_in(page):
    names = re.search(r'<ul class="embed-names".*?</ul>', page, flags=re.DOTALL)
    items = re.findall("<li>(.*?)</li>", names[0]) if names else []
    return [html.unescape(re.sub("<[^>]+>", "", item)) for item in items]


def test_the_embed_names_who_joined_last(published, client, work):
    approve(published, work, "Beta", "Gamma")
    approve(published, work, "Zeta", "Delta", "Epsilon")
    # A corrected line begins anew in the list, but has not joined now.
    corrected = Signatory.objects.get(name="Alpha Union")
    corrected.name = "Alpha United"
    corrected.save(update_fields=["name"])
    approve(published, work)

    page = client.get("/conduct/embed/").content.decode()

    assert names_in(page) == [
        "Delta (Kenya)",
        "Epsilon (Kenya)",
        "Zeta (Kenya)",
        "Beta (Kenya)",
        "Gamma (Kenya)",
    ]
    assert "<strong>7</strong> organisations" in page


def test_the_embed_does_not_name_what_was_taken_out_or_left(published, client, work):
    redact(published, line_of(published, "Alpha Union"), at=timezone.now())
    work()
    Signatory.objects.filter(name="منظمة السلام").update(state=Signatory.State.WITHDRAWN)
    approve(published, work)

    page = client.get("/conduct/embed/").content.decode()

    assert names_in(page) == []
    assert "Alpha" not in page
    assert "منظمة" not in page


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", "en"),
        ("?language=ar", "ar"),
        ("?language=ar-EG", "ar"),
        ("?language=AR_eg", "ar"),
        ("?language=sw", "en"),
        ("?language=", "en"),
        ("?language=-", "en"),
        ("?language=%00%3Cb%3E", "en"),
        (f"?language={'a-' * 5000}", "en"),
    ],
)
def test_the_embed_is_in_the_nearest_language(published, client, asked, language):
    page = client.get(f"/conduct/embed/{asked}").content.decode()

    assert f'<html lang="{language}"' in page
    assert page == client.get(f"/{language}/conduct/embed/").content.decode()


def test_the_button_speaks_the_language_of_the_page_around(published, client):
    """Also where the letter itself is not written in it."""
    page = client.get("/conduct/embed/?language=fr-CA").content.decode()

    assert '<html lang="fr"' in page
    assert "Lire la lettre et sa liste" in page
    assert 'lang="en" dir="ltr">\n        <a href="/conduct/" target="_top">' in page


@pytest.mark.parametrize(
    ("asked", "languages", "found"),
    [
        ("fr-CA", ("en", "fr", "fr-ca"), "fr-ca"),
        ("fr-CA", ("en", "fr"), "fr"),
        ("pt-PT", ("en", "pt-br"), "pt-br"),
        ("pt", ("en", "pt-br"), "pt-br"),
        ("zh-TW", ("en", "zh-hans", "zh-hant"), "zh-hant"),
        ("zh-CN", ("en", "zh-hant", "zh-hans"), "zh-hans"),
        ("zh-Hant-HK", ("en", "zh-hans", "zh-hant"), "zh-hant"),
        ("de", ("sw", "en"), "sw"),
    ],
)
def test_the_nearest_language_of_a_letter(asked, languages, found):
    assert sharing.nearest(asked, languages) == found


def test_the_embed_has_the_button_while_the_letter_can_be_signed(published, client, work):
    assert 'href="/conduct/sign/"' in client.get("/conduct/embed/").content.decode()
    assert 'href="/ar/conduct/sign/"' in client.get("/ar/conduct/embed/").content.decode()

    Letter.objects.filter(pk=published.pk).update(closes_at=timezone.now())
    serving.forget()
    assert "/sign/" not in client.get("/conduct/embed/").content.decode()


def test_the_embed_is_served_from_memory_and_sets_no_cookie(published, client):
    client.get("/conduct/embed/?language=ar")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get("/conduct/embed/?language=ar")

    assert len(queries) == 0
    assert not response.cookies
    assert (
        client.get(
            "/conduct/embed/?language=ar", headers={"if-none-match": response.headers["ETag"]}
        ).status_code
        == 304
    )


FRAMED = ["/conduct/embed/", "/ar/conduct/embed/", "/conduct/embed/?language=ar"]
NOT_FRAMED = [
    "/",
    "/conduct/",
    "/ar/conduct/",
    "/conduct/share/",
    "/conduct/sign/",
    "/ar/conduct/sign/",
    "/conduct/sign/sent/",
    "/conduct/embed/more/",
    "/fr/conduct/embed/",
    "/draft/embed/",
    "/nothing/embed/",
    "/conduct/editions/",
    "/conduct/editions/1/",
    "/conduct/feed.atom",
    "/conduct/signatories.json",
    "/conduct/signatories.csv",
    "/conduct/letter.txt",
    "/conduct/card-1.png",
    "/conduct/qr.svg",
    "/conduct/confirm/x/",
    "/conduct/signature/x/",
    "/embed.js",
    "/s/1",
    "/admin/",
    "/admin/login/",
    "/healthz",
    "/robots.txt",
    "/nothing/",
]


@pytest.mark.parametrize("path", NOT_FRAMED)
def test_nothing_else_stands_in_a_frame(published, client, path):
    Letter.objects.create(slug="draft", title="Draft")

    response = client.get(path)

    assert response.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"].split("; ")


@pytest.mark.parametrize("path", FRAMED)
def test_the_embed_stands_in_any_frame_and_is_strict_otherwise(published, client, path):
    response = client.get(path)

    policy = set(response.headers["Content-Security-Policy"].split("; "))
    usual = set(client.get("/conduct/").headers["Content-Security-Policy"].split("; "))
    assert response.status_code == 200
    assert "X-Frame-Options" not in response.headers
    assert policy ^ usual == {"frame-ancestors *", "frame-ancestors 'none'"}
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.headers["X-Robots-Tag"] == "noindex"
    etag = {"if-none-match": response.headers["ETag"]}
    assert "X-Frame-Options" not in client.get(path, headers=etag).headers


def test_the_script_for_other_sites_has_an_address_that_stays(published, client):
    response = client.get("/embed.js")

    assert response.headers["Content-Type"].startswith("text/javascript")
    assert "max-age=3600" in response.headers["Cache-Control"]
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert b"document.currentScript" in response.content


# --- Badges ----------------------------------------------------------------------------


def test_a_badge_says_who_signed_what(published, client):
    line_id = line_of(published, "Alpha Union")

    svg = client.get(f"/conduct/badge/{line_id}.svg")
    png = client.get(f"/conduct/badge/{line_id}.png")

    root = ET.fromstring(svg.content)  # noqa: S314  our own
    assert svg.headers["Content-Type"] == "image/svg+xml"
    assert root.get("role") == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "Alpha Union signed “A code of conduct”"
    # Outlines: nobody needs a font to see it.
    assert not list(root.iter(f"{SVG}text"))
    assert png.headers["Content-Type"] == "image/png"
    width, height = pictures.BADGE_SIZE
    assert Image.open(io.BytesIO(png.content)).size == (3 * width, 3 * height)
    for response in (svg, png):
        assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize(
    "name", ["مركز & <b>PAX</b>", "人权组织", "Правозащитный центр", "W" * 250, "#x $y$"]
)
def test_a_badge_for_any_name(published, client, work, name):
    approve(published, work, name)

    for base in ("/conduct/", "/ar/conduct/"):
        response = client.get(f"{base}badge/{line_of(published, name)}.svg")
        assert name in ET.fromstring(response.content)[0].text  # noqa: S314  our own


def test_a_badge_has_the_name_that_is_printed_in_its_language(published, client, work):
    other_names = {"ar": "اتحاد ألفا"}
    Signatory.objects.filter(name="Alpha Union").update(other_names=other_names)
    approve(published, work)
    line_id = line_of(published, "Alpha Union")

    titles = [
        ET.fromstring(client.get(f"{base}badge/{line_id}.svg").content)[0].text  # noqa: S314  our own
        for base in ("/conduct/", "/ar/conduct/")
    ]

    assert titles[0].startswith("Alpha Union signed")
    assert "اتحاد ألفا" in titles[1]
    assert "Alpha" not in titles[1]


def test_a_badge_goes_with_the_line(published, client, work):
    gone = line_of(published, "Alpha Union")
    redacted = line_of(published, "منظمة السلام")
    addresses = [
        f"/conduct/badge/{each}.{end}" for each in (gone, redacted) for end in ("svg", "png")
    ]
    assert {client.get(each).status_code for each in addresses} == {200}

    moderation.decide(Signatory.objects.get(line_id=gone).pk, Event.WITHDRAW, by=moderation.CONTACT)
    redact(published, redacted, at=timezone.now())
    work()

    assert {client.get(each).status_code for each in addresses} == {404}


def test_what_was_taken_out_has_no_badge_even_before_the_next_edition(published, client):
    line_id = line_of(published, "Alpha Union")
    redact(published, line_id, at=timezone.now())

    assert client.get(f"/conduct/badge/{line_id}.svg").status_code == 404


@pytest.mark.parametrize(
    "path", ["badge/nobody.svg", "badge/{}.gif", "badge/{}.svg/", "badge/.svg"]
)
def test_there_is_no_other_badge(published, client, path):
    line_id = line_of(published, "Alpha Union")

    assert client.get(f"/conduct/{path.format(line_id)}").status_code == 404
    assert client.get(f"/fr/conduct/badge/{line_id}.svg").status_code == 404
    assert client.post(f"/conduct/badge/{line_id}.svg").status_code == 405


def test_a_badge_is_not_drawn_again_for_a_new_edition(published, client, work, monkeypatch):
    address = f"/conduct/badge/{line_of(published, 'Alpha Union')}.svg"
    first = client.get(address).content
    SignatoryFactory(letter=published, name="Zarga", state=Signatory.State.APPROVED)
    request_publication(published, at=timezone.now())
    kept = dict(serving._past)
    work()  # which forgets everything, as no process does
    serving._past.update(kept)
    monkeypatch.setattr(pictures, "badge", None)

    assert client.get("/conduct/card-1.png").status_code == 302
    assert client.get(address).content == first


def test_whoever_asks_for_many_badges_leaves_threads_to_readers(published, client):
    line_id = line_of(published, "Alpha Union")
    places = [serving._drawing.acquire(blocking=False) for _ in range(serving.DRAWING_AT_MOST)]

    refused = client.get(f"/conduct/badge/{line_id}.svg")
    for _ in places:
        serving._drawing.release()

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert client.get(f"/conduct/badge/{line_id}.svg").status_code == 200


def test_a_crowd_has_a_picture_drawn_once():
    tries = []
    inside = threading.Event()

    def make():
        tries.append(1)
        inside.wait(5)
        return b"x"

    answers = []
    first = threading.Thread(
        target=lambda: answers.append(serving.drawn(("p",), "image/png", make))
    )
    first.start()
    second = threading.Thread(
        target=lambda: answers.append(serving.drawn(("p",), "image/png", make))
    )
    second.start()
    inside.set()
    first.join()
    second.join()

    assert ([each.body for each in answers], tries) == ([b"x", b"x"], [1])


def test_what_typst_cannot_draw_is_said():
    with pytest.raises(CannotBeMade, match='does not contain key "frame"'):
        typesetting.picture("card.typ", {}, "en", {"format": "png"})


def test_the_contacts_page_has_the_badge_once_the_line_is_listed(published, client, work):
    listed = Signatory.objects.get(name="Alpha Union")
    waiting = SignatoryFactory(letter=published, name="Waiting", state=Signatory.State.PENDING)

    page = client.get(f"/conduct/signature/{new_link(listed)}/").content.decode()
    other = client.get(f"/conduct/signature/{new_link(waiting)}/").content.decode()

    typed = html.unescape(
        re.search(r'<textarea[^>]*id="badge-html"[^>]*>(.*?)</textarea>', page)[1]
    )
    assert typed == (
        f'<a href="http://testserver/conduct/signatory/{listed.line_id}/">'
        f'<img src="http://testserver/conduct/badge/{listed.line_id}.svg" width="264" height="100"'
        ' alt="Alpha Union signed “A code of conduct”"></a>'
    )
    source = re.search(r'src="(/conduct/badge/[^"]*)"', page)[1]
    assert client.get(source).status_code == 200
    assert "/badge/" not in other


# --- Short link, QR code, the page ------------------------------------------------------


def test_the_short_link_leads_to_the_letter(published, client):
    response = client.get(f"/s/{published.pk}")

    assert (response.status_code, response.headers["Location"]) == (302, "/conduct/")


def test_the_short_link_of_a_draft_or_of_nothing_leads_nowhere(published, client):
    draft = Letter.objects.create(slug="draft", title="Draft")

    for pk in (draft.pk, 0, 10**6, 10**30):
        assert client.get(f"/s/{pk}").status_code == 404


def test_the_qr_code_is_a_picture_with_its_quiet_zone(published, client):
    svg = client.get("/conduct/qr.svg")
    png = client.get("/conduct/qr.png")

    title = ET.fromstring(svg.content).find(f"{SVG}title")  # noqa: S314  our own
    assert title.text == "QR code with the address of “A code of conduct”"
    picture = Image.open(io.BytesIO(png.content)).convert("L")
    assert picture.width == picture.height >= 900
    # Four modules of white on each side (ISO/IEC 18004 §9.1).
    left, top, right, bottom = picture.point(lambda shade: 255 - shade).getbbox()
    assert {left, top, picture.width - right, picture.height - bottom} == {4 * sharing._QR_SCALE}
    assert client.get("/conduct/qr.gif").status_code == 404


def test_the_share_page_has_everything_to_take_along(published, client):
    page = client.get("/ar/conduct/share/").content.decode()
    typed = [html.unescape(each) for each in re.findall(r"<textarea[^>]*>(.*?)</textarea>", page)]

    assert 'href="/ar/conduct/share/"' in client.get("/ar/conduct/").content.decode()
    assert '<meta name="robots" content="noindex">' in page
    assert typed == [
        '<script async src="http://testserver/embed.js" data-letter="conduct"></script>',
        '<iframe src="http://testserver/ar/conduct/embed/" title="مدونة سلوك" lang="ar" width="100%"'
        ' height="560" style="border: 0" loading="lazy"></iframe>',
    ]
    assert f"http://testserver/s/{published.pk}" in page
    links = set(re.findall(r'(?:href|src)="(?:http://testserver)?(/[^"]*)"', page))
    for link in links - {each for each in links if each.startswith("/static/")}:
        assert client.get(link).status_code in {200, 302}, link
    assert {
        "/conduct/qr.svg",
        "/conduct/qr.png",
        "/ar/conduct/letter.pdf",
        "/ar/conduct/feed.atom",
    } <= links


@pytest.mark.parametrize("end", ["share/", "embed/", "card-1.png", "qr.svg", "qr.png"])
def test_drafts_missing_letters_and_languages_have_none_of_it(published, client, end):
    Letter.objects.create(slug="draft", title="Draft")

    for base in ("/draft/", "/nothing/", "/fr/conduct/"):
        assert client.get(f"{base}{end}").status_code == 404
    assert client.post(f"/conduct/{end}").status_code == 405


@pytest.mark.parametrize("number", [0, 2, 10**30])
def test_there_is_no_card_of_an_edition_that_is_not(published, client, number):
    assert client.get(f"/conduct/card-{number}.png").status_code == 404


def test_coordinators_find_the_share_page(published, client, editor):
    client.force_login(editor)

    desk = client.get(f"/admin/letter/letter/{published.pk}/change/").content.decode()

    assert 'href="/conduct/share/"' in desk
