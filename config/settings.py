"""Every setting, from the environment, with a default that works.

What is read here is explained in docs/running.md; tests/test_docs.py holds the
two together. config/checks.py says in words what is missing or weak, and keeps
the production server from starting until it is mended.
"""

import os
import socket
from contextlib import suppress
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import dj_database_url
import django_stubs_ext
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config.environment import env_bool, env_int, env_list

# Lets classes say what they are about (ModelAdmin[Letter]); Django's own take no such parameter yet.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# --- The site -----------------------------------------------------------------

DEBUG = env_bool("DEBUG")
# The demo shows its outgoing mail on a page and asks for no settings: see `manage.py demo`.
DEMO = env_bool("DEMO")
SECRET_KEY = os.environ.get("SECRET_KEY") or ("for development only, never served" if DEBUG else "")
BASE_URL = (os.environ.get("BASE_URL") or "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS")
VAR_DIR = Path(os.environ.get("VAR_DIR") or BASE_DIR / "var").resolve()
with suppress(OSError):  # config/checks.py says what is wrong with it, in better words
    VAR_DIR.mkdir(parents=True, exist_ok=True)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "crispy_forms",
    "django_countries",
    "config",
    "letter",
    "signatories",
]

MIDDLEWARE = [
    "config.proxies.trust_known_proxies",
    "config.requests.watch",
    "config.caching.keep_nothing_unsaid",
    # What browsers are told stands before all that may answer by itself: static files, refusals, redirects.
    "config.features.switch_off",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.second_factor.SecondFactor",
    "config.access.log_access",
    "config.languages.speak_to_coordinators",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

FORMS_URLFIELD_ASSUME_HTTPS = True  # "www.example.org" means https; the rule from Django 6.0 on
# Form fields' templates come from templates/ as well.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
# Our own pack: templates/undersigned/, plain HTML with linked errors.
CRISPY_TEMPLATE_PACK = "undersigned"
CRISPY_ALLOWED_TEMPLATE_PACKS = ("undersigned",)

# Within how many days contacts are told that they will have an answer.
DECIDE_WITHIN = timedelta(days=env_int("DECIDE_WITHIN", 5))
# How many sign-ons on one letter within ten minutes are more than people send: see signatories/flood.py.
PROOF_AFTER = env_int("PROOF_AFTER", 300)

# --- Storage ------------------------------------------------------------------

DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'undersigned.sqlite3'}"
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Opening the file anew took a third of each look whether there is a new edition.
    DATABASES["default"]["CONN_MAX_AGE"] = None
    DATABASES["default"]["OPTIONS"] = {
        # A deferred transaction that turns into a writer fails at once instead of
        # waiting; taking the write lock at BEGIN lets `timeout` (seconds) do its work.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # Foreign keys are switched on by Django itself.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
elif DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    # After PostgreSQL was away, nobody is given a connection that it has closed.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        # A server that has gone without a word is noticed within about ten seconds, not in hours. All of it is
        # this side's doing, nothing is asked of the server, which through PgBouncer would refuse it.
        "connect_timeout": 3,  # seconds
        "tcp_user_timeout": 10_000,  # milliseconds
        "keepalives_idle": 5,  # seconds
        "keepalives_interval": 2,
        "keepalives_count": 3,
        **DATABASES["default"].get("OPTIONS", {}),
        # There is a connection for each thread that uses one (letter.front, OTHERS_AT_ONCE): whoever has none after
        # two seconds has no database.
        "pool": {"min_size": 1, "max_size": 14, "timeout": 2},
    }
    # "transaction": PgBouncer, or another that hands out a connection for one transaction only, stands in
    # between. A cursor that outlives its transaction would be asked for on another connection; without such
    # ones, a long list is in memory whole while it is read (50,000 sign-ons: 130 MB). Django prepares no
    # statements unless told to, and nothing here relies on what else a connection remembers.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = (
        os.environ.get("DATABASE_POOLER") == "transaction"
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def cache_settings(url: str) -> dict[str, Any]:
    """Django's settings for CACHE_URL: empty (one process's memory) or redis://host:port/db."""
    # What a process's own memory holds: with Django's 300, a flood from many addresses would wash out what is counted.
    size = {"max_entries": 50_000}
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", **size}
    return {
        **size,
        "BACKEND": "config.caching.SharedCache",
        "LOCATION": url,
        "OPTIONS": {"socket_timeout": 2},  # seconds; without, one that hangs is waited for
    }


CACHE_URL = os.environ.get("CACHE_URL", "")
CACHES = {"default": cache_settings(CACHE_URL)}

# --- Background work ----------------------------------------------------------

# "web": `make serve` also sends mail and publishes, in a process beside the web processes; the demo in a thread.
# "separate": `manage.py worker` does, and web processes only answer.
WORKER = os.environ.get("WORKER") or "web"

# --- Mail ---------------------------------------------------------------------

# EMAIL_URL is empty or file:///a/folder (a file per message, under VAR_DIR/mail by default),
# smtp://user:password@host:587?tls=1 (STARTTLS), or smtps://… (TLS from the start).
_mail = urlsplit(os.environ.get("EMAIL_URL", ""))
EMAIL_IN_FILES = _mail.scheme in {"", "file"}
EMAIL_BACKEND = (
    "config.inbox.EmailBackend" if EMAIL_IN_FILES else "django.core.mail.backends.smtp.EmailBackend"
)
EMAIL_FILE_PATH = Path(_mail.path or VAR_DIR / "mail")
EMAIL_HOST = _mail.hostname or "localhost"
EMAIL_PORT = _mail.port or (465 if _mail.scheme == "smtps" else 25)
EMAIL_HOST_USER = unquote(_mail.username or "")
EMAIL_HOST_PASSWORD = unquote(_mail.password or "")
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_USE_TLS = parse_qs(_mail.query).get("tls", ["0"])[0] in {"1", "true"}
EMAIL_TIMEOUT = 20  # seconds
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL") or "Undersigned <letters@localhost>"
SERVER_EMAIL = parseaddr(DEFAULT_FROM_EMAIL)[1]

# Whether the worker asks the DNS if the domains of contacts' addresses take mail at all.
CHECK_MAIL_DOMAINS = env_bool("CHECK_MAIL_DOMAINS")

# --- Languages, times, countries -----------------------------------------------

LANGUAGE_CODE = "en"
# What the product itself speaks; a letter may be in any other language, too.
LANGUAGES = [
    ("ar", _("Arabic")),
    ("en", _("English")),
    ("es", _("Spanish")),
    ("fr", _("French")),
    ("pt", _("Portuguese")),
    ("ru", _("Russian")),
    ("zh-hans", _("Simplified Chinese")),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
# The admin's clock; a letter has its own zone.
TIME_ZONE = os.environ.get("TIME_ZONE") or "UTC"
FORMAT_MODULE_PATH = ["config.formats"]

# Names that an organisation in the country would put under a letter, where ISO 3166's
# own is formal or disputed. COUNTRY_NAMES="XK=Kosovo;TW=Chinese Taipei" overrides any.
COUNTRIES_OVERRIDE: dict[str, Any] = {
    "XK": _("Kosovo"),
    "BQ": _("Caribbean Netherlands"),
    "BS": _("Bahamas"),
    "CD": _("Democratic Republic of the Congo"),
    "CG": _("Republic of the Congo"),
    "CI": _("Côte d'Ivoire"),
    "CV": _("Cabo Verde"),
    "FK": _("Falkland Islands"),
    "GM": _("The Gambia"),
    "MF": _("Saint Martin"),
    "NR": _("Nauru"),
    "SX": _("Sint Maarten"),
    "US": _("United States"),
    "VA": _("Holy See"),
    "VG": _("British Virgin Islands"),
    "VI": _("United States Virgin Islands"),
    **dict(
        pair.split("=", 1) for pair in os.environ.get("COUNTRY_NAMES", "").split(";") if "=" in pair
    ),
}

# --- Files --------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.static.StaticStorage"
    },
}
# What web processes leave there for readers, should they start again while the database is away (letter/copies.py).
COPIES_DIR = VAR_DIR / "copies"
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_MAX_AGE = 3600  # seconds, for the few files without a hash in their name

# --- Security -----------------------------------------------------------------

IS_HTTPS = BASE_URL.startswith("https://")
TRUSTED_PROXIES = env_list("TRUSTED_PROXIES")
CSRF_TRUSTED_ORIGINS = [BASE_URL]
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = IS_HTTPS
# No other host of the domain, and nobody on the way, can set a cookie of such a name (RFC 6265bis §4.1.3.2).
if IS_HTTPS:
    CSRF_COOKIE_NAME, SESSION_COOKIE_NAME = "__Host-csrftoken", "__Host-sessionid"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_AGE = None  # gone with the browser's window
CSRF_FAILURE_VIEW = "config.views.csrf_failure"
SESSION_COOKIE_AGE = 4 * 60 * 60  # seconds since it last kept something, such as a decision
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
# config/proxies.py drops the header where it does not come from one of them.
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# Argon2 resists whoever has stolen the table (RFC 9106); what was hashed otherwise is hashed anew at the next log-in.
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}"
    for name in ("Argon2PasswordHasher", "PBKDF2PasswordHasher")
]
# Deciding about thousands at once sends a field for each.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# --- Logging in ---------------------------------------------------------------

# Whether the admin opens only to whoever has used a second factor: see config/second_factor.py.
REQUIRE_SECOND_FACTOR = env_bool("REQUIRE_SECOND_FACTOR", default=IS_HTTPS and not DEMO)
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
ACCOUNT_ADAPTER = "config.logging_in.AccountAdapter"
ACCOUNT_FORMS = {"login": "config.logging_in.LoginForm"}
MFA_ADAPTER = "config.logging_in.FactorAdapter"
MFA_FORMS = {
    "authenticate": "config.logging_in.CodeForm",
    "reauthenticate": "config.logging_in.ConfirmByCodeForm",
    "activate_totp": "config.logging_in.SetUpForm",
    "add_webauthn": "config.logging_in.PasskeyForm",
}
ACCOUNT_LOGIN_METHODS = {"username"}
# Accounts are made in the admin and by createsuperuser; some have no address.
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_AUTHENTICATED_LOGIN_REDIRECTS = False  # the log-in page decides, by who may open the admin
ACCOUNT_SESSION_REMEMBER = False
# Failures alone are counted: ten in a minute from an address, five in five minutes
# for a user name from an address (config/logging_in.py makes that key) and for who changes a password.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": "10/m/ip,5/5m/key",
    "change_password": "5/5m/user",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1  # steps of half a minute: the code that has just gone out is good
MFA_ALLOW_UNVERIFIED_EMAIL = True

# --- Metrics ------------------------------------------------------------------

# Whoever sends it as a bearer token may read /metrics; without it there is no such page.
METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")
# Where the processes of this machine count together, each in files of its own.
METRICS_DIR = VAR_DIR / "metrics" / socket.gethostname()
if METRICS_TOKEN:
    # prometheus_client looks for it once, when letter/metrics.py imports it.
    os.environ.update(PROMETHEUS_MULTIPROC_DIR=str(METRICS_DIR))
    with suppress(OSError):
        METRICS_DIR.mkdir(parents=True, exist_ok=True)

# --- Logs ---------------------------------------------------------------------

# "json": a record is a line of JSON, for programs. "line": for a person who looks on.
LOG_FORMAT = os.environ.get("LOG_FORMAT") or ("line" if DEBUG or DEMO else "json")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without_secrets": {"()": "config.logs.WithoutSecrets"}},
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "config.logs.JsonLines"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["without_secrets"],
            "formatter": LOG_FORMAT,
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    # Django's own handlers would print the request a second time, secrets and all.
    "loggers": {"django": {"handlers": [], "level": "INFO", "propagate": True}},
}

# config/sentry.py says what is reported there.
SENTRY_DSN = os.environ.get("SENTRY_DSN", "")
