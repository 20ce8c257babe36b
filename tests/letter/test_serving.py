"""Public documents: the same bytes for everyone, with validators, and no query per visitor."""

import csv
import gzip
import io
import json
import re
import threading
import time
from dataclasses import replace
from datetime import timedelta

import brotli
import pytest
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from letter import documents, serving
from letter.models import Letter, Revision
from letter.publishing import request_publication
from signatories.models import Signatory
from signatories.worker import run_due
from tests.factories import RevisionTextFactory, SignatoryFactory, make_letter


@pytest.fixture
def published(letter, work):
    """The letter with three organisations on its list."""
    for name, countries in [("PAX", ["NL"]), ("INSEC", ["NP"]), ("Centre Kivu", ["CD", "RW"])]:
        SignatoryFactory(
            letter=letter, name=name, countries=countries, state=Signatory.State.APPROVED
        )
    request_publication(letter, at=timezone.now())
    work()
    return letter


def lines(html):
    """The list's lines as a script would read them."""
    items = re.findall(r"<li id=\"n[^>]*>(.*?)</li>", html, flags=re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", "", item).split()) for item in items]


def test_the_page_has_the_list_in_order(published, client):
    response = client.get("/conduct/")

    assert response.status_code == 200
    assert lines(response.content.decode()) == [
        "Centre Kivu (Democratic Republic of the Congo, Rwanda)",
        "INSEC (Nepal)",
        "PAX (Netherlands)",
    ]
    assert response.content.decode().count('<ol class="signatories"') == 1


def test_no_cookie_is_set_and_none_is_looked_at(published, client):
    client.cookies["sessionid"] = "whatever"
    response = client.get("/conduct/")

    assert response.cookies == {}
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["Cache-Control"] == serving.CACHE_CONTROL


@pytest.mark.parametrize(
    "path", ["/conduct/", "/conduct/signatories.json", "/conduct/signatories.csv", "/"]
)
def test_a_second_visitor_costs_no_query(published, client, path, monkeypatch):
    monkeypatch.setattr(serving, "FRESH_FOR", 60)  # whatever else the machine does
    client.get(path)

    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)

    assert (response.status_code, len(queries)) == (200, 0)


@pytest.mark.parametrize(
    "path", ["/conduct/", "/conduct/signatories.json", "/conduct/signatories.csv"]
)
def test_strong_etags_and_304(published, client, path):
    plain = client.get(path)
    zipped = client.get(path, headers={"accept-encoding": "gzip, deflate"})
    brotli_coded = client.get(path, headers={"accept-encoding": "gzip, deflate, br, zstd"})

    assert gzip.decompress(zipped.content) == plain.content
    assert brotli.decompress(brotli_coded.content) == plain.content
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert brotli_coded.headers["Content-Encoding"] == "br"
    tags = [each.headers["ETag"] for each in (plain, zipped, brotli_coded)]
    assert len(set(tags)) == 3
    assert not any(tag.startswith("W/") for tag in tags)
    for headers, etag in [
        ({}, tags[0]),
        ({"accept-encoding": "gzip"}, tags[1]),
        ({"accept-encoding": "br"}, tags[2]),
    ]:
        again = client.get(path, headers={**headers, "if-none-match": f'"other", {etag}'})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, *", "gzip"),
        ("br;q=0, *;q=0.1", "gzip"),
        ("gzip;q=0, *", "br"),
        ("gzip;q=0", None),
        ("identity, gzip;q=0, br;q=0, *", None),
        ("identity;q=1, gzip;q=0.1", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("", None),
        ("deflate, zstd", None),
        ("gzip;q=nonsense", None),
    ],
)
def test_compressed_only_as_is_accepted(published, client, accepted, encoding):
    response = client.get("/conduct/", headers={"accept-encoding": accepted})

    assert response.headers.get("Content-Encoding") == encoding


def test_head_answers_like_get_without_a_body(published, client):
    got, head = client.get("/conduct/"), client.head("/conduct/")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == got.headers["ETag"]


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_the_page_is_only_read(published, client, method):
    assert getattr(client, method)("/conduct/").status_code == 405


def test_a_new_edition_is_seen_within_a_second(published, client, work, monkeypatch):
    client.get("/conduct/")
    now = time.monotonic()
    SignatoryFactory(
        letter=published, name="Zarga", countries=["SD"], state=Signatory.State.APPROVED
    )
    request_publication(published, at=timezone.now())
    run_due()

    monkeypatch.setattr(time, "monotonic", lambda: now + serving.FRESH_FOR)
    assert "Zarga (Sudan)" in lines(client.get("/conduct/").content.decode())


def test_what_is_in_memory_is_served_while_the_database_is_away(published, client, monkeypatch):
    before = client.get("/conduct/").content
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 60)

    def away(*args):
        raise DatabaseError("away")

    monkeypatch.setattr(serving, "_look", away)
    assert client.get("/conduct/").content == before


def test_json_has_what_the_contract_says(published, client):
    response = client.get("/conduct/signatories.json")
    document = json.loads(response.content)
    edition = published.editions.get()

    assert response.headers["Content-Type"] == "application/json"
    assert (document["edition"], document["digest"], document["language"]) == (
        1,
        edition.digest,
        "en",
    )
    assert [
        (each["number"], each["name"], each["countries"], each["label"])
        for each in document["signatories"]
    ] == [
        (1, "Centre Kivu", ["CD", "RW"], "Democratic Republic of the Congo, Rwanda"),
        (2, "INSEC", ["NP"], "Nepal"),
        (3, "PAX", ["NL"], "Netherlands"),
    ]


def test_csv_opens_in_a_spreadsheet_and_runs_nothing(letter, client, work):
    SignatoryFactory(
        letter=letter, name='=HYPERLINK("x")', countries=[], state=Signatory.State.APPROVED
    )
    SignatoryFactory(
        letter=letter, name="Centre, „Kivu“", countries=["CD", "RW"], state=Signatory.State.APPROVED
    )
    request_publication(letter, at=timezone.now())
    work()

    response = client.get("/conduct/signatories.csv")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))

    edition = letter.editions.get()
    of_edition = ["en", "1", f"{edition.published_at:%Y-%m-%dT%H:%M:%SZ}", edition.digest]
    assert rows == [
        ["number", "name", "countries", "label", "language", "edition", "published_at", "digest"],
        ["1", '\'=HYPERLINK("x")', "", "", *of_edition],
        ["2", "Centre, „Kivu“", "CD RW", "Democratic Republic of the Congo, Rwanda", *of_edition],
    ]


@pytest.mark.parametrize("path", ["/conduct/signatories.json", "/conduct/signatories.csv"])
@pytest.mark.parametrize("count", [0, 1, 4, 5])
def test_a_list_that_is_made_in_pieces_is_one_list(letter, client, work, monkeypatch, path, count):
    for number in range(count):
        SignatoryFactory(letter=letter, name=f"Réseau {number}", state=Signatory.State.APPROVED)
    request_publication(letter, at=timezone.now())
    work()
    whole = client.get(path)
    serving.forget()
    monkeypatch.setattr(documents, "LINES_AT_ONCE", 2)

    pieced = client.get(path)

    assert pieced.content == whole.content
    assert pieced.content.decode().count("Réseau") == count
    assert pieced.headers["ETag"] == whole.headers["ETag"]


def test_html_in_a_name_is_shown_as_text(letter, client, work):
    SignatoryFactory(
        letter=letter, name="<script>alert(1)</script>", state=Signatory.State.APPROVED
    )
    request_publication(letter, at=timezone.now())
    work()

    page = client.get("/conduct/").content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_draft_is_seen_by_those_alone_who_may(letter, client, editor, observer):
    Letter.objects.update(state=Letter.State.DRAFT)

    assert client.get("/conduct/").status_code == 404
    assert client.get("/conduct/signatories.json").status_code == 404
    for user in (editor, observer):
        client.force_login(user)
        response = client.get("/conduct/")
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "private, no-store"
    editor.groups.clear()
    client.force_login(editor)
    assert client.get("/conduct/").status_code == 404


def test_the_page_turns_at_the_deadline_by_itself(published, client, work, monkeypatch):
    deadline = timezone.now() + timedelta(hours=1)
    Letter.objects.update(closes_at=deadline, time_zone="Africa/Kinshasa")
    request_publication(published, at=timezone.now())
    work()
    assert "/conduct/sign/" in client.get("/conduct/").content.decode()

    monkeypatch.setattr("letter.views.timezone.now", lambda: deadline)
    page = client.get("/conduct/").content.decode()

    assert "/conduct/sign/" not in page
    assert "PAX (Netherlands)" in lines(page)


def test_the_last_edition_stays_up_until_a_change_is_published(published, client):
    for state in (Letter.State.CLOSED, Letter.State.OPEN):
        Letter.objects.update(state=state, closes_at=timezone.now() - timedelta(days=1))
        serving.forget()

        response = client.get("/conduct/")

        assert response.status_code == 200
        assert len(lines(response.content.decode())) == 3


@pytest.mark.parametrize("ordering", Letter.Ordering)
def test_the_longest_names_in_the_rarest_characters_are_published(letter, work, ordering):
    """PostgreSQL's index rows have an end; SQLite's do not."""
    Letter.objects.update(ordering=ordering)
    for start in (0x20000, 0x21000):
        name = "".join(chr(start + n * 7) for n in range(250))
        SignatoryFactory(
            letter=letter,
            name=name,
            sort_as=name * 2,
            countries=["GS"],
            state=Signatory.State.APPROVED,
        )
    SignatoryFactory(letter=letter, name="\ufdfa" * 250, state=Signatory.State.APPROVED)
    request_publication(letter, at=timezone.now())
    work()

    assert letter.editions.get().organization_count == 3


def test_a_closed_letter_shows_its_final_list_and_no_form(published, client, work):
    Letter.objects.update(state=Letter.State.CLOSED)
    request_publication(published, at=timezone.now())
    work()

    page = client.get("/conduct/").content.decode()

    assert "/conduct/sign/" not in page
    assert len(lines(page)) == 3
    form = client.get("/conduct/sign/")
    assert form.status_code == 200
    assert "<form" not in form.content.decode()


def test_a_text_in_another_language_has_its_own_page(published, client, work):
    newer = RevisionTextFactory(revision__letter=published, revision__number=2).revision
    RevisionTextFactory(
        revision=newer, language="fr", title="Un code de conduite", body="Nous demandons."
    )
    request_publication(published, at=timezone.now())
    work()

    french = client.get("/fr/conduct/").content.decode()

    assert '<html lang="fr" dir="ltr">' in french
    assert "Nous demandons." in french
    assert lines(french)[1:] == ["INSEC (Népal)", "PAX (Pays-Bas)"]
    assert client.get("/de/conduct/").status_code == 404
    page = " ".join(client.get("/conduct/").content.decode().split())
    for code, path in (("en", "/conduct/"), ("fr", "/fr/conduct/"), ("x-default", "/conduct/")):
        assert f'hreflang="{code}" href="{settings.BASE_URL}{path}"' in page


def test_grouped_by_country_the_numbers_run_through(published, client, work):
    Letter.objects.update(ordering=Letter.Ordering.COUNTRY)
    SignatoryFactory(
        letter=published, name="World Union", countries=[], state=Signatory.State.APPROVED
    )
    SignatoryFactory(
        letter=published, name="Amani", countries=["CD"], state=Signatory.State.APPROVED
    )
    request_publication(published, at=timezone.now())
    work()

    page = client.get("/conduct/").content.decode()

    assert [each.partition(" (")[0] for each in lines(page)] == [
        "Amani", "Centre Kivu", "INSEC", "PAX", "World Union",
    ]  # fmt: skip
    assert re.findall(r'<ol class="signatories"(?: start="(\d+)")?>', page) == ["", "3", "4", "5"]


def test_home_is_the_letter_where_there_is_one(published, client):
    assert client.get("/").content == client.get("/conduct/").content


def test_home_lists_letters_where_there_are_several_and_says_so_where_there_is_none(
    published, client, work
):
    other = make_letter(slug="other", title="Another letter")
    request_publication(other, at=timezone.now())
    work()
    page = client.get("/").content.decode()
    assert "A code of conduct" in page
    assert "Another letter" in page

    Letter.objects.update(state=Letter.State.DRAFT)
    serving.forget()
    assert client.get("/").status_code == 200


def test_whoever_reads_what_nobody_read_for_long_waits_for_another_who_is_asking(
    letter, work, monkeypatch
):
    request_publication(letter, at=timezone.now())
    work()
    serving.find_page("conduct", at=timezone.now())
    old = serving._shelves["conduct"]
    old.due_at = time.monotonic() - 60
    fresh = replace(old, due_at=time.monotonic() + 60)
    begun, go_on = threading.Event(), threading.Event()
    got = []

    def look(slug, _shelf):
        begun.set()
        assert go_on.wait(10)
        serving._shelves[slug] = fresh
        return fresh

    monkeypatch.setattr(serving, "_look", look)
    monkeypatch.setattr(serving, "OLD_AFTER", 10)
    threads = [
        threading.Thread(target=lambda: got.append(serving._shelf("conduct"))) for _reader in (1, 2)
    ]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    time.sleep(0.05)  # for it to come to the lock
    go_on.set()
    for thread in threads:
        thread.join()

    assert got == [fresh, fresh]
    assert got[1] is fresh


def test_while_one_looks_at_what_is_signed_the_others_go_on_with_what_there_is(
    published, monkeypatch, django_assert_num_queries
):
    before = serving.text_to_sign("conduct")
    later = time.monotonic() + serving.TEXT_FRESH_FOR
    monkeypatch.setattr(time, "monotonic", lambda: later)
    serving._shelves["conduct"].due_at = later + 60
    looking = Revision.objects.published
    meanwhile = []

    def look():
        with django_assert_num_queries(0):
            meanwhile.append(serving.text_to_sign("conduct"))
        return looking()

    monkeypatch.setattr(Revision.objects, "published", look)
    after = serving.text_to_sign("conduct")

    assert meanwhile == [before]
    assert meanwhile[0] is before
    assert after == before
    assert after is not before


def test_a_reader_does_not_wait_for_ever_while_another_asks_a_database_that_hangs(
    letter, work, monkeypatch
):
    request_publication(letter, at=timezone.now())
    work()
    monkeypatch.setattr(serving, "WAIT_AT_MOST", 0.05)

    with serving._lock, pytest.raises(OperationalError, match="does not answer"):
        serving.find_page("conduct", at=timezone.now())
    page = serving.find_page("conduct", at=timezone.now())
    monkeypatch.setattr(serving, "WAIT_AT_MOST", 60)
    serving._shelves["conduct"].due_at = 0

    with serving._lock:
        assert serving.find_page("conduct", at=timezone.now()) is page
