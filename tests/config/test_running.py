import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

from config import running
from config.running import Beside
from tests.browser.site import BASE_DIR, children, free_port, wait_until_it_answers
from tests.settings import VARIABLES

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="looks processes up in /proc"
)


def until(condition, seconds=30):
    """What the condition gives, once it gives something."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
    return found


@pytest.fixture
def starts(tmp_path, monkeypatch):
    """A process beside us that notes each of its starts by its number; gives it and those numbers."""
    monkeypatch.setattr(running, "AGAIN_AFTER", 0.05)
    log = tmp_path / "starts"
    log.touch()
    noting = f"import os, time; print(os.getpid(), file=open({str(log)!r}, 'a')); time.sleep(60)"
    beside = Beside(sys.executable, "-c", noting)
    yield beside, lambda: [int(line) for line in log.read_text().splitlines()]
    beside.stop()


def is_there(pid):
    """Whether a process runs; one that has ended may wait for somebody to take note (Z)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_what_runs_beside_us_is_started_again_when_it_is_killed_and_when_it_is_renewed(starts):
    beside, pids = starts
    beside.start()
    (first,) = until(pids)

    os.kill(first, signal.SIGKILL)
    until(lambda: len(pids()) == 2)
    beside.renew()
    until(lambda: len(pids()) == 3)

    assert [is_there(pid) for pid in pids()] == [False, False, True]


def test_what_runs_beside_us_ends_when_it_is_told_to_and_stays_ended(starts):
    beside, pids = starts
    beside.start()
    (first,) = until(pids)

    beside.stop()
    time.sleep(0.3)

    assert pids() == [first]
    assert not is_there(first)


def test_a_process_that_is_forked_at_that_moment_does_not_keep_it_from_being_looked_after(
    starts, monkeypatch
):
    beside, pids = starts
    forks, forked, real = [], [], os.pipe

    def fork():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python 3.12 on, that there are threads
            child = os.fork()
        if not child:
            time.sleep(60)
            os._exit(0)
        forked.append(child)

    def pipe():
        ends = real()
        forks.append(threading.Thread(target=fork))
        forks[-1].start()
        time.sleep(0.2)
        return ends

    monkeypatch.setattr(os, "pipe", pipe)
    try:
        beside.start()
        (first,) = until(pids)
        monkeypatch.undo()
        os.kill(first, signal.SIGKILL)

        until(lambda: len(pids()) == 2, seconds=10)
    finally:
        for thread in forks:
            thread.join(10)
        for child in forked:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def test_where_keeping_to_a_core_is_forbidden_it_goes_on_without(monkeypatch):
    def forbidden(*_args):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    claims = len(running._claims)
    running.claim_core()
    running._claims.pop().close()

    assert len(running._claims) == claims


def test_a_web_process_has_a_thread_go_on_with_what_it_has_begun_where_that_is_allowed(monkeypatch):
    asking = (
        "import os; from config import running; running.finish_before_others();"
        "print(os.sched_getscheduler(0) == os.SCHED_BATCH)"
    )
    said = subprocess.run(
        [sys.executable, "-c", asking], cwd=BASE_DIR, capture_output=True, text=True, check=True
    )
    assert said.stdout == "True\n"

    for error in (errno.EPERM, errno.ENOSYS, errno.EINVAL):

        def refused(*_args, error=error):
            raise OSError(error, os.strerror(error))

        monkeypatch.setattr(os, "sched_setscheduler", refused)
        running.finish_before_others()


def test_each_process_has_a_core_that_no_other_has_until_none_is_left():
    cores = sorted(os.sched_getaffinity(0))[:2]
    claiming = (
        f"import os, sys; os.sched_setaffinity(0, {cores});"
        "from config.running import claim_core; claim_core();"
        "print(sorted(os.sched_getaffinity(0)), flush=True); sys.stdin.read()"
    )

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", claiming],
            cwd=BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return process, json.loads(process.stdout.readline())

    started = [start() for _core in (*cores, "one more")]
    started[0][0].communicate()
    successor = start()
    for process, _its in (*started[1:], successor):
        process.communicate()

    assert [its for _process, its in started] == [*([core] for core in cores), cores]
    assert successor[1] == [cores[0]]


def worker_of(pid):
    """The worker that a server has started; None where there is none (yet)."""
    for child in children(pid):
        if b"worker\0--beside" in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    return None


@pytest.fixture
def server(tmp_path):
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environ |= {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "VAR_DIR": str(tmp_path),
        "SECRET_KEY": "q7Xv2Lm9Rt4Wp8Yb3Nc6Hs1Jd5Fg0Kz-q7Xv2Lm9Rt4Wp8Yb3Nc6",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=BASE_DIR, env=environ, check=True
    )
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.serve"],
            cwd=BASE_DIR,
            env=environ,
            stdout=out,
            stderr=out,
        )
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}", process, log)
        yield process
    finally:
        # Killed, it would leave its web processes behind.
        process.terminate()
        process.wait(20)


def test_the_server_brings_a_worker_that_ends_with_it_and_warns_of_nothing(server, tmp_path):
    worker = until(lambda: worker_of(server.pid))

    assert "WARNING" not in (tmp_path / "log").read_text()

    server.terminate()
    server.wait(20)

    assert not is_there(worker)


def test_the_server_starts_its_worker_again_when_it_is_killed(server):
    worker = until(lambda: worker_of(server.pid))

    os.kill(worker, signal.SIGKILL)

    assert until(lambda: worker_of(server.pid) not in {worker, None})


UNABLE = """
from granian import Granian
from config import running

def respawn(*_arguments, **_named):
    raise OSError("something is in the way")

Granian._respawn_workers = respawn
running.load = lambda **_named: print
running.main()
"""


def test_a_server_that_can_replace_no_process_ends_with_all_of_them_to_be_started_again():
    command = [sys.executable, "-c", UNABLE, "127.0.0.1", str(free_port()), "2"]
    server = subprocess.Popen(command, cwd=BASE_DIR, stderr=subprocess.PIPE, text=True)
    try:
        pids = until(lambda: len(found := children(server.pid)) == 2 and found)
        os.kill(pids[0], signal.SIGKILL)

        said = server.communicate(timeout=20)[1]
    finally:
        server.kill()

    assert server.returncode == 1
    assert "something is in the way" in said
    assert not any(map(is_there, pids))


def test_the_worker_beside_a_process_ends_when_that_one_is_killed(tmp_path):
    starting = (
        "import os, subprocess, sys, time;"
        "command = [sys.executable, 'manage.py', 'worker', '--beside', str(os.getpid())];"
        "print(subprocess.Popen(command, stdout=subprocess.DEVNULL).pid, flush=True);"
        "time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", starting],
        cwd=BASE_DIR,
        env={**os.environ, "VAR_DIR": str(tmp_path), "DEBUG": "1"},
        stdout=subprocess.PIPE,
    )
    worker = int(parent.stdout.readline())
    assert is_there(worker)

    parent.kill()
    parent.communicate()

    until(lambda: not is_there(worker))
