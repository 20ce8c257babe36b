"""A flood of made-up sign-ons: readers hardly notice, people get through, and the desk is rid of it in two requests.

`python -m tests.faults.flood` starts a PostgreSQL, a Redis and the production server with all its processes. Robots
send 20,000 sign-ons to one letter, each from an address of its own; most are asked for a proof of work and go on to
the next, a tenth pays, and of these some confirm. Exit status 1 where a promise was not kept.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.loading import load, running
from benchmarks.site import production_site
from tests import debian
from tests.browser.site import free_port, own_database
from tests.faults.proof import nonce_for, prove
from tests.run import exit_on_signal, postgresql
from tests.several_nodes.people import Answer, Browser, NoAnswer, filled

SLUG: Final = "flood"
CLIENT: Final = "X-Forwarded-For"
FORM: Final = f"/{SLUG}/sign/"
DESK: Final = "/admin/signatories/signatory/"
DOMAIN: Final = "flood.example.org"  # where the robots read all mail
SIGNED: Final = 5000  # on the letter before, as in the benchmarks of readers
ROBOTS: Final = 8  # connections
RATE: Final = 75  # sign-ons a second
PAYS: Final = 10  # one of so many
UNDER_WAY: Final = 900  # sign-ons, after which people come
CONFIRMED: Final = 300
# Readers, who wait so long before they ask again, as in the benchmarks. They are watched for so many seconds at a
# time, before it begins and until it is over, so that what else the machine does weighs little in the median.
READERS, PAUSE, WATCHED, AT_REST = 16, 0.032, 10, 4
TIMES: Final = 2  # the p99 at rest
DESK_WITHIN: Final = 2.0  # seconds for a page of the desk meanwhile
PATIENCE: Final = 60  # seconds


@dataclass
class Robots:
    """Who sends made-up sign-ons, and what they were told."""

    url: str
    proof: Callable[[], list[tuple[str, str]]]
    told: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def send(self, count: int) -> None:
        """So many, RATE a second, over ROBOTS connections."""
        begun = time.monotonic()
        # An address of its own for each, from networks of all the world.
        numbers = random.Random(7).sample(range(1 << 24), count)
        robots = [
            threading.Thread(target=self._robot, args=(numbers[each::ROBOTS], each, begun))
            for each in range(ROBOTS)
        ]
        for robot in robots:
            robot.start()
        for robot in robots:
            robot.join()

    def _robot(self, numbers: list[int], first: int, begun: float) -> None:
        robot = Browser(self.url)
        form = robot.form(FORM, having="organization")
        for turn, number in enumerate(numbers):
            time.sleep(max(0.0, begun + (turn * ROBOTS + first) / RATE - time.monotonic()))
            # A robot also makes up what stands in the header before its own address.
            robot.headers[CLIENT] = (
                f"10.0.0.1, 81.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            )
            name = f"Free People of {number:x}"
            fields = filled(form, name, address=f"u{number}@{DOMAIN}")
            if turn % PAYS == 0:
                fields += self.proof()
            try:
                told = self._in_words(robot.post(FORM, fields))
            except NoAnswer as error:
                told = str(error)
            with self._counting:
                self.told[told] += 1
                self.sent += 1

    def _in_words(self, answer: Answer) -> str:
        if answer.status == 302 and answer.headers["location"] == f"{FORM}sent/":
            return "taken"
        if answer.status == 429 and b"data-proof" in answer.body:
            return "asked"
        return f"status {answer.status}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.flood", description=__doc__)
    parser.add_argument("--sign-ons", type=int, default=20_000)
    count = parser.parse_args(arguments).sign_ons
    # As an exception, so that whatever was started is stopped on the way out.
    signal.signal(signal.SIGTERM, exit_on_signal)
    debian.bring("wrk", "redis-server")
    with (
        tempfile.TemporaryDirectory(prefix="undersigned-flood-") as name,
        postgresql(os.environ.get("DATABASE_URL", "")) as (server, _name),
        own_database(server, f"undersigned_flood_{free_port()}") as database,
        _redis(Path(name)) as cache,
    ):
        settings = {"TRUSTED_PROXIES": "127.0.0.1", "CACHE_URL": cache, **database}
        with production_site(Path(name), {SLUG: SIGNED}, **settings) as site:
            os.environ |= site.environ
            broken = list(_flood(site.url, count))
    print("\n".join(f"NOT KEPT: {what}" for what in broken) or "Every promise was kept.")
    return 1 if broken else 0


def _flood(url: str, count: int) -> Iterator[str]:
    """Let it come, and say what it broke."""
    import django

    # The site's own; those that are in memory were read for the tests.
    sys.modules.pop("config.settings", None)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    from letter.models import Letter
    from signatories.flood import new_challenge

    letter = Letter.objects.get(slug=SLUG)

    def paid() -> list[tuple[str, str]]:
        """Whoever pays has machines of their own for it, which are not to be measured: it is a proof of one bit."""
        challenge = new_challenge(letter, 1)
        return [("challenge", challenge), ("nonce", nonce_for(challenge, 1))]

    robots = Robots(url, paid)
    seconds = count / RATE
    coordinator = _coordinator(url)
    at_rest = [_p99(url) for _time in range(AT_REST)]
    with ThreadPoolExecutor(8) as people:
        begun = time.monotonic()
        flood = people.submit(robots.send, count)
        readers = people.submit(_watch, url, flood)
        while robots.sent < UNDER_WAY and not flood.done():
            time.sleep(0.1)
        proving = people.submit(_sign, url, "proving", "93.184.215.14", prove)
        waiting = people.submit(_sign, url, "waiting", "93.184.216.34", _wait)
        confirmed = people.submit(_confirm, url, CONFIRMED * count // 20_000)
        slowest = 0.0
        while not flood.done():
            slowest = max(slowest, _timed(coordinator.get, DESK))
            time.sleep(2)
        took = time.monotonic() - begun
        flood.result()
        meanwhile = readers.result()
        people_in = {who.result() for who in (proving, waiting)}
        confirmed.result()

    print(f"{robots.sent:,} made-up sign-ons in {took:.0f} s: {dict(robots.told)}")
    times = median(meanwhile) / median(at_rest)
    print(
        f"readers' p99 {_in_words(at_rest)} at rest, {_in_words(meanwhile)} meanwhile: {times:.2f} times"
    )
    print(f"the queue at the desk took {slowest * 1000:.0f} ms at worst")
    if robots.told.keys() - {"taken", "asked"}:
        yield f"robots were told something else: {dict(robots.told)}"
    if took > 2 * seconds:
        yield f"the site fell behind: {took:.0f} s for what was sent in {seconds:.0f} s"
    if not times <= TIMES:
        yield f"readers waited {times:.2f} times as long"
    if slowest > DESK_WITHIN:
        yield f"a page of the desk took {slowest:.1f} s"
    yield from _genuine_are_waiting(url, people_in)
    yield from _reject(coordinator)


def _p99(url: str) -> float:
    """Of readers, in seconds; without end where one had no answer."""
    try:
        return load(f"{url}/{SLUG}/", connections=READERS, seconds=WATCHED, pause=PAUSE).p99
    except AssertionError as error:
        print(error)
        return float("inf")


def _watch(url: str, flood: "Future[None]") -> list[float]:
    seen = [_p99(url)]
    while not flood.done():
        seen.append(_p99(url))
    return seen


def _in_words(p99s: list[float]) -> str:
    each = ", ".join(f"{p99 * 1000:.1f}" for p99 in p99s)
    return f"{median(p99s) * 1000:.1f} ms ({each})"


def _timed(ask: Callable[[str], Any], path: str) -> float:
    begun = time.monotonic()
    assert ask(path).status == 200, path
    return time.monotonic() - begun


def _sign(url: str, name: str, address: str, held_up: Callable[[Answer], Any]) -> str:
    """Somebody genuine signs, and does what the form asks for; gives their e-mail address."""
    person = Browser(url)
    person.headers[CLIENT] = address
    email = f"{name}@kivu.example.net"
    form = person.form(FORM, having="organization")
    fields = filled(form, f"Centre Kivu {name}", address=email)
    begun = time.monotonic()
    answer = person.post(FORM, fields)
    assert answer.status == 429, f"{name} was not asked for anything ({answer.status})"
    fields = held_up(answer)
    person.close()  # the server has not waited
    answer = person.post(FORM, fields)
    assert answer.status == 302, f"{name}: {answer.status}"
    print(f"a genuine signer got through by {name} in {time.monotonic() - begun:.1f} s")
    return email


def _wait(held: Answer) -> list[tuple[str, str]]:
    """What somebody without JavaScript does."""
    time.sleep(int(held.headers["retry-after"]) + 1)
    return held.fields("challenge")


def _confirm(url: str, count: int) -> None:
    """The robots press the button in so many of the mails that they got."""
    from signatories.models import Signatory

    entries = Signatory.objects.filter(state=Signatory.State.SUBMITTED, email__endswith=DOMAIN)
    deadline = time.monotonic() + PATIENCE
    while entries.count() < count and time.monotonic() < deadline:
        time.sleep(1)
    for entry in entries.order_by("pk")[:count]:
        _press(url, entry)


def _press(url: str, entry: Any) -> None:
    from signatories.links import new_link

    robot, path = Browser(url), f"/{SLUG}/confirm/{new_link(entry)}/"
    answer = robot.post(path, robot.form(path, having="seen"))
    assert answer.status == 302, answer.status


def _genuine_are_waiting(url: str, emails: set[str]) -> Iterator[str]:
    from signatories.models import Signatory

    entries = list(Signatory.objects.filter(email__in=emails))
    for entry in entries:
        if not entry.messages.filter(kind="confirm").exists():
            yield f"{entry.email} got no mail"
        _press(url, entry)
    pending = Signatory.objects.filter(email__in=emails, state=Signatory.State.PENDING)
    if pending.count() != 2:
        yield f"of two genuine signers {pending.count()} are in the queue"


def _coordinator(url: str) -> Browser:
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client()
    client.force_login(get_user_model().objects.create_superuser("grace"))
    name = settings.SESSION_COOKIE_NAME
    coordinator = Browser(url)
    coordinator.cookies[name] = client.cookies[name].value
    return coordinator


def _reject(coordinator: Browser) -> Iterator[str]:
    """Two requests of the desk: what came with an entry, and the button."""
    from signatories.models import Message, Signatory

    pending = Signatory.objects.filter(state=Signatory.State.PENDING)
    flooded = pending.filter(email__endswith=DOMAIN)
    count, genuine = flooded.count(), pending.exclude(email__endswith=DOMAIN).count()
    path = f"{DESK}{flooded.first().pk}/burst/"
    coordinator.close()
    begun = time.monotonic()
    answer = coordinator.post(path, coordinator.form(path, having="entry"))
    took = time.monotonic() - begun
    left = flooded.count()
    print(f"{count - left} of {count} in the queue were rejected in two requests, {took:.1f} s")
    if answer.status != 302 or left or not count:
        yield f"{left} of {count} are in the queue still (status {answer.status})"
    if pending.count() != genuine:
        yield f"of {genuine} genuine ones in the queue {pending.count()} are left"
    if Message.objects.filter(kind="rejected").exists():
        yield "mails about the rejections went out"


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [
        *(debian.path_of("redis-server"), "--bind", "127.0.0.1", "--port", str(port)),
        *("--save", "", "--appendonly", "no", "--dir", str(folder), "--loglevel", "warning"),
    ]
    with running(command):
        yield f"redis://127.0.0.1:{port}/0"


if __name__ == "__main__":
    sys.exit(main())
