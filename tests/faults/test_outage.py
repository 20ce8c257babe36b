"""The letter stays up without its database, and what is sent meanwhile is not lost: the short form of `make faults`."""

from tests.faults import outage


def test_the_letter_stays_up_without_its_database(tmp_path):
    found = outage.run(tmp_path, seconds=6)

    assert found.broken == []
    assert min(found.reads[phase] for phase in ("before", "during", "after")) >= outage.ENOUGH
    assert found.signs[503] >= outage.ENOUGH_SIGNS
