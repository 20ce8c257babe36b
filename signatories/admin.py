"""The coordinators' desk in the Django admin: it shows, asks and calls `moderation`; it decides nothing itself."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from django_countries import countries

from letter.documents import label_of, printed_html
from letter.models import Letter, Listing
from letter.publishing import Place, number_of, place_of
from signatories import mail, moderation
from signatories.desk import taking_out
from signatories.desk.bringing_in import bring_in
from signatories.desk.campaign import campaign_page
from signatories.desk.pages import number_in, page_context
from signatories.desk.review import review, saved_words
from signatories.duplicates import Likeness, find, index_organization, judge
from signatories.evidence import DomainMatch, domain_match, signals
from signatories.forms import CountriesField, CountriesWidget, signable
from signatories.importing import signable_revision
from signatories.lines import line_of
from signatories.models import (
    Alias,
    Correction,
    Message,
    Organization,
    SavedReason,
    SavedReasonText,
    Signatory,
    Verdict,
)
from signatories.moderation import Actor, By, Event
from signatories.names import NameRefused, clean_name, name_key

NEIGHBOURS_SHOWN = 2
REFUSALS_NAMED = 20
SEARCH_WORDS_AT_MOST = 10
NEARLY = 0.75  # of the promised time
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
BUTTONS = {
    Event.APPROVE: _("Approve"),
    Event.RETURN: _("Return for changes"),
    Event.REJECT: _("Reject"),
    Event.RESUBMIT: _("Put back in the queue"),
    Event.REOPEN: _("Open again"),
    Event.WITHDRAW: _("Withdraw"),
}


def _actions() -> list[Callable[..., Any]]:
    """The admin's actions, one for each decision, under the names that scripts may rely on."""

    def action_for(name: str, event: Event, label: Any) -> Callable[..., Any]:
        def act(
            self: "SignatoryAdmin", request: HttpRequest, queryset: QuerySet[Signatory]
        ) -> HttpResponse | None:
            return self.decide_about(request, queryset, event, name)

        act.__name__ = name
        return admin.action(description=label, permissions=["decide"])(act)

    return [
        action_for("approve", Event.APPROVE, _("Approve the selected sign-ons")),
        action_for("reject", Event.REJECT, _("Reject the selected sign-ons…")),
        action_for(
            "return_for_changes", Event.RETURN, _("Return the selected sign-ons for changes…")
        ),
        action_for("withdraw", Event.WITHDRAW, _("Withdraw the selected sign-ons…")),
    ]


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


class CountryFilter(admin.SimpleListFilter):
    """By country, of those that entries of the chosen letter name."""

    title = _("country")
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        entries = Signatory.objects.order_by()
        letter = number_in(request.GET.get("letter__id__exact"))
        if letter is not None:
            entries = entries.filter(letter=letter)
        named = entries.values_list("countries", flat=True).distinct()
        codes = {code for codes in named for code in codes}
        return sorted(((code, countries.name(code)) for code in codes), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signatory]) -> QuerySet[Signatory]:
        if code := self.value():
            return queryset.filter(countries__icontains=f'"{code}"')
        return queryset


class SignatoryForm(forms.ModelForm[Signatory]):
    """An entry's fields, with the same rules for names and countries as on the public form."""

    countries = CountriesField(
        label=_("Countries"),
        required=False,
        widget=CountriesWidget(can_add=False),
        help_text=_("In the order to be printed. None for an international organisation."),
    )

    class Meta:
        model = Signatory
        fields = (
            "letter",
            "name",
            "countries",
            "label",
            "label_hidden",
            "sort_as",
            "website",
            "contact_name",
            "contact_role",
            "email",
            "note",
        )
        widgets = {
            "name": forms.TextInput(attrs={"class": "vTextField desk-wide", "dir": "auto"}),
            "sort_as": forms.TextInput(attrs={"class": "vTextField desk-wide", "dir": "auto"}),
            "note": forms.Textarea(attrs={"rows": 3}),
        }

    def clean_name(self) -> str:
        return self._clean_text("name", required=True)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        # The instance still reads as the database has it; the form says what its reader was shown.
        shown = number_in(self.data.get("shown"))
        if not self.instance._state.adding and shown is not None and shown != self.instance.version:
            since = moderation.what_happened(self.instance, since=shown)
            raise forms.ValidationError(
                _(
                    "The entry changed while you edited it (%(what)s). It now reads “%(line)s”. "
                    "What you typed is kept: save again if it is to stand."
                ),
                code="changed",
                params={"line": self.instance.line, "what": "; ".join(since)},
            )
        name = cleaned.get("name")
        if name and self.instance.state == Signatory.State.APPROVED:
            others = Signatory.objects.approved().filter(letter_id=self.instance.letter_id)
            key = name_key(name)
            same = Q(name_key=key) | Q(organization__name_key=key)
            if (
                key != self.instance.name_key
                and others.filter(same).exclude(pk=self.instance.pk).exists()
            ):
                self.add_error("name", _("An organisation of that name is on the list already."))
        return cleaned

    def clean_label(self) -> str:
        return self._clean_text("label")

    def clean_sort_as(self) -> str:
        return self._clean_text("sort_as")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def _clean_text(self, name: str, *, required: bool = False) -> str:
        text = str(self.cleaned_data[name])
        if not text and not required:
            return ""
        try:
            return clean_name(text, max_length=self.fields[name].max_length)  # type: ignore[attr-defined]  # a CharField
        except NameRefused as refused:
            raise forms.ValidationError(str(refused), code="name") from None

    def clean_letter(self) -> Letter:
        return signable(self.cleaned_data["letter"])


@admin.register(Signatory)
class SignatoryAdmin(admin.ModelAdmin[Signatory]):
    form = SignatoryForm
    change_form_template = "admin/signatories/signatory/change_form.html"
    change_list_template = "admin/signatories/signatory/change_list.html"
    list_display = (
        "line_as_printed",
        "state_now",
        "confirmed",
        "site",
        "domain",
        "came_in",
        "assigned",
        "reference",
    )
    list_display_links = ("line_as_printed",)
    list_filter = (
        ("letter", admin.RelatedOnlyFieldListFilter),
        StateFilter,
        AssignedFilter,
        "evidence_level",
        "is_free_mail",
        CountryFilter,
    )
    list_per_page = 50
    search_fields = ("name_key", "reference", "email", "website", "contact_name")
    ordering = ("submitted_at", "pk")
    actions = [*_actions(), "assign"]
    show_full_result_count = False
    fieldsets = (
        (
            _("What is printed"),
            {"fields": ("letter", "name", "countries", "label", "label_hidden", "sort_as")},
        ),
        (_("Contact"), {"fields": ("website", "contact_name", "contact_role", "email", "note")}),
    )

    class Media:
        css = {"all": ("signatories/countries.css", "letter/desk.css")}
        js = (Script("signatories/countries.js", type="module"),)

    # --- Who may do what ------------------------------------------------------

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("signatories.decide_signatory")

    def has_delete_permission(self, request: HttpRequest, obj: Signatory | None = None) -> bool:
        """What is on the list is withdrawn, openly, and never deleted."""
        if obj is not None and obj.state == Signatory.State.APPROVED:
            return False
        return super().has_delete_permission(request, obj)

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: Signatory) -> None:
        # Asked again under the lock: it may have been approved since the page was shown.
        if Signatory.objects.select_for_update().get(pk=obj.pk).state == Signatory.State.APPROVED:
            raise PermissionDenied
        super().delete_model(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        # It would take approved signatories along.
        actions.pop("delete_selected", None)
        return actions

    def get_readonly_fields(
        self, request: HttpRequest, obj: Signatory | None = None
    ) -> tuple[str, ...]:
        return ("letter",) if obj else ()

    # --- The queue ------------------------------------------------------------

    def get_list_display(self, request: HttpRequest) -> Any:
        """Without the state where all rows are in the same."""
        shown = request.GET.get("state", "" if request.GET.get("q") else Signatory.State.PENDING)
        hidden = {"state_now"} if shown in Signatory.State.values else set()
        return [name for name in self.list_display if name not in hidden]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Signatory]:
        return super().get_queryset(request).select_related("letter", "assigned_to")

    def action_checkbox(self, obj: Signatory) -> SafeString:
        """Django's box, and with it the version of the row that it stands on."""
        label = gettext("Select %(line)s") % {"line": obj.line}
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">'
            '<input type="hidden" name="seen" value="{}:{}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            label,
            obj.pk,
            obj.version,
        )

    @admin.display(description=_("line as printed"), ordering="collation_key")
    def line_as_printed(self, signatory: Signatory) -> SafeString:
        return signatory.line_html

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Signatory], search_term: str
    ) -> tuple[QuerySet[Signatory], bool]:
        """Each word, or text in quotation marks, in any of `search_fields`; in names without accents."""
        for bit in list(smart_split(search_term))[:SEARCH_WORDS_AT_MOST]:
            is_quoted = bit[0] in "\"'" and bit[-1] == bit[0] and len(bit) > 2
            word = unescape_string_literal(bit) if is_quoted else bit
            wanted = Q()
            for field in self.search_fields:
                wanted |= Q(
                    **{f"{field}__icontains": name_key(word) if field == "name_key" else word}
                )
            queryset = queryset.filter(wanted)
        return queryset, False

    @admin.display(description=_("state"), ordering="state")
    def state_now(self, signatory: Signatory) -> str:
        return signatory.get_state_display()

    @admin.display(description=_("address confirmed"), ordering="confirmed_at")
    def confirmed(self, signatory: Signatory) -> Any:
        return signatory.confirmed_at or gettext("no")

    @admin.display(description=_("came in"), ordering="submitted_at")
    def came_in(self, signatory: Signatory) -> Any:
        """When; and for what waits, whether the time within which contacts are promised an answer is over."""
        if signatory.state != Signatory.State.PENDING:
            return signatory.submitted_at
        waited = timezone.now() - signatory.submitted_at
        if waited < NEARLY * settings.DECIDE_WITHIN:
            return signatory.submitted_at
        return format_html(
            '{}<br><span class="desk-caution">{}</span>',
            formats.date_format(timezone.localtime(signatory.submitted_at), "DATETIME_FORMAT"),
            gettext("past the promised time")
            if moderation.is_late(signatory, at=timezone.now())
            else gettext("promised time nearly over"),
        )

    @admin.display(description=_("assigned to"), ordering="assigned_to")
    def assigned(self, signatory: Signatory) -> Any:
        return signatory.assigned_to or "–"

    @admin.display(description=_("website"), ordering="website")
    def site(self, signatory: Signatory) -> Any:
        return _website(signatory)

    @admin.display(description=_("e-mail domain"))
    def domain(self, signatory: Signatory) -> SafeString | str:
        return _domain(signatory)

    @admin.action(description=_("Assign the selected sign-ons…"), permissions=["decide"])
    def assign(self, request: HttpRequest, queryset: QuerySet[Signatory]) -> HttpResponse | None:
        """Give entries to one coordinator, whose review then has them and nobody else's."""
        colleagues = moderation.coordinators()
        chosen = request.POST.get("colleague", "")
        if chosen in {"nobody", *(str(user.pk) for user in colleagues)}:
            count = queryset.update(assigned_to=None if chosen == "nobody" else int(chosen))
            self.message_user(
                request,
                ngettext("%(count)s assigned.", "%(count)s assigned.", count) % {"count": count},
                messages.SUCCESS,
            )
            return None
        context = {
            **page_context(request, gettext("Assign")),
            "media": self.media,
            "entries": list(queryset.order_by("submitted_at", "pk")),
            "colleagues": colleagues,
        }
        return TemplateResponse(request, "admin/signatories/signatory/assign.html", context)

    # --- Deciding about several -------------------------------------------------

    def decide_about(
        self, request: HttpRequest, queryset: QuerySet[Signatory], event: Event, action: str
    ) -> HttpResponse | None:
        """Carry out an action; ask for the reason first where it tells a contact no, or takes a line down."""
        # Selecting all takes in rows of pages that nobody has looked at: they are shown first.
        is_unseen = request.POST.get("select_across") == "1"
        if is_unseen or (event != Event.APPROVE and "reason" not in request.POST):
            return self._ask_reason(request, queryset, event, action)
        reason = _with_saved_words(request)
        if "preview" in request.POST:
            return self._ask_reason(request, queryset, event, action, preview=reason)
        if event in moderation.NEEDS_REASON and not reason:
            return self._ask_reason(request, queryset, event, action, is_missing=True)
        outcome = moderation.decide_many(
            queryset.values_list("pk", flat=True),
            event,
            by=By.coordinator(request.user),
            reason=reason,
            seen=_versions_seen(request),
        )
        self._report(request, event, outcome)
        return None

    def _ask_reason(
        self,
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
            "media": self.media,
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
            "seen": {entry.pk: entry.version for entry in entries} | _versions_seen(request),
            "mails": [] if preview is None else _mail_previews(entries, event, preview),
        }
        return TemplateResponse(
            request,
            "admin/signatories/signatory/reason.html",
            context,
            status=422 if is_missing else 200,
        )

    def _report(self, request: HttpRequest, event: Event, outcome: moderation.Outcome) -> None:
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
        }[event] % {"count": count}
        if event == Event.APPROVE and count:
            done += " " + gettext("The list is published in a moment.")
        if count or not outcome.refused:
            self.message_user(request, done, messages.SUCCESS if count else messages.WARNING)
        unnamed = len(outcome.refused) - REFUSALS_NAMED
        for signatory, refused in outcome.refused[:REFUSALS_NAMED]:
            self.message_user(
                request,
                gettext("Not changed: %(name)s (%(reference)s): %(reason)s.")
                % {"name": signatory.name, "reference": signatory.reference, "reason": refused},
                messages.WARNING,
            )
        if unnamed > 0:
            self.message_user(
                request,
                ngettext(
                    "Not changed either, for reasons like these: %(count)s other.",
                    "Not changed either, for reasons like these: %(count)s others.",
                    unnamed,
                )
                % {"count": unnamed},
                messages.WARNING,
            )

    # --- One entry --------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("bring-in/", view(partial(bring_in, self)), name="signatories_signatory_bring_in"),
            path(
                "<int:pk>/decide/<str:event>/",
                view(require_POST(self.decide_one)),
                name="signatories_signatory_decide",
            ),
            path(
                "<int:pk>/judge/",
                view(require_POST(self.judge)),
                name="signatories_signatory_judge",
            ),
            path("review/", view(self.review), name="signatories_signatory_review"),
            path("campaign/<int:pk>/", view(campaign_page), name="signatories_signatory_campaign"),
            path("<int:pk>/place/", view(self.place), name="signatories_signatory_place"),
            path("place/", view(self.place), name="signatories_signatory_place_new"),
            path("take-out/", view(taking_out.take_out), name="signatories_signatory_take_out"),
            path(
                "correction/<int:pk>/<str:answer>/",
                view(require_POST(self.settle)),
                name="signatories_correction_settle",
            ),
        ]
        return own + super().get_urls()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = dict(extra_context or {})
        signatory = None
        if object_id and object_id.isdecimal():
            signatory = Signatory.objects.for_desk().filter(pk=object_id).first()
        if signatory is None:
            context["place_url"] = reverse("admin:signatories_signatory_place_new")
        else:
            context |= {
                **self.entry_context(signatory),
                "can_judge": self.has_decide_permission(request),
                "place_url": reverse("admin:signatories_signatory_place", args=[signatory.pk]),
                "buttons": self._buttons(request, signatory),
                "reason": request.GET.get("reason", ""),
                "correction": signatory.corrections.filter(settled_at__isnull=True).first(),
                "history": moderation.history(signatory),
                "mails": signatory.messages.order_by("pk"),
            }
        return super().changeform_view(request, object_id, form_url, context)

    def entry_context(self, signatory: Signatory) -> dict[str, Any]:
        """What the panel about an entry shows: its line, place, contact and evidence."""
        return {
            "entry": signatory,
            "number": number_of(signatory.letter, signatory.line_id),
            "place": _place(signatory),
            "website": _website(signatory),
            "likenesses": _likenesses(signatory),
            "namesakes": _of_the_same_address(signatory),
            "signals": signals(signatory, at=timezone.now()),
        }

    def judge(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Remember that two names are, or are not, one organisation's; not asked again."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        signatory = get_object_or_404(Signatory, pk=pk)
        kind, _colon, other = request.POST.get("verdict", "").partition(":")
        if kind in Verdict.Kind.values and other:
            judge(signatory.name, other, kind, user=request.user, at=timezone.now())
            self.message_user(
                request,
                gettext("Noted: %(one)s and %(other)s are %(kind)s.")
                % {"one": signatory.name, "other": other, "kind": Verdict.Kind(kind).label},
                messages.SUCCESS,
            )
        if "review" in request.POST:
            return redirect(f"{reverse('admin:signatories_signatory_review')}?entry={pk}")
        return redirect("admin:signatories_signatory_change", pk)

    def review(self, request: HttpRequest) -> HttpResponse:
        """One waiting entry after the other."""
        return review(self, request)

    def _buttons(self, request: HttpRequest, signatory: Signatory) -> list[dict[str, Any]]:
        """The decisions that the table allows now, for those who may decide."""
        if not self.has_decide_permission(request):
            return []
        return [
            {
                "event": event,
                "label": BUTTONS[event],
                "url": reverse("admin:signatories_signatory_decide", args=[signatory.pk, event]),
                "needs_reason": event in moderation.NEEDS_REASON,
            }
            for event in moderation.possible_events(signatory.state, Actor.COORDINATOR)
        ]

    def decide_one(self, request: HttpRequest, pk: int, event: str) -> HttpResponse:
        """A button on the entry's page."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        signatory = get_object_or_404(Signatory, pk=pk)
        reason = request.POST.get("reason", "")
        back = reverse("admin:signatories_signatory_change", args=[pk])
        if event not in Event.values:
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
            self.message_user(
                request,
                gettext("%(name)s was not changed: %(reason)s.")
                % {"name": signatory.name, "reason": refused},
                messages.ERROR,
            )
            return redirect(back)
        outcome = moderation.Outcome(done=[signatory])
        self._report(request, Event(event), outcome)
        return redirect(back)

    def settle(self, request: HttpRequest, pk: int, answer: str) -> HttpResponse:
        """Accept or decline the correction that a contact asked for."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        correction = get_object_or_404(Correction, pk=pk)
        try:
            moderation.settle(
                pk,
                accept=answer == "accept",
                by=By.coordinator(request.user),
                reason=request.POST.get("reason", ""),
            )
        except moderation.Refused as refused:
            self.message_user(
                request,
                gettext("The correction was not settled: %(reason)s.") % {"reason": refused},
                messages.ERROR,
            )
        else:
            self.message_user(
                request,
                gettext("Corrected; the list is published in a moment.")
                if answer == "accept"
                else gettext("The correction is declined; the contact is told why."),
                messages.SUCCESS,
            )
        return redirect("admin:signatories_signatory_change", correction.signatory_id)

    def place(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Where the line would stand with what is typed in the form, saved or not."""
        signatory = get_object_or_404(Signatory, pk=pk) if pk else Signatory()
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = None
        if request.method == "POST":
            form = self.get_form(request, signatory if pk else None, change=bool(pk))(
                request.POST, instance=signatory
            )
            form.is_valid()
        context: dict[str, Any] = {
            **page_context(request, gettext("Place in the list")),
            "media": self.media,
            "errors": form.errors if form else {},
        }
        if not (form and form.errors) and signatory.letter_id:
            signatory.derive_keys()
            context |= {"entry": signatory, **_neighbourhood(signatory)}
        return render(request, "admin/signatories/signatory/place.html", context)

    # --- Saving -----------------------------------------------------------------

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Signatory, form: Any, change: bool) -> None:
        if not change:
            revision = signable_revision(obj.letter)
            assert revision is not None  # the form has seen to it
            obj.revision = revision
            obj.language = obj.letter.default_language
            moderation.add(obj, by=By.coordinator(request.user), source=Signatory.Source.HAND)
            return
        # The row as it is now, not as this form was filled from it: its state may have changed meanwhile.
        locked = (
            Signatory.objects.select_for_update(of=("self",))
            .select_related("letter")
            .get(pk=obj.pk)
        )
        changes = {name: getattr(obj, name) for name in form.changed_data if name != "letter"}
        if changes:
            by = By.coordinator(request.user)
            moderation.apply_changes(locked, changes, by=by, at=timezone.now())

    def response_add(
        self, request: HttpRequest, obj: Signatory, post_url_continue: str | None = None
    ) -> Any:
        self.message_user(
            request,
            gettext("Added as %(reference)s; it waits for a decision, which you can take here.")
            % {"reference": obj.reference},
            messages.SUCCESS,
        )
        return redirect("admin:signatories_signatory_change", obj.pk)


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


def _versions_seen(request: HttpRequest) -> dict[int, int]:
    """What the page before showed of each row: its version, by primary key."""
    pairs = (pair.partition(":") for pair in request.POST.getlist("seen"))
    numbers = ((number_in(pk), number_in(version)) for pk, _colon, version in pairs)
    return {pk: version for pk, version in numbers if pk is not None and version is not None}


def _website(signatory: Signatory) -> SafeString | str:
    if not signatory.website:
        return gettext("none given")
    shown = signatory.website.removeprefix("https://").removeprefix("http://").rstrip("/")
    return format_html(
        '<a href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a>',
        signatory.website,
        shown,
    )


def _domain(signatory: Signatory) -> SafeString | str:
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
        (number, _printed(listing), False)
        for number, listing in enumerate(reversed(before), start=place.number - len(before))
    ]
    rows.append((place.number, signatory.line_html, True))
    rows += [
        (number, _printed(listing), False)
        for number, listing in enumerate(after, start=place.number + 1)
    ]
    return {"place": place, "rows": rows}


def _printed(listing: Listing) -> SafeString:
    return printed_html(listing.name, label_of(listing.countries, listing.label))


def _likenesses(signatory: Signatory) -> list[Likeness]:
    """Who on the letter or in the registry may be the same organisation."""
    return find(
        signatory.name,
        letter=signatory.letter,
        website=signatory.website,
        exclude_pk=signatory.pk,
    )


def _of_the_same_address(signatory: Signatory) -> list[Signatory]:
    """Other entries of the same contact on this letter."""
    if not signatory.email:
        return []
    others = Signatory.objects.for_letter(signatory.letter).filter(email=signatory.email)
    return list(others.exclude(pk=signatory.pk).oldest_first()[:10])


class AliasInline(admin.TabularInline[Alias, Organization]):
    model = Alias
    extra = 0
    fields = ("name",)


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin[Organization]):
    list_display = ("name", "website", "letters", "created_at")
    search_fields = ("name", "website")
    fields = ("name", "website")
    inlines = (AliasInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        listed = Count("signatories", filter=Q(signatories__state=Signatory.State.APPROVED))
        return super().get_queryset(request).annotate(letter_count=listed)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # an organisation enters the registry when a sign-on is approved

    def has_delete_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        return False

    @admin.display(description=_("letters signed"), ordering="letter_count")
    def letters(self, organization: Any) -> int:
        return int(organization.letter_count)

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        obj.save(update_fields=["name", "name_key", "website"])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        index_organization(form.instance)


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


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin[Message]):
    list_display = (
        "kind",
        "signatory",
        "letter",
        "created_at",
        "sent_at",
        "attempts",
        "given_up_at",
        "error",
    )
    list_filter = (DeliveryFilter, "kind", ("letter", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("signatory", "letter")
    search_fields = ("signatory__reference", "signatory__name")
    actions = ("try_again",)
    fields = (
        "kind",
        "letter",
        "signatory",
        "created_at",
        "due_at",
        "attempts",
        "sent_at",
        "given_up_at",
        "error",
    )
    readonly_fields = fields
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    @admin.action(description=_("Try to send the selected mails again"), permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        # A given-up note to coordinators says nothing that the next one will not say.
        count = (
            queryset.filter(sent_at__isnull=True)
            .exclude(kind=Message.Kind.WAITING)
            .update(given_up_at=None, attempts=0, due_at=timezone.now())
        )
        self.message_user(
            request,
            ngettext("%(count)s mail is tried again.", "%(count)s mails are tried again.", count)
            % {"count": count},
        )


class SavedReasonTextInline(admin.StackedInline[SavedReasonText, SavedReason]):
    model = SavedReasonText
    extra = 1
    min_num = 1


@admin.register(SavedReason)
class SavedReasonAdmin(admin.ModelAdmin[SavedReason]):
    list_display = ("title", "event", "position", "languages")
    list_filter = ("event",)
    inlines = (SavedReasonTextInline,)

    class Media:
        css = {"all": ("letter/desk.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[SavedReason]:
        return super().get_queryset(request).prefetch_related("texts")

    @admin.display(description=_("languages"))
    def languages(self, reason: SavedReason) -> str:
        return ", ".join(text.language for text in reason.texts.all())
