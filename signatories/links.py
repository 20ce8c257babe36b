"""The links in mails: a secret for the contact, its hash for the database."""

from django.conf import settings
from django.urls import reverse

from signatories.models import Link, Signatory, Vouch
from signatories.tokens import new_token, token_hash


def new_link(signatory: Signatory) -> str:
    """A fresh secret that opens this sign-on; every mail has its own, and all of them work."""
    token = new_token()
    Link.objects.create(signatory=signatory, token_hash=token_hash(token))
    return token


def find(slug: str, token: str) -> Signatory | None:
    """The sign-on that a secret opens, on the letter of that slug; None if there is none (any more)."""
    link = (
        Link.objects.select_related("signatory__letter")
        .filter(token_hash=token_hash(token), signatory__letter__slug=slug)
        .first()
    )
    return link.signatory if link else None


def new_vouch_link(vouch: Vouch) -> str:
    """A fresh secret for the organisation that is asked; it opens the question and nothing else."""
    token = new_token()
    vouch.token_hash = token_hash(token)
    vouch.save(update_fields=["token_hash"])
    return token


def find_vouch(slug: str, token: str) -> Vouch | None:
    """The question that a secret opens, on the letter of that slug; None if there is none (any more)."""
    return (
        Vouch.objects.select_related("signatory__letter", "signatory__revision")
        .filter(token_hash=token_hash(token), signatory__letter__slug=slug)
        .first()
    )


def absolute(view: str, *args: str) -> str:
    """The full address of a page of this app, for mails."""
    return settings.BASE_URL + reverse(f"signatories:{view}", args=args)
