"""A small evening's queue settled by keyboard alone: the code that `make bench` runs with four hundred entries."""

import pytest

from benchmarks.evening import Sort
from benchmarks.settling import settle
from tests.browser.site import running_site

COUNT = 24
# What no page can show: see benchmarks/evening.py.
NOTHING_TO_SEE = {"nothing to see", "known to nobody"}


@pytest.fixture
def quiet_site(tmp_path):
    """A site of its own: two dozen entries would be in other tests' way."""
    with running_site(tmp_path) as running:
        yield running


def test_an_evening_is_settled_by_keyboard_alone_and_rightly(quiet_site, browser):
    sitting = settle(browser, quiet_site, COUNT)

    assert len(sitting.settled) == COUNT
    assert sitting.keys_of(Sort.CLEAR) <= 2
    assert sitting.keys_of(Sort.DUPLICATE) <= 2
    assert {sitting.entry_of(each).sort for each in sitting.settled} == set(Sort)
    wrong = {
        each.shown.line: each.decision
        for each in sitting.wrong()
        if sitting.entry_of(each).how not in NOTHING_TO_SEE
    }
    assert wrong == {}
