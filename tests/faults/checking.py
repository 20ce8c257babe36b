"""What must hold after each round: what people were told, beside what is in the database, on the list and in the mail.

`broken` knows nothing of how either came about; tests/faults/test_checking.py hands it what must not be.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import psycopg

from tests.faults.mail_server import Delivery
from tests.faults.people import Told

# Written down anew, and not read from the product: from which state what leads to which.
STEPS: Final = {
    ("", "add"): "pending",  # the list that was brought in
    ("", "submit"): "submitted",
    ("submitted", "confirm"): "pending",
    ("pending", "approve"): "approved",
    ("pending", "reject"): "rejected",
    ("pending", "return"): "returned",
}
# Which mail each of them owes to the contact, and the state in which that is still true.
OWED: Final = {
    "submit": ("confirm", "submitted"),
    "confirm": ("received", "pending"),
    "approve": ("approved", "approved"),
    "reject": ("rejected", "rejected"),
    "return": ("returned", "returned"),
}


class Entry(NamedTuple):
    number: int
    address: str
    state: str
    line: str
    key: bytes  # its place in the list
    name_keys: int


class Step(NamedTuple):
    """A `Decision`."""

    entry: int
    event: str
    before: str
    after: str


class Mail(NamedTuple):
    """A `Message`."""

    number: int
    entry: int
    kind: str
    is_sent: bool


@dataclass(frozen=True)
class Stored:
    """What is in the database; steps in the order in which they were made."""

    entries: Sequence[Entry]
    steps: Sequence[Step]
    mails: Sequence[Mail]


def stored(connection: "psycopg.Connection[tuple]") -> Stored:
    """Straight from the tables."""
    entries = connection.execute(
        "SELECT id, email, state, line_id, collation_key,"
        " (SELECT count(*) FROM signatories_namekey k WHERE k.signatory_id = s.id)"
        " FROM signatories_signatory s"
    )
    # By their numbers, for the clock may have been stepped; they are given out while the entry is locked.
    steps = connection.execute(
        "SELECT signatory_id, event, from_state, to_state FROM signatories_decision ORDER BY id"
    )
    mails = connection.execute(
        "SELECT id, signatory_id, kind, sent_at IS NOT NULL FROM signatories_message"
        " WHERE signatory_id IS NOT NULL ORDER BY id"
    )
    return Stored(
        [Entry(*row) for row in entries],
        [Step(*row) for row in steps],
        [Mail(*row) for row in mails],
    )


def broken(
    told: Told,
    found: Stored,
    deliveries: Sequence[Delivery],
    listed: Iterable[str],
) -> list[str]:
    """Each promise that was not kept, in words; empty where all were."""
    return [
        *_of_sign_ons(told, found),
        *_of_decisions(told, found),
        *_of_states(found),
        *_of_mails(found, deliveries),
        *of_the_list(found, listed),
    ]


def doubled(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """The deliveries that were followed by another one of the same mail."""
    last: dict[int, Delivery] = {}
    before = []
    for delivery in sorted(deliveries, key=lambda each: each.taken_at):
        if delivery.message in last:
            before.append(last[delivery.message])
        last[delivery.message] = delivery
    return before


def _of_sign_ons(told: Told, found: Stored) -> Iterator[str]:
    times = Counter(entry.address for entry in found.entries if entry.address)
    for address in sorted(told.signed - times.keys()):
        yield f"{address} was told that the sign-on was taken, and it is not there"
    for address in sorted(times.keys() - told.tried):
        yield f"{address} is there and never signed"
    for address, count in times.items():
        if count > 1:
            yield f"{address} is there {count} times"
    for entry in found.entries:
        if not entry.name_keys:
            yield f"{entry.address} is there by half: nothing finds its name"


def _of_decisions(told: Told, found: Stored) -> Iterator[str]:
    times = Counter((step.entry, step.event) for step in found.steps)
    numbers = {entry.address: entry.number for entry in found.entries}
    promised = {(numbers[each], "confirm") for each in told.confirmed if each in numbers}
    promised |= set(told.decided)
    for entry, event in sorted(promised):
        if not times[entry, event]:
            yield f"of entry {entry} somebody was told “{event}”, and there is no such decision"
    for (entry, event), count in times.items():
        if count > 1:
            yield f"entry {entry} has {count} decisions “{event}”"
    for address in sorted(told.confirmed - numbers.keys()):
        yield f"{address} was told that it is confirmed, and is not there"


def _of_states(found: Stored) -> Iterator[str]:
    steps: dict[int, list[Step]] = defaultdict(list)
    for step in found.steps:
        steps[step.entry].append(step)
    for entry in found.entries:
        state = ""
        for step in steps[entry.number]:
            if step.before != state or STEPS.get((state, step.event)) != step.after:
                yield (
                    f"entry {entry.number} was “{state}” when “{step.event}” is said to have"
                    f" brought it from “{step.before}” to “{step.after}”"
                )
            state = step.after
        if state != entry.state:
            yield f"entry {entry.number} is “{entry.state}”, its decisions lead to “{state}”"


def _of_mails(found: Stored, deliveries: Sequence[Delivery]) -> Iterator[str]:
    entries = {entry.number: entry for entry in found.entries}
    queued = Counter((mail.entry, mail.kind) for mail in found.mails)
    for step in found.steps:
        if step.event not in OWED or not entries[step.entry].address:
            continue
        kind, _state = OWED[step.event]
        count = queued[step.entry, kind]
        # Whoever signs again later is mailed the link again.
        if count != 1 and not (count and kind == "confirm"):
            yield f"for “{step.event}” of entry {step.entry} {count} mails were queued"
    sent = Counter(delivery.message for delivery in deliveries)
    states = dict(OWED.values())
    for mail in found.mails:
        if not mail.is_sent:
            yield f"mail {mail.number} (“{mail.kind}”) was not sent"
        elif not sent[mail.number] and states.get(mail.kind) in {entries[mail.entry].state, None}:
            yield f"mail {mail.number} (“{mail.kind}”) is said to be sent, and the mail server has none"
    for number in sorted(sent.keys() - {mail.number for mail in found.mails}):
        yield f"mail {number} was sent, and nothing in the database knows of it"
    for delivery in doubled(deliveries):
        if delivery.answered_at is not None and not delivery.is_orphaned:
            yield f"mail {delivery.message} was sent again, although the mail server had said that it has it"


def of_the_list(found: Stored, listed: Iterable[str]) -> Iterator[str]:
    """The part of it that is about what readers are shown."""
    listed = list(listed)
    approved = [entry for entry in found.entries if entry.state == "approved"]
    expected = [entry.line for entry in sorted(approved, key=lambda each: (each.key, each.line))]
    if listed != expected:
        missing, more = set(expected) - set(listed), set(listed) - set(expected)
        yield (
            f"the list has {len(listed)} lines where {len(expected)} are approved:"
            f" {len(missing)} missing, {len(more)} too many, or in another order"
        )
