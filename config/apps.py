"""Makes config an installed app, for the one thing that Django asks an app for: its checks."""

from django.apps import AppConfig
from django.core.checks import register

from config.checks import check_environment, check_serving


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        register(check_environment)
        register(check_serving, deploy=True)
