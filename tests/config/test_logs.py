import json
import logging
import re
import sys

import pytest
from django.test import Client

from config.logs import JsonLines, WithoutSecrets, request_id, without_secrets

TOKEN = "kJ8sXqv2-planted_secret-Zm4"
ADDRESS = "amina.planted@forum.example.org"


@pytest.fixture
def written():
    """What a handler with the filter has written, as one text."""
    logger = logging.getLogger("undersigned.test")
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    handler = Lines()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    handler.addFilter(WithoutSecrets())
    logger.addHandler(handler)
    for name in ("django.request", "django.security"):
        logging.getLogger(name).addHandler(handler)
    yield logger, lines
    logger.removeHandler(handler)
    for name in ("django.request", "django.security"):
        logging.getLogger(name).removeHandler(handler)


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        (f"/code/confirm/{TOKEN}/", "/code/confirm/…/"),
        (f"/code/not-us/{TOKEN}/", "/code/not-us/…/"),
        (f"/code/signature/{TOKEN}/", "/code/signature/…/"),
        (f"/code/organisation/{TOKEN}/", "/code/organisation/…/"),
        (f"/code/signature/{TOKEN}/withdraw/", "/code/signature/…/withdraw/"),
        (f"/fr/code/confirm/{TOKEN}", "/fr/code/confirm/…"),
        (f"/code/Confirm/{TOKEN}/", "/code/Confirm/…/"),
        (f"/CODE/NOT-US/{TOKEN}/", "/CODE/NOT-US/…/"),
        (f"/code/confirm/{TOKEN}?utm=1", "/code/confirm/…?…"),
        (f"<WSGIRequest: GET '/code/confirm/{TOKEN}'>", "<WSGIRequest: GET '/code/confirm/…'>"),
        ("/code/sign/sent/", "/code/sign/sent/"),
        ("/code/editions/3/", "/code/editions/3/"),
        (f"sent to <{ADDRESS}>", "sent to <…@…>"),
        (f"/code/?email={ADDRESS}&x=1", "/code/?…"),
        ("/code/?q=Amina+Planted", "/code/?…"),
        ("<WSGIRequest: GET '/code/?q=Amina'>", "<WSGIRequest: GET '/code/?…'>"),
        ("no such letter? Try another", "no such letter? Try another"),
        ("email=amina%40forum.example.org", "email=…@…"),
        ("redis://user:hush@cache:6379/0", "redis://user:…@…:6379/0"),
    ],
)
def test_filter_cleans_message_and_arguments(written, path, cleaned):
    logger, lines = written

    logger.warning("Not Found: %s", path)
    logger.warning(path.replace("%", "%%"), {})
    logger.warning("%(path)s", {"path": path})

    assert lines[0] == f"undersigned.test: Not Found: {cleaned}"
    assert lines[2] == f"undersigned.test: {cleaned}"
    assert TOKEN not in "".join(lines)
    assert ADDRESS not in "".join(lines)


def test_filter_cleans_tracebacks(written):
    logger, lines = written

    try:
        raise ValueError(f"Key (email)=({ADDRESS}) already exists, from /code/confirm/{TOKEN}/")
    except ValueError:
        logger.exception("failed", stack_info=True)

    assert "ValueError: Key (email)=(…) already exists, from /code/confirm/…/" in lines[0]
    assert TOKEN not in lines[0]
    assert ADDRESS not in lines[0]


def test_filter_cleans_what_does_not_fit_its_arguments(written, capsys):
    logger, lines = written

    logger.warning(f"/code/confirm/{TOKEN}/ %d", ADDRESS)

    assert lines == [
        "undersigned.test: /code/confirm/…/ %d (and arguments that do not fit it)",
    ]
    assert ADDRESS not in capsys.readouterr().err


@pytest.mark.django_db
def test_filter_cleans_what_django_logs_of_a_page_that_is_not_there(written):
    _logger, lines = written

    Client().get(f"/no-such-letter/nothing/confirm/{TOKEN}/")

    assert lines == ["django.request: Not Found: /no-such-letter/nothing/confirm/…/"]


def test_what_strangers_make_up_leaves_one_line(client, caplog):
    caplog.handler.addFilter(cleaning := WithoutSecrets())
    try:
        assert client.get("/", headers={"host": "made-up.example.net"}).status_code == 400
    finally:
        caplog.handler.removeFilter(cleaning)

    (record,) = [each for each in caplog.records if each.name.startswith("django.security")]
    assert "made-up.example.net" in record.getMessage()
    assert not record.exc_info
    assert not record.exc_text


def test_a_row_that_the_database_quotes_is_left_out():
    said = (
        'psycopg.errors.NotNullViolation: null value in column "email"\n'
        "DETAIL:  Failing row contains (7, Amina Planted, line\n\nanother line, t).\n\n"
        "The above exception was the direct cause of the following exception:\n\nTraceback: …"
    )

    assert without_secrets(said) == (
        'psycopg.errors.NotNullViolation: null value in column "email"\n'
        "DETAIL: …\n\n"
        "The above exception was the direct cause of the following exception:\n\nTraceback: …"
    )


def test_json_lines_say_all_of_a_record_in_one_line():
    request_id.set("f00dcafe-1")
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        record = logging.LogRecord(
            "letter.x", logging.ERROR, __file__, 1, "broken:\n%s", ("“é”",), sys.exc_info()
        )
    record.created = 0.0625
    record.status = 500
    record.request = "<WSGIRequest: GET '/planted'>"

    written = JsonLines().format(record)

    assert written.count("\n") == 0
    line = json.loads(written)
    assert line.pop("traceback").endswith("ZeroDivisionError: division by zero")
    assert line == {
        "at": "1970-01-01T00:00:00.062+00:00",
        "level": "ERROR",
        "logger": "letter.x",
        "message": "broken:\n“é”",
        "request": "f00dcafe-1",
        "status": 500,
    }


@pytest.fixture
def requests_logged():
    """The lines of config.requests, as they are written."""
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(json.loads(self.format(record)))

    handler = Lines()
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("config.requests")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def test_a_request_is_logged_by_its_view_with_the_id_that_the_answer_names(
    letter, client, requests_logged
):
    answer = client.get(f"/conduct/confirm/{TOKEN}/?q=planted", REMOTE_ADDR="192.0.2.77")

    (line,) = requests_logged
    assert re.fullmatch("[0-9a-f]{16}", answer["X-Request-ID"])
    took = line.pop("milliseconds")
    assert 0 < took < 10_000
    del line["at"]
    assert line == {
        "level": "INFO",
        "logger": "config.requests",
        "message": f"GET signatories:confirm 404 in {took} ms",
        "request": answer["X-Request-ID"],
        "view": "signatories:confirm",
        "method": "GET",
        "status": 404,
    }


@pytest.mark.parametrize(
    ("peer", "given", "is_taken"),
    [
        ("10.1.1.1", "0123-abcDEF", True),
        ("10.1.1.1", "short", False),
        ("10.1.1.1", "a" * 65, False),
        ("10.1.1.1", 'a"}\n{"level"', False),
        ("192.0.2.7", "0123-abcDEF", False),
    ],
)
def test_only_a_proxy_of_ours_names_the_id(client, settings, peer, given, is_taken):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]

    answer = client.get("/healthz", REMOTE_ADDR=peer, headers={"X-Request-ID": given})

    assert (answer["X-Request-ID"] == given) is is_taken


def test_what_caches_keep_has_no_id_and_no_line(letter, client, work, requests_logged):
    from django.utils import timezone

    from letter.publishing import request_publication

    request_publication(letter, at=timezone.now())
    work()
    for path in ("/conduct/", "/conduct/signatories.json", "/conduct/editions/1/"):
        answer = client.get(path)
        assert (answer.status_code, "X-Request-ID" in answer) == (200, False)
    client.get("/healthz")

    assert requests_logged == []


def test_the_page_of_a_failure_names_the_id_of_the_log_and_asks_nobody(
    db, client, monkeypatch, requests_logged, django_assert_num_queries
):
    client.raise_request_exception = False
    monkeypatch.setattr("config.views.static", lambda _name: 1 / 0)

    with django_assert_num_queries(0):
        broken = client.get("/favicon.ico")

    assert broken.status_code == 500
    assert f"<code>{broken['X-Request-ID']}</code>" in broken.content.decode()
    assert requests_logged[-1]["request"] == broken["X-Request-ID"]


def test_settings_put_the_filter_on_every_handler(settings):
    filters = {name: handler["filters"] for name, handler in settings.LOGGING["handlers"].items()}

    assert filters == {"console": ["without_secrets"]}
    assert settings.LOGGING["filters"]["without_secrets"] == {"()": "config.logs.WithoutSecrets"}
    assert settings.LOGGING["loggers"]["django"]["handlers"] == []
