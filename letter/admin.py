"""The admin of letters: their words, their times, and what has been published of them."""

from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from letter import handing_over, logo, updates
from letter.characters import without_hidden
from letter.deliveries import deliveries
from letter.documents import scripts_without_font
from letter.models import Letter, LetterChange, Logo, Revision, RevisionText, entrusted
from letter.offered_lookups import OfferedLookups, OfLetters
from letter.publishing import request_publication
from letter.views import preview_of

__all__ = ["updates"]  # imported for the admin that it registers

EDITIONS_SHOWN = 10
CHANGES_SHOWN = 10
LOGO: Any = (
    _("Logo, at the head of the letter on paper"),
    {"fields": ("current_logo", "logo_file", "logo_description", "logo_remove")},
)
LOGO_TYPED = frozenset({"logo_file", "logo_description", "logo_remove"})
TEXT_FIELDS = ("title", "addressee", "salutation", "closing_line")


class LetterForm(forms.ModelForm[Letter]):
    """A letter's fields and its logo; refuses to open a letter that has no words."""

    logo_file = forms.FileField(
        label=_("Picture"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text=_("PNG, JPEG or WebP, at most 2 MB. It is drawn anew, up to 1200 pixels wide."),
    )
    logo_description = forms.CharField(
        label=_("What the logo shows"),
        required=False,
        max_length=200,
        widget=AdminTextInputWidget,
        help_text=_("Said by screen readers in its place: for example “Coalition for a Code”."),
    )
    logo_remove = forms.BooleanField(label=_("Take the logo away"), required=False)

    class Meta:
        model = Letter
        fields = (
            "title",
            "slug",
            "state",
            "addressee",
            "salutation",
            "closing_line",
            "letterhead",
            "default_language",
            "time_zone",
            "opens_at",
            "closes_at",
            "cutoff_at",
            "ordering",
            "sign_on_text",
            "privacy_text",
            "keep_contacts_days",
            "contact_address",
            "coordinators",
        )
        widgets = {
            "addressee": forms.Textarea(attrs={"rows": 3}),
            "coordinators": forms.CheckboxSelectMultiple,
            "sign_on_text": forms.Textarea(attrs={"rows": 6}),
            "privacy_text": forms.Textarea(attrs={"rows": 8}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "coordinators" in self.fields:
            choice: Any = self.fields["coordinators"]
            choice.queryset = _colleagues(self.instance)
        self.logo = Logo.objects.filter(letter=self.instance).first() if self.instance.pk else None
        if self.logo:
            self.initial.setdefault("logo_description", self.logo.description)

    def clean_logo_file(self) -> logo.Drawing | None:
        upload = self.cleaned_data["logo_file"]
        if not upload:
            return None
        try:
            return logo.drawn(upload)
        except logo.NotDrawn as refusal:
            raise ValidationError(str(refusal)) from refusal

    def clean_keep_contacts_days(self) -> int:
        days: int = self.cleaned_data["keep_contacts_days"]
        promised: int = self.initial.get("keep_contacts_days", days)
        if days > promised and self.instance.pk and self.instance.is_signed():
            raise ValidationError(
                ngettext(
                    "Whoever signed was told %(days)s day. It can be made shorter, not longer.",
                    "Whoever signed was told %(days)s days. It can be made shorter, not longer.",
                    promised,
                )
                % {"days": promised}
            )
        return days

    def _clean_logo(self, cleaned: dict[str, Any]) -> None:
        drawing = cleaned.get("logo_file")
        # Cleaned here, where one that nobody can read counts as none.
        description = without_hidden(cleaned.get("logo_description", "")).strip()
        cleaned["logo_description"] = description
        stays = self.logo is not None and not cleaned.get("logo_remove")
        if "logo_file" in self.errors or "logo_description" in self.errors:
            return
        if (drawing or stays) and not description:
            self.add_error(
                "logo_description",
                _("Say what the logo shows, for those who cannot see it."),
            )
        elif description and not (drawing or self.logo):
            self.add_error("logo_file", _("Choose the picture, too, or empty its description."))
        if drawing and self.errors:
            self.add_error("logo_file", _("Choose the file again: browsers do not keep it."))

    def save_logo(self) -> None:
        """Keep, describe or take away the logo, as the form says."""
        letter, cleaned = self.instance, self.cleaned_data
        if cleaned.get("logo_file") or not cleaned.get("logo_remove"):
            logo.keep(letter, cleaned.get("logo_file"), cleaned.get("logo_description", ""))
        else:
            logo.remove(letter)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._clean_logo(cleaned)
        is_published = not self.instance._state.adding and self.instance.editions.exists()
        if cleaned.get("state") == Letter.State.DRAFT and is_published:
            raise ValidationError(
                {"state": _("What has been published stays published. Close the letter instead.")}
            )
        if cleaned.get("state") in {Letter.State.OPEN, Letter.State.CLOSED}:
            language = cleaned.get("default_language", self.instance.default_language)
            has_text = not self.instance._state.adding and _has_text(self.instance, language)
            if not has_text:
                raise ValidationError(
                    {
                        "state": _(
                            "Keep the letter a draft, save it, and add its text below first: "
                            "there is none in its default language yet."
                        )
                    }
                )
        return cleaned


@admin.register(Letter)
class LetterAdmin(OfferedLookups, admin.ModelAdmin[Letter]):
    form = LetterForm
    change_form_template = "admin/letter/letter/change_form.html"
    list_display = ("title", "state", "organisations", "closes_at", "publication")
    list_filter = ("state",)
    search_fields = ("title", "slug")
    prepopulated_fields = {"slug": ("title",)}
    fieldsets = (
        (None, {"fields": ("title", "slug", "state", "publication")}),
        (
            _("Words around the text"),
            {
                "fields": (
                    "addressee",
                    "salutation",
                    "closing_line",
                    "letterhead",
                    "default_language",
                )
            },
        ),
        LOGO,
        (_("Times"), {"fields": ("time_zone", "opens_at", "closes_at", "cutoff_at")}),
        (_("The list"), {"fields": ("ordering",)}),
        (
            _("Signing"),
            {"fields": ("sign_on_text", "privacy_text", "keep_contacts_days", "contact_address")},
        ),
        (_("Who works on it"), {"fields": ("coordinators",)}),
    )

    class Media:
        css = {"all": ("letter/desk.css",)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/preview/", view(self.preview), name="letter_letter_preview"),
            path("<int:pk>/logo/", view(require_safe(self.logo)), name="letter_letter_logo"),
            *(
                path(
                    f"<int:pk>/{address}",
                    view(partial(page, model_admin=self)),
                    name=f"letter_letter_{name}",
                )
                for address, name, page in handing_over.PAGES
            ),
            path(
                "<int:pk>/deliveries/",
                view(partial(deliveries, model_admin=self)),
                name="letter_letter_deliveries",
            ),
            path("<int:pk>/revise/", view(require_POST(self.revise)), name="letter_letter_revise"),
        ]
        return own + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Letter]:
        return super().get_queryset(request).filter(entrusted(request.user))

    def view_on_site(self, obj: Letter) -> str:
        """The page's own address: the admin's detour would tell anybody on the staff where a draft is."""
        return obj.get_absolute_url()

    def get_fieldsets(self, request: HttpRequest, obj: Letter | None = None) -> Any:
        """Of the logo only what there is to see, or to do."""
        hidden: set[str] = set()
        if not self.has_change_permission(request, obj):
            hidden |= LOGO_TYPED
        if obj is None or not Logo.objects.filter(letter=obj).exists():
            hidden |= {"current_logo", "logo_remove"}
        return [
            (
                name,
                {**options, "fields": [each for each in options["fields"] if each not in hidden]},
            )
            for name, options in super().get_fieldsets(request, obj)
            if not hidden >= set(options["fields"])
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Letter | None = None) -> list[str]:
        fields = ["publication", "current_logo"]
        if not request.user.has_perm("letter.all_letters"):
            # Nobody lets others in where they were let in themselves.
            fields.append("coordinators")
        if obj and obj.editions.exists():
            fields.append("slug")
        if obj and obj.is_signed():
            # Organisations have put their names under these words: a change is a new revision.
            fields += [*TEXT_FIELDS, "default_language"]
        return fields

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Letter | None = None
    ) -> dict[str, Any]:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        letter = self.get_object(request, object_id) if object_id else None
        changes = letter.changes.select_related("user") if letter else LetterChange.objects.none()
        context = {
            **(extra_context or {}),
            "preview_url": letter and reverse("admin:letter_letter_preview", args=[letter.pk]),
            "revise_url": letter and reverse("admin:letter_letter_revise", args=[letter.pk]),
            "is_signed": letter is not None and letter.is_signed(),
            "revisions": letter.revisions.order_by("-number") if letter else (),
            "editions": letter.editions.order_by("-number")[:EDITIONS_SHOWN] if letter else (),
            "changes": changes[:CHANGES_SHOWN],
            "without_font": sorted(scripts_without_font(letter).items()) if letter else (),
        }
        with transaction.atomic(), timezone.override(_zone(request, letter)):
            if letter and request.method == "POST":
                _hold(letter.pk)
            response = super().changeform_view(request, object_id, form_url, context)
            if isinstance(response, TemplateResponse):
                response.render()
        return response

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Letter, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        form.save_logo()
        if not change:
            Revision.objects.create(letter=obj, number=1)
        if obj.state != Letter.State.DRAFT:
            now = timezone.now()
            if obj.current_revision() is None:
                newest = obj.revisions.latest("number")
                obj.revisions.filter(pk=newest.pk).update(published_at=now)
            request_publication(obj, at=now)

    @transaction.atomic
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change:
            LetterChange.objects.bulk_create(_changes(form, user=request.user, at=timezone.now()))
        elif not request.user.has_perm("letter.all_letters"):
            form.instance.coordinators.add(request.user)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        letter = self.get_object(request, object_id)
        changes = letter.changes.select_related("user") if letter else ()
        context = {**(extra_context or {}), "changes": changes}
        return super().history_view(request, object_id, context)

    def response_add(
        self, request: HttpRequest, obj: Letter, post_url_continue: str | None = None
    ) -> Any:
        """A new letter has no words yet: go on to where they are written."""
        revision = obj.revisions.get()
        self.message_user(
            request, gettext("The letter is made. Write its text here."), messages.SUCCESS
        )
        return redirect("admin:letter_revision_change", revision.pk)

    def has_delete_permission(self, request: HttpRequest, obj: Letter | None = None) -> bool:
        """What has been published stays published; only a draft without signatures may go."""
        if obj is not None and (obj.editions.exists() or obj.is_signed()):
            return False
        return super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A draft goes with its revisions, though nobody deletes one by itself."""
        found, counts, needed, protected = super().get_deleted_objects(objs, request)
        return found, counts, needed - {Revision._meta.verbose_name}, protected

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page as it would be with what is typed in the form, saved or not."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        letter = get_object_or_404(self.get_queryset(request), pk=pk)
        if request.method == "POST":
            typed = self.get_form(request, letter, change=True)(request.POST, instance=letter)
            with timezone.override(_zone(request, letter)):
                typed.is_valid()  # fills the letter with what can be read
            letter = typed.instance
        return _preview(request, letter, letter.revisions.order_by("-number").first())

    def logo(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The picture as it is kept."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        kept = get_object_or_404(Logo, letter__in=self.get_queryset(request).filter(pk=pk))
        response = HttpResponse(bytes(kept.picture), content_type="image/png")
        response["Cache-Control"] = "private, no-store"
        return response

    @admin.display(description=_("logo"))
    def current_logo(self, letter: Letter) -> str:
        kept = Logo.objects.filter(letter=letter).defer("picture").first()
        if kept is None:
            return ""
        return format_html(
            '<img class="desk-logo" src="{}" width="{}" height="{}" alt="{}">',
            reverse("admin:letter_letter_logo", args=[letter.pk]),
            kept.width,
            kept.height,
            kept.description,
        )

    def revise(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Begin a new revision from the words of the newest, to be edited and then published."""
        if not request.user.has_perm("letter.add_revision"):
            raise PermissionDenied
        letter = get_object_or_404(self.get_queryset(request), pk=pk)
        with transaction.atomic():
            Letter.objects.select_for_update(no_key=True).get(pk=pk)
            newest = letter.revisions.order_by("-number").first()
            if newest and newest.published_at is None:
                revision = newest
            else:
                revision = Revision.objects.create(
                    letter=letter,
                    number=newest.number + 1 if newest else 1,
                    kind=Revision.Kind.EDITORIAL if newest else Revision.Kind.FIRST,
                )
                for text in newest.bodies.all() if newest else []:
                    text.pk, text.revision = None, revision
                    text.save()
        return redirect("admin:letter_revision_change", revision.pk)

    @admin.display(description=_("organisations"))
    def organisations(self, letter: Letter) -> str:
        edition = letter.newest_edition()
        return str(edition.organization_count) if edition else "–"

    @admin.display(description=_("publication"))
    def publication(self, letter: Letter) -> str:
        """The newest edition, and whether the next one is waiting or has failed."""
        if letter._state.adding:
            return "–"
        waiting = letter.publication_requests.order_by("-attempts", "pk").first()
        edition = letter.newest_edition()
        page = format_html(
            '<a href="{}">{}</a>', letter.get_absolute_url(), gettext("see the page")
        )
        parts: list[str] = [page]
        if edition:
            moment = timezone.localtime(edition.published_at, letter.zone)
            parts.append(
                gettext("Edition %(number)s, %(moment)s")
                % {"number": edition.number, "moment": moment.strftime("%Y-%m-%d %H:%M")}
            )
        else:
            parts.append(gettext("not published"))
        if waiting and waiting.attempts:
            parts.append(
                format_html(
                    '<strong class="desk-caution">{}</strong>',
                    ngettext(
                        "The next edition failed %(count)s time (%(error)s). Readers still see the last one; "
                        "it is tried again by itself.",
                        "The next edition failed %(count)s times (%(error)s). Readers still see the last one; "
                        "it is tried again by itself.",
                        waiting.attempts,
                    )
                    % {"count": waiting.attempts, "error": waiting.error},
                )
            )
        elif waiting:
            parts.append(gettext("the next one is on its way"))
        return format_html("{} · " * (len(parts) - 1) + "{}", *parts)


class RevisionTextFormSet(BaseInlineFormSet[RevisionText, Revision, Any]):
    """The texts of a revision; one in the letter's default language must stay."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        kept = {
            form.cleaned_data["language"]
            for form in self.forms
            if form.cleaned_data and not form.cleaned_data.get("DELETE")
        }
        letter = self.instance.letter
        if letter.default_language not in kept:
            raise ValidationError(
                _("The revision needs a text in the letter's default language (%(language)s)."),
                params={"language": letter.default_language},
            )


class RevisionTextInline(admin.StackedInline[RevisionText, Revision]):
    model = RevisionText
    formset = RevisionTextFormSet
    extra = 0
    fieldsets = (
        (None, {"fields": ("language", "body")}),
        (
            _("In this language, where it differs from the letter's own"),
            {"classes": ("collapse",), "fields": TEXT_FIELDS},
        ),
    )

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        kwargs["widgets"] = {
            "body": forms.Textarea(attrs={"rows": 28, "cols": 80, "dir": "auto"}),
            "addressee": forms.Textarea(attrs={"rows": 3}),
        }
        return super().get_formset(request, obj, **kwargs)

    def get_min_num(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj and obj.bodies.exists() else 1

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.locked_at)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and not (obj and obj.locked_at)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.locked_at)


@admin.register(Revision)
class RevisionAdmin(OfLetters, admin.ModelAdmin[Revision]):
    change_form_template = "admin/letter/revision/change_form.html"
    list_display = ("letter", "number", "kind", "published_at", "locked_at")
    list_filter = (("letter", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("letter",)
    inlines = (RevisionTextInline,)
    fields = ("letter", "number", "kind", "note", "published_at", "locked_at")

    class Media:
        css = {"all": ("letter/desk.css",)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/preview/", view(self.preview), name="letter_revision_preview"),
            path(
                "<int:pk>/publish/",
                view(require_POST(self.publish)),
                name="letter_revision_publish",
            ),
        ]
        return own + super().get_urls()

    def get_readonly_fields(self, request: HttpRequest, obj: Revision | None = None) -> list[str]:
        fields = ["letter", "number", "published_at", "locked_at"]
        if obj and (obj.published_at or obj.number == 1):
            fields += ["kind", "note"]
        return fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # begun from the letter's page, with the words of the newest

    def has_change_permission(self, request: HttpRequest, obj: Revision | None = None) -> bool:
        """What is published and signed has nothing left to save."""
        if obj is not None and obj.locked_at and obj.published_at:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Revision | None = None) -> bool:
        return False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        revision = self.get_object(request, object_id) if object_id else None
        context = {
            **(extra_context or {}),
            "revision": revision,
            "can_publish": revision is not None
            and revision.published_at is None
            and revision.number > 1
            and request.user.has_perm("letter.change_revision"),
        }
        with transaction.atomic():
            if revision and request.method == "POST":
                _hold(revision.letter_id)
                revision.refresh_from_db()
                if revision.locked_at and _typed_texts(request):
                    return self._too_late(request, revision)
            return super().changeform_view(request, object_id, form_url, context)

    def _too_late(self, request: HttpRequest, revision: Revision) -> HttpResponse:
        """Organisations signed while this text was being edited: say so, and hand back what was typed."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("This text has been signed meanwhile"),
            "opts": self.model._meta,
            "media": self.media,
            "letter": revision.letter,
            "typed": _typed_texts(request),
        }
        return render(request, "admin/letter/revision/too_late.html", context, status=409)

    def save_model(self, request: HttpRequest, obj: Revision, form: Any, change: bool) -> None:
        # Only what the form is about: whether it is locked is not this form's to say.
        obj.save(update_fields=["kind", "note"])

    def response_change(self, request: HttpRequest, obj: Revision) -> Any:
        if "_publish" in request.POST:
            return self.publish(request, obj.pk)
        return super().response_change(request, obj)

    @transaction.atomic
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        request_publication(form.instance.letter, at=timezone.now())

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page with the words typed in the form, saved or not."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        revision = get_object_or_404(self.get_queryset(request).select_related("letter"), pk=pk)
        typed = _typed_texts(request) if request.method == "POST" else []
        return _preview(request, revision.letter, revision, typed)

    def _ask(self, request: HttpRequest, revision: Revision) -> HttpResponse:
        """Once more before everybody who signed is mailed."""
        edition = revision.letter.newest_edition()
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Publish a text that is to be signed again"),
            "opts": self.model._meta,
            "media": self.media,
            "revision": revision,
            "organization_count": edition.organization_count if edition else 0,
        }
        return render(request, "admin/letter/revision/publish.html", context)

    def publish(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a new revision the text that is read and signed from now on."""
        if not request.user.has_perm("letter.change_revision"):
            raise PermissionDenied
        with transaction.atomic():
            revisions = self.get_queryset(request).select_for_update(of=("self",))
            revision = get_object_or_404(
                revisions.select_related("letter"),
                pk=pk,
                published_at__isnull=True,
            )
            if lack := _lack(revision):
                self.message_user(request, lack, messages.ERROR)
                return redirect("admin:letter_revision_change", pk)
            if revision.kind == Revision.Kind.SUBSTANTIVE and "asked" not in request.POST:
                return self._ask(request, revision)
            now = timezone.now()
            Revision.objects.filter(pk=pk).update(published_at=now)
            request_publication(revision.letter, at=now)
            self.log_change(request, revision, gettext("Published."))
        self.message_user(
            request,
            gettext("Revision %(number)s is published with the next edition.")
            % {"number": revision.number},
            messages.SUCCESS,
        )
        return redirect("admin:letter_letter_change", revision.letter_id)


def _lack(revision: Revision) -> str:
    """What a revision lacks to be published, in words; empty where nothing."""
    if not revision.note:
        return gettext("Say in one sentence what changed: it is shown publicly. Then publish it.")
    before = revision.letter.current_revision()
    if before and before.texts() == revision.texts():
        return gettext("No word differs from the text before, so there is nothing to publish.")
    return ""


def _colleagues(letter: Letter) -> QuerySet[Any]:
    """Whom a letter can be assigned to: those who do not have all letters anyway, and whom it is assigned to."""
    users = get_user_model().objects
    choice = Q(is_staff=True, is_active=True) & ~Q(
        pk__in=users.with_perm(
            "letter.all_letters", backend="django.contrib.auth.backends.ModelBackend"
        ).values("pk")
    )
    if letter.pk:
        choice |= Q(pk__in=letter.coordinators.values("pk"))
    return users.filter(choice).order_by("username")


def _changes(form: LetterForm, *, user: Any, at: datetime) -> list[LetterChange]:
    """What a saved form changed, field by field, times in the letter's own zone."""

    def in_words(value: Any) -> str:
        if isinstance(value, datetime):
            return (
                f"{value.astimezone(form.instance.zone):%Y-%m-%d %H:%M} ({form.instance.time_zone})"
            )
        if isinstance(value, list | QuerySet):
            return ", ".join(sorted(str(one) for one in value))
        return "" if value is None else without_hidden(str(value))

    words = {
        name: (in_words(form.initial.get(name)), in_words(form.cleaned_data[name]))
        for name in form.changed_data
        if name not in LOGO_TYPED
    }
    if LOGO_TYPED & {*form.changed_data}:
        now = Logo.objects.filter(letter=form.instance).first()
        words["logo"] = (in_words(form.logo), in_words(now))
    return [
        LetterChange(letter=form.instance, at=at, user=user, field=name, old=old, new=new)
        for name, (old, new) in words.items()
    ]


def _has_text(letter: Letter, language: str) -> bool:
    """Whether the text that is read, or would be once the letter opens, is there in a language."""
    revision = letter.current_revision() or letter.revisions.order_by("-number").first()
    return revision is not None and revision.bodies.filter(language=language).exists()


def _hold(letter_pk: int) -> None:
    """Lock a letter and its revisions, in the order in which a publication does.

    From here to the end of the transaction no signature and no edition can fix the words: what the
    form is shown for is what it is saved on.
    """
    Letter.objects.select_for_update(no_key=True).filter(pk=letter_pk).first()
    list(Revision.objects.select_for_update().filter(letter_id=letter_pk).order_by("pk"))


def _zone(request: HttpRequest, letter: Letter | None) -> tzinfo:
    """The zone in which times are typed and shown: the letter's, or the one chosen in this very form."""
    name = request.POST.get("time_zone", letter.time_zone if letter else "UTC")
    return ZoneInfo(name) if name in available_timezones() else UTC


def _typed_texts(request: HttpRequest) -> list[RevisionText]:
    """The texts in a posted inline form, by its prefix, without saving anything."""
    names = ("language", "body", *TEXT_FIELDS)
    count = request.POST.get("bodies-TOTAL_FORMS", "0")
    return [
        RevisionText(**{name: request.POST.get(f"bodies-{index}-{name}", "") for name in names})
        for index in range(min(int(count), 100) if count.isdecimal() and len(count) < 9 else 0)
        if f"bodies-{index}-DELETE" not in request.POST and f"bodies-{index}-body" in request.POST
    ]


def _preview(
    request: HttpRequest,
    letter: Letter,
    revision: Revision | None,
    typed: list[RevisionText] | None = None,
) -> HttpResponse:
    rows = typed or (list(revision.bodies.all()) if revision else [])
    known = dict(RevisionText._meta.get_field("language").flatchoices)
    texts = {row.language: row.as_text(letter) for row in rows if row.language in known}
    if not texts:
        return render(request, "letter/no_text.html", {"letter": letter})
    language = letter.default_language if letter.default_language in texts else next(iter(texts))
    return preview_of(request, letter, texts, language)
