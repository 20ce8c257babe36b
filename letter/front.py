"""Before Django: what one reader was answered, handed to the next from memory.

A public document is the same for everybody who asks for its address in the same encoding, and says so:
`Cache-Control: public`, no cookie, `Vary` on nothing but the encoding. Such an answer is kept whole, status,
headers and bytes, and given to whoever asks within FRESH_FOR. Then Django is asked again for one reader, who
waits for PATIENCE at most, while the others go on with what there is, unless that is old. So a thousand readers cost
Django five answers a second, and what is kept is by construction what Django would have said.

Everything else passes through untouched: forms, the desk, whatever has a query that says something, and every method
but GET. A few at a time, though, while the server has threads for many: so whoever signs waits for others who sign, and
no reader waits for them.
If Django fails, which is when the database is away, what was kept last is served on; by a process that has just begun,
what others on the machine have left on its disk (`letter.copies`).
"""

import io
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from letter.copies import Copies, Copy
from letter.metrics import READERS
from letter.serving import encoding_for, is_away, is_named

logger = logging.getLogger(__name__)

FRESH_FOR = (
    0.2  # seconds; with those for which letter.serving does not ask the database, far below one
)
RETRY_AFTER = 1.0  # seconds for which nobody asks Django again after it has failed
MEMORY = 32_000_000  # bytes; a page with 5,000 names is about 60,000
ENTRY = 4000  # bytes that an answer takes beside its own: key, headers and what holds them
LARGEST = 2_000_000  # bytes of one answer; larger is hardly anything but what few want, and not compressed
# A database that hangs keeps so many threads, none of them a reader's, and a reader no longer than that.
ASKING_AT_ONCE = 2
# Of all else so much is done at once. Each has a database connection; with those above, of /readyz, of /metrics and of
# pages that tell of progress that is less than the fourteen of the pool in settings.py, so that none waits for
# another's. On few cores more of them would only take turns.
OTHERS_AT_ONCE = min(8, 2 * (os.cpu_count() or 1) + 1)
DIGITS = 6  # of the length of what is read before its turn: below a megabyte, as any form is
PATIENCE = 1.0  # seconds
CONFIRM_AFTER = 600.0  # seconds after which it is noted that a copy on disk still holds
# What nobody has asked for lately may be of any age: then all who do wait for the one who asks Django.
OLD_AFTER = 0.5  # seconds since it was due
# Made in seconds for a new edition: the pages are not to wait for them.
SLOW = (".pdf", ".docx", ".png")
# What networks and mailers add to the links that they pass on, to follow people about; no page of ours asks for it.
FOLLOWING = frozenset(
    {"fbclid", "gclid", "dclid", "msclkid", "twclid", "igshid", "mc_cid", "mc_eid"}
)
# What makes an answer one reader's own.
PERSONAL = ("HTTP_COOKIE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE")
# What of the headers a 304 says again; of all others whoever has the answer keeps what it had (RFC 9110 §15.4.5).
OF_UNCHANGED = frozenset({"cache-control", "content-location", "etag", "expires", "vary"})

Headers = list[tuple[str, str]]
Key = tuple[str, str, str | None, str]


@dataclass(slots=True)
class Answer:
    """What Django said, complete, for whoever asks next."""

    status: str
    headers: Headers
    body: list[bytes]  # one item: a WSGI application gives a list
    etag: str
    unchanged: Headers  # of the 304 that stands for it (RFC 9110 §15.4.5)
    due_at: float  # when to ask Django again, by the monotonic clock
    copied_at: float = -math.inf  # when its copy on disk was last known to hold, by the same
    asked: "Future[Answer | None] | None" = None  # what it says now, once it does


class Front:
    """A WSGI application that answers from memory what it can, and asks `django` for the rest.

    `scheme_of` gives the scheme by which the reader came, as far as a proxy of ours says so. `asking` has the threads
    in which Django is asked again; tests, in whose transaction only their own thread sees anything, give theirs.
    `copies` outlive the process.
    """

    def __init__(
        self,
        django: WSGIApplication,
        scheme_of: Callable[[WSGIEnvironment], str],
        asking: Executor | None = None,
        copies: Copies | None = None,
    ) -> None:
        self._copies = copies
        self._pages = asking or ThreadPoolExecutor(ASKING_AT_ONCE, "front")
        self._slow = asking or ThreadPoolExecutor(1, "front-slow")
        self._asking = threading.Lock()
        self._others = threading.BoundedSemaphore(OTHERS_AT_ONCE)
        self._django = django
        self._scheme_of = scheme_of
        self._answers: dict[Key, Answer] = {}
        self._size = 0
        self._keeping = threading.Lock()
        # Answers from memory: with all bytes, and "304" in their place. Told to Prometheus now and then.
        self.whole = self.unchanged = 0
        self._told = (0, 0)
        self._telling = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not _is_for_many(environ):
            _read_what_was_sent(environ)
            with self._others:
                return self._django(environ, start_response)
        environ["QUERY_STRING"] = ""
        key = self._key(environ)
        answer = self._answers.get(key) or self._left_behind(key)
        if answer and not _will_do(answer):
            answer = self._renewed(key, answer, environ)
        if answer is None:
            return self._first(key, environ, start_response)
        status, headers, body = self._given(answer, environ)
        start_response(status, headers)
        return body

    def at_once(self, environ: WSGIEnvironment) -> tuple[str, Headers, list[bytes]] | None:
        """Status, headers and body, if they are there and this reader need not wait for newer ones.

        It is for `__call__` to answer whoever gets None.
        """
        if not _is_for_many(environ):
            return None
        answer = self._answers.get(self._key(environ))
        return self._given(answer, environ) if answer and _will_do(answer) else None

    def _key(self, environ: WSGIEnvironment) -> Key:
        encoding = encoding_for(environ.get("HTTP_ACCEPT_ENCODING", ""))
        return environ["PATH_INFO"], encoding, environ.get("HTTP_HOST"), self._scheme_of(environ)

    def _given(self, answer: Answer, environ: WSGIEnvironment) -> tuple[str, Headers, list[bytes]]:
        asked_for = environ.get("HTTP_IF_NONE_MATCH")
        if asked_for is not None and answer.etag and is_named(answer.etag, asked_for):
            self.unchanged += 1
            return "304 Not Modified", answer.unchanged, []
        self.whole += 1
        return answer.status, answer.headers, answer.body

    def _first(
        self, key: Key, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Django's answer to this reader, kept for the others where it is everybody's."""
        with self._others:
            status, headers, body = self._ask(environ)
        if not _is_everybodys(status, headers, encoding=key[1]):
            start_response(status, headers)
            return body
        answer = _complete(status, headers, body)
        self._keep(key, answer)
        start_response(status, headers)
        return answer.body

    def _left_behind(self, key: Key) -> Answer | None:
        """What is on disk, as old as can be: who asks waits for Django, and has this if it fails or takes long."""
        copy = self._copies and self._copies.read(key)
        if not copy:
            return None
        answer = _answer(*copy, due_at=-math.inf)
        answer.copied_at = time.monotonic()
        self._keep(key, answer)
        return answer

    def _renewed(self, key: Key, answer: Answer, environ: WSGIEnvironment) -> Answer | None:
        """What Django says now, or said last where it fails, takes long or is being asked; None if it is gone.

        While the database is known to be away nobody waits: there is nothing new to be had.
        """
        is_old = _is_old(answer)
        with self._asking:
            asked = answer.asked
            if is_first := asked is None or asked.done():
                threads = self._slow if key[0].endswith(SLOW) else self._pages
                asked = answer.asked = threads.submit(self._asked_again, key, answer, environ)
        if is_away() or not (is_first or is_old):
            return answer
        try:
            return asked.result(PATIENCE)
        except TimeoutError:
            pass
        except Exception:  # of which Django did not make an answer
            logger.exception("%s could not be had anew", key[0])
        # Whoever comes next need not wait as long.
        answer.due_at = time.monotonic() + RETRY_AFTER
        return answer

    def _asked_again(self, key: Key, answer: Answer, environ: WSGIEnvironment) -> Answer | None:
        self._tell()
        for_everybody = {name: value for name, value in environ.items() if name not in PERSONAL}
        # The reader's own may be gone by the time that Django is done.
        for_everybody["wsgi.input"] = io.BytesIO()
        status, headers, body = self._ask(for_everybody)
        if status.startswith("5"):
            _closed(body)
            answer.due_at = time.monotonic() + RETRY_AFTER
            return answer
        if not _is_everybodys(status, headers, encoding=key[1]):
            _closed(body)
            self._drop(key)
            return None
        if dict(headers).get("ETag") == answer.etag and answer.headers == headers:
            _closed(body)
            answer.due_at = time.monotonic() + FRESH_FOR
            self._copy(key, answer)
            return answer
        fresh = _complete(status, headers, body)
        self._keep(key, fresh)
        return fresh

    def _ask(self, environ: WSGIEnvironment) -> tuple[str, Headers, Iterable[bytes]]:
        said: list[tuple[str, Headers]] = []

        def start_response(
            status: str, headers: Headers, _exc_info: object = None
        ) -> Callable[[bytes], object]:
            said.append((status, headers))
            return _written

        body = self._django(environ, start_response)
        status, headers = said[-1]
        return status, headers, body

    def _tell(self) -> None:
        """Add to the metrics what was answered since the last time; too slow for each reader."""
        with self._telling:
            whole, unchanged = self.whole, self.unchanged
            READERS.labels("200").inc(whole - self._told[0])
            READERS.labels("304").inc(unchanged - self._told[1])
            self._told = (whole, unchanged)

    def _keep(self, key: Key, answer: Answer) -> None:
        with self._keeping:
            self._drop_one(key)
            self._answers[key] = answer
            self._size += ENTRY + len(answer.body[0])
            if self._size > MEMORY:
                # What was asked for lately is due last. A quarter at once, so that this is rare.
                for other in sorted(self._answers, key=lambda each: self._answers[each].due_at):
                    if self._size <= MEMORY * 3 // 4:
                        break
                    self._drop_one(other)
                    self._forget_copy(other)
        self._copy(key, answer)

    def _copy(self, key: Key, answer: Answer) -> None:
        """See to it that the disk has it; of what has not changed that is looked at now and then."""
        if not self._copies or time.monotonic() < answer.copied_at + CONFIRM_AFTER:
            return
        is_there = answer.copied_at > -math.inf and self._copies.confirm(key)
        answer.copied_at = time.monotonic()
        if not is_there:
            self._copies.write(key, Copy(answer.status, answer.headers, answer.body[0]))

    def _drop(self, key: Key) -> None:
        with self._keeping:
            self._drop_one(key)
        self._forget_copy(key)

    def _forget_copy(self, key: Key) -> None:
        # What is not in memory is not on disk: strangers who ask for much fill neither.
        if self._copies:
            self._copies.remove(key)

    def _drop_one(self, key: Key) -> None:
        if answer := self._answers.pop(key, None):
            self._size -= ENTRY + len(answer.body[0])


def _read_what_was_sent(environ: WSGIEnvironment) -> None:
    """Read a form before its turn, which whoever sends it slowly would keep from others; a file may take its turn."""
    said = environ.get("CONTENT_LENGTH") or ""
    if said.isascii() and said.isdigit() and len(said) <= DIGITS:
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(said)))


def _is_for_many(environ: WSGIEnvironment) -> bool:
    """Whether others ask for just the same: for a page, with nothing behind its address that it could look at.

    What links from social networks and newsletters have there is no such thing.
    """
    query = environ.get("QUERY_STRING")
    return environ["REQUEST_METHOD"] == "GET" and (not query or _says_nothing(query))


def _says_nothing(query: str) -> bool:
    names = (pair.partition("=")[0].lower() for pair in query.split("&"))
    return all(name in FOLLOWING or name.startswith("utm_") for name in names)


def _is_everybodys(status: str, headers: Headers, *, encoding: str) -> bool:
    """Whether an answer may be given to others who accept this encoding (RFC 9111 §3, and narrower than that)."""
    said = {name.lower(): value for name, value in headers}
    return (
        status.startswith("200")
        and "public" in said.get("cache-control", "")
        and "set-cookie" not in said
        and said.get("vary", "").lower() in {"", "accept-encoding"}
        and said.get("content-encoding", encoding) == encoding
        and int(said.get("content-length", LARGEST)) < LARGEST
    )


def _will_do(answer: Answer) -> bool:
    """Whether an answer is not due, or is being asked for anew and not old."""
    if time.monotonic() < answer.due_at:
        return True
    return answer.asked is not None and not answer.asked.done() and not _is_old(answer)


def _is_old(answer: Answer) -> bool:
    return time.monotonic() > answer.due_at + OLD_AFTER


def _complete(status: str, headers: Headers, body: Iterable[bytes]) -> Answer:
    whole = b"".join(body)
    _closed(body)
    return _answer(status, headers, whole, due_at=time.monotonic() + FRESH_FOR)


def _answer(status: str, headers: Headers, body: bytes, *, due_at: float) -> Answer:
    return Answer(
        status=status,
        headers=headers,
        body=[body],
        etag=dict(headers).get("ETag", ""),
        unchanged=[each for each in headers if each[0].lower() in OF_UNCHANGED],
        due_at=due_at,
    )


def _closed(body: Iterable[bytes]) -> None:
    """Let Django end its request."""
    if close := getattr(body, "close", None):
        close()


def _written(_data: bytes) -> None:
    """What PEP 3333 has for old applications; Django never calls it."""
    raise NotImplementedError
