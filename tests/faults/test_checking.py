"""The reckoning after a round notices whatever must not be: each of these is one thing wrong in what is right."""

from dataclasses import replace

import pytest

from tests.faults.checking import Entry, Mail, Step, Stored, broken, doubled
from tests.faults.mail_server import Delivery
from tests.faults.people import Told

SIGNED, LISTED, OTHER = "amina@signed.org", "bo@listed.org", "carl@listed.org"
ENTRIES = [
    Entry(0, "", "approved", "lA", b"a", 1),  # came with the letter
    Entry(1, SIGNED, "submitted", "lB", b"b", 2),
    Entry(2, LISTED, "approved", "lD", b"d", 1),
    Entry(3, OTHER, "approved", "lC", b"c", 1),
]
STEPS = [
    Step(0, "add", "", "pending"),
    Step(0, "approve", "pending", "approved"),
    Step(1, "submit", "", "submitted"),
    Step(2, "submit", "", "submitted"),
    Step(3, "submit", "", "submitted"),
    Step(2, "confirm", "submitted", "pending"),
    Step(3, "confirm", "submitted", "pending"),
    Step(2, "approve", "pending", "approved"),
    Step(3, "approve", "pending", "approved"),
]
MAILS = [
    Mail(11, 1, "confirm", is_sent=True),
    Mail(21, 2, "confirm", is_sent=True),
    Mail(22, 2, "received", is_sent=True),
    Mail(23, 2, "approved", is_sent=True),
    Mail(31, 3, "confirm", is_sent=True),
    Mail(32, 3, "received", is_sent=True),  # approved before it went out, so it never did
    Mail(33, 3, "approved", is_sent=True),
]
DELIVERIES = [Delivery(number, number, number) for number in (11, 21, 22, 23, 31, 33)]
TOLD = Told(
    tried={SIGNED, LISTED, OTHER, "dora@gave-up.org"},
    signed={SIGNED, LISTED, OTHER},
    confirmed={LISTED, OTHER},
    decided=[(2, "approve"), (3, "approve")],
)
LIST = ["lA", "lC", "lD"]


def found(told=TOLD, entries=ENTRIES, steps=STEPS, mails=MAILS, deliveries=DELIVERIES, listed=LIST):
    return broken(told, Stored(entries, steps, mails), deliveries, listed)


def without(rows, row):
    return [each for each in rows if each != row]


def test_what_is_right_breaks_nothing():
    assert found() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"told": replace(TOLD, signed=TOLD.signed | {"dora@gave-up.org"})},
            ["dora@gave-up.org was told that the sign-on was taken, and it is not there"],
        ),
        (
            {"told": replace(TOLD, tried=TOLD.tried - {SIGNED}, signed=TOLD.signed - {SIGNED})},
            [f"{SIGNED} is there and never signed"],
        ),
        (
            {
                "entries": [*ENTRIES, Entry(4, SIGNED, "submitted", "lE", b"e", 1)],
                "steps": [*STEPS, Step(4, "submit", "", "submitted")],
                "mails": [*MAILS, Mail(41, 4, "confirm", is_sent=True)],
                "deliveries": [*DELIVERIES, Delivery(41, 41, 41)],
            },
            [f"{SIGNED} is there 2 times"],
        ),
        (
            {"entries": [*without(ENTRIES, ENTRIES[1]), ENTRIES[1]._replace(name_keys=0)]},
            [f"{SIGNED} is there by half: nothing finds its name"],
        ),
        (
            {"told": replace(TOLD, confirmed={*TOLD.confirmed, SIGNED})},
            ["of entry 1 somebody was told “confirm”, and there is no such decision"],
        ),
        (
            {"told": replace(TOLD, decided=[*TOLD.decided, (1, "reject")])},
            ["of entry 1 somebody was told “reject”, and there is no such decision"],
        ),
        (
            {"steps": without(STEPS, STEPS[-1])},
            [
                "of entry 3 somebody was told “approve”, and there is no such decision",
                "entry 3 is “approved”, its decisions lead to “pending”",
            ],
        ),
        (
            {"steps": without(STEPS, STEPS[6])},
            [
                "of entry 3 somebody was told “confirm”, and there is no such decision",
                "entry 3 was “submitted” when “approve” is said to have brought it from “pending” to “approved”",
            ],
        ),
        (
            {"steps": [*STEPS, STEPS[-1]]},
            [
                "entry 3 has 2 decisions “approve”",
                "entry 3 was “approved” when “approve” is said to have brought it from “pending” to “approved”",
            ],
        ),
        (
            {"mails": without(MAILS, MAILS[3]), "deliveries": without(DELIVERIES, DELIVERIES[3])},
            ["for “approve” of entry 2 0 mails were queued"],
        ),
        (
            {
                "mails": [*MAILS, Mail(34, 3, "approved", is_sent=True)],
                "deliveries": [*DELIVERIES, Delivery(34, 34, 34)],
            },
            ["for “approve” of entry 3 2 mails were queued"],
        ),
        (
            {"mails": [MAILS[0]._replace(is_sent=False), *MAILS[1:]]},
            ["mail 11 (“confirm”) was not sent"],
        ),
        (
            {"deliveries": without(DELIVERIES, DELIVERIES[3])},
            ["mail 23 (“approved”) is said to be sent, and the mail server has none"],
        ),
        (
            {"deliveries": [*DELIVERIES, Delivery(99, 99, 99)]},
            ["mail 99 was sent, and nothing in the database knows of it"],
        ),
        (
            {"deliveries": [*DELIVERIES, Delivery(23, 50, 50)]},
            ["mail 23 was sent again, although the mail server had said that it has it"],
        ),
        (
            {"listed": ["lA", "lD"]},
            [
                "the list has 2 lines where 3 are approved: 1 missing, 0 too many, or in another order"
            ],
        ),
        (
            {"listed": ["lA", "lB", "lC", "lD"]},
            [
                "the list has 4 lines where 3 are approved: 0 missing, 1 too many, or in another order"
            ],
        ),
        (
            {"listed": ["lA", "lD", "lC"]},
            [
                "the list has 3 lines where 3 are approved: 0 missing, 0 too many, or in another order"
            ],
        ),
    ],
)
def test_what_is_wrong_is_said(wrong, said):
    assert found(**wrong) == said


@pytest.mark.parametrize(
    "first", [Delivery(23, 23), Delivery(23, 23, 23, is_orphaned=True)], ids=["lost", "killed"]
)
def test_a_mail_may_go_out_again_where_the_answer_did_not_reach_the_database(first):
    deliveries = [*without(DELIVERIES, DELIVERIES[3]), first, Delivery(23, 50, 50)]

    assert found(deliveries=deliveries) == []
    assert doubled(deliveries) == [first]
