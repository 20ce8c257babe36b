"""The public pages. None of them reads a cookie, except a draft's preview, which is for those who are signed in."""

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone, translation
from django.utils.html import escape
from django.views.decorators.http import require_safe

from letter import documents, serving
from letter.models import Letter, Text

INDEX_LENGTH = 100


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The letter, where just one is public; else the index of letters."""
    slugs = serving.public_slugs()
    if len(slugs) == 1:
        return page(request, slugs[0])
    now = timezone.now()
    letters = []
    for letter in Letter.objects.filter(slug__in=slugs[:INDEX_LENGTH]).order_by("-created_at"):
        edition = letter.newest_edition()
        letters.append(
            {
                "title": letter.title,
                "url": letter.get_absolute_url(),
                "organization_count": edition.organization_count if edition else 0,
                "closes_text": documents.closes_text(letter),
                "status": letter.status(at=now),
            }
        )
    response = render(request, "letter/index.html", {"letters": letters})
    response["Cache-Control"] = serving.CACHE_CONTROL
    return response


@require_safe
def page(request: HttpRequest, slug: str, language: str = "") -> HttpResponse:
    """The live letter; a draft only for those who may see it in the admin."""
    served = serving.find(slug, "page", language, at=timezone.now())
    if served is not None:
        return serving.respond(request, served)
    letter = get_object_or_404(Letter, slug=slug)
    is_readable = letter.state == Letter.State.DRAFT and request.user.has_perm("letter.view_letter")
    if not is_readable or not Letter.objects.entrusted_to(request.user).contains(letter):
        raise Http404
    return preview(request, letter, language)


def preview(request: HttpRequest, letter: Letter, language: str = "") -> HttpResponse:
    """The page as it would look now, for those who edit it: never stored, never cached."""
    revision = letter.revisions.order_by("-number").first()
    texts = revision.texts() if revision else {}
    language = language or letter.default_language
    if language not in texts:
        return render(request, "letter/no_text.html", {"letter": letter}, status=404)
    return preview_of(request, letter, texts, language)


def preview_of(
    request: HttpRequest,
    letter: Letter,
    texts: Mapping[str, Text],
    language: str,
) -> HttpResponse:
    """The page made of these texts, saved or not."""
    listings = list(letter.listings.current().in_order()) if letter.pk else []
    with translation.override(language), timezone.override(letter.zone):
        context = documents.page_context(
            letter,
            texts,
            language,
            status=letter.status(at=timezone.now()),
            edition=None,
            signatories_html=documents.signatories_html(letter, listings),
            organization_count=len(listings),
            country_count=len({code for listing in listings for code in listing.countries}),
        )
        response = render(request, "letter/letter.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
def signatories_json(request: HttpRequest, slug: str) -> HttpResponse:
    return _list_document(request, slug, "json")


@require_safe
def signatories_csv(request: HttpRequest, slug: str) -> HttpResponse:
    response = _list_document(request, slug, "csv")
    response["Content-Disposition"] = f'attachment; filename="{escape(slug)}-signatories.csv"'
    return response


def _list_document(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    served = serving.find(slug, kind, at=timezone.now())
    if served is None:
        raise Http404
    return serving.respond(request, served)
