"""What `config.serve` becomes once nothing is in the way: granian, and beside its web processes the worker.

A publication keeps Python busy for longer than a reader should wait, so it is not made in a process that readers ask.
Nothing here imports Django: it would weigh on a process that only starts others.
"""

import argparse
import json
import logging
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import cast
from wsgiref.types import WSGIApplication

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from config.threads import answer_readers_first

BASE_DIR = Path(__file__).resolve().parent.parent
CORES = os.cpu_count() or 1
# Far more than letter.front lets do anything but hand out what is in memory: those who wait for their turn there keep
# a thread each, and readers are to find one. With as many as have a turn, a flood of sign-ons had readers wait half a
# second.
THREADS_PER_PROCESS = 32
# What granian says of more than twice the cores, as if all of them were at work.
OF_MANY_THREADS = "Configuration allows spawning up to "
# The settings have them by then. With each request comes a copy of the environment (PEP 3333, and CGI before it), and
# goes wherever somebody writes down a request that failed.
SECRETS = ("SECRET_KEY", "DATABASE_URL", "CACHE_URL", "EMAIL_URL", "METRICS_TOKEN", "SENTRY_DSN")
# How long Python lets one thread go on while others wait. A reader waits for whoever signs or decides so long, a few
# times over: with Python's own 5 ms a flood of sign-ons had readers wait three times as long as at rest, and with this
# no longer than that. Sign-ons and pages are as many a second as before.
TURN = 0.001  # seconds
END_WITHIN = 10  # seconds; what does not end by itself is not waited for
AGAIN_AFTER = 1.0  # seconds from the end of a process to its next start

_claims: list[socket.socket] = []
# A web process is forked. If it is while the worker is being started it inherits the pipe over which that says that it
# has begun, and its end is waited for as long as the web process lives; so the one waits for the other.
_starting = threading.Lock()
os.register_at_fork(
    before=_starting.acquire,
    after_in_parent=_starting.release,
    after_in_child=_starting.release,
)


class Beside:
    """A process that is started again whenever it ends, until it is told to stop."""

    def __init__(self, *command: str) -> None:
        self._command = command
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def renew(self) -> None:
        """Have it end what it is doing, and start again."""
        if self._process:
            self._process.terminate()

    def stop(self) -> None:
        self._stopping.set()
        self.renew()
        self._thread.join(END_WITHIN)
        if self._process:
            self._process.kill()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            # In a group of its own: Ctrl-C is ours to pass on, once the web processes have ended. In the same
            # session, though: Linux weighs sessions first, and how nice a process is only within its own.
            with _starting:
                self._process = subprocess.Popen(self._command, cwd=BASE_DIR, process_group=0)
            self._process.wait()
            self._stopping.wait(AGAIN_AFTER)


def load(*, a_core_each: bool) -> WSGIApplication:
    """What a web process runs."""
    if a_core_each:
        claim_core()
    finish_before_others()
    sys.setswitchinterval(TURN)
    application = import_module("config.wsgi").application
    answer_readers_first(application)
    for name in SECRETS:
        os.environ.pop(name, None)
    return cast("WSGIApplication", application)


def claim_core() -> None:
    """Keep this process on one core, which no other that its parent has started is kept on, if there is such a one.

    Only one of its threads runs Python at a time. On several cores they hand the interpreter to and fro between
    these, which costs more than most of what they do with it: measured, a quarter of all answers.
    """
    for core in sorted(os.sched_getaffinity(0)):
        # A name that one process alone can have, until it ends (unix(7), abstract sockets).
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0undersigned-{os.getppid()}-core-{core}")
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        with suppress(OSError):  # whoever hardens a machine may forbid it
            os.sched_setaffinity(0, {core})
        return


def finish_before_others() -> None:
    """Have a thread go on with what it has begun when another of this process, or of its core, could begin.

    Whoever reads requests then reads all that have come before the first is answered, and whoever answers goes on to
    the next; otherwise each request is handed to and fro between threads, which costs more than to answer it. Linux
    means this policy for work that nobody waits for, but a thread that finds a core free begins there at once with it,
    too (sched(7), SCHED_BATCH).
    """
    with suppress(AttributeError, OSError):  # not Linux; or forbidden; or not there, as in musl
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m config.running", description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("processes", type=int)
    parser.add_argument("--with-worker", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--log-config", type=Path)
    given = parser.parse_args()
    logging.getLogger("_granian").addFilter(
        lambda record: not record.getMessage().startswith(OF_MANY_THREADS)
    )
    server = Granian(
        "config.wsgi:application",
        address=given.host,
        port=given.port,
        interface=Interfaces.WSGI,
        workers=given.processes,
        blocking_threads=THREADS_PER_PROCESS,
        backlog=1024,
        http=HTTPModes.http1,
        websockets=False,
        # The access log stays off: paths hold the secrets of mailed links.
        log_access=False,
        log_level=LogLevels.warning if given.quiet else LogLevels.info,
        log_dictconfig=json.loads(given.log_config.read_text()) if given.log_config else None,
        # A process that dies is replaced; if one dies twice within 5.5 seconds, granian gives up and ends.
        respawn_failed_workers=True,
        workers_kill_timeout=END_WITHIN,
        working_dir=BASE_DIR,
    )
    if given.with_worker:
        worker = Beside(sys.executable, "manage.py", "worker", "--beside", str(os.getpid()))
        server.on_startup(worker.start)
        server.on_reload(worker.renew)
        server.on_shutdown(worker.stop)
        # For the web processes: they have nothing to do with it.
        os.environ["WORKER"] = "separate"
    # With cores to spare they may as well be used.
    a_core_each = sys.platform == "linux" and given.processes >= len(os.sched_getaffinity(0))
    try:
        server.serve(target_loader=partial(load, a_core_each=a_core_each), wrap_loader=False)
    except Exception:  # noqa: BLE001  # whichever it was, the whole is started again by whoever keeps it
        # Otherwise granian's threads wait for its web processes as long as those live, and none is replaced any more.
        traceback.print_exc()
        for process in multiprocessing.active_children():
            process.kill()
        os._exit(1)


if __name__ == "__main__":
    main()
