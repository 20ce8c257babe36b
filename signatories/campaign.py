"""What a campaign comes to in numbers: how it grows, from where, and what waits for somebody."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.models import (
    BigIntegerField,
    CharField,
    Count,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Cast, Substr

from letter.countries import country_name
from letter.models import Edition, Letter, PublicationRequest
from signatories.models import Correction, Message, Signatory
from signatories.retention import CONFIRM_WITHIN

CLOSING_SOON: Final = timedelta(days=3)
EXPIRING_SOON: Final = timedelta(days=1)


@dataclass(frozen=True)
class Day:
    """How many sign-ons there were by the end of a day."""

    date: date
    came_in: int
    confirmed: int
    approved: int


@dataclass(frozen=True)
class StateCount:
    """How many sign-ons are in a state."""

    state: Signatory.State
    count: int


@dataclass(frozen=True)
class CountryCount:
    """How many approved organisations there are from a country."""

    code: str
    name: str
    count: int


@dataclass(frozen=True)
class Queue:
    """What waits for a coordinator, and since when: half of it longer than since `median_since`."""

    count: int
    median_since: datetime | None = None
    oldest: Signatory | None = None


@dataclass(frozen=True)
class Attention:
    """What somebody should look at; everything zero or None if there is nothing."""

    mails_given_up: int
    publication_attempts: int
    publication_error: str
    closes_at: datetime | None
    unconfirmed: int
    expiring: int
    corrections: int
    late: int  # entries that wait longer than their contacts were told

    @property
    def is_needed(self) -> bool:
        """Whether there is anything; an unconfirmed address alone is the contact's business."""
        return bool(
            self.mails_given_up
            or self.publication_attempts
            or self.closes_at
            or self.expiring
            or self.corrections
            or self.late
        )


def days(letter: Letter) -> list[Day]:
    """The days on which something changed, with what there was by the end of each.

    What was purged unconfirmed is in none of them.
    """
    entries = Signatory.objects.for_letter(letter)
    per_day = [
        _per_day(field, each, letter.zone)
        for field, each in (
            ("submitted_at", entries),
            ("confirmed_at", entries.filter(confirmed_at__isnull=False)),
            ("approved_at", entries.approved()),
        )
    ]
    found = []
    came_in = confirmed = approved = 0
    for day in sorted(set(chain(*per_day))):
        came_in += per_day[0].get(day, 0)
        confirmed += per_day[1].get(day, 0)
        approved += per_day[2].get(day, 0)
        found.append(Day(day, came_in, confirmed, approved))
    return found


def _per_day(field: str, entries: QuerySet[Signatory], zone: ZoneInfo) -> Counter[date]:
    """How many there are on each day of the zone's calendar.

    Counted by the hour in UTC, by the minute where midnight is not on the hour, and put together to days here.
    """
    counts: Counter[date] = Counter()
    cut = _cut(field, is_on_the_hour=_is_on_the_hour(zone))
    for begun, count in entries.order_by().values_list(cut).annotate(count=Count("*")):
        if isinstance(begun, int):
            at = datetime.fromtimestamp(begun, zone)
        else:
            at = datetime.fromisoformat(begun).replace(tzinfo=UTC).astimezone(zone)
        counts[at.date()] += count
    return counts


def _cut(field: str, *, is_on_the_hour: bool) -> Func:
    """When an hour or minute began: in seconds since 1970 on PostgreSQL, as a text on SQLite.

    PostgreSQL takes long to write times down, and Python to read them. SQLite has no time zones, and would call a
    function of Python's for each row to cut times off.
    """
    if connection.vendor == "postgresql":
        unit = "1 hour" if is_on_the_hour else "1 minute"
        # Not DATE_TRUNC, which takes half as long again, nor EXTRACT, which counts in decimals.
        cut = f"DATE_BIN('{unit}', %(expressions)s, TIMESTAMPTZ 'epoch')"
        return Func(
            field,
            template=f"CAST(DATE_PART('epoch', {cut}) AS BIGINT)",
            output_field=BigIntegerField(),
        )
    size = len("2025-03-03 09" if is_on_the_hour else "2025-03-03 09:00")
    return Substr(Cast(field, CharField()), 1, size)


def _is_on_the_hour(zone: ZoneInfo) -> bool:
    offsets = (datetime(2025, month, 1, tzinfo=zone).utcoffset() for month in (1, 7))
    return not any((offset or timedelta()) % timedelta(hours=1) for offset in offsets)


def state_counts(letter: Letter) -> list[StateCount]:
    """How many are in each state, none left out, in the order in which a sign-on goes through them."""
    counts = dict(
        Signatory.objects.for_letter(letter)
        .values_list("state")
        .annotate(count=Count("*"))
        .order_by("state")
    )
    return [StateCount(state, counts.get(state.value, 0)) for state in Signatory.State]


def country_counts(letter: Letter) -> list[CountryCount]:
    """Approved organisations by country, the most first; one with two countries counts in both."""
    # The databases have no common way to count within a JSON list, but equal lists they can count.
    lists = Signatory.objects.for_letter(letter).approved().order_by().values_list("countries")
    counts: Counter[str] = Counter()
    for codes, count in lists.annotate(count=Count("*")):
        for code in codes:
            counts[code] += count
    named = [CountryCount(code, country_name(code), count) for code, count in counts.items()]
    return sorted(named, key=lambda each: (-each.count, each.name))


def countries_named(letters: QuerySet[Letter]) -> list[list[str]]:
    """The lists of countries that entries of some letters name, each once.

    Neither database skips from one value to the next when it is asked for those that are distinct, so this does: it
    takes as many steps in the index as there are such lists, however many entries name them.
    """
    next_of = "SELECT countries FROM signatories_signatory WHERE letter_id = {letter}{more} ORDER BY countries LIMIT 1"
    first = next_of.format(letter="letter.id", more="")
    following = next_of.format(letter="named.letter_id", more=" AND countries > named.countries")
    query, values = letters.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE letter (id) AS ({query}), named (letter_id, countries) AS ("  # noqa: S608  our own words
            f"SELECT id, ({first}) FROM letter UNION ALL "
            f"SELECT letter_id, ({following}) FROM named WHERE countries IS NOT NULL) "
            "SELECT DISTINCT countries FROM named WHERE countries IS NOT NULL",
            values,
        )
        return [json.loads(countries) for (countries,) in cursor]


def queue(letter: Letter, states: Sequence[StateCount]) -> Queue:
    """What waits for a decision; of two medians the one that waits less long."""
    count = next(each.count for each in states if each.state == Signatory.State.PENDING)
    waiting = Signatory.objects.for_letter(letter).pending()
    oldest = waiting.oldest_first().first()
    times = waiting.order_by("submitted_at").values_list("submitted_at", flat=True)
    middle = times[count // 2 : count // 2 + 1].first()
    return Queue(count, middle, oldest)


def attention(letter: Letter, states: Sequence[StateCount], *, at: datetime) -> Attention:
    """What should not be left lying at `at`."""
    failed = letter.publication_requests.filter(attempts__gt=0).order_by("-attempts").first()
    closes_at = letter.cutoff_at or letter.closes_at
    is_closing = (
        letter.takes_signatures(at=at) and closes_at is not None and closes_at <= at + CLOSING_SOON
    )
    return Attention(
        mails_given_up=Message.objects.filter(
            letter=letter, given_up_at__isnull=False, sent_at__isnull=True
        ).count(),
        publication_attempts=failed.attempts if failed else 0,
        publication_error=failed.error if failed else "",
        closes_at=closes_at if is_closing else None,
        unconfirmed=next(each.count for each in states if each.state == Signatory.State.SUBMITTED),
        expiring=Signatory.objects.for_letter(letter)
        .filter(
            state=Signatory.State.SUBMITTED,
            submitted_at__lt=at - CONFIRM_WITHIN + EXPIRING_SOON,
        )
        .count(),
        corrections=Correction.objects.filter(
            signatory__letter=letter, settled_at__isnull=True
        ).count(),
        late=Signatory.objects.for_letter(letter)
        .pending()
        .filter(submitted_at__lt=at - settings.DECIDE_WITHIN)
        .count(),
    )


@dataclass(frozen=True)
class Overview:
    """A letter in the list of letters."""

    letter: Letter
    listed: int
    waiting: int
    has_failure: bool


def overviews(letters: QuerySet[Letter]) -> list[Overview]:
    """Letters with how they stand: those that are open first, in one query."""
    newest = Edition.objects.filter(letter=OuterRef("pk")).order_by("-number")
    # Per letter in a subquery: a join of both counts would multiply them.
    waiting = (
        Signatory.objects.filter(letter=OuterRef("pk"), state=Signatory.State.PENDING)
        .order_by()
        .values("letter")
        .annotate(count=Count("*"))
        .values("count")
    )
    mails = Message.objects.filter(
        letter=OuterRef("pk"), given_up_at__isnull=False, sent_at__isnull=True
    )
    requests = PublicationRequest.objects.filter(letter=OuterRef("pk"), attempts__gt=0)
    annotated: QuerySet[Any] = letters.annotate(
        listed=Subquery(newest.values("organization_count")[:1]),
        waiting=Subquery(waiting),
        has_failure=Exists(mails) | Exists(requests),
        is_open=Q(state=Letter.State.OPEN),
    ).order_by(F("is_open").desc(), "-created_at", "-pk")
    return [
        Overview(each, each.listed or 0, each.waiting or 0, each.has_failure) for each in annotated
    ]
