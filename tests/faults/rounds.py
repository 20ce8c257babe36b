"""A round: sixteen people at work, one fault at some moment, and when it is over and all has settled, the reckoning."""

import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psycopg

from tests.faults.checking import Stored, broken, doubled, of_the_list, stored
from tests.faults.failing import FAULTS
from tests.faults.people import Contact, Coordinator, Signer, Told, Visitor, everybody
from tests.faults.site import Site

# In each round, for each of them: some more than are promised, since not all get an answer.
TURNS = {Signer: (2, 3, 3), Coordinator: (2,), Contact: (1_000_000,)}  # which of them, chance says
AT_WORK = 30  # seconds at most; three are enough where nothing else runs
CONFIRMING = 0.6  # seconds more, for the mails of the last sign-ons
SETTLED_WITHIN = 120  # seconds
ASKED = 8  # times, so that each of two web processes had its turn: the system chooses
QUIET = 0.8  # seconds without a mail, after which one that is claimed was claimed by a process that is gone
ORPHANED_WITHIN = 3.0  # seconds from the mail server's answer to the death of the worker


class NotKept(Exception):
    """A promise that was not; the message says which."""


@dataclass
class Round:
    """What happened in one."""

    fault: str
    what: str = ""
    moment: float = 0.0  # seconds from its begin
    counts: Counter[str] = field(default_factory=Counter)
    settled_after: float = 0.0  # seconds from the end of the fault and of everybody's turn
    took: float = 0.0


@dataclass(repr=False)
class Play:
    """The rounds on one site, one after the other; the seed says which fault comes when."""

    site: Site
    seed: str
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self.people: list[Visitor] = everybody(self.site, self.told, self.seed)
        for person in self.people:
            person.start()

    def close(self) -> None:
        """Send everybody home."""
        for person in self.people:
            person.told_to_stop.set()
            person.turns.put(None)
        for person in self.people:
            person.join()

    def rounds(self, faults: Sequence[str]) -> Iterator[Round]:
        """Goes on for ever, with each of the faults as often as the others; raises NotKept."""
        number = 0
        while True:
            chance = random.Random(f"{self.seed} {number}")
            for fault in chance.sample(faults, k=len(faults)):
                yield self._play(Round(fault), chance)
                number += 1

    def _play(self, this: Round, chance: random.Random) -> Round:
        begun = time.monotonic()
        before = self._counts()
        for person in self.people:
            person.told_to_stop.clear()
            person.turns.put(chance.choice(TURNS[type(person)]))
        this.moment, seconds = chance.uniform(0.1, 1.0), chance.uniform(0.2, 1.2)
        time.sleep(this.moment)
        this.what = FAULTS[this.fault](self.site, chance, seconds)
        self._end_turns(begun + AT_WORK)
        over = time.monotonic()
        unsettled = self._settle()
        this.settled_after = time.monotonic() - over
        if trouble := self._trouble(unsettled):
            said = "\n".join(dict.fromkeys(trouble))
            raise NotKept(f"{this.fault} {this.what}, after {this.moment:.1f} s:\n{said}")
        this.counts = self._counts() - before
        this.took = time.monotonic() - begun
        return this

    def _end_turns(self, latest: float) -> None:
        busy = [person for person in self.people if not isinstance(person, Contact)]
        while any(person.turns.unfinished_tasks for person in busy) and time.monotonic() < latest:
            time.sleep(0.05)
        time.sleep(CONFIRMING)
        for person in self.people:
            person.told_to_stop.set()
        for person in self.people:
            person.turns.join()

    def _settle(self) -> str:
        """Wait until all that is owed is done, bringing forward what would take minutes; gives what is left, if any."""
        deadline = time.monotonic() + SETTLED_WITHIN
        moved_at, left, why = time.monotonic(), None, ""
        while time.monotonic() < deadline:
            time.sleep(0.1)
            try:
                with self.site.connect() as connection:
                    owed = _bring_forward(connection)
                    why = f"{owed[0]} mails and {owed[1]} publications are owed"
                    if owed == (0, 0):
                        why = "the list or /readyz does not say so, or a web process is missing"
                        if self.site.is_whole() and self._is_public(connection):
                            return ""
            except (OSError, psycopg.Error) as error:
                owed, why = None, repr(error)
            mark = (owed, len(self.site.mail.deliveries))
            if mark != left:
                moved_at, left = time.monotonic(), mark
            if owed and owed[0] and time.monotonic() > moved_at + QUIET:
                # Claimed for five minutes by one that is gone, or resting after several failures.
                with self.site.without_workers(), self.site.connect() as connection:
                    connection.execute(
                        "UPDATE signatories_message SET due_at = now(), claimed_at = NULL WHERE sent_at IS NULL"
                    )
                moved_at = time.monotonic()
        return f"it has not settled within {SETTLED_WITHIN} s: {why}"

    def _is_public(self, connection: "psycopg.Connection[tuple]") -> bool:
        (approved,) = connection.execute(
            "SELECT count(*) FROM signatories_signatory WHERE state = 'approved'"
        ).fetchone()
        return self.site.is_ready() and all(
            len(self.site.listed()) == approved for _process in range(ASKED)
        )

    def _trouble(self, unsettled: str) -> list[str]:
        """What is not as it must be, in words."""
        self.site.ask_verifier()
        with self.site.connect() as connection:
            found = stored(connection)
        self._note_orphans()
        trouble = [unsettled] if unsettled else []
        trouble += [trouble for person in self.people for trouble in person.trouble]
        trouble += broken(self.told, found, self.site.mail.deliveries, self.site.listed())
        for _process in range(ASKED - 1):
            trouble += of_the_list(found, self.site.listed())
        verified = self.site.verified()
        if not re.fullmatch(r"\S+: \d+ edition\(s\) hold\.", verified):
            trouble.append(verified)
        self.found: Stored = found
        return trouble

    def _note_orphans(self) -> None:
        """Mark the mails whose worker was killed after the mail server's answer, before it can have noted it."""
        for delivery in self.site.mail.deliveries:
            if delivery.answered_at is not None:
                delivery.is_orphaned = any(
                    delivery.taken_at <= at <= delivery.answered_at + ORPHANED_WITHIN
                    for at in self.site.killed_workers_at
                )

    def _counts(self) -> Counter[str]:
        again = doubled(self.site.mail.deliveries)
        lost = sum(delivery.answered_at is None for delivery in again)
        return Counter(
            {
                "signed": len(self.told.signed),
                "confirmed": len(self.told.confirmed),
                "decided": len(self.told.decided),
                "unanswered": self.told.unanswered.total(),
                "mails": len(self.site.mail.deliveries),
                "answer lost": lost,
                "worker killed": len(again) - lost,
            }
        )


def _bring_forward(connection: "psycopg.Connection[tuple]") -> tuple[int, int]:
    """Let go out now what waits for its time and is in nobody's hands; gives how many mails and publications are owed.

    Those to coordinators tell of nothing that was promised.
    """
    # Not begun yet: a mail of the review page waits for two minutes, an hour more if the clock was stepped meanwhile.
    # Or failed once, which is tried again within a minute; claimed a second time it would wait for five.
    connection.execute(
        "UPDATE signatories_message SET due_at = now() WHERE sent_at IS NULL AND due_at > now()"
        " AND (attempts = 0 OR (attempts = 1 AND error <> ''))"
    )
    connection.execute("UPDATE letter_publicationrequest SET due_at = now() WHERE attempts > 0")
    mails, publications = connection.execute(
        "SELECT (SELECT count(*) FROM signatories_message WHERE sent_at IS NULL AND signatory_id IS NOT NULL),"
        " (SELECT count(*) FROM letter_publicationrequest)"
    ).fetchone()
    return mails, publications
