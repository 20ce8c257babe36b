import logging

import pytest
from django.test import Client

from config.logs import WithoutSecrets

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
        (f"/code/confirm/{TOKEN}?utm=1", "/code/confirm/…?utm=1"),
        (f"<WSGIRequest: GET '/code/confirm/{TOKEN}'>", "<WSGIRequest: GET '/code/confirm/…'>"),
        ("/code/sign/sent/", "/code/sign/sent/"),
        ("/code/editions/3/", "/code/editions/3/"),
        (f"sent to <{ADDRESS}>", "sent to <…@…>"),
        (f"/code/?email={ADDRESS}&x=1", "/code/?email=…@…&x=1"),
        ("/code/?email=amina%40forum.example.org", "/code/?email=…@…"),
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

    assert "ValueError: Key (email)=(…@…) already exists, from /code/confirm/…/" in lines[0]
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


def test_settings_put_the_filter_on_every_handler(settings):
    filters = {name: handler["filters"] for name, handler in settings.LOGGING["handlers"].items()}

    assert filters == {"console": ["without_secrets"]}
    assert settings.LOGGING["filters"]["without_secrets"] == {"()": "config.logs.WithoutSecrets"}
    assert settings.LOGGING["loggers"]["django"]["handlers"] == []
