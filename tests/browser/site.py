"""The product as a person meets it: the demo server in a process of its own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cache
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg
from psycopg import sql

from tests.settings import VARIABLES

BASE_DIR = Path(__file__).resolve().parents[2]
PATIENCE = 45  # seconds; another suite runs beside this one
START_TIMEOUT = 90  # seconds: the first start compresses the static files
# What `python -m config.serve --demo` does before it serves.
PREPARE = """
import os
from config.serve import demo_environment, prepare
os.environ |= demo_environment(os.environ) | {"DJANGO_SETTINGS_MODULE": "config.settings"}
prepare(is_demo=True)
"""


@dataclass(frozen=True)
class Site:
    """A running demo; `environ` is what it was started with."""

    url: str
    var_dir: Path
    environ: dict[str, str]

    def mails(self) -> list[EmailMessage]:
        """Every mail it has sent, oldest first."""
        files = sorted(
            self.var_dir.glob("mail/*.eml"), key=lambda path: (path.stat().st_mtime_ns, path.name)
        )
        parse = BytesParser(policy=policy.default).parsebytes
        return [parse(path.read_bytes()) for path in files]

    def wait_for_mail(self, to: str, subject_part: str, timeout: float = PATIENCE) -> EmailMessage:
        """The newest mail to that address whose subject has these words, once it is there."""
        deadline = time.monotonic() + timeout
        while True:
            mails = self.mails()
            fitting = [
                mail
                for mail in mails
                if to in str(mail["To"]) and subject_part in str(mail["Subject"])
            ]
            if fitting:
                return fitting[-1]
            if time.monotonic() > deadline:
                seen = "\n".join(f"  {mail['To']}: {mail['Subject']}" for mail in mails) or "  none"
                msg = f"No mail to {to} with {subject_part!r} in its subject. There are:\n{seen}"
                raise AssertionError(msg)
            time.sleep(0.1)

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py on this site's data; returns what it printed."""
        key = (self.var_dir / "secret-key").read_text(encoding="ascii")
        settings = {"DEMO": "1", "ALLOWED_HOSTS": "127.0.0.1", "BASE_URL": self.url}
        return manage({**self.environ, "SECRET_KEY": key, **settings}, *arguments)


def manage(environ: dict[str, str], *arguments: object) -> str:
    """Run a command of manage.py in this environment; returns what it printed."""
    done = run_manage(environ, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_manage(environ: dict[str, str], *arguments: object) -> "subprocess.CompletedProcess[str]":
    """The same for a command that may fail."""
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=BASE_DIR,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def running_site(folder: Path, **variables: str) -> Iterator[Site]:
    """`python -m config.serve --demo` on a free port, with data of its own under `folder`.

    However many sign from this machine, nobody is asked for a proof, unless the variables say otherwise. On SQLite it
    begins with a copy of what a first start makes, which takes ten seconds of both cores.
    """
    port = free_port()
    var_dir = folder / "var"
    environ = {"VAR_DIR": str(var_dir), "PORT": str(port), "PROOF_AFTER": "100000", **variables}
    with own_database(os.environ.get("DATABASE_URL", ""), f"undersigned_site_{port}") as database:
        if not database:
            shutil.copytree(_first_start().name, var_dir)
        environ = clean_environ() | environ | database
        with serving(environ, "--demo", log=folder / "server.log") as url:
            yield Site(url, var_dir, environ)


@cache
def _first_start() -> "tempfile.TemporaryDirectory[str]":
    """The folder of a demo that was prepared and has served nobody; it goes with this process."""
    folder = tempfile.TemporaryDirectory(prefix="undersigned-demo-")
    environ = clean_environ() | {"VAR_DIR": folder.name}
    subprocess.run([sys.executable, "-c", PREPARE], cwd=BASE_DIR, env=environ, check=True)
    return folder


@contextmanager
def serving(environ: dict[str, str], *arguments: str, log: Path) -> Iterator[str]:
    """`python -m config.serve` on `environ`'s PORT of this machine, once it answers; gives its URL."""
    url = f"http://127.0.0.1:{environ['PORT']}"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.serve", *arguments],
            cwd=BASE_DIR,
            env={**environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            # A Ctrl-C at the terminal is pytest's to deal with, then it ends the site below.
            start_new_session=True,
        )
        try:
            wait_until_it_answers(url, process, log)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def clean_environ() -> dict[str, str]:
    """The environment without what settings are read from."""
    ours = {*VARIABLES, "DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in os.environ.items() if name not in ours}


def children(pid: int) -> list[int]:
    """The processes that this one has started."""
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def own_database(url: str, name: str) -> Iterator[dict[str, str]]:
    """A new database of that name on the tests' server, as a DATABASE_URL; none for SQLite."""
    if not url.startswith("postgres"):
        yield {}
        return
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            # Put together by hand: urlunsplit drops the empty password that the socket's URL has.
            parts = urlsplit(url)
            query = f"?{parts.query}" if parts.query else ""
            yield {"DATABASE_URL": f"{parts.scheme}://{parts.netloc}/{name}{query}"}
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


def wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            with urlopen(f"{url}/", timeout=5):  # noqa: S310  # our own address
                return
        except HTTPError as error:
            error.close()
            if error.code < 500:
                return
        except (URLError, OSError):
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            state = f"ended with status {process.poll()}" if process.poll() else "does not answer"
            msg = f"The server {state}. It said:\n{log.read_text(errors='replace')[-4000:]}"
            raise AssertionError(msg)
        time.sleep(0.1)
