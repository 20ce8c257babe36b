"""A short share of `make faults`: a round of each main kind, on a PostgreSQL of our own that is killed, too."""

from contextlib import closing

import pytest

from tests.faults.rounds import Play
from tests.faults.site import running_site

FAULTS = ("web process", "worker", "postgresql", "mail answer")
SEED = "share"


@pytest.fixture(scope="module")
def play():
    with running_site(SEED) as site, closing(Play(site, SEED)) as play:
        yield play


def test_nothing_acknowledged_is_lost_doubled_or_half_done(play):
    rounds = play.rounds(FAULTS)
    done = [next(rounds) for _fault in FAULTS]

    assert sorted(each.fault for each in done) == sorted(FAULTS)
    assert all(each.counts["signed"] and each.counts["confirmed"] for each in done)
    assert sum(each.counts["decided"] for each in done) > 4
