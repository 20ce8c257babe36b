"""The admin of updates: dated notes under a letter, which coordinators publish and may have mailed."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from letter.background import ring_after_commit
from letter.models import Update, UpdateText
from letter.offered_lookups import AddedToLetters
from letter.publishing import request_publication


class UpdateTextFormSet(BaseInlineFormSet[UpdateText, Update, Any]):
    """The words of an update; some there must be."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        kept = [
            form.cleaned_data
            for form in self.forms
            if form.cleaned_data and not form.cleaned_data.get("DELETE")
        ]
        if not kept:
            raise ValidationError(_("Write the update in one language at least."))


class UpdateTextInline(admin.StackedInline[UpdateText, Update]):
    model = UpdateText
    formset = UpdateTextFormSet
    extra = 0
    min_num = 1
    fields = ("language", "title", "body")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["widgets"] = {
            "title": forms.TextInput(attrs={"class": "vTextField", "dir": "auto"}),
            "body": forms.Textarea(attrs={"rows": 8, "cols": 80, "dir": "auto"}),
        }
        return super().get_formset(request, obj, **kwargs)


@admin.register(Update)
class UpdateAdmin(AddedToLetters, admin.ModelAdmin[Update]):
    change_form_template = "admin/letter/update/change_form.html"
    list_display = ("__str__", "letter", "published_at", "mailed")
    list_filter = (("letter", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("letter",)
    inlines = (UpdateTextInline,)
    fields = ("letter", "published_at", "mailed")

    class Media:
        css = {"all": ("letter/desk.css",)}

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("texts")

    def get_readonly_fields(self, request: HttpRequest, obj: Update | None = None) -> list[str]:
        return ["published_at", "mailed", *(["letter"] if obj else [])]

    @admin.display(description=_("mailed"))
    def mailed(self, update: Update) -> str:
        if update.mailed_at:
            return f"{timezone.localtime(update.mailed_at):%Y-%m-%d %H:%M}"
        return gettext("on its way") if update.mail_asked_at else "–"

    @transaction.atomic
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        update: Update = form.instance
        now = timezone.now()
        if "_publish" in request.POST or "_publish_mail" in request.POST:
            update.published_at = update.published_at or now
        if "_publish_mail" in request.POST and update.mail_asked_at is None:
            update.mail_asked_at = now
            ring_after_commit()
        if update.published_at:
            if any(each.has_changed() for each in formsets):
                update.changed_at = now
            request_publication(update.letter, at=now)
        update.save()

    def response_add(
        self, request: HttpRequest, obj: Update, post_url_continue: str | None = None
    ) -> Any:
        return self._said(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Update) -> Any:
        return self._said(request, obj) or super().response_change(request, obj)

    def _said(self, request: HttpRequest, update: Update) -> Any:
        if "_publish_mail" in request.POST:
            said = gettext(
                "It stands under the letter, and is mailed to the contacts who asked for it."
            )
        elif "_publish" in request.POST:
            said = gettext("It stands under the letter.")
        else:
            return None
        self.message_user(request, said, messages.SUCCESS)
        return redirect("admin:letter_update_changelist")

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Update) -> None:
        letter = obj.letter
        super().delete_model(request, obj)
        request_publication(letter, at=timezone.now())
