"""Asks something that may never answer, such as a database that hangs, and waits only so long."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Said = TypeVar("Said")

PATIENCE = 2.0  # seconds


class Look(Generic[Said]):
    """A question that is asked in a thread of its own, by however many at once only one time.

    Whoever asks while it is being asked waits for that answer, and once it has taken PATIENCE nobody waits for it
    any more: a database that hangs costs one thread, not those that answer readers.
    """

    def __init__(self, ask: Callable[[], Said]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._asked: Future[Said] | None = None
        self._since = 0.0

    def __call__(self) -> Said:
        """The answer. Raises TimeoutError where there is none in time, and whatever asking raises."""
        return self.begin()()

    def begin(self) -> Callable[[], Said]:
        """Ask, if nobody is asking, and give what waits for the answer: so two things can be asked at once."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                self._since = time.monotonic()
                threading.Thread(
                    target=self._answer, args=(self._asked,), name="look", daemon=True
                ).start()
            asked, until = self._asked, self._since + PATIENCE
        return lambda: asked.result(timeout=max(0.0, until - time.monotonic()))

    def _answer(self, asked: "Future[Said]") -> None:
        try:
            asked.set_result(self._ask())
        except BaseException as error:  # noqa: BLE001 - it is whoever asks who is to know
            asked.set_exception(error)
