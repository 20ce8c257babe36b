"""The product's settings, with the environment that every test run has.

A module of settings and not a conftest, because pytest-django reads the settings before
any conftest is loaded. What the developer's shell sets is put aside, all but DATABASE_URL.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# All that config/settings.py reads, and what starts the server.
VARIABLES = (
    "ALLOWED_HOSTS",
    "BASE_URL",
    "CACHE_URL",
    "CHECK_MAIL_DOMAINS",
    "COUNTRY_NAMES",
    "DATABASE_POOLER",
    "DEBUG",
    "DECIDE_WITHIN",
    "DEFAULT_FROM_EMAIL",
    "DEMO",
    "EMAIL_URL",
    "HOST",
    "LOG_FORMAT",
    "METRICS_TOKEN",
    "PORT",
    "PROOF_AFTER",
    "REQUIRE_SECOND_FACTOR",
    "SECRET_KEY",
    "SENTRY_DSN",
    "TRUSTED_PROXIES",
    "VAR_DIR",
    "WEB_CONCURRENCY",
    "WORKER",
)
for name in VARIABLES:
    os.environ.pop(name, None)
VAR = tempfile.mkdtemp(prefix="undersigned-test-")
atexit.register(shutil.rmtree, VAR, ignore_errors=True)
# WhiteNoise warns when its folder is not there.
Path(VAR, "static").mkdir()
os.environ.update(
    ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    BASE_URL="http://testserver",
    # All tests sign from one address.
    PROOF_AFTER="1000000",
    SECRET_KEY="for-the-tests-alone-3kQ9vXz7Lm2Rt8Wp5Yb1Nc6Hs4Jd0Fg",
    VAR_DIR=VAR,
)

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES, STORAGES  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in production: a database in memory knows neither WAL nor a second writer.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(VAR, "test.sqlite3"))}
# {% static %} without collecting first.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
# Half the time of a test with a log-in is hashing its password.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
