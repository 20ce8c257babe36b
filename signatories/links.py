"""The links in mails: a secret for the contact, its hash for the database."""

from django.conf import settings
from django.urls import reverse

from signatories.models import Link, Signatory
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


def absolute(view: str, *args: str) -> str:
    """The full address of a page of this app, for mails."""
    return settings.BASE_URL + reverse(f"signatories:{view}", args=args)
