"""What is noted of each request that Django answers: an id, by which view, how it ended, how long it took."""

import logging
import re
import secrets
import time
from collections.abc import Callable
from http import HTTPMethod
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.logs import request_id
from config.metrics import REQUEST_SECONDS, REQUESTS

logger = logging.getLogger(__name__)

# What a proxy of ours may give; config/proxies.py has dropped what others gave.
GIVEN_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
# Asked for every few seconds by programs, which would fill the log.
NOT_WORTH_A_LINE: Final = frozenset({"healthz", "readyz", "metrics"})


def watch(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: give the request an id, count it, log it by its view: never by its path, which may hold a secret.

    The id is X-Request-ID, from a proxy that we trust or made here, and is told in the answer. What caches may keep
    has none and is not logged: it is told to many, and letter.front asks for it five times a second.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        # Not taken back afterwards: an answer that is made while it is sent belongs to the request, too.
        request_id.set(given if GIVEN_ID.fullmatch(given) else secrets.token_hex(8))
        begun = time.perf_counter()
        response = get_response(request)
        seconds = time.perf_counter() - begun
        view, method = _view(request), _method(request)
        REQUESTS.labels(view, method, str(response.status_code)).inc()
        REQUEST_SECONDS.labels(view).observe(seconds)
        if "public" in response.get("Cache-Control", ""):
            return response
        response["X-Request-ID"] = request_id.get()
        if view not in NOT_WORTH_A_LINE:
            _log(view, method, response.status_code, seconds)
        return response

    return middleware


def _log(view: str, method: str, status: int, seconds: float) -> None:
    milliseconds = round(seconds * 1000, 1)
    fields = {"view": view, "method": method, "status": status, "milliseconds": milliseconds}
    logger.info("%s %s %s in %s ms", method, view, status, milliseconds, extra=fields)


def _view(request: HttpRequest) -> str:
    """The name of the view, such as "admin:index"; of what was answered before any view, "static" or "none"."""
    if request.resolver_match:
        return request.resolver_match.view_name
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "none"


def _method(request: HttpRequest) -> str:
    """The method; "other" where whoever asked made one up, for each would be a series of its own."""
    return str(request.method) if request.method in HTTPMethod.__members__ else "other"
