"""The application that an ASGI server imports: config.asgi:application."""

import os

from django.core.asgi import get_asgi_application

from config.checks import refuse_to_start_unfit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# `make serve` has asked already; a server that imports this module directly has not.
refuse_to_start_unfit()
application = get_asgi_application()

# Both need the apps to be loaded, which the line above has done.
from django.conf import settings  # noqa: E402

from signatories.worker import start_in_background  # noqa: E402

if settings.WORKER == "web":
    start_in_background()
