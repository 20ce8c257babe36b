"""The running site whose parts are to fail: each a process of its own, with cables in between that can break."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import psycopg

from tests import debian
from tests.browser.site import BASE_DIR, children, clean_environ, free_port, manage
from tests.faults.mail_server import MailServer
from tests.run import postgresql_in
from tests.several_nodes.machines import (
    HOST,
    Machine,
    answers,
    furnish,
    is_listening,
    worker,
)

SLUG = "no-veto"
WEB_PROCESSES = 2
WORKERS = 2
COORDINATORS = 3
RESTART_AFTER = 0.5  # seconds
DISK = "512m"  # a new PostgreSQL takes a fifth of it
# Of the pieces that pass, how many a broken cable cuts: a sign-on is twenty to the database, and two to the web.
CUT_TO_DATABASE, CUT_TO_WEB = 0.02, 0.25


class Postgresql(Machine):
    def kill(self) -> None:
        # Its backends lead groups of their own. Held first, it forks no more while they are counted.
        os.kill(self.pid, signal.SIGSTOP)
        for pid in (*children(self.pid), self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        super().kill()


class Keeper(threading.Thread):
    """Starts again what has ended, as systemd does that is told Restart=always."""

    def __init__(self, machines: list[Machine]) -> None:
        super().__init__(daemon=True)
        self._machines = machines
        self._left_alone: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def run(self) -> None:
        ended_at: dict[str, float] = {}
        while not self._stopping.wait(0.05):
            with self._lock:
                for machine in self._machines:
                    if machine.name in self._left_alone or not machine.has_ended:
                        ended_at.pop(machine.name, None)
                    elif time.monotonic() > RESTART_AFTER + ended_at.setdefault(
                        machine.name, time.monotonic()
                    ):
                        machine.launch()

    @contextmanager
    def leaving_alone(self, *machines: Machine) -> Iterator[None]:
        names = {machine.name for machine in machines}
        with self._lock:
            self._left_alone |= names
        try:
            yield
        finally:
            with self._lock:
                self._left_alone -= names

    def stop(self) -> None:
        self._stopping.set()
        self.join()


@dataclass(repr=False)
class Site:
    """The running site: `url` leads through a cable to the web processes, which answer at `port` directly, too."""

    url: str
    port: int
    folder: Path
    environ: dict[str, str]
    database: str  # PostgreSQL itself
    postgresql: Machine
    to_database: Machine
    to_web: Machine
    web: Machine
    workers: list[Machine]
    mail: MailServer
    disk: Path | None  # the volume with PostgreSQL's data; None where none can be mounted
    clock: Path | None  # what the product takes for the time; None without libfaketime
    verifier: "subprocess.Popen[str]"
    trust = None  # there is no TLS
    keeper: Keeper = field(init=False)
    killed_workers_at: list[float] = field(default_factory=list)  # by the monotonic clock

    def __post_init__(self) -> None:
        self.keeper = Keeper([self.postgresql, self.web, *self.workers])

    @property
    def machines(self) -> list[Machine]:
        return [self.postgresql, self.to_database, self.to_web, self.web, *self.workers]

    def connect(self) -> "psycopg.Connection[tuple]":
        return psycopg.connect(self.database, autocommit=True, connect_timeout=3)

    def read(self, path: str) -> bytes:
        """What a web process answers; by a new connection each time, so that each has its turn."""
        with urlopen(f"http://{HOST}:{self.port}{path}", timeout=10) as response:  # our own address
            return bytes(response.read())

    def listed(self) -> tuple[str, ...]:
        """The ids of the lines as they are published, in their order."""
        found = json.loads(self.read(f"/{SLUG}/signatories.json"))["signatories"]
        return tuple(line["id"] for line in found)

    def is_whole(self) -> bool:
        """Whether each web process that ended has a successor."""
        return len(children(self.web.pid)) >= WEB_PROCESSES

    def is_ready(self) -> bool:
        return answers(self.port)()

    def ask_verifier(self) -> None:
        """Have the chain of editions recomputed meanwhile."""
        self.verifier.stdin.write("\n")
        self.verifier.stdin.flush()

    def verified(self) -> str:
        """What is said of the chain, once it is."""
        return self.verifier.stdout.readline().strip()

    @contextmanager
    def without_workers(self) -> Iterator[None]:
        """They are told to end, each finishes what it has begun, and meanwhile nobody has anything in hand."""
        with self.keeper.leaving_alone(*self.workers):
            for machine in self.workers:
                machine.stop()
            yield
            for machine in self.workers:
                machine.launch()
            for machine in self.workers:
                machine.wait()

    def log_tails(self) -> str:
        logs = [machine.log for machine in self.machines]
        return "\n".join(
            f"--- {log.name}\n{log.read_text(errors='replace')[-2500:]}"
            for log in logs
            if log.exists()
        )


@contextmanager
def running_site(seed: str, *, with_disk: bool = False, with_clock: bool = False) -> Iterator[Site]:
    """PostgreSQL, two web processes, two workers and a mail server of our own, and the demo's letter on it."""
    port, front, wire = (free_port() for _each in range(3))
    url = f"http://{HOST}:{front}"
    with ExitStack() as undo:
        # Short, and not in TMPDIR: a socket's path has little room.
        folder = Path(
            undo.enter_context(tempfile.TemporaryDirectory(prefix="undersigned-", dir="/tmp"))
        )
        disk = undo.enter_context(_volume(folder / "disk")) if with_disk else None
        clock = _clock(folder) if with_clock else None
        mail = undo.enter_context(MailServer(seed).running())
        postgresql = _postgresql(disk or folder, folder)
        data = postgresql.command[2]
        environ = clean_environ() | {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": HOST,
            "BASE_URL": url,
            "PORT": str(port),
            "DATABASE_URL": f"postgresql://postgres:@{HOST}:{wire}/postgres",
            "EMAIL_URL": f"smtp://{HOST}:{mail.port}",
            "VAR_DIR": str(folder / "var"),
            "TRUSTED_PROXIES": HOST,
            "WORKER": "separate",
            "WEB_CONCURRENCY": str(WEB_PROCESSES),
            "PROOF_AFTER": "100000",  # more is signed here than people sign
            "PYTHONUNBUFFERED": "1",
        }
        timed = environ | (_on_that_clock(clock) if clock else {})
        serve = [sys.executable, "-m", "config.serve"]
        socket = f"{data}/.s.PGSQL.5432"
        database = f"postgresql://postgres:@/postgres?host={data}"
        site = Site(
            url=url,
            port=port,
            folder=folder,
            environ=environ,
            database=database,
            postgresql=postgresql,
            to_database=_wire("to-database", folder, wire, socket, CUT_TO_DATABASE, seed),
            to_web=_wire("to-web", folder, front, str(port), CUT_TO_WEB, seed),
            web=Machine("web", serve, folder, timed, answers(port)),
            workers=[worker(f"worker-{number}", folder, timed) for number in range(1, WORKERS + 1)],
            mail=mail,
            disk=disk,
            clock=clock,
            verifier=undo.enter_context(_verifier(environ | {"DATABASE_URL": database})),
        )
        for machine in site.machines:
            undo.callback(machine.end)
        site.postgresql.start()
        site.to_database.start()
        site.to_web.launch()
        manage(environ, "migrate", "--verbosity", "0")
        for machine in (site.web, *site.workers):
            machine.launch()
        furnish(environ, SLUG, coordinators=COORDINATORS)
        for machine in (site.web, *site.workers):
            machine.wait()
        site.keeper.start()
        undo.callback(site.keeper.stop)
        yield site


@contextmanager
def _volume(folder: Path) -> Iterator[Path | None]:
    """A small file system of its own, in memory; None where this user may mount none."""
    folder.mkdir()
    options = f"size={DISK},mode=755"
    mount = ["mount", "-t", "tmpfs", "-o", options, "undersigned", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"No volume can be mounted here: {done.stderr.strip()}")
        yield None
        return
    try:
        yield folder
    finally:
        # At once where something still looks into it, and then when it does no more: umount(8).
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def _postgresql(volume: Path, folder: Path) -> Machine:
    data = volume / "data"
    server = postgresql_in(data, start=False)
    server.ensure_pgdata_inited()
    url = f"postgresql://postgres:@/postgres?host={data}"

    def is_up() -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=3).close()
            return True
        return False

    command = [str(server.bin_path / "postgres"), "-D", str(data), "-k", str(data), "-h", ""]
    settings = ("max_wal_size=96MB", "min_wal_size=32MB", "checkpoint_timeout=30s")
    command += [word for setting in settings for word in ("-c", setting)]
    return Postgresql("postgresql", command, folder, clean_environ(), is_up, server.system_user)


def _wire(name: str, folder: Path, port: int, target: str, chance: float, seed: str) -> Machine:
    command = [sys.executable, "-m", "tests.faults.wire", str(port), target, str(chance), seed]
    return Machine(name, command, folder, clean_environ(), is_listening(port))


@contextmanager
def _verifier(environ: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.verifying", SLUG],
        cwd=BASE_DIR,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _clock(folder: Path) -> Path | None:
    """The file that tells the product how far off the time is; None where Debian's libfaketime is not to be had."""
    debian.bring("faketime")
    if _libfaketime() is None:
        print("There is no libfaketime here: on Debian, apt install faketime")
        return None
    clock = folder / "clock"
    clock.write_text("+0\n")
    return clock


def _libfaketime() -> Path | None:
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def _on_that_clock(clock: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(_libfaketime()),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",  # seconds until it looks again
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # what it mends is long gone, and threads cost five times as much
        "NO_FAKE_STAT": "1",
        "PYTHONPATH": str(Path(__file__).with_name("clock")),  # for time.sleep
    }
