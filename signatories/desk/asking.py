"""Asking an organisation at its own domain whether it signs: the small form on an entry's pages, and its own page."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from signatories import moderation, vouching
from signatories.desk.pages import back_to_review, page_context
from signatories.domains import DomainMatch, domain_match, own_domain
from signatories.mail import preview_question
from signatories.models import Signatory
from signatories.moderation import By

if TYPE_CHECKING:
    from signatories.admin import SignatoryAdmin

MAILBOX_MAX_LENGTH = 64  # RFC 5321 §4.5.3.1.1


class AskForm(forms.Form):
    """The part before the @; what follows it is the website's domain and not to be typed."""

    mailbox = forms.CharField(
        max_length=MAILBOX_MAX_LENGTH,
        error_messages={"required": _("Type what stands before the @, such as “info”.")},
    )

    def __init__(self, *args: Any, domain: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.domain = domain

    def clean_mailbox(self) -> str:
        """The whole address."""
        mailbox: str = self.cleaned_data["mailbox"]
        if "@" in mailbox:
            raise ValidationError(
                _("Type only what stands before the @; the domain is the website's.")
            )
        address = f"{mailbox}@{self.domain}"
        try:
            validate_email(address)
        except ValidationError:
            raise ValidationError(
                _("An address cannot begin like that. Type something like “info” or “office”.")
            ) from None
        return address


def asking_context(signatory: Signatory) -> dict[str, Any] | None:
    """What the small form shows; None where there is nothing to ask, or no more."""
    if signatory.state not in vouching.OPEN_STATES:
        return None
    if domain_match(signatory.email, signatory.website) == DomainMatch.SAME:
        return None
    return {
        "hindrance": vouching.hindrance(signatory),
        "domain": own_domain(signatory.website),
        "mailboxes": vouching.USUAL_MAILBOXES,
    }


def ask(desk: "SignatoryAdmin", request: HttpRequest, pk: int) -> HttpResponse:
    """The form with the mail as it would go out; a POST has it sent, unless it only asks to see the mail."""
    if not desk.has_decide_permission(request):
        raise PermissionDenied
    signatory = get_object_or_404(desk.get_queryset(request).select_related("revision"), pk=pk)
    domain = own_domain(signatory.website)
    form = AskForm(request.POST if request.method == "POST" else None, domain=domain)
    hindrance = vouching.hindrance(signatory)
    if not hindrance and form.is_valid() and "preview" not in request.POST:
        try:
            vouch = vouching.ask(pk, form.cleaned_data["mailbox"], by=By.coordinator(request.user))
        except moderation.Refused as refused:
            form.add_error("mailbox", str(refused))
        else:
            desk.message_user(
                request,
                gettext("A mail to %(address)s asks whether the organisation signs.")
                % {"address": vouch.email},
                messages.SUCCESS,
            )
            return redirect(_back(request, pk))
    address = form.cleaned_data.get("mailbox") if form.is_valid() else f"…@{domain}"
    context = {
        **page_context(request, gettext("Ask the organisation")),
        "media": desk.media,
        "entry": signatory,
        "form": form,
        "hindrance": hindrance,
        "domain": domain,
        "mailboxes": vouching.USUAL_MAILBOXES,
        "mail": None if hindrance else preview_question(signatory, address or ""),
        "review": request.POST.get("review", ""),
        "back_url": _back(request, pk),
    }
    status = 422 if form.errors or (hindrance and request.method == "POST") else 200
    return TemplateResponse(request, "admin/signatories/signatory/ask.html", context, status=status)


def _back(request: HttpRequest, pk: int) -> str:
    if "review" in request.POST:
        return back_to_review(request.POST["review"], entry=pk)
    return reverse("admin:signatories_signatory_change", args=[pk])
