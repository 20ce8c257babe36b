"""What runs beside the requests: publications and mails that are due, and the daily cleaning.

The tables are the queue: a request for publication or a mail is a row written in the transaction that
causes it, and is done with in another. So nothing is lost when a process dies, wherever it is: the row is
still there, and the next worker takes it up. Any number of workers may run, on any number of machines.
"""

import logging
import threading
import time
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import Max
from django.utils import timezone

from letter.background import bell, listen
from letter.metrics import PUBLICATION_SECONDS
from letter.models import Letter, PublicationRequest
from letter.publishing import publish, request_publication
from signatories import retention
from signatories.evidence import assess_due
from signatories.lines import approved_lines
from signatories.mail import send_next
from signatories.moderation import ask_to_sign_again, mail_updates, tell_of_delays

logger = logging.getLogger(__name__)

# How often to look although nobody rang: another process may have left something.
LOOK_EVERY: Final = 0.5  # seconds
# Readers wait for publications, so whether there is one is asked more often where other processes are not heard.
GLANCE_EVERY: Final = 0.05  # seconds
CLEAN_EVERY: Final = timedelta(hours=1)
# A list that takes longer to publish rests as long again, so that what comes meanwhile comes out together, and
# mails and other letters have their turn in the most crowded hour.
LONG: Final = 0.1  # seconds
MOMENT: Final = 0.02  # seconds
# After the n-th failed publication, wait so long; then as long as the last, for ever.
PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 60, 300, 900))

# When the worker of this process last began something, by the monotonic clock.
_last_step = 0.0
_is_in_background = False
_resting: dict[int, float] = {}  # letters, by primary key, and until when, by the monotonic clock


def run_due(*, at: datetime | None = None, stop: threading.Event | None = None) -> None:
    """Do all that is due now: before each mail, what is to be published, so that no list waits for mails.

    Told to stop, it finishes what it has begun; however much more there is, it is there for the next worker.
    """
    mail_updates(at=at or timezone.now())
    while not (stop and stop.is_set()) and (
        _publish_next(at or timezone.now())
        or send_next(at=at or timezone.now())
        or _await_resting(at or timezone.now())
    ):
        _note_step()
    # One batch: what comes in meanwhile, and its mails, are not to wait for the rest.
    assess_due(at or timezone.now())


def _publish_next(at: datetime) -> bool:
    """Publish one letter that asks for it and does not rest; give whether there was one."""
    begun = time.monotonic()
    for letter_id in [key for key, until in _resting.items() if until <= begun]:
        del _resting[letter_id]
    waiting = PublicationRequest.objects.filter(due_at__lte=at)
    due = waiting.exclude(letter__in=list(_resting)).order_by("due_at", "pk").first()
    if due is None:
        return False
    outcome = "failed"
    try:
        with transaction.atomic():
            edition = publish(due.letter_id, approved_lines, at=at)
            if edition is not None:
                ask_to_sign_again(edition.letter, at=at)
        outcome = "edition" if edition else "unchanged"
    except Exception as error:
        logger.exception("letter %s could not be published", due.letter_id)
        _postpone(due, error, at)
    took = time.monotonic() - begun
    PUBLICATION_SECONDS.labels(outcome).observe(took)
    if took > LONG:
        _resting[due.letter_id] = time.monotonic() + took
    return True


def _await_resting(at: datetime) -> bool:
    """Wait a moment where a letter is asked for that rests; give whether there is one."""
    resting = PublicationRequest.objects.filter(due_at__lte=at, letter__in=list(_resting))
    if not resting.exists():
        return False
    time.sleep(MOMENT)
    return True


def _postpone(due: PublicationRequest, error: Exception, at: datetime) -> None:
    waiting = PublicationRequest.objects.filter(letter_id=due.letter_id)
    # Of all that wait: an approval made meanwhile does not set the pauses back.
    attempts = (waiting.aggregate(most=Max("attempts"))["most"] or 0) + 1
    waiting.update(
        attempts=attempts,
        due_at=at + PAUSES[min(attempts, len(PAUSES)) - 1],
        error=f"{type(error).__name__}: {error}"[:200],
    )


def request_all() -> None:
    """Have every public letter looked over: a new version of the program may print pages differently."""
    with transaction.atomic():
        for letter in Letter.objects.public():
            request_publication(letter, at=timezone.now())


def work(stop: threading.Event) -> None:
    """Do what is due, wait for the bell or half a second, and so on until told to stop."""
    cleaned_at: datetime | None = None
    is_new = True
    threading.Thread(target=listen, args=(stop,), name="listening", daemon=True).start()
    while not stop.is_set():
        _note_step()
        bell.clear()
        try:
            close_old_connections()
            if is_new:
                request_all()
                is_new = False
            run_due(stop=stop)
            if cleaned_at is None or timezone.now() - cleaned_at > CLEAN_EVERY:
                retention.purge(at=timezone.now())
                tell_of_delays(at=timezone.now())
                cleaned_at = timezone.now()
            _wait()
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
        if PublicationRequest.objects.filter(due_at__lte=timezone.now()).exists():
            return


def _note_step() -> None:
    global _last_step  # noqa: PLW0603 - one worker in a process
    _last_step = time.monotonic()


def silent_for() -> float | None:
    """Seconds since this process's worker in the background last went on; None where it has none."""
    return time.monotonic() - _last_step if _is_in_background else None


def start_in_background() -> threading.Thread:
    """Start a worker in a thread of this process; it ends with the process."""
    global _is_in_background  # noqa: PLW0603 - as above
    _is_in_background = True
    _note_step()
    thread = threading.Thread(target=work, args=(threading.Event(),), name="worker", daemon=True)
    thread.start()
    return thread
