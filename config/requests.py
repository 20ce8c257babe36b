"""What is noted of each request that Django answers: how many there were, and how long they took."""

import time
from collections.abc import Callable
from http import HTTPMethod

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.metrics import REQUEST_SECONDS, REQUESTS


def watch(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: count the request by its view, never by its path, which may hold a secret."""

    def middleware(request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        response = get_response(request)
        view = _view(request)
        REQUESTS.labels(view, _method(request), str(response.status_code)).inc()
        REQUEST_SECONDS.labels(view).observe(time.perf_counter() - begun)
        return response

    return middleware


def _view(request: HttpRequest) -> str:
    """The name of the view, such as "admin:index"; of what was answered before any view, "static" or "none"."""
    if request.resolver_match:
        return request.resolver_match.view_name
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "none"


def _method(request: HttpRequest) -> str:
    """The method; "other" where whoever asked made one up, for each would be a series of its own."""
    return str(request.method) if request.method in HTTPMethod.__members__ else "other"
