"""The page where a list is taken out as a file: the public one by all who read here, contacts by those who may."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from letter.models import Letter, entrusted
from signatories import exporting
from signatories.desk.pages import page_context

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True)
class Form:
    """A form in which a list can be had."""

    make: Callable[[Letter], bytes]
    suffix: str
    content_type: str
    label: Promise
    is_private: bool = False


FORMS = {
    "public_csv": Form(exporting.public_csv, "csv", "text/csv; charset=utf-8", _("CSV")),
    "public_xlsx": Form(exporting.public_xlsx, "xlsx", XLSX, _("Workbook (XLSX)")),
    "public_docx": Form(exporting.public_docx, "docx", DOCX, _("Word document (DOCX)")),
    "public_text": Form(exporting.public_text, "txt", "text/plain; charset=utf-8", _("Plain text")),
    "private_csv": Form(
        exporting.private_csv, "csv", "text/csv; charset=utf-8", _("CSV"), is_private=True
    ),
    "private_xlsx": Form(
        exporting.private_xlsx, "xlsx", XLSX, _("Workbook (XLSX)"), is_private=True
    ),
}


class TakeOutForm(forms.Form):
    letter = forms.ModelChoiceField(
        Letter.objects.order_by("-pk"), label=_("Letter"), empty_label=None
    )
    # The buttons' name, so only a request that was made by hand can have it wrong.
    form = forms.ChoiceField(choices=[(name, form.label) for name, form in FORMS.items()])

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        letter: Any = self.fields["letter"]
        letter.queryset = letter.queryset.filter(entrusted(user))


@require_http_methods(["GET", "HEAD", "POST"])
def take_out(request: HttpRequest) -> HttpResponse:
    """Show the forms in which a list can be had; a POST names one, is logged and answered with the file."""
    if not request.user.has_perm("signatories.view_signatory"):
        raise PermissionDenied
    if request.method != "POST":
        return _page(
            request, TakeOutForm(request.user, initial={"letter": request.GET.get("letter")})
        )
    asked = TakeOutForm(request.user, request.POST)
    if not asked.is_valid():
        return _page(request, asked, status=422)
    letter, form = asked.cleaned_data["letter"], FORMS[asked.cleaned_data["form"]]
    if form.is_private and not _may_take_contacts(request):
        raise PermissionDenied
    if not form.is_private and letter.newest_edition() is None:
        asked.add_error("letter", gettext("This letter has not been published yet."))
        return _page(request, asked, status=422)
    body = form.make(letter)
    _log(request, letter, form)
    response = HttpResponse(body, content_type=form.content_type)
    response["Content-Disposition"] = f'attachment; filename="{_file_name(letter, form)}"'
    response["Cache-Control"] = "no-store"
    return response


def _may_take_contacts(request: HttpRequest) -> bool:
    return request.user.has_perms(["signatories.view_signatory", "signatories.export_signatory"])


def _page(request: HttpRequest, form: TakeOutForm, *, status: int = 200) -> HttpResponse:
    context = {
        **page_context(request, gettext("Take the list out")),
        "form": form,
        "public": [(name, each) for name, each in FORMS.items() if not each.is_private],
        "private": [(name, each) for name, each in FORMS.items() if each.is_private]
        if _may_take_contacts(request)
        else [],
    }
    return TemplateResponse(
        request, "admin/signatories/signatory/take_out.html", context, status=status
    )


@transaction.atomic
def _log(request: HttpRequest, letter: Letter, form: Form) -> None:
    """Note in the letter's history who took what; how many, and nothing of whom."""
    assert request.user.pk is not None  # admin_view lets nobody else in
    if form.is_private:
        count = exporting.private_entries(letter).count()
        words = ngettext(
            "Took out the private list as %(form)s: %(count)s entry",
            "Took out the private list as %(form)s: %(count)s entries",
            count,
        )
    else:
        count = letter.listings.current().count()
        words = ngettext(
            "Took out the public list as %(form)s: %(count)s line",
            "Took out the public list as %(form)s: %(count)s lines",
            count,
        )
    LogEntry.objects.log_actions(
        request.user.pk,
        [letter],
        CHANGE,
        change_message=words % {"form": form.suffix.upper(), "count": count},
        single_object=True,
    )


def _file_name(letter: Letter, form: Form) -> str:
    """In ASCII, which a slug is; a private file is told from a public one by its name."""
    today = timezone.localdate(timezone=letter.zone).isoformat()
    private = "-private" if form.is_private else ""
    return f"{letter.slug}{private}-signatories-{today}.{form.suffix}"
