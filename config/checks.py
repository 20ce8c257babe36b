"""Says in words what is missing or weak in the environment, before anything is served.

The checks read the environment and not the settings, because some mistakes (a DATABASE_URL
that cannot be read) keep the settings from loading at all, and whoever sets up a server
wants to hear of all of them at once. They run at three doors: `python -m config.serve`,
config.wsgi when a server imports it directly, and the commands of manage.py, as system checks;
those sign nothing and answer no host, so they ask for neither key nor hosts. With DEBUG on,
what only production needs is not asked for.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.checks import CheckMessage, Error

from config.environment import OFF, ON, env_bool, env_int, env_list

# The criteria of Django's own security.W009, which is only a warning and only under --deploy.
SECRET_KEY_MIN_LENGTH = 50
SECRET_KEY_MIN_UNIQUE_CHARACTERS = 5
SECRET_KEY_INSECURE_PREFIX = "django-insecure-"  # noqa: S105  # the mark of a key that is no secret
METRICS_TOKEN_MIN_LENGTH = 16

EMAIL_SCHEMES = {"", "file", "smtp", "smtps"}
CACHE_SCHEMES = {"redis", "rediss", "unix"}
LOG_FORMATS = {"json", "line"}
WORKERS = {"web", "separate"}
DATABASE_POOLERS = {"transaction"}


def problems(environ: Mapping[str, str]) -> list[CheckMessage]:
    """Everything that keeps the product from being served with this environment."""
    return [*serving_problems(environ), *common_problems(environ)]


def serving_problems(environ: Mapping[str, str]) -> list[CheckMessage]:
    """What only a server needs: importing a letter or verifying its editions signs nothing."""
    if env_bool("DEBUG", environ):
        return []
    return [*_secret_key(environ.get("SECRET_KEY", "")), *_allowed_hosts(environ)]


def common_problems(environ: Mapping[str, str]) -> list[CheckMessage]:
    """What no command can do without."""
    found: list[CheckMessage] = []
    found += _database_url(environ.get("DATABASE_URL", ""))
    found += _database_pooler(environ.get("DATABASE_POOLER", ""))
    found += _base_url(environ.get("BASE_URL", ""))
    found += _worker(environ.get("WORKER", ""))
    found += _trusted_proxies(environ)
    found += _numbers(environ)
    found += _email_url(environ.get("EMAIL_URL", ""))
    found += _log_format(environ.get("LOG_FORMAT", ""))
    found += _metrics_token(environ.get("METRICS_TOKEN", ""))
    found += _sentry(environ.get("SENTRY_DSN", ""))
    found += _var_dir(environ.get("VAR_DIR", ""))
    found += _cache_url(environ.get("CACHE_URL", ""))
    found += _second_factor(environ.get("REQUIRE_SECOND_FACTOR", ""))
    return found


def check_environment(app_configs: Sequence[Any] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Django's system check before every command of manage.py."""
    del app_configs  # The environment is checked whole, whichever app is asked about.
    return common_problems(os.environ)


def check_serving(app_configs: Sequence[Any] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Django's system check for `manage.py check --deploy`."""
    del app_configs
    return serving_problems(os.environ)


def refuse_to_start_unfit() -> None:
    """Print a line per problem and end the process with status 1, if there is any problem."""
    found = problems(os.environ)
    if found:
        print("Undersigned cannot start:", file=sys.stderr)
        for problem in found:
            print(f"- {problem.msg} {problem.hint}", file=sys.stderr)
        raise SystemExit(1)


def _secret_key(key: str) -> Iterator[CheckMessage]:
    hint = (
        "Set SECRET_KEY to a long random text and keep it: "
        "python3 -c 'import secrets; print(secrets.token_urlsafe(50))' makes one."
    )
    if not key:
        yield Error("SECRET_KEY is not set.", hint=hint, id="undersigned.E001")
    elif (
        len(key) < SECRET_KEY_MIN_LENGTH
        or len(set(key)) < SECRET_KEY_MIN_UNIQUE_CHARACTERS
        or key.startswith(SECRET_KEY_INSECURE_PREFIX)
    ):
        yield Error(
            f"SECRET_KEY is weak: fewer than {SECRET_KEY_MIN_LENGTH} characters, fewer than "
            f"{SECRET_KEY_MIN_UNIQUE_CHARACTERS} different ones, or begins with "
            f"'{SECRET_KEY_INSECURE_PREFIX}'.",
            hint=hint,
            id="undersigned.E001",
        )


def _allowed_hosts(environ: Mapping[str, str]) -> Iterator[CheckMessage]:
    if not env_list("ALLOWED_HOSTS", environ):
        yield Error(
            "ALLOWED_HOSTS is not set.",
            hint="Set ALLOWED_HOSTS to the names this site is reached by, with commas between: "
            "letters.example.org,www.letters.example.org",
            id="undersigned.E002",
        )


def _database_url(url: str) -> Iterator[CheckMessage]:
    hint = (
        "Set DATABASE_URL to postgresql://user:password@host:5432/name, "
        "or leave it out for SQLite in VAR_DIR."
    )
    if not url:
        return
    try:
        engine = dj_database_url.parse(url).get("ENGINE", "")
    except ValueError:
        # Not the message that came with it: it may quote the password.
        yield Error("DATABASE_URL cannot be read.", hint=hint, id="undersigned.E003")
        return
    if engine not in {"django.db.backends.postgresql", "django.db.backends.sqlite3"}:
        yield Error(
            "DATABASE_URL names a database that Undersigned is not made for.",
            hint=hint,
            id="undersigned.E003",
        )


def _database_pooler(pooler: str) -> Iterator[CheckMessage]:
    if pooler and pooler not in DATABASE_POOLERS:
        yield Error(
            f"DATABASE_POOLER is {pooler!r}.",
            hint="Set DATABASE_POOLER to transaction where DATABASE_URL leads to PgBouncer in that mode, "
            "or leave it out.",
            id="undersigned.E014",
        )


def _base_url(url: str) -> Iterator[CheckMessage]:
    # Left out, it is the address on which `make demo` and `make serve` listen.
    parts = _split(url)
    if url and (
        parts is None
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.path.rstrip("/")
        or parts.query
        or parts.fragment
    ):
        yield Error(
            "BASE_URL is not the address of a site.",
            hint="Set BASE_URL to http:// or https:// and the host, with nothing behind it: "
            "https://letters.example.org",
            id="undersigned.E004",
        )


def _worker(worker: str) -> Iterator[CheckMessage]:
    if worker and worker not in WORKERS:
        yield Error(
            f"WORKER is {worker!r}.",
            hint="Set WORKER to web (`make serve` also sends mail and publishes), "
            "or to separate and run `make worker` beside them.",
            id="undersigned.E005",
        )


def _numbers(environ: Mapping[str, str]) -> Iterator[CheckMessage]:
    for name in ("DECIDE_WITHIN", "PROOF_AFTER"):
        text = environ.get(name, "").strip()
        if text and env_int(name, 0, environ) == 0:
            yield Error(
                f"{name} is {text!r}.",
                hint=f"Set {name} to a whole number of at least 1, or leave it out.",
                id="undersigned.E015",
            )


def _trusted_proxies(environ: Mapping[str, str]) -> Iterator[CheckMessage]:
    for proxy in env_list("TRUSTED_PROXIES", environ):
        try:
            ip_network(proxy, strict=False)
        except ValueError:
            yield Error(
                f"TRUSTED_PROXIES names {proxy!r}, which is no address.",
                hint="Set TRUSTED_PROXIES to addresses or networks, with commas between: "
                "127.0.0.1,10.0.0.0/8",
                id="undersigned.E010",
            )


def _email_url(url: str) -> Iterator[CheckMessage]:
    parts = _split(url)
    if parts is None or parts.scheme not in EMAIL_SCHEMES or (url and not parts.scheme):
        yield Error(
            "EMAIL_URL cannot be read.",
            hint="Set EMAIL_URL to smtp://user:password@host:587?tls=1, to "
            "smtps://user:password@host:465 or to file:///a/folder, "
            "or leave it out for files in VAR_DIR/mail.",
            id="undersigned.E006",
        )


def _log_format(word: str) -> Iterator[CheckMessage]:
    if word and word not in LOG_FORMATS:
        yield Error(
            f"LOG_FORMAT is {word!r}.",
            hint="Set LOG_FORMAT to json (a line of JSON for each record) or to line (plain text), "
            "or leave it out: it is json, but in the demo.",
            id="undersigned.E013",
        )


def _metrics_token(token: str) -> Iterator[CheckMessage]:
    # It goes out in a header as it is.
    if token and (len(token) < METRICS_TOKEN_MIN_LENGTH or not re.fullmatch(r"[!-~]+", token)):
        yield Error(
            f"METRICS_TOKEN is shorter than {METRICS_TOKEN_MIN_LENGTH} characters, "
            "or has others than ASCII letters, digits and signs.",
            hint="Set METRICS_TOKEN to a random text, the same as in Prometheus' configuration: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(32))' makes one. "
            "Or leave it out: then there is no /metrics.",
            id="undersigned.E012",
        )


def _sentry(dsn: str) -> Iterator[CheckMessage]:
    if dsn and find_spec("sentry_sdk") is None:
        yield Error(
            "SENTRY_DSN is set, but sentry-sdk is not installed.",
            hint="Run .venv/bin/pip install sentry-sdk, or unset SENTRY_DSN.",
            id="undersigned.E007",
        )


def _var_dir(path: str) -> Iterator[CheckMessage]:
    var_dir = Path(path or Path(__file__).resolve().parent.parent / "var").resolve()
    # The folder is made at the first start, so what counts is what is there already.
    there = next(folder for folder in (var_dir, *var_dir.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Error(
            f"VAR_DIR ({var_dir}) cannot be written to.",
            hint=f"Set VAR_DIR to a folder that this user may write to, or change who owns {there}",
            id="undersigned.E008",
        )


def _cache_url(url: str) -> Iterator[CheckMessage]:
    parts = _split(url)
    if url and (parts is None or parts.scheme not in CACHE_SCHEMES):
        yield Error(
            "CACHE_URL cannot be read.",
            hint="Set CACHE_URL to redis://host:6379/0, or leave it out for each process's memory.",
            id="undersigned.E009",
        )


def _second_factor(word: str) -> Iterator[CheckMessage]:
    # Elsewhere a word that is not known means off; a door is not left open by a slip.
    if word and word.strip().lower() not in ON | OFF:
        yield Error(
            f"REQUIRE_SECOND_FACTOR is {word!r}.",
            hint="Set REQUIRE_SECOND_FACTOR to 1 or to 0, or leave it out: with an https:// "
            "BASE_URL it is on.",
            id="undersigned.E011",
        )


def _split(url: str) -> Any:
    """The URL's parts, or None where it has none ("http://[": urlsplit raises)."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # Read, because only reading shows that it is no number.
    except ValueError:
        return None
    return parts
