"""Who visits the site while its machines fail: readers, signers, contacts with their mail, coordinators.

Each is a thread that goes on until told to stop, and keeps count of what it was told.
"""

import re
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.cookies import SimpleCookie
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from lxml import html

from tests.several_nodes.machines import PASSWORD, Site

# A person who is told that it did not work tries again, for so long.
PATIENCE = 20  # seconds
REVIEW = "/admin/signatories/signatory/review/"
READ = ("", "signatories.json", "editions/", "feed.atom", "sign/")
ENCODINGS = ("", "gzip, deflate, br, zstd", "gzip")


T = TypeVar("T")


class NoAnswer(Exception):
    """The site did not answer, or only nginx did."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def place(self) -> str:
        return urlsplit(self.headers.get("location", "")).path

    def fields(self, having: str) -> list[tuple[str, str]]:
        """What the page's form that has a field of this name sends when its button is pressed."""
        forms = html.fromstring(self.body).forms
        return list(next(form for form in forms if having in form.fields).form_values())


class Browser:
    """Cookies, one connection, and each answer as it comes: nothing is tried again or followed."""

    # What nginx says where no node gave an answer.
    no_answer = frozenset({502, 503, 504})

    def __init__(self, url: str, trust: ssl.SSLContext | None = None) -> None:
        self._url = url
        host = urlsplit(url).netloc
        self._connection = (
            HTTPSConnection(host, timeout=20, context=trust)
            if trust
            else HTTPConnection(host, timeout=20)
        )
        self.cookies: dict[str, str] = {}
        self.headers: dict[str, str] = {}  # that go with each request

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, fields: list[tuple[str, str]]) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._url}
        return self._ask("POST", path, urlencode(fields).encode(), headers)

    def form(self, path: str, *, having: str) -> list[tuple[str, str]]:
        """What the fields hold, as it comes, of a page's form that has one of that name."""
        answer = self.get(path)
        assert answer.status == 200, (path, answer.status)
        return answer.fields(having)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        headers |= self.headers
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            answer = Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(),
            )
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise NoAnswer(f"{method} {path}: {error!r}") from error
        if answer.status in self.no_answer:
            raise NoAnswer(f"{method} {path}: {answer.status}")
        for value in response.headers.get_all("Set-Cookie") or []:
            self.cookies |= {name: item.value for name, item in SimpleCookie(value).items()}
        return answer


@dataclass
class Person(threading.Thread):
    """What the kinds of people have in common: they go on until told to stop."""

    site: Site
    slug: str
    number: int
    told_to_stop: threading.Event
    trouble: list[str] = field(default_factory=list)  # what must never happen
    tried_again: int = 0

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.browser = Browser(self.site.url, self.site.trust)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        while not self.told_to_stop.is_set():
            try:
                self.do_one()
            except Exception as error:
                self.trouble.append(f"{type(error).__name__}: {error}")
                time.sleep(0.5)
        self.browser.close()

    def do_one(self) -> None:
        raise NotImplementedError

    def until_answered(self, ask: Callable[[], T]) -> T:
        """What asking gives, asked again as long as there is no answer."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return ask()
            except NoAnswer:
                if time.monotonic() > deadline:
                    raise
                self.tried_again += 1
                time.sleep(0.2)


class Reader(Person):
    """Asks once for each page: an error that a person would see is one too many."""

    pages = 0

    def do_one(self) -> None:
        path = READ[self.pages % len(READ)]
        encoding = ENCODINGS[(self.pages + self.number) % len(ENCODINGS)]
        headers = {"Accept-Encoding": encoding} if encoding else {}
        answer = self.browser.get(f"/{self.slug}/{path}", **headers)
        assert (answer.status, bool(answer.body)) == (200, True), (path, answer.status)
        self.pages += 1
        time.sleep(0.1)


class Signer(Person):
    """Signs for one organisation after the other; every third presses the button twice."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tried: set[str] = set()
        self.acknowledged: set[str] = set()

    def do_one(self) -> None:
        count = len(self.tried)
        address = f"office@{self.slug}-{self.number}-{count}.org"
        self.tried.add(address)
        path = f"/{self.slug}/sign/"
        fields = self.until_answered(lambda: self.browser.form(path, having="organization"))
        sent = filled(
            fields, f"Association {NAMES[self.number]} {_in_words(count)}", address=address
        )
        for _press in range(2 if count % 3 == 0 else 1):
            answer = self.until_answered(lambda: self.browser.post(path, sent))
            assert (answer.status, answer.place) == (302, f"{path}sent/"), (
                answer.status,
                re.findall(r'class="error[^>]*>([^<]+)', answer.body.decode(errors="replace")),
            )
            self.acknowledged.add(address)
        time.sleep(1.2)


class Contact(Person):
    """Reads all mail, and confirms what is asked to be confirmed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.read: set[str] = set()
        self.confirmed: set[str] = set()
        self.secrets: set[str] = set()  # of the links

    def do_one(self) -> None:
        new = [path for path in sorted(self.site.mail.glob("*.eml")) if path.name not in self.read]
        for path in new:
            mail = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
            if link := link_to_confirm(mail):
                self.secrets.add(link.split("/")[-2])
                self.confirm(str(mail["To"]), link)
            self.read.add(path.name)
        time.sleep(0.1)

    def confirm(self, address: str, path: str) -> None:
        """Open the link that was mailed to an address and press the button, until it leads elsewhere."""
        page = self.until_answered(lambda: self.browser.get(path))
        while page.status == 200:
            fields = page.fields("seen")
            answer = self.until_answered(lambda sent=fields: self.browser.post(path, sent))
            assert answer.status in {302, 409}, answer.status
            if answer.status == 302:
                self.confirmed.add(address)
            page = self.until_answered(lambda: self.browser.get(path))
        # Confirmed now, or before: the link leads to where things stand.
        assert page.status == 302, page.status


class Coordinator(Person):
    """Logs in, approves on the review page whatever is put before them, and now and then takes out the list."""

    approved = 0
    taken_out = 0
    is_in = False

    def do_one(self) -> None:
        if not self.is_in:
            self.log_in()
        page = self.until_answered(lambda: self.browser.get(REVIEW))
        assert page.status == 200, page.status
        fields = fields_to_decide(page)
        if not fields:
            time.sleep(0.2)
            return
        sent = [*fields, ("decision", "approve")]
        answer = self.until_answered(lambda: self.browser.post(REVIEW, sent))
        # 409: the entry changed meanwhile; it is shown again.
        assert answer.status in {302, 409}, answer.status
        self.approved += answer.status == 302
        if self.approved % 5 == 0:
            self._take_out()
        time.sleep(0.1)

    def _take_out(self) -> None:
        path = "/admin/signatories/signatory/take-out/"
        fields = dict(self.until_answered(lambda: self.browser.form(path, having="letter")))
        sent = [*(fields | {"form": "private_csv"}).items()]
        answer = self.until_answered(lambda: self.browser.post(path, sent))
        assert (answer.status, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
        assert len(answer.body.splitlines()) > 33, answer.body[:200]
        self.taken_out += 1

    def log_in(self) -> None:
        path = "/admin/login/"
        fields = self.until_answered(lambda: self.browser.form(path, having="username"))
        known = {"username": f"coordinator-{self.number}", "password": PASSWORD}
        sent = [pair for pair in fields if pair[0] not in known] + list(known.items())
        answer = self.until_answered(lambda: self.browser.post(path, sent))
        assert answer.status == 302, answer.status
        self.is_in = True


def filled(
    fields: list[tuple[str, str]], organization: str, *, address: str
) -> list[tuple[str, str]]:
    """What the sign-on form sends, once somebody has typed into it."""
    typed = {
        "organization": organization,
        "contact_name": "Amina Yusuf",
        "contact_role": "director",
        "email": address,
        "authorised": "on",
        "privacy": "on",
    }
    untouched = [pair for pair in fields if pair[0] not in typed and pair[0] != "more_countries"]
    return [*untouched, *typed.items()]


def fields_to_decide(page: Answer) -> list[tuple[str, str]]:
    """What goes with a decision on the review page, but for the decision; empty where no entry waits."""
    form = html.fromstring(page.body).forms[-1]
    fields = [
        pair for pair in form.form_values() if pair[0] in {"csrfmiddlewaretoken", "entry", "seen"}
    ]
    return fields if "entry" in dict(fields) else []


def link_to_confirm(mail: EmailMessage) -> str | None:
    """The path of the link in a mail that asks to confirm an address; None in any other."""
    text = mail.get_body(("plain",)).get_content()
    link = re.search(r"https?://[^/\s]+(/\S+/confirm/\S+/)", text)
    return link[1] if link else None


NAMES = ("Kivu", "Tigray", "Rakhine", "Darfur", "Sinjar", "Homs")
_WORDS = ("Amber", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Heath", "Isle", "Juniper")


def _in_words(count: int) -> str:
    """A number as a name, so that no two are taken for slips of one another."""
    return " ".join(_WORDS[int(digit)] for digit in f"{count:03}")
