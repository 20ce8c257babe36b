"""The accounts of those who work at the desk."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.second_factor import FACTORS
from letter.offered_lookups import OfferedLookups

# Factors are shown to whom they belong; addresses stand with the user.
admin.site.unregister([Authenticator, EmailAddress, Group, User])


@admin.register(User)
class AccountAdmin(OfferedLookups, UserAdmin[User]):
    """Django's, and whether somebody has set up a second factor."""

    list_display = (
        "username",
        "email",
        "first_name",
        "last_name",
        "is_staff",
        "second_factor",
        "last_login",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)
        queryset: QuerySet[User] = (
            super().get_queryset(request).annotate(has_second_factor=Exists(factors))
        )
        return queryset

    @admin.display(description=_("second factor"), boolean=True, ordering="has_second_factor")
    def second_factor(self, user: User) -> bool:
        return bool(user.has_second_factor)  # type: ignore[attr-defined]  # annotated above


@admin.register(Group)
class AccountGroupAdmin(OfferedLookups, GroupAdmin):
    """Django's."""
