"""Three web nodes and two workers, of which one after the other fails while people read, sign and decide.

Real processes behind nginx, with PostgreSQL through PgBouncer and with Redis, set up from deploy/.
"""

import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from urllib.request import Request, urlopen

import psycopg
import pytest

from tests.browser.site import BASE_DIR, free_port
from tests.several_nodes.machines import Site, furnish, running_site
from tests.several_nodes.people import Browser, Contact, Coordinator, Person, Reader, Signer
from tests.several_nodes.watching import Watch

SLUG = "no-veto"
# Seconds after a commit, from when on whoever asks is to get the new edition; one is promised, on a machine that has
# not several of everything to run.
AT_MOST = 2.0
STUCK_AFTER = 30  # seconds in which nothing that is left to do gets done


@dataclass(repr=False)
class Day:
    """What everybody did and was told."""

    readers: list[Reader]
    signers: list[Signer]
    contacts: list[Contact]
    coordinators: list[Coordinator]
    watch: Watch

    @property
    def people(self) -> list[Person]:
        return [*self.readers, *self.signers, *self.contacts, *self.coordinators]

    @property
    def acknowledged(self) -> set[str]:
        return {address for signer in self.signers for address in signer.acknowledged}

    @property
    def tried(self) -> set[str]:
        return {address for signer in self.signers for address in signer.tried}


@pytest.fixture(scope="module")
def site():
    with running_site() as site:
        furnish(site.environ, SLUG, coordinators=2)
        yield site


@pytest.fixture(scope="module")
def day(site) -> Day:
    """A day with failures, of two thirds of a minute, and all of it worked off at its end."""
    signing, going_on = threading.Event(), threading.Event()
    day = Day(
        readers=[Reader(site, SLUG, number, going_on) for number in range(4)],
        signers=[Signer(site, SLUG, number, signing) for number in range(4)],
        contacts=[Contact(site, SLUG, 0, going_on)],
        coordinators=[Coordinator(site, SLUG, number, going_on) for number in (0, 1)],
        watch=Watch(site, SLUG),
    )
    watching = day.watch.start(going_on)
    for person in day.people:
        person.start()
    fail_one_after_the_other(site)
    signing.set()
    for signer in day.signers:
        signer.join()
    finish(site, day)
    time.sleep(AT_MOST)  # the last edition is to be seen, too
    going_on.set()
    for thread in [*day.people, *watching]:
        thread.join()
    return day


def fail_one_after_the_other(site: Site) -> None:
    one, two, three = site.nodes
    time.sleep(4)
    one.kill()
    time.sleep(4)
    one.start()
    two.stop()
    time.sleep(4)
    two.start()
    first, second = site.workers
    first.kill()
    three.kill()
    time.sleep(4)
    first.start()
    second.stop()
    three.start()
    time.sleep(4)
    second.start()
    time.sleep(2)


def finish(site: Site, day: Day) -> None:
    """Wait until all that was acknowledged is confirmed, approved and published, or nothing happens any more."""
    with psycopg.connect(site.database, autocommit=True) as connection:
        # A worker that was killed had claimed a mail, perhaps: five minutes go by.
        connection.execute(
            "UPDATE signatories_message SET due_at = now(), claimed_at = NULL"
            " WHERE sent_at IS NULL AND given_up_at IS NULL AND attempts > 0"
        )
        left, changed_at = None, time.monotonic()
        while time.monotonic() < changed_at + STUCK_AFTER:
            now = rows(
                connection,
                "SELECT count(*) FILTER (WHERE state = 'submitted'), count(*) FILTER (WHERE state = 'pending'),"
                " (SELECT count(*) FROM letter_publicationrequest) FROM signatories_signatory",
            )
            if now == [(0, 0, 0)]:
                return
            if now != left:
                left, changed_at = now, time.monotonic()
            time.sleep(0.2)


def rows(connection: "psycopg.Connection[tuple]", query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


@pytest.fixture
def database(site):
    with psycopg.connect(site.database, autocommit=True) as connection:
        yield connection


def test_every_reader_got_a_page(day):
    assert [trouble for reader in day.readers for trouble in reader.trouble] == []
    assert sum(reader.pages for reader in day.readers) > 500


def test_nobody_else_met_with_more_than_a_moment_without_answer(day):
    assert [trouble for person in day.people for trouble in person.trouble] == []


def test_lists_were_taken_out_through_pgbouncer_while_others_wrote(day):
    assert sum(coordinator.taken_out for coordinator in day.coordinators) > 2


def test_failed_log_ins_are_counted_together_by_all_nodes(site):
    said = []
    for turn in range(8):
        browser = Browser(site.url, site.trust)
        fields = browser.form("/admin/login/", having="username")
        wrong = dict(fields) | {"username": "somebody", "password": f"guess {turn}"}
        said.append(
            "too many times" in browser.post("/admin/login/", [*wrong.items()]).body.decode()
        )
        browser.close()

    # Five in five minutes, wherever nginx sent them.
    assert said == [False] * 5 + [True] * 3


def test_every_acknowledged_sign_on_is_there_once(day, database):
    stored = Counter(
        address
        for (address,) in rows(
            database, "SELECT email FROM signatories_signatory WHERE email <> ''"
        )
    )

    assert len(day.acknowledged) > 20
    assert day.acknowledged - set(stored) == set()
    assert {address: times for address, times in stored.items() if times > 1} == {}
    assert set(stored) <= day.tried


def test_all_were_confirmed_approved_and_are_on_the_list_of_every_node(day, site, database):
    states = rows(
        database, "SELECT DISTINCT state FROM signatories_signatory WHERE source = 'form'"
    )
    lines = Counter(
        line
        for (line,) in rows(
            database, "SELECT line_id FROM signatories_signatory WHERE state = 'approved'"
        )
    )

    assert states == [("approved",)]
    for port in site.ports:
        listed = json.loads(_page(port))["signatories"]
        assert Counter(each["id"] for each in listed) == lines, port


def test_each_mail_went_out_once(day, database):
    """A worker that is killed between the mail server's answer and its note of it would send one twice."""
    unsent = rows(
        database,
        "SELECT kind, attempts FROM signatories_message WHERE sent_at IS NULL AND kind = 'confirm'",
    )

    assert unsent == []


def test_every_node_showed_each_edition_in_time(day, site):
    names = [node.name for node in site.nodes]
    delays, slowest = sorted(day.watch.delays(*names)), day.watch.slowest(*names)

    print(
        f"{len(day.watch.committed)} editions, {len(delays)} times looked at a node: 99 of 100 showed the new one "
        f"after {delays[len(delays) * 99 // 100]:.2f} s, the last after {delays[-1]:.2f} s, "
        f"the slowest answer took {slowest:.2f} s; "
        f"{sum(reader.pages for reader in day.readers)} pages, {len(day.acknowledged)} sign-ons, "
        f"{sum(person.tried_again for person in day.people)} tried again"
    )
    assert len(delays) > 20
    assert delays[-1] < AT_MOST + slowest


def test_nginx_shows_each_edition_two_seconds_later_at_most(day):
    """It keeps the pages for one, and counts whole seconds."""
    delays, slowest = sorted(day.watch.delays("nginx")), day.watch.slowest(*day.watch.shown)

    print(
        f"through nginx: the median after {delays[len(delays) // 2]:.2f} s, the last after {delays[-1]:.2f} s, "
        f"the slowest answer took {slowest:.2f} s"
    )
    assert len(delays) > 10
    # Asked for, and answered by a node: two answers stand between.
    assert delays[-1] < AT_MOST + 2 + 2 * slowest


def test_nginx_keeps_no_secret_of_a_link(day, site):
    secrets = {secret for contact in day.contacts for secret in contact.secrets}
    kept = "".join(log.read_text() for log in (site.folder / "nginx").glob("*.log"))

    assert len(secrets) > 20
    assert f" /{SLUG}/confirm/... " in kept
    assert [secret for secret in secrets if secret in kept] == []


def test_static_files_are_kept_for_good_under_names_that_change_with_them(site):
    browser = Browser(site.url, site.trust)
    page = browser.get(f"/{SLUG}/").body.decode()
    (style, *_others) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    answer = browser.get(style, **{"Accept-Encoding": "br"})
    browser.close()

    assert answer.headers["cache-control"] == "max-age=315360000, public, immutable"
    assert answer.headers["content-encoding"] == "br"


def test_the_image_says_of_a_node_whether_it_is_well(day, site):
    containerfile = (BASE_DIR / "deploy" / "Containerfile").read_text(encoding="utf-8")
    (command,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", containerfile, flags=re.MULTILINE)

    def is_well(port: int) -> bool:
        environ = {**site.environ, "PORT": str(port)}
        done = subprocess.run(
            [sys.executable, *json.loads(command)[1:]],
            env=environ,
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    assert [is_well(port) for port in (*site.ports, free_port())] == [True, True, True, False]


def test_the_chain_of_editions_holds(day, site):
    assert site.manage("verify_editions", SLUG)


def _page(port: int) -> bytes:
    request = Request(
        f"http://127.0.0.1:{port}/{SLUG}/signatories.json", headers={"X-Forwarded-Proto": "https"}
    )
    with urlopen(request, timeout=10) as response:  # noqa: S310  # our own address
        return response.read()
