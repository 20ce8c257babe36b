import os
from collections.abc import Iterable
from pathlib import Path

import hypothesis
import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import SimpleTestCase

from letter import serving
from letter.background import bell
from letter.models import Letter
from signatories import evidence, worker
from signatories.worker import run_due
from tests import factories

# What takes minutes is tried once: on several machines, of which there are none with SQLite; in a browser and by each
# role, which cannot tell what the pages are read from; hostile strings where more of them are refused, which is on
# PostgreSQL. Every page is opened on both by tests/test_closed.py.
ALONE = {
    "postgresql": ("faults", "several_nodes", "test_hostile.py", "test_roles.py"),
    "sqlite": ("browser",),
}
# What touches no database is tried once, too: beside SQLite, where less is to be done. These make their own databases.
OF_THEIR_OWN = ("fuzz", "test_backups.py", "test_upgrades.py", *ALONE["postgresql"])
DATABASE_FIXTURES = {"db", "transactional_db"}

# How long an example takes is `make bench`'s business, not a reason to fail on a busy machine.
hypothesis.settings.register_profile("undersigned", deadline=None)
hypothesis.settings.load_profile("undersigned")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse to pass on another database than the one that was announced."""
    expected = os.environ.get("UNDERSIGNED_EXPECT_VENDOR")
    if expected and connection.vendor != expected:
        pytest.exit(
            f"These tests were to run on {expected}, but Django is set up for {connection.vendor}.",
            returncode=pytest.ExitCode.USAGE_ERROR,
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for the other database alone; pytest counts these as deselected."""
    others = [names for vendor, names in ALONE.items() if vendor != connection.vendor]
    left_out = {item for names in others for item in items if _is_among(item, names)}
    if connection.vendor != "sqlite":
        left_out |= {
            item
            for item in items
            if not _touches_a_database(item) and not _is_among(item, OF_THEIR_OWN)
        }
    config.hook.pytest_deselected(items=[*left_out])
    items[:] = [item for item in items if item not in left_out]


def _is_among(item: pytest.Item, names: Iterable[str]) -> bool:
    """Whether a test is in one of these files or folders beside this one."""
    return item.path.relative_to(Path(__file__).parent).parts[0] in names


def _touches_a_database(item: pytest.Item) -> bool:
    """Whether a test may: pytest-django lets no other."""
    return (
        not DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
        or item.get_closest_marker("django_db") is not None
        or issubclass(getattr(item, "cls", None) or object, SimpleTestCase)
    )


@pytest.fixture(autouse=True)
def _nothing_in_memory(monkeypatch):
    """Each test has a database of its own, so what the process remembers of the last one goes."""
    serving.forget()
    # How long a publication or a batch of assessments takes is the machine's affair.
    monkeypatch.setattr(worker, "LONG", float("inf"))
    monkeypatch.setattr(evidence, "BATCH_SECONDS", float("inf"))
    bell.clear()
    cache.clear()
    yield
    serving.forget()


@pytest.fixture
def letter(db) -> Letter:
    """An open letter with a published text and nobody under it."""
    return factories.make_letter(slug="conduct", title="A code of conduct")


@pytest.fixture
def coordinator(db):
    return factories.UserFactory(username="grace", group="coordinator")


@pytest.fixture
def editor(db):
    return factories.UserFactory(username="edith", group="editor")


@pytest.fixture
def observer(db):
    return factories.UserFactory(username="olga", group="observer")


@pytest.fixture
def work():
    """Do what the worker would do now, and give the mails that went out."""

    def run(at=None) -> list[mail.EmailMessage]:
        before = len(mail.outbox)
        run_due(at=at)
        serving.forget()
        return mail.outbox[before:]

    return run
