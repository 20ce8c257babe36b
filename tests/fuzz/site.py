"""The site as a server calls it: every address, by strangers, by contacts and at the desk, with whatever comes.

No answer is an error of ours, and what is stored after it is in order.
"""

import io
import logging
import traceback
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from typing import Any, Final, Self
from urllib.parse import quote, urlencode
from wsgiref.util import setup_testing_defaults

from django.apps import apps
from django.core.signals import got_request_exception, request_finished, request_started
from django.db import close_old_connections, models, transaction
from django.test import Client

from config.proxies import scheme_of
from config.reading import WsgiApplication
from letter import serving
from letter.characters import without_hidden
from letter.front import Front
from letter.models import Letter, RevisionText
from letter.publishing import publish, request_publication
from signatories import links
from signatories.lines import approved_lines
from signatories.models import Partner, Signatory
from tests.factories import NOW, SignatoryFactory
from tests.fuzz.cases import Dice, Target
from tests.fuzz.parsers import CODES, TYPED, is_clean, typed
from tests.test_cache_headers import TABLE
from tests.test_roles import PAGES, make_world

SECRET: Final = "x" * 32  # of the check against forgeries
METHODS: Final = (
    "GET",
    "GET",
    "GET",
    "HEAD",
    "OPTIONS",
    "PUT",
    "DELETE",
    "PATCH",
    "TRACE",
    "get",
    "BREW",
)
HEADERS: Final = {
    "ACCEPT_ENCODING": ("gzip", "br;q=0.5, gzip", "*;q=nan"),
    "IF_NONE_MATCH": ('"x"', "*", 'W/"x-gzip"'),
    "IF_MODIFIED_SINCE": ("Thu, 01 Jan 1970 00:00:00 GMT", "Xxx, 99 Jan 0000"),
    "RANGE": ("bytes=0-1", "bytes=-", "bytes=9-1,2-"),
    "HOST": ("testserver", "testserver:80", "evil.example", "[::1", "testserver:x"),
    "COOKIE": ("csrftoken=x", "a=b; a", 'messages="x"', "sessionid=x"),
    "REFERER": ("http://testserver/", "http://evil.example/", "http://[", "x"),
    "ORIGIN": ("http://testserver", "null", "http://["),
    "ACCEPT_LANGUAGE": ("fr", "zz-ZZ;q=x", "fr;q=0.1,*"),
    "X_FORWARDED_FOR": ("192.0.2.1", "x, ::1"),
    "X_FORWARDED_PROTO": ("https", "x"),
    "X_FORWARDED_HOST": ("evil.example",),
    "X_REQUEST_ID": ("12345678",),
    "AUTHORIZATION": ("Bearer x", "Basic"),
    "X_CSRFTOKEN": ("x",),
    "X_REQUESTED_WITH": ("XMLHttpRequest",),
}
# Every name that an address of ours may ask by, and some of Django's.
ASKED: Final = (
    "page",
    "from",
    "to",
    "language",
    "name",
    "via",
    "letter",
    "entry",
    "review",
    "reason",
    "saved",
    "renewed",
    "next",
    "q",
    "o",
    "p",
    "all",
    "e",
    "_popup",
    "_to_field",
    "_changelist_filters",
    "state",
    "assigned",
    "duplicate",
    "country",
    "organisation",
    "delivery",
    "now",
    "letter__id__exact",
    "letter__id__in",
    "evidence_level__exact",
    "is_free_mail__exact",
    "state__exact",
    "state__isnull",
    "state__in",
    "is_staff__exact",
    "groups__id__exact",
    "submitted_at__year",
    "submitted_at__gte",
    "published_at__isnull",
    "id__exact",
    "pk",
    "countries__0",
    "event__exact",
    "kind__exact",
    "app_label",
    "model_name",
    "field_name",
    "term",
    "came_from",
    "skip",
    "after",
    "undone_at__isnull",
)
VALUES: Final = (
    "1",
    "0",
    "-1",
    "2",
    "x",
    "all",
    "yes",
    "correction",
    "9" * 30,
    "9" * 5000,
    "1,2",
    "1.2.-3",
    "-0.0",
    "fr",
    "KE",
    "nan",
    "²",
    "١",
    "true",
    "letter",
    "signatory",
    "signatories",
    "organization",
    "approve",
    "//evil.example/",
    "id",
)
# What the forms of the desk send.
FIELDS: Final = (
    "name",
    "title",
    "slug",
    "state",
    "letter",
    "countries",
    "label",
    "label_hidden",
    "sort_as",
    "other_names",
    "website",
    "contact_name",
    "contact_role",
    "email",
    "note",
    "shown",
    "reason",
    "decision",
    "entry",
    "text",
    "table",
    "store",
    "colleague",
    "action",
    "_selected_action",
    "select_across",
    "seen",
    "index",
    "verdict",
    "mailbox",
    "alias",
    "contact",
    "to",
    "edition",
    "delivered_on",
    "remove",
    "recipients",
    "recipients_file",
    "code",
    "event",
    "position",
    "form",
    "answer",
    "words",
    "line",
    "organization",
    "wanted",
    "more_countries",
    "column-0",
    "name-1",
    "leave-1",
    "known-1",
    "bodies-TOTAL_FORMS",
    "bodies-INITIAL_FORMS",
    "bodies-0-language",
    "bodies-0-body",
    "bodies-0-id",
    "texts-TOTAL_FORMS",
    "texts-INITIAL_FORMS",
    "texts-0-language",
    "texts-0-title",
    "texts-0-text",
    "texts-0-body",
    "aliases-TOTAL_FORMS",
    "aliases-INITIAL_FORMS",
    "aliases-0-name",
    "username",
    "password",
    "code",
    "old_password",
    "opens_at_0",
    "opens_at_1",
    "time_zone",
    "default_language",
    "ordering",
    "kind",
    "_publish",
    "_publish_mail",
    "post",
    "next",
    "other",
    "preview",
    "addressee",
    "salutation",
    "closing_line",
    "letterhead",
    "sign_on_text",
    "privacy_text",
    "contact_address",
)
# They ask in threads with connections of their own, or make a PDF for each recipient.
NOT_ASKED: Final = ("/readyz", "/admin/letter/letter/{letter}/recipients/make/")


class _AtOnce(Executor):
    """Does what it is given in the thread of whoever gives it, which sees the transaction."""

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        done.set_result(function(*arguments, **options))
        return done


class Site:
    """A small world, and whoever asks it."""

    def __init__(self) -> None:
        world = make_world()
        letter = Letter.objects.get(slug="conduct")
        listed = Signatory.objects.get(pk=world.names["listed"])
        text = listed.revision
        submitted = SignatoryFactory(
            letter=letter, revision=text, name="Kivu", state=Signatory.State.SUBMITTED
        )
        pending = Signatory.objects.get(pk=world.names["entry"])
        # A second language and edition; the text is locked for whoever asks politely.
        RevisionText.objects.bulk_create(
            [RevisionText(revision=text, language="fr", body="Nous demandons.")]
        )
        SignatoryFactory(letter=letter, revision=text, name="INSEC", state=Signatory.State.APPROVED)
        request_publication(letter, at=NOW)
        publish(letter.pk, approved_lines, at=NOW)
        Partner.objects.create(letter=letter, code="pax", name="PAX")
        vouch = pending.vouches.create(
            email="info@pending.org", asked_at=NOW, user=world.users["coordinator"]
        )
        self.tokens = [links.new_link(each) for each in (submitted, pending, listed)]
        self.vouch = links.new_vouch_link(vouch)
        self.names = {
            **world.names,
            "line": listed.line_id,
            "pk": letter.pk,
            "token": self.tokens[0],
        }
        self.cookies = {}
        for role in ("coordinator", "superuser", "assigned"):
            client = Client()
            client.force_login(world.users[role])
            self.cookies[role] = client.cookies["sessionid"].value
        self.public = [row.url for route, row in TABLE.items() if row.url not in NOT_ASKED]
        self.desk = [url for page in PAGES if (url := f"/admin/{page.url}") not in NOT_ASKED]
        self.raised: list[str] = []
        self.django = WsgiApplication()

    def __enter__(self) -> Self:
        logging.disable(logging.CRITICAL)
        got_request_exception.connect(self._note)
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        # What takes seconds to make is made once, and stored.
        for before in ("", "/fr"):
            for url in ("letter.pdf", "letter.docx", "letter.txt", "card-2.png"):
                assert self.ask("GET", f"{before}/conduct/{url}") == 200
        return self

    def __exit__(self, *_exc: object) -> None:
        logging.disable(logging.NOTSET)
        got_request_exception.disconnect(self._note)
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
        serving.forget()

    def _note(self, **_said: Any) -> None:
        self.raised.append(traceback.format_exc())

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        content_type: str = "",
    ) -> int:
        """The status; raises where it is an error of ours."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": _raw(path),
            "QUERY_STRING": _raw(query),
            "CONTENT_TYPE": _raw(content_type),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "192.0.2.1",
            "HTTP_HOST": "testserver",
            "wsgi.input": io.BytesIO(body),
            **{f"HTTP_{name}": _header(value) for name, value in (headers or {}).items()},
        }
        setup_testing_defaults(environ)
        self.raised.clear()
        said: list[Any] = []
        answer = Front(self.django, scheme_of, _AtOnce())(
            environ, lambda status, given, *_more: said.append((status, given))
        )
        b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        status = int(said[-1][0][:3])
        assert not self.raised, "".join(self.raised)
        # That somebody else draws, or would have to wait, is no error.
        assert status < 500 or (status == 503 and "Retry-After" in dict(said[-1][1])), status
        return status

    def undone(self, case: Any) -> Any:
        """A target: the case in a transaction that leaves nothing."""

        def run(data: bytes) -> None:
            with transaction.atomic():
                try:
                    case(self, Dice(data))
                finally:
                    transaction.set_rollback(True)

        return run

    def targets(self) -> tuple[Target, ...]:
        return tuple(
            Target(name, self.undone(case), (b"\0", b"\1\2", b"\7\3\5", b"\x20"))
            for name, case in (
                ("public pages", _public),
                ("the form, sent", _signed),
                ("links in mails", _linked),
                ("the desk, looked at", _looked_at),
                ("the desk, typed into", _typed_into),
            )
        )


def _raw(text: str) -> str:
    """A text as WSGI hands it over: its bytes as Latin-1 (PEP 3333)."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _header(text: str) -> str:
    """What a server lets through: one line."""
    return _raw(text).translate({10: " ", 13: " ", 0: " "})


def _headers(dice: Dice) -> dict[str, str]:
    return {
        name: dice.text(HEADERS[name])
        for name in (dice.pick(list(HEADERS)) for _each in range(dice.number(4)))
    }


def _query(dice: Dice) -> str:
    pairs = [(dice.pick(ASKED), dice.text(VALUES)) for _each in range(dice.number(5))]
    joined = "&".join(
        f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in pairs
    )
    return joined + dice.pick(
        ("", "", "", "&", "%", "&%ED%A0%80=%00", "&a=%FF%FE", "=", "&&;", "&" + "a=1&" * 50)
    )


def _path(dice: Dice, path: str) -> str:
    """It, or with one of its parts in the place of which something else stands."""
    if dice.number(4) != 3:
        return path
    parts = path.split("/")
    at = dice.number(len(parts))
    parts[at] = dice.text((*VALUES, "..", ".", "", "conduct", "%2e%2e", "\x7f"))[:3000]
    return "/" + "/".join(parts).lstrip("/")


def _body(dice: Dice, fields: dict[str, Sequence[str]]) -> tuple[bytes, str]:
    """The fields as a browser sends them, or damaged on the way."""
    pairs = [
        (name, value.encode("utf-8", "surrogatepass"))
        for name, values in fields.items()
        for value in values
    ]
    if dice.number(2):
        boundary = dice.pick(("a", "a", "a b", "\xe9", "x" * 200, ""))
        extra = dice.pick(
            ("", "", "; filename=x.csv", "; filename*=utf-7''%2B2AA-", "; a*=x; a*0=y")
        )
        more = dice.pick(
            (
                "",
                "",
                "Content-Transfer-Encoding: base64\r\n",
                "Content-Type: text/x; charset=base64\r\n",
            )
        )
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n{more}\r\n'.encode(
                "latin-1"
            )
            + value
            for name, value in pairs
        ]
        body = b"\r\n".join([*parts, f"--{boundary}--\r\n".encode("latin-1")])
        if dice.number(8) == 7:
            body = body[: dice.number(1 + len(body))]
        return body, f"multipart/form-data; boundary={boundary}"
    kind = dice.pick(
        (
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=utf-16",
            "application/json",
            "text/plain; charset=base64",
            "; charset*=x''%00",
            "multipart/form-data",
            "",
        )
    )
    body = urlencode(pairs).encode()
    return (body + dice.bytes(20) if dice.number(8) == 7 else body), kind


def _public(site: Site, dice: Dice) -> None:
    path = _path(dice, dice.pick(site.public).partition("?")[0].format(**site.names))
    site.ask(
        dice.pick(METHODS),
        path,
        query=_query(dice),
        headers=_headers(dice),
        content_type=dice.pick(
            ("", "", "text/plain; charset=base64", "x; a*=x; a*0=y", "x; charset=utf-7")
        ),
    )


def _posted(
    site: Site, dice: Dice, path: str, fields: dict[str, Sequence[str]], session: str = ""
) -> int:
    body, kind = _body(dice, {"csrfmiddlewaretoken": [SECRET], **fields})
    cookie = f"csrftoken={SECRET}" + (f"; sessionid={session}" if session else "")
    headers = (_headers(dice) if dice.number(4) == 3 else {}) | {"COOKIE": cookie}
    status = site.ask(
        "POST",
        path,
        headers=headers,
        body=body,
        content_type=kind,
        query=_query(dice) if dice.number(4) == 3 else "",
    )
    in_order()
    serving.forget()
    return status


def _signed(site: Site, dice: Dice) -> None:
    newest = Signatory.objects.order_by("-pk").first()
    assert newest is not None
    status = _posted(
        site,
        dice,
        dice.pick(("/conduct/sign/", "/conduct/sign/", "/fr/conduct/sign/")),
        typed(dice),
    )
    for made in Signatory.objects.filter(pk__gt=newest.pk):
        assert status == 302
        assert made.state == Signatory.State.SUBMITTED
        assert made.decisions.count() == made.messages.count() == 1


def _linked(site: Site, dice: Dice) -> None:
    token = dice.pick(site.tokens)
    pages = ("", "correct/", "withdraw/", "renew/", "updates/", "data.json")
    path = dice.pick(
        (
            f"/conduct/confirm/{token}/",
            f"/conduct/not-us/{token}/",
            f"/conduct/organisation/{site.vouch}/",
            *(f"/conduct/signature/{token}/{page}" for page in pages),
        )
    )
    path = _path(dice, path)
    if dice.number(3) == 0:
        site.ask(dice.pick(METHODS), path, query=_query(dice), headers=_headers(dice))
        return
    fields: dict[str, Sequence[str]] = {}
    for _each in range(dice.number(5)):
        name = dice.pick(
            (
                "organization",
                "countries",
                "website",
                "answer",
                "words",
                "line",
                "seen",
                "text",
                "wanted",
                "more_countries",
            )
        )
        fields[name] = [dice.text((*TYPED.get(name, ()), "yes", "no", "1"))]
    if dice.number(2):
        fields = typed(dice) | fields
    _posted(site, dice, path, fields)


def _looked_at(site: Site, dice: Dice) -> None:
    role = dice.pick(("coordinator", "superuser", "assigned"))
    path = _path(dice, dice.pick(site.desk).partition("?")[0].format(**site.names))
    headers = _headers(dice) | {"COOKIE": f"sessionid={site.cookies[role]}"}
    if dice.number(8) != 7:
        headers.pop("HOST", None)
    site.ask(dice.pick(METHODS), path, query=_query(dice), headers=headers)


def _typed_into(site: Site, dice: Dice) -> None:
    role = dice.pick(("coordinator", "superuser", "assigned"))
    page = dice.pick([page for page in PAGES if page.posts])
    post = dice.pick(page.posts)
    url = f"/admin/{page.url}".format(**site.names)
    if f"/admin/{page.url}" in NOT_ASKED:
        return
    fields: dict[str, Sequence[str]] = {
        name: [str(value).format(**site.names)] for name, value in post.data.items()
    }
    for _each in range(dice.number(5)):
        name = dice.pick((*fields, *FIELDS))
        fields[name] = [
            dice.text((*VALUES, str(site.names["letter"]))) for _every in range(1 + dice.number(2))
        ]
    path, _, _query_of_page = url.partition("?")
    _posted(site, dice, path, fields, session=site.cookies[role])


def in_order() -> None:
    """Raises where anything is stored that no rule lets in."""
    for made in Signatory.objects.all():
        is_clean(made.name)
        assert CODES.issuperset(made.countries)
        for name in made.other_names.values():
            is_clean(name)
        assert made.state in Signatory.State.values
        assert made.email == made.email.lower()
        assert made.website == "" or made.website.startswith(("http://", "https://", "ftp"))
    for model in apps.get_models():
        if model._meta.app_label not in {"letter", "signatories"}:
            continue
        fields = [
            field.attname
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField)
        ]
        for values in model._default_manager.values_list(*fields) if fields else ():
            for name, value in zip(fields, values, strict=True):
                assert value is None or value == without_hidden(value), (model, name, value)
