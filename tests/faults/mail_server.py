"""A mail server that remembers each mail that it took, and that fails as it is told to."""

import random
import re
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from enum import Enum, auto
from queue import SimpleQueue

from tests.several_nodes.machines import HOST
from tests.several_nodes.people import link_to_confirm


class Mood(Enum):
    WELL = auto()
    AWAY = auto()  # hangs up before a word
    CUT = auto()  # hangs up in the middle of the mail, which it has not taken then
    ANSWER_LOST = auto()  # takes the mail and hangs up in place of saying so
    SLOW = auto()  # takes it, and says so later


@dataclass
class Delivery:
    """One mail that the server took, and is responsible for from then on."""

    message: int  # the row's number, from the Message-ID
    taken_at: float  # by the monotonic clock
    answered_at: float | None = None  # None: nobody was told
    is_orphaned: bool = False  # the worker was killed before it could note the answer


class MailServer(socketserver.ThreadingTCPServer):
    """On a port of the loopback that is free; `inbox` has the addresses and paths that are still to be confirmed."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, seed: str) -> None:
        super().__init__((HOST, 0), Session)
        self.port = int(self.server_address[1])
        self.deliveries: list[Delivery] = []
        self.inbox: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self.random = random.Random(seed)
        self._mood, self._chance = Mood.WELL, 0.0

    @contextmanager
    def running(self) -> Iterator["MailServer"]:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()

    @contextmanager
    def being(self, mood: Mood, chance: float) -> Iterator[None]:
        """As it is meanwhile, by that chance for each mail."""
        self._mood, self._chance = mood, chance
        try:
            yield
        finally:
            self._mood = Mood.WELL

    def mood(self) -> Mood:
        """For one mail."""
        return self._mood if self.random.random() < self._chance else Mood.WELL

    def handle_error(self, request, client_address) -> None:
        """Whoever sends may be killed at any moment: nothing to be told."""


class Session(socketserver.StreamRequestHandler):
    """What of RFC 5321 a client needs that sends one mail."""

    server: MailServer

    def handle(self) -> None:
        mood = self.server.mood()
        if mood is Mood.AWAY:
            return
        self._say("220 ready")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self._say("354 go on")
                if not self._take(mood):
                    return
            else:
                self._say("221 bye" if verb == b"QUIT" else "250 ok")
            if verb == b"QUIT":
                return

    def _take(self, mood: Mood) -> bool:
        """Take the mail that follows; gives whether to go on."""
        lines: list[bytes] = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line)
            if mood is Mood.CUT and len(lines) == 8:
                return False
        else:
            return False  # the sender was gone before the end
        mail = BytesParser(policy=policy.default).parsebytes(b"".join(lines))
        (number,) = re.findall(r"<undersigned\.(\d+)\.", mail["Message-ID"])
        delivery = Delivery(int(number), time.monotonic())
        self.server.deliveries.append(delivery)
        if link := link_to_confirm(mail):
            self.server.inbox.put((str(mail["To"]), link))
        if mood is Mood.ANSWER_LOST:
            return False
        if mood is Mood.SLOW:
            time.sleep(self.server.random.uniform(0.2, 1.5))
        self._say("250 taken")
        delivery.answered_at = time.monotonic()
        return True

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
