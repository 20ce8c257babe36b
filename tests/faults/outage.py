"""The database is stopped while people read and sign; web processes are killed meanwhile, and all is restarted.

`python -m tests.faults.outage [--seconds 60]`: no reader may get an error, before, during or after it. Whoever signs
is told so and keeps what was typed. Afterwards all goes on by itself.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.browser.site import BASE_DIR, clean_environ, free_port, manage, serving
from tests.run import exit_on_signal, postgresql_in
from tests.several_nodes.people import Answer, Browser, NoAnswer, filled

HOST = "127.0.0.1"
SLUG = "no-veto"
FORM = f"/{SLUG}/sign/"
READERS = 8
# Each public document, as browsers, crawlers and programs ask for it.
READ = (
    "",
    "signatories.json",
    "signatories.csv",
    "editions/",
    "editions/1/",
    "countries/",
    "feed.atom",
)
ENCODINGS = ("br", "gzip", "")
PAUSE = 0.02  # seconds between two questions of a reader
# Reads before, during and after, however long a busy machine takes for them.
ENOUGH = len(READ) * len(ENCODINGS) * 3
ENOUGH_SIGNS = 2
ENOUGH_WITHIN = 60  # seconds
RECOVERED_WITHIN = 60  # seconds; a busy machine takes some, and the figure is printed
AWAY_FOR = 60.0  # seconds
NAME, EMAIL = "Centre Kivu", "aline@kivu.example.org"


class Direct(Browser):
    """Over a connection of its own each time, so that any web process may answer, and with no nginx in between."""

    no_answer = frozenset()

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        """The answer; its status is 0 where there was none."""
        try:
            return super()._ask(method, path, body, headers)
        except NoAnswer as error:
            return Answer(0, {}, str(error).encode())
        finally:
            self.close()


@dataclass
class Found:
    """What people were told, in words and figures; `broken` has what must not be."""

    reads: Counter[str] = field(default_factory=Counter)  # by "before", "during", "after"
    slowest: float = 0.0  # seconds, of an answer while the database was away
    signs: Counter[int] = field(default_factory=Counter)  # status of the form's answers meanwhile
    recovered_after: float = 0.0  # seconds from the database's return to a sign-on that is taken
    broken: list[str] = field(default_factory=list)


@dataclass
class Reader(threading.Thread):
    """Asks for one document after the other; whatever is no 200 is one too many."""

    url: str
    number: int
    phase: list[str]
    found: Found
    told_to_stop: threading.Event

    __hash__ = threading.Thread.__hash__

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def run(self) -> None:
        turn, browser = self.number, Direct(self.url)
        while not self.told_to_stop.is_set():
            path = f"/{SLUG}/{READ[turn % len(READ)]}"
            encoding = ENCODINGS[turn // len(READ) % len(ENCODINGS)]
            headers = {"Accept-Encoding": encoding}
            phase, began = self.phase[0], time.monotonic()
            answer = browser.get(path, **headers)
            # A process that is killed takes the connections with it that it was answering; a browser asks again.
            if answer.status == 0:
                time.sleep(0.2)
                answer = browser.get(path, **headers)
            self.found.reads[phase] += 1
            if phase == "during":
                self.found.slowest = max(self.found.slowest, time.monotonic() - began)
            if answer.status != 200 or not answer.body:
                said = answer.body[:80].decode(errors="replace")
                self.found.broken.append(f"{phase}: {path} ({encoding}): {answer.status} {said}")
            turn += 1
            time.sleep(PAUSE)


def web_processes(port: int) -> list[int]:
    """The processes that `config.running` on that port has forked, by /proc."""
    command = f"config.running\0{HOST}\0{port}\0"
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    ours = [pid for pid in pids if command in _read(pid, "cmdline")]
    return [pid for pid in ours if int(_read(pid, "stat").rpartition(")")[2].split()[1]) in ours]


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""


class Signer:
    """Somebody who opened the form in time and sends it while the database is away."""

    def __init__(self, url: str) -> None:
        self._browser = Direct(url)
        self._sent = filled(self._browser.form(FORM, having="organization"), NAME, address=EMAIL)

    def sign(self) -> Answer:
        return self._browser.post(FORM, self._sent)

    def says_of_itself(self) -> int:
        """The status of /readyz."""
        return self._browser.get("/readyz").status


def run(folder: Path, seconds: float) -> Found:
    """The whole of it: some seconds before, `seconds` without a database, and what comes after."""
    found, phase, told_to_stop = Found(), ["before"], threading.Event()
    # Not under `folder`, whose path may be too long for a socket's.
    with (
        tempfile.TemporaryDirectory(prefix="undersigned-", dir="/tmp") as data,
        ExitStack() as undo,
    ):
        server = postgresql_in(Path(data) / "data", start=True)
        undo.callback(server.cleanup)
        port = free_port()
        url = f"http://{HOST}:{port}"
        environ = clean_environ() | {
            "DATABASE_URL": server.get_uri(),
            "SECRET_KEY": "for-the-outage-alone-3kQ9vXz7Lm2Rt8Wp5Yb1Nc6Hs4Jd0Fg-q7Xv2Lm",
            "ALLOWED_HOSTS": HOST,
            "BASE_URL": url,
            "VAR_DIR": str(folder / "var"),
            "EMAIL_URL": f"file://{folder}/mail",
            "PORT": str(port),
            "WEB_CONCURRENCY": "2",
            "PROOF_AFTER": "100000",  # all sign from one address
        }
        manage(environ, "migrate", "--verbosity", "0")
        text = BASE_DIR / "signatories" / "demo" / "letter.txt"
        manage(environ, "import_letter", str(text), "--slug", SLUG, "--approve")
        readers = [Reader(url, number, phase, found, told_to_stop) for number in range(READERS)]
        with serving(environ, log=folder / "server.log"):
            signer = Signer(url)
            # What nobody has asked for yet nobody has a copy of.
            for path in READ:
                for encoding in ENCODINGS:
                    Direct(url).get(f"/{SLUG}/{path}", **{"Accept-Encoding": encoding})
            for reader in readers:
                reader.start()
            read_enough(found, "before", 3)
            server.stop()
            phase[0] = "during"
            without_database(port, signer, found, seconds)
            server.ensure_postgres_running()
            phase[0] = "after"
            recover(signer, found)
            read_enough(found, "after", 2)
            told_to_stop.set()
            for reader in readers:
                reader.join()
        # The whole server, started while the database is away.
        server.stop()
        with serving(environ, log=folder / "server-2.log"):
            for path in READ:
                status = Direct(url).get(f"/{SLUG}/{path}", **{"Accept-Encoding": "br"}).status
                if status != 200:
                    found.broken.append(f"after a restart of the server: {path}: {status}")
            server.ensure_postgres_running()
            recover(signer, found)
    return found


def read_enough(found: Found, phase: str, seconds: float) -> None:
    """Wait for so long, and then until enough has been read."""
    time.sleep(seconds)
    latest = time.monotonic() + ENOUGH_WITHIN
    while found.reads[phase] < ENOUGH and time.monotonic() < latest:
        time.sleep(0.05)


def without_database(port: int, signer: Signer, found: Found, seconds: float) -> None:
    """Kill a web process now and then, sign now and then, for so long, and until enough was tried meanwhile."""
    until = time.monotonic() + seconds
    kill_at = time.monotonic() + 1
    while time.monotonic() < until or found.signs.total() < ENOUGH_SIGNS:
        answer = signer.sign()
        found.signs[answer.status] += 1
        kept = [f'value="{each}"'.encode() in answer.body for each in (NAME, EMAIL)]
        if answer.status != 503 or not all(kept):
            found.broken.append(
                f"the form without a database: {answer.status}, with what was typed or not"
            )
        if signer.says_of_itself() != 503:
            found.broken.append("/readyz says that all is well without a database")
        if time.monotonic() > kill_at:
            # Not soon after the one before: two that die within 5.5 s end granian.
            kill_at = time.monotonic() + 12
            os.kill(web_processes(port)[0], signal.SIGKILL)
        time.sleep(0.5)
    read_enough(found, "during", 0)


def recover(signer: Signer, found: Found) -> None:
    """Wait until a sign-on is taken and /readyz is content, without doing anything about it."""
    began = time.monotonic()
    while True:
        status = signer.sign().status
        if status == 302 and signer.says_of_itself() == 200:
            break
        if time.monotonic() > began + RECOVERED_WITHIN:
            found.broken.append(f"the form still says {status} {RECOVERED_WITHIN} s later")
            break
        time.sleep(0.2)
    found.recovered_after = max(found.recovered_after, time.monotonic() - began)


def main() -> int:
    # As an exception, so that whatever was started is stopped on the way out.
    signal.signal(signal.SIGTERM, exit_on_signal)
    parser = argparse.ArgumentParser(prog="python -m tests.faults.outage", description=__doc__)
    parser.add_argument("--seconds", type=float, default=AWAY_FOR)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="undersigned-outage-") as folder:
        found = run(Path(folder), seconds)
    print(
        f"away for {seconds:g} s: {found.reads['before']}, {found.reads['during']} and "
        f"{found.reads['after']} reads before, during and after; the slowest without it {found.slowest:.2f} s; "
        f"{found.signs[503]} sign-ons answered 503 with what was typed; "
        f"all well again after {found.recovered_after:.1f} s"
    )
    print("\n".join(found.broken) or "Every promise was kept.")
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())
