"""What comes from strangers, at random: CI's share of `make fuzz`, the same each time.

Each parser and each kind of request has its share of cases, half of it beside each database, other cases beside the
one than beside the other. They are counted here, so that the share cannot shrink unseen.
"""

from collections import Counter

import pytest
from django.db import connection

from tests.fuzz.cases import SITE, Target
from tests.fuzz.parsers import PARSERS
from tests.fuzz.site import Site

OF_A_PARSER = 575
OF_THE_SITE = 150
IN_ALL = 10_000

done: Counter[str] = Counter()


def try_out(target: Target, count: int) -> None:
    """So many cases, each counted."""

    def tried(data: bytes) -> None:
        done[target.name] += 1
        target.run(data)

    target.try_out(tried, count, beginning=connection.vendor)


@pytest.mark.parametrize("target", PARSERS, ids=lambda target: target.name)
def test_whatever_comes_is_read_or_refused(target):
    try_out(target, OF_A_PARSER)


@pytest.fixture
def site(db):
    made = Site()
    with made:
        yield made


@pytest.mark.parametrize("name", SITE)
def test_whatever_is_asked_is_answered_and_nothing_wrong_is_stored(site, name):
    [target] = [each for each in site.targets() if each.name == name]

    try_out(target, OF_THE_SITE)


def test_the_share_is_whole():
    assert {target.name for target in PARSERS} | {*SITE} == set(done)
    assert sum(done.values()) >= IN_ALL
