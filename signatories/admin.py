"""The coordinators' desk in the Django admin: it shows, asks and calls `moderation`; it decides nothing itself."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Lower
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from letter.models import Letter, entrusted
from letter.offered_lookups import OfferedLookups, OfLetters
from signatories import moderation
from signatories.desk import entry, merging, partners, taking_out
from signatories.desk.asking import ask
from signatories.desk.bringing_in import bring_in
from signatories.desk.burst import reject_burst
from signatories.desk.campaign import campaign_page
from signatories.desk.deciding import decide_about, report_refused, versions_seen
from signatories.desk.entry_form import SignatoryForm
from signatories.desk.filters import (
    AssignedFilter,
    CountryFilter,
    DeliveryFilter,
    DuplicateFilter,
    LetterFilter,
    MergeFilter,
    OrganizationAskedFilter,
    StateFilter,
)
from signatories.desk.pages import back_to_review, number_in, page_context
from signatories.desk.review import review
from signatories.desk.searching import found_once, has, words_sought
from signatories.duplicates import index_organization
from signatories.evidence import renew_others
from signatories.history import history
from signatories.importing import signable_revision
from signatories.models import (
    Alias,
    Event,
    Merge,
    Message,
    Organization,
    SavedReason,
    SavedReasonText,
    Signatory,
)
from signatories.moderation import By
from signatories.names import name_key

__all__ = ["partners"]  # imported for the admin that it registers

NEARLY = 0.75  # of the promised time


def _actions() -> list[Callable[..., Any]]:
    """The admin's actions, one for each decision, under the names that scripts may rely on."""

    def action_for(name: str, event: Event, label: Any) -> Callable[..., Any]:
        def act(
            self: "SignatoryAdmin", request: HttpRequest, queryset: QuerySet[Signatory]
        ) -> HttpResponse | None:
            return decide_about(self, request, queryset, event, name)

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


@admin.register(Signatory)
class SignatoryAdmin(OfLetters, admin.ModelAdmin[Signatory]):
    form = SignatoryForm
    change_form_template = "admin/signatories/signatory/change_form.html"
    change_list_template = "admin/signatories/signatory/change_list.html"
    list_display = (
        "line_as_printed",
        "state_now",
        "confirmed",
        "site",
        "came_in",
        "assigned",
        "reference",
    )
    list_display_links = ("line_as_printed",)
    list_filter = (
        ("letter", LetterFilter),
        StateFilter,
        AssignedFilter,
        "evidence_level",
        DuplicateFilter,
        "is_free_mail",
        CountryFilter,
        OrganizationAskedFilter,
    )
    list_per_page = 50
    search_fields = ("name_key", "reference", "email", "website", "contact_name")
    ordering = ("submitted_at", "pk")
    actions = [*_actions(), "assign"]
    show_full_result_count = False
    fieldsets = (
        (
            _("What is printed"),
            {
                "fields": (
                    "letter",
                    "name",
                    "countries",
                    "label",
                    "label_hidden",
                    "sort_as",
                    "other_names",
                )
            },
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
        renew_others([obj])
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

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The queue, under a name of its own: Django would call it “Select signatory to change”."""
        return super().changelist_view(
            request, {"title": gettext("Signatories"), **(extra_context or {})}
        )

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
        if signatory.likely_same_as_id is None:
            return signatory.line_html
        mark = gettext("likely duplicate")
        return format_html('{}<br><span class="desk-caution">{}</span>', signatory.line_html, mark)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Signatory], search_term: str
    ) -> tuple[QuerySet[Signatory], bool]:
        """Each word, or text in quotation marks, in any of `search_fields`; in names without accents."""
        wanted = Q()
        for word in words_sought(search_term):
            key = name_key(word)
            found = has("sought", key)
            if word.lower() != key:
                found |= has("sought", Lower(Value(word)))  # as the database writes it
            wanted &= found
        return found_once(queryset, wanted, "sought", "pk"), False

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

    @admin.display(description=_("website and address"), ordering="website")
    def site(self, signatory: Signatory) -> SafeString | str:
        """The website, and whether the contact's address is there."""
        words = entry.domain_words(signatory)
        if not signatory.website:
            return words
        return format_html("{}<br>{}", entry.website_link(signatory), words)

    @admin.action(description=_("Assign the selected sign-ons…"), permissions=["decide"])
    def assign(self, request: HttpRequest, queryset: QuerySet[Signatory]) -> HttpResponse | None:
        """Give entries to one coordinator, whose review then has them and nobody else's."""
        colleagues = moderation.coordinators(
            set(queryset.order_by().values_list("letter", flat=True).distinct())
        )
        chosen = request.POST.get("colleague", "")
        if chosen in {"nobody", *(str(user.pk) for user in colleagues)}:
            outcome = moderation.assign(
                queryset.values_list("pk", flat=True),
                None if chosen == "nobody" else int(chosen),
                seen=versions_seen(request),
            )
            if count := len(outcome.done):
                said = ngettext("%(count)s assigned.", "%(count)s assigned.", count)
                self.message_user(request, said % {"count": count}, messages.SUCCESS)
            report_refused(self, request, outcome)
            return None
        entries = list(queryset.order_by("submitted_at", "pk"))
        context = {
            **page_context(request, gettext("Assign")),
            "media": self.media,
            "entries": entries,
            # The versions shown now, unless the queue before showed others.
            "seen": {entry.pk: entry.version for entry in entries} | versions_seen(request),
            "colleagues": colleagues,
        }
        return TemplateResponse(request, "admin/signatories/signatory/assign.html", context)

    # --- One entry --------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path(
                "bring-in/",
                # Not without the check: bring_in makes it itself.
                view(csrf_exempt(partial(bring_in, self))),
                name="signatories_signatory_bring_in",
            ),
            path(
                "<int:pk>/decide/<str:event>/",
                view(require_POST(partial(entry.decide_one, self))),
                name="signatories_signatory_decide",
            ),
            path(
                "<int:pk>/judge/",
                view(require_POST(partial(entry.judge, self))),
                name="signatories_signatory_judge",
            ),
            path("<int:pk>/ask/", view(partial(ask, self)), name="signatories_signatory_ask"),
            path(
                "<int:pk>/combine/<int:other>/",
                view(partial(merging.combine_entries, self)),
                name="signatories_signatory_combine",
            ),
            path(
                "<int:pk>/burst/",
                view(partial(reject_burst, self)),
                name="signatories_signatory_burst",
            ),
            path("review/", view(partial(review, self)), name="signatories_signatory_review"),
            path("campaign/<int:pk>/", view(campaign_page), name="signatories_signatory_campaign"),
            path(
                "<int:pk>/place/",
                view(partial(entry.place, self)),
                name="signatories_signatory_place",
            ),
            path(
                "place/", view(partial(entry.place, self)), name="signatories_signatory_place_new"
            ),
            path("take-out/", view(taking_out.take_out), name="signatories_signatory_take_out"),
            path(
                "correction/<int:pk>/<str:answer>/",
                view(require_POST(partial(entry.settle, self))),
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
        if pk := number_in(object_id):
            entries = Signatory.objects.entrusted_to(request.user).for_desk()
            signatory = entries.filter(pk=pk).first()
        if signatory is None:
            context["place_url"] = reverse("admin:signatories_signatory_place_new")
        else:
            context |= {
                **entry.entry_context(signatory, viewer=request.user),
                "can_judge": self.has_decide_permission(request),
                "place_url": reverse("admin:signatories_signatory_place", args=[signatory.pk]),
                "buttons": entry.buttons(self, request, signatory),
                "reason": context.get("reason") or request.GET.get("reason", ""),
                "correction": signatory.corrections.filter(settled_at__isnull=True).first(),
                "history": history(signatory),
                "mails": signatory.messages.order_by("pk"),
                "can_combine_organizations": merging.may_merge_organizations(request),
                **merging.merges_context(request, signatory),
            }
        return super().changeform_view(request, object_id, form_url, context)

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
        changes = {name: getattr(obj, name) for name in form.changed_data if name != "letter"}
        if changes:
            # The row as it is now, not as this form was filled from it: its state may have changed meanwhile.
            moderation.edit(obj.pk, changes, by=By.coordinator(request.user))

    def response_change(self, request: HttpRequest, obj: Signatory) -> HttpResponse:
        """Back to the review, where it began there and is not to go on here."""
        response = super().response_change(request, obj)
        if "review" not in request.GET or "_save" not in request.POST:
            return response
        return redirect(back_to_review(request.GET["review"], entry=obj.pk))

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


class AliasInline(admin.StackedInline[Alias, Organization]):
    model = Alias
    extra = 0
    fields = ("name",)


class Registry(ChangeList):
    """The organisations as they stand: those that were combined with another are found as that other."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        self.root_queryset = self.root_queryset.filter(merged_into=None)
        return super().get_queryset(request, exclude_parameters)


@admin.register(Organization)
class OrganizationAdmin(OfferedLookups, admin.ModelAdmin[Organization]):
    change_form_template = "admin/signatories/organization/change_form.html"
    list_display = ("name", "website", "letters", "created_at")
    show_full_result_count = False
    # Said here too, because a count of letters leaves the model's own aside.
    ordering = ("name", "pk")
    search_fields = ("name", "website", "aliases")
    fields = ("name", "website")
    inlines = (AliasInline,)
    actions = ("combine",)

    class Media:
        css = {"all": ("letter/desk.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Registry

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<int:pk>/combine/<int:other>/",
            self.admin_site.admin_view(partial(merging.combine_organizations, self)),
            name="signatories_organization_combine",
        )
        return [own, *super().get_urls()]

    def has_combine_permission(self, request: HttpRequest) -> bool:
        return merging.may_merge_organizations(request)

    def has_change_permission(self, request: HttpRequest, obj: Organization | None = None) -> bool:
        """What was combined with another stays as it was, to be separated again."""
        if obj is not None and obj.merged_into_id is not None:
            return False
        return super().has_change_permission(request, obj)

    @admin.action(description=_("Combine the two selected organisations…"), permissions=["combine"])
    def combine(
        self, request: HttpRequest, queryset: QuerySet[Organization]
    ) -> HttpResponse | None:
        """Lead to the page that shows what becomes of the two."""
        pks = list(queryset.order_by("pk").values_list("pk", flat=True)[:3])
        if len(pks) == 2:
            return redirect("admin:signatories_organization_combine", *pks)
        self.message_user(
            request, gettext("Please select the two that are one organisation."), messages.WARNING
        )
        return None

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = dict(extra_context or {})
        organization = self.get_object(request, object_id)
        if organization is not None:
            context |= merging.merges_context(request, organization)
        return super().change_view(request, object_id, form_url, context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Organization], search_term: str
    ) -> tuple[QuerySet[Organization], bool]:
        """Each word, or text in quotation marks, in a name or the website; in names without accents."""
        wanted = Q()
        for word in words_sought(search_term):
            key = name_key(word)
            aliases = Alias.objects.filter(name_key__contains=key).values("organization")
            site = has(Lower("website"), Lower(Value(word)))
            wanted &= has("name_key", key) | site | Q(pk__in=aliases)
        return found_once(queryset, wanted), False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        # In a subquery, which is asked for the rows of one page alone; a join counts for all of them.
        listed = (
            Signatory.objects.approved()
            .filter(organization=OuterRef("pk"))
            .order_by()
            .values("organization")
            .annotate(count=Count("pk"))
            .values("count")
        )
        if mine := entrusted(request.user, "letter"):
            # What stands on a public letter, anyone may know.
            listed = listed.filter(mine | Q(letter__in=Letter.objects.public()))
        counted = Coalesce(Subquery(listed), 0)
        organizations: QuerySet[Organization] = super().get_queryset(request)
        return organizations.annotate(letter_count=counted)

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


@admin.register(Merge)
class MergeAdmin(OfferedLookups, admin.ModelAdmin[Merge]):
    """What was combined, and the way back; the pages of the two have it, too."""

    change_form_template = "admin/signatories/merge/change_form.html"
    list_display = ("at", "stays", "combined_with_it", "user", "now")
    list_display_links = ("at", "stays")
    list_filter = (MergeFilter,)
    list_select_related = (
        "survivor__letter",
        "merged__letter",
        "organization",
        "merged_organization",
        "user",
        "undone_by",
    )
    fields = ("stays", "combined_with_it", "user", "at", "now")
    readonly_fields = fields
    show_full_result_count = False

    class Media:
        css = {"all": ("letter/desk.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Merge]:
        merges = super().get_queryset(request)
        if mine := entrusted(request.user, "survivor__letter"):
            # The registry is shared by all letters.
            return merges.filter(mine | Q(organization__isnull=False))
        return merges

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Merge | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Merge | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<int:pk>/undo/",
            self.admin_site.admin_view(require_POST(partial(merging.undo, self))),
            name="signatories_merge_undo",
        )
        return [own, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = dict(extra_context or {})
        merge = self.get_object(request, object_id)
        if merge is not None:
            context["merges"] = [merging.shown(request, merge)]
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description=_("stays"))
    def stays(self, merge: Merge) -> str:
        return merging.names_of(merge)[0]

    @admin.display(description=_("combined with it"))
    def combined_with_it(self, merge: Merge) -> str:
        return merging.names_of(merge)[1]

    @admin.display(description=_("now"))
    def now(self, merge: Merge) -> str:
        return merging.state_of(merge)


@admin.register(Message)
class MessageAdmin(OfLetters, admin.ModelAdmin[Message]):
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
    list_filter = (DeliveryFilter, "kind", ("letter", LetterFilter))
    list_select_related = ("signatory", "letter")
    list_per_page = 50
    search_fields = ("signatory__reference", "signatory__name")
    actions = ("try_again",)
    fields = (
        "kind",
        "letter",
        "signatory",
        "created_at",
        "due_at",
        "attempts",
        "claimed_at",
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
class SavedReasonAdmin(OfferedLookups, admin.ModelAdmin[SavedReason]):
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
