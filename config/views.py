"""Pages of the site as a whole: is it well, what robots may read, what is said when a form's cookie is missing."""

import logging
import re
import sys
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import readiness
from config.logs import request_id
from signatories.forms import what_was_typed

logger = logging.getLogger(__name__)

# Fields of forms that nobody else may read on the screen.
SECRET = re.compile("password|code|credential|token(?<!csrfmiddlewaretoken)")


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process runs and answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 where all is well, else 503; each part by its name, with what is wrong (config/readiness.py)."""
    states = readiness.states()
    wrong = {part: state for part, state in states.items() if state != readiness.OK}
    response = JsonResponse(states, status=503 if wrong else 200)
    if wrong:
        logger.warning("not ready: %s", "; ".join(f"{part} {wrong[part]}" for part in wrong))
        # Else Django would note an error without saying which, as often as a probe asks.
        response._has_been_logged = True  # type: ignore[attr-defined]
    return response


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Letters are for everyone to find; forms and what lies behind links in mails are not."""
    lines = [
        "User-agent: *",
        "Disallow: /admin/",
        "Disallow: /*/sign/",
        "Disallow: /*/confirm/",
        "Disallow: /*/signature/",
        "Disallow: /*/not-us/",
        "Disallow: /*/organisation/",
        "",
    ]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """For programs that ask for /favicon.ico unasked; pages name the file itself."""
    return redirect(static("letter/favicon.svg"), permanent=False)


# Django's own read the form that was sent, for a token that these pages have no use for: one that cannot be read, or is
# too large, would be an error of ours then.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What was sent makes no sense; this page is made as long as anything is."""
    return HttpResponse(render_to_string("400.html"), status=400)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Something is broken: so the page gets nothing of the request, which would ask the database who is there."""
    if isinstance(sys.exception(), (OperationalError, InterfaceError)):
        return _database_away(request)
    return HttpResponse(render_to_string("500.html", {"request_id": request_id.get()}), status=500)


def _database_away(request: HttpRequest) -> HttpResponse:
    """Where that is what is broken, whatever was sent comes back in a form that sends it again."""
    response = HttpResponse(render_to_string("503.html", _kept(request)), status=503)
    response["Retry-After"] = "60"  # seconds
    return response


def _kept(request: HttpRequest) -> dict[str, Any]:
    """For templates: what was sent, to be sent again, and what of it a person typed."""
    typed = [] if request.method != "POST" else _typed(request)
    return {"typed": typed, "shown": what_was_typed(typed)}


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """What a form had, as far as it may be shown; nothing where one of its fields is secret."""
    try:
        typed = [(name, value) for name, values in request.POST.lists() for value in values]
    except Exception:  # noqa: BLE001 - it may be what is broken
        return []
    return [] if any(SECRET.search(name) for name, _value in typed) else typed


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its cookie; say so in words a person can act on.

    What a stranger may send, and so anybody in a stranger's name, can be sent again from here: browsers end a session
    as they like, and a form that took a quarter of an hour is not to be lost by it. Nothing else can.
    """
    match = request.resolver_match
    kept = _kept(request) if match and match.view_name == "signatories:sign" else {}
    if kept:
        others = [pair for pair in kept["typed"] if pair[0] != "csrfmiddlewaretoken"]
        kept["typed"] = [*others, ("csrfmiddlewaretoken", get_token(request))]
    return render(request, "403_csrf.html", kept, status=403)
