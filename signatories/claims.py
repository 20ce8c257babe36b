"""Who has which entry open for review, so that two coordinators never get the same."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from letter.models import Letter
from signatories.models import Signatory

# An entry that a coordinator looks at is given to nobody else for so long.
CLAIM: Final = timedelta(minutes=10)


@transaction.atomic
def next_for(
    user: Any,
    *,
    letter: Letter | None,
    skipped: Collection[int],
    at: datetime,
    first: int | None = None,
) -> Signatory | None:
    """The oldest entry that waits and that no colleague has before them; it is this person's for a while.

    `first` is an entry to be given before all others, if it can be. Whatever the person had before is
    given back.
    """
    release(user)
    waiting = Signatory.objects.entrusted_to(user).pending().free_for(user, at=at).for_desk()
    waiting = waiting.select_for_update(skip_locked=True, of=("self",)).oldest_first()
    signatory = waiting.filter(pk=first).first() if first else None
    if signatory is None:
        if letter is not None:
            waiting = waiting.for_letter(letter)
        signatory = waiting.exclude(pk__in=skipped).first()
    if signatory is not None:
        signatory.claimed_by, signatory.claimed_until = user, at + CLAIM
        signatory.save(update_fields=["claimed_by", "claimed_until"])
    return signatory


def release(user: Any) -> None:
    """Give back what a coordinator had open for review."""
    Signatory.objects.filter(claimed_by=user).update(claimed_by=None, claimed_until=None)
