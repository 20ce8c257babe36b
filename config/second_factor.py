"""The second factor of whoever logs in: who has used one, and what is closed to others.

allauth asks for it at the log-in of people who have set one up, and forces nobody to. That
is done here, where every request passes, and not in the admin's views: a page that somebody
adds to the admin tomorrow is closed without knowing of it.

A session has used its second factor while allauth's record in it names a factor that is
still there. So whatever removes a factor also shuts the sessions that were opened with it.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

from allauth.account.internal.flows.login import (
    get_authentication_records,
    record_authentication,
)
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from config.desk import is_desk

logger = logging.getLogger(__name__)

# Names of the pages under /admin/ that are for whoever has not got through yet …
LOGGING_IN: Final = frozenset(
    {"account_login", "admin:login", "admin:logout", "mfa_authenticate", "mfa_login_webauthn"}
)
# … and for whoever has a password alone.
SETTING_UP: Final = frozenset(
    {"mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate"}
)
# Recovery codes are none: they stand in for another.
FACTORS: Final = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class SecondFactor:
    """Middleware: with REQUIRE_SECOND_FACTOR, nobody is anybody before they have used one.

    Under /admin/ they are sent to set one up or to log in again; elsewhere they are visitors.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, arguments: Any, options: Any
    ) -> HttpResponse | None:
        if not settings.REQUIRE_SECOND_FACTOR:
            return None
        if not is_desk(request):
            user = request.user
            # Lazily: a public page asks for no user, and then for no session.
            request.user = SimpleLazyObject(
                lambda: user if is_used(request, user) else AnonymousUser()
            )  # type: ignore[assignment]  # what the authentication middleware puts there
            return None
        assert request.resolver_match is not None
        return _way_in(request, request.resolver_match.view_name)

    def process_template_response(
        self, request: HttpRequest, response: TemplateResponse
    ) -> TemplateResponse:
        """Frame allauth's pages as pages of the admin."""
        if request.path.startswith(reverse("mfa_index")):
            response.context_data = {
                **admin.site.each_context(request),
                **(response.context_data or {}),
            }
        return response


def _way_in(request: HttpRequest, page: str) -> HttpResponse | None:
    if page in LOGGING_IN or is_used(request, request.user):
        return None
    if admin.site.has_permission(request):
        if not has_factor(request.user):
            return None if page in SETTING_UP else redirect("mfa_index")
        logout(request)
        messages.info(request, _("Please log in again, with your second factor."))
    return redirect_to_login(request.get_full_path(), reverse("admin:login"))


def is_used(request: HttpRequest, user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the user, who is logged in, used a second factor in this session that still is theirs."""
    used = [
        record["id"]
        for record in get_authentication_records(request, user)
        if record["method"] == "mfa"
    ]
    return bool(used and Authenticator.objects.filter(user=user.pk, pk__in=used).exists())


def has_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    return bool(Authenticator.objects.filter(user=user.pk, type__in=FACTORS).exists())


def end_sessions(user: AbstractBaseUser, *, but: str | None = None) -> None:
    """End what a user has open, but for the session with that key."""
    for session in Session.objects.filter(expire_date__gt=timezone.now()):
        if session.session_key != but and session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()


def remove_factors(user: AbstractBaseUser) -> int:
    """Remove a user's second factors and recovery codes, end their sessions, and give how many factors there were."""
    count = int(Authenticator.objects.filter(user=user.pk, type__in=FACTORS).count())
    Authenticator.objects.filter(user=user.pk).delete()
    end_sessions(user)
    logger.warning("Removed the second factor of user %s", user.pk)
    return count


# What follows is connected to allauth's signals in config/apps.py.


def on_added(
    request: HttpRequest, user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: Any
) -> None:
    """Setting up takes a code or a touch of the key, so this session has used the factor."""
    record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
    _note_change(request, user, "added", authenticator)


def on_reset(
    request: HttpRequest, user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: Any
) -> None:
    """Whoever came in by a recovery code, and then makes new ones, stays in."""
    if any(record["method"] == "mfa" for record in get_authentication_records(request, user)):
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
    _note_change(request, user, "renewed", authenticator)


def on_removed(
    request: HttpRequest, user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: Any
) -> None:
    _note_change(request, user, "removed", authenticator)


def on_failed(user: AbstractBaseUser, authenticator: Authenticator, **_kwargs: Any) -> None:
    logger.warning("User %s gave a wrong code", user.pk)


def _note_change(
    request: HttpRequest, user: AbstractBaseUser, what: str, authenticator: Authenticator
) -> None:
    end_sessions(user, but=request.session.session_key)
    logger.info("User %s %s a factor (%s)", user.pk, what, authenticator.type)
