"""The cache that web processes share, and what they do without it."""

import time

import pytest
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from django.test import override_settings
from redis import ConnectionError as NotThere

from config.caching import AWAY_FOR, SharedCache
from config.settings import cache_settings
from tests.browser.site import free_port
from tests.config.test_second_factor import TOO_MANY, ada, is_in, log_in, sentences

__all__ = ["ada"]


@pytest.fixture(autouse=True)
def away(monkeypatch):
    """CACHE_URL names a port on which nobody listens."""
    monkeypatch.setattr(SharedCache, "_away_until", 0.0)
    shared = cache_settings(f"redis://user:hush@127.0.0.1:{free_port()}/0")
    with override_settings(CACHES={"default": shared}):
        yield
        caches["default"]._own.clear()


def test_while_redis_is_away_people_log_in_and_nobody_may_guess_for_ever(ada, client, caplog):
    log_in(client)
    assert is_in(client)
    client.logout()

    said = [sentences(log_in(client, password="a guess")) for _time in range(12)]

    assert TOO_MANY not in said[0]
    assert TOO_MANY in said[-1]
    warnings = [each.getMessage() for each in caplog.records if "Redis" in each.getMessage()]
    assert warnings == ["Redis does not answer (ConnectionError)"]
    assert "hush" not in caplog.text


def test_redis_is_asked_again_after_a_while(monkeypatch):
    shared = caches["default"]
    asked = []

    def get(_self, key, *_more):
        asked.append(key)
        if len(asked) == 1:
            raise NotThere
        return "shared"

    now = [1000.0]
    monkeypatch.setattr(RedisCache, "get", get)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    shared._own.set("key", "own")
    assert [shared.get("key"), shared.get("key")] == ["own", "own"]
    now[0] += AWAY_FOR
    assert shared.get("key") == "shared"
    assert len(asked) == 2
    assert not SharedCache.is_away()
