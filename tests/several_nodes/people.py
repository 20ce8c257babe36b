"""Who visits the site while its machines fail: readers, signers, contacts with their mail, coordinators.

Each is a thread that goes on until told to stop, and keeps count of what it was told.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from http.client import HTTPException, HTTPSConnection
from http.cookies import SimpleCookie
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from lxml import html

from tests.several_nodes.machines import PASSWORD, Site

# What nginx says where no node gave an answer.
GATEWAY = {502, 503, 504}
# A person who is told that it did not work tries again, for so long.
PATIENCE = 20  # seconds
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


class Browser:
    """Cookies, one connection, and each answer as it comes: nothing is tried again or followed."""

    def __init__(self, site: Site) -> None:
        self._url = site.url
        parts = urlsplit(site.url)
        self._connection = HTTPSConnection(
            str(parts.hostname), parts.port, timeout=20, context=site.trust
        )
        self._cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, fields: list[tuple[str, str]]) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._url}
        return self._ask("POST", path, urlencode(fields).encode(), headers)

    def form(self, path: str, *, having: str) -> list[tuple[str, str]]:
        """What the fields hold, as it comes, of a page's form that has one of that name."""
        answer = self.get(path)
        assert answer.status == 200, (path, answer.status)
        return list(_form(answer, having).form_values())

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        if self._cookies:
            headers["Cookie"] = "; ".join(
                f"{name}={value}" for name, value in self._cookies.items()
            )
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
        if answer.status in GATEWAY:
            raise NoAnswer(f"{method} {path}: {answer.status}")
        for value in response.headers.get_all("Set-Cookie") or []:
            self._cookies |= {name: item.value for name, item in SimpleCookie(value).items()}
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
        self.browser = Browser(self.site)

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
        typed = {
            "organization": f"Association {NAMES[self.number]} {_in_words(count)}",
            "contact_name": "Amina Yusuf",
            "contact_role": "director",
            "email": address,
            "authorised": "on",
            "privacy": "on",
        }
        sent = [pair for pair in fields if pair[0] not in typed and pair[0] != "more_countries"]
        sent += typed.items()
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
            text = mail.get_body(("plain",)).get_content()
            link = re.search(rf"{re.escape(self.site.url)}(/\S+/confirm/\S+/)", text)
            if link:
                self.secrets.add(link[1].split("/")[-2])
                self._confirm(link[1])
                self.confirmed.add(str(mail["To"]))
            self.read.add(path.name)
        time.sleep(0.1)

    def _confirm(self, path: str) -> None:
        page = self.until_answered(lambda: self.browser.get(path))
        while page.status == 200:
            fields = list(_form(page, "seen").form_values())
            answer = self.until_answered(lambda sent=fields: self.browser.post(path, sent))
            assert answer.status in {302, 409}, answer.status
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
            self._log_in()
        path = "/admin/signatories/signatory/review/"
        page = self.until_answered(lambda: self.browser.get(path))
        assert page.status == 200, page.status
        form = html.fromstring(page.body).forms[-1]  # the one to decide with
        fields = [
            pair
            for pair in form.form_values()
            if pair[0] in {"csrfmiddlewaretoken", "entry", "seen"}
        ]
        if "entry" not in dict(fields):
            time.sleep(0.2)
            return
        sent = [*fields, ("decision", "approve")]
        answer = self.until_answered(lambda: self.browser.post(form.action or path, sent))
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

    def _log_in(self) -> None:
        path = "/admin/login/"
        fields = self.until_answered(lambda: self.browser.form(path, having="username"))
        known = {"username": f"coordinator-{self.number}", "password": PASSWORD}
        sent = [pair for pair in fields if pair[0] not in known] + list(known.items())
        answer = self.until_answered(lambda: self.browser.post(path, sent))
        assert answer.status == 302, answer.status
        self.is_in = True


def _form(page: Answer, having: str) -> html.FormElement:
    return next(form for form in html.fromstring(page.body).forms if having in form.fields)


NAMES = ("Kivu", "Tigray", "Rakhine", "Darfur", "Sinjar", "Homs")
_WORDS = ("Amber", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Heath", "Isle", "Juniper")


def _in_words(count: int) -> str:
    """A number as a name, so that no two are taken for slips of one another."""
    return " ".join(_WORDS[int(digit)] for digit in f"{count:03}")
