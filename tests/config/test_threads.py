"""Which threads answer readers: with granian's own threads, and by themselves."""

import gc
import http.client
import queue
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from config.threads import Turns
from tests.browser.site import BASE_DIR, free_port

THREADS = 6


class Pool:
    """Threads that ask a queue for what to do, as granian's ask for requests."""

    def __init__(self, turns):
        self.turns = turns
        self.requests = queue.SimpleQueue()
        self.threads = [threading.Thread(target=self._ask, daemon=True) for _each in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def _ask(self):
        while request := self.requests.get():
            self.turns.begin()
            request()
            self.turns.rest()

    def at_once(self):
        """Have something answered at once; gives the thread that did."""
        return self.whatever(threading.current_thread)

    def whatever(self, function):
        said = queue.SimpleQueue()
        self.requests.put(lambda: said.put(function()))
        return said.get(timeout=20)

    def long(self):
        """Have a thread kept until what this gives is set."""
        begun, go_on = threading.Event(), threading.Event()

        def request():
            with self.turns.kept():
                begun.set()
                go_on.wait(20)

        self.requests.put(request)
        assert begun.wait(20), "no thread was left for it"
        return go_on

    def asking(self):
        """How many of them ask, once each has come to rest."""
        time.sleep(0.05)
        return self.turns._asking


@pytest.fixture
def pool():
    return Pool(Turns())


def test_what_is_answered_at_once_is_answered_by_one_thread(pool):
    for _each in range(THREADS * 3):
        pool.at_once()

    assert pool.asking() == 1
    assert len({pool.at_once() for _each in range(50)}) == 1


def test_another_takes_the_place_of_one_that_is_kept_while_there_are_any(pool):
    for _round in range(3):
        long = [pool.long() for _each in range(THREADS - 1)]

        assert len({pool.at_once() for _each in range(50)}) == 1
        for go_on in long:
            go_on.set()
    assert pool.asking() == 1


def test_all_that_is_asked_for_is_answered_in_whatever_order_threads_are_kept(pool):
    def kept():
        with pool.turns.kept():
            time.sleep(0.001)

    with ThreadPoolExecutor(16) as askers:
        asked = [
            askers.submit(pool.whatever, kept if number % 3 else threading.get_ident)
            for number in range(3000)
        ]
        for each in asked:
            each.result(20)

    assert pool.asking() == 1


def test_what_fails_keeps_no_place(pool):
    def failing():
        with pytest.raises(ZeroDivisionError), pool.turns.kept():
            1 / 0  # noqa: B018

    for _each in range(THREADS * 2):
        pool.whatever(failing)

    assert pool.asking() == 1
    assert pool.at_once()


def test_where_the_one_that_asks_ends_another_asks(pool):
    for remaining in range(THREADS - 1, 0, -1):
        for _each in range(THREADS * 3):
            last = pool.at_once()
        pool.requests.put(None)
        last.join(20)
        gc.collect()

        assert pool.at_once() is not last, remaining
        assert pool.asking() == 1


SERVER = """
import sys, threading
from granian import Granian
from config import running, threads

together = threading.Barrier(7)

class Application:
    def at_once(self, environ):
        if environ["REQUEST_METHOD"] == "GET":
            headers = [("X-By", str(threading.get_ident()))]
            return "200 OK", headers, [b"%d" % together.n_waiting]

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read()
        together.wait(20)
        start_response("201 Created", [("Content-Type", "text/plain")])
        return [body]

def load(**_named):
    application = Application()
    threads.answer_readers_first(application)
    return application

class EndsThreadsSoon(Granian):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named, blocking_threads_idle_timeout=5)

running.load, running.Granian, running.THREADS_PER_PROCESS = load, EndsThreadsSoon, 8
running.main()
"""


@pytest.fixture
def port():
    port = free_port()
    command = [sys.executable, "-c", SERVER, "127.0.0.1", str(port), "1", "--quiet"]
    with subprocess.Popen(command, cwd=BASE_DIR) as server:
        try:
            yield port
        finally:
            server.terminate()


def ask(port, body=None):
    deadline = time.monotonic() + 20
    while True:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
                connection.request("POST" if body else "GET", "/", body)
                answer = connection.getresponse()
                return answer.status, answer.getheader("X-By"), answer.read()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_granians_threads_take_turns_and_go_on_doing_so_after_those_that_were_idle_have_ended(port):
    for _round in range(2):
        with ThreadPoolExecutor(7) as askers:
            kept = [askers.submit(ask, port, b"%d" % number) for number in range(6)]
            while ask(port)[2] != b"6":
                time.sleep(0.01)

            # Each of granian's that is new answers once, and stands aside.
            assert len({by for _status, by, _body in (ask(port) for _each in range(200))}) <= 2

            kept.append(askers.submit(ask, port, b"6"))
            assert [each.result(20) for each in kept] == [
                (201, None, b"%d" % number) for number in range(7)
            ]
        time.sleep(6)
