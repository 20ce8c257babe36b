"""Makes config an installed app, for what Django asks an app for: checks, signals, commands."""

from importlib.util import find_spec

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import register

from config import sentry
from config.checks import check_environment, check_serving


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        register(check_environment)
        register(check_serving, deploy=True)

        # Where the library is missing, the check says so in better words.
        if settings.SENTRY_DSN and find_spec("sentry_sdk"):
            sentry.report_errors(settings.SENTRY_DSN)

        # These have models, which are there only now.
        from allauth.mfa import signals  # noqa: PLC0415

        from config import second_factor  # noqa: PLC0415

        signals.authenticator_added.connect(second_factor.on_added)
        signals.authenticator_reset.connect(second_factor.on_reset)
        signals.authenticator_removed.connect(second_factor.on_removed)
        signals.authentication_failed.connect(second_factor.on_failed)
