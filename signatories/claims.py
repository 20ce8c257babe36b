"""Who has which entry open for review, so that two coordinators never get the same."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

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
    waiting = Signatory.objects.entrusted_to(user).pending().for_desk().filter(_is_free(user, at))
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


def _is_free(user: Any, at: datetime) -> Q:
    """Neither before a colleague's eyes at this moment nor assigned to one who works on the letter."""
    unclaimed = Q(claimed_by=None) | Q(claimed_by=user) | Q(claimed_until__lt=at)
    # Of those who left, or lost the letter, the entries would be nobody's.
    everywhere = get_user_model().objects.with_perm(
        "letter.all_letters", backend="django.contrib.auth.backends.ModelBackend"
    )
    here = Letter.coordinators.through.objects.filter(
        letter=OuterRef("letter"), user=OuterRef("assigned_to"), user__is_active=True
    )
    works_on_it = Q(assigned_to__in=everywhere.values("pk")) | Q(Exists(here))
    return unclaimed & (Q(assigned_to=None) | Q(assigned_to=user) | ~works_on_it)


def release(user: Any) -> None:
    """Give back what a coordinator had open for review."""
    Signatory.objects.filter(claimed_by=user).update(claimed_by=None, claimed_until=None)
