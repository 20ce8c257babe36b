"""Which threads of a web process answer readers: one, and another as soon as that is kept by something longer.

granian has many threads ask for requests at once (`config.running`). If all did, each page would be handed to another
of them, which costs more than to answer it: measured, half of all answers. So all but one stand aside until one is
needed: whoever signs keeps a thread, and one that stood aside takes its place before that begins.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from wsgiref.types import WSGIEnvironment

from granian.server import mp

Headers = list[tuple[str, str]]


class AnswersAtOnce(Protocol):
    """An application that says whether it can answer a request without waiting for anything (`letter.front`)."""

    def at_once(self, environ: WSGIEnvironment, /) -> tuple[str, Headers, list[bytes]] | None: ...


class Answering(Protocol):
    """What granian gives for each request, to be answered once."""

    def response_bytes(self, status: int, headers: Headers, body: bytes, /) -> None: ...


Respond = Callable[[Answering, WSGIEnvironment], object]
# granian's own way from a WSGI application to what it calls for each request. Its interface has no place for another.
WAY = "_wsgi_call_wrap"


class Turns:
    """Counts the threads that ask for requests, and has those stand aside that are not needed for it."""

    def __init__(self) -> None:
        self._counting = threading.Lock()
        self._counted = threading.local()
        self._asking = 0  # for the next request, or answering one at once
        self._aside = 0
        self._called = threading.Semaphore(0)

    def begin(self) -> None:
        """For the thread that has got a request."""
        if not hasattr(self._counted, "until_it_ends"):
            with self._counting:
                self._asking += 1
            self._counted.until_it_ends = _AtTheEnd(self._leave)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """While the thread does something that takes longer, another asks in its place."""
        self._leave()
        try:
            yield
        finally:
            with self._counting:
                self._asking += 1

    def rest(self) -> None:
        """For the thread that has answered; returns once it is to ask for the next request."""
        if self._asking == 1:
            return
        with self._counting:
            if self._asking == 1:
                return
            self._asking -= 1
            self._aside += 1
        self._called.acquire()

    def _leave(self) -> None:
        """One fewer asks, so another is called if that was the last."""
        with self._counting:
            self._asking -= 1
            if self._aside and not self._asking:
                self._aside -= 1
                self._asking += 1
                self._called.release()


class _AtTheEnd:
    """Does something when a thread ends whose own this is: granian ends those that had nothing to do for long."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    def __del__(self) -> None:
        self._then()


def answer_readers_first(application: AnswersAtOnce) -> None:
    """Have granian, once it serves `application` in this process, answer at once what can be, with one thread.

    That is answered without what granian adds for WSGI: its log of each request, a prefix that it takes off the path,
    and the process's environment. We use none of these.
    """
    turns = Turns()
    granians = vars(mp)[WAY]

    def ours(*arguments: Any) -> Respond:
        whole = granians(*arguments)

        def respond(answering: Answering, scope: WSGIEnvironment) -> None:
            turns.begin()
            if not _answered_at_once(application, answering, scope):
                with turns.kept():
                    whole(answering, scope)
            # granian reads nothing more from a connection whose last request has a body that was not read to its end,
            # until this returns.
            if "CONTENT_LENGTH" not in scope and "HTTP_TRANSFER_ENCODING" not in scope:
                turns.rest()

        return respond

    vars(mp)[WAY] = ours


def _answered_at_once(
    application: AnswersAtOnce, answering: Answering, scope: WSGIEnvironment
) -> bool:
    # Apart, so that a thread that stands aside does not hold the answer as long.
    given = application.at_once(scope)
    if given is None:
        return False
    status, headers, body = given
    answering.response_bytes(int(status[:3]), headers, b"".join(body))
    return True
