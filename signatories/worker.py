"""What runs beside the requests: publications and mails that are due, and the daily cleaning.

The tables are the queue: a request for publication or a mail is a row written in the transaction that
causes it, and is done with in another. So nothing is lost when a process dies, wherever it is: the row is
still there, and the next worker takes it up. Any number of workers may run, on any number of machines.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import close_old_connections, connection, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from letter.background import bell, listen
from letter.metrics import PUBLICATION_SECONDS
from letter.models import Letter, PublicationRequest
from letter.publishing import publish, request_publication
from signatories import retention
from signatories.evidence import assess_due
from signatories.lines import approved_lines
from signatories.mail import note_taken, send_next
from signatories.moderation import ask_to_sign_again, mail_updates, tell_of_delays

logger = logging.getLogger(__name__)

# How often to look although nobody rang: another process may have left something.
LOOK_EVERY: Final = 0.5  # seconds
# Readers wait for publications, so whether there is one is asked more often where other processes are not heard.
GLANCE_EVERY: Final = 0.05  # seconds
CLEAN_EVERY: Final = timedelta(hours=1)
# A list that takes longer to publish rests as long again, so that what comes meanwhile comes out together, and
# other letters have their turn in the most crowded hour.
LONG: Final = 0.1  # seconds
MOMENT: Final = 0.02  # seconds
# Mails go out for so long at most before other things have their turn: a mail server may hang for every one of them.
MAILS_FOR: Final = 10.0  # seconds
# After the n-th failed publication, wait so long; then as long as the last, for ever.
PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 60, 300, 900))

# When each of this process's lines of work last began something, by the monotonic clock.
_last_steps: dict[str, float] = {}
_is_in_background = False
_publishing = threading.Lock()
_resting: dict[int, float] = {}  # letters, by primary key, and until when, by the monotonic clock


def run_due(*, at: datetime | None = None) -> None:
    """Do all that is due now: publications first, then what their mails and all others say."""
    publish_due(at=at)
    while see_to_the_rest(at=at):
        pass


def publish_due(*, at: datetime | None = None, stop: threading.Event | None = None) -> None:
    """Publish every letter that asks for it. Told to stop, it finishes the one that it has begun."""
    while not (stop and stop.is_set()) and (
        _publish_next(at or timezone.now()) or _await_others(at or timezone.now())
    ):
        _note_step("publishing")


def see_to_the_rest(*, at: datetime | None = None, stop: threading.Event | None = None) -> bool:
    """Send what is due, then assess what has come in; give whether there may be more.

    However much more there is, it is there for the next round, or the next worker.
    """
    mail_updates(at=at or timezone.now())
    until = time.monotonic() + MAILS_FOR
    is_more = True
    while is_more and not (stop and stop.is_set()) and time.monotonic() < until:
        _note_step("mails")
        _let_publish()
        is_more = send_next(at=at or timezone.now())
    # One batch: the mails of what comes in meanwhile are not to wait for the rest.
    _let_publish()
    assessed = assess_due(at or timezone.now())
    return is_more or bool(assessed)


def _let_publish() -> None:
    """Wait while something is published: two would share one core of Python, and SQLite has one writer."""
    with _publishing:
        pass


def _publish_next(at: datetime) -> bool:
    """Publish one letter that asks for it, does not rest and is nobody else's; give whether there was one."""
    now = time.monotonic()
    for letter_id in [key for key, until in _resting.items() if until <= now]:
        del _resting[letter_id]
    # Asked outside a transaction first, which on SQLite would take the writer's lock for nothing.
    if not _waiting(at).exists():
        return False
    with _publishing, transaction.atomic():
        letter = _claimed(at)
        if letter is None:
            return False
        outcome = "failed"
        begun = time.monotonic()
        try:
            with transaction.atomic():
                edition = publish(letter.pk, approved_lines, at=at)
                if edition is not None:
                    ask_to_sign_again(edition.letter, at=at)
            outcome = "edition" if edition else "unchanged"
        except Exception as error:
            logger.exception("letter %s could not be published", letter.pk)
            _postpone(letter.pk, error, at)
    took = time.monotonic() - begun
    PUBLICATION_SECONDS.labels(outcome).observe(took)
    if took > LONG:
        _resting[letter.pk] = time.monotonic() + took
    return True


def _waiting(at: datetime) -> QuerySet[Letter]:
    """The letters that ask for it and do not rest, once for each of their requests."""
    asking = Letter.objects.filter(publication_requests__in=PublicationRequest.objects.due(at))
    return asking.exclude(pk__in=list(_resting))


def _claimed(at: datetime) -> Letter | None:
    """The letter that has waited longest, with its row locked; on PostgreSQL past those that others have locked.

    So several workers publish several letters side by side. SQLite has one writer, who has all.
    """
    can_skip = connection.features.has_select_for_update_skip_locked
    return (
        _waiting(at)
        .order_by("publication_requests__due_at", "publication_requests__pk")
        .select_for_update(of=("self",) if can_skip else (), skip_locked=can_skip, no_key=can_skip)
        .first()
    )


def _await_others(at: datetime) -> bool:
    """Wait a moment where a letter is asked for that rests or is another worker's; give whether there is one."""
    if not PublicationRequest.objects.due(at).exists():
        return False
    time.sleep(MOMENT)
    return True


def _postpone(letter_id: int, error: Exception, at: datetime) -> None:
    waiting = PublicationRequest.objects.filter(letter_id=letter_id)
    # Of all that wait: an approval made meanwhile does not set the pauses back.
    attempts = (waiting.aggregate(most=Max("attempts"))["most"] or 0) + 1
    waiting.update(
        attempts=attempts,
        due_at=at + PAUSES[min(attempts, len(PAUSES)) - 1],
        # Its words may quote whatever was read; the log has them, cleaned.
        error=type(error).__name__,
    )


def request_all() -> None:
    """Have every public letter looked over: a new version of the program may print pages differently."""
    with transaction.atomic():
        for letter in Letter.objects.public():
            request_publication(letter, at=timezone.now())


def work(stop: threading.Event) -> None:
    """Do what is due until told to stop, in two lines of work.

    Readers wait for publications, and a mail server, a domain or a list that came in can take any time. So those
    wait for none of these.
    """
    threading.Thread(target=listen, args=(stop,), name="listening", daemon=True).start()
    publishing = threading.Thread(
        target=_publish_until, args=(stop,), name="publishing", daemon=True
    )
    publishing.start()
    cleaned_at: datetime | None = None
    while not stop.is_set():
        with _going_on("mails", stop):
            is_more = see_to_the_rest(stop=stop)
            if cleaned_at is None or timezone.now() - cleaned_at > CLEAN_EVERY:
                retention.purge(at=timezone.now())
                tell_of_delays(at=timezone.now())
                cleaned_at = timezone.now()
            if not is_more:
                stop.wait(LOOK_EVERY)
    with _going_on("mails", stop):
        note_taken()
    publishing.join()


def _publish_until(stop: threading.Event) -> None:
    is_new = True
    while not stop.is_set():
        bell.clear()
        with _going_on("publishing", stop):
            if is_new:
                request_all()
                is_new = False
            publish_due(stop=stop)
            _wait()


@contextmanager
def _going_on(line: str, stop: threading.Event) -> Iterator[None]:
    """One round of a line of work, after which the next comes, whatever happened."""
    _note_step(line)
    try:
        close_old_connections()
        yield
    except Exception:
        logger.exception("the worker was interrupted; trying again")
        stop.wait(LOOK_EVERY * 4)
    finally:
        close_old_connections()


def _wait() -> None:
    """Wait for the bell, or for a letter that is to be published, or for LOOK_EVERY."""
    if settings.CACHE_URL:
        bell.wait(LOOK_EVERY)  # Redis rings it for other processes, too
        return
    until = time.monotonic() + LOOK_EVERY
    while not bell.wait(GLANCE_EVERY) and time.monotonic() < until:
        if PublicationRequest.objects.due(timezone.now()).exists():
            return


def _note_step(line: str) -> None:
    _last_steps[line] = time.monotonic()


def silent_for() -> float | None:
    """Seconds since the slower line of this process's worker in the background last went on; None without one."""
    return time.monotonic() - min(_last_steps.values()) if _is_in_background else None


def start_in_background() -> threading.Thread:
    """Start a worker in a thread of this process; it ends with the process."""
    global _is_in_background  # noqa: PLW0603 - one worker in a process
    for line in ("publishing", "mails"):
        _note_step(line)
    _is_in_background = True
    thread = threading.Thread(target=work, args=(threading.Event(),), name="worker", daemon=True)
    thread.start()
    return thread
