"""A letter as plain files: any web server keeps them, every link works, and whatever is changed is found and named."""

import hashlib
import json
import random
import re
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import urlopen

import jsonschema
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from letter import digest, verify_archive
from letter.archiving import archive, file_of
from letter.documents import LONG
from letter.models import Delivery, Document, Edition, Letter
from letter.publishing import redact
from letter.relinking import DeadLink, Relinker
from tests.factories import RevisionTextFactory, make_letter
from tests.letter.atom import faults
from tests.letter.test_history import hour, many, revise
from tests.letter.test_publishing import line, put_out

MADE_ON = date(2026, 11, 24)
TEXT = """We ask for a **code of conduct**[^1], as [we did](http://testserver/conduct/editions/1/),
and [you can sign](http://testserver/conduct/sign/). See <https://example.org/?a=1&b=2>,
or write to <mailto:a@example.org>.

[^1]: A note."""


def lived_letter() -> Letter:
    """Five editions: words replaced unsigned, names, translations that come and go, a line taken out, a delivery."""
    letter = make_letter(slug="conduct", title="A code of “conduct” & more")
    pax, kivu = line("PAX", ["NL"]), line("Centre « Kivu »", ["CD", "RW"], key="kivu")
    amman = line("مركز", ["JO"], label="Amman", key="amman")
    zarga = replace(line("Zarga", ["SD"]), other_names={"ar": "زرقة"}, signed_text=3)
    put_out(letter)
    text = letter.revisions.get().bodies.get()
    text.body = TEXT
    text.save()
    put_out(letter, pax, kivu, at=hour(1))
    put_out(letter, pax, kivu, amman, at=hour(2))
    revise(letter, hour(3), en="Other words.", ar="نطلب.", es="Pedimos.")
    put_out(letter, amman, line("Wide <b>", [], label="World", key="wide"), at=hour(3))
    revise(letter, hour(4), en=TEXT, ar="نطلب منكم.")
    put_out(letter, replace(amman, label=""), zarga, at=hour(4))
    redact(letter, "kivu", at=hour(5))
    fourth = letter.editions.get(number=4)
    Delivery.objects.create(letter=letter, edition=fourth, to="missions", delivered_on=MADE_ON)
    return letter


@pytest.fixture(scope="module")
def exported(django_db_setup, django_db_blocker, tmp_path_factory) -> Path:
    """A copy of a letter with a past. Made once: nothing of it needs the database any more."""
    from django.db import transaction

    folder = tmp_path_factory.mktemp("archive") / "some where" / "conduct"
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("export_site", lived_letter().slug, str(folder), made_on=MADE_ON, verbosity=0)
        transaction.set_rollback(True)
    return folder


@pytest.fixture
def copy(exported, tmp_path) -> Path:
    """A copy of it to be spoilt."""
    return Path(shutil.copytree(exported, tmp_path / "copy"))


class Page(HTMLParser):
    """What a page leads to, what it loads, and the ids in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.forms = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids.add(values.get("id", ""))
        self.forms += tag in {"form", "button", "input"}
        if values.get("property") == "og:image":
            self.links.append(values["content"])
        if "src" in values:
            self.loads.append(values["src"])
        if "href" in values:
            fetched = tag == "link" and values["rel"] in {"stylesheet", "icon"}
            (self.loads if fetched else self.links).append(values["href"])


@contextmanager
def served(folder: Path):
    """A plain file server of the folder above; gives the address of the copy, at its path."""

    class Handler(SimpleHTTPRequestHandler):
        def list_directory(self, path):
            self.send_error(404)  # a link to a folder works on some servers only

        def log_message(self, *_args):
            pass

    root = folder.parent.parent
    handler = partial(Handler, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        path = folder.relative_to(root).as_posix().replace(" ", "%20")
        yield f"http://127.0.0.1:{server.server_port}/{path}/"
        server.shutdown()


def crawl(start: str) -> tuple[dict[str, Page | None], set[str]]:
    """Every file that a reader comes to from there, pages read; and the links to elsewhere."""
    seen: dict[str, Page | None] = {}
    elsewhere: set[str] = set()
    fragments: list[tuple[str, str, str]] = []
    waiting = [start]
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        with urlopen(url) as answer:  # noqa: S310  ours; raises where it is not there
            body = answer.read()
        seen[url] = page = Page(body.decode()) if url.endswith(".html") else None
        if page is None:
            continue
        for link in (*page.links, *page.loads):
            target, _, fragment = urljoin(url, link).partition("#")
            if not target.startswith(start.rsplit("/", 1)[0]):
                elsewhere.add(link)
                assert link not in page.loads, f"{url} loads {link}"
                continue
            assert not urlsplit(link).scheme, f"{url} has {link}"
            assert not link.startswith("/"), f"{url} has {link}"
            waiting.append(target)
            if fragment:
                fragments.append((url, target, unquote(fragment)))
    for url, target, fragment in fragments:
        assert fragment in seen[target].ids, f"{url} leads to {target}#{fragment}"
    return seen, elsewhere


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def verified(folder: Path) -> tuple[int, str]:
    """What the copy's own program says of it: its exit status and its words."""
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "verify.py")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd="/",
    )
    return done.returncode, done.stdout + done.stderr


def test_a_copy_on_a_plain_server_has_no_broken_link_and_calls_nobody(exported):
    with served(exported) as address:
        seen, elsewhere = crawl(f"{address}index.html")

    reached = {unquote(url.removeprefix(address)) for url in seen}
    # README.txt names the first three; a first text is compared with none, so no page leads to that.
    assert files_in(exported) - reached == {
        "SHA256SUMS",
        "verify.py",
        "schemas/signatories-1.json",
        *(f"{language}revisions/1/index.html" for language in ("", "ar/", "es/")),
        "countries.json",  # for the search in a long list
        "ar/countries.json",
        # What is on other sites, and in mails, where the copy takes the place of the site.
        *(f"{language}embed/index.html" for language in ("", "ar/")),
        "static/letter/embed.css",
        "static/letter/embed_frame.js",
        *(name for name in files_in(exported) if name.startswith("signatory/")),
    }
    # The letter's own words alone lead elsewhere, one of them to what a copy cannot do.
    assert elsewhere == {
        "https://example.org/?a=1&b=2",
        "mailto:a@example.org",
        "http://testserver/conduct/sign/",
    }


def test_a_copy_has_all_languages_editions_and_documents(exported):
    names = files_in(exported)

    for language in ("", "ar/"):
        assert {f"{language}{name}" for name in ("index.html", "feed.atom", "letter.txt")} <= names
    for language in ("", "ar/", "es/"):  # the past also in the one that was dropped
        editions = {f"{language}editions/{n}/index.html" for n in range(1, 6)}
        changes = {f"{language}editions/{n}/{n + 1}/index.html" for n in range(1, 5)}
        since = {f"{language}editions/{n}/5/index.html" for n in range(1, 5)}
        assert editions | changes | since <= names
        assert {f"{language}revisions/{n}/index.html" for n in (1, 2, 3)} <= names
    assert "es/index.html" not in names
    assert {f"editions/{n}/signatories.json" for n in range(1, 6)} <= names
    assert {"signatories.json", "signatories.csv", "letter.docx", "letter.pdf"} <= names
    assert [name for name in names if "sign/" in name or "compare" in name] == []


def test_the_page_says_that_it_is_a_copy_and_asks_for_nothing(exported):
    pages = {path: path.read_text(encoding="utf-8") for path in exported.rglob("*.html")}
    letter = pages[exported / "index.html"]

    assert "This is a copy of edition 5, made on" in letter
    assert '<time datetime="2026-11-24">24 November 2026</time>' in letter
    assert "The letter was not closed then" in letter
    assert "Sign for your organisation" not in letter
    assert 'class="signbar signbar-live"' not in letter
    assert '<meta name="robots" content="noindex">' not in letter
    for path, html in pages.items():
        assert Page(html).forms == 0, path
        # All but what it was copied from, and what the letter's own words name.
        ours = re.sub(r'<p class="on-paper">.*?</p>', "", html, flags=re.DOTALL)
        ours = re.sub(r"&lt;http://\S+|\S+/conduct/sign/", "", ours)
        assert "testserver" not in ours, path
        assert "Kivu" not in html, path  # taken out for an organisation in danger
    assert "Delivered on" in letter
    assert "زرقة" in pages[exported / "ar" / "index.html"]
    assert 'href="editions/4/index.html"' in letter


def test_a_closed_letter_says_that_its_list_is_final(letter, tmp_path):
    put_out(letter, line("PAX"))
    Letter.objects.update(state=Letter.State.CLOSED)

    call_command("export_site", "conduct", str(tmp_path / "copy"), verbosity=0)

    html = (tmp_path / "copy" / "index.html").read_text(encoding="utf-8")
    assert "The letter is closed, and the list of signatories is final." in html
    assert "Final list" in html


def test_what_is_not_a_page_is_as_the_site_serves_it(letter, client, tmp_path):
    put_out(letter, line("PAX", ["NL"]))

    call_command("export_site", "conduct", str(tmp_path / "copy"), verbosity=0)

    for name in ("signatories.csv", "letter.txt", "letter.docx", "letter.pdf"):
        assert (tmp_path / "copy" / name).read_bytes() == client.get(f"/conduct/{name}").content
    for name in ("signatories.json", "editions/1/signatories.json"):
        copied = json.loads((tmp_path / "copy" / name).read_bytes())
        was = client.get(f"/conduct/{name}").json()
        assert copied.pop("$schema").endswith("schemas/signatories-1.json")
        assert was.pop("$schema") == "http://testserver/schemas/signatories-1.json"
        assert copied == was


def test_feeds_and_lists_follow_their_schemas(exported):
    schema = json.loads((exported / "schemas" / "signatories-1.json").read_bytes())
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    lists = sorted(exported.rglob("signatories.json"))

    assert len(lists) == 6
    for path in lists:
        document = json.loads(path.read_bytes())
        assert [error.message for error in validator.iter_errors(document)] == []
        assert (path.parent / document["$schema"]).resolve() == exported / "schemas" / "signatories-1.json"  # fmt: skip
    for name in ("feed.atom", "ar/feed.atom", "es/feed.atom"):
        feed = (exported / name).read_bytes()
        assert faults(feed) == []
        assert b"testserver" not in feed
    assert b'href="editions/5/index.html"' in (exported / "feed.atom").read_bytes()


def test_with_an_address_what_has_to_be_absolute_leads_to_the_copy(letter, tmp_path):
    RevisionTextFactory(revision=letter.revisions.get(), language="ar", title="مدونة", body="نطلب.")
    put_out(letter, line("PAX"))
    folder = tmp_path / "copy"

    call_command("export_site", "conduct", str(folder), url="https://archive.example/x", verbosity=0)  # fmt: skip

    html = (folder / "ar" / "index.html").read_text(encoding="utf-8")
    for found in (
        '<link rel="canonical" href="https://archive.example/x/ar/index.html">',
        '<meta property="og:url" content="https://archive.example/x/ar/index.html">',
        'href="https://archive.example/x/index.html"',  # hreflang
        '<a href="editions/index.html"',
    ):
        assert found in html
    feed = (folder / "feed.atom").read_text(encoding="utf-8")
    assert 'href="https://archive.example/x/editions/1/index.html"' in feed
    document = json.loads((folder / "editions" / "1" / "signatories.json").read_bytes())
    assert document["url"] == "https://archive.example/x/index.html"
    assert document["$schema"] == "https://archive.example/x/schemas/signatories-1.json"
    assert verified(folder)[0] == 0


def test_a_long_list_of_editions_becomes_one_file_for_each_page(letter, tmp_path, monkeypatch):
    monkeypatch.setattr("letter.history_documents.EDITIONS_ON_A_PAGE", 4)
    many(letter, 9)
    folder = tmp_path / "a" / "copy"

    call_command("export_site", "conduct", str(folder), verbosity=0)

    assert {f"editions/{page}index.html" for page in ("", "page-2/", "page-3/")} <= files_in(folder)
    with served(folder) as address:
        seen, elsewhere = crawl(f"{address}index.html")
    assert f"{address}editions/page-3/index.html" in seen
    assert elsewhere == set()


def test_links_within_the_entries_of_a_feed_lead_to_files(letter, tmp_path, monkeypatch):
    monkeypatch.setattr("letter.history_documents.NAMED_IN_FEED", 2)
    put_out(letter, line("Amani"))
    put_out(letter, *(line(name) for name in ("Amani", "Bana", "Centre", "Zarga")), at=hour(1))

    call_command("export_site", "conduct", str(tmp_path / "copy"), verbosity=0)

    feed = (tmp_path / "copy" / "feed.atom").read_text(encoding="utf-8")
    assert "&lt;a href=&quot;editions/1/2/index.html&quot;&gt;" in feed
    assert "testserver" not in feed
    assert faults(feed.encode()) == []


def test_a_copy_verifies_itself_with_python_alone(exported):
    newest = json.loads((exported / "signatories.json").read_bytes())["digest"]
    status, said = verified(exported)

    assert status == 0
    assert "All files are as they were exported, and 5 edition(s) hold." in said
    assert newest in said
    assert newest in (exported / "README.txt").read_text(encoding="utf-8")
    sums = (exported / "SHA256SUMS").read_bytes()
    assert hashlib.sha256(sums).hexdigest() in said
    for row in sums.decode().splitlines():
        assert hashlib.sha256((exported / row[66:]).read_bytes()).hexdigest() == row[:64]


def of_edition(name: str) -> str:
    """How the program is to name the edition of a file, by the file's place in the copy."""
    parts = name.split("/")
    if "editions" in parts:
        numbers = [part for part in parts if part.isdecimal()]
        return f"edition {numbers[-1]}" if numbers else ""
    return "" if {"static", "schemas", "revisions", "README.txt"} & set(parts) else "edition 5"


def test_one_changed_byte_in_any_file_is_found_and_the_edition_named(copy):
    """Every file of the copy, at its first, its last and five other places."""
    chance = random.Random(7)  # noqa: S311
    for name in sorted(files_in(copy) - {"SHA256SUMS"}):
        path = copy / name
        whole = path.read_bytes()
        places = {0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(5))}
        for place in places:
            spoilt = bytearray(whole)
            spoilt[place] ^= 1 << chance.randrange(8)
            path.write_bytes(spoilt)

            found = list(verify_archive.problems(str(copy)))

            assert f"{name} was changed" in found[0], (name, place)
            if not name.endswith(("feed.atom", "verify.py")):  # of all editions, or of none
                assert found[0].startswith(of_edition(name)), (name, place)
        path.write_bytes(whole)
    assert list(verify_archive.problems(str(copy))) == []


@given(st.data())
def test_a_changed_byte_of_a_list_is_found_also_where_its_sum_was_made_anew(exported, data):
    """What the digests cover cannot be changed by who can write every file, but for the last digest."""
    number = data.draw(st.integers(min_value=2, max_value=4))
    path = exported / f"editions/{number}/signatories.json"
    document = json.loads(path.read_bytes())
    covered = [(document, "published_at"), (document, "digest"), (document["revision"], "digest")]
    covered += [(each, key) for each in document["revision"]["texts"].values() for key in each]
    covered += [
        (each, key)
        for each in document["signatories"]
        for key in ("name", "salt", "commitment", "label")
    ]
    holder, key = data.draw(st.sampled_from([pair for pair in covered if pair[0][pair[1]]]))
    text = holder[key]
    place = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    holder[key] = text[:place] + ("b" if text[place] == "a" else "a") + text[place + 1 :]

    before = json.loads((exported / f"editions/{number - 1}/signatories.json").read_bytes())
    found = list(verify_archive.wrong_in(document, number, before["digest"]))
    if key == "label" and holder["label_set"] is None:
        assert found == []  # made from the countries, which are covered
    else:
        assert found != []


def test_whoever_mends_the_sums_too_is_found_by_the_chain(copy):
    name = "editions/3/signatories.json"
    path, sums = copy / name, copy / "SHA256SUMS"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text(path.read_text(encoding="utf-8").replace("Amman", "Ammam"), encoding="utf-8")
    after = hashlib.sha256(path.read_bytes()).hexdigest()
    sums.write_text(sums.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")

    status, said = verified(copy)

    assert status == 1
    assert re.findall(r"^WRONG  (edition \d+): line \d+ is not what was published", said) == [
        "edition 3"
    ]
    assert {row.split(":")[0] for row in said.splitlines()} == {"WRONG  edition 3"}


FOURTH = "editions/4/signatories.json"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda copy: (copy / "editions/2/index.html").unlink(), "edition 2: editions/2/index.html is missing"),
        (lambda copy: shutil.rmtree(copy / "editions/4"), f"edition 4: {FOURTH} cannot be read"),
        (lambda copy: (copy / "editions/2/x.html").write_text("x"), "edition 2: editions/2/x.html is not part"),
        (lambda copy: (copy / "SHA256SUMS").write_bytes(b"x\n"), "SHA256SUMS: line 1 is no sum"),
        (lambda copy: (copy / "SHA256SUMS").unlink(), "this is no archived copy"),
        (lambda copy: (copy / FOURTH).write_text("[]"), f"edition 4: {FOURTH} cannot be read"),
        (lambda copy: (copy / FOURTH).write_text('{"a": 1'), f"edition 4: {FOURTH} cannot be read"),
        (
            lambda copy: shutil.copy(copy / FOURTH, copy / "signatories.json"),
            "edition 5, the newest: signatories.json is another list",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_added_or_unreadable_is_told_in_words(copy, spoil, says):
    spoil(copy)

    status, said = verified(copy)

    assert status == 1
    assert says in said
    assert "Traceback" not in said


@given(
    other_names=st.dictionaries(st.sampled_from(["ar", "fr"]), st.text(max_size=5)),
    signed_text=st.none() | st.integers(min_value=1, max_value=9),
    is_told=st.booleans(),
)
def test_the_program_covers_what_a_line_s_commitment_covers(other_names, signed_text, is_told):
    said = {"salt": "ab", "name": "PAX « é »", "countries": ["NL"], "label_set": None}
    if is_told or other_names or signed_text is not None:
        said |= {"other_names": other_names, "signed_text": signed_text}

    assert verify_archive.commitment(said) == digest.commitment(
        "ab", "PAX « é »", ["NL"], None, other_names=other_names, signed_text=signed_text
    )


def test_the_same_state_gives_the_same_bytes_but_for_the_date(letter, tmp_path):
    RevisionTextFactory(revision=letter.revisions.get(), language="ar", title="مدونة", body="نطلب.")
    put_out(letter, line("PAX"))

    def files(name: str, made_on: date) -> dict[str, bytes]:
        archive(letter, tmp_path / name, made_on=made_on)
        return {path: (tmp_path / name / path).read_bytes() for path in files_in(tmp_path / name)}

    first, again, later = (
        files("first", MADE_ON),
        files("again", MADE_ON),
        files("later", date(2027, 1, 1)),
    )

    assert first == again
    assert {name for name in first if first[name] != later[name]} == {
        "README.txt",
        "SHA256SUMS",
        "ar/index.html",
        "index.html",
    }


@pytest.mark.parametrize("is_collected", [False, True])
def test_style_sheets_are_copied_under_the_names_that_pages_use(letter, tmp_path, is_collected):
    storage = {"BACKEND": "config.static.StaticStorage"}
    from django.conf import settings

    with override_settings(
        STORAGES={**settings.STORAGES, "staticfiles": storage}, STATIC_ROOT=tmp_path / "static"
    ):
        if is_collected:
            call_command("collectstatic", interactive=False, verbosity=0)
        put_out(letter, *(line(f"Organisation {number}") for number in range(LONG)))
        folder = tmp_path / "a" / "copy"
        call_command("export_site", "conduct", str(folder), verbosity=0)

    names = {name for name in files_in(folder) if name.startswith("static/")}
    assert {name.split(".")[0] for name in names} == {
        f"static/letter/{name}"
        for name in (
            "by_country",
            "embed",
            "embed_frame",
            "favicon",
            "finding",
            "history",
            "letter",
            "print",
            "tokens",
            "world",
        )
    }
    assert all(len(name.split(".")[1]) == 12 for name in names)
    assert 'data-countries="countries.json"' in (folder / "index.html").read_text(encoding="utf-8")
    with served(folder) as address:
        crawl(f"{address}index.html")


def refused(*arguments, **options) -> str:
    with pytest.raises(CommandError) as raised:
        call_command("export_site", *arguments, verbosity=0, **options)
    return str(raised.value)


def test_what_cannot_be_exported_is_told_in_words_and_leaves_nothing(letter, tmp_path):
    target = tmp_path / "copy"

    assert refused("nothing", str(target)) == "There is no letter “nothing”."
    assert "No edition" in refused("conduct", str(target))
    put_out(letter, line("PAX"))
    Letter.objects.update(state=Letter.State.DRAFT)
    assert "is a draft" in refused("conduct", str(target))
    Letter.objects.update(state=Letter.State.OPEN)
    assert "no address" in refused("conduct", str(target), url="archive.example")
    Edition.objects.update(digest="0" * 64)
    assert "edition 1: its digest is not" in refused("conduct", str(target))
    (tmp_path / "file").write_text("mine")
    assert "is a file" in refused("conduct", str(tmp_path / "file"))
    assert "cannot be written" in refused("conduct", str(tmp_path / "file" / "copy"))

    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


def test_only_an_earlier_copy_is_replaced_and_only_where_that_is_asked_for(letter, tmp_path):
    put_out(letter, line("PAX"))
    folder = tmp_path / "copy"
    folder.mkdir()
    mine = folder / "thesis.txt"
    mine.write_text("mine")

    assert "is not empty" in refused("conduct", str(folder), replace=True)
    mine.unlink()
    call_command("export_site", "conduct", str(folder), verbosity=0)
    assert "--replace" in refused("conduct", str(folder))
    put_out(letter, line("PAX"), line("Zarga"), at=hour(1))
    mine.write_text("mine")
    assert "has thesis.txt, which no copy made" in refused("conduct", str(folder), replace=True)
    assert mine.read_text() == "mine"
    mine.unlink()
    call_command("export_site", "conduct", str(folder), replace=True, verbosity=0)

    assert "editions/2/index.html" in files_in(folder)
    assert verified(folder)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_folder_of_the_copy_is_open_to_the_web_server(exported):
    assert exported.stat().st_mode & 0o055 == 0o055
    assert (exported / "editions" / "1" / "index.html").stat().st_mode & 0o044 == 0o044


@pytest.mark.django_db(transaction=True)
def test_what_is_published_meanwhile_is_not_in_the_copy_and_waits_for_nobody(tmp_path):
    letter = make_letter(slug="conduct")
    put_out(letter, line("PAX"))
    put_out(letter, line("PAX"), line("Zarga"), at=hour(1))
    said: list[str] = []

    def publish() -> None:
        put_out(letter, line("Zarga"), line("Late"), at=hour(2))
        connection.close()

    def say(words: str) -> None:
        said.append(words)
        if words == "Edition 1 of 2":
            thread = threading.Thread(target=publish)
            thread.start()
            thread.join(10)
            assert not thread.is_alive(), "a publication waits for the export"

    archive(letter, tmp_path / "copy", made_on=MADE_ON, say=say)

    assert letter.editions.count() == 3
    assert said[-1] == "Checking the copy"
    assert "Edition 2 of 2" in said
    assert not any(
        b"Late" in (tmp_path / "copy" / name).read_bytes() for name in files_in(tmp_path / "copy")
    )
    assert verified(tmp_path / "copy")[0] == 0


def test_exporting_changes_nothing(letter, tmp_path):
    put_out(letter, line("PAX"))
    before = list(Document.objects.order_by("pk").values_list("pk", "kind", "etag"))

    call_command("export_site", "conduct", str(tmp_path / "copy"), verbosity=0)

    assert list(Document.objects.order_by("pk").values_list("pk", "kind", "etag")) == before


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("/conduct/", "index.html"),
        ("/ar/conduct/", "ar/index.html"),
        ("/conduct/editions/?page=2", "editions/page-2/index.html"),
        ("/zh-hans/conduct/editions/1/2/", "zh-hans/editions/1/2/index.html"),
        ("/conduct/card-4.png", "card-4.png"),
        ("/schemas/signatories-1.json", "schemas/signatories-1.json"),
    ],
)
def test_each_address_has_its_file(address, file):
    assert file_of(address, Letter(slug="conduct")) == file


LINKS = Relinker(
    {
        "/a/": "index.html",
        "/a/x/": "x/index.html",
        "/a/x/?page=2": "x/page-2/index.html",
        "/a/c.png": "c.png",
    }
)
META = '<meta property="og:image" content='


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<a href="/a/x/">', '<a href="x/index.html">'),
        ("<A HREF='/a/x/#y' title='href=\"/\"'>", "<A HREF=\"x/index.html#y\" title='href=\"/\"'>"),
        ("<a href=/a/x/>", '<a href="x/index.html">'),
        ('<a\n href="http://testserver/a/x/?page=2">', '<a\n href="x/page-2/index.html">'),
        (f'{META}"http://testserver/a/c.png">', f'{META}"c.png">'),
        ('<img src="/a/c.png" srcset="/a/c.png 1x, /a/c.png 2x">', '<img src="c.png" srcset="c.png 1x, c.png 2x">'),
        ('é &nbsp;\r\n<!-- <a href="/"> --><a href="/a/">', 'é &nbsp;\r\n<!-- <a href="/"> --><a href="index.html">'),
        (
            '<script type="application/ld+json">{"url": "http://testserver/a/x/", "name": "/a/x/"}</script>',
            '<script type="application/ld+json">{"url": "x/index.html", "name": "/a/x/"}</script>',
        ),
        *((kept, kept) for kept in (
            '<a href="#note">',
            '<a href="https://example.org/?a=1&amp;b=2">',
            '<a href="http://testserver/other/">',
            '<a href="http://testserver.example/a/">',
            '<meta name="description" content="See /a/x/">',
            '<p>&lt;a href="/a/x/"&gt;</p>',
        )),
    ],
)  # fmt: skip
def test_links_are_made_anew_and_all_other_bytes_are_kept(before, after):
    assert LINKS.page(before.encode(), "/a/") == after.encode()


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ('<a href="/a/sign/">', "/a/ leads to /a/sign/, which is not part of the copy"),
        ('<form action="compare/">', "/a/ leads to compare/"),
        ('<a href="?page=9">', "/a/ leads to ?page=9"),
        ('<img src="https://example.org/x.png">', "/a/ loads https://example.org/x.png from elsewhere"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "/a/ loads //example.org/x.css"),
        ('<script src="http://testserver/x.js">', "/a/ leads to http://testserver/x.js"),
    ],
)  # fmt: skip
def test_a_link_to_what_is_not_there_is_named_with_its_page(html, says):
    with pytest.raises(DeadLink, match=re.escape(says)):
        LINKS.page(html.encode(), "/a/")
