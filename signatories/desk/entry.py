"""What a page about one entry shows, and its buttons."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from letter.documents import line_html
from letter.models import entrusted
from letter.publishing import Place, number_of, place_of
from signatories import duplicates, merging, moderation
from signatories.desk.asking import asking_context
from signatories.desk.deciding import BUTTONS, report
from signatories.desk.pages import back_to_review, number_in, page_context
from signatories.domains import DomainMatch, domain_match
from signatories.evidence import NETWORK_CROWD, burst_of, signals
from signatories.likeness import LIKELY
from signatories.lines import line_of
from signatories.models import Correction, Event, Signatory, Verdict
from signatories.moderation import Actor, By
from signatories.names import NameRefused, clean_name

if TYPE_CHECKING:
    from signatories.admin import SignatoryAdmin

NEIGHBOURS_SHOWN = 2

DOMAIN_WORDS = {
    DomainMatch.SAME: _("matches the website"),
    DomainMatch.OTHER: _("not the website's"),
    DomainMatch.FREE_MAIL: _("free-mail address"),
    DomainMatch.UNKNOWN: _("no website given"),
}
DOMAIN_CLASSES = {
    DomainMatch.SAME: "desk-good",
    DomainMatch.OTHER: "desk-caution",
    DomainMatch.FREE_MAIL: "desk-neutral",
    DomainMatch.UNKNOWN: "desk-neutral",
}


def entry_context(signatory: Signatory, *, viewer: Any) -> dict[str, Any]:
    """What the panel about an entry shows a coordinator: its line, place, contact and evidence."""
    likenesses, judged = duplicates.find_like(signatory), duplicates.judged(signatory)
    combinable = [
        like
        for like in likenesses
        if like.signatory and merging.why_not(signatory, like.signatory) is None
    ]
    return {
        "entry": signatory,
        "number": number_of(signatory.letter, signatory.line_id),
        "place": _place(signatory),
        "website": website_link(signatory),
        "likenesses": likenesses,
        "judgeable": [like for like in likenesses if _may_judge(viewer, signatory, like)],
        "combinable": combinable,
        # What merely resembles it is not combined by a slip of the finger.
        "to_combine": next((like for like in combinable if like.is_duplicate), None),
        # How the registry writes the likeliest of those that are not on this letter.
        "spelling": next(
            (
                like.name
                for like in likenesses
                if viewer.has_perm("signatories.change_signatory")
                and like.signatory is None
                and like.score >= LIKELY
                and like.name != signatory.name
            ),
            "",
        ),
        "judged": judged,
        "forgettable": [
            one for one in judged if duplicates.may_judge(signatory.name, one.key, user=viewer)
        ],
        "namesakes": _of_the_same_address(signatory),
        "asking": asking_context(signatory),
        "burst_count": count if (count := burst_of(signatory).count()) > NETWORK_CROWD else 0,
        "signals": signals(signatory, at=timezone.now(), likenesses=likenesses, viewer=viewer),
    }


def judge(desk: "SignatoryAdmin", request: HttpRequest, pk: int) -> HttpResponse:
    """Remember that two names are, or are not, one organisation's; or take over how the registry writes it."""
    if not desk.has_decide_permission(request):
        raise PermissionDenied
    signatory = get_object_or_404(desk.get_queryset(request), pk=pk)
    kind, _colon, other = request.POST.get("verdict", "").partition(":")
    shown = [like for like in duplicates.find_like(signatory) if like.name == other]
    if kind == "spelling":
        if not request.user.has_perm("signatories.change_signatory"):
            raise PermissionDenied
        _take_spelling(desk, request, signatory, other)
    elif kind == "forget":
        _forget(desk, request, signatory, other)
    elif not shown:
        reason = gettext("Not noted: “%(name)s” is not, or no longer, among the likely duplicates.")
        desk.message_user(request, reason % {"name": other}, messages.ERROR)
    elif not any(_may_judge(request.user, signatory, like) for like in shown):
        reason = gettext(
            "Not noted: whoever works on all letters decides about “%(name)s”, which others know, too."
        )
        desk.message_user(request, reason % {"name": other}, messages.ERROR)
    elif kind in Verdict.Kind.values:
        duplicates.judge(signatory.name, other, kind, user=request.user, at=timezone.now())
        desk.message_user(
            request,
            gettext("Noted: “%(one)s”, “%(other)s”: %(kind)s.")
            % {"one": signatory.name, "other": other, "kind": Verdict.Kind(kind).label},
            messages.SUCCESS,
        )
    if "review" in request.POST:
        return redirect(back_to_review(request.POST["review"], entry=pk))
    return redirect("admin:signatories_signatory_change", pk)


def _may_judge(user: Any, signatory: Signatory, like: duplicates.Likeness) -> bool:
    """Whoever has some of the letters decides about what stands on them, and not about the whole registry."""
    is_here = like.signatory is not None or user.has_perm("letter.all_letters")
    is_settled = like.verdict and not duplicates.may_judge(signatory.name, like.name, user=user)
    return is_here and not is_settled


def _forget(
    desk: "SignatoryAdmin", request: HttpRequest, signatory: Signatory, other_key: str
) -> None:
    if not duplicates.may_judge(signatory.name, other_key, user=request.user):
        raise PermissionDenied
    if duplicates.forget(signatory.name_key, other_key):
        desk.message_user(request, gettext("Forgotten: it is asked again."), messages.SUCCESS)


def _take_spelling(
    desk: "SignatoryAdmin", request: HttpRequest, signatory: Signatory, name: str
) -> None:
    try:
        moderation.edit(
            signatory.pk,
            {"name": clean_name(name)},
            by=By.coordinator(request.user),
            seen=number_in(request.POST.get("seen")),
        )
    except (moderation.Refused, NameRefused) as refused:
        said = gettext("%(name)s was not changed: %(reason)s.")
        said %= {"name": signatory.name, "reason": refused}
        desk.message_user(request, said, messages.ERROR)
    else:
        said = gettext("“%(old)s” is now “%(new)s”.") % {"old": signatory.name, "new": name}
        desk.message_user(request, said, messages.SUCCESS)


def buttons(
    desk: "SignatoryAdmin", request: HttpRequest, signatory: Signatory
) -> list[dict[str, Any]]:
    """The decisions that the table allows now, for those who may decide."""
    if not desk.has_decide_permission(request):
        return []
    events = moderation.possible_events(signatory.state, Actor.COORDINATOR)
    if moderation.text_to_sign(signatory):
        events.append(Event.RENEW)
    return [
        {
            "event": event,
            "label": BUTTONS[event],
            "url": reverse("admin:signatories_signatory_decide", args=[signatory.pk, event]),
            "needs_reason": event in moderation.NEEDS_REASON,
        }
        for event in events
    ]


def decide_one(desk: "SignatoryAdmin", request: HttpRequest, pk: int, event: str) -> HttpResponse:
    """A button on the entry's page."""
    if not desk.has_decide_permission(request):
        raise PermissionDenied
    signatory = get_object_or_404(desk.get_queryset(request), pk=pk)
    reason = request.POST.get("reason", "")
    back = reverse("admin:signatories_signatory_change", args=[pk])
    if event not in BUTTONS:
        return redirect(back)
    try:
        moderation.decide(
            pk,
            Event(event),
            by=By.coordinator(request.user),
            reason=reason,
            seen=number_in(request.POST.get("seen")),
        )
    except moderation.Refused as refused:
        desk.message_user(
            request,
            gettext("%(name)s was not changed: %(reason)s.")
            % {"name": signatory.name, "reason": refused},
            messages.ERROR,
        )
        return _shown_again(desk, request, pk, reason=reason)
    outcome = moderation.Outcome(done=[signatory])
    report(desk, request, Event(event), outcome)
    return redirect(back)


def settle(desk: "SignatoryAdmin", request: HttpRequest, pk: int, answer: str) -> HttpResponse:
    """Accept or decline the correction that a contact asked for."""
    if not desk.has_decide_permission(request):
        raise PermissionDenied
    reachable = Correction.objects.filter(entrusted(request.user, "signatory__letter"))
    correction = get_object_or_404(reachable, pk=pk)
    reason = request.POST.get("reason", "")
    try:
        moderation.settle(
            pk, accept=answer == "accept", by=By.coordinator(request.user), reason=reason
        )
    except moderation.Refused as refused:
        desk.message_user(
            request,
            gettext("The correction was not settled: %(reason)s.") % {"reason": refused},
            messages.ERROR,
        )
        return _shown_again(desk, request, correction.signatory_id, reason_to_decline=reason)
    desk.message_user(
        request,
        gettext("Corrected; the list is published in a moment.")
        if answer == "accept"
        else gettext("The correction is declined; the contact is told why."),
        messages.SUCCESS,
    )
    return redirect("admin:signatories_signatory_change", correction.signatory_id)


def _shown_again(
    desk: "SignatoryAdmin", request: HttpRequest, pk: int, **typed: str
) -> HttpResponse:
    """The entry's page as it is by now, with the words that were typed there and led to nothing."""
    page = reverse("admin:signatories_signatory_change", args=[pk])
    # To Django's admin a POST would be the entry's own form, sent.
    sent_by, request.method = request.method, "GET"
    response: HttpResponse = desk.changeform_view(request, str(pk), page, typed)
    request.method, response.status_code = sent_by, 409
    return response


def place(desk: "SignatoryAdmin", request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Where the line would stand with what is typed in the form, saved or not."""
    if not desk.has_view_permission(request):
        raise PermissionDenied
    signatory = get_object_or_404(desk.get_queryset(request), pk=pk) if pk else Signatory()
    form = None
    if request.method == "POST":
        form = desk.get_form(request, signatory if pk else None, change=bool(pk))(
            request.POST, instance=signatory
        )
        form.is_valid()
    context: dict[str, Any] = {
        **page_context(request, gettext("Place in the list")),
        "media": desk.media,
        "errors": form.errors if form else {},
    }
    if not (form and form.errors) and signatory.letter_id:
        signatory.derive_keys()
        context |= {"entry": signatory, **_neighbourhood(signatory)}
    return render(request, "admin/signatories/signatory/place.html", context)


def website_link(signatory: Signatory) -> SafeString | str:
    if not signatory.website:
        return gettext("none given")
    shown = signatory.website.removeprefix("https://").removeprefix("http://").rstrip("/")
    return format_html(
        '<a href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a>',
        signatory.website,
        shown,
    )


def domain_words(signatory: Signatory) -> SafeString | str:
    """Whether the contact's address is at the website's domain, in words."""
    if not signatory.email:
        return gettext("no address")
    match = domain_match(signatory.email, signatory.website)
    return format_html('<span class="{}">{}</span>', DOMAIN_CLASSES[match], DOMAIN_WORDS[match])


def _place(signatory: Signatory) -> Place | None:
    """Where approval would put a line that is not on the list."""
    if signatory.state in {
        Signatory.State.APPROVED,
        Signatory.State.WITHDRAWN,
        Signatory.State.REJECTED,
    }:
        return None
    return place_of(
        signatory.letter, line_of(signatory, signatory.letter).sort_key, signatory.line_id
    )


def _neighbourhood(signatory: Signatory) -> dict[str, Any]:
    """The lines around the place that a line has or would take, with their numbers."""
    letter = signatory.letter
    line = line_of(signatory, letter)
    place = place_of(letter, line.sort_key, signatory.line_id)
    others = letter.listings.current().exclude(line_id=signatory.line_id)
    before = list(
        others.filter(sort_key__lt=line.sort_key).order_by("-sort_key")[:NEIGHBOURS_SHOWN]
    )
    after = list(others.filter(sort_key__gt=line.sort_key).order_by("sort_key")[:NEIGHBOURS_SHOWN])
    rows = [
        (number, line_html(listing, letter), False)
        for number, listing in enumerate(reversed(before), start=place.number - len(before))
    ]
    rows.append((place.number, signatory.line_html, True))
    rows += [
        (number, line_html(listing, letter), False)
        for number, listing in enumerate(after, start=place.number + 1)
    ]
    return {"place": place, "rows": rows}


def _of_the_same_address(signatory: Signatory) -> list[Signatory]:
    """Other entries of the same contact on this letter."""
    if not signatory.email:
        return []
    others = Signatory.objects.for_letter(signatory.letter).filter(email=signatory.email)
    return list(others.exclude(pk=signatory.pk).oldest_first()[:10])
