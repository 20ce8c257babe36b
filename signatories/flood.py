"""What a flood of sign-ons meets: it is counted, and what sends more than people do has to work for it, or to wait.

A letter is never shut. Beyond what people send, from one client or on one letter, a sign-on is asked for a proof of
work: a number that, written behind a challenge, gives a SHA-256 that begins with so many zero bits. A browser finds it
within seconds (static/signatories/proof.js), and one hash tells whether it did. The more comes in, the more bits. Who
has no JavaScript waits instead, by the same challenge, of which few from one client are let through. Only a client
that sends far more than any conference hall is refused for a while.

Counted is in the cache, which all processes share with CACHE_URL; what the cache has lost is not counted, so that
people can sign. No address is kept: see `networks.client_key`.
"""

import hashlib
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import ceil, log2
from typing import Final

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.utils.translation import gettext

from letter.models import Letter
from signatories.networks import client_key, is_on_the_internet

WINDOW: Final = 600  # seconds
# One client may send a tenth of what a letter gets before it is asked for a proof.
OF_A_LETTER: Final = 0.1
# Forms, and hints while typing, from one client within WINDOW: a hall of some hundreds signs through one address.
FORMS_AT_MOST: Final = 600
HINTS_AT_MOST: Final = 3000
# Zero bits: 65,000 tries on average, or half a million.
BITS, BITS_AT_MOST = 16, 19
# Seconds to wait without a proof of BITS; doubled with each further bit, as the tries are.
WAIT: Final = 15
# So many from one client may wait instead within WINDOW.
WAITERS_AT_MOST: Final = 5
GOOD_FOR: Final = 900  # seconds in which a challenge is to be met, once
NONCE_DIGITS: Final = 20
SALT: Final = "signatories.flood"
MET: Final = "flood:met:"  # in the cache, before the mark of each challenge that was met


@dataclass(frozen=True)
class Hold:
    """What is asked for before a sign-on is taken: a proof of so many bits, or to wait so many seconds."""

    challenge: str
    bits: int
    wait: int
    problem: str = ""  # what was wrong with the proof that came, in words


class NotMet(Exception):
    """A challenge was not met; the message says why, in words for whoever sent the form."""


class TooSoon(NotMet):
    """It still can be met, in so many seconds."""

    def __init__(self, bits: int, left: float) -> None:
        super().__init__(gettext("The button was pressed too soon. Please wait a little longer."))
        self.bits, self.left = bits, ceil(left)


def counted(what: str) -> float:
    """Count one more of it; give how many there were within about WINDOW, with this one.

    Fixed windows, and of the one before the part that is still within reach: so nothing begins anew at a border.
    """
    window, since = divmod(time.time(), WINDOW)
    key = f"flood:{what}:{window:.0f}"
    before = cache.get(f"flood:{what}:{window - 1:.0f}", 0)
    count = 1
    if not cache.add(key, count, 2 * WINDOW):
        with suppress(ValueError):  # lost in between
            count = cache.incr(key)
    return count + float(before) * (1 - since / WINDOW)


def forms_from(address: str) -> float:
    """Count one more form from a client."""
    return counted(f"forms:{client_key(address)}")


def are_too_many(forms: float, address: str) -> bool:
    """Whether a client is refused for a while; never what may be everybody behind a proxy that we do not know of."""
    return forms > FORMS_AT_MOST and is_on_the_internet(address)


def hints_are_too_many(address: str) -> bool:
    """Count one more hint that a client asks for; whether it is refused for a while."""
    hints = counted(f"hints:{client_key(address)}")
    return hints > HINTS_AT_MOST and is_on_the_internet(address)


def hold(letter: Letter, address: str, forms: float, given: Mapping[str, str]) -> Hold | None:
    """Count one more sign-on of a letter; give what it is asked for, or None if it may go through.

    `forms` is how many its client has sent, `given` the fields that may meet an earlier challenge.
    """
    on_letter = counted(f"letter:{letter.pk}") / settings.PROOF_AFTER
    of_client = forms / max(1, OF_A_LETTER * settings.PROOF_AFTER)
    # Behind a proxy that we do not know of, all are one client.
    pressure = max(on_letter, of_client) if is_on_the_internet(address) else on_letter
    if pressure <= 1:
        return None
    problem = ""
    if "challenge" in given:
        try:
            meet(given["challenge"], given.get("nonce", ""), letter=letter, address=address)
        except TooSoon as too_soon:
            # The wait that has begun goes on.
            return Hold(given["challenge"], too_soon.bits, too_soon.left, str(too_soon))
        except NotMet as not_met:
            problem = str(not_met)
        else:
            return None
    bits = min(BITS + int(log2(pressure)), BITS_AT_MOST)
    return Hold(new_challenge(letter, bits), bits, _wait(bits), problem)


def new_challenge(letter: Letter, bits: int) -> str:
    """A signed text: for which letter, how hard, since when, and what makes it another than all others."""
    return signing.dumps([letter.pk, bits, time.time(), secrets.token_urlsafe(9)], salt=SALT)


def meet(challenge: str, nonce: str, *, letter: Letter, address: str) -> None:
    """Take a proof, or where there is none that the client has waited; each challenge is good once.

    Raises NotMet.
    """
    try:
        of_letter, bits, since, mark = _opened(challenge)
    except signing.BadSignature:
        of_letter = None
    if of_letter != letter.pk:
        raise NotMet(
            gettext("That took too long, or was meant for another letter. Please do it once more.")
        )
    if nonce and not is_proof(challenge, nonce, bits):
        raise NotMet(gettext("The sum did not come out right. Please let it be done once more."))
    if not nonce and (left := since + _wait(bits) - time.time()) > 0:
        raise TooSoon(bits, left)
    if not cache.add(f"{MET}{mark}", 1, GOOD_FOR):
        raise NotMet(
            gettext("This was used for another signature already. Please do it once more.")
        )
    if not nonce and counted(f"waiters:{client_key(address)}") > WAITERS_AT_MOST:
        raise NotMet(
            gettext(
                "Several have signed from your network in this way just now. "
                "Please wait ten minutes, or use a browser with JavaScript."
            )
        )


def give_back(challenge: str) -> None:
    """Let a challenge that was met in vain be met once more."""
    with suppress(signing.BadSignature):
        *_rest, mark = _opened(challenge)
        cache.delete(f"{MET}{mark}")


def _opened(challenge: str) -> tuple[int, int, float, str]:
    """What `new_challenge` has put into it; raises BadSignature where it is not ours, or too old."""
    letter, bits, since, mark = signing.loads(challenge, salt=SALT, max_age=GOOD_FOR)
    return letter, bits, since, mark


def is_proof(challenge: str, nonce: str, bits: int) -> bool:
    """Whether the challenge with the nonce behind it has a SHA-256 (FIPS 180-4) that begins with so many zero bits.

    The nonce is a decimal number.
    """
    if not (nonce.isascii() and nonce.isdecimal() and len(nonce) <= NONCE_DIGITS):
        return False
    digest = hashlib.sha256(f"{challenge}{nonce}".encode()).digest()
    return int.from_bytes(digest, "big") >> (8 * len(digest) - bits) == 0


def _wait(bits: int) -> int:
    return int(WAIT * 2 ** (bits - BITS))
