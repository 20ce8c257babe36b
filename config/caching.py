"""What caches between us and readers may keep: what a view says so of, and nothing else."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def keep_nothing_unsaid(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: `private, no-cache` where nothing was said.

    Of such an answer a cache may judge by itself (RFC 9111 §4.2.2), and some keep it for a day: a letter that was
    not there yet would be missing after it is published.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return middleware
