"""Somebody who asks a site for pages over a connection that lasts, from whatever address they say."""

import hashlib
import itertools
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from lxml import html

CLIENT = "X-Forwarded-For"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]  # by names in small letters
    body: bytes

    def fields(self, having: str) -> list[tuple[str, str]]:
        """What the form that has a field of this name sends when its button is pressed."""
        forms = html.fromstring(self.body).forms
        return list(next(form for form in forms if having in form.fields).form_values())


class Visitor:
    """Nothing is tried again or followed; cookies are kept."""

    def __init__(self, url: str, address: str = "", **cookies: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._address = address
        self._cookies = cookies

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None, {})

    def post(self, path: str, fields: list[tuple[str, str]], address: str = "") -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if address:
            headers[CLIENT] = address
        return self._ask("POST", path, urlencode(fields).encode(), headers)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        if self._address:
            headers.setdefault(CLIENT, self._address)
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={it}" for name, it in self._cookies.items())
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            said = answer.read()
        except (OSError, HTTPException):
            self._connection.close()
            raise
        for value in answer.headers.get_all("Set-Cookie") or []:
            self._cookies |= {name: it.value for name, it in SimpleCookie(value).items()}
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, said)


def filled(fields: list[tuple[str, str]], **typed: str) -> list[tuple[str, str]]:
    """The sign-on form's fields as they came, with an organisation's answers typed over them."""
    typed = {
        "contact_name": "Amina Yusuf",
        "contact_role": "director",
        "authorised": "on",
        "privacy": "on",
        **typed,
    }
    kept = [pair for pair in fields if pair[0] not in typed and pair[0] != "more_countries"]
    return [*kept, *typed.items()]


def prove(held: Answer) -> list[tuple[str, str]]:
    """What a browser with JavaScript sends from the page of a held sign-on."""
    form = html.fromstring(held.body).forms[0]
    nonce = nonce_for(form.get("data-proof"), int(form.get("data-bits")))
    return [*(pair for pair in held.fields("challenge") if pair[0] != "nonce"), ("nonce", nonce)]


def nonce_for(challenge: str, bits: int) -> str:
    """The number that, written behind a challenge, gives a SHA-256 that begins with so many zero bits."""
    begun = hashlib.sha256(challenge.encode())
    for nonce in itertools.count():
        tried = begun.copy()
        tried.update(str(nonce).encode())
        if int.from_bytes(tried.digest(), "big") >> (256 - bits) == 0:
            return str(nonce)
    raise AssertionError
