"""What keeps strangers out, on every address that there is: headers, forgery, looking that changes nothing.

Addresses come from the tables of tests/test_cache_headers.py and tests/test_roles.py, which fail where one is missing.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client

from config.features import PERMISSIONS_POLICY
from letter import serving
from signatories import links
from signatories.models import Partner, Signatory
from tests.browser.site import BASE_DIR
from tests.factories import NOW, SignatoryFactory
from tests.test_cache_headers import TABLE
from tests.test_roles import PAGES, filled, make_world, rows

SITE = "https://testserver"
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
EMBED = re.compile(r"(/[a-z-]+)?/conduct/embed/")
# Data that no browser runs (HTML, "data block").
DATA = {"application/ld+json", "application/json"}
SECRETS = re.compile("/conduct/(confirm|signature|not-us|organisation)/")
# Made when somebody first asks for it, and stored: see docs/architecture.md, "Paper".
MADE_WHEN_ASKED = "letter.Document"


@pytest.fixture(scope="session")
def of_https():
    """The settings of a site whose address begins with https://, as far as they are about browsers."""
    script = (
        "import json; from config import settings;"
        " print(json.dumps({name: getattr(settings, name) for name in dir(settings)"
        " if name.startswith(('SECURE_', 'SESSION_COOKIE', 'CSRF_COOKIE', 'X_FRAME'))}))"
    )
    environ = {
        **os.environ,
        "BASE_URL": "https://letters.example.org",
        "SECRET_KEY": "x" * 50,
        "ALLOWED_HOSTS": "testserver",
    }
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=BASE_DIR,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout)


@pytest.fixture
def https(of_https, settings):
    for name, value in of_https.items():
        setattr(settings, name, value)


@pytest.fixture
def world(db, work):
    made = make_world()
    listed = Signatory.objects.get(pk=made.names["listed"])
    letter = listed.letter
    Partner.objects.create(letter=letter, code="pax", name="PAX")
    entries = {
        "submitted": SignatoryFactory(
            letter=letter,
            revision=listed.revision,
            name="Kivu",
            state=Signatory.State.SUBMITTED,
        ),
        "listed": listed,
    }
    vouch = Signatory.objects.get(pk=made.names["entry"]).vouches.create(
        email="info@pending.org", asked_at=NOW, user=made.users["coordinator"]
    )
    made.names.update(
        line=entries["listed"].line_id,
        pk=letter.pk,
        token=links.new_link(entries["submitted"]),
        **{f"{name}_token": links.new_link(entry) for name, entry in entries.items()},
        vouch_token=links.new_vouch_link(vouch),
    )
    return made


def public(world) -> list[str]:
    urls = [row.url.format(**world.names) for row in TABLE.values()]
    own = f"/conduct/signature/{world.names['listed_token']}/"
    return [
        *(url.replace("card-2.png", "card-1.png").replace("/1/2/", "/1/1/") for url in urls),
        own,
        f"{own}withdraw/",
        f"/conduct/organisation/{world.names['vouch_token']}/",
    ]


def desk(world) -> list[str]:
    return list(dict.fromkeys(f"/admin/{filled(page.url, world)}" for page in PAGES))


# --- What browsers are told ---------------------------------------------------------------------


class Strict(HTMLParser):
    """What a page would run or load: collects each thing that a strict policy forbids, and all that it leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.forbidden: list[str] = []
        self.loads: list[str] = []
        self.leads_to: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        inline = (
            tag == "script" and "src" not in given and given.get("type") not in DATA
        ) or tag in {"style", "base", "object", "embed", "applet"}
        if inline:
            self.forbidden.append(tag)
        self.forbidden += [
            name for name in given if name.startswith("on") or name in {"style", "srcdoc"}
        ]
        for name in ("src", "srcset", "data", "poster", "background", "action", "formaction"):
            if name in given:
                self.loads.append(given[name])
        if "href" in given:
            is_loaded = tag in {"link", "use", "image"} and given.get("rel", "") not in {
                "canonical",
                "alternate",
                "version-history",
                "latest-version",
                "predecessor-version",
                "successor-version",
                "license",
            }
            (self.loads if is_loaded else self.leads_to).append(given["href"])
        if tag == "meta" and given.get("http-equiv"):
            self.forbidden.append("http-equiv")

    handle_startendtag = handle_starttag


def told(response) -> dict[str, str]:
    policy = response.headers["Content-Security-Policy"]
    return dict(part.strip().partition(" ")[::2] for part in policy.split(";") if part.strip())


def check(url: str, response) -> None:
    """Everything that a browser is told with one answer, and what is in it."""
    about = (url, response.status_code)
    is_embed = EMBED.fullmatch(urlsplit(url).path) is not None and response.status_code == 200
    expected = POLICY | ({"frame-ancestors": "*"} if is_embed else {})
    assert told(response) == expected, about
    headers = response.headers
    assert headers.get("X-Frame-Options") == (None if is_embed else "DENY"), about
    assert headers["X-Content-Type-Options"] == "nosniff", about
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", about
    assert headers["Permissions-Policy"] == PERMISSIONS_POLICY, about
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload", (
        about
    )
    is_secret = SECRETS.search(url) is not None
    referrer = "same-origin" if is_secret else "strict-origin-when-cross-origin"
    if response.status_code != 403 or not is_secret:
        assert headers["Referrer-Policy"] == referrer, about
    assert not {"Server", "X-Powered-By", "Via"} & {*headers}, about
    for name, cookie in response.cookies.items():
        if cookie["max-age"] == 0:  # taken back
            continue
        assert cookie["secure"], about
        assert cookie["httponly"], about
        assert cookie["samesite"] == "Lax", about
        assert name == "messages" or name.startswith("__Host-"), about
        assert (cookie["path"], cookie["domain"]) == ("/", ""), about
    body = b"".join(response)
    if headers.get("Content-Type", "").startswith("text/html") and body:
        page = Strict()
        page.feed(body.decode())
        assert page.forbidden == [], about
        elsewhere = [each for each in page.loads if not _is_ours(url, each)]
        assert elsewhere == [], about
        if is_secret:
            # Nobody else learns of the address, neither by a referrer nor by a click.
            assert [each for each in page.leads_to if not _is_ours(url, each)] == [], about


def _is_ours(page: str, address: str) -> bool:
    parts = urlsplit(urljoin(f"{SITE}{page}", address))
    return parts.scheme in {"data", "mailto"} or parts.netloc == "testserver"


@pytest.mark.parametrize("role", ["", "superuser"])
def test_every_answer_tells_browsers_to_be_strict(https, world, role):
    client = Client()
    if role:
        client.force_login(world.users[role])
    statuses = set()
    for url in [*public(world), *desk(world)]:
        if url.endswith("logout/"):
            continue
        response = client.get(url, secure=True)
        statuses.add(response.status_code)
        check(url, response)

    assert statuses >= ({200, 302, 404, 405} if role else {200, 302, 404})


def _broken(*_args, **_kwargs):
    raise RuntimeError


def _busy(*_args, **_kwargs):
    raise serving.Busy


def test_every_refusal_and_error_tells_them_too(https, world, monkeypatch):
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    staff = Client()
    staff.force_login(world.users["staff"])
    answers = {
        400: ("/conduct/", client.get("/conduct/", secure=True, headers={"host": "evil.example"})),
        403: ("/conduct/sign/", client.post("/conduct/sign/", secure=True)),
        "403 at the desk": (ENTRIES, staff.get(ENTRIES, secure=True)),
        404: ("/nobody/", client.get("/nobody/", secure=True)),
        "404 of a link": ("/conduct/confirm/x/", client.get("/conduct/confirm/x/", secure=True)),
        "404 of a file": ("/static/x.css", client.get("/static/x.css", secure=True)),
        405: ("/conduct/", staff.post("/conduct/", secure=True)),
        301: ("/conduct", client.get("/conduct", secure=True)),
    }
    guesses = [
        Client().post("/admin/account/log-in/passkey/", {"credential": "{}"}, secure=True)
        for _each in range(11)
    ]
    answers[429] = ("/admin/account/log-in/passkey/", guesses[-1])
    monkeypatch.setattr(serving, "remembered", _busy)
    answers[503] = (
        "/conduct/editions/1/letter.pdf",
        client.get("/conduct/editions/1/letter.pdf", secure=True),
    )
    monkeypatch.setattr(serving, "public_slugs", _broken)
    answers[500] = ("/", client.get("/", secure=True))

    for status, (url, response) in answers.items():
        if isinstance(status, int):
            assert response.status_code == status
        check(url, response)


ENTRIES = "/admin/signatories/signatory/"


def test_without_tls_a_browser_is_sent_to_it(https, world):
    response = Client().get("/conduct/?a=b")

    assert (response.status_code, response.url) == (301, "https://testserver/conduct/?a=b")


# --- Looking changes nothing ----------------------------------------------------------------------


@pytest.mark.parametrize("role", ["", "observer", "coordinator", "superuser"])
def test_no_look_changes_any_row(world, role):
    """Of any table; a visitor here holds every link that there is. GETs of the desk are in tests/test_roles.py."""
    client = Client()
    looks = [(method, url) for method in ("get", "head", "options") for url in public(world)]
    if role:
        client.force_login(world.users[role])
        looks = [(method, url) for method in ("head", "options") for url in desk(world)]
    before = rows()
    for method, url in looks:
        if not (url.endswith("logout/") or url == "/readyz"):  # asks in a thread of its own
            b"".join(getattr(client, method)(url))
    changed = {name: now for name, now in rows().items() if now != before[name]}
    changed.pop(MADE_WHEN_ASKED, None)

    assert changed == {}


# --- Forgery --------------------------------------------------------------------------------------


def test_no_form_is_taken_from_another_site(world):
    """Every address refuses a POST without the token of its page; but for the one click of mail programs (RFC 8058)."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.users["superuser"])
    before = rows()
    taken = {
        url: response.status_code
        for url in [*public(world), *desk(world)]
        if (response := client.post(url, {"decision": "approve"})).status_code != 403
    }

    assert {url.rpartition("signature/")[2].partition("/")[2] for url in taken} == {"updates/"}
    assert rows() == before


# --- Where one is sent ------------------------------------------------------------------------------

AWAY = (
    "//evil.example/",
    "https://evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "http:evil.example",
    "///evil.example",
    "javascript:alert(1)",
    "https:/\\evil.example",
    "\thttps://evil.example",
    "https://testserver@evil.example/",
)


def test_nobody_is_sent_to_another_site(world):
    user = world.users["superuser"]
    client = Client()
    client.force_login(user)
    log_in = {"username": user.username, "password": "old", "old_password": "x"}
    paths = ("login/", "account/confirm/password/", "password_change/", "account/log-in/code/")
    for away in AWAY:
        for path in paths:
            for each in (client, Client()):
                _stays(each.get(f"/admin/{path}", {"next": away}))
                _stays(each.post(f"/admin/{path}?next={away}", log_in | {"next": away}))
        compare = f"/conduct/editions/compare/?from=1&to=1&next={away}"
        for url in (f"/{away}", f"/conduct/via/{away}/", compare):
            _stays(Client().get(url))


def _stays(response) -> None:
    parts = urlsplit(urljoin("http://testserver/", response.headers.get("Location", "")))
    assert (parts.scheme, parts.netloc) == ("http", "testserver"), response.headers["Location"]


def test_no_made_up_host_comes_into_a_page_or_a_mail(world, work):
    client = Client()
    headers = ("HTTP_X_FORWARDED_HOST", "HTTP_X_HOST", "HTTP_FORWARDED")
    made_up = dict.fromkeys(headers, "evil.example")
    for url in public(world):
        assert client.get(url, HTTP_HOST="evil.example").status_code == 400
        response = client.get(url, **made_up)
        assert b"evil.example" not in b"".join(response), url
        assert "evil.example" not in response.headers.get("Location", "")
    for mail in work():
        assert "evil.example" not in mail.message().as_string()


def walks() -> Iterator[str]:
    for up in ("..", "%2e%2e", "..%2f", "%252e%252e", "..\\", "....//", "%c0%ae%c0%ae"):
        for target in ("manage.py", "config/settings.py", "etc/passwd"):
            yield f"/static/{f'{up}/' * 6}{target}"
            yield f"/static/letter/{f'{up}/' * 3}{target}"
    yield "/static//etc/passwd"
    yield "/static/letter/%00letter.css"


def test_no_path_leads_out_of_the_static_files(db):
    for path in walks():
        response = Client().get(path)

        assert response.status_code in {400, 404}, path
        body = b"".join(response)
        assert b"SECRET_KEY" not in body
        assert b"root:" not in body
