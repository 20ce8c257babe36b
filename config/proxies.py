"""Believes what a proxy says of how it was reached only if the proxy is one of ours."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse

FORWARDED = ("HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST")


def trust_known_proxies(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: drop X-Forwarded-* from whoever is not in TRUSTED_PROXIES (addresses or networks)."""
    networks = [ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES]

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            peer = ip_address(request.META.get("REMOTE_ADDR", ""))
            is_trusted = any(peer in network for network in networks)
        except ValueError:
            is_trusted = False
        if not is_trusted:
            for header in FORWARDED:
                request.META.pop(header, None)
        return get_response(request)

    return middleware
