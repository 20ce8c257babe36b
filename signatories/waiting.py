"""How long what is owed has been waiting: for whoever watches the site (config/metrics.py, config/readiness.py)."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from letter.models import PublicationRequest
from signatories.models import Message, Signatory


@dataclass(frozen=True)
class Waiting:
    """Ages in seconds, 0 where nothing waits; "overdue" is the time since the next attempt should have been made."""

    publication_age: float
    publication_overdue: float
    publications_failing: int  # letters whose last attempt failed
    mail_age: float
    mail_overdue: float


def waiting(*, at: datetime) -> Waiting:
    """What waits at this moment for publication or to be sent; two queries over what is unfinished alone."""
    asked = PublicationRequest.objects.aggregate(
        oldest=Min("requested_at"),
        due=Min("due_at"),
        failing=Count("letter", distinct=True, filter=Q(attempts__gt=0)),
    )
    queued = Message.objects.unsent().aggregate(oldest=Min("created_at"), due=Min("due_at"))
    return Waiting(
        publication_age=_seconds_since(asked["oldest"], at),
        publication_overdue=_seconds_since(asked["due"], at),
        publications_failing=asked["failing"],
        mail_age=_seconds_since(queued["oldest"], at),
        mail_overdue=_seconds_since(queued["due"], at),
    )


def _seconds_since(moment: datetime | None, at: datetime) -> float:
    return max(0.0, (at - moment).total_seconds()) if moment else 0.0


def mail_went_out(*, since: datetime) -> bool:
    """Whether any mail was sent since a moment; looks at all there are, so to be asked only where some are late."""
    return Message.objects.filter(sent_at__gte=since).exists()


def mails_by_outcome() -> dict[str, int]:
    """How many mails were sent, wait for their first attempt, wait after a failed one, or were given up."""
    queued = Q(sent_at=None, given_up_at=None)
    return Message.objects.aggregate(
        sent=Count("pk", filter=Q(sent_at__isnull=False)),
        queued=Count("pk", filter=queued & Q(attempts=0)),
        failing=Count("pk", filter=queued & Q(attempts__gt=0)),
        given_up=Count("pk", filter=Q(given_up_at__isnull=False)),
    )


def sign_ons_waiting() -> int:
    """How many wait for a coordinator's decision, on all letters."""
    return Signatory.objects.pending().count()
