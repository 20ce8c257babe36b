"""The admin's page on which an edition is marked as delivered: to whom, and when."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from letter.handing_over import page_context
from letter.models import Delivery, Edition, Letter
from letter.publishing import request_publication


class EditionChoice(forms.ModelChoiceField[Edition]):
    """One of a letter's editions, by its number, date and count."""

    def label_from_instance(self, obj: Any) -> str:
        return gettext("Edition %(number)s, %(date)s, organisations: %(count)s") % {
            "number": obj.number,
            "date": f"{obj.published_at:%Y-%m-%d}",
            "count": obj.organization_count,
        }


class DeliveryForm(forms.ModelForm[Delivery]):
    """What is said of a delivery; the edition is one of the letter's."""

    edition = EditionChoice(
        queryset=Edition.objects.none(),
        label=_("Edition"),
        help_text=_("What was handed over: it stays to be read as it was."),
    )

    class Meta:
        model = Delivery
        fields = ("edition", "to", "delivered_on")
        widgets = {
            "to": forms.TextInput(attrs={"class": "vTextField desk-wide", "dir": "auto"}),
            "delivered_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    def __init__(self, *args: Any, letter: Letter, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        editions: Any = self.fields["edition"]
        editions.queryset = letter.editions.order_by("-number")
        self.instance.letter = letter
        self._today = timezone.localdate(timezone=letter.zone)

    def clean_delivered_on(self) -> Any:
        day = self.cleaned_data["delivered_on"]
        if day > self._today:
            raise forms.ValidationError(_("This day has not come yet."), code="future")
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        edition, day = cleaned.get("edition"), cleaned.get("delivered_on")
        if edition and day:
            made_on = timezone.localtime(edition.published_at, self.instance.letter.zone).date()
            if day < made_on:
                self.add_error(
                    "delivered_on",
                    forms.ValidationError(
                        _("That edition was published later, on %(date)s."),
                        code="too_early",
                        params={"date": made_on.isoformat()},
                    ),
                )
        return cleaned


def deliveries(request: HttpRequest, pk: int, model_admin: ModelAdmin[Letter]) -> HttpResponse:
    """The deliveries there were, and a form for one more; one that was noted by mistake can be taken back."""
    letter = get_object_or_404(model_admin.get_queryset(request), pk=pk)
    if not request.user.has_perm("letter.view_delivery"):
        raise PermissionDenied
    newest = letter.newest_edition()
    initial = {"edition": newest, "delivered_on": timezone.localdate(timezone=letter.zone)}
    form = DeliveryForm(initial=initial, letter=letter)
    if request.method == "POST":
        if "remove" in request.POST:
            return _remove(request, letter)
        if not request.user.has_perm("letter.add_delivery"):
            raise PermissionDenied
        form = DeliveryForm(request.POST, letter=letter)
        if form.is_valid():
            with transaction.atomic():
                delivery = form.save()
                request_publication(letter, at=timezone.now())
            said = gettext("Edition %(number)s is marked as delivered; the letter’s page says so.")
            messages.success(request, said % {"number": delivery.edition.number})
            return redirect("admin:letter_letter_deliveries", pk)
    context = {
        **page_context(model_admin, request, letter, gettext("Deliveries")),
        "form": form,
        "newest": newest,
        "deliveries": letter.deliveries.select_related("edition"),
    }
    status = 422 if form.errors else 200
    return render(request, "admin/letter/letter/deliveries.html", context, status=status)


def _remove(request: HttpRequest, letter: Letter) -> HttpResponse:
    if not request.user.has_perm("letter.delete_delivery"):
        raise PermissionDenied
    asked = request.POST["remove"]
    with transaction.atomic():
        found = letter.deliveries.filter(pk=asked if asked.isdecimal() and len(asked) < 19 else 0)
        if found.delete()[0]:
            request_publication(letter, at=timezone.now())
    messages.success(request, gettext("It is no longer marked as delivered."))
    return redirect("admin:letter_letter_deliveries", letter.pk)
