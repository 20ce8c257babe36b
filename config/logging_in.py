"""Logging in: the admin's page, done by allauth, which counts failures and asks for the second factor."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm as AccountLoginForm
from allauth.account.internal.stagekit import clear_login
from allauth.account.views import LoginView as AccountLoginView
from allauth.account.views import ReauthenticateView
from allauth.core import context, ratelimit
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.core.internal.ratelimit import get_ip
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.app_settings import TOTP_PERIOD, TOTP_TOLERANCE
from allauth.mfa.base.forms import AuthenticateForm as AuthenticateByCodeForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.base.views import AuthenticateView, IndexView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCodeView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    LoginWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.views import PasswordChangeView
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import path, reverse, reverse_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from config.proxies import client_address

logger = logging.getLogger(__name__)

# In the session, from the first step of a log-in to the last: what changes with the password.
PASSWORD_THEN = "password_at_log_in"  # noqa: S105


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """What allauth leaves to the site: whose failures are counted together, and who may come in."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _(
            "This user name and password do not open the admin. Both tell small letters from capitals."
        ),
        "too_many_login_attempts": _(
            "That was wrong too many times. Wait five minutes, then try again."
        ),
        "rate_limited": _("That was wrong too many times. Wait five minutes, then try again."),
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # By address as well: nobody locks a coordinator out by guessing from elsewhere.
        name = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{name} {get_ip(request)}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            logger.warning("A log-in was refused after too many failures")
            raise

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        # Without the name: people type their password there, and an address is a person's.
        logger.warning("A log-in failed")

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        if request.session.pop(PASSWORD_THEN, None) != user.get_session_auth_hash():
            # Whoever changes a password shuts out who knew the old one, also on the way in.
            clear_login(request)
            messages.error(request, gettext("The password was changed meanwhile. Log in again."))
            raise ImmediateHttpResponse(redirect("admin:login"))
        super().login(request, user)
        logger.info("User %s logged in", user.pk)

    def pre_login(
        self, request: HttpRequest, user: AbstractBaseUser, **options: Any
    ) -> HttpResponse | None:
        """Turn away whoever lost their rights but kept a passkey."""
        if user.is_active and getattr(user, "is_staff", False):
            request.session[PASSWORD_THEN] = user.get_session_auth_hash()
            return None
        clear_login(request)
        messages.error(request, str(self.error_messages["username_password_mismatch"]))
        return redirect("admin:login")


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's second factors, in our words where they are met often."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is not right, or no longer."),
    }

    def generate_authenticator_name(
        self,
        user: AbstractBaseUser,
        type: Authenticator.Type,  # noqa: A002  # allauth's word
    ) -> str:
        there = Authenticator.objects.filter(user=user.pk, type=type).count()
        return gettext("Passkey %(number)d") % {"number": there + 1}


class LoginForm(AccountLoginForm):  # type: ignore[misc]  # allauth has no types
    """A user name and a password, in fields named as the Django admin names them, for staff alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"] = self.fields.pop("login")
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)

    def clean_username(self) -> str:
        # Under this name allauth looks for it.
        self.cleaned_data["login"] = self.cleaned_data["username"]
        return str(self.cleaned_data["username"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if self.user is not None and not self.user.is_staff:
            raise ValidationError(AccountAdapter.error_messages["username_password_mismatch"])
        return cleaned


class _CodeField:
    """A form's field `code`, for a phone's keypad and under its label."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        attributes = self.fields["code"].widget.attrs
        attributes.pop("placeholder", None)
        attributes |= {"inputmode": "numeric", "autofocus": True}


class SetUpForm(_CodeField, ActivateTOTPForm):  # type: ignore[misc]  # allauth has no types
    pass


class _OnceOnly(_CodeField):
    """Takes a code once (RFC 6238 §5.2): allauth remembers for one step of time, and a code is good for three."""

    user: Any
    authenticator: Any

    def clean_code(self) -> str:
        code = str(super().clean_code())  # type: ignore[misc]  # allauth's form comes next
        if self.authenticator.type == Authenticator.Type.TOTP:
            key = f"second-factor-used:{self.user.pk}:{normalize_user_code(code)}"
            if not cache.add(key, 1, timeout=(2 * TOTP_TOLERANCE + 1) * TOTP_PERIOD):
                raise FactorAdapter().validation_error("incorrect_code")
        return code


class CodeForm(_OnceOnly, AuthenticateByCodeForm):  # type: ignore[misc]  # allauth has no types
    pass


class ConfirmByCodeForm(_OnceOnly, ReauthenticateByCodeForm):  # type: ignore[misc]  # allauth has no types
    pass


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    name = forms.CharField(label=_("What to call it here"), required=False, max_length=100)


class LoginView(AccountLoginView):  # type: ignore[misc]  # allauth has no types
    """/admin/login/. The Django admin's own is nowhere to be reached: it would ask for no second factor."""

    template_name = "admin/login.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if admin.site.has_permission(request):
            # Not by `redirect`, to which a `next` without a slash would be the name of a page of ours.
            return HttpResponseRedirect(self.get_success_url() or reverse("admin:index"))
        return super().get(request, *args, **kwargs)  # type: ignore[no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **admin.site.each_context(self.request),
            "title": _("Log in"),
            "username": self.request.user.get_username(),
            "app_path": self.request.get_full_path(),
            **super().get_context_data(**kwargs),
        }


class ChangePasswordForm(AdminPasswordChangeForm):
    """Django's; whoever sits down at an open session cannot guess the password here."""

    def clean_old_password(self) -> str:
        counted = {"action": "change_password", "user": self.user}
        if not ratelimit.consume(context.request, **counted):
            logger.warning(
                "User %s gave a wrong password too many times to change it", self.user.pk
            )
            raise ValidationError(AccountAdapter.error_messages["rate_limited"])
        password: str = super().clean_old_password()
        ratelimit.clear(context.request, **counted)
        return password


def change_password(
    request: HttpRequest, extra_context: dict[str, Any] | None = None
) -> HttpResponse:
    """/admin/password_change/, as the Django admin calls it."""
    return PasswordChangeView.as_view(
        form_class=ChangePasswordForm,
        success_url=reverse_lazy("admin:password_change_done"),
        extra_context={**admin.site.each_context(request), **(extra_context or {})},
    )(request)  # type: ignore[return-value]


# The Django admin's own are these too, under their own names.
admin.site.login = LoginView.as_view()  # type: ignore[method-assign]
admin.site.password_change = never_cache(change_password)  # type: ignore[method-assign, assignment]

# Under /admin/. What allauth has more of (signing up, addresses, resetting passwords) is not here.
urlpatterns = [
    path("login/", admin.site.login, name="account_login"),
    path(
        "account/", IndexView.as_view(extra_context={"title": _("Second factor")}), name="mfa_index"
    ),
    path(
        "account/log-in/code/",
        AuthenticateView.as_view(extra_context={"title": _("Second factor")}),
        name="mfa_authenticate",
    ),
    path("account/log-in/passkey/", LoginWebAuthnView.as_view(), name="mfa_login_webauthn"),
    *(
        path(
            f"account/confirm/{how}/",
            view.as_view(extra_context={"title": _("Is it still you?")}),
            name=name,
        )
        for how, view, name in (
            ("password", ReauthenticateView, "account_reauthenticate"),
            ("code", ReauthenticateByCodeView, "mfa_reauthenticate"),
            ("passkey", ReauthenticateWebAuthnView, "mfa_reauthenticate_webauthn"),
        )
    ),
    path(
        "account/app/",
        ActivateTOTPView.as_view(extra_context={"title": _("Set up an authenticator app")}),
        name="mfa_activate_totp",
    ),
    path(
        "account/app/remove/",
        DeactivateTOTPView.as_view(extra_context={"title": _("Remove the authenticator app")}),
        name="mfa_deactivate_totp",
    ),
    path(
        "account/passkeys/",
        IndexView.as_view(extra_context={"title": _("Second factor")}),
        name="mfa_list_webauthn",
    ),
    path(
        "account/passkeys/add/",
        AddWebAuthnView.as_view(extra_context={"title": _("Add a passkey")}),
        name="mfa_add_webauthn",
    ),
    path(
        "account/passkeys/<int:pk>/remove/",
        RemoveWebAuthnView.as_view(extra_context={"title": _("Remove a passkey")}),
        name="mfa_remove_webauthn",
    ),
    path(
        "account/recovery-codes/",
        ViewRecoveryCodesView.as_view(extra_context={"title": _("Recovery codes")}),
        name="mfa_view_recovery_codes",
    ),
    path(
        "account/recovery-codes/new/",
        GenerateRecoveryCodesView.as_view(extra_context={"title": _("Make new recovery codes")}),
        name="mfa_generate_recovery_codes",
    ),
]
# Secrets and codes are on these pages: none is kept by a browser, or anywhere on the way.
for pattern in urlpatterns:
    pattern.callback = never_cache(pattern.callback)
