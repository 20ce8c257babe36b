"""One decision about several entries at once: the reason asked for, the mails shown, and what came of it."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from signatories import mail, moderation
from signatories.desk.pages import number_in, page_context
from signatories.models import Event, SavedReason, Signatory
from signatories.moderation import By

if TYPE_CHECKING:
    from signatories.admin import SignatoryAdmin

REFUSALS_NAMED = 20

BUTTONS = {
    Event.APPROVE: _("Approve"),
    Event.RETURN: _("Return for changes"),
    Event.REJECT: _("Reject"),
    Event.RESUBMIT: _("Put back in the queue"),
    Event.REOPEN: _("Open again"),
    Event.WITHDRAW: _("Withdraw"),
    Event.RENEW: _("They have signed the revised text"),
}


def decide_about(
    desk: "SignatoryAdmin",
    request: HttpRequest,
    queryset: QuerySet[Signatory],
    event: Event,
    action: str,
) -> HttpResponse | None:
    """Carry out an action; ask for the reason first where it tells a contact no, or takes a line down."""
    # Selecting all takes in rows of pages that nobody has looked at: they are shown first.
    is_unseen = request.POST.get("select_across") == "1"
    if is_unseen or (event != Event.APPROVE and "reason" not in request.POST):
        return _ask_reason(desk, request, queryset, event, action)
    reason = _with_saved_words(request)
    if "preview" in request.POST:
        return _ask_reason(desk, request, queryset, event, action, preview=reason)
    if event in moderation.NEEDS_REASON and not reason:
        return _ask_reason(desk, request, queryset, event, action, is_missing=True)
    outcome = moderation.decide_many(
        queryset.values_list("pk", flat=True),
        event,
        by=By.coordinator(request.user),
        reason=reason,
        seen=versions_seen(request),
    )
    report(desk, request, event, outcome)
    return None


def _ask_reason(
    desk: "SignatoryAdmin",
    request: HttpRequest,
    queryset: QuerySet[Signatory],
    event: Event,
    action: str,
    *,
    is_missing: bool = False,
    preview: moderation.Reason | None = None,
) -> HttpResponse:
    entries = list(queryset.order_by("submitted_at", "pk"))
    context = {
        **page_context(request, str(BUTTONS[event])),
        "media": desk.media,
        "event": event,
        "action": action,
        # Just these, also if all were selected: what comes in meanwhile was not looked at.
        "entries": entries,
        "needs_reason": event in moderation.NEEDS_REASON,
        "takes_reason": event != Event.APPROVE,
        "saved_reasons": SavedReason.objects.filter(event=event).prefetch_related("texts"),
        "saved": request.POST.get("saved", ""),
        "is_missing": is_missing,
        "reason": request.POST.get("reason", ""),
        # The versions shown now, unless a page before this one showed others.
        "seen": {entry.pk: entry.version for entry in entries} | versions_seen(request),
        "mails": [] if preview is None else _mail_previews(entries, event, preview),
    }
    return TemplateResponse(
        request,
        "admin/signatories/signatory/reason.html",
        context,
        status=422 if is_missing else 200,
    )


def report(
    desk: "SignatoryAdmin", request: HttpRequest, event: Event, outcome: moderation.Outcome
) -> None:
    count = len(outcome.done)
    done = {
        Event.APPROVE: ngettext("%(count)s approved.", "%(count)s approved.", count),
        Event.REJECT: ngettext("%(count)s rejected.", "%(count)s rejected.", count),
        Event.RETURN: ngettext(
            "%(count)s returned for changes.", "%(count)s returned for changes.", count
        ),
        Event.RESUBMIT: ngettext(
            "%(count)s put back in the queue.", "%(count)s put back in the queue.", count
        ),
        Event.REOPEN: ngettext(
            "%(count)s opened again; it waits for a decision.",
            "%(count)s opened again; they wait for a decision.",
            count,
        ),
        Event.WITHDRAW: ngettext("%(count)s withdrawn.", "%(count)s withdrawn.", count),
        Event.RENEW: ngettext(
            "%(count)s stands under the revised text now.",
            "%(count)s stand under the revised text now.",
            count,
        ),
    }[event] % {"count": count}
    if event == Event.APPROVE and count:
        done += " " + gettext("The list is published in a moment.")
    if count or not outcome.refused:
        desk.message_user(request, done, messages.SUCCESS if count else messages.WARNING)
    report_refused(desk, request, outcome)


def report_refused(
    desk: "SignatoryAdmin", request: HttpRequest, outcome: moderation.Outcome
) -> None:
    """Say which entries were left as they are, and why."""
    unnamed = len(outcome.refused) - REFUSALS_NAMED
    for signatory, refused in outcome.refused[:REFUSALS_NAMED]:
        desk.message_user(
            request,
            gettext("Not changed: %(name)s (%(reference)s): %(reason)s.")
            % {"name": signatory.name, "reference": signatory.reference, "reason": refused},
            messages.WARNING,
        )
    if unnamed > 0:
        desk.message_user(
            request,
            ngettext(
                "Not changed either, for reasons like these: %(count)s other.",
                "Not changed either, for reasons like these: %(count)s others.",
                unnamed,
            )
            % {"count": unnamed},
            messages.WARNING,
        )


def saved_words(pk: str | None) -> moderation.Reason:
    """A saved reason's words, in each contact's language; empty where there is no such reason."""
    reason = SavedReason.objects.prefetch_related("texts").filter(pk=number_in(pk) or 0).first()
    if reason is None:
        return ""
    return lambda entry: reason.text_for(entry.language, entry.letter.default_language)


def _with_saved_words(request: HttpRequest) -> moderation.Reason:
    """The coordinator's own words, and after them the saved ones in each contact's language."""
    own = request.POST.get("reason", "").strip()
    saved = saved_words(request.POST.get("saved"))
    if not saved:
        return own
    return lambda entry: f"{own}\n\n{moderation.words_of(saved, entry)}"


def _mail_previews(
    entries: list[Signatory], event: Event, reason: moderation.Reason
) -> list[mail.Preview]:
    """For the first entry in each language, the mail that its contact would get."""
    firsts = {entry.language: entry for entry in reversed(entries) if entry.email}
    return [
        mail.preview(
            entry,
            moderation.MAILS[event],
            reason=moderation.words_of(reason, entry),
            at=timezone.now(),
        )
        for entry in firsts.values()
    ]


def versions_seen(request: HttpRequest) -> dict[int, int]:
    """What the page before showed of each row: its version, by primary key."""
    pairs = (pair.partition(":") for pair in request.POST.getlist("seen"))
    numbers = ((number_in(pk), number_in(version)) for pk, _colon, version in pairs)
    return {pk: version for pk, version in numbers if pk is not None and version is not None}
