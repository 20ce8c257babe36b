"""Imported by Python when it starts, in the processes that tests.faults.site puts on a clock of their own.

libfaketime leaves the monotonic clock alone there, and then refuses every sleep until a time of it, which Python's is:
"Invalid argument". What waits for a span works.
"""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep
