"""The faults: each is done to a site for so many seconds, by chance, is over at its end, and says what was done."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg

from tests.browser.site import children
from tests.faults.mail_server import Mood
from tests.faults.site import Site
from tests.several_nodes.machines import Machine

HOUR = 3600  # seconds
Fault = Callable[[Site, random.Random, float], str]


def web_process(site: Site, chance: random.Random, seconds: float) -> str:
    """SIGKILL to one; now and then to the next as well, upon which granian gives up and is started again."""
    victims = chance.sample(children(site.web.pid), k=chance.choice((1, 1, 2)))
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        time.sleep(seconds / len(victims))
    return f"{len(victims)} killed"


def web_server(site: Site, chance: random.Random, seconds: float) -> str:
    site.web.kill()
    return "killed with all its processes"


def worker(site: Site, chance: random.Random, seconds: float) -> str:
    victims = chance.sample(site.workers, k=chance.choice((1, 2)))
    for machine in victims:
        with _a_mail_in_hand(site, chance):
            site.killed_workers_at.append(time.monotonic())
            machine.kill()
    return f"{len(victims)} killed"


def postgresql(site: Site, chance: random.Random, seconds: float) -> str:
    with (
        _a_mail_in_hand(site, chance),
        site.keeper.leaving_alone(site.postgresql),
    ):
        site.postgresql.kill()
        time.sleep(seconds)
    return f"killed with all its processes, and away for {seconds:.1f} s"


@contextmanager
def _a_mail_in_hand(site: Site, chance: random.Random) -> Iterator[None]:
    """Begun, two times of three, when the mail server has taken one and not said so yet."""
    # Not the first, which asks to confirm: nobody sends that again once it was followed.
    _await_mails(site, chance.randint(5, 25), 5)
    with site.mail.being(Mood.SLOW, chance.choice((0, 1, 1))):
        _await_mails(site, 1, 5)
        yield


def _await_mails(site: Site, count: int, seconds: float) -> None:
    """Return when the mail server has taken so many more, or after so many seconds."""
    count, until = len(site.mail.deliveries) + count, time.monotonic() + seconds
    while len(site.mail.deliveries) < count and time.monotonic() < until:
        time.sleep(0.0005)


def backend(site: Site, chance: random.Random, seconds: float) -> str:
    """SIGKILL to one process of PostgreSQL, which then ends all others and recovers by itself."""
    with suppress(ProcessLookupError):
        os.kill(chance.choice(children(site.postgresql.pid)), signal.SIGKILL)
    time.sleep(seconds)
    return "one killed"


def sessions(site: Site, chance: random.Random, seconds: float) -> str:
    """pg_terminate_backend, for each session by chance, again and again."""
    count, until = 0, time.monotonic() + seconds
    with site.connect() as connection:
        while time.monotonic() < until:
            count += connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                " AND random() < 0.3"
            ).fetchone()[0]
            _await_mails(site, 1, chance.uniform(0.02, 0.2))
    return f"{count} ended"


def cable_to_database(site: Site, chance: random.Random, seconds: float) -> str:
    return _broken(site.to_database, seconds)


def cable_to_web(site: Site, chance: random.Random, seconds: float) -> str:
    return _broken(site.to_web, seconds)


def _broken(cable: Machine, seconds: float) -> str:
    os.kill(cable.pid, signal.SIGUSR1)
    time.sleep(2 * seconds)
    os.kill(cable.pid, signal.SIGUSR2)
    return f"cut at random for {2 * seconds:.1f} s"


def mail_away(site: Site, chance: random.Random, seconds: float) -> str:
    mood = chance.choice((Mood.AWAY, Mood.CUT, Mood.SLOW))
    with site.mail.being(mood, chance.choice((0.5, 1))):
        time.sleep(2 * seconds)
    return {Mood.AWAY: "away", Mood.CUT: "cut in the middle", Mood.SLOW: "slow"}[mood]


def mail_answer(site: Site, chance: random.Random, seconds: float) -> str:
    with site.mail.being(Mood.ANSWER_LOST, 0.5):
        time.sleep(2 * seconds)
    return "lost for every second mail"


def disk(site: Site, chance: random.Random, seconds: float) -> str:
    """No byte is left; now and then PostgreSQL is made to begin a new file of its log meanwhile."""
    assert site.disk
    filler = site.disk / "filler"
    wants_log = chance.random() < 1 / 2
    with filler.open("wb") as file:
        for _attempt in range(20):
            with suppress(OSError):  # less by now
                os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), _free(site))
    try:
        if wants_log:
            with suppress(psycopg.Error), site.connect() as connection:
                connection.execute("SELECT pg_switch_wal()")
                connection.execute("SELECT pg_logical_emit_message(true, '', repeat('x', 1000000))")
        time.sleep(2 * seconds)
    finally:
        filler.unlink()
    return "full" + (", with a log to begin" if wants_log else "")


def _free(site: Site) -> int:
    there = os.statvfs(site.disk)
    return there.f_bavail * there.f_frsize


def clock(site: Site, chance: random.Random, seconds: float) -> str:
    """An hour off, and back again; the product looks once a second what time it is."""
    assert site.clock
    step = chance.choice((HOUR, -HOUR))
    _set(site, step)
    time.sleep(max(seconds, 1) + 1)
    _set(site, 0)
    return f"stepped by {step:+} s and back"


def _set(site: Site, offset: int) -> None:
    draft = site.clock.with_suffix(".new")
    draft.write_text(f"{offset:+}\n")
    draft.replace(site.clock)


FAULTS: dict[str, Fault] = {
    "web process": web_process,
    "web server": web_server,
    "worker": worker,
    "postgresql": postgresql,
    "backend": backend,
    "sessions": sessions,
    "cable to database": cable_to_database,
    "cable to web": cable_to_web,
    "mail server": mail_away,
    "mail answer": mail_answer,
    "disk": disk,
    "clock": clock,
}
