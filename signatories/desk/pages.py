"""What every page of the desk begins with."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from letter.models import Letter
from signatories.models import Signatory

DIGITS_AT_MOST = 18  # of a primary key


def page_context(request: HttpRequest, title: str) -> dict[str, Any]:
    """The context of templates/admin/signatories/signatory/desk.html; `media` may be added to it."""
    return {**admin.site.each_context(request), "title": title, "opts": Signatory._meta}


def number_in(text: str | None) -> int | None:
    """A primary key or a version from a form or an address; None for anything else."""
    is_number = text and text.isascii() and text.isdecimal() and len(text) <= DIGITS_AT_MOST
    return int(text) if text and is_number else None


def back_to_review(came_from: str | None, **query: int) -> str:
    """The review that a page was opened from, by what it was handed: its letter's primary key, or nothing for all."""
    return review_url(Letter.objects.filter(pk=number_in(came_from) or 0).first(), **query)


def review_url(letter: Letter | None, **query: int) -> str:
    """The review of one letter's entries or of all; `entry` is one to begin with."""
    if letter is not None:
        query["letter"] = letter.pk
    url = reverse("admin:signatories_signatory_review")
    return f"{url}?{'&'.join(f'{name}={value}' for name, value in query.items())}" if query else url
