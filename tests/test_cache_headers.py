"""What caches are told of every public address. One that is not in the table fails a test that names it."""

from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from letter.publishing import request_publication
from signatories import links
from signatories.models import Partner, Signatory
from tests.factories import RevisionTextFactory, SignatoryFactory, UserFactory
from tests.test_roles import routes

# Kept for a second; for half a minute more while it is asked for anew, and for a day while we do not answer.
NEWEST = "public, max-age=1, stale-while-revalidate=30, stale-if-error=86400"
# A line may still be taken out of the past.
PAST = "public, max-age=300, stale-if-error=86400"
# What stands in pages of others.
ELSEWHERE = "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=604800"
DAY = "public, max-age=86400"
# What nobody said anything about.
UNSAID = "private, no-cache"
# Forms, and what is one person's.
NEVER = "max-age=0, no-cache, no-store, must-revalidate, private"

ENCODING, COOKIE = "Accept-Encoding", "Cookie"


@dataclass(frozen=True)
class Row:
    """An address, and how it is answered."""

    url: str
    cache_control: str
    vary: str | None = ENCODING
    status: int = 200


# In the letter's default language, and in another below "/<language>/".
IN_EACH_LANGUAGE = {
    "": Row("", NEWEST),
    "editions/": Row("editions/", NEWEST),
    "editions/compare/": Row("editions/compare/?from=1&to=2", UNSAID, None, 302),
    "editions/<int:number>/": Row("editions/1/", PAST),
    "editions/<int:number>/letter.pdf": Row("editions/1/letter.pdf", PAST),
    "editions/<int:older>/<int:newer>/": Row("editions/1/2/", PAST),
    "revisions/<int:number>/": Row("revisions/1/", NEWEST),
    "feed.atom": Row("feed.atom", NEWEST),
    "countries/": Row("countries/", NEWEST),
    "countries.json": Row("countries.json", NEWEST),
    "signatory/<slug:line_id>/": Row("signatory/{line}/", NEWEST, None, 302),
    "share/": Row("share/", NEWEST),
    "embed/": Row("embed/", NEWEST),
    "card-<int:number>.png": Row("card-2.png", PAST),
    "badge/<slug:line_id>.<slug:kind>": Row("badge/{line}.svg", ELSEWHERE),
    "letter.pdf": Row("letter.pdf", NEWEST),
    "letter.docx": Row("letter.docx", NEWEST),
    "letter.txt": Row("letter.txt", NEWEST),
    "via/<slug:code>/": Row("via/pax/", NEWEST),
    "sign/": Row("sign/", NEVER, f"{ENCODING}, {COOKIE}"),
    "sign/sent/": Row("sign/sent/", UNSAID, None),
    "sign/hint/": Row("sign/hint/?name=PAX", UNSAID, None),
    "erased/": Row("erased/", UNSAID, None),
    "privacy/": Row("privacy/", UNSAID, None),
}
OF_A_LETTER = {
    "signatories.json": Row("signatories.json", NEWEST),
    "signatories.csv": Row("signatories.csv", NEWEST),
    "editions/<int:number>/signatories.json": Row("editions/1/signatories.json", PAST),
    "qr.<slug:kind>": Row("qr.svg", ELSEWHERE),
    "confirm/<str:token>/": Row("confirm/{token}/", NEVER, COOKIE),
    "not-us/<str:token>/": Row("not-us/{token}/", NEVER, COOKIE),
    "signature/<str:token>/": Row("signature/{token}/", NEVER, None, 302),
    "signature/<str:token>/correct/": Row("signature/{token}/correct/", NEVER, None, 405),
    "signature/<str:token>/withdraw/": Row("signature/{token}/withdraw/", NEVER, None, 302),
    "signature/<str:token>/renew/": Row("signature/{token}/renew/", NEVER, None, 405),
    "signature/<str:token>/updates/": Row("signature/{token}/updates/", NEVER, COOKIE),
    "signature/<str:token>/erase/": Row("signature/{token}/erase/", NEVER, COOKIE),
    "signature/<str:token>/data.json": Row("signature/{token}/data.json", NEVER, None),
    "organisation/<str:token>/": Row("organisation/{token}/", NEVER, None, 404),
}
TABLE = {
    "": Row("/", NEWEST),
    "embed.js": Row("/embed.js", ELSEWHERE),
    "schemas/signatories-1.json": Row("/schemas/signatories-1.json", DAY, None),
    "s/<int:pk>": Row("/s/{pk}", PAST, None, 302),
    "s/<int:pk>/": Row("/s/{pk}/", PAST, None, 302),
    "robots.txt": Row("/robots.txt", UNSAID, None),
    "favicon.ico": Row("/favicon.ico", UNSAID, None, 302),
    "healthz": Row("/healthz", NEVER, None),
    "readyz": Row("/readyz", NEVER, None),
    "metrics": Row("/metrics", UNSAID, None, 404),
    **{
        f"{before}<slug:slug>/{end}": Row(f"{at}/conduct/{row.url}", row.cache_control, row.vary, row.status)
        for before, at, rows in (
            ("", "", IN_EACH_LANGUAGE | OF_A_LETTER),
            ("<language:language>/", "/fr", IN_EACH_LANGUAGE),
        )
        for end, row in rows.items()
    },
}  # fmt: skip


@pytest.fixture
def names(letter, work):
    """A letter in two languages with two editions, and what stands in its addresses."""
    RevisionTextFactory(revision=letter.revisions.get(), language="fr", body="Nous demandons.")
    pax, _insec = [
        _published(letter, work, name=name, state=Signatory.State.APPROVED)
        for name in ("PAX", "INSEC")
    ]
    Partner.objects.create(letter=letter, code="pax", name="PAX")
    entry = SignatoryFactory(letter=letter, name="Kivu", state=Signatory.State.SUBMITTED)
    return {"line": pax.line_id, "pk": letter.pk, "token": links.new_link(entry)}


def _published(letter, work, **fields):
    made = SignatoryFactory(letter=letter, **fields)
    request_publication(letter, at=timezone.now())
    work()
    return made


def test_the_table_has_every_public_address():
    there = {
        route
        for route in routes(get_resolver().url_patterns)
        if not route.removeprefix("^").startswith("admin/")
    }

    assert there == set(TABLE)


@pytest.mark.parametrize("who", ["a stranger", "a coordinator"])
def test_what_caches_are_told(names, who):
    client = Client()
    if who == "a coordinator":
        client.force_login(UserFactory(is_superuser=True))
    found, expected = {}, {}
    for route, row in TABLE.items():
        response = client.get(row.url.format(**names))
        b"".join(response)
        found[route] = (
            response.status_code,
            response.headers.get("Cache-Control"),
            response.headers.get("Vary"),
        )
        expected[route] = (row.status, row.cache_control, row.vary)
        if "public" in row.cache_control:
            assert not response.cookies, route
            assert row.vary in {None, ENCODING}, route

    assert found == expected


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/nobody/", 404),
        ("/conduct", 301),
        ("/conduct/editions/9/", 404),
        ("/conduct/signatory/gone/", 404),
        ("/conduct/via/nobody/", 302),
        ("/ru/conduct/", 404),
    ],
)
def test_what_is_not_there_may_be_there_soon(names, url, status):
    response = Client().get(url)

    assert (response.status_code, response.headers["Cache-Control"]) == (status, UNSAID)


def test_a_post_is_kept_by_nobody(names):
    refused = Client(enforce_csrf_checks=True).post("/conduct/sign/")

    assert refused.status_code == 403
    assert "public" not in refused.headers["Cache-Control"]
