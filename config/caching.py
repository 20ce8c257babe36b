"""Two kinds of caches: those between us and readers, and the one that all web processes share."""

import logging
import time
from collections.abc import Callable
from typing import Any, ClassVar, Final

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.http import HttpRequest, HttpResponse
from redis import Redis, RedisError

logger = logging.getLogger(__name__)

AWAY_FOR: Final = 5.0  # seconds for which a Redis that did not answer is not asked again


def keep_nothing_unsaid(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: `private, no-cache` where nothing was said.

    Of such an answer a cache may judge by itself (RFC 9111 §4.2.2), and some keep it for a day: a letter that was
    not there yet would be missing after it is published.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return middleware


class OneClient(RedisCacheClient):
    """Django makes a client anew for each command, which takes as long as half of the command."""

    _client_of_thread: Redis | None = None  # each thread has a cache of its own

    def get_client(self, key: Any = None, *, write: bool = False) -> Redis:
        if self._client_of_thread is None:
            self._client_of_thread = super().get_client(key, write=write)
        return self._client_of_thread


class SharedCache(RedisCache):
    """Redis, in which all processes count failed log-ins and sign-ons together; while it is away, each by itself.

    So nobody is kept from logging in or signing, and nobody may guess for ever.
    """

    _away_until: ClassVar[float] = 0.0  # by the monotonic clock; of all threads of this process

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = OneClient
        self._own = LocMemCache("while-redis-is-away", {"max_entries": self._max_entries})

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._either(super().add, self._own.add, *args, **kwargs))

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._either(super().get, self._own.get, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> int:
        return int(self._either(super().incr, self._own.incr, *args, **kwargs))

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._either(super().set, self._own.set, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._either(super().delete, self._own.delete, *args, **kwargs))

    @classmethod
    def is_away(cls) -> bool:
        """Whether Redis did not answer the last time that it was asked, which was just now."""
        return time.monotonic() < cls._away_until

    def _either(
        self, shared: Callable[..., Any], own: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        if not self.is_away():
            try:
                return shared(*args, **kwargs)
            except (RedisError, OSError) as error:
                SharedCache._away_until = time.monotonic() + AWAY_FOR
                # Its own words may have the password of its address.
                logger.warning("Redis does not answer (%s)", type(error).__name__)
        return own(*args, **kwargs)
