"""Any edition as PDF, as it stood: made when it is asked for, one at a time, and kept in memory alone."""

import io
import threading
import unicodedata

import pytest
from pypdf import PdfReader

from letter import logo, paper, serving
from letter.models import Document, Letter, RevisionText
from letter.publishing import redact
from tests.factories import NOW, RevisionTextFactory
from tests.letter.test_history import hour
from tests.letter.test_logo import picture
from tests.letter.test_publishing import line, put_out


@pytest.fixture
def lived(letter):
    """Two editions: two names, and one of them alone."""
    RevisionTextFactory(revision=letter.revisions.get(), language="fr", title="Un code")
    put_out(letter, line("PAX", ["NL"]), line("INSEC", ["NP"]))
    put_out(letter, line("PAX", ["NL"]), at=hour(1))
    return letter


def words_of(response):
    pages = PdfReader(io.BytesIO(response.content)).pages
    text = "\n".join(page.extract_text() for page in pages)
    return " ".join("".join(c for c in text if unicodedata.category(c) != "Cf").split())


def test_each_edition_can_be_had_as_it_stood(lived, client):
    first, second = (client.get(f"/conduct/editions/{number}/letter.pdf") for number in (1, 2))

    assert "1. INSEC (Nepal) 2. PAX (Netherlands)" in words_of(first)
    assert "Edition 1, " in words_of(first)
    assert lived.editions.get(number=1).digest in words_of(first)
    assert "INSEC" not in words_of(second)
    assert first.headers["Content-Disposition"] == 'inline; filename="conduct-edition-1.pdf"'
    assert first.headers["Content-Type"] == "application/pdf"
    assert first.headers["X-Robots-Tag"] == "noindex"
    assert first.headers["Cache-Control"] == serving.PAST_CACHE_CONTROL
    assert not Document.objects.filter(kind="pdf").exists()


def test_its_page_links_to_it_in_the_same_language(lived, client):
    assert 'href="/conduct/editions/1/letter.pdf"' in client.get("/conduct/editions/1/").text
    page = client.get("/fr/conduct/editions/1/").text
    assert 'href="/fr/conduct/editions/1/letter.pdf"' in page
    assert "Un code" in words_of(client.get("/fr/conduct/editions/1/letter.pdf"))


def test_a_page_whose_words_no_font_shows_has_no_link_and_the_pdf_says_why(letter, client):
    put_out(letter, line("Alpha \u0378"))
    put_out(letter, at=hour(1))

    assert "letter.pdf" not in client.get("/conduct/editions/1/").text
    refused = client.get("/conduct/editions/1/letter.pdf")
    assert refused.status_code == 404
    assert "Unknown (\u0378) would be missing" in refused.text
    assert 'href="/conduct/editions/1/"' in refused.text


def test_what_is_not_there_is_said(lived, client):
    assert client.get("/de/conduct/editions/1/letter.pdf").status_code == 404
    assert client.get("/conduct/editions/0/letter.pdf").status_code == 404
    beyond = client.get("/conduct/editions/3/letter.pdf")
    assert beyond.status_code == 404
    assert "“3” is not the number of an edition" in beyond.text
    assert client.get("/nothing/editions/1/letter.pdf").status_code == 404
    assert client.post("/conduct/editions/1/letter.pdf").status_code == 405
    Letter.objects.update(state=Letter.State.DRAFT)
    serving.forget()
    assert client.get("/conduct/editions/1/letter.pdf").status_code == 404


def test_an_edition_whose_words_are_not_kept_has_no_pdf(letter, client):
    put_out(letter)
    RevisionText.objects.filter(revision__letter=letter).update(body="Other words.")
    put_out(letter, line("PAX", ["NL"]), at=hour(1))

    refused = client.get("/conduct/editions/1/letter.pdf")

    assert refused.status_code == 404
    assert "were replaced before anyone had signed them" in refused.text
    assert "has the same words" not in refused.text
    assert "letter.pdf" not in client.get("/conduct/editions/1/").text
    assert client.get("/conduct/editions/2/letter.pdf").status_code == 200


def test_what_was_taken_out_is_in_no_past_pdf_and_the_head_is_that_of_today(lived, client):
    address = "/conduct/editions/1/letter.pdf"
    assert "INSEC" in words_of(client.get(address))

    Letter.objects.update(letterhead="Coalition for a Code")
    serving._shelves["conduct"].due_at = 0  # a second has gone by
    assert words_of(client.get(address)).startswith("Coalition for a Code")
    logo.keep(lived, logo.drawn(io.BytesIO(picture())), "A dove")
    assert len(PdfReader(io.BytesIO(client.get(address).content)).pages[0].images) == 1
    redact(lived, lived.listings.get(name="INSEC").line_id, at=NOW)
    serving._shelves["conduct"].due_at = 0  # a second has gone by
    changed = client.get(address)

    assert "INSEC" not in words_of(changed)


def test_it_is_made_once_and_a_crowd_leaves_the_other_threads_to_readers(lived):
    made, busy = [], []

    def slowly():
        made.append(threading.current_thread().name)
        return b"made"

    def ask():
        try:
            serving.remembered(lived, ("pdf", 1), "application/pdf", slowly, alone=True)
        except serving.Busy:
            busy.append(threading.current_thread().name)

    serving.public_letter("conduct")
    crowd = [threading.Thread(target=ask) for _ in range(8)]
    with serving._making:
        for each in crowd:
            each.start()
        for each in crowd[serving.DRAWING_AT_MOST :]:
            each.join()
        assert made == []
    for each in crowd:
        each.join()

    assert len(made) == 1
    assert len(busy) == len(crowd) - serving.DRAWING_AT_MOST


def test_whoever_comes_while_others_are_made_is_asked_to_wait(lived, client, monkeypatch):
    def busy(*_args, **_kwargs):
        raise serving.Busy

    monkeypatch.setattr(serving, "drawn", busy)

    refused = client.get("/conduct/editions/1/letter.pdf")

    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"
    assert "try again in a few seconds" in refused.content.decode()


def test_a_second_reader_has_it_from_memory(lived, client, monkeypatch):
    first = client.get("/conduct/editions/1/letter.pdf")
    monkeypatch.setitem(paper.FORMATS, "pdf", ("application/pdf", None))

    again = client.get("/conduct/editions/1/letter.pdf")

    assert again.content == first.content
    etag = {"if-none-match": first.headers["ETag"]}
    assert client.get("/conduct/editions/1/letter.pdf", headers=etag).status_code == 304
