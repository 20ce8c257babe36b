"""The admin of partner links: each says by whom a sign-on came."""

from typing import Any

import segno
from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from letter.offered_lookups import AddedToLetters
from signatories.models import Partner, Signatory


@admin.register(Partner)
class PartnerAdmin(AddedToLetters, admin.ModelAdmin[Partner]):
    """Links that say by whom a sign-on came, with what came by each."""

    list_display = ("name", "letter", "link", "signed", "listed")
    list_filter = (("letter", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("letter",)
    search_fields = ("name", "code")
    fields = ("letter", "name", "code", "link", "qr", "signed", "listed")
    prepopulated_fields = {"code": ("name",)}

    class Media:
        css = {"all": ("letter/desk.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Partner]:
        # Who has not confirmed the address has not signed.
        signed = ~Q(signatories__state=Signatory.State.SUBMITTED)
        counted = Q(signatories__state=Signatory.State.APPROVED)
        counted_partners: QuerySet[Partner] = (
            super()
            .get_queryset(request)
            .annotate(
                signed_count=Count("signatories", filter=signed & Q(signatories__isnull=False)),
                listed_count=Count("signatories", filter=counted),
            )
        )
        return counted_partners

    def get_readonly_fields(self, request: HttpRequest, obj: Partner | None = None) -> list[str]:
        # A link that was given out goes on working.
        return ["link", "qr", "signed", "listed", *(["letter", "code"] if obj else [])]

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Partner | None = None
    ) -> dict[str, Any]:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    @admin.display(description=_("link to pass on"))
    def link(self, partner: Partner) -> SafeString | str:
        if not partner.pk:
            return "–"
        return format_html('<a href="{0}">{0}</a>', _address(partner))

    @admin.display(description=_("QR code"))
    def qr(self, partner: Partner) -> SafeString | str:
        if not partner.pk:
            return "–"
        picture = segno.make(_address(partner), error="m", micro=False)
        return format_html(
            '<img src="{}" alt="{}" width="148" height="148">',
            picture.svg_data_uri(border=2, light="white"),
            gettext("QR code of the link"),
        )

    @admin.display(description=_("signed by it"))
    def signed(self, partner: Any) -> int | str:
        return getattr(partner, "signed_count", "–")

    @admin.display(description=_("of these on the list"))
    def listed(self, partner: Any) -> int | str:
        return getattr(partner, "listed_count", "–")


def _address(partner: Partner) -> str:
    return settings.BASE_URL + reverse("signatories:via", args=[partner.letter.slug, partner.code])
