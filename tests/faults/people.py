"""Who signs, confirms and decides while parts of the site fail, and what they were told.

A person is a thread that waits for its turn: so many things to do, or until told to stop. No answer, or one that says
that something went wrong, is no promise; what was promised is noted in `Told`, and held against the database later.
"""

import itertools
import queue
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from lxml import html

from tests.faults.site import COORDINATORS, SLUG, Site
from tests.several_nodes import people
from tests.several_nodes.people import (
    REVIEW,
    Answer,
    Browser,
    NoAnswer,
    Person,
    fields_to_decide,
    filled,
)

SIGNERS, CONTACTS = 9, 4
PAUSE = 0.5  # seconds at most between two things that somebody does
DECISIONS = {"approve": 70, "reject": 15, "return": 15}  # out of a hundred
SYLLABLES = re.findall("..", "badofegikalomunepirasotuvawezicyduhyjotixovy")

T = TypeVar("T")


@dataclass
class Told:
    """What everybody did and was told so far. Each address signs for one organisation, once."""

    tried: set[str] = field(default_factory=set)
    signed: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)
    decided: list[tuple[int, str]] = field(default_factory=list)  # the entry's number, the event
    unanswered: Counter[str] = field(default_factory=Counter)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)


class Guest(Browser):
    # Whatever went wrong: nothing is promised then. 400 is what Django says where it could not save the session.
    no_answer = frozenset({400, *range(500, 600)})


@dataclass
class Visitor(Person):
    """What these people have in common; `turns` are how many things to do in each, None is the last."""

    told: Told = field(kw_only=True)
    chance: random.Random = field(kw_only=True)
    turns: "queue.Queue[int | None]" = field(default_factory=queue.Queue)

    what = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.browser = Guest(self.site.url)

    __hash__ = Person.__hash__

    def run(self) -> None:
        while (count := self.turns.get()) is not None:
            done = 0
            while done < count and not self.told_to_stop.is_set():
                try:
                    done += self.do_one()
                except NoAnswer:
                    time.sleep(0.1)
                except Exception as error:
                    self.trouble.append(f"{type(self).__name__}: {type(error).__name__}: {error}")
                    done += 1
                self.told_to_stop.wait(self.chance.uniform(0, PAUSE))
            self.turns.task_done()
        self.browser.close()

    def do_one(self) -> bool:
        """Do something; gives whether it is done, and raises NoAnswer where it is to be begun anew."""
        raise NotImplementedError

    def until_answered(self, ask: Callable[[], T]) -> T:
        """These ask once: what becomes of what had no answer is what is to be seen."""
        return ask()

    def pressed(self, path: str, fields: list[tuple[str, str]]) -> Answer:
        try:
            return self.browser.post(path, fields)
        except NoAnswer:
            self.told.unanswered[self.what] += 1
            raise


class Signer(Visitor):
    """Signs; every third presses twice, and half of those who got no answer press again."""

    what = "sign-ons"
    _form: list[tuple[str, str]] | None = None  # as it was opened, which serves for some more

    def do_one(self) -> bool:
        path = f"/{SLUG}/sign/"
        # A network of its own for each, as organisations have.
        self.browser.headers["X-Forwarded-For"] = f"81.{self._some()}.{self._some()}.7"
        if self._form is None or self.chance.random() < 1 / 4:
            self._form = self.browser.form(path, having="organization")
        address = f"office@body-{next(self.told.numbers)}.org"
        sent = filled(self._form, self._made_up(), address=address)
        self.told.tried.add(address)
        presses = 2 if self.chance.random() < 1 / 3 else 1
        while presses:
            presses -= 1
            try:
                answer = self.pressed(path, sent)
            except NoAnswer:
                presses += self.chance.random() < 1 / 2
                self.told_to_stop.wait(self.chance.uniform(PAUSE, 2 * PAUSE))
                continue
            assert (answer.status, answer.place) == (302, f"{path}sent/"), answer.status
            self.told.signed.add(address)
        return True

    def _some(self) -> int:
        return self.chance.randrange(1, 255)

    def _made_up(self) -> str:
        words = ("".join(self.chance.choices(SYLLABLES, k=3)).capitalize() for _word in range(3))
        return " ".join(words)


class Contact(Visitor, people.Contact):
    """Opens the links that came by mail and confirms; who gets no answer tries again later."""

    what = "confirmations"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.confirmed = self.told.confirmed

    def do_one(self) -> bool:
        try:
            address, path = self.site.mail.inbox.get(timeout=0.1)
        except queue.Empty:
            return False
        try:
            self.confirm(address, path)
        except NoAnswer:
            self.site.mail.inbox.put((address, path))
            raise
        return True


class Coordinator(Visitor, people.Coordinator):
    """Decides about one entry after the other, on the review page."""

    what = "decisions"
    _asked: tuple[int, str] | None = None  # of which the page is still to say what became
    _fields: list[tuple[str, str]] = []  # of the entry that they have before them

    def do_one(self) -> bool:
        if not self.is_in:
            self.log_in()
        if not self._fields:
            self._look()
        fields, self._fields = self._fields, []
        if not fields:
            return False
        (event,) = self.chance.choices([*DECISIONS], [*DECISIONS.values()])
        sent = [*fields, ("decision", event), (f"reason_{event}", "We could not reach you.")]
        answer = self.pressed(REVIEW, sent)
        assert answer.status in {302, 409}, answer.status
        if answer.status == 302:
            self._asked = (int(dict(fields)["entry"]), event)
            self._look()
        return True

    def _look(self) -> None:
        """At the review page, on which stands what became of the last decision, and the next entry."""
        page = self.browser.get(REVIEW)
        assert page.status == 200, page.status
        if self._asked:
            if html.fromstring(page.body).xpath("//ul[@class='messagelist']/li[@class='success']"):
                self.told.decided.append(self._asked)
            self._asked = None
        self._fields = fields_to_decide(page)


def everybody(site: Site, told: Told, seed: str) -> list[Visitor]:
    """Sixteen people, who wait for their first turn."""
    kinds = [Signer] * SIGNERS + [Contact] * CONTACTS + [Coordinator] * COORDINATORS
    firsts = {kind: kinds.index(kind) for kind in kinds}
    return [
        kind(
            site,
            SLUG,
            place - firsts[kind],
            told_to_stop=threading.Event(),
            told=told,
            chance=random.Random(f"{seed} {place}"),
        )
        for place, kind in enumerate(kinds)
    ]
