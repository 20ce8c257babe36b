"""The application that a WSGI server imports: config.wsgi:application."""

import os

from django.core.wsgi import get_wsgi_application

from config.checks import refuse_to_start_unfit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# `make serve` has asked already; a server that imports this module directly has not.
refuse_to_start_unfit()
application = get_wsgi_application()

# Both need the apps to be loaded, which the line above has done.
from django.conf import settings  # noqa: E402

from signatories.worker import start_in_background  # noqa: E402

if settings.WORKER == "web":
    start_in_background()
