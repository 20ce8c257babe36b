"""The past of a letter, as readers, feed readers and those who verify it meet it."""

import json
import re
from datetime import timedelta
from html import unescape
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from letter import history, serving
from letter.models import Edition, Letter, Listing, Revision, RevisionText
from letter.publishing import redact
from tests.factories import NOW, RevisionTextFactory, make_letter
from tests.letter.atom import faults
from tests.letter.test_publishing import line, put_out

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def lived(letter):
    """Four editions: two names, one joins, one is corrected and one leaves, the text is revised."""
    put_out(letter, line("PAX", ["NL"]), line("INSEC", ["NP"]))
    put_out(letter, line("PAX", ["NL"]), line("INSEC", ["NP"]), line("Zarga", ["SD"]), at=hour(1))
    put_out(letter, line("PAX Netherlands", ["NL"], key="pax"), line("Zarga", ["SD"]), at=hour(2))
    RevisionTextFactory(
        revision__letter=letter,
        revision__number=2,
        revision__kind=Revision.Kind.SUBSTANTIVE,
        revision__note="A second demand.",
        revision__published_at=hour(3),
        body="We ask for a new **code of conduct**.\n\nAnd for reasons.",
    )
    put_out(letter, line("PAX Netherlands", ["NL"], key="pax"), line("Zarga", ["SD"]), at=hour(3))
    return letter


def revise(letter, at, **bodies):
    """A revised text with these bodies by language, published then."""
    revision = Revision.objects.create(
        letter=letter,
        number=letter.revisions.count() + 1,
        kind=Revision.Kind.EDITORIAL,
        published_at=at,
    )
    for language, body in bodies.items():
        RevisionTextFactory(revision=revision, language=language, body=body)


def hour(number):
    return NOW + timedelta(hours=number)


def words(response):
    """What a page says, without its tags, white space folded."""
    html = re.sub(r"</?(a|bdi|em|q|strong|sup)\b[^>]*>", "", response.content.decode())
    text = re.sub(r"<[^>]+>", "\n", html)
    return " ".join(unescape(text).split())


def items(response, css_class="signatories"):
    """The lines of the lists of this class, as they are printed."""
    found = []
    html = response.content.decode()
    for block in re.findall(rf'<[uo]l class="{css_class}".*?</[uo]l>', html, flags=re.DOTALL):
        found += re.findall(r"<li[^>]*>(.*?)</li>", block, flags=re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", "", item)).split()) for item in found]


def test_each_edition_says_who_joined_and_who_left(lived, client):
    page = client.get("/conduct/editions/")
    said = words(page)

    assert page.status_code == 200
    assert re.findall(r"Edition (\d)\b", said) == ["4", "3", "2", "1"]
    assert items(page, "names") == [
        "INSEC (Nepal)",  # left
        "PAX (Netherlands), now PAX Netherlands (Netherlands)",
        "Zarga (Sudan)",
        "INSEC (Nepal)",
        "PAX (Netherlands)",
    ]
    assert "1 organisation left 1 line corrected Left INSEC (Nepal) Corrected PAX" in said
    assert "The text was revised, and what the letter asks for changed. A second demand." in said
    for edition in Edition.objects.all():
        assert edition.digest in said


def test_an_edition_is_shown_as_it_stood_and_says_so(lived, client):
    page = client.get("/conduct/editions/2/")

    assert items(page) == ["INSEC (Nepal)", "PAX (Netherlands)", "Zarga (Sudan)"]
    assert "This is edition 2 of 4, as it stood on 3 March 2025, 10:00 (UTC)." in words(page)
    assert "We ask for a code of conduct." in words(page)
    assert "And for reasons." in words(client.get("/conduct/editions/4/"))
    assert "This is edition 4, the newest," in words(client.get("/conduct/editions/4/"))


def test_search_engines_keep_to_the_letter_of_today(lived, client):
    """Else whoever has left the list would be found by it for ever."""
    for path in ("", "2/", "1/3/"):
        html = client.get(f"/conduct/editions/{path}").content.decode()
        assert '<meta name="robots" content="noindex">' in html
        assert '<link rel="latest-version" href="/conduct/">' in html
    for path in ("editions/2/", "editions/2/signatories.json", "feed.atom"):
        assert client.get(f"/conduct/{path}").headers["X-Robots-Tag"] == "noindex"
    assert "X-Robots-Tag" not in client.get("/conduct/").headers


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("5/", "“5” is not the number of an edition of this letter."),
        ("0/", "“0” is not the number"),
        ("99999999999999999999/", "It has 4, numbered from 1 to 4."),
        ("2/9/", "“9” is not the number"),
        ("compare/?from=2&to=vier", "“vier” is not the number"),
        ("compare/?from=2", "No number was given."),
        ("compare/?from=-1&to=²", "“-1” is not the number"),
    ],
)
def test_an_edition_that_does_not_exist_is_told_in_words(lived, client, path, says):
    response = client.get(f"/conduct/editions/{path}")

    assert response.status_code == 404
    assert says in words(response)


@pytest.mark.parametrize(
    "path",
    [
        "/conduct/editions/?page=2",
        "/conduct/editions/?page=0",
        "/conduct/editions/?page=x",
        "/conduct/editions/5/signatories.json",
        "/conduct/revisions/3/",
        "/conduct/revisions/99999999999999999999/",
        "/fr/conduct/editions/",
        "/fr/conduct/editions/2/",
        "/fr/conduct/revisions/2/",
        "/nothing/editions/",
        "/nothing/feed.atom",
    ],
)
def test_what_does_not_exist_is_not_found(lived, client, path):
    assert client.get(path).status_code == 404


def test_nothing_of_a_draft_is_told(lived, client):
    Letter.objects.update(state=Letter.State.DRAFT)

    for path in (
        "editions/",
        "editions/1/",
        "editions/1/signatories.json",
        "editions/1/2/",
        "editions/9/",
        "revisions/1/",
        "feed.atom",
    ):
        assert client.get(f"/conduct/{path}").status_code == 404
        assert b"PAX" not in client.get(f"/conduct/{path}").content


def test_two_editions_are_compared_in_either_order(lived, client):
    page = client.get("/conduct/editions/1/4/")

    assert items(page, "names") == [
        "Zarga (Sudan)",
        "INSEC (Nepal)",
        "PAX (Netherlands), now PAX Netherlands (Netherlands)",
    ]
    assert "/conduct/revisions/2/" in page.content.decode()
    assert client.get("/conduct/editions/4/1/").headers["Location"] == "/conduct/editions/1/4/"
    form = client.get("/conduct/editions/compare/?from=4&to=1")
    assert (form.status_code, form.headers["Location"]) == (302, "/conduct/editions/1/4/")
    same = words(client.get("/conduct/editions/2/2/"))
    assert "Both have the same lines." in same
    assert "Both have the same text." in same


def test_a_text_is_compared_with_the_one_before_word_by_word(lived, client):
    html = client.get("/conduct/revisions/2/").content.decode()
    article = html[html.index("<article") : html.index("</article>")]

    assert re.findall(r"<ins>(.*?)</ins>", article) == [
        '<span class="unseen">[added: </span>new <span class="unseen"> end]</span>',
        '<span class="unseen">[added: </span>And for reasons.<span class="unseen"> end]</span>',
    ]
    assert "<del>" not in article
    assert "A second demand." in html
    assert "This is the first text." in words(client.get("/conduct/revisions/1/"))


def test_the_letter_leads_to_its_past(lived, client):
    html = client.get("/conduct/").content.decode()

    assert 'href="/conduct/editions/"' in html
    assert 'href="/conduct/revisions/2/"' in html
    assert re.search(
        r'<link rel="alternate"\s+type="application/atom\+xml"\s+href="/conduct/feed.atom"', html
    )


def test_a_letter_with_one_text_leads_to_no_comparison(letter, client):
    put_out(letter, line("PAX"))

    assert "/revisions/" not in client.get("/conduct/").content.decode()


def test_words_that_were_replaced_unsigned_are_not_shown_as_those_of_then(letter, client):
    put_out(letter)
    text = RevisionText.objects.get()
    text.body = "Better words."
    text.save()
    put_out(letter, line("PAX"), at=hour(1))

    first = client.get("/conduct/editions/1/")
    assert "Better words." not in words(first)
    assert "are not kept" in words(first)
    assert client.get("/conduct/editions/1/signatories.json").json()["revision"]["texts"] == {}
    assert "The text was changed before anyone had signed it." in words(client.get("/conduct/editions/"))  # fmt: skip
    assert "Better words." in words(client.get("/conduct/editions/2/"))


def test_a_redacted_line_is_gone_from_every_page_at_once(lived, client):
    paths = ["editions/", "editions/1/", "editions/1/signatories.json", "editions/2/3/", "feed.atom"]  # fmt: skip
    before = {path: client.get(f"/conduct/{path}") for path in paths}
    assert all(b"INSEC" in response.content for response in before.values())

    redact(lived, "insec", at=hour(30))

    for path in paths:
        after = client.get(f"/conduct/{path}", headers={"if-none-match": before[path]["ETag"]})
        assert after.status_code == 200, path
        assert b"INSEC" not in after.content
        assert b"Nepal" not in after.content
    assert items(client.get("/conduct/editions/1/"))[0] == "taken out at the organisation’s request"


def test_an_edition_before_the_letter_was_grouped_by_country_is_not_cut_into_pieces(letter, client):
    put_out(letter, line("Amani", ["CD"]), line("INSEC", ["NP"]), line("PAX", ["CD"]))
    Letter.objects.update(ordering=Letter.Ordering.COUNTRY)
    serving.forget()

    page = client.get("/conduct/editions/1/")

    assert page.content.decode().count('<ol class="signatories"') == 1
    assert len(items(page)) == 3


def test_a_line_taken_out_stays_in_the_group_of_its_country(letter, client):
    Letter.objects.update(ordering=Letter.Ordering.COUNTRY)
    kivu = [line(name, ["CD"]) for name in ("Amani", "Bana", "Centre")]
    put_out(letter, *kivu, line("INSEC", ["NP"]))

    redact(letter, "bana", at=hour(1))

    page = client.get("/conduct/editions/1/")
    headings = re.findall(r'<h3 class="roll-group">(.*?)</h3>', page.content.decode())
    assert [re.sub(r"<[^>]+>", "", heading) for heading in headings] == [
        "Democratic Republic of the Congo (3)",
        "Nepal (1)",
    ]
    assert len(items(page)) == 4


def test_what_is_remembered_of_the_past_has_an_end(lived, client, monkeypatch):
    monkeypatch.setattr(serving, "PAST_MEMORY", 20_000)
    paths = [f"/conduct/editions/{n}/" for n in range(1, 5)]
    bodies = [client.get(path).content for path in paths]

    assert sum(len(each.body) for each in serving._past.values()) <= 20_000
    assert [client.get(path).content for path in paths] == bodies


def test_editions_are_kept_by_browsers_for_minutes_and_cost_no_second_body(lived, client):
    for path in ("editions/2/", "editions/2/signatories.json", "editions/1/2/"):
        first = client.get(f"/conduct/{path}", headers={"accept-encoding": "gzip"})
        again = client.get(
            f"/conduct/{path}",
            headers={"accept-encoding": "gzip", "if-none-match": first.headers["ETag"]},
        )

        assert first.headers["Cache-Control"] == serving.PAST_CACHE_CONTROL
        assert first.cookies == {}
        assert (again.status_code, again.content) == (304, b"")


def test_one_more_edition_is_seen_on_every_page(lived, client):
    assert "of 4" in words(client.get("/conduct/editions/2/"))
    etag = client.get("/conduct/editions/2/signatories.json").headers["ETag"]

    put_out(lived, line("Zarga", ["SD"]), at=hour(9))

    assert "of 5" in words(client.get("/conduct/editions/2/"))
    assert "Edition 5" in words(client.get("/conduct/editions/"))
    assert client.get("/conduct/editions/2/signatories.json").headers["ETag"] == etag


def many(letter, count, *, first=1):
    """Editions from number `first` on, each with a line more and every third with one less."""
    lines = [line(f"Founder {number}") for number in range(4)]
    for number in range(first, first + count):
        lines = [*lines[number % 3 == 0 :], line(f"Joiner {number}")]
        put_out(letter, *lines, at=hour(number))


@pytest.mark.parametrize(
    "path",
    ["editions/", "editions/2/", "editions/2/signatories.json", "editions/1/3/", "feed.atom"],
)
def test_the_number_of_queries_does_not_grow_with_the_history(letter, client, path, monkeypatch):
    monkeypatch.setattr(serving, "FRESH_FOR", 60)  # whatever else the machine does

    def queries():
        serving.forget()
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/conduct/{path}").status_code == 200
        return len(captured)

    many(letter, 3)
    few = queries()
    many(letter, 20, first=4)

    assert queries() == few
    assert few <= 13
    with CaptureQueriesContext(connection) as captured:
        client.get(f"/conduct/{path}")
    assert len(captured) == 2  # is there a newer edition, was a line taken out


def test_the_list_of_editions_is_paged_and_long_ones_are_cut(letter, client, monkeypatch):
    monkeypatch.setattr("letter.history_documents.EDITIONS_ON_A_PAGE", 4)
    monkeypatch.setattr("letter.history_documents.NAMED", 3)
    many(letter, 9)

    pages = [client.get(f"/conduct/editions/?page={number}") for number in (1, 2, 3)]

    numbers = [
        [int(each) for each in re.findall(r'id="edition-(\d+)"', page.content.decode())]
        for page in pages
    ]
    assert numbers == [[9, 8, 7, 6], [5, 4, 3, 2], [1]]
    assert "Page 2 of 3" in words(pages[1])
    assert "and 2 more" in words(pages[2])
    assert client.get("/conduct/editions/?page=4").status_code == 404


def test_hundreds_who_joined_at_once_are_folded(letter, client):
    put_out(letter, *(line(f"Founder {number:03}") for number in range(300)))

    page = client.get("/conduct/editions/")

    assert "<summary>Joined (300)</summary>" in page.content.decode()
    assert len(items(page, "names")) == 200
    assert "and 100 more" in words(page)


def test_another_order_is_no_correction(letter, client):
    put_out(letter, line("Amani"), line("PAX"))
    put_out(letter, line("Amani", sort_as="Zz"), line("PAX"), at=hour(1))

    said = words(client.get("/conduct/editions/1/2/"))
    assert "1 line took another place" in said
    assert "Corrected" not in said


def schema(client):
    response = client.get("/schemas/signatories-1.json")
    assert response.headers["Content-Type"] == "application/schema+json"
    return response.json()


def test_what_is_served_as_json_follows_the_published_schema(lived, client):
    redact(lived, "insec", at=hour(5))
    put_out(lived, line("Zarga", ["SD"], label=""), line("Wide", [], label="World"), at=hour(6))
    document_schema = schema(client)
    jsonschema.Draft202012Validator.check_schema(document_schema)
    validator = jsonschema.Draft202012Validator(document_schema)

    served = [client.get("/conduct/signatories.json").json()]
    served += [client.get(f"/conduct/editions/{n}/signatories.json").json() for n in range(1, 6)]

    for document in served:
        assert [error.message for error in validator.iter_errors(document)] == []
        assert document["$schema"].endswith("/schemas/signatories-1.json")
    assert served[0] == served[5]
    assert served[1]["signatories"][0]["redacted"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.update(edition="3"),
        lambda document: document.update(digest="abc"),
        lambda document: document.pop("previous_digest"),
        lambda document: document["signatories"][0].update(countries=["Kenya"]),
        lambda document: document["signatories"][0].update(name=""),
        lambda document: document["signatories"][0].update(redacted=True),
        lambda document: document["revision"]["texts"]["en"].pop("closing_line"),
    ],
)
def test_the_schema_refuses_what_is_no_list(lived, client, spoil):
    validator = jsonschema.Draft202012Validator(schema(client))
    document = client.get("/conduct/signatories.json").json()
    assert validator.is_valid(document)

    spoil(document)

    assert not validator.is_valid(document)


def entries(client, path="/conduct/feed.atom"):
    return ET.fromstring(client.get(path).content).findall(f"{ATOM}entry")  # noqa: S314  ours


def test_every_feed_that_is_served_is_valid_by_the_schema_of_atom(lived, client):
    """RFC 4287, by tests/letter/atom.rng: of one entry, of many, after a redaction, in another language."""
    Letter.objects.update(title="“Ümlaut” & <b>co</b>")
    revise(lived, hour(4), en="Other words.", ar="نطلب.")
    redact(lived, "insec", at=hour(5))
    put_out(lived, line("A & <b>"), line("Zarga", ["SD"]), at=hour(6))

    for path in ("/conduct/feed.atom", "/ar/conduct/feed.atom"):
        assert faults(client.get(path).content) == []
    other = make_letter(slug="new", title="New")
    put_out(other)
    assert faults(client.get("/new/feed.atom").content) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"<author>.*?</author>", ""),
        (r"<id>(.*?)</id>", r"<id>\1</id><id>\1</id>"),
        (r"<id>urn:uuid:", "<id>"),
        (r"<title>.*?</title>", ""),
        (r"<subtitle>", "<tagline/><subtitle>"),
        (r"(<subtitle>.*?</subtitle>)", r"\1\1"),
        (r"(<updated>.*?)(Z|\+00:00)</updated>", r"\1</updated>"),
        (r"<updated>2", "<updated>on 2"),
        (r"</author>", "<email>nobody</email></author>"),
        (r"<name>", "<Name/><name>"),
        (r'<link [^>]*rel="alternate"[^>]*>(</link>)?(?!<link)', ""),
        (r'(<link [^>]*rel="alternate"[^>]*>(</link>)?)', r"\1\1"),
        (r' href="', ' uri="'),
        (r'type="html"', 'type="markdown"'),
        (r"<entry>(.*?)</entry>", r"<entry>\1</entry><rights>none</rights>"),
        (r"(<entry>.*?</entry>)", r"\1\1"),
        (r'xml:lang="en"', 'xml:lang="English, mostly"'),
    ],
)
def test_the_schema_of_atom_refuses_what_is_no_feed(lived, client, old, new):
    feed = client.get("/conduct/feed.atom").content.decode()
    spoilt = feed
    for found in re.finditer(old, feed, flags=re.DOTALL):
        # The last one, which is an entry's where entries have it, too.
        spoilt = feed[: found.start()] + found.expand(new) + feed[found.end() :]

    assert spoilt != feed
    assert faults(spoilt.encode())


def test_the_feed_is_atom(lived, client):
    """RFC 4287: what §4.1.1 and §4.1.2 require, and that ids differ and times are RFC 3339."""
    response = client.get("/conduct/feed.atom")
    feed = ET.fromstring(response.content)  # noqa: S314  ours
    listed = feed.findall(f"{ATOM}entry")

    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert response.headers["Cache-Control"] == serving.CACHE_CONTROL
    assert feed.tag == f"{ATOM}feed"
    for element in (feed, *listed):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
            assert element.find(f"{ATOM}{name}").text
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", element.find(f"{ATOM}updated").text
        )
    assert feed.find(f"{ATOM}author/{ATOM}name").text == "The undersigned"
    links = {(each.get("rel"), each.get("href")) for each in feed.findall(f"{ATOM}link")}
    assert {rel for rel, _href in links} == {"self", "alternate"}
    ids = [each.find(f"{ATOM}id").text for each in (feed, *listed)]
    assert len(set(ids)) == len(ids) == 5
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", each) for each in ids)
    assert [each.find(f"{ATOM}title").text for each in listed] == [
        "Edition 4: the text changed",
        "Edition 3: 1 organisation left; 1 line corrected",
        "Edition 2: 1 organisation joined",
        "Edition 1: 2 organisations joined",
    ]
    assert "<bdi>Zarga</bdi> <bdi>(Sudan)</bdi>" in listed[2].find(f"{ATOM}summary").text


def test_entries_keep_their_ids_and_are_updated_where_a_line_is_taken_out(lived, client):
    before = {e.find(f"{ATOM}link").get("href"): e for e in entries(client)}

    redact(lived, "insec", at=hour(50))
    put_out(lived, line("Zarga", ["SD"]), at=hour(60))

    after = {e.find(f"{ATOM}link").get("href"): e for e in entries(client)}
    assert len(after) == 5
    for link, entry in before.items():
        assert after[link].find(f"{ATOM}id").text == entry.find(f"{ATOM}id").text
    changed = [
        link
        for link, entry in before.items()
        if after[link].find(f"{ATOM}updated").text != entry.find(f"{ATOM}updated").text
    ]
    assert [link.rsplit("/", 2)[1] for link in changed] == ["3", "1"]


def test_the_feed_has_the_last_fifty(letter, client):
    many(letter, 52)

    assert [int(re.search(r"\d+", e.find(f"{ATOM}title").text)[0]) for e in entries(client)] == [
        *range(52, 2, -1)
    ]


def test_names_that_xml_cannot_hold_do_not_break_the_feed(letter, client):
    Letter.objects.update(title="A \x0bletter")
    put_out(letter, line("<b>PAX\uffff & co</b>"))

    assert len(entries(client)) == 1


def test_in_another_language_the_past_is_read_there(letter, client):
    RevisionTextFactory(revision=letter.revisions.get(), language="ar", title="مدونة", body="نطلب.")
    put_out(letter, line("PAX", ["NL"]), line("مركز", ["JO"], key="m"))

    page = client.get("/ar/conduct/editions/1/")
    html = page.content.decode()

    assert '<html lang="ar" dir="rtl">' in html
    assert "نطلب." in words(page)
    assert items(page) == ["PAX (هولندا)", "مركز (الأردن)"]
    assert 'href="/conduct/editions/1/"' in html
    assert client.get("/ar/conduct/editions/").status_code == 200
    assert client.get("/ar/conduct/revisions/1/").status_code == 200
    feed = client.get("/ar/conduct/feed.atom").content
    assert b'xml:lang="ar"' in feed


def test_a_translation_has_all_pages_of_the_past_also_from_before_it_came(lived, client):
    """Else its list of editions would lead to pages that do not exist."""
    revise(lived, hour(4), en="Other words.", fr="Nous demandons.")
    put_out(lived, line("PAX", ["NL"]), at=hour(5))

    before = client.get("/fr/conduct/editions/1/")
    assert "We ask for a code of conduct." in words(before)
    assert '<article class="letter" lang="en" dir="ltr">' in before.content.decode()
    assert "Nous demandons." in words(client.get("/fr/conduct/editions/5/"))
    html = [client.get(f"{path}/conduct/editions/1/").content.decode() for path in ("/fr", "")]
    assert [page.count('<p class="notice">') for page in html] == [1, 0]
    for path in ("editions/", "editions/1/5/", "revisions/1/", "revisions/3/", "feed.atom"):
        assert client.get(f"/fr/conduct/{path}").status_code == 200, path
    listed = client.get("/fr/conduct/editions/").content.decode()
    for path in re.findall(r'href="(/fr/conduct/[^"#]*)"', listed):
        assert client.get(path).status_code == 200, path


def test_a_translation_that_a_revision_dropped_keeps_its_past(letter, client):
    RevisionTextFactory(revision=letter.revisions.get(), language="fr", body="Nous demandons.")
    put_out(letter, line("PAX"))
    revise(letter, hour(1), en="Other words.")
    put_out(letter, line("PAX"), at=hour(1))

    page = client.get("/fr/conduct/editions/1/")

    assert "Nous demandons." in words(page)
    assert client.get("/fr/conduct/").status_code == 404
    assert '<link rel="latest-version" href="/conduct/">' in page.content.decode()
    assert 'href="/fr/conduct/"' not in page.content.decode()
    assert client.get("/fr/conduct/editions/").status_code == 200


def test_an_edition_leads_to_its_place_in_the_list_on_whichever_page_that_is(
    letter, client, monkeypatch
):
    monkeypatch.setattr("letter.history_documents.EDITIONS_ON_A_PAGE", 4)
    many(letter, 9)

    for number in range(1, 10):
        page = client.get(f"/conduct/editions/{number}/").content.decode()
        path, anchor = re.search(r'href="([^"]*)#(edition-\d+)"', page).groups()
        assert anchor == f"edition-{number}"
        assert f'id="{anchor}"' in client.get(path).content.decode()


NAMES = ["Amnesty", "INSEC", "PAX", "Zarga", "Éducation", "مركز", "和平"]
STEPS = st.lists(
    st.one_of(
        st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", " Union"])),
        st.tuples(st.just("redact"), st.sampled_from(NAMES)),
    ),
    min_size=1,
    max_size=8,
)


class AnyHistory(TestCase):
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=STEPS)
    def test_an_edition_reads_today_as_it_was_published_then(self, steps):
        letter = make_letter(slug="any")
        serving.forget()
        client = Client()
        published: dict[int, list[tuple[str, str]]] = {}
        redacted: set[str] = set()
        for step in steps:
            lines = {}
            if isinstance(step, tuple):
                redact(letter, step[1], at=NOW)
                if Listing.objects.filter(letter=letter, line_id=step[1]).exists():
                    redacted.add(step[1])
            else:
                lines = step
            edition = put_out(
                letter, *(line(name + more, key=name) for name, more in lines.items())
            )
            if edition:
                rows = letter.listings.current().in_order()
                published[edition.number] = [(row.line_id, row.name) for row in rows]

        for number, rows in published.items():
            page = client.get(f"/any/editions/{number}/")
            document = json.loads(client.get(f"/any/editions/{number}/signatories.json").content)
            expected = [
                "taken out at the organisation’s request" if key in redacted else f"{name} (Kenya)"
                for key, name in rows
            ]
            assert items(page) == expected
            assert [each["id"] for each in document["signatories"]] == [key for key, _n in rows]

        for older, rows in published.items():
            for newer in range(older, len(published) + 1):
                before, after = dict(rows), dict(published[newer])
                found = history.between(letter, older, newer)
                assert {each.line_id for each in found.joined} == after.keys() - before.keys()
                assert {each.line_id for each in found.left} == before.keys() - after.keys()
                assert {pair[0].line_id for pair in found.changed} == {
                    key
                    for key in before.keys() & after.keys()
                    if before[key] != after[key] and key not in redacted
                }


def test_the_link_to_a_line_lasts_while_its_number_moves(letter, client):
    put_out(letter, line("PAX", key="pax"))
    assert client.get("/conduct/signatory/pax/").headers["Location"] == "/conduct/#n1"

    put_out(letter, line("PAX", key="pax"), line("INSEC"))
    moved = client.get("/conduct/signatory/pax/")

    assert (moved.status_code, moved.headers["Location"]) == (302, "/conduct/#n2")
    assert '<li id="n2"><bdi>PAX</bdi>' in client.get("/conduct/").content.decode()
    put_out(letter, line("INSEC"))
    gone = client.get("/conduct/signatory/pax/")
    assert gone.status_code == 404
    assert "This organisation is not on the list" in words(gone)


def test_two_editions_far_apart_are_compared_in_their_words(lived, client):
    RevisionTextFactory(
        revision__letter=lived,
        revision__number=3,
        revision__kind=Revision.Kind.EDITORIAL,
        revision__published_at=hour(5),
        body="We ask for a newer **code of conduct**.\n\nAnd for reasons.",
    )
    put_out(lived, line("PAX Netherlands", ["NL"], key="pax"), at=hour(5))

    page = client.get("/conduct/editions/1/5/").content.decode()

    added = re.findall(r"<ins>(.*?)</ins>", page, flags=re.DOTALL)
    assert len(added) == 2
    assert "newer" in added[0]
    assert "And for reasons." in added[1]
    assert "<ins>" not in client.get("/conduct/editions/1/2/").content.decode()
