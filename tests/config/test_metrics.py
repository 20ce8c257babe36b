"""/metrics: for whoever has the token alone, added up over processes, and true while the database is away."""

import os
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from config import look, metrics, serve
from config.look import Look
from letter.publishing import request_publication
from signatories import worker
from signatories.models import Message, Signatory
from tests.browser.site import BASE_DIR
from tests.factories import SignatoryFactory

TOKEN = "let-me-count-0123456789"


def samples(text):
    """Every sample by its name and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def shown(client, settings, monkeypatch):
    """What /metrics shows now. The database is asked in this thread, which sees the test's transaction."""
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(metrics.connections, "close_all", lambda: None)
    monkeypatch.setattr(metrics, "_look", metrics._read)

    def show():
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        return samples(answer.content.decode())

    return show


def test_without_a_token_set_there_is_no_such_page(client, db):
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "told", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN]
)
def test_whoever_lacks_the_token_sees_nothing(client, settings, told):
    settings.METRICS_TOKEN = TOKEN

    answer = client.get("/metrics", headers={"Authorization": told} if told else {})

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert b"undersigned" not in answer.content


def test_what_waits_is_shown_with_its_age(letter, shown):
    empty = shown()
    ages = [
        f"undersigned_{name}_seconds"
        for name in ("publication_request_age", "publication_overdue", "mail_age", "mail_overdue")
    ]
    assert [empty[(name,)] for name in ages] == [0, 0, 0, 0]
    now = timezone.now()
    request_publication(letter, at=now - timedelta(seconds=100))
    letter.publication_requests.update(due_at=now - timedelta(seconds=40), attempts=2)
    kinds = {"kind": Message.Kind.RECEIVED, "created_at": now - timedelta(seconds=50)}
    Message.objects.create(letter=letter, due_at=now - timedelta(seconds=10), **kinds)
    Message.objects.create(letter=letter, due_at=now + timedelta(hours=1), attempts=1, **kinds)
    Message.objects.create(letter=letter, sent_at=now, **kinds)
    Message.objects.create(letter=letter, given_up_at=now, **kinds)
    Message.objects.create(letter=letter, given_up_at=now, **kinds)
    SignatoryFactory(letter=letter, name="PAX")
    SignatoryFactory(letter=letter, name="Amnesty", state=Signatory.State.APPROVED)

    seen = shown()

    assert [seen[(name,)] for name in ages] == pytest.approx([100, 40, 50, 10], abs=5)
    assert seen[("undersigned_publications_failing",)] == 1
    assert seen[("undersigned_sign_ons_waiting",)] == 1
    assert seen[("undersigned_database_up",)] == 1
    assert {
        outcome: seen[("undersigned_mails", ("outcome", outcome))]
        for outcome in ("sent", "queued", "failing", "given_up")
    } == {"sent": 1, "queued": 1, "failing": 1, "given_up": 2}


def test_requests_are_counted_by_view_and_never_by_path(letter, client, shown):
    def counts():
        return {key: value for key, value in shown().items() if "requests_total" in key[0]}

    before = counts()
    client.get("/conduct/confirm/planted-secret/")
    client.get("/planted-path/")
    client.generic("PLANTED", "/conduct/sign/")

    after = counts()
    name = "undersigned_requests_total"
    more = {key: after[key] - before.get(key, 0) for key in after}
    assert {key: value for key, value in more.items() if value} == {
        (name, ("method", "GET"), ("status", "404"), ("view", "signatories:confirm")): 1,
        (name, ("method", "GET"), ("status", "404"), ("view", "letter:page")): 1,
        (name, ("method", "other"), ("status", "405"), ("view", "signatories:sign")): 1,
        (name, ("method", "GET"), ("status", "200"), ("view", "metrics")): 1,
    }
    assert "planted" not in str(shown()).lower()


def test_publications_are_counted_with_what_came_of_them(letter, work, shown, monkeypatch):
    def counts():
        seen = shown()
        name = "undersigned_publication_seconds_count"
        return [
            seen.get((name, ("outcome", outcome)), 0)
            for outcome in ("edition", "unchanged", "failed")
        ]

    before = counts()
    for _each in range(3):
        request_publication(letter, at=timezone.now())
        work()
    monkeypatch.setattr(worker, "publish", lambda *_args, **_named: 1 / 0)
    request_publication(letter, at=timezone.now())
    work()

    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 2, 1]


def test_with_the_database_away_the_rest_is_shown(shown, monkeypatch):
    def away():
        raise DatabaseError("away")

    monkeypatch.setattr(metrics, "_look", away)

    seen = shown()

    assert seen[("undersigned_database_up",)] == 0
    assert ("undersigned_mail_age_seconds",) not in seen
    assert any(name == "undersigned_requests_total" for name, *_labels in seen)


def test_a_look_that_hangs_costs_one_thread_and_nobody_more_than_its_patience(monkeypatch):
    monkeypatch.setattr(look, "PATIENCE", 0.05)
    asked, go_on = [], threading.Event()

    def hang():
        asked.append(threading.current_thread())
        assert go_on.wait(10)
        return "well"

    looking = Look(hang)
    for _each in range(5):
        with pytest.raises(TimeoutError):
            looking()
    assert len(asked) == 1
    go_on.set()
    asked[0].join()
    monkeypatch.setattr(look, "PATIENCE", 10)

    assert looking() == "well"
    assert len(asked) == 2


def test_a_look_tells_what_went_wrong():
    with pytest.raises(ZeroDivisionError):
        Look(lambda: 1 / 0)()


COUNTING = """
import django
django.setup()
from letter.metrics import READERS
READERS.labels("200").inc({})
"""


def test_processes_count_together_and_a_new_start_forgets_those_that_ended(
    tmp_path, settings, monkeypatch
):
    environ = {
        "PATH": "/usr/bin:/bin",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": "1",
        "VAR_DIR": str(tmp_path),
        "METRICS_TOKEN": TOKEN,
    }
    for count in (3, 4):
        subprocess.run(
            [sys.executable, "-c", COUNTING.format(count)], cwd=BASE_DIR, env=environ, check=True
        )
    folder = tmp_path / "metrics" / os.uname().nodename
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    together = metrics._everything()

    assert together.get_sample_value("undersigned_readers_total", {"status": "200"}) == 7
    settings.METRICS_DIR = folder
    (running := folder / f"counter_{os.getppid()}.db").touch()
    serve.forget_old_counts()
    assert list(folder.iterdir()) == [running]


def test_a_command_that_counts_nothing_leaves_no_file(tmp_path):
    environ = {"PATH": "/usr/bin:/bin", "DEBUG": "1", "VAR_DIR": str(tmp_path)}
    subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE_DIR,
        env={**environ, "METRICS_TOKEN": TOKEN},
        capture_output=True,
        check=True,
    )

    assert [each for each in tmp_path.rglob("*") if each.suffix == ".db"] == []
    assert (tmp_path / "metrics").exists()
