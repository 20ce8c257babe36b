"""Several nodes of the product and what they share, each a process of its own on this machine."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psycopg

from tests import debian
from tests.browser.site import BASE_DIR, clean_environ, free_port, manage, own_database
from tests.deploy import configured

HOST = "127.0.0.1"
WEB_NODES = 3
WORKERS = 2
START_TIMEOUT = 180  # seconds: the first one makes the static files
SECRET_KEY = "for-the-several-nodes-alone-3kQ9vXz7Lm2Rt8Wp5Yb1Nc6H"
# Of the coordinators, and of the product at PgBouncer.
PASSWORD = "a-coalition-of-nodes"


@dataclass(repr=False)
class Machine:
    """A process that is one machine of the several: started, killed or stopped, and started again."""

    name: str
    command: list[str]
    folder: Path
    environ: dict[str, str]
    is_up: Callable[[], bool]
    user: str | None = None  # whose process it is, where that is not ours
    _process: "subprocess.Popen[bytes] | None" = None
    _began_at: int = 0  # bytes of the log that are of an earlier start

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def said(self) -> str:
        """What it said since it was started."""
        return self.log.read_bytes()[self._began_at :].decode(errors="replace")

    def launch(self) -> None:
        with self.log.open("ab") as out:
            self._began_at = out.tell()
            self._process = subprocess.Popen(
                self.command,
                cwd=BASE_DIR,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                user=self.user,
                start_new_session=True,  # with the processes that it starts: a group of its own
            )

    def wait(self) -> None:
        """Return when it is up."""
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT
        while not self.is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.said()[-3000:]
                msg = f"{self.name} does not come up (status {self._process.poll()}). It said:\n{said}"
                raise AssertionError(msg)
            time.sleep(0.05)

    def start(self) -> None:
        self.launch()
        self.wait()

    def kill(self) -> None:
        """As if its plug were pulled: all of its processes at once, without a word."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """As an operator does."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def end(self) -> None:
        """Whatever state it is in."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


@dataclass(repr=False)
class Site:
    """The running site: `url` is nginx's, `nodes` answer there directly, too."""

    url: str
    trust: ssl.SSLContext
    folder: Path
    database: str  # PostgreSQL itself, behind PgBouncer
    environ: dict[str, str]
    ports: list[int]
    nodes: list[Machine]
    workers: list[Machine]
    redis: Machine
    pgbouncer: Machine

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py on some machine; returns what it printed."""
        return manage(self.environ, *arguments)


@contextmanager
def running_site() -> Iterator[Site]:
    """Three web nodes and two workers on one PostgreSQL, through PgBouncer, and one Redis, behind nginx."""
    port, plain, bouncer, cache = (free_port() for _each in range(4))
    ports = [free_port() for _each in range(WEB_NODES)]
    url = f"https://{HOST}:{port}"
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="undersigned-nodes-")))
        folder.chmod(0o755)  # PgBouncer runs as another user where root tests
        database = undo.enter_context(
            own_database(os.environ["DATABASE_URL"], f"undersigned_nodes_{port}")
        )["DATABASE_URL"]
        user = psycopg.conninfo.conninfo_to_dict(database).get("user") or "postgres"
        name = f"undersigned_nodes_{port}"
        environ = clean_environ() | {
            "SECRET_KEY": SECRET_KEY,
            "ALLOWED_HOSTS": HOST,
            "BASE_URL": url,
            "DATABASE_URL": f"postgresql://{user}:{PASSWORD}@{HOST}:{bouncer}/{name}",
            "DATABASE_POOLER": "transaction",
            "CACHE_URL": f"redis://{HOST}:{cache}/0",
            "EMAIL_URL": f"file://{folder}/mail",
            # Static files, the same everywhere, are made once.
            "VAR_DIR": str(folder / "var"),
            "TRUSTED_PROXIES": HOST,
            "PROOF_AFTER": "100000",  # all sign from one address here
            "WORKER": "separate",
            "WEB_CONCURRENCY": "1",
            "REQUIRE_SECOND_FACTOR": "0",
            "PYTHONUNBUFFERED": "1",
        }
        site = Site(
            url=url,
            trust=ssl.create_default_context(),
            folder=folder,
            database=database,
            environ=environ,
            ports=ports,
            nodes=[
                Machine(
                    f"web-{number}",
                    [sys.executable, "-m", "config.serve"],
                    folder,
                    {**environ, "PORT": str(own)},
                    answers(own),
                )
                for number, own in enumerate(ports, start=1)
            ],
            workers=[worker(f"worker-{number}", folder, environ) for number in (1, 2)],
            redis=_redis(folder, environ, cache),
            pgbouncer=_pgbouncer(folder, environ, bouncer, database, user),
        )
        front = _nginx(folder, environ, http=plain, https=port, nodes=ports)
        site.trust.load_verify_locations(folder / "nginx" / "fullchain.pem")
        machines = [site.redis, site.pgbouncer, *site.nodes, *site.workers, front]
        for machine in machines:
            undo.callback(machine.end)
        site.redis.start()
        site.pgbouncer.start()
        site.manage("migrate", "--verbosity", "0")
        site.nodes[0].start()  # makes the static files
        for machine in machines[3:]:
            machine.launch()
        for machine in machines[3:]:
            machine.wait()
        yield site


def furnish(environ: dict[str, str], slug: str, *, coordinators: int) -> None:
    """Have the demo's letter on the site, open and with its list, and so many accounts of coordinators."""
    demo = BASE_DIR / "signatories" / "demo" / "letter.txt"
    manage(environ, "import_letter", str(demo), "--slug", slug, "--approve")
    manage(
        environ,
        "shell",
        "--verbosity=0",
        "--command=from django.contrib.auth.models import User\n"
        f"for number in range({coordinators}):\n"
        f"    User.objects.create_superuser(f'coordinator-{{number}}', password={PASSWORD!r})",
    )


def worker(name: str, folder: Path, environ: dict[str, str]) -> Machine:
    """A process that does nothing but publish and send mail."""
    command = [sys.executable, "manage.py", "worker"]
    # It says so when it begins to look.
    machine = Machine(name, command, folder, environ, lambda: "The worker runs." in machine.said())
    return machine


def _redis(folder: Path, environ: dict[str, str], port: int) -> Machine:
    command = [
        *(debian.path_of("redis-server"), "--bind", HOST, "--port", str(port)),
        *("--save", "", "--appendonly", "no", "--dir", str(folder)),
    ]
    return Machine("redis", command, folder, environ, is_listening(port))


def _pgbouncer(
    folder: Path, environ: dict[str, str], port: int, database: str, user: str
) -> Machine:
    own = folder / "pgbouncer"
    own.mkdir()
    ini = configured.pgbouncer(own, port=port, database_url=database, user=user, password=PASSWORD)
    command = [debian.path_of("pgbouncer"), str(ini)]
    if os.geteuid() == 0:
        # It refuses to run as root; whoever runs PostgreSQL here may look into its folder.
        sockets = psycopg.conninfo.conninfo_to_dict(database).get("host") or "/"
        owner = Path(str(sockets)).owner() if Path(str(sockets)).is_dir() else "nobody"
        command[1:1] = ["-u", owner if owner != "root" else "nobody"]
    return Machine("pgbouncer", command, folder, environ, is_listening(port))


def _nginx(
    folder: Path, environ: dict[str, str], *, http: int, https: int, nodes: list[int]
) -> Machine:
    own = folder / "nginx"
    own.mkdir()
    main = configured.nginx(own, http=http, https=https, nodes=nodes)
    command = [debian.path_of("nginx"), "-e", "stderr", "-c", str(main)]
    return Machine("nginx", command, folder, environ, is_listening(https))


def is_listening(port: int) -> Callable[[], bool]:
    def listening() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, port)) == 0

    return listening


def answers(port: int) -> Callable[[], bool]:
    """Whether a web node says that it is ready."""

    def ready() -> bool:
        try:
            with urlopen(f"http://{HOST}:{port}/readyz", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    return ready
