"""Whatever a request says of how it is written, it is read, or refused as the reader's mistake."""

import io
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from config.reading import WsgiApplication

URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture
def ask(db):
    """Ask as a server does: Django's client for tests makes its requests in another way."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)

    def asked(content_type, body=b"", path="/conduct/sign/hint/", query="name=PAX"):
        environ = {
            "REQUEST_METHOD": "POST" if body else "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": "testserver",
            "HTTP_COOKIE": f"csrftoken={'x' * 32}",  # else nothing is read
            "wsgi.input": io.BytesIO(body),
        }
        setup_testing_defaults(environ)
        said = []
        answer = WsgiApplication()(environ, lambda status, _headers, *_more: said.append(status))
        b"".join(answer)
        answer.close()
        return int(said[-1][:3])

    yield asked
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain; charset=base64",  # Python has it, and it is none
        "text/plain; charset=idna",
        "text/plain; charset=utf-7",
        "text/plain; charset=unicode_escape",
        "text/plain; charset*=nonsense''x",
        "text/plain; charset*=utf-8''%00",
        "text/plain; a*=x; a*0=y",
    ],
)
@pytest.mark.parametrize("query", ["name=PAX", "name=%2B2AA-", "name=+2AA-", "name=\\ud800"])
def test_no_charset_breaks_a_page(ask, letter, content_type, query):
    assert ask(content_type, query=query) == 200


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (f"{URLENCODED}; charset=utf-16", b"a=b", 403),
        ("text/plain; a*=x; a*0=y", b"a=b", 403),
        (
            "multipart/form-data; boundary=a",
            b'--a\r\nContent-Disposition: form-data; name="x"; b*=x; b*0=y\r\n\r\n1\r\n--a--\r\n',
            400,
        ),
        ("multipart/form-data; boundary=", b"a", 400),
        ("multipart/form-data; boundary=\xe9", b"a", 400),
        (URLENCODED, b"a=" + b"b" * 3_000_000, 400),
        (URLENCODED, b"a=b&" * 20_001, 400),
    ],
)
def test_no_body_breaks_a_form_or_what_is_said_of_it(ask, letter, content_type, body, status):
    assert ask(content_type, body, path="/conduct/sign/") == status
    # Where there is nothing, what was sent there does not matter.
    assert ask(content_type, body, path="/there/is/nothing/here") == 404
