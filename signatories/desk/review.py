"""Review: one waiting entry after the other, each decided with a key or a button, and the next one comes.

An entry before one coordinator's eyes is given to no other, and a decision names the version of the entry
that was looked at. What was skipped and decided in this sitting is kept in the coordinator's session.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from letter.models import Letter
from signatories import claims, merging, moderation
from signatories.desk.deciding import saved_words
from signatories.desk.entry import entry_context
from signatories.desk.pages import number_in, page_context, review_url
from signatories.models import Decision, Event, SavedReason, Signatory
from signatories.moderation import By

if TYPE_CHECKING:
    from signatories.admin import SignatoryAdmin

SKIPPED, DECIDED = "review_skipped", "review_decided"  # keys of the session
DECISIONS = (Event.APPROVE, Event.RETURN, Event.REJECT)
UNDO_AT_MOST = 50  # decisions remembered


def review(desk: "SignatoryAdmin", request: HttpRequest) -> HttpResponse:
    """The oldest entry that waits, on one letter (`?letter=`) or on all; a POST decides and goes on."""
    if not desk.has_decide_permission(request):
        raise PermissionDenied
    letters = Letter.objects.entrusted_to(request.user)
    letter = letters.filter(pk=number_in(request.GET.get("letter")) or 0).first()
    if request.method == "POST":
        return _act(desk, request, letter)
    # For example the one just undone.
    first = number_in(request.GET.get("entry"))
    entry = claims.next_for(
        request.user,
        letter=letter,
        skipped=request.session.get(SKIPPED, []),
        at=timezone.now(),
        first=first,
    )
    if first and (entry is None or entry.pk != first):
        desk.message_user(request, _why_not_shown(request, first), messages.WARNING)
    return _page(desk, request, letter, entry)


def _why_not_shown(request: HttpRequest, pk: int) -> str:
    asked = Signatory.objects.entrusted_to(request.user).for_desk().filter(pk=pk).first()
    if asked is None:
        return gettext("The entry that you asked for is not there.")
    words = {"name": asked.name, "state": asked.get_state_display(), "user": asked.assigned_to}
    if asked.state != Signatory.State.PENDING:
        return gettext("“%(name)s” does not wait for a decision. Its state: %(state)s.") % words
    if asked.assigned_to not in {None, request.user}:
        return gettext("“%(name)s” is assigned to %(user)s.") % words
    return gettext("A colleague has “%(name)s” before them.") % words


def _act(desk: "SignatoryAdmin", request: HttpRequest, letter: Letter | None) -> HttpResponse:
    decision, _colon, saved = request.POST.get("decision", "").partition(":")
    skipped: list[int] = request.session.get(SKIPPED, [])
    if decision == "undo":
        return _undo(desk, request, letter)
    if decision == "again":
        request.session[SKIPPED] = []
    elif decision == "skip":
        request.session[SKIPPED] = [*skipped, number_in(request.POST.get("entry")) or 0]
    elif decision in DECISIONS:
        return _decide(desk, request, letter, Event(decision), saved)
    return redirect(review_url(letter))


def _decide(
    desk: "SignatoryAdmin",
    request: HttpRequest,
    letter: Letter | None,
    event: Event,
    saved: str,
) -> HttpResponse:
    entries = Signatory.objects.entrusted_to(request.user).for_desk()
    entry = entries.filter(pk=number_in(request.POST.get("entry")) or 0).first()
    reason = saved_words(saved) if saved else request.POST.get(f"reason_{event}", "")
    name = entry.name if entry else ""
    try:
        if entry is None:
            raise moderation.Gone
        decision = moderation.decide(
            entry.pk,
            event,
            by=By.coordinator(request.user),
            reason=reason,
            seen=number_in(request.POST.get("seen")),
            mail_after=moderation.SECOND_THOUGHTS,
        )
    except moderation.Refused as refused:
        desk.message_user(
            request,
            gettext("%(name)s was not changed: %(reason)s.") % {"name": name, "reason": refused},
            messages.ERROR,
        )
        if entry is not None and entry.state == Signatory.State.PENDING:
            # Shown anew as it is now, with what was typed.
            is_of_reason = isinstance(refused, (moderation.ReasonMissing, moderation.ReasonTooLong))
            status = 422 if is_of_reason else 409
            return _page(desk, request, letter, entry, opened=event, status=status)
        return redirect(review_url(letter))
    remember(request, decision)
    desk.message_user(
        request,
        gettext("%(what)s: %(name)s. Press u to undo.")
        % {"what": event.label.capitalize(), "name": name},
        messages.SUCCESS,
    )
    return redirect(review_url(letter))


def _undo(desk: "SignatoryAdmin", request: HttpRequest, letter: Letter | None) -> HttpResponse:
    """Take back the last decision of this sitting and show its entry again."""
    decided: list[int] = request.session.get(DECIDED, [])
    if not decided:
        desk.message_user(request, gettext("There is nothing to undo."), messages.WARNING)
        return redirect(review_url(letter))
    request.session[DECIDED] = decided[:-1]
    by = By.coordinator(request.user)
    merge = merging.merge_by(decided[-1])
    said = gettext("Undone; it waits again.")
    try:
        if not Signatory.objects.entrusted_to(request.user).filter(decisions=decided[-1]).exists():
            raise moderation.Gone
        if merge is None:
            entry = moderation.undo(decided[-1], by=by).signatory_id
        else:
            entry = merge.merged_id or 0
            kept = merging.undo(merge.pk, by=by)
            said = gettext("Undone; the two are separate again.")
            for words in kept:
                said += " " + gettext("Not as before: %(what)s.") % {"what": words}
    except moderation.Refused as refused:
        desk.message_user(
            request, gettext("Not undone: %(reason)s.") % {"reason": refused}, messages.ERROR
        )
        return redirect(review_url(letter))
    desk.message_user(request, said, messages.SUCCESS)
    return redirect(review_url(letter, entry=entry))


def _page(
    desk: "SignatoryAdmin",
    request: HttpRequest,
    letter: Letter | None,
    entry: Signatory | None,
    *,
    opened: str = "",
    status: int = 200,
) -> HttpResponse:
    waiting = Signatory.objects.entrusted_to(request.user).pending()
    if letter is not None:
        waiting = waiting.for_letter(letter)
    waiting_count = waiting.count()
    skipped_count = waiting.filter(pk__in=request.session.get(SKIPPED, [])).count()
    context: dict[str, Any] = {
        **page_context(request, gettext("Review")),
        "subtitle": ngettext("%(count)s entry waits", "%(count)s entries wait", waiting_count)
        % {"count": waiting_count},
        "media": desk.media,
        "letter": letter,
        "letters": Letter.objects.entrusted_to(request.user).order_by("-created_at"),
        "entry": entry,
        "waiting_count": waiting_count,
        "skipped_count": skipped_count,
        "can_undo": bool(request.session.get(DECIDED)),
        "action_url": review_url(letter),
        "opened": opened,
        # For the pages to which a link leads that come back here.
        "review_query": f"?review={letter.pk if letter else 'all'}",
    }
    if entry is not None:
        context |= {**entry_context(entry, viewer=request.user), "can_judge": True}
        saved = SavedReason.objects.prefetch_related("texts")
        context["saying_no"] = [
            {
                "event": event,
                "key": key,
                "label": label,
                "is_open": event == opened,
                "typed": request.POST.get(f"reason_{event}", ""),
                "saved": [
                    (reason.pk, reason.title, reason.text_for(entry.language))
                    for reason in saved
                    if reason.event == event
                ],
            }
            for event, key, label in (
                (Event.RETURN, "r", gettext("Return for changes")),
                (Event.REJECT, "x", gettext("Reject")),
            )
        ]
    return TemplateResponse(
        request, "admin/signatories/signatory/review.html", context, status=status
    )


def remember(request: HttpRequest, decision: Decision) -> None:
    """Keep a decision of this sitting, for whoever presses "undo"."""
    decided = request.session.get(DECIDED, [])
    request.session[DECIDED] = [*decided, decision.pk][-UNDO_AT_MOST:]
