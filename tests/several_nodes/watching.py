"""When each edition was there, and when each web node showed it."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import psycopg

from tests.several_nodes.machines import HOST, Site

LOOK_EVERY = 0.1  # seconds


@dataclass(frozen=True)
class Look:
    """What a node showed to one request; no edition where there was no answer."""

    asked_at: float
    edition: int | None
    took: float = 0.0  # seconds, until the answer was read


@dataclass(repr=False)
class Watch:
    """Asks all the time which edition is the newest in the database, and which one each web node and nginx show."""

    site: Site
    slug: str
    committed: dict[int, float] = field(default_factory=dict)  # edition -> when it was first seen
    shown: dict[str, list[Look]] = field(default_factory=dict)  # by name of the node, and "nginx"

    def start(self, told_to_stop: threading.Event) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._editions, args=(told_to_stop,), daemon=True)]
        nginx = urlsplit(self.site.url)
        connections = {
            "nginx": HTTPSConnection(HOST, nginx.port, timeout=15, context=self.site.trust),
            **{
                node.name: HTTPConnection(HOST, port, timeout=15)
                for node, port in zip(self.site.nodes, self.site.ports, strict=True)
            },
        }
        for name, connection in connections.items():
            self.shown[name] = []
            arguments = (name, connection, told_to_stop)
            threads.append(threading.Thread(target=self._look, args=arguments, daemon=True))
        for thread in threads:
            thread.start()
        return threads

    def delays(self, *names: str) -> list[float]:
        """For each edition and each of these that was up, how long after the commit who asked still got an older one.

        In seconds; 0 where nobody did. What counts is when they asked: on a busy machine the answer may take its
        time. A node that does not answer is down, and is not asked about editions until it has answered again.
        """
        return [
            delay
            # The first one was there before anybody looked.
            for edition, committed_at in sorted(self.committed.items())[1:]
            for looks in map(self.shown.__getitem__, names)
            if (delay := _delay(looks, edition, committed_at)) is not None
        ]

    def slowest(self, *names: str) -> float:
        """The seconds that the slowest answer of these took: what a busy machine adds to each step of the way."""
        return max(
            look.took
            for looks in map(self.shown.__getitem__, names)
            for look in looks
            if look.edition is not None
        )

    def _editions(self, told_to_stop: threading.Event) -> None:
        with psycopg.connect(self.site.database, autocommit=True) as connection:
            while not told_to_stop.is_set():
                row = connection.execute(
                    "SELECT max(number) FROM letter_edition e JOIN letter_letter l ON l.id = e.letter_id"
                    " WHERE l.slug = %s",
                    [self.slug],
                ).fetchone()
                if row and row[0]:
                    self.committed.setdefault(row[0], time.monotonic())
                time.sleep(LOOK_EVERY / 5)

    def _look(self, name: str, connection: HTTPConnection, told_to_stop: threading.Event) -> None:
        while not told_to_stop.is_set():
            asked_at, edition = time.monotonic(), None
            try:
                # As nginx would ask it.
                connection.request(
                    "GET", f"/{self.slug}/signatories.json", headers={"X-Forwarded-Proto": "https"}
                )
                response = connection.getresponse()
                body = response.read()
                if response.status == 200:
                    edition = json.loads(body)["edition"]
            except (OSError, HTTPException):
                connection.close()
            self.shown[name].append(Look(asked_at, edition, time.monotonic() - asked_at))
            time.sleep(LOOK_EVERY)
        connection.close()


def _delay(looks: list[Look], edition: int, committed_at: float) -> float | None:
    before = [look for look in looks if look.asked_at < committed_at]
    if not before or before[-1].edition is None:
        return None
    delay = 0.0
    for look in looks[len(before) :]:
        if look.edition is None:
            return None
        if look.edition >= edition:
            return delay
        delay = look.asked_at - committed_at
    return float("inf")
