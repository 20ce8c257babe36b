"""The newest edition's documents, from this process's memory.

A reader costs no query: a letter's documents are kept as bytes, and the database is asked at most ten times
a second whether there is a newer edition or whether the letter itself has changed. If the database does
not answer, what is in memory is served on. Nothing here looks at cookies or sessions.
`letter.front` stands before it, and before all of Django.
"""

import gzip
import hashlib
import io
import logging
import math
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import brotli
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from letter.documents import etag_from, page_kind
from letter.models import Document, Letter, Revision
from letter.paper import CannotBeMade, made

logger = logging.getLogger(__name__)

FRESH_FOR = 0.1  # seconds between two looks at the database
TEXT_FRESH_FOR = 0.5  # and of those at what is signed, for which a flood of forms asks
LOOK_AGAIN_AFTER = 1.0  # seconds, where it did not answer
KNOWN_FOR = 5.0  # seconds for which that it did not answer is taken for how things stand; a look may take three
# Seconds for which a reader waits while another asks, where nothing is in memory: a database that hangs must
# not take one thread after the other.
WAIT_AT_MOST = 5.0
# What nobody has asked for lately may be of any age: whoever does, waits so long for another who is asking.
OLD_AFTER = 0.5  # seconds since it was due
CACHE_CONTROL = "public, max-age=1, stale-while-revalidate=30, stale-if-error=86400"
# A past edition changes only where a line is taken out for an organisation in danger; five minutes
# is how long a cache between us and a reader may still show it.
PAST_CACHE_CONTROL = "public, max-age=300, stale-if-error=86400"
# How many threads of a process may be busy with pictures and past PDFs; readers need the others.
DRAWING_AT_MOST = 2
BUSY_FOR = "5"  # seconds, of a Retry-After, after which whoever was refused may ask again
PAST_MEMORY = (
    32_000_000  # bytes of what was last asked for of the past; 5,000 lines are about one million
)


class Busy(Exception):
    """So much is asked for at once that takes long to make that this has to wait; soon it need not."""


# What a document can go out as, the best first. Brotli weighs a tenth less, at about the cost of gzip.
ENCODINGS = ("br", "gzip")
BROTLI_QUALITY = 5
GZIP = 31  # zlib's `wbits` for a gzip member with a window of 32 KiB
PIECE = 1 << 18  # bytes of a long document that are in memory at once

# What a document is made as: its bytes, or one piece after the other.
Made = bytes | Iterable[bytes]


@dataclass(frozen=True)
class Served:
    """A document as it goes out, kept compressed; in other encodings from when it is first asked for."""

    content_type: str
    gzipped: bytes
    etag: str
    _encoded: dict[str, bytes] = field(default_factory=dict, compare=False)

    @property
    def body(self) -> bytes:
        """It as it is; made anew each time, for few ask for it."""
        return gzip.decompress(self.gzipped)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.gzipped) + sum(map(len, self._encoded.values()))

    def encoded(self, encoding: str) -> bytes:
        """It in one of ENCODINGS, or plain where that is empty."""
        if encoding == "gzip":
            return self.gzipped
        if not encoding:
            return self.body
        if encoding not in self._encoded:
            self._encoded[encoding] = _brotli_of(self.gzipped)
        return self._encoded[encoding]


def _brotli_of(gzipped: bytes) -> bytes:
    """The same in Brotli, without ever having all of it plain in memory."""
    compressor = brotli.Compressor(quality=BROTLI_QUALITY)
    with gzip.open(io.BytesIO(gzipped)) as plain:
        pieces = [compressor.process(piece) for piece in iter(partial(plain.read, PIECE), b"")]
    return b"".join((*pieces, compressor.finish()))


@dataclass
class Shelf:
    """A letter as this process last saw it, with those of its documents that were asked for."""

    letter: Letter
    version: tuple[Any, ...]  # of `_version`
    due_at: float  # when the database is to be asked again, by the monotonic clock
    edition: int  # the newest one's number; 0 where there is none
    languages: tuple[str, ...]  # those of the page, the letter's default one first
    documents: dict[tuple[str, str], Served | None] = field(default_factory=dict)
    refusals: dict[tuple[str, str], CannotBeMade] = field(default_factory=dict)


@dataclass
class Index:
    """The addresses of the public letters, newest first, and when the database is to be asked again."""

    slugs: list[str]
    due_at: float


_shelves: dict[str, Shelf] = {}
_signed: dict[str, tuple[Revision, float]] = {}
_index = Index([], -math.inf)
_past: OrderedDict[tuple[object, ...], Served] = OrderedDict()
_lock = threading.Lock()
_look_began = -math.inf  # by the monotonic clock; changed under that lock, as the next one
_is_away = False
_past_lock = threading.Lock()
_making = threading.Lock()
_drawing = threading.BoundedSemaphore(DRAWING_AT_MOST)


def forget() -> None:
    """Drop everything from memory; for tests, which put another database under the same process."""
    global _is_away  # noqa: PLW0603
    _shelves.clear()
    _signed.clear()
    _past.clear()
    _index.due_at = -math.inf
    _is_away = False


def public_slugs() -> list[str]:
    """The addresses of the public letters, as of the last second if the database answers."""
    if time.monotonic() >= _index.due_at:
        try:
            newest_first = Letter.objects.public().order_by("-created_at", "-pk")
            _index.slugs = list(newest_first.values_list("slug", flat=True))
        except (DatabaseError, InterfaceError):
            if _index.due_at == -math.inf:
                raise
            _index.due_at = time.monotonic() + LOOK_AGAIN_AFTER
        else:
            _index.due_at = time.monotonic() + FRESH_FOR
    return _index.slugs


def is_away() -> bool:
    """Whether the database did not answer when it was asked last, a few seconds ago at most."""
    return _is_away and time.monotonic() < _look_began + KNOWN_FOR


def _shelf(slug: str) -> Shelf | None:
    """The letter's shelf, as of the last FRESH_FOR if the database answers; None where none is public."""
    global _look_began, _is_away  # noqa: PLW0603
    shelf = _shelves.get(slug)
    if shelf and time.monotonic() < shelf.due_at:
        return shelf
    # One thread looks; the others go on with what they have rather than wait.
    if not _lock.acquire(timeout=_patience(shelf)):
        if shelf:
            return shelf
        raise OperationalError("the database does not answer")
    try:
        shelf = _shelves.get(slug)
        if shelf and time.monotonic() < shelf.due_at:
            return shelf
        _look_began = time.monotonic()
        found = _look(slug, shelf)
    except (DatabaseError, InterfaceError):
        _is_away = True
        if shelf is None:
            raise
        shelf.due_at = time.monotonic() + LOOK_AGAIN_AFTER
        return shelf
    else:
        _is_away = False
        return found
    finally:
        _lock.release()


def _patience(shelf: Shelf | None) -> float:
    """Seconds to wait for whoever is asking the database."""
    if shelf is None:
        return WAIT_AT_MOST
    now = time.monotonic()
    if now < shelf.due_at + OLD_AFTER:
        return 0.0
    # One that hangs is not waited for by one reader after the other.
    return max(0.0, _look_began + OLD_AFTER - now)


def _look(slug: str, shelf: Shelf | None) -> Shelf | None:
    due_at = time.monotonic() + FRESH_FOR
    # Before the letter itself: what changes in between is seen by the next look.
    version = _version(slug)
    if shelf and version and shelf.version == version:
        shelf.due_at = due_at
        return shelf
    letter = Letter.objects.public().filter(slug=slug).first()
    if letter is None:
        _shelves.pop(slug, None)
        return None
    languages = {row.language for row in version if row.kind.startswith(page_kind(""))}
    fresh = Shelf(
        letter=letter,
        version=version,
        due_at=due_at,
        edition=max((row.edition__number for row in version), default=0),
        languages=tuple(
            sorted(languages, key=lambda code: (code != letter.default_language, code))
        ),
    )
    _shelves[slug] = fresh
    return fresh


def _version(slug: str) -> tuple[Any, ...]:
    """What a public letter's shelf depends on, a row for each document, in one query; empty where there is none."""
    documents = Document.objects.filter(letter__in=Letter.objects.public().filter(slug=slug))
    return tuple(
        documents.order_by("kind", "language").values_list(
            "kind",
            "language",
            "etag",
            "edition__number",
            "letter",
            "letter__state",
            "letter__opens_at",
            "letter__closes_at",
            # On paper alone, which is made later, of this very letter.
            "letter__letterhead",
            named=True,
        )
    )


def _document(shelf: Shelf, kind: str, language: str) -> Served | None:
    key = (kind, language)
    if key not in shelf.documents:
        row = Document.objects.filter(letter=shelf.letter, kind=kind, language=language).first()
        shelf.documents[key] = row if row is None else _served(row)
    return shelf.documents[key]


def _served(row: Document) -> Served:
    return Served(row.content_type, bytes(row.body_gzip), row.etag)


def find_page(slug: str, language: str = "", *, at: datetime) -> Served | None:
    """A public letter's page for its status at a moment; None where there is no such letter or no text in the language.

    An empty `language` means the letter's default one.
    """
    shelf = _shelf(slug)
    if shelf is None:
        return None
    status = shelf.letter.status(at=at)
    # Where the letter has just been changed, or cannot be published, the last edition stays up.
    for other in (status, *(each for each in Letter.Status if each != status)):
        if served := _document(shelf, page_kind(other), language or shelf.letter.default_language):
            return served
    return None


def public_letter(slug: str) -> Letter | None:
    """The letter as of the last second; None where none is public under this address."""
    shelf = _shelf(slug)
    return shelf.letter if shelf else None


def text_to_sign(slug: str) -> Revision | None:
    """What is read and signed of a public letter, with the texts, as of the last TEXT_FRESH_FOR; None where nothing is.

    Every sign-on needs it, and in a rush there are hundreds a second. It is everybody's: not to be changed.
    While the database is away it is what there was, so that the form can be shown with what was typed.
    """
    # Here one thread alone waits for a database that does not answer.
    if _shelf(slug) is None:
        return None
    now = time.monotonic()
    revision, due_at = _signed.get(slug, (None, now))
    if now >= due_at and not (revision and _is_away):
        if revision and now < due_at + OLD_AFTER:
            # While one thread looks the others go on with what there is.
            _signed[slug] = (revision, now + TEXT_FRESH_FOR)
        published = Revision.objects.published().filter(
            letter__in=Letter.objects.public().filter(slug=slug)
        )
        revision = published.select_related("letter").prefetch_related("bodies").first()
        if revision is None:
            _signed.pop(slug, None)
        else:
            _signed[slug] = (revision, now + TEXT_FRESH_FOR)
    return revision


def newest_number(letter: Letter) -> int:
    """Its newest edition's number as of the last second; 0 where there is none."""
    shelf = _shelf(letter.slug)
    return shelf.edition if shelf else 0


def languages(letter: Letter) -> tuple[str, ...]:
    """The languages of its page as of the last second, the letter's default one first."""
    shelf = _shelf(letter.slug)
    return shelf.languages if shelf else ()


def remembered(
    letter: Letter,
    key: tuple[object, ...],
    content_type: str,
    make: Callable[[], Made],
    *,
    alone: bool = False,
) -> Served:
    """What `make` makes, from memory where it was made for the same key and nothing was published since.

    `alone` for what takes so long or so much memory that it is made one at a time in each process: see `drawn`.
    """
    shelf = _shelves.get(letter.slug)
    key = (letter.slug, shelf and shelf.version, *key)
    if alone:
        return drawn(key, content_type, make)
    return _kept(key, content_type, make)


def drawn(key: tuple[object, ...], content_type: str, make: Callable[[], Made]) -> Served:
    """What takes long to make, from memory where it was made for the same key, whatever was published since.

    One is made at a time. Raises Busy where DRAWING_AT_MOST threads make or wait already, so that whoever asks for
    the pictures of thousands of lines leaves readers the other threads.
    """
    if served := _recalled(key):
        return served
    if not _drawing.acquire(blocking=False):
        raise Busy
    try:
        with _making:
            return _kept(key, content_type, make)
    finally:
        _drawing.release()


def _kept(key: tuple[object, ...], content_type: str, make: Callable[[], Made]) -> Served:
    if served := _recalled(key):
        return served
    body = make()
    digest, compressor = hashlib.sha256(), zlib.compressobj(6, wbits=GZIP)
    gzipped = []
    for piece in (body,) if isinstance(body, bytes) else body:
        digest.update(piece)
        gzipped.append(compressor.compress(piece))
    gzipped.append(compressor.flush())
    served = Served(content_type, b"".join(gzipped), etag_from(digest))
    with _past_lock:
        _past[key] = served
        while sum(each.size for each in _past.values()) > PAST_MEMORY:
            _past.popitem(last=False)
    return served


def _recalled(key: tuple[object, ...]) -> Served | None:
    with _past_lock:
        if key in _past:
            _past.move_to_end(key)
        return _past.get(key)


def find_or_make(slug: str, kind: str, language: str = "") -> Served | None:
    """A public letter on paper, as stored or as made now; None where there is no such letter or language.

    Raises CannotBeMade, which is remembered until the letter changes. One is made at a time in each process, so
    that a crowd that asks for a new edition at once has it made once, and its memory is needed once.
    """
    shelf = _shelf(slug)
    if shelf is None:
        return None
    key = (kind, language or shelf.letter.default_language)
    if served := _document(shelf, *key):
        return served
    with _making:
        if key in shelf.refusals:
            raise shelf.refusals[key]
        if shelf.documents.get(key) is None:
            try:
                row = made(shelf.letter, *key)
            except CannotBeMade as refusal:
                logger.warning("letter %s cannot be had as %s in %s: %s", slug, *key, refusal)
                shelf.refusals[key] = refusal
                raise
            shelf.documents[key] = None if row is None else _served(row)
            # The next look takes a new shelf, which knows of it and so notices when it is removed.
            shelf.version = (*shelf.version, key)
        return shelf.documents[key]


def respond(
    request: HttpRequest, served: Served, cache_control: str = CACHE_CONTROL
) -> HttpResponse:
    """The document with its validators; 304 where the client has it (RFC 9110 §13.1.2, §15.4.5)."""
    encoding = encoding_for(request.headers.get("Accept-Encoding", ""))
    # A strong validator names one sequence of bytes, so each encoding has its own (§8.8.3.3).
    etag = f'"{served.etag}-{encoding}"' if encoding else f'"{served.etag}"'
    response: HttpResponse
    if is_named(etag, request.headers.get("If-None-Match", "")):
        response = HttpResponseNotModified()
    else:
        response = HttpResponse(served.encoded(encoding), content_type=served.content_type)
        if encoding:
            response["Content-Encoding"] = encoding
    response["ETag"] = etag
    response["Cache-Control"] = cache_control
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


@lru_cache(maxsize=1000)  # browsers say the same few things
def encoding_for(accept_encoding: str) -> str:
    """The one of ENCODINGS that is wanted most (RFC 9110 §12.5.3); empty where none is acceptable."""
    weights: dict[str, float] = {}
    for item in accept_encoding.lower().split(","):
        coding, _, parameters = item.partition(";")
        name, _, value = parameters.strip().partition("=")
        try:
            weights[coding.strip()] = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    others = weights.get("*", 0.0)
    wanted = {coding: weights.get(coding, others) for coding in ENCODINGS}
    if "gzip" not in weights:
        wanted["gzip"] = weights.get("x-gzip", others)
    best = max(wanted, key=lambda coding: wanted[coding])
    # Whoever says nothing of `identity` takes it as the last resort.
    return best if wanted[best] > 0 and wanted[best] >= weights.get("identity", 0.0) else ""


def is_named(etag: str, if_none_match: str) -> bool:
    """Whether If-None-Match names this ETag; it compares weakly (RFC 9110 §13.1.2)."""
    if if_none_match == etag:
        return True
    tags = parse_etags(if_none_match)
    return "*" in tags or etag in tags or f"W/{etag}" in tags
