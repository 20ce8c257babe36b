"""Which threads answer readers: with granian's own threads, and by themselves."""

import http.client
import queue
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from benchmarks.loading import wait_for
from config import running
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
        """How many of them ask, once none is between asking and standing aside."""
        deadline = time.monotonic() + 20
        while (asking := self.turns._asking) + self.turns._aside != sum(
            thread.is_alive() for thread in self.threads
        ) or asking > 1:
            if time.monotonic() > deadline:
                break
            time.sleep(0.001)
        return asking


@pytest.fixture
def pool():
    """All of whose threads have had something to do."""
    pool = Pool(Turns())
    go_on = threading.Barrier(THREADS)
    for _each in range(THREADS):
        pool.requests.put(lambda: go_on.wait(20))
    while pool.turns._asking + pool.turns._aside < THREADS:
        time.sleep(0.001)
    return pool


def test_what_is_answered_at_once_is_answered_by_one_thread(pool):
    for _each in range(THREADS):
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
        for _each in range(THREADS):
            last = pool.at_once()
        assert pool.asking() == 1
        pool.requests.put(None)
        last.join(20)
        assert not last.is_alive()

        assert pool.at_once() is not last, remaining
        assert pool.asking() == 1


SERVER = """
import threading, time
from granian import Granian
from config import running, threads

TOGETHER = threading.Barrier(8)

class Application:
    def at_once(self, environ):
        if environ["PATH_INFO"] == "/fails/":
            raise ValueError
        if environ["PATH_INFO"] == "/":
            headers = [("X-By", str(threading.get_ident()))]
            return "200 OK", headers, [b"%d" % TOGETHER.n_waiting]

    def __call__(self, environ, start_response):
        body = b"nobody read it"
        if environ["PATH_INFO"] == "/together/":
            body = environ["wsgi.input"].read()
            TOGETHER.wait(20)
        else:
            time.sleep(0.1)  # until another has taken its place
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
def connect():
    """Gives connections to granian with eight threads, which ends soon when it is told to."""
    port = free_port()
    command = [sys.executable, "-c", SERVER, "127.0.0.1", str(port), "1", "--quiet"]
    with subprocess.Popen(command, cwd=BASE_DIR) as server, ExitStack() as connections:

        def connect():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connections.callback(connection.close)
            return connection

        try:
            wait_for(f"http://127.0.0.1:{port}/")
            yield connect
            server.terminate()
            server.wait(running.END_WITHIN - 2)
        finally:
            server.terminate()


def ask(connection, path="/", body=None):
    connection.request("POST" if body else "GET", path, body)
    answer = connection.getresponse()
    return answer.status, answer.getheader("X-By"), answer.read()


def together(connect):
    """Keep eight of granian's threads, from the first to the last; gives how readers were answered with one left."""
    with ThreadPoolExecutor(8) as askers:
        bodies = [b"%d" % number for number in range(8)]

        def keep(body):
            return askers.submit(ask, connect(), "/together/", body)

        kept = [keep(body) for body in bodies[:7]]
        reader = connect()
        while ask(reader)[2] != b"7":
            assert not any(each.done() for each in kept)
        answered = [ask(reader) for _each in range(50)]
        kept.append(keep(bodies[7]))
        assert [each.result(20) for each in kept] == [(201, None, body) for body in bodies]
    return answered


def test_granians_threads_take_turns_and_go_on_doing_so_after_those_that_were_idle_have_ended(
    connect,
):
    for pause in (6, 0):
        assert {(status, body) for status, _by, body in together(connect)} == {(200, b"7")}
        # All eight have had something to do, and each answers once more at most.
        reader = connect()
        for _each in range(8):
            ask(reader)
        assert len({ask(reader)[1] for _each in range(50)}) == 1
        time.sleep(pause)


@pytest.mark.parametrize("sent", [b"x" * 100_000, [b"in", b"chunks"]])
def test_a_connection_is_read_on_though_nobody_read_what_was_sent_over_it(connect, sent):
    """Or nginx would give it to the next reader, who would wait for a minute."""
    together(connect)
    for path in ("/", "/unread/"):
        connection = connect()
        with suppress(ConnectionError):  # granian may close it, but not leave it as it is
            assert ask(connection, path, sent)[0] < 300
            if connection.sock:
                connection.sock.settimeout(5)
            assert ask(connection)[0] == 200


def test_what_fails_before_it_is_answered_keeps_no_thread(connect):
    together(connect)
    connection = connect()

    for _each in range(20):
        assert ask(connection, "/fails/")[0] == 500
    assert ask(connection)[0] == 200
    together(connect)
