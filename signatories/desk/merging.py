"""The pages on which two entries or two organisations are combined: what would become of them, and the button."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from letter.countries import country_name
from letter.publishing import number_of
from signatories import duplicates, merging, other_names
from signatories.desk.deciding import versions_seen
from signatories.desk.pages import back_to_review, page_context
from signatories.desk.review import remember
from signatories.merging import GROUP_NAMES, GROUPS, REVERSIBLE_FOR
from signatories.models import Merge, Organization, Signatory
from signatories.moderation import By, Refused, State

if TYPE_CHECKING:
    from signatories.admin import MergeAdmin, OrganizationAdmin, SignatoryAdmin

OTHER: Final = "other"  # the choice of a value of the one that goes
ENTRIES_NAMED: Final = 20
# By group, the field without which there is nothing.
FILLED_UP: Final = {"website": "website", "contact": "email", "note": "note"}


@dataclass(frozen=True)
class Row:
    """What two entries have in common or differ in: the value of the one that stays, and of the other."""

    group: str
    label: str
    mine: str
    theirs: str
    differs: bool
    takes_theirs: bool = False


@dataclass(frozen=True)
class Shown:
    """A merge on a page: what was combined with what, and whether it can be undone."""

    merge: Merge
    survivor: str
    survivor_url: str
    merged: str
    merged_url: str
    state: str
    is_reversible: bool


def may_merge_organizations(request: HttpRequest) -> bool:
    """Whoever decides about sign-ons and keeps the registry, which all letters share."""
    needed = [
        "letter.all_letters",
        "signatories.decide_signatory",
        "signatories.change_organization",
    ]
    return request.user.has_perms(needed)


def _may_name(request: HttpRequest) -> bool:
    """Whoever may say what an organisation is called, too: the registry is all letters'."""
    return request.user.has_perm("signatories.change_organization")


def may_undo(request: HttpRequest, merge: Merge) -> bool:
    """Whoever might have combined the two."""
    if merge.organization_id is not None:
        return may_merge_organizations(request)
    return request.user.has_perm("signatories.decide_signatory")


def shown(request: HttpRequest, merge: Merge) -> Shown:
    """A merge as a page shows it to somebody."""
    page, stays, goes = "admin:signatories_signatory_change", merge.survivor_id, merge.merged_id
    if merge.organization_id is not None:
        page = "admin:signatories_organization_change"
        stays, goes = merge.organization_id, merge.merged_organization_id
    survivor, merged = names_of(merge)
    return Shown(
        merge,
        survivor=survivor,
        survivor_url=reverse(page, args=[stays]),
        merged=merged,
        merged_url=reverse(page, args=[goes]),
        state=state_of(merge),
        is_reversible=merging.is_reversible(merge, at=timezone.now()) and may_undo(request, merge),
    )


def names_of(merge: Merge) -> tuple[str, str]:
    """What stays and what was combined with it, in words."""
    if merge.survivor is not None and merge.merged is not None:
        return _named(merge.survivor), _named(merge.merged)
    return str(merge.organization), str(merge.merged_organization)


def state_of(merge: Merge) -> str:
    """Whether a merge stands and can be undone, in words."""
    if merge.undone_at:
        return gettext("separated again by %(user)s on %(day)s") % {
            "user": merge.undone_by,
            "day": _day(merge.undone_at),
        }
    if merge.part_of_id is not None:
        return gettext("combined along with the organisations")
    if merging.is_reversible(merge, at=timezone.now()):
        return gettext("can be separated until %(day)s") % {"day": _day(merge.at + REVERSIBLE_FOR)}
    return gettext("combined for good")


def _day(at: datetime) -> str:
    return date_format(timezone.localtime(at), "DATE_FORMAT")


def merges_context(request: HttpRequest, thing: Signatory | Organization) -> dict[str, Any]:
    """What `_merges.html` shows on the page of an entry or an organisation."""
    return {"merges": [shown(request, merge) for merge in merging.merges_of(thing)]}


def _named(entry: Signatory) -> str:
    return gettext("%(line)s, %(reference)s") % {"line": entry.line, "reference": entry.reference}


def _until() -> str:
    """The sentence that says how long there is a way back."""
    return gettext("Until %(day)s you can separate them again, on the page of either.") % {
        "day": _day(timezone.now() + REVERSIBLE_FOR)
    }


# --- Two entries ----------------------------------------------------------------


def combine_entries(
    desk: "SignatoryAdmin", request: HttpRequest, pk: int, other: int
) -> HttpResponse:
    """What becomes of two entries if they are combined (`?keep=` names the one that stays); a POST does it."""
    if not desk.has_decide_permission(request):
        raise PermissionDenied
    entries = Signatory.objects.entrusted_to(request.user).for_desk()
    survivor, merged = merging.by_default(
        get_object_or_404(entries, pk=pk), get_object_or_404(entries, pk=other)
    )
    if request.GET.get("keep") == str(merged.pk):
        survivor, merged = merged, survivor
    refused = merging.why_not(survivor, merged)
    seen = versions_seen(request)
    # Nobody combines what was not shown.
    is_seen = request.method == "POST" and {survivor.pk, merged.pk} <= seen.keys()
    if refused is None and not is_seen:
        return _entries_page(desk, request, survivor, merged, came_from=pk)
    if refused is None:
        try:
            merge = merging.merge_entries(
                survivor.pk,
                merged.pk,
                by=By.coordinator(request.user),
                take={group for group in GROUPS if request.POST.get(group) == OTHER},
                with_alias="alias" in request.POST and _may_name(request),
                seen=seen,
            )
        except Refused as why:
            refused = why
        else:
            return _combined(desk, request, merge)
    reason = gettext("Not combined: %(reason)s.") % {"reason": refused}
    desk.message_user(request, reason, messages.ERROR)
    found = entries.in_bulk([survivor.pk, merged.pk])
    if len(found) == 2 and merging.why_not(found[survivor.pk], found[merged.pk]) is None:
        # Shown anew as they are now, with what was chosen.
        return _entries_page(
            desk, request, found[survivor.pk], found[merged.pk], came_from=pk, status=409
        )
    if "review" in request.GET:
        return redirect(back_to_review(request.GET["review"]))
    return redirect("admin:signatories_signatory_change", pk)


def _combined(desk: "SignatoryAdmin", request: HttpRequest, merge: Merge) -> HttpResponse:
    """Say so; then the review goes on, or the entry that stays is shown."""
    assert merge.survivor is not None
    assert merge.merged is not None
    words = {"merged": merge.merged.name, "survivor": merge.survivor.line}
    said = gettext("Combined: %(survivor)s stands for “%(merged)s”, too.") % words
    if "review" not in request.GET:
        desk.message_user(request, said, messages.SUCCESS)
        return redirect("admin:signatories_signatory_change", merge.survivor.pk)
    remember(request, merge.merged.decisions.in_order().latest("pk"))
    desk.message_user(request, said + " " + gettext("Press u to undo."), messages.SUCCESS)
    return redirect(back_to_review(request.GET["review"]))


def _entries_page(
    desk: "SignatoryAdmin",
    request: HttpRequest,
    survivor: Signatory,
    merged: Signatory,
    *,
    came_from: int,
    status: int = 200,
) -> HttpResponse:
    swapped = request.GET.copy()
    swapped["keep"] = str(merged.pk)
    names = [survivor.name, merged.name]
    organization, theirs = survivor.organization, merged.organization
    context = {
        **page_context(request, gettext("Combine two sign-ons")),
        "media": desk.media,
        "survivor": survivor,
        "merged": merged,
        "facts": list(_facts(survivor, merged)),
        "rows": list(_rows(survivor, merged, request)),
        "sentences": list(_sentences(survivor, merged, viewer=request.user)),
        "seen": [survivor, merged],
        "aliases": merging.unknown_names(organization, names)
        if organization and _may_name(request)
        else [],
        "alias_is_wanted": request.method != "POST" or "alias" in request.POST,
        # The entries would be one and their organisations still two.
        "organizations_url": reverse(
            "admin:signatories_organization_combine", args=[organization.pk, theirs.pk]
        )
        if organization and theirs and organization != theirs and may_merge_organizations(request)
        else "",
        "until": _until(),
        "swap_url": f"?{swapped.urlencode()}",
        "back_url": back_to_review(request.GET["review"])
        if "review" in request.GET
        else reverse("admin:signatories_signatory_change", args=[came_from]),
    }
    return TemplateResponse(
        request, "admin/signatories/signatory/combine.html", context, status=status
    )


def _facts(survivor: Signatory, merged: Signatory) -> Iterator[Row]:
    """What nobody chooses."""
    for label, value in (
        (gettext("State"), lambda entry: entry.get_state_display()),
        (gettext("Reference"), lambda entry: entry.reference),
        (gettext("Came in"), lambda entry: _moment(entry.submitted_at)),
        (gettext("Address confirmed"), lambda entry: _moment(entry.confirmed_at)),
        (gettext("Revision signed"), lambda entry: str(entry.revision.number)),
    ):
        mine, theirs = value(survivor), value(merged)
        yield Row("", label, mine, theirs, mine != theirs)


def _moment(at: Any) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else gettext("no")


def _rows(survivor: Signatory, merged: Signatory, request: HttpRequest) -> Iterator[Row]:
    """What the one that stays may take from the other."""
    differing = merging.differing(survivor, merged)
    if request.method == "POST":
        theirs = [group for group in GROUPS if request.POST.get(group) == OTHER]
    else:
        # What is not printed, and the one that stays lacks, is no loss to take.
        theirs = [group for group in FILLED_UP if not getattr(survivor, FILLED_UP[group])]
    for group, label in GROUP_NAMES.items():
        yield Row(
            group,
            str(label),
            _words(survivor, group),
            _words(merged, group),
            group in differing,
            group in theirs,
        )


def _words(entry: Signatory, group: str) -> str:
    match group:
        case "name":
            sort_as = gettext("sorted as “%(name)s”") % {"name": entry.sort_as}
            more = [sort_as] if entry.sort_as else []
            more += [other_names.written(entry.other_names)] if entry.other_names else []
            return f"{entry.name} ({'; '.join(more)})" if more else entry.name
        case "countries":
            return ", ".join(country_name(code) for code in entry.countries) or "–"
        case "label":
            return gettext("none printed") if entry.label_hidden else entry.label or "–"
        case "contact":
            parts = (entry.contact_name, entry.contact_role, entry.email)
            return ", ".join(part for part in parts if part) or "–"
    return str(getattr(entry, group)) or "–"


def _sentences(survivor: Signatory, merged: Signatory, *, viewer: Any) -> Iterator[str]:
    """What will happen, beside the values that are chosen."""
    yield from _of_the_list(survivor, merged)
    yield _of_the_contact(merged)
    is_noted = duplicates.may_judge(survivor.name, merged.name, user=viewer)
    if survivor.name_key != merged.name_key and is_noted:
        yield gettext("It is noted that both names are the same organisation's.")
    for each in (survivor, merged):
        correction = each.corrections.filter(settled_at__isnull=True).first()
        if correction is not None and each is survivor:
            yield gettext("The correction that its contact asks for, “%(line)s”, still waits.") % {
                "line": correction.line
            }
        elif correction is not None:
            yield gettext(
                "The correction that the other contact asks for, “%(line)s”, falls away; "
                "it comes back if you separate the two."
            ) % {"line": correction.line}
    if survivor.assigned_to or merged.assigned_to:
        yield gettext("What stays is assigned to: %(user)s.") % {
            "user": survivor.assigned_to or gettext("nobody")
        }
    yield gettext("History, notes and mails of both are kept, each with its own.")


def _of_the_list(survivor: Signatory, merged: Signatory) -> Iterator[str]:
    letter = survivor.letter
    number = number_of(letter, survivor.line_id)
    if number:
        yield gettext("No. %(number)s, %(line)s, stays on the list.") % {
            "number": number,
            "line": survivor.line,
        }
    elif survivor.state == State.APPROVED:
        yield gettext("%(line)s stays; it is on the list in a moment.") % {"line": survivor.line}
    else:
        yield gettext("%(line)s stays and is not on the list; its state: %(state)s.") % {
            "line": survivor.line,
            "state": survivor.get_state_display(),
        }
    if merged.state != State.APPROVED:
        yield gettext("%(line)s is withdrawn from the queue.") % {"line": merged.line}
        return
    gone = number_of(letter, merged.line_id)
    if gone:
        moved = letter.listings.current().count() - gone
        yield ngettext(
            "No. %(number)s, %(line)s, leaves the list; %(moved)s line moves up.",
            "No. %(number)s, %(line)s, leaves the list; %(moved)s lines move up.",
            moved,
        ) % {"number": gone, "line": merged.line, "moved": moved}
    else:
        yield gettext("%(line)s does not come on the list.") % {"line": merged.line}
    if survivor.state != State.APPROVED:
        yield gettext("So the organisation is not on the list until you approve what stays.")


def _of_the_contact(merged: Signatory) -> str:
    if not merged.email:
        return gettext("The one that goes has no address, so nobody is told.")
    if merged.confirmed_at is None:
        words = gettext("%(email)s is not told: nobody has confirmed that address.")
    else:
        words = gettext(
            "%(email)s is told after two minutes. Their page says what became of the sign-on, and no longer "
            "corrects or withdraws it."
        )
    return words % {"email": merged.email}


# --- Two organisations ------------------------------------------------------------


def combine_organizations(
    desk: "OrganizationAdmin", request: HttpRequest, pk: int, other: int
) -> HttpResponse:
    """What becomes of two organisations if they are combined (`?keep=` names the one that stays); a POST does it."""
    if not may_merge_organizations(request):
        raise PermissionDenied
    registry = desk.get_queryset(request)
    pair = [get_object_or_404(registry, pk=pk), get_object_or_404(registry, pk=other)]
    # On more letters, else known for longer.
    pair.sort(key=lambda each: (-each.letter_count, each.created_at, each.pk))  # type: ignore[attr-defined]  # annotated
    survivor, merged = pair
    if request.GET.get("keep") == str(merged.pk):
        survivor, merged = merged, survivor
    if request.method == "POST":
        try:
            merging.merge_organizations(
                survivor.pk,
                merged.pk,
                by=By.coordinator(request.user),
                take_website=request.POST.get("website") == OTHER,
                seen=versions_seen(request),
            )
        except Refused as refused:
            reason = gettext("Not combined: %(reason)s.") % {"reason": refused}
            desk.message_user(request, reason, messages.ERROR)
        else:
            words = {"merged": merged.name, "survivor": survivor.name}
            said = gettext("Combined: “%(survivor)s” stands for “%(merged)s”, too.") % words
            desk.message_user(request, said, messages.SUCCESS)
            return redirect("admin:signatories_organization_change", survivor.pk)
        survivor.refresh_from_db()
        merged.refresh_from_db()
    if survivor == merged or survivor.merged_into_id or merged.merged_into_id:
        if request.method != "POST":
            reason = gettext("Only two different organisations of the registry can be combined.")
            desk.message_user(request, reason, messages.ERROR)
        return redirect("admin:signatories_organization_changelist")
    status = 409 if request.method == "POST" else 200
    return _organizations_page(desk, request, survivor, merged, status=status)


def _organizations_page(
    desk: "OrganizationAdmin",
    request: HttpRequest,
    survivor: Organization,
    merged: Organization,
    *,
    status: int,
) -> HttpResponse:
    twice = merging.listed_twice(survivor, merged)
    takes_theirs = bool(merged.website) and not survivor.website
    if request.method == "POST":
        takes_theirs = request.POST.get("website") == OTHER
    website = Row(
        "website",
        gettext("Website"),
        survivor.website or "–",
        merged.website or "–",
        survivor.website != merged.website,
        takes_theirs,
    )
    swapped = request.GET.copy()
    swapped["keep"] = str(merged.pk)
    context = {
        **page_context(request, gettext("Combine two organisations")),
        "media": desk.media,
        "opts": Organization._meta,
        "survivor": survivor,
        "merged": merged,
        "facts": list(_organization_facts(survivor, merged)),
        "rows": [website],
        "sentences": list(_organization_sentences(survivor, merged, twice)),
        "seen": [entry for pair in twice for entry in pair],
        "until": _until(),
        "swap_url": f"?{swapped.urlencode()}",
        "back_url": reverse("admin:signatories_organization_changelist"),
    }
    return TemplateResponse(
        request, "admin/signatories/organization/combine.html", context, status=status
    )


def _organization_facts(survivor: Organization, merged: Organization) -> Iterator[Row]:
    for label, mine, theirs in zip(
        (gettext("Other names"), gettext("Sign-ons on a list"), gettext("First seen")),
        _facts_of(survivor),
        _facts_of(merged),
        strict=True,
    ):
        yield Row("", label, mine, theirs, mine != theirs)


def _facts_of(organization: Organization) -> tuple[str, str, str]:
    return (
        "; ".join(alias.name for alias in organization.aliases.all()) or "–",
        str(organization.signatories.filter(state=State.APPROVED).count()),
        _day(organization.created_at),
    )


def _organization_sentences(
    survivor: Organization, merged: Organization, twice: list[tuple[Signatory, Signatory]]
) -> Iterator[str]:
    words = {"merged": merged.name, "survivor": survivor.name}
    yield (
        gettext(
            "“%(merged)s”, and what else it is called, become other names of “%(survivor)s”. "
            "Who signs under such a name counts as “%(survivor)s”."
        )
        % words
    )
    going = {entry.pk for _stays, entry in twice}
    count = merged.signatories.filter(merged_into=None).exclude(pk__in=going).count()
    if count:
        yield ngettext(
            "%(count)s sign-on goes over to it; its line on the list stays as it is.",
            "%(count)s sign-ons go over to it; their lines on the lists stay as they are.",
            count,
        ) % {"count": count}
    for stays, goes in twice[:ENTRIES_NAMED]:
        sentences = " ".join([*_of_the_list(stays, goes), _of_the_contact(goes)])
        yield gettext("On “%(letter)s”, where both are listed: %(sentences)s") % {
            "letter": stays.letter,
            "sentences": sentences,
        }
    if len(twice) > ENTRIES_NAMED:
        yield gettext("Likewise on %(count)s further letters.") % {
            "count": len(twice) - ENTRIES_NAMED
        }
    yield (
        gettext(
            "“%(merged)s” leaves the registry’s list. Its page stays, and says what became of it."
        )
        % words
    )


# --- The way back ---------------------------------------------------------------


def undo(desk: "MergeAdmin", request: HttpRequest, pk: int) -> HttpResponse:
    """Separate two again, and say what was changed since and stays."""
    merge = get_object_or_404(desk.get_queryset(request), pk=pk)
    if not may_undo(request, merge):
        raise PermissionDenied
    try:
        kept = merging.undo(pk, by=By.coordinator(request.user))
    except Refused as refused:
        reason = gettext("Not separated: %(reason)s.") % {"reason": refused}
        desk.message_user(request, reason, messages.ERROR)
    else:
        desk.message_user(request, gettext("Separated again."), messages.SUCCESS)
        for words in kept:
            desk.message_user(
                request,
                gettext("Not as before: %(what)s.") % {"what": words},
                messages.WARNING,
            )
    if merge.merged_id is not None:
        return redirect("admin:signatories_signatory_change", merge.merged_id)
    return redirect("admin:signatories_organization_change", merge.merged_organization_id)
