"""A letter as plain files, which any web server or archive can keep for ever, and anyone can verify.

`pages_of` says what there is: everything that the site serves of a letter but what needs somebody to answer (forms, and
comparisons of any two editions). Each page is made as it is written, so that memory does not grow with the history. The
copy is put together beside its place and moved there when it is whole and its own check (`verify_archive.py`) holds.

The same database, date and address give the same bytes.
"""

import hashlib
import posixpath
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from letter import by_country, documents, history, paper, sharing, verify_archive
from letter import history_documents as past
from letter.documents import page_url
from letter.models import Edition, Letter, Listing, Text
from letter.relinking import DeadLink, Relinker

SUMS: Final = "SHA256SUMS"
# A hash in a static file's name, as the storage of static files puts it there.
_HASH: Final = re.compile(r"\.[0-9a-f]{12}(?=\.[^.]+$)")
# What a static file loads by itself.
_LOADED: Final = {
    ".css": re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)"""),
    ".js": re.compile(r"""\b(?:from|import)\s*\(?["'](\.[^"']+)"""),
}


class CannotArchive(Exception):
    """No copy can be made, or not there; says why."""


@dataclass(frozen=True)
class Page:
    """One file of the copy: at which address the site serves it, what it is made by, and of which edition it is."""

    address: str
    make: Callable[[], bytes]
    edition: int = 0


@dataclass(frozen=True)
class Archived:
    """What was made."""

    edition: Edition
    file_count: int
    byte_count: int
    sums_digest: str


def pages_of(letter: Letter, edition: Edition, made_on: date) -> Iterator[Page]:
    """Everything that a copy of a letter has, up to its newest edition."""
    newest = edition.number
    listings = letter.listings.in_edition(newest).listed()
    for made in documents.make(letter, edition, listings, archived_on=made_on):
        yield Page(page_url(letter, made.language), partial(b"".join, made.pieces))
    for view, pieces in (("letter:json", past.edition_json), ("letter:csv", past.edition_csv)):
        address = reverse(view, args=[letter.slug])
        yield Page(address, partial(b"".join, pieces(letter, newest)))
    yield Page(reverse("letter:schema"), documents.schema)
    for language in edition.revision.texts():
        base = page_url(letter, language)
        yield Page(f"{base}countries/", partial(by_country.countries_page, letter, language))
        yield Page(f"{base}countries.json", partial(by_country.countries_json, letter, language))
        yield Page(
            f"{base}embed/", partial(sharing.embed_page, letter, language, documents.ARCHIVED)
        )
        yield from _on_paper(letter, edition, language)
    yield from _lines(letter, edition)
    yield from _delivered(letter)
    languages = history.languages(letter)
    for language in languages:
        base = page_url(letter, language)
        yield Page(f"{base}feed.atom", partial(past.feed, letter, language))
        make = partial(past.editions_page, letter, language, archived=True)
        for page in range(1, past.pages_of_editions(newest) + 1):
            query = f"?page={page}" if page > 1 else ""
            yield Page(f"{base}editions/{query}", partial(make, page))
        make = partial(past.revision_page, letter, language, archived=True)
        revisions = letter.revisions.filter(editions__isnull=False)
        for number in revisions.order_by("number").values_list("number", flat=True).distinct():
            yield Page(f"{base}revisions/{number}/", partial(make, number))
    for number in range(1, newest + 1):
        address = reverse("letter:edition_json", args=[letter.slug, number])
        yield Page(address, partial(b"".join, past.edition_json(letter, number)), number)
        for language in languages:
            yield from _of_edition(letter, language, number, newest)


def _of_edition(letter: Letter, language: str, number: int, newest: int) -> Iterator[Page]:
    """An edition as it stood, with what it brought and what has changed since."""
    base = f"{page_url(letter, language)}editions/"
    make = partial(past.edition_page, letter, language, number, archived=True)
    yield Page(f"{base}{number}/", make, number)
    compare = partial(past.comparison_page, letter, language, archived=True)
    pairs = (
        {(number - 1, number), (number, newest)} if number < newest - 1 else {(number - 1, number)}
    )
    for older, newer in sorted(pairs - {(0, 1)}):
        yield Page(f"{base}{older}/{newer}/", partial(compare, older, newer), number)


def _lines(letter: Letter, edition: Edition) -> Iterator[Page]:
    """Where the lasting links to lines lead, which are in mails and on other sites."""
    language = letter.default_language
    text = edition.revision.texts()[language]
    listings = letter.listings.in_edition(edition.number).in_order()
    for number, listing in enumerate(listings, start=1):
        if listing.redacted_at is None:
            address = documents.line_url(letter, language, listing.line_id)
            yield Page(address, partial(_line_page, letter, text, number, listing))


def _line_page(letter: Letter, text: Text, number: int, listing: Listing) -> bytes:
    with translation.override(text.language):
        context = {
            "frame": documents.frame_of(text.language),
            "text": text,
            "line": documents.line_html(listing, letter),
            "number": number,
            "url": f"{page_url(letter, text.language)}#{documents.anchor_of(number)}",
        }
        return render_to_string("letter/archived_line.html", context).encode()


def _delivered(letter: Letter) -> Iterator[Page]:
    """What was handed over, on paper; where no font shows all of its words there is none, as on the site."""
    delivered = Edition.objects.filter(deliveries__letter=letter).distinct().order_by("number")
    for edition in delivered.select_related("revision__letter"):
        listings = list(letter.listings.in_edition(edition.number))
        for language, text in history.texts_of(edition).items():
            with translation.override(language):
                listed = documents.words_of(letter, listings)
                has_pdf = "pdf" in documents.paper_urls(letter, text, listed)
            if has_pdf:
                address = f"{page_url(letter, language)}editions/{edition.number}/letter.pdf"
                make = partial(past.edition_pdf, letter, language, edition.number)
                yield Page(address, make)


def _on_paper(letter: Letter, edition: Edition, language: str) -> Iterator[Page]:
    text = edition.revision.texts()[language]
    if card := documents.card_url(letter, edition, text):
        address = card.removeprefix(settings.BASE_URL)
        yield Page(address, partial(paper.body_of, letter, edition, text, paper.CARD))
    with translation.override(language):
        listed = documents.words_of(letter, letter.listings.current())
        urls = documents.paper_urls(letter, text, listed)
    for kind, address in urls.items():
        yield Page(address, partial(paper.body_of, letter, edition, text, kind))


def file_of(address: str, letter: Letter) -> str:
    """The path in the copy of what the site serves at an address of this letter."""
    path, _, query = address.partition("?")
    parts = [part for part in path.split("/") if part]
    if letter.slug in parts[:2]:  # behind a language, or first
        parts.remove(letter.slug)
    if query:
        parts.append(query.replace("=", "-"))
    if path.endswith("/"):
        parts.append("index.html")
    return "/".join(parts)


def archive(
    letter: Letter,
    folder: Path,
    *,
    made_on: date,
    url: str = "",
    replace: bool = False,
    say: Callable[[str], None] = lambda _words: None,
) -> Archived:
    """Write a copy of a public letter into a folder that is empty or not there; raises CannotArchive.

    `url`: the address at which the copy will be, for links that have to be absolute. `replace`: what lies in the folder
    may be an earlier copy, which is removed. `say` is told how far it is. Where it fails nothing is left behind.
    """
    folder = folder.resolve()
    _refuse_what_is_there(folder, replace=replace)
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    earlier = folder.with_name(f"{draft.name}.old")
    try:
        draft.mkdir(parents=True)
        with one_moment():
            archived = _write(letter.pk, draft, made_on=made_on, url=url, say=say)
        say("Checking the copy")
        found = next(verify_archive.problems(str(draft)), None)
        if found:
            raise CannotArchive(f"The copy does not hold: {found}.")
        if folder.exists():
            folder.rename(earlier)
        draft.rename(folder)
    except OSError as error:
        raise CannotArchive(f"It cannot be written: {error}.") from error
    finally:
        if earlier.exists() and not folder.exists():
            earlier.rename(folder)
        for leftover in (draft, earlier):
            shutil.rmtree(leftover, ignore_errors=True)
    return archived


def _refuse_what_is_there(folder: Path, *, replace: bool) -> None:
    """Only an empty folder, or a whole copy and nothing else, makes way for a new one."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CannotArchive(f"{folder} is a file. Name a folder that is empty or does not exist.")
    if not any(folder.iterdir()):
        return
    if not (folder / SUMS).is_file():
        raise CannotArchive(
            f"{folder} is not empty, and not a copy made earlier. Name a folder that is empty or does not exist."
        )
    if not replace:
        raise CannotArchive(f"{folder} has a copy made earlier. Say --replace to replace it.")
    listed = {line[66:] for line in (folder / SUMS).read_text(encoding="utf-8").splitlines()}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name != SUMS and name not in listed:
            raise CannotArchive(f"{folder} has {name}, which no copy made. Move it away first.")


@contextmanager
def one_moment() -> Iterator[None]:
    """All that is read within is of one moment, whatever is published meanwhile; nobody who writes waits for it."""
    if connection.in_atomic_block:  # one moment already, or a test's
        yield
        return
    mode = getattr(connection, "transaction_mode", None)
    if connection.vendor == "sqlite":
        # As it is set for writers, a transaction would hold them up for as long as this takes.
        connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]  # SQLite's alone
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    finally:
        if connection.vendor == "sqlite":
            connection.transaction_mode = mode  # type: ignore[attr-defined]


def _write(
    key: int, folder: Path, *, made_on: date, url: str, say: Callable[[str], None]
) -> Archived:
    letter = Letter.objects.public().filter(pk=key).first()
    if letter is None:
        raise CannotArchive("The letter is a draft: nothing of it is public yet.")
    edition = letter.newest_edition()
    if edition is None:
        raise CannotArchive("No edition of the letter has been published yet.")
    say("The letter, its list and its forms for paper")
    sums: dict[str, str] = {}
    size = 0

    def keep(path: str, body: bytes) -> None:
        nonlocal size
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        sums[path] = hashlib.sha256(body).hexdigest()
        size += len(body)

    try:
        pages = list(pages_of(letter, edition, made_on))
        files = {page.address: file_of(page.address, letter) for page in pages}
        # Pages lead to it, and it is written last.
        files[f"{letter.get_absolute_url()}README.txt"] = "README.txt"
        for language in history.languages(letter):
            editions = f"{page_url(letter, language)}editions/"
            files[f"{editions}?page=1"] = files[editions]
        links = Relinker(files, base=url)
        at = 0
        for page in pages:
            if page.edition > at:
                at = page.edition
                say(f"Edition {at} of {edition.number}")
            keep(files[page.address], _relinked(links, page))
    except DeadLink as error:
        raise CannotArchive(f"{error}.") from error
    except paper.CannotBeMade as error:
        raise CannotArchive(f"The letter cannot be set on paper: {error}.") from error
    say("Style sheets and this copy’s own files")
    for name, body in _static_files(links.static):
        keep(f"static/{name}", body)
    keep("verify.py", Path(verify_archive.__file__).read_bytes())
    keep("README.txt", _readme(letter, edition, made_on, len(sums) + 2))
    listed = "".join(f"{digest}  {path}\n" for path, digest in sorted(sums.items())).encode()
    (folder / SUMS).write_bytes(listed)
    return Archived(edition, len(sums) + 1, size + len(listed), hashlib.sha256(listed).hexdigest())


def _relinked(links: Relinker, page: Page) -> bytes:
    body, file = page.make(), links.files[page.address]
    if file.endswith(".html"):
        return links.page(body, page.address)
    if file.endswith(".atom"):
        return links.feed(body, page.address)
    if file.endswith("signatories.json"):
        return links.list(body, page.address)
    return body


def _static_files(names: set[str]) -> Iterator[tuple[str, bytes]]:
    """The static files of these names, and those that they load."""
    waiting, done = sorted(names), set()
    while waiting:
        name = waiting.pop()
        if name in done:
            continue
        done.add(name)
        body = _static_file(name)
        yield name, body
        loaded = _LOADED.get(posixpath.splitext(name)[1])
        if loaded:
            for link in loaded.findall(body.decode()):
                if not link.startswith(("data:", "#")):
                    waiting.append(
                        posixpath.normpath(posixpath.join(posixpath.dirname(name), link))
                    )


def _static_file(name: str) -> bytes:
    if staticfiles_storage.exists(name):
        with staticfiles_storage.open(name) as file:
            return bytes(file.read())
    # Not collected: the source of that name, which may have the hash of its content in it.
    source = finders.find(name) or finders.find(_HASH.sub("", name))
    if not source:
        raise CannotArchive(f"There is no static file {name}.")
    return Path(source).read_bytes()


def _readme(letter: Letter, edition: Edition, made_on: date, file_count: int) -> bytes:
    with translation.override(letter.default_language):
        context = {
            "title": documents.shown_as(letter)[1],
            "url": settings.BASE_URL + letter.get_absolute_url(),
            "edition": edition,
            "made_on": made_on,
            "file_count": file_count,
            "is_final": letter.state == Letter.State.CLOSED,
        }
        return render_to_string("letter/archive_readme.txt", context).encode()
