"""The admin's pages for handing a letter over: its recipients, and one PDF for each in a ZIP.

The PDFs are made while the page is sent that says how far they are, and stored for the download.
"""

import logging
from collections.abc import Callable, Generator
from typing import Any, Final

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from letter.models import Edition, Letter
from letter.paper import CannotBeMade
from letter.progress import growing_page
from letter.recipients import KIND, MOST_BYTES, NotReadable, keep, make_zip, read, text_of, written

logger = logging.getLogger(__name__)


def recipients(request: HttpRequest, pk: int, model_admin: ModelAdmin[Letter]) -> HttpResponse:
    """The list, to be pasted or uploaded; nothing of it is kept where a line cannot be read."""
    letter = _letter(model_admin, request, pk)
    typed, findings = "", []
    if request.method == "POST":
        typed = request.POST.get("recipients", "")
        upload = request.FILES.get("file")
        try:
            if upload:
                typed = text_of(upload.read(MOST_BYTES + 1))
            found = read(typed)
        except NotReadable as refusal:
            findings = list(refusal.findings)
        else:
            keep(letter, found)
            said = ngettext(
                "%(count)s recipient is kept.", "%(count)s recipients are kept.", len(found)
            )
            messages.success(request, said % {"count": len(found)})
            return redirect("admin:letter_letter_recipients", pk)
    kept = list(letter.recipients.all())
    context = {
        **page_context(model_admin, request, letter, gettext("Hand it over")),
        "typed": typed if findings else written(kept),
        "findings": findings,
        "kept": kept,
        "edition": letter.newest_edition(),
        "made": letter.documents.filter(kind=KIND).defer("body_gzip").first(),
    }
    status = 422 if findings else 200
    return render(request, "admin/letter/letter/recipients.html", context, status=status)


def make(request: HttpRequest, pk: int, model_admin: ModelAdmin[Letter]) -> HttpResponseBase:
    """A page that grows by a line with each PDF that is made, and ends with where to get them all."""
    letter = _letter(model_admin, request, pk)
    if request.method != "POST":  # its address was entered again
        return redirect("admin:letter_letter_recipients", pk)
    edition = letter.newest_edition()
    count = letter.recipients.count()
    if edition is None or not count:
        messages.error(request, gettext("There is no recipient yet, or the letter is not public."))
        return redirect("admin:letter_letter_recipients", pk)
    title = gettext("Hand it over")
    context = {**page_context(model_admin, request, letter, title), "count": count}
    return growing_page(
        request,
        "admin/letter/letter/recipients_progress.html",
        context,
        _progress(letter, edition),
    )


def _progress(letter: Letter, edition: Edition) -> Generator[SafeString]:
    wanted = list(letter.recipients.all())
    done = 0
    try:
        for done in make_zip(letter, edition, wanted):
            counts = {"done": done, "count": len(wanted)}
            if done:
                yield format_html("<li>{}</li>", gettext("%(done)d of %(count)d") % counts)
    except CannotBeMade as refusal:
        logger.warning("letter %s cannot be had for its recipients: %s", letter.slug, refusal)
        said = gettext("Nothing was made: no font on the server shows %(scripts)s.") % {
            "scripts": ", ".join(refusal.scripts)
        }
        if not refusal.scripts:
            said = gettext("Nothing was made. The reason is in the server’s log.")
        yield format_html('<li class="desk-caution">{}</li>', said)
    else:
        if done:
            yield format_html(
                '<li class="desk-good"><a href="{}">{}</a></li>',
                reverse("admin:letter_letter_recipients_zip", args=[letter.pk]),
                gettext("All are made: get the ZIP file"),
            )
        else:
            said = gettext(
                "The letter or its recipients changed meanwhile, so nothing was kept. Make them again."
            )
            yield format_html('<li class="desk-caution">{}</li>', said)


@require_safe
def zip_file(request: HttpRequest, pk: int, model_admin: ModelAdmin[Letter]) -> HttpResponse:
    """The ZIP, as it was made of the newest edition."""
    letter = _letter(model_admin, request, pk)
    document = letter.documents.filter(kind=KIND).select_related("edition").first()
    if document is None:
        raise Http404
    response = HttpResponse(document.body, content_type=document.content_type)
    name = f"{letter.slug}-edition-{document.edition.number}.zip"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _letter(model_admin: ModelAdmin[Letter], request: HttpRequest, pk: int) -> Letter:
    letter = get_object_or_404(model_admin.get_queryset(request), pk=pk)
    if not model_admin.has_change_permission(request, letter):
        raise PermissionDenied
    return letter


def page_context(
    model_admin: ModelAdmin[Letter], request: HttpRequest, letter: Letter, title: str
) -> dict[str, Any]:
    """The context of templates/admin/letter/letter/page.html."""
    return {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "media": model_admin.media,
        "letter": letter,
    }


PAGES: Final[tuple[tuple[str, str, Callable[..., HttpResponseBase]], ...]] = (
    ("recipients/", "recipients", recipients),
    ("recipients/make/", "recipients_make", make),
    ("recipients/zip/", "recipients_zip", zip_file),
)
