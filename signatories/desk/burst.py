"""A burst of sign-ons from one place, rejected together: one click shows them, a second one does it."""

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import translation
from django.utils.translation import gettext

from signatories import moderation
from signatories.desk.deciding import report, versions_seen
from signatories.desk.pages import number_in, page_context
from signatories.evidence import burst_of
from signatories.models import Event, Signatory
from signatories.moderation import By

if TYPE_CHECKING:
    from signatories.admin import SignatoryAdmin


AT_ONCE = 5000  # each is two fields of the page's form, of which DATA_UPLOAD_MAX_NUMBER_FIELDS allows so many


def reject_burst(desk: "SignatoryAdmin", request: HttpRequest, pk: int) -> HttpResponse:
    """What came with an entry, all ticked. No mails go out: whoever sends a flood wants nothing better."""
    if not desk.has_decide_permission(request):
        raise PermissionDenied
    entry = get_object_or_404(desk.get_queryset(request), pk=pk)
    if request.method == "POST":
        # Only what was on the page: what has come in since was not looked at.
        ticked = [number_in(text) or 0 for text in request.POST.getlist("entry")]
        outcome = moderation.decide_many(
            burst_of(entry).filter(pk__in=ticked).values_list("pk", flat=True),
            Event.REJECT,
            by=By.coordinator(request.user),
            reason=_reason,
            seen=versions_seen(request),
            mail_after=None,
        )
        report(desk, request, Event.REJECT, outcome)
        return redirect("admin:signatories_signatory_changelist")
    context = {
        **page_context(request, gettext("Reject what came from the same place")),
        "media": desk.media,
        "entry": entry,
        "entries": burst_of(entry).select_related("letter").oldest_first()[:AT_ONCE],
    }
    return TemplateResponse(request, "admin/signatories/signatory/burst.html", context)


def _reason(entry: Signatory) -> str:
    with translation.override(entry.language):
        return gettext("One of many that came at once from the same place.")
