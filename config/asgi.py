"""The application that an ASGI server imports: config.asgi:application."""

import os

import django

from config.checks import refuse_to_start_unfit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# `make serve` has asked already; a server that imports this module directly has not.
refuse_to_start_unfit()
django.setup(set_prefix=False)

# All need the apps to be loaded, which the line above has done.
from django.conf import settings  # noqa: E402

from config.reading import AsgiApplication  # noqa: E402
from signatories.worker import start_in_background  # noqa: E402

application = AsgiApplication()

if settings.WORKER == "web":
    start_in_background()
