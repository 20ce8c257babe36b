"""What a mail address's domain and a website's say about each other, without the network."""

import difflib
from contextlib import suppress
from enum import StrEnum
from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from disposable_email_domains import blocklist
from publicsuffixlist import PublicSuffixList

# Providers whose addresses say nothing about an organisation.
FREE_MAIL = frozenset(
    {
        "126.com",
        "163.com",
        "aol.com",
        "email.com",
        "free.fr",
        "gmail.com",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hotmail.co.uk",
        "hotmail.com",
        "hotmail.fr",
        "icloud.com",
        "laposte.net",
        "live.com",
        "mail.com",
        "mail.ru",
        "me.com",
        "msn.com",
        "orange.fr",
        "outlook.com",
        "outlook.fr",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "rediffmail.com",
        "rocketmail.com",
        "wanadoo.fr",
        "web.de",
        "yahoo.co.in",
        "yahoo.co.uk",
        "yahoo.com",
        "yahoo.es",
        "yahoo.fr",
        "yandex.com",
        "yandex.ru",
        "ymail.com",
        "zoho.com",
    }
)
# Sites where each organisation has a page, not a domain.
SHARED_SITES = frozenset(
    {
        "facebook.com",
        "google.com",
        "instagram.com",
        "linkedin.com",
        "linktr.ee",
        "twitter.com",
        "x.com",
        "youtube.com",
    }
)
# The ones that people mean when they mistype a domain.
OFTEN_MEANT = (
    "gmail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "icloud.com",
    "protonmail.com",
    "yahoo.fr",
    "hotmail.fr",
    "orange.fr",
    "wanadoo.fr",
    "googlemail.com",
)
# Below this likeness (difflib's ratio, 0 to 1) two domains are simply different.
SLIP_LIKENESS = 0.86


class DomainMatch(StrEnum):
    """How the domain of the contact's address relates to the organisation's website."""

    SAME = "same"
    OTHER = "other"
    FREE_MAIL = "free_mail"
    UNKNOWN = "unknown"


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def registrable_domain(host: str) -> str:
    """The part of a host name that someone registered ("mail.ngo.org.uk" → "ngo.org.uk"); empty if none.

    By the Public Suffix List (publicsuffix.org), from a copy that comes with its package.
    """
    with suppress(ValueError):
        ip_address(host)
        return ""
    return _suffixes().privatesuffix(host.lower().rstrip(".")) or ""


def domain_of_address(email: str) -> str:
    return email.rpartition("@")[2].lower()


def domain_match(email: str, website: str) -> DomainMatch:
    """Whether the address belongs to the website's domain, to another, or to a free-mail provider."""
    domain = domain_of_address(email)
    if not domain:
        return DomainMatch.UNKNOWN
    site = registrable_domain(host_of(website))
    if site and registrable_domain(domain) == site:
        return DomainMatch.SAME
    if domain in FREE_MAIL:
        return DomainMatch.FREE_MAIL
    return DomainMatch.OTHER if site else DomainMatch.UNKNOWN


def likely_domain(domain: str) -> str:
    """The provider that was probably meant by a mistyped domain ("gmial.com" → "gmail.com"); empty if none."""
    domain = domain.lower()
    if domain in FREE_MAIL:
        return ""
    near = difflib.get_close_matches(domain, OFTEN_MEANT, n=1, cutoff=SLIP_LIKENESS)
    return near[0] if near else ""


def host_of(website: str) -> str:
    """The host of a website's address, without "www."; empty where it has none."""
    with suppress(ValueError):
        return (urlsplit(website).hostname or "").rstrip(".").removeprefix("www.")
    return ""


def own_domain(website: str) -> str:
    """The registrable domain that the website's organisation has to itself; empty where many share it."""
    domain = registrable_domain(host_of(website))
    return "" if domain in FREE_MAIL or domain in SHARED_SITES else domain


def is_free_mail(email: str) -> bool:
    return domain_of_address(email) in FREE_MAIL


def is_disposable(email: str) -> bool:
    """Whether the address is from a provider whose addresses are thrown away after use."""
    domain = domain_of_address(email)
    return bool(domain) and not blocklist.isdisjoint({domain, registrable_domain(domain)})
