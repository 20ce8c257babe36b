"""The bell that tells workers that there is something to do: this process's and, by Redis, everybody's.

Work itself lies in tables (`PublicationRequest`, `signatories.Message`), written in the transaction
that causes it; a bell that nobody hears costs nothing but the half second until a worker looks anyway. So
nobody waits for Redis, and nothing is made good where it is away.
"""

import threading
from contextlib import suppress
from functools import cache
from typing import Final

from django.conf import settings
from django.db import transaction
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

CHANNEL: Final = "undersigned.bell"
PATIENCE: Final = (
    1.0  # seconds that one of the threads below waits for Redis, or before it tries again
)

bell = threading.Event()


def ring_after_commit() -> None:
    """Wake the workers once the current transaction is committed, and only if it is."""
    transaction.on_commit(_ring)


def _ring() -> None:
    bell.set()
    if settings.CACHE_URL:
        _bell_of_others(settings.CACHE_URL).set()


@cache
def _bell_of_others(url: str) -> threading.Event:
    """Set, it has the other processes told, by a thread that begins when there first is something to tell."""
    rung = threading.Event()

    def tell() -> None:
        while rung.wait():
            rung.clear()
            with suppress(RedisError), _redis(url) as redis:
                redis.publish(CHANNEL, "")

    threading.Thread(target=tell, name="bell", daemon=True).start()
    return rung


def listen(stop: threading.Event) -> None:
    """Ring this process's bell whenever another one rings, until told to stop; at once over where there is no Redis."""
    url = settings.CACHE_URL
    while url and not stop.is_set():
        with suppress(RedisError), _redis(url) as redis, redis.pubsub() as news:
            news.subscribe(CHANNEL)
            while not stop.is_set():
                # The first says that it is heard from now on; before, others may have rung.
                if news.get_message(timeout=PATIENCE):
                    bell.set()
        stop.wait(PATIENCE)


def _redis(url: str) -> Redis:
    return Redis.from_url(
        url,
        socket_connect_timeout=PATIENCE,
        socket_timeout=PATIENCE,
        health_check_interval=10,  # seconds, after which one that has gone without a word is noticed
        retry=Retry(NoBackoff(), 0),
    )
