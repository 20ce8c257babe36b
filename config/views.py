"""Pages of the site as a whole: is it well, what robots may read, what is said when a form's cookie is missing."""

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.logs import request_id


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process runs and answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """It can take traffic: database, migrations and cache, each "ok" or what is wrong; 503 if any is."""
    parts = {"database": "ok", "migrations": "ok", "cache": "ok"}
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            parts["migrations"] = "some are not applied"
    except DatabaseError:
        parts["database"] = "does not answer"
        parts["migrations"] = "unknown"
    try:
        cache.set("readyz", "ok", 10)
        if cache.get("readyz") != "ok":
            parts["cache"] = "does not keep what it is given"
    except OSError:
        parts["cache"] = "does not answer"
    is_ready = all(state == "ok" for state in parts.values())
    return JsonResponse(parts, status=200 if is_ready else 503)


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


def server_error(request: HttpRequest) -> HttpResponse:
    """Something is broken: so the page gets nothing of the request, which would ask the database who is there."""
    return HttpResponse(render_to_string("500.html", {"request_id": request_id.get()}), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its cookie; say so in words a person can act on."""
    return render(request, "403_csrf.html", {"is_debug": settings.DEBUG}, status=403)
