"""Who rings, and who hears it: with Redis other processes, too, and without it nobody waits."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from letter.background import PATIENCE, bell, listen, ring_after_commit
from tests import debian
from tests.browser.site import BASE_DIR, clean_environ, free_port

# What another process does: the end of a transaction that left work.
RINGS = """
import django, time
django.setup()
from django.db import transaction
from letter.background import ring_after_commit
with transaction.atomic():
    ring_after_commit()
time.sleep(1)
"""


@contextmanager
def redis(port: int) -> Iterator[None]:
    command = [
        *(debian.path_of("redis-server"), "--bind", "127.0.0.1"),
        *("--port", str(port), "--save", "", "--loglevel", "warning"),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.terminate()


@pytest.fixture
def port(settings):
    """Where a Redis may be started, which CACHE_URL names."""
    port = free_port()
    settings.CACHE_URL = f"redis://127.0.0.1:{port}/0"
    return port


@pytest.fixture
def _listening(port):
    stop = threading.Event()
    thread = threading.Thread(target=listen, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join()


def another_process_rings(port: int, var_dir) -> None:
    environ = clean_environ() | {
        "CACHE_URL": f"redis://127.0.0.1:{port}/0",
        "DEBUG": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "VAR_DIR": str(var_dir),
    }
    subprocess.run([sys.executable, "-c", RINGS], cwd=BASE_DIR, env=environ, check=True)


def heard_within(seconds: float) -> bool:
    return bell.wait(seconds)


@pytest.mark.usefixtures("_listening")
def test_another_process_is_heard(port, tmp_path):
    with redis(port):
        assert heard_within(10)  # that it listens now
        bell.clear()
        another_process_rings(port, tmp_path)
        assert heard_within(10)


@pytest.mark.usefixtures("_listening")
def test_it_listens_again_when_redis_is_back(port, tmp_path):
    with redis(port):
        assert heard_within(10)
    bell.clear()
    with redis(port):
        assert heard_within(10)
        bell.clear()
        another_process_rings(port, tmp_path)
        assert heard_within(10)


@pytest.mark.django_db(transaction=True)
def test_without_redis_this_process_hears_at_once_and_nobody_waits(port):
    begun = time.monotonic()
    with transaction.atomic():
        ring_after_commit()
        assert not bell.is_set()

    assert bell.is_set()
    assert time.monotonic() - begun < PATIENCE / 2


def test_where_no_redis_is_named_listening_is_over_at_once(settings):
    settings.CACHE_URL = ""

    listen(threading.Event())
