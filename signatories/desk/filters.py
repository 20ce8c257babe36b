"""How the lists of the desk can be narrowed."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from letter.models import Letter
from signatories.campaign import countries_named
from signatories.desk.pages import number_in
from signatories.models import Signatory, Vouch


class StateFilter(admin.SimpleListFilter):
    """By state; without a choice, what waits for a decision."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            *Signatory.State.choices,
            ("correction", _("Correction asked for")),
            ("all", _("All")),
        ]

    def choices(self, changelist: ChangeList) -> Any:
        # No "All" of the base class first: ours is the last, and pending is what no choice means.
        for lookup, title in self.lookup_choices:
            yield {
                "selected": (self.value() or Signatory.State.PENDING) == lookup,
                "query_string": changelist.get_query_string({self.parameter_name: lookup}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signatory]) -> QuerySet[Signatory]:
        if self.value() == "all":
            return queryset
        if self.value() == "correction":
            return queryset.filter(corrections__settled_at=None, corrections__isnull=False)
        is_searched = bool(request.GET.get("q")) or any(
            name.startswith("state__") for name in request.GET
        )
        if self.value() is None and is_searched:
            return queryset  # whoever looks for a reference wants it in whatever state it is
        known = self.value() in Signatory.State.values
        return queryset.filter(state=self.value() if known else Signatory.State.PENDING)


class LetterFilter(admin.RelatedFieldListFilter):
    """By letter, of those that have any such row: asked letter by letter, and not of all the rows."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        rows = model_admin.get_queryset(request).filter(letter=OuterRef("pk"))
        letters = Letter.objects.filter(Exists(rows)).order_by(
            *self.field_admin_ordering(field, request, model_admin)
        )
        return [(letter.pk, str(letter)) for letter in letters]


class AssignedFilter(admin.SimpleListFilter):
    """By the coordinator to whom an entry is assigned."""

    title = _("assigned")
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("me", _("To me")), ("others", _("To others")), ("nobody", _("To nobody"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signatory]) -> QuerySet[Signatory]:
        match self.value():
            case "me":
                return queryset.filter(assigned_to=request.user.pk)
            case "others":
                return queryset.exclude(assigned_to=None).exclude(assigned_to=request.user.pk)
            case "nobody":
                return queryset.filter(assigned_to=None)
        return queryset


class DuplicateFilter(admin.SimpleListFilter):
    """By whether another entry on the letter is probably the same organisation's."""

    title = _("likely duplicate")
    parameter_name = "duplicate"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signatory]) -> QuerySet[Signatory]:
        if self.value() in {"yes", "no"}:
            return queryset.filter(likely_same_as__isnull=self.value() == "no")
        return queryset


class CountryFilter(admin.SimpleListFilter):
    """By country, of those that entries of the chosen letter name."""

    title = _("country")
    parameter_name = "country"
    template = "admin/signatories/signatory/country_filter.html"  # a hundred links are no list

    def choices(self, changelist: ChangeList) -> Any:
        """One for each country; `others` is what else narrows the list, for the form to send along."""
        self.others = [
            (name, value)
            for name, values in changelist.filter_params.items()
            for value in values
            if name != self.parameter_name
        ]
        for lookup, title in [("", gettext("All")), *self.lookup_choices]:
            yield {
                "value": lookup,
                "selected": (self.value() or "") == lookup,
                "display": title,
            }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        letters = Letter.objects.entrusted_to(request.user)
        letter = number_in(request.GET.get("letter__id__exact"))
        if letter is not None:
            letters = letters.filter(pk=letter)
        self.named = countries_named(letters)
        codes = {code for named in self.named for code in named}
        return sorted(((code, countries.name(code)) for code in codes), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signatory]) -> QuerySet[Signatory]:
        if code := self.value():
            # Neither database looks into lists as fast as it compares them.
            return queryset.filter(countries__in=[each for each in self.named if code in each])
        return queryset


class OrganizationAskedFilter(admin.SimpleListFilter):
    """By whether the organisation was asked if it signs, and what it said."""

    title = _("the organisation itself")
    parameter_name = "organisation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("answered", _("Has answered")),
            ("yes", _("Says that it signs")),
            ("no", _("Says that it does not")),
            ("asked", _("Asked, has not answered")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signatory]) -> QuerySet[Signatory]:
        vouches = Vouch.objects.filter(signatory=OuterRef("pk"))
        answered = Exists(vouches.exclude(answer=""))
        match self.value():
            case "answered":
                return queryset.filter(answered)
            case "yes" | "no" as answer:
                return queryset.filter(Exists(vouches.filter(answer=answer)))
            case "asked":
                return queryset.filter(Exists(vouches)).exclude(answered)
        return queryset


class DeliveryFilter(admin.SimpleListFilter):
    """By what became of a mail."""

    title = _("delivery")
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("waiting")), ("given_up", _("given up")), ("sent", _("sent"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "waiting":
                return queryset.unsent()
            case "given_up":
                return queryset.filter(given_up_at__isnull=False)
            case "sent":
                return queryset.filter(sent_at__isnull=False)
        return queryset


class MergeFilter(admin.SimpleListFilter):
    """By whether a merge stands."""

    title = _("now")
    parameter_name = "now"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("combined", _("combined")), ("separate", _("separated again"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "combined":
                return queryset.filter(undone_at=None)
            case "separate":
                return queryset.exclude(undone_at=None)
        return queryset
