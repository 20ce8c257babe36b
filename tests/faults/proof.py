"""What a sign-on that is held asks for, worked out as a browser does."""

import hashlib
import itertools

from lxml import html

from tests.several_nodes.people import Answer


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
