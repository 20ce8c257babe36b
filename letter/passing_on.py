"""The public addresses with which a letter is passed on: its share page, card, badges, short link, and the part of
it that other sites show. That part is the one page that may stand in a frame of another site.
"""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Final

from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from letter import paper, pictures, serving, sharing
from letter.documents import etag_of, page_url
from letter.models import Letter
from letter.paper import CannotBeMade
from letter.serving import Served

HTML: Final = "text/html; charset=utf-8"
# What others have put into their pages: a change of it, or of where it leads, reaches them within the hour.
_ELSEWHERE: Final = "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=604800"


def _public(slug: str) -> Letter:
    letter = serving.public_letter(slug)
    if letter is None or not serving.languages(letter):
        raise Http404
    return letter


def _for_others(
    request: HttpRequest, served: Served, cache_control: str = serving.CACHE_CONTROL
) -> HttpResponse:
    """An answer that pages of other sites may show, also those that ask what they load whether it wants that (COEP)."""
    response = serving.respond(request, served, cache_control)
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Cross-Origin-Embedder-Policy"] = "require-corp"
    return response


@require_safe
def share(request: HttpRequest, slug: str, language: str = "") -> HttpResponse:
    """How to pass the letter on."""
    letter = _public(slug)
    code = language or letter.default_language
    try:
        served = serving.remembered(
            letter, ("share", code), HTML, lambda: sharing.share_page(letter, code)
        )
    except LookupError as error:
        raise Http404 from error
    return serving.respond(request, served)


# Firefox, Chromium and Safari go by the policy alone; with X-Frame-Options beside it, older ones would refuse.
@csp_replace({"frame-ancestors": ["*"]})  # type: ignore[arg-type]  # django-csp knows views without arguments alone
@xframe_options_exempt
@require_safe
def embed(request: HttpRequest, slug: str, language: str = "") -> HttpResponse:
    """The letter in small, for a frame on another site; in that page's language, where it says which (`?language=`)."""
    letter = _public(slug)
    asked = request.GET.get("language", letter.default_language)
    code = language or sharing.nearest(asked, serving.languages(letter))
    # The letter may not be written in the language of the page around, but the button can speak it.
    around = "" if language or code == asked else sharing.spoken(asked)
    status = letter.status(at=timezone.now())
    try:
        served = serving.remembered(
            letter,
            ("embed", code, around, status),
            HTML,
            lambda: sharing.embed_page(letter, code, status, around),
        )
    except LookupError as error:
        raise Http404 from error
    response = _for_others(request, served)
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def embed_script(request: HttpRequest) -> HttpResponse:
    """The script that puts that frame into another site's page, under an address that stays."""
    return _for_others(request, _script(), _ELSEWHERE)


@cache
def _script() -> Served:
    body = (Path(__file__).parent / "embed.js").read_bytes()
    compressed = gzip.compress(body, 9, mtime=0)
    return Served("text/javascript; charset=utf-8", compressed, etag_of(body))


@require_safe
def card(request: HttpRequest, slug: str, number: int, language: str = "") -> HttpResponse:
    """The picture of the newest edition; made when it is first asked for. Of an earlier one, leads there."""
    letter = _public(slug)
    newest = serving.newest_number(letter)
    if not 1 <= number <= newest:
        raise Http404
    if number < newest:
        response = redirect(
            f"{page_url(letter, language or letter.default_language)}card-{newest}.png"
        )
        response["Cache-Control"] = serving.CACHE_CONTROL
        return response
    try:
        served = serving.find_or_make(slug, paper.CARD, language)
    except CannotBeMade as refusal:
        raise Http404 from refusal
    if served is None:
        raise Http404
    return _for_others(request, served, serving.PAST_CACHE_CONTROL)


@require_safe
def badge(
    request: HttpRequest, slug: str, line_id: str, kind: str, language: str = ""
) -> HttpResponse:
    """The picture with which an organisation that stands on the list today says so."""
    if kind not in pictures.IMAGE_TYPES:
        raise Http404
    letter = _public(slug)
    code = language or letter.default_language

    def make() -> bytes:
        words = sharing.badge_words(letter, line_id, code)
        key = ("badge", kind, json.dumps(words))
        return serving.drawn(
            key, pictures.IMAGE_TYPES[kind], lambda: pictures.badge(words, kind)
        ).body

    try:
        served = serving.remembered(
            letter, ("badge", kind, line_id, code), pictures.IMAGE_TYPES[kind], make
        )
    except (LookupError, CannotBeMade) as error:
        raise Http404 from error
    except serving.Busy:
        response = HttpResponse(status=503)
        response["Retry-After"] = serving.BUSY_FOR
        return response
    return _for_others(request, served, _ELSEWHERE)


@require_safe
def short(request: HttpRequest, pk: int) -> HttpResponse:
    """From the address on a poster to the letter."""
    letter = get_object_or_404(Letter.objects.public(), pk=pk)
    response = redirect(letter)
    response["Cache-Control"] = serving.PAST_CACHE_CONTROL
    return response


@require_safe
def qr(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The short address as a picture that phones read."""
    if kind not in pictures.IMAGE_TYPES:
        raise Http404
    letter = _public(slug)
    served = serving.remembered(
        letter, ("qr", kind), pictures.IMAGE_TYPES[kind], lambda: sharing.qr(letter, kind)
    )
    return _for_others(request, served, _ELSEWHERE)
