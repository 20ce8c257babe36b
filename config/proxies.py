"""Believes what a proxy says of how it was reached only if the proxy is one of ours."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from wsgiref.types import WSGIEnvironment

from django.conf import settings
from django.http import HttpRequest, HttpResponse

FORWARDED = (
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_REQUEST_ID",
)


def trust_known_proxies(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: drop FORWARDED from whoever is not in TRUSTED_PROXIES (addresses or networks).

    What comes after it, an app that knows nothing of proxies, finds the client's address in REMOTE_ADDR.
    """
    is_trusted = _trusts()

    def middleware(request: HttpRequest) -> HttpResponse:
        peer = _address(request.META.get("REMOTE_ADDR", ""))
        if peer is None or not is_trusted(peer):
            for header in FORWARDED:
                request.META.pop(header, None)
        request.META["REMOTE_ADDR"] = client_address(request)
        return get_response(request)

    return middleware


def client_address(request: HttpRequest) -> str:
    """The right-most address that is not one of TRUSTED_PROXIES; empty if the peer has none (a socket file).

    Each proxy writes behind what it was sent the address it was sent it from, so only what
    our own proxies wrote, read from the right, is known; what stands left of that anybody may
    have made up. Where a proxy of ours wrote something else than an address, or all are ours, it is the last
    one that could be followed. IPv4 in IPv6 (::ffff:192.0.2.1, RFC 4291 §2.5.5.2) is given as IPv4.
    """
    is_trusted = _trusts()
    known = _address(request.META.get("REMOTE_ADDR", ""))
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while known is not None and is_trusted(known) and hops:
        sent_from = _address(hops.pop())
        if sent_from is None:
            break
        known = sent_from
    return "" if known is None else str(known)


def scheme_of(environ: WSGIEnvironment) -> str:
    """What a proxy of ours says of the scheme by which it was reached; else the one by which we were."""
    told = environ.get("HTTP_X_FORWARDED_PROTO")
    if told and _is_ours(environ.get("REMOTE_ADDR", ""), tuple(settings.TRUSTED_PROXIES)):
        return str(told)
    return str(environ["wsgi.url_scheme"])


@lru_cache(maxsize=1000)
def _is_ours(peer: str, _proxies: tuple[str, ...]) -> bool:
    address = _address(peer)
    return address is not None and _trusts()(address)


def _trusts() -> Callable[[IPv4Address | IPv6Address], bool]:
    networks = [ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES]
    return lambda address: any(address in network for network in networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
