"""Looks at each web process of a site by itself, over a connection that stays with it."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.site import Site

ATTEMPTS: Final = 200
LOOK_EVERY: Final = 0.005  # seconds


@contextmanager
def each_process(site: Site) -> Iterator[dict[int, HTTPConnection]]:
    """A connection to each web process, by the process. The kernel deals out new ones, so some are made in vain."""
    found: dict[int, HTTPConnection] = {}
    in_vain = []
    wanted = site.processes()
    try:
        for _attempt in range(ATTEMPTS):
            if len(found) == len(wanted):
                break
            connection = HTTPConnection(urlsplit(site.url).netloc, timeout=30)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            owner = _owner(connection, wanted)
            if owner in found:
                in_vain.append(connection)
            else:
                found[owner] = connection
        assert len(found) == len(wanted), "no connection to some web process came about"
        yield found
    finally:
        for each in (*found.values(), *in_vain):
            each.close()


def _owner(connection: HTTPConnection, processes: list[int]) -> int:
    """The process that holds the other end of an open connection."""
    here, there = (
        f":{name[1]:04X}" for name in (connection.sock.getsockname(), connection.sock.getpeername())
    )
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inode = next(row[9] for row in rows if row[1].endswith(there) and row[2].endswith(here))
    for process in processes:
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            try:
                if descriptor.readlink().name == f"socket:[{inode}]":
                    return process
            except FileNotFoundError:
                continue  # closed meanwhile
    msg = "nobody holds the other end of a connection"
    raise AssertionError(msg)


@dataclass
class Watch:
    """What one process showed: each page that was new, and when it came, by the monotonic clock."""

    connection: HTTPConnection
    path: str
    seen: list[tuple[float, bytes]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Ask for the page again and again, until told to end."""
        etag = ""
        while not self.ended.wait(LOOK_EVERY):
            headers = {"Accept-Encoding": "gzip", "If-None-Match": etag}
            self.connection.request("GET", self.path, headers=headers)
            response = self.connection.getresponse()
            body = response.read()
            if response.status != 304:
                assert response.status == 200, response.status
                etag = response.headers["ETag"]
                self.seen.append((time.monotonic(), body))

    def shown(self, names: list[str]) -> list[float]:
        """When each of these names first stood on the page; they came one after the other."""
        moments = []
        pages = ((at, gzip.decompress(body).decode()) for at, body in self.seen)
        at, page = next(pages)
        for name in names:
            while name not in page:
                at, page = next(pages)
            moments.append(at)
        return moments


@contextmanager
def watching(connections: list[HTTPConnection], path: str) -> Iterator[list[Watch]]:
    """A watch on each of these, while the block lasts."""
    watches = [Watch(connection, path) for connection in connections]
    threads = [threading.Thread(target=watch.look) for watch in watches]
    for thread in threads:
        thread.start()
    try:
        yield watches
    finally:
        for watch in watches:
            watch.ended.set()
        for thread in threads:
            thread.join()


def memory(process: int) -> float:
    """MiB that a process takes; what it shares with others is divided among them (PSS)."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError
