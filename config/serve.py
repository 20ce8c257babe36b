"""Starts the product: `python -m config.serve`, or with `--demo` the demo.

Everything that could go wrong is asked about before a port is opened, and answered in a
sentence that names the variable or the command to use. Then this process becomes the server: see `config.running`.
"""

import argparse
import errno
import hashlib
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from config.checks import refuse_to_start_unfit
from letter.copies import Copies

BASE_DIR = Path(__file__).resolve().parent.parent
GRANIAN_LOGS = str(BASE_DIR / "config" / "granian_logs.json")


class CannotStart(Exception):
    """Says in a sentence what is in the way, and what to do about it."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m config.serve", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="serve a demonstration letter")
    is_demo = parser.parse_args().demo

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        host, port = address(os.environ)
        refuse_taken_port(host, port)
        # Links in mails should lead here, even where PORT alone is set.
        defaults = {"BASE_URL": own_url(host, port)}
        if is_demo:
            defaults |= demo_environment(os.environ)
        for name, value in defaults.items():
            # A variable that is there but empty says nothing, as in settings.py.
            os.environ[name] = os.environ.get(name) or value
        refuse_to_start_unfit()
        prepare(is_demo=is_demo)
    except CannotStart as reason:
        print(f"Undersigned cannot start: {reason}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    say(f"Serving on {own_url(host, port)}/ (Ctrl-C stops it)")
    become_the_server(host, port, is_demo=is_demo)


def address(environ: Mapping[str, str]) -> tuple[str, int]:
    """Where to listen, from HOST and PORT."""
    host = environ.get("HOST") or "127.0.0.1"
    port = environ.get("PORT") or "8000"
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 2**16:
        msg = f"PORT is {port!r}. Set it to a number from 1 to 65535, such as PORT=8001."
        raise CannotStart(msg)
    return host.removeprefix("[").removesuffix("]"), int(port)


def refuse_taken_port(host: str, port: int) -> None:
    """Raise CannotStart where another process listens there already.

    granian shares its port between its workers (SO_REUSEPORT), so a second server would
    start without a word and get every other visitor; binding once without sharing tells.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                msg = (
                    f"port {port} on {host} is taken by another program. "
                    f"Stop that one, or choose another port: PORT={port + 1}"
                )
            elif error.errno == errno.EACCES:
                msg = f"this user may not listen on port {port}. Choose one above 1023: PORT=8000"
            else:
                msg = f"cannot listen on HOST={host}: {error.strerror or error}."
            raise CannotStart(msg) from error


def own_url(host: str, port: int) -> str:
    """Where a browser on this machine finds what listens there."""
    name = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104  # compared, not bound
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def demo_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the demo sets where nothing else is set; makes its secret key at the first start."""
    var_dir = Path(environ.get("VAR_DIR") or BASE_DIR / "var")
    url = own_url(*address(environ))
    return {
        "DEBUG": "0",
        "DEMO": "1",
        "SECRET_KEY": environ.get("SECRET_KEY") or demo_secret_key(var_dir),
        "ALLOWED_HOSTS": ",".join(
            dict.fromkeys(
                ["127.0.0.1", "localhost", "[::1]", urlsplit(url).netloc.rpartition(":")[0]]
            )
        ),
        "BASE_URL": url,
        "WEB_CONCURRENCY": "1",
    }


def demo_secret_key(var_dir: Path) -> str:
    """The demo's own key, made once and readable by its owner alone."""
    path = var_dir / "secret-key"
    try:
        var_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # Written aside and renamed, so that an interrupted start leaves no half a key.
            draft = path.with_suffix(f".{os.getpid()}")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(50))
            draft.replace(path)
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}. Set VAR_DIR to a folder of your own."
        raise CannotStart(msg) from error


def prepare(*, is_demo: bool) -> None:
    """Bring database and static files to where a server can start from."""
    django.setup()
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    forget_old_counts()
    try:
        if unapplied_migrations():
            if not is_demo:
                msg = "the database is not up to date. Run: make migrate"
                raise CannotStart(msg)
            say("Setting up the database…")
            call_command("migrate", interactive=False, verbosity=0)
        collect_static_files()
        if is_demo:
            say("Loading the demo letter…")
            call_command("demo")
    except DatabaseError as error:
        reason = str(error).strip().partition("\n")[0]
        if isinstance(error, OperationalError) and can_serve_without_database():
            say(f"The database does not answer ({reason}): readers get what they had here last.")
            return
        msg = f"the database does not answer as it should ({reason}). Look at DATABASE_URL."
        raise CannotStart(msg) from error
    finally:
        connections.close_all()


def can_serve_without_database() -> bool:
    """Whether this machine has served before, and still has what readers would ask for."""
    return (
        Copies(settings.COPIES_DIR).has_any()
        and Path(settings.STATIC_ROOT, "staticfiles.json").exists()
    )


def forget_old_counts() -> None:
    """Remove what processes that have ended had counted on this machine (config/metrics.py)."""
    for file in settings.METRICS_DIR.glob("*.db"):
        pid = file.stem.rpartition("_")[2]
        # One of ours is left by a process that had the same number.
        if not pid.isdecimal() or int(pid) == os.getpid() or not _is_running(int(pid)):
            file.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def unapplied_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def collect_static_files() -> None:
    """Copy, name and compress what is served under STATIC_URL, if any of it has changed.

    Compressing takes seconds, so a fingerprint of what went in is kept outside of
    STATIC_ROOT, where it would be served.
    """
    record = settings.VAR_DIR / "static-files.sha256"
    fingerprint = static_fingerprint()
    if (
        record.exists()
        and record.read_text(encoding="ascii") == fingerprint
        and Path(settings.STATIC_ROOT, "staticfiles.json").exists()
    ):
        return
    say("Preparing stylesheets and scripts…")
    call_command("collectstatic", interactive=False, verbosity=0)
    record.write_text(fingerprint, encoding="ascii")


def static_fingerprint() -> str:
    """Changes when a static file does, or whatever makes the served ones out of them."""
    digest = hashlib.sha256(str(settings.STORAGES).encode())
    for package in ("django", "whitenoise", "brotli"):
        digest.update(f"{package} {version(package)}\n".encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda entry: entry[0]):
            digest.update(f"{name}\n".encode())
            # What is in it and not when it was written: an image of a container has other times.
            digest.update(hashlib.sha256(Path(storage.path(name)).read_bytes()).digest())
    return digest.hexdigest()


def become_the_server(host: str, port: int, *, is_demo: bool) -> None:
    """Replace this process, so that signals reach the server directly.

    The demo is small, so there the one web process has its worker in a thread.
    """
    command = [
        *(sys.executable, "-m", "config.running", host, str(port)),
        os.environ.get("WEB_CONCURRENCY") or str(os.cpu_count() or 1),
        *(["--quiet"] if is_demo else []),
        *(["--with-worker"] if settings.WORKER == "web" and not is_demo else []),
        # The server's own words look like ours.
        *(("--log-config", GRANIAN_LOGS) if settings.LOG_FORMAT == "json" else ()),
    ]
    os.chdir(BASE_DIR)
    # Otherwise glibc keeps what a long list took while it was made, for the next such list; see mallopt(3).
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(128 * 1024))
    os.execv(sys.executable, command)  # noqa: S606  # no shell is what we want


def say(line: str) -> None:
    """Print at once: after exec, what is still in the buffer is lost."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
