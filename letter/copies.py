"""What readers were answered, on this machine's disk: for a process that starts while the database is away.

A web process that is started again knows nothing. If the database answers, that is soon mended; if it does not,
readers would get nothing although others had what they ask for a minute ago. So `letter.front` leaves a copy here of
each answer that is everybody's, and takes it up where memory has none. All web processes of a machine have the same
folder. There is nothing in it but what is public.
"""

import hashlib
import json
import logging
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

logger = logging.getLogger(__name__)

# As long as `stale-if-error` lets caches between us and readers do the same (RFC 5861 §4).
KEEP_FOR: Final = 24 * 60 * 60  # seconds since Django last said so
SWEEP_AFTER: Final = 3600.0  # seconds
LARGEST_TOGETHER: Final = 128_000_000  # bytes
AGAIN_AFTER: Final = 60.0  # seconds for which nothing is written where it could not be


class Copy(NamedTuple):
    """An answer as it was: status line, headers, body."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class Copies:
    """A folder with a file for each answer, by whatever tells it from others; made when something is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._swept_at = -SWEEP_AFTER  # by the monotonic clock, as the next one
        self._write_from = 0.0

    def write(self, key: tuple[str | None, ...], copy: Copy) -> None:
        """Put a copy in the place of what there is; where that cannot be done, the log says so and all goes on."""
        if time.monotonic() < self._write_from:
            return
        head = json.dumps([key, copy.status, copy.headers]).encode()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Aside and renamed: another process may be reading.
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                try:
                    file.write(head + b"\n" + copy.body)
                    file.close()
                    os.replace(file.name, self._file(key))  # noqa: PTH105  # both are strings
                except OSError:
                    os.unlink(file.name)  # noqa: PTH108
                    raise
            self._sweep()
        except OSError as error:
            self._write_from = time.monotonic() + AGAIN_AFTER
            logger.warning("no copy for a time without the database: %s", error.strerror)

    def confirm(self, key: tuple[str | None, ...]) -> bool:
        """Note that a copy still holds; whether it is there."""
        try:
            os.utime(self._file(key))
        except OSError:
            return False
        return True

    def read(self, key: tuple[str | None, ...]) -> Copy | None:
        """The copy, unless there is none, or none that is young enough and whole."""
        file = self._file(key)
        try:
            if time.time() - file.stat().st_mtime > KEEP_FOR:
                return None
            head, _, body = file.read_bytes().partition(b"\n")
            whose, status, headers = json.loads(head)
        except (OSError, ValueError):
            return None
        if tuple(whose) != key:
            return None
        return Copy(status, [(name, value) for name, value in headers], body)

    def remove(self, key: tuple[str | None, ...]) -> None:
        """Have no copy of it."""
        with suppress(OSError):
            self._file(key).unlink()

    def clear(self) -> None:
        """Have no copies at all, as after a line was taken out of the past as well."""
        for file in self._files():
            with suppress(OSError):
                file.unlink()

    def has_any(self) -> bool:
        """Whether there is anything that readers could get."""
        return bool(self._files())

    def _file(self, key: tuple[str | None, ...]) -> Path:
        return self._folder / hashlib.sha256(repr(key).encode()).hexdigest()

    def _files(self) -> list[Path]:
        try:
            return list(self._folder.iterdir())
        except OSError:
            return []

    def _sweep(self) -> None:
        """Now and then remove what is too old to be served, and the oldest of what is too much."""
        if time.monotonic() < self._swept_at + SWEEP_AFTER:
            return
        self._swept_at = time.monotonic()
        size = 0
        oldest = time.time() - KEEP_FOR
        dated = []
        for file in self._files():
            with suppress(OSError):
                dated.append((file.stat(), file))
        for stat, file in sorted(dated, key=lambda each: -each[0].st_mtime):
            size += stat.st_size
            if stat.st_mtime < oldest or size > LARGEST_TOGETHER:
                with suppress(OSError):
                    file.unlink()
