"""Before Django: the bytes of the newest edition, from memory, and nothing that is one reader's own."""

import gzip
import io
import itertools
import os
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from unittest.mock import ANY
from wsgiref.util import setup_testing_defaults

import brotli
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import DatabaseError, OperationalError, close_old_connections
from django.utils import timezone

from config import running
from config.proxies import scheme_of
from letter import front as module
from letter import serving
from letter.copies import KEEP_FOR, SWEEP_AFTER, Copies, Copy
from letter.front import Front
from letter.metrics import registry
from letter.models import Letter
from letter.publishing import redact, request_publication
from signatories.models import Signatory
from signatories.worker import run_due
from tests.factories import RevisionTextFactory, SignatoryFactory

UNPACK = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}


class AtOnce(Executor):
    """Does what it is given in the thread of whoever gives it, which sees the test's transaction."""

    def submit(self, function, /, *arguments):
        done = Future()
        done.set_result(function(*arguments))
        return done


class Reader:
    """Asks an application as a server would; counts how often Django was asked."""

    def __init__(self, copies=None):
        self.django = WSGIHandler()
        self.asked = 0
        self.front = Front(self._count, scheme_of, AtOnce(), copies)

    def _count(self, environ, start_response):
        self.asked += 1
        return self.django(environ, start_response)

    def at_once(self, path, **headers):
        """What is answered without waiting; None where there is no such thing."""

        def application(environ, start_response):
            status, given, body = self.front.at_once(environ) or ("000", [], [])
            start_response(status, given)
            return body

        answer = self.get(path, application=application, **headers)
        return answer if answer[0] else None

    def get(self, path, *, application=None, method="GET", peer="127.0.0.1", **headers):
        path, _, query = path.partition("?")
        environ = {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": method}
        environ |= {"wsgi.input": io.BytesIO(), "HTTP_HOST": "testserver", "REMOTE_ADDR": peer}
        environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        setup_testing_defaults(environ)
        said = []
        body = (application or self.front)(environ, lambda *given: said.append(given))
        whole = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        status, given = said[-1][:2]
        return int(status[:3]), dict(given), whole


@pytest.fixture
def reader(db):
    """In a test's transaction, whose connection must not be closed where a request begins or ends."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield Reader()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Stands still but where it is told to let seconds go by."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


@pytest.fixture
def published(letter, work):
    """A letter in two languages, with a deadline ahead and one name."""
    RevisionTextFactory(
        revision=letter.revisions.get(), language="fr", title="Un code", body="Nous demandons."
    )
    add(letter, "PAX")
    work()
    return letter


def add(letter, name):
    SignatoryFactory(letter=letter, name=name, countries=["NL"], state=Signatory.State.APPROVED)
    request_publication(letter, at=timezone.now())


PATHS = [
    "/",
    "/conduct/",
    "/fr/conduct/",
    "/conduct/signatories.json",
    "/conduct/signatories.csv",
    "/conduct/feed.atom",
    "/fr/conduct/countries/",
    "/conduct/editions/1/",
    "/conduct/embed/",
    "/conduct/letter.txt",
    "/conduct/share/",
    "/conduct/countries.json",
    "/fr/conduct/feed.atom",
    "/fr/conduct/editions/",
    "/fr/conduct/embed/",
]
# Where the list is, so that the newest name is.
WITH_LIST = {*PATHS[1:5], "/conduct/embed/", "/conduct/letter.txt", "/fr/conduct/embed/"}


@pytest.mark.parametrize("encoding", UNPACK)
@pytest.mark.parametrize("path", PATHS)
def test_it_says_what_django_says_of_the_newest_edition(published, reader, clock, path, encoding):
    for name in ("INSEC", "Amani", "Kituo"):
        add(published, name)
        run_due()
        clock(1)

        first = reader.get(path, accept_encoding=encoding)
        asked = reader.asked
        second = reader.get(path, accept_encoding=encoding)
        at_once = reader.at_once(path, accept_encoding=encoding)
        assert reader.asked == asked  # from memory
        clock(1)
        serving.forget()
        django = reader.get(path, application=reader.django, accept_encoding=encoding)

        assert first == second == at_once == django
        assert first[0] == 200
        assert first[1].get("Content-Encoding", "") == encoding
        if path in WITH_LIST:
            assert name in UNPACK[encoding](first[2]).decode()


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Cache-Control", "private, max-age=1"),
        ("Cache-Control", None),
        ("Set-Cookie", "sessionid=1"),
        ("Vary", "Accept-Encoding, Cookie"),
        ("Content-Encoding", "br"),
        ("Content-Length", str(module.LARGEST)),
    ],
)
def test_what_is_not_everybodys_is_never_given_to_another(header, value):
    said = {"Cache-Control": "public, max-age=1", "Vary": "Accept-Encoding", "Content-Length": "9"}
    headers = {**said, "Content-Encoding": "gzip", header: value}
    counted = itertools.count()

    def django(_environ, start_response):
        start_response("200 OK", [(name, value) for name, value in headers.items() if value])
        return [b"answer %d" % next(counted)]

    def ask():
        environ = {"HTTP_ACCEPT_ENCODING": "gzip", "HTTP_HOST": "testserver", "PATH_INFO": "/a/"}
        setup_testing_defaults(environ)
        whole = b"".join(front(environ, lambda *_said: None))
        assert front.at_once(environ) in (None, ("200 OK", ANY, [whole]))
        kept.append(front.at_once(environ) is not None)
        return whole

    front, kept = Front(django, lambda _environ: "http", AtOnce()), []
    assert [ask(), ask()] == [b"answer 0", b"answer 1"]
    headers[header] = {**said, "Content-Encoding": "gzip"}.get(header)
    assert [ask(), ask()] == [b"answer 2", b"answer 2"]
    assert kept == [False, False, True, True]


def test_whoever_has_it_is_told_so(published, reader):
    _status, headers, _body = reader.get("/conduct/", accept_encoding="gzip")
    asked = reader.asked

    for named in (headers["ETag"], f'"other", {headers["ETag"]}', f"W/{headers['ETag']}", "*"):
        status, unchanged, body = reader.get(
            "/conduct/", accept_encoding="gzip", if_none_match=named
        )
        assert (status, body) == (304, b"")
        assert unchanged["ETag"] == headers["ETag"]
        assert unchanged["Cache-Control"] == headers["Cache-Control"]
        assert set(unchanged) == {"ETag", "Cache-Control", "Vary"}
        assert (status, unchanged, body) == reader.at_once(
            "/conduct/", accept_encoding="gzip", if_none_match=named
        )
    assert reader.get("/conduct/", accept_encoding="gzip", if_none_match='"other"')[0] == 200
    assert reader.asked == asked


def test_nothing_is_answered_at_once_that_has_to_be_asked_of_django(published, reader, clock):
    assert reader.at_once("/conduct/") is None
    reader.get("/conduct/")
    assert reader.at_once("/conduct/")[0] == 200
    assert reader.at_once("/conduct/?utm_source=x")[0] == 200
    asked = reader.asked

    for method, path, host in [
        ("POST", "/conduct/", "testserver"),
        ("HEAD", "/conduct/", "testserver"),
        ("GET", "/conduct/?page=2", "testserver"),
        ("GET", "/conduct/", "other.example"),
    ]:
        assert reader.at_once(path, method=method, host=host) is None
    clock(module.FRESH_FOR)
    assert reader.at_once("/conduct/") is None
    assert reader.asked == asked
    reader.get("/conduct/")
    assert reader.at_once("/conduct/")[0] == 200


def test_django_is_asked_again_once_it_is_due_however_many_read(reader, clock):
    begun, go_on = threading.Event(), threading.Event()
    answers = []

    def application(environ, start_response):
        reader.asked += 1
        if reader.asked > 1:
            begun.set()
            assert go_on.wait(10)
        start_response("200 OK", [("Cache-Control", "public"), ("Content-Length", "5")])
        return [b"fresh" if reader.asked > 1 else b"first"]

    reader.django = application
    reader.front = Front(application, scheme_of)
    assert reader.get("/conduct/")[2] == b"first"
    clock(module.FRESH_FOR)
    asking = threading.Thread(target=lambda: answers.append(reader.get("/conduct/")))
    asking.start()
    assert begun.wait(10)
    # The others have what there is, at once.
    assert {reader.get("/conduct/")[2] for _each in range(20)} == {b"first"}
    assert reader.at_once("/conduct/")[2] == b"first"
    clock(module.OLD_AFTER + 0.1)
    assert reader.at_once("/conduct/") is None
    go_on.set()
    asking.join()

    assert reader.asked == 2
    assert [body for _status, _headers, body in answers] == [b"fresh"]
    assert reader.get("/conduct/")[2] == b"fresh"


def test_no_reader_waits_for_a_database_that_hangs_and_what_it_says_at_last_is_served(
    reader, clock, monkeypatch
):
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    go_on = threading.Event()
    asked = []

    def application(environ, start_response):
        asked.append(environ["PATH_INFO"])
        again = asked.count(environ["PATH_INFO"]) > 1
        if again:
            assert go_on.wait(10)
        start_response("200 OK", [("Cache-Control", "public"), ("Content-Length", "5")])
        return [b"fresh" if again else b"first"]

    reader.front = Front(application, scheme_of)
    paths = [f"/{number}/" for number in range(module.ASKING_AT_ONCE + 2)]
    for path in paths:
        reader.get(path)
    clock(module.FRESH_FOR)
    # Each page of which none is read twice: nobody but the reader himself finds it due.
    assert {reader.get(path)[2] for path in paths * 2} == {b"first"}
    assert len(asked) == len(paths) + module.ASKING_AT_ONCE
    go_on.set()
    reader.front._pages.shutdown()

    assert {reader.get(path)[2] for path in paths} == {b"fresh"}


def test_nobody_waits_where_it_is_known_that_the_database_is_away(reader, clock, monkeypatch):
    answered = threading.Event()
    waited = []

    def application(environ, start_response):
        if reader.front._answers:
            waited.append(answered.wait(0.5))
        start_response("200 OK", [("Cache-Control", "public"), ("Content-Length", "5")])
        return [b"fresh" if waited else b"first"]

    reader.front = Front(application, scheme_of)
    reader.get("/conduct/")
    monkeypatch.setattr(module, "is_away", lambda: True)
    clock(60)
    # Old, and asked for again; but not waited for.
    assert reader.get("/conduct/")[2] == b"first"
    assert waited == []

    answered.set()
    reader.front._pages.shutdown()
    assert reader.get("/conduct/")[2] == b"fresh"


def test_many_at_once_get_what_is_new_where_what_there_is_is_old(reader, clock):
    editions = ["first"]

    def application(environ, start_response):
        time.sleep(0.02)
        start_response("200 OK", [("Cache-Control", "public"), ("Content-Length", "5")])
        return [editions[-1].encode()]

    reader.front = Front(application, scheme_of)
    paths = [f"/{number}/" for number in range(module.ASKING_AT_ONCE * 4)]
    for path in paths:
        reader.get(path)
    editions.append("fresh")
    clock(module.FRESH_FOR + module.OLD_AFTER + 0.1)
    answers: dict[str, list[bytes]] = {path: [] for path in paths}

    def read(path):
        answers[path].append(reader.get(path)[2])

    threads = [threading.Thread(target=read, args=(path,)) for path in paths * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {path: [b"fresh", b"fresh"] for path in paths}


def test_pages_do_not_wait_for_what_takes_long_to_make(reader, clock):
    go_on = threading.Event()
    asked = []

    def application(environ, start_response):
        path = environ["PATH_INFO"]
        asked.append(path)
        again = asked.count(path) > 1
        if again and path.endswith(module.SLOW):
            assert go_on.wait(10)
        start_response("200 OK", [("Cache-Control", "public"), ("Content-Length", "5")])
        return [b"fresh" if again else b"first"]

    reader.front = Front(application, scheme_of)
    slow = ["/letter.pdf", "/fr/letter.pdf", "/letter.docx", "/card-1.png"]
    for path in [*slow, "/"]:
        reader.get(path)
    clock(module.FRESH_FOR + module.OLD_AFTER + 0.1)
    threads = [threading.Thread(target=reader.get, args=(path,)) for path in slow]
    for thread in threads:
        thread.start()
    while len(asked) < len(slow) + 2:
        time.sleep(0.001)
    page = reader.get("/")[2]
    go_on.set()
    for thread in threads:
        thread.join()

    assert page == b"fresh"


def test_what_there_is_is_served_on_while_django_fails(published, reader, clock, monkeypatch):
    before = reader.get("/conduct/editions/1/")

    def away(*_args):
        raise DatabaseError("away")

    monkeypatch.setattr("letter.history.version", away)
    for _each in range(3):
        clock(60)
        assert reader.get("/conduct/editions/1/") == before
    monkeypatch.undo()


@pytest.fixture
def begun_anew(reader, tmp_path):
    """Gives a process that has just begun on the machine of those before it."""

    def begin():
        serving.forget()
        return Reader(Copies(tmp_path / "copies"))

    return begin


@pytest.fixture
def away(published):
    """Gives a way to have the database not answer until the end of the test."""

    def refuse(*_args, **_kwargs):
        raise OperationalError("away")

    with pytest.MonkeyPatch.context() as patched:
        yield lambda: patched.setattr("django.db.backends.utils.CursorWrapper.execute", refuse)


@pytest.mark.parametrize("encoding", UNPACK)
@pytest.mark.parametrize("path", PATHS)
def test_a_process_that_begins_while_the_database_is_away_has_what_others_had(
    published, begun_anew, away, path, encoding
):
    said = begun_anew().get(path, accept_encoding=encoding)
    away()

    fresh = begun_anew()
    assert [fresh.get(path, accept_encoding=encoding) for _each in range(3)] == [said] * 3
    unchanged = fresh.get(path, accept_encoding=encoding, if_none_match=said[1]["ETag"])
    assert (unchanged[0], unchanged[2]) == (304, b"")


def test_a_process_that_begins_asks_the_database_first(published, begun_anew, clock, work):
    assert b"Amani" not in begun_anew().get("/conduct/")[2]
    add(published, "Amani")
    work()

    assert b"Amani" in begun_anew().get("/conduct/")[2]


def test_a_copy_is_of_the_newest_edition(published, begun_anew, clock, work, away):
    reader = begun_anew()
    reader.get("/conduct/")
    add(published, "Amani")
    work()
    clock(1)
    reader.get("/conduct/")
    away()

    assert b"Amani" in begun_anew().get("/conduct/")[2]


def test_a_copy_is_served_for_a_day_after_it_was_last_known_to_hold(
    published, begun_anew, clock, away, tmp_path
):
    reader = begun_anew()
    reader.get("/conduct/")
    (file,) = (tmp_path / "copies").iterdir()
    yesterday = time.time() - KEEP_FOR - 1
    os.utime(file, (yesterday, yesterday))
    clock(module.CONFIRM_AFTER)
    reader.get("/conduct/")
    assert file.stat().st_mtime > yesterday + KEEP_FOR
    away()
    assert begun_anew().get("/conduct/")[0] == 200

    os.utime(file, (yesterday, yesterday))
    assert begun_anew().get("/conduct/")[0] == 503


def test_no_copy_is_left_of_what_is_gone_or_was_taken_out(
    published, begun_anew, clock, work, tmp_path, settings, django_capture_on_commit_callbacks
):
    settings.COPIES_DIR = tmp_path / "copies"
    reader = begun_anew()
    reader.get("/conduct/")
    reader.get("/conduct/editions/1/")
    assert b"PAX" in b"".join(file.read_bytes() for file in settings.COPIES_DIR.iterdir())

    with django_capture_on_commit_callbacks(execute=True):
        redact(published, published.listings.get().line_id, at=timezone.now())
    assert list(settings.COPIES_DIR.iterdir()) == []
    work()
    clock(1)
    reader.get("/conduct/")
    Letter.objects.update(state=Letter.State.DRAFT)
    clock(1)
    reader.get("/conduct/")
    assert not [
        file for file in settings.COPIES_DIR.iterdir() if b'"/conduct/"' in file.read_bytes()
    ]


def test_what_is_not_kept_in_memory_is_not_kept_on_disk(
    published, begun_anew, monkeypatch, clock, tmp_path, settings
):
    settings.ALLOWED_HOSTS = ["*"]
    monkeypatch.setattr(module, "MEMORY", 60_000)
    reader = begun_anew()
    for number in range(30):
        assert reader.get("/conduct/", host=f"{number}.localhost")[0] == 200
        clock(0.01)

    sizes = [file.stat().st_size for file in (tmp_path / "copies").iterdir()]
    assert len(sizes) > 1
    assert sum(sizes) <= 60_000


@pytest.mark.parametrize("damage", [b"", b"{", b"[]\n", b'[["other"], "200 OK", []]\nbody'])
def test_a_copy_that_is_damaged_is_no_copy(published, begun_anew, tmp_path, damage):
    said = begun_anew().get("/conduct/")
    (file,) = (tmp_path / "copies").iterdir()
    file.write_bytes(damage)

    assert begun_anew().get("/conduct/") == said


def test_a_disk_that_takes_nothing_keeps_nobody_from_reading(
    published, begun_anew, tmp_path, caplog
):
    (tmp_path / "copies").write_text("in the way")
    reader = begun_anew()

    assert [reader.get("/conduct/")[0], reader.get("/conduct/editions/1/")[0]] == [200, 200]
    assert len([each for each in caplog.messages if "no copy" in each]) == 1


def test_the_disk_is_swept(tmp_path, clock):
    copies = Copies(tmp_path)
    copies.write(("/old/",), Copy("200 OK", [], b"old"))
    (old,) = tmp_path.iterdir()
    yesterday = time.time() - KEEP_FOR - 1
    os.utime(old, (yesterday, yesterday))
    clock(SWEEP_AFTER)
    copies.write(("/new/",), Copy("200 OK", [], b"new"))

    assert copies.read(("/new/",)) == Copy("200 OK", [], b"new")
    assert not old.exists()


def test_a_letter_that_is_taken_back_is_gone(published, reader, clock):
    assert reader.get("/conduct/")[0] == 200
    Letter.objects.update(state=Letter.State.DRAFT)
    clock(1)

    assert [reader.get("/conduct/")[0] for _each in range(2)] == [404, 404]


def test_readers_do_not_wait_for_those_who_sign_however_many_they_are(reader, clock):
    """Nor does anybody for a database connection: of those who sign only so many are in Django at once."""
    inside, at_most, go_on = threading.Semaphore(0), [0, 0], threading.Event()
    counting = threading.Lock()

    def application(environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            with counting:
                at_most[0] += 1
                at_most[1] = max(at_most)
            inside.release()
            go_on.wait(60)
            with counting:
                at_most[0] -= 1
        start_response("200 OK", [("Cache-Control", "public"), ("Content-Length", "4")])
        return [b"page"]

    front = Front(application, scheme_of, AtOnce())
    reader.get("/conduct/", application=front)
    many = module.OTHERS_AT_ONCE + 3
    with ThreadPoolExecutor(many) as threads:
        posts = [
            threads.submit(reader.get, "/conduct/sign/", application=front, method="POST")
            for _each in range(many)
        ]
        for _each in range(module.OTHERS_AT_ONCE):
            assert inside.acquire(timeout=60)

        assert reader.get("/conduct/", application=front)[2] == b"page"

        assert not any(post.done() for post in posts)
        go_on.set()
        assert {post.result(60)[0] for post in posts} == {200}
    assert at_most[1] == module.OTHERS_AT_ONCE
    # Whoever waits for a turn has a thread, and so do readers.
    assert running.THREADS_PER_PROCESS > 2 * module.OTHERS_AT_ONCE


class Slow:
    """What somebody sends who takes his time."""

    def __init__(self):
        self.is_read, self.go_on = threading.Event(), threading.Event()

    def read(self, size):
        self.is_read.set()
        assert self.go_on.wait(60)
        return b"x" * size


def test_whoever_sends_slowly_keeps_no_turn_from_others():
    def application(environ, start_response):
        start_response("200 OK", [])
        return [environ["wsgi.input"].read(4)]

    def post(sent):
        environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/conduct/sign/", "CONTENT_LENGTH": "4"}
        environ["wsgi.input"] = sent
        return b"".join(front(environ, lambda *_said: None))

    front = Front(application, scheme_of, AtOnce())
    slow = [Slow() for _each in range(module.OTHERS_AT_ONCE + 3)]
    with ThreadPoolExecutor(len(slow) + 1) as threads:
        posts = [threads.submit(post, each) for each in slow]
        assert all(each.is_read.wait(60) for each in slow)

        assert threads.submit(post, io.BytesIO(b"sent")).result(60) == b"sent"

        for each in slow:
            each.go_on.set()
        assert {each.result(60) for each in posts} == {b"xxxx"}


@pytest.mark.parametrize("said", ["", "1000000", "x", "-1", "\xb2", "9" * 5000])
def test_a_file_is_read_when_it_has_its_turn_and_no_length_that_is_none(said):
    given = []

    def application(environ, start_response):
        given.append(environ["wsgi.input"])
        start_response("200 OK", [])
        return []

    sent = io.BytesIO(b"sent")
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "wsgi.input": sent}
    Front(application, scheme_of, AtOnce())(environ | {"CONTENT_LENGTH": said}, lambda *_said: None)

    assert given == [sent]
    assert sent.tell() == 0


def test_what_is_one_readers_own_is_asked_of_django_each_time(published, reader):
    for path, method in [
        ("/conduct/sign/", "GET"),
        ("/admin/login/", "GET"),
        ("/healthz", "GET"),
        ("/nowhere/", "GET"),
        ("/conduct/editions/?page=2", "GET"),
        ("/conduct/editions/?page=2&utm_source=x", "GET"),
        ("/conduct/", "HEAD"),
        ("/conduct/", "POST"),
    ]:
        asked = reader.asked
        one, other = (reader.get(path, method=method) for _each in range(2))
        assert one[0] == other[0]
        assert reader.at_once(path, method=method) is None
        assert reader.asked == asked + 2, path


def test_a_coordinator_who_is_logged_in_leaves_nothing_behind(
    published, reader, client, coordinator
):
    client.force_login(coordinator)
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    Letter.objects.update(state=Letter.State.DRAFT)

    assert reader.get("/conduct/", cookie=cookie)[0] == 200
    assert reader.at_once("/conduct/", cookie=cookie) is None
    assert reader.get("/conduct/")[0] == 404


@pytest.mark.parametrize(("proxy", "status"), [("10.1.1.1", 200), ("192.0.2.7", 301)])
def test_only_a_proxy_of_ours_says_that_a_reader_came_over_tls(
    published, settings, reader, proxy, status
):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    reader.django = WSGIHandler()
    reader.django.load_middleware()

    over_tls = [
        reader.get("/conduct/", peer=proxy, x_forwarded_proto="https") for _each in range(2)
    ]
    assert [answer[0] for answer in over_tls] == [status, status]
    # What was kept for the one is not what the other gets.
    assert reader.get("/conduct/", peer="10.1.1.1", x_forwarded_proto="http")[0] == 301
    assert reader.get("/conduct/", peer="192.0.2.7")[0] == 301


def test_another_host_is_another_answer(published, settings, reader):
    settings.ALLOWED_HOSTS = ["testserver", "letters.example.org"]

    assert reader.get("/conduct/")[0] == 200
    asked = reader.asked
    assert reader.get("/conduct/", host="letters.example.org")[0] == 200
    assert reader.asked == asked + 1
    assert reader.get("/conduct/", host="elsewhere.example")[0] == 400


def test_memory_has_an_end_and_what_is_read_stays(published, reader, monkeypatch, clock):
    sizes = [module.ENTRY + len(reader.get(path, application=reader.django)[2]) for path in PATHS]
    monkeypatch.setattr(module, "MEMORY", sum(sizes) // 2)
    for path in PATHS * 2:
        clock(module.FRESH_FOR)
        reader.get("/conduct/")
        reader.get(path)
        assert reader.front._size <= module.MEMORY

    kept = reader.front._answers
    assert reader.front._size == sum(module.ENTRY + len(answer.body[0]) for answer in kept.values())
    assert "/conduct/" in {path for path, *_rest in kept}
    assert 1 < len(kept) < len(PATHS)


def test_prometheus_is_told_of_readers_at_each_renewal(published, reader, clock):
    def told():
        return [
            registry.get_sample_value("undersigned_readers_total", {"status": status}) or 0
            for status in ("200", "304")
        ]

    etag = reader.get("/conduct/")[1]["ETag"]
    before = told()
    for _each in range(5):
        reader.get("/conduct/")
    for _each in range(3):
        reader.get("/conduct/", if_none_match=etag)
    assert told() == before
    clock(module.FRESH_FOR)
    reader.get("/conduct/")

    assert [now - then for now, then in zip(told(), before, strict=True)] == [5, 3]


@pytest.mark.parametrize(
    "query", ["utm_source=x&utm_medium=mail", "fbclid=IwAR0&FBCLID=1", "gclid"]
)
def test_what_networks_put_behind_a_link_makes_no_other_page_of_it(published, reader, query):
    plain = reader.get("/conduct/")
    asked = reader.asked

    assert reader.get(f"/conduct/?{query}") == plain
    assert reader.asked == asked


def test_what_is_very_long_is_made_for_each_who_asks_and_not_kept(published, reader, monkeypatch):
    whole = reader.get("/conduct/signatories.json")
    monkeypatch.setattr(module, "LARGEST", len(whole[2]))
    reader.front._answers.clear()
    asked = reader.asked

    assert [reader.get("/conduct/signatories.json") for _time in range(2)] == [whole, whole]
    assert reader.asked == asked + 2
    assert reader.front._answers == {}
