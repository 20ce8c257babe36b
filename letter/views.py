"""The public pages. None of them reads a cookie, except a draft's preview, which is for those who are signed in."""

from collections.abc import Callable, Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import escape
from django.views.decorators.http import require_safe

from letter import by_country, documents, history, history_documents, serving
from letter.models import Letter, Text
from letter.paper import CannotBeMade, head_of
from letter.publishing import number_of

INDEX_LENGTH = 100
HTML = "text/html; charset=utf-8"


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
    served = serving.find_page(slug, language, at=timezone.now())
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
def line(request: HttpRequest, slug: str, line_id: str, language: str = "") -> HttpResponse:
    """Where a line of the list stands today; says so where it does not stand there any more."""
    letter = serving.public_letter(slug)
    if letter is None:
        raise Http404
    code = language or letter.default_language
    number = number_of(letter, line_id)
    if number is None:
        with translation.override(code):
            context = {"letter": letter, "base": documents.page_url(letter, code)}
            return render(request, "letter/no_line.html", context, status=404)
    response = redirect(f"{documents.page_url(letter, code)}#{documents.anchor_of(number)}")
    response["Cache-Control"] = serving.CACHE_CONTROL
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def signatories_json(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest edition's list with what it takes to verify it."""
    return _newest_list(request, slug, "application/json", history_documents.edition_json)


@require_safe
def signatories_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest edition's list for a spreadsheet."""
    csv = "text/csv; charset=utf-8"
    response = _newest_list(request, slug, csv, history_documents.edition_csv)
    response["Content-Disposition"] = f'attachment; filename="{escape(slug)}-signatories.csv"'
    return response


def _newest_list(
    request: HttpRequest, slug: str, content_type: str, make: Callable[[Letter, int], serving.Made]
) -> HttpResponse:
    letter = serving.public_letter(slug)
    number = serving.newest_number(letter) if letter else 0
    if letter is None or not number:
        raise Http404
    served = serving.remembered(
        letter, ("newest", content_type, number), content_type, lambda: make(letter, number)
    )
    return serving.respond(request, served)


@require_safe
def editions(request: HttpRequest, slug: str, language: str = "") -> HttpResponse:
    """Every edition: when, how many, who joined and who left."""
    letter, version = _with_past(slug)
    asked = request.GET.get("page", "1")
    page = int(asked) if asked.isdecimal() and len(asked) < 9 else 0
    if not 1 <= page <= history_documents.pages_of_editions(version[0]):
        raise Http404
    return _respond(
        request,
        letter,
        language,
        ("editions", page, *version),
        lambda code: history_documents.editions_page(letter, code, page),
    )


@require_safe
def edition(request: HttpRequest, slug: str, number: int, language: str = "") -> HttpResponse:
    """One edition as it stood."""
    letter, version = _with_past(slug)
    if not 1 <= number <= version[0]:
        return _no_edition(request, letter, language, number, version[0])
    return _respond(
        request,
        letter,
        language,
        ("edition", number, *version),
        lambda code: history_documents.edition_page(letter, code, number),
        cache_control=serving.PAST_CACHE_CONTROL,
    )


@require_safe
def edition_json(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One edition's list with what it takes to verify it."""
    letter, version = _with_past(slug)
    if not 1 <= number <= version[0]:
        raise Http404
    return _respond(
        request,
        letter,
        "",
        ("json", number, *version),
        lambda _code: history_documents.edition_json(letter, number),
        content_type="application/json",
        cache_control=serving.PAST_CACHE_CONTROL,
    )


@require_safe
def edition_pdf(request: HttpRequest, slug: str, number: int, language: str = "") -> HttpResponse:
    """One edition as it stood, on paper: made when it is asked for, which few are, and kept in memory alone."""
    letter, version = _with_past(slug)
    if not 1 <= number <= version[0]:
        return _no_edition(request, letter, language, number, version[0])
    back = f"{documents.page_url(letter, language or letter.default_language)}editions/{number}/"
    try:
        response = _respond(
            request,
            letter,
            language,
            ("pdf", number, *version, head_of(letter)),
            lambda code: history_documents.edition_pdf(letter, code, number),
            content_type="application/pdf",
            cache_control=serving.PAST_CACHE_CONTROL,
            alone=True,
        )
    except history_documents.WordsNotKept:
        context = {"are_words_lost": True, "page_url": back}
        return render(request, "letter/not_on_paper.html", context, status=404)
    except CannotBeMade as refusal:
        context = {"scripts": refusal.scripts, "page_url": back}
        return render(request, "letter/not_on_paper.html", context, status=404)
    except serving.Busy:
        context = {"is_busy": True, "page_url": back}
        response = render(request, "letter/not_on_paper.html", context, status=503)
        response["Retry-After"] = serving.BUSY_FOR
        return response
    name = "-".join(part for part in (slug, f"edition-{number}", language) if part)
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response


@require_safe
def compare(request: HttpRequest, slug: str, language: str = "") -> HttpResponse:
    """From the form with two numbers to the page that compares these editions."""
    letter, version = _with_past(slug)
    asked = [request.GET.get(name, "").strip() for name in ("from", "to")]
    numbers = [int(each) if each.isdecimal() and len(each) < 9 else 0 for each in asked]
    for typed, number in zip(asked, numbers, strict=True):
        if not 1 <= number <= version[0]:
            return _no_edition(request, letter, language, typed, version[0])
    base = documents.page_url(letter, language or letter.default_language)
    return redirect(f"{base}editions/{min(numbers)}/{max(numbers)}/")


@require_safe
def comparison(
    request: HttpRequest, slug: str, older: int, newer: int, language: str = ""
) -> HttpResponse:
    """Two editions compared, the earlier one first."""
    letter, version = _with_past(slug)
    for number in (older, newer):
        if not 1 <= number <= version[0]:
            return _no_edition(request, letter, language, number, version[0])
    if older > newer:
        base = documents.page_url(letter, language or letter.default_language)
        return redirect(f"{base}editions/{newer}/{older}/", permanent=True)
    return _respond(
        request,
        letter,
        language,
        ("comparison", older, newer, *version),
        lambda code: history_documents.comparison_page(letter, code, older, newer),
        cache_control=serving.PAST_CACHE_CONTROL,
    )


@require_safe
def revision(request: HttpRequest, slug: str, number: int, language: str = "") -> HttpResponse:
    """A text compared with the one before it."""
    letter, version = _with_past(slug)
    return _respond(
        request,
        letter,
        language,
        ("revision", number, *version),
        lambda code: history_documents.revision_page(letter, code, number),
    )


@require_safe
def countries(request: HttpRequest, slug: str, language: str = "") -> HttpResponse:
    """The list of the newest edition by country."""
    letter, version = _with_past(slug)
    return _respond(
        request,
        letter,
        language,
        ("countries", *version),
        lambda code: by_country.countries_page(letter, code),
        is_past=False,
    )


@require_safe
def countries_json(request: HttpRequest, slug: str, language: str = "") -> HttpResponse:
    """The numbers of each country's lines, for the search on the letter's page."""
    letter, version = _with_past(slug)
    return _respond(
        request,
        letter,
        language,
        ("countries.json", *version),
        lambda code: by_country.countries_json(letter, code),
        content_type="application/json",
    )


@require_safe
def feed(request: HttpRequest, slug: str, language: str = "") -> HttpResponse:
    """The last editions for feed readers."""
    letter, version = _with_past(slug)
    return _respond(
        request,
        letter,
        language,
        ("feed", *version),
        lambda code: history_documents.feed(letter, code),
        content_type="application/atom+xml; charset=utf-8",
    )


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The JSON Schema of signatories.json; readable from other origins, as validators in browsers do."""
    response = HttpResponse(documents.schema(), content_type="application/schema+json")
    response["Cache-Control"] = "public, max-age=86400"
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _with_past(slug: str) -> tuple[Letter, tuple[int, int]]:
    """A public letter that has editions, and the version of its past."""
    letter = serving.public_letter(slug)
    if letter is None:
        raise Http404
    version = history.version(letter)
    if not version[0]:
        raise Http404
    return letter, version


def _respond(
    request: HttpRequest,
    letter: Letter,
    language: str,
    key: tuple[object, ...],
    make: Callable[[str], serving.Made],
    *,
    content_type: str = HTML,
    cache_control: str = serving.CACHE_CONTROL,
    is_past: bool = True,
    alone: bool = False,
) -> HttpResponse:
    code = language or letter.default_language
    try:
        served = serving.remembered(
            letter, (*key, code), content_type, lambda: make(code), alone=alone
        )
    except LookupError as error:
        raise Http404 from error
    response = serving.respond(request, served, cache_control)
    if is_past:
        # Who has left since is not to be found by search engines for ever.
        response["X-Robots-Tag"] = "noindex"
    return response


def _no_edition(
    request: HttpRequest, letter: Letter, language: str, asked: object, newest: int
) -> HttpResponse:
    """There is none of that number; says which there are."""
    code = language or letter.default_language
    with translation.override(code):
        base = documents.page_url(letter, code)
        context = {"letter": letter, "asked": asked, "newest": newest, "base": base}
        return render(request, "letter/no_edition.html", context, status=404)


@require_safe
def on_paper(request: HttpRequest, slug: str, kind: str, language: str = "") -> HttpResponse:
    """The letter and its list to hand over, as PDF, Word document or text; made when first asked for."""
    try:
        served = serving.find_or_make(slug, kind, language)
    except CannotBeMade as refusal:
        context = {
            "kind": kind,
            "scripts": refusal.scripts,
            "page_url": reverse("letter:page", args=[slug]),
        }
        return render(request, "letter/not_on_paper.html", context, status=404)
    if served is None:
        raise Http404
    response = serving.respond(request, served)
    name = "-".join(part for part in (slug, language) if part)
    shown = "inline" if kind == "pdf" else "attachment"
    response["Content-Disposition"] = f'{shown}; filename="{name}.{kind}"'
    return response
