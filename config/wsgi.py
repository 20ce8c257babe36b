"""The application that a WSGI server imports: config.wsgi:application."""

import os

import django

from config.checks import refuse_to_start_unfit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# `make serve` has asked already; a server that imports this module directly has not.
refuse_to_start_unfit()
django.setup(set_prefix=False)

# All need the apps to be loaded, which the line above has done.
from django.conf import settings  # noqa: E402
from django.urls import reverse  # noqa: E402

from config.proxies import scheme_of  # noqa: E402
from config.reading import WsgiApplication  # noqa: E402
from letter import countries  # noqa: E402
from letter.copies import Copies  # noqa: E402
from letter.front import Front  # noqa: E402
from signatories.worker import start_in_background  # noqa: E402

application = Front(WsgiApplication(), scheme_of, copies=Copies(settings.COPIES_DIR))

# The first form that is opened would take half a second for these, and all others of this process would wait for it.
reverse("admin:index")
countries.choices()

if settings.WORKER == "web":
    start_in_background()
