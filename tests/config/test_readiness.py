"""/readyz tells the truth, and soon, whatever hangs."""

import json
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from functools import partial

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from config import readiness
from letter.publishing import request_publication
from signatories import worker
from signatories.models import Message
from tests.browser.site import BASE_DIR
from tests.factories import make_letter

WELL = {"database": "ok", "migrations": "ok", "cache": "ok", "worker": "ok"}
# It is asked in a thread, which sees what is committed alone.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ask(client):
    def ask():
        answer = client.get("/readyz")
        return answer.status_code, answer.json()

    return ask


@pytest.fixture
def late():
    """A letter, and a moment in the past."""
    return make_letter(slug="conduct"), timezone.now() - timedelta(seconds=400)


def test_all_is_well(ask, client):
    assert ask() == (200, WELL)
    assert "no-store" in client.get("/readyz")["Cache-Control"]


def test_a_migration_that_is_not_applied_is_noticed(ask):
    applied = MigrationRecorder.Migration.objects
    row = applied.using("default").filter(app="signatories").latest("pk")
    MigrationRecorder(connection).record_unapplied(row.app, row.name)
    try:
        assert ask() == (503, WELL | {"migrations": "some are not applied"})
    finally:
        MigrationRecorder(connection).record_applied(row.app, row.name)
    assert ask() == (200, WELL)


def test_a_database_that_is_away_is_told_without_its_words(ask, monkeypatch):
    def away(_self):
        raise DatabaseError("no such user hush")

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", away)

    unknown = {"migrations": "unknown", "worker": "unknown"}
    assert ask() == (503, WELL | {"database": "does not answer"} | unknown)


@pytest.mark.parametrize("error", [OSError, RuntimeError])
def test_a_cache_that_is_away_is_told(ask, monkeypatch, error):
    def away(*_args):
        raise error("redis://user:hush@cache")

    monkeypatch.setattr(LocMemCache, "set", away)

    assert ask() == (503, WELL | {"cache": "does not answer"})


def test_a_cache_that_forgets_is_told_and_logged_as_a_warning(ask, monkeypatch, caplog):
    monkeypatch.setattr(LocMemCache, "set", lambda *_args: None)

    assert ask() == (503, WELL | {"cache": "does not keep what it is given"})
    logged = [(each.levelname, each.getMessage()) for each in caplog.records]
    assert ("WARNING", "not ready: cache does not keep what it is given") in logged
    assert "ERROR" not in dict(logged)


def test_a_publication_that_nobody_makes_is_told(ask, late):
    letter, then = late
    request_publication(letter, at=timezone.now())
    assert ask() == (200, WELL)
    letter.publication_requests.update(due_at=then)

    status, states = ask()

    assert status == 503
    assert states["worker"].startswith("has left a publication undone for 40")
    # One that failed is tried again later: the worker is there.
    letter.publication_requests.update(due_at=timezone.now() + timedelta(minutes=1), attempts=3)
    assert ask() == (200, WELL)


def test_mails_that_nobody_sends_are_told(ask, late):
    letter, then = late
    Message.objects.create(letter=letter, kind=Message.Kind.RECEIVED, due_at=then)

    status, states = ask()

    assert status == 503
    assert states["worker"].startswith("has left a mail unsent for 40")
    # It is only a long queue, where some go out.
    Message.objects.create(letter=letter, kind=Message.Kind.UPDATE, sent_at=timezone.now())
    assert ask() == (200, WELL)


def test_a_worker_in_this_process_that_is_stuck_is_told(ask, monkeypatch):
    monkeypatch.setattr(worker, "work", lambda _stop: None)
    monkeypatch.setattr(worker, "_is_in_background", False)
    assert worker.silent_for() is None
    worker.start_in_background().join()
    assert ask() == (200, WELL)
    # Either of its lines of work is enough.
    for line in ("publishing", "mails"):
        with monkeypatch.context() as patch:
            patch.setitem(worker._last_steps, line, time.monotonic() - 300)
            status, states = ask()
        assert status == 503
        assert states["worker"].startswith("has done nothing for 3")


def test_a_worker_that_works_is_not_silent(monkeypatch):
    stop = threading.Event()
    silences = {"publishing": [], "mails": []}

    def one_round(line, stop):
        silences[line].append(time.monotonic() - worker._last_steps[line])
        worker._last_steps[line] = time.monotonic() - 300
        if min(map(len, silences.values())) >= 3:
            stop.set()

    for line, name in (("publishing", "publish_due"), ("mails", "see_to_the_rest")):
        monkeypatch.setattr(worker, name, partial(one_round, line))
    monkeypatch.setattr(worker, "request_all", lambda: None)
    monkeypatch.setattr(worker, "_wait", lambda: None)
    monkeypatch.setattr(worker.retention, "purge", lambda **_at: None)
    monkeypatch.setattr(worker, "tell_of_delays", lambda **_at: None)
    monkeypatch.setattr(worker, "LOOK_EVERY", 0.01)
    worker.work(stop)

    assert max(*silences["publishing"], *silences["mails"]) < 100


HANGING = """
import json, sys, threading, time
import django
django.setup()
from django.test import Client

said = []
for _each in range(4):
    begun = time.monotonic()
    answer = Client().get("/readyz")
    looking = sum(thread.name == "look" for thread in threading.enumerate())
    said.append([answer.status_code, answer.json(), time.monotonic() - begun, looking])
print(json.dumps(said), flush=True)
import os
os._exit(0)  # the pool's threads would be waited for
"""


def test_what_hangs_is_told_in_two_seconds_and_costs_one_thread_each(tmp_path):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        host = f"127.0.0.1:{deaf.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-c", HANGING],
            cwd=BASE_DIR,
            env={
                "PATH": "/usr/bin:/bin",
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "DEBUG": "1",
                "ALLOWED_HOSTS": "testserver",
                "VAR_DIR": str(tmp_path),
                "DATABASE_URL": f"postgresql://user:hush@{host}/name",
                "CACHE_URL": f"redis://user:hush@{host}/0",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)

    for status, states, seconds, looking in said:
        assert (status, states["migrations"], states["worker"]) == (503, "unknown", "unknown")
        assert "answer" in states["database"]
        assert "answer" in states["cache"]
        assert seconds < readiness.PATIENCE + 1.5
        assert looking <= 2
    assert said[0][1]["database"] == "has not answered within 2 s"
    assert "hush" not in done.stdout
