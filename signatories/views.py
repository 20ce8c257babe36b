"""What an organisation sees: the form, the confirmation, its own page. A GET never changes anything."""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from letter import serving
from letter.documents import (
    address,
    closes_text,
    frame_of,
    label_of,
    line_url,
    moment_text,
    name_of,
    page_url,
    printed,
    revision_url,
    shown_as,
)
from letter.models import Letter, Listing, Revision, Text
from letter.publishing import number_of
from letter.sharing import badge_of
from letter.text import render_markdown
from signatories import flood, links, moderation, retention, subject, vouching
from signatories.domains import domain_of_address
from signatories.duplicates import candidates
from signatories.forms import (
    AnswerForm,
    CorrectionForm,
    SignForm,
    new_stamp,
    what_was_typed,
)
from signatories.likeness import LIKELY, likeness
from signatories.models import Event, Signatory, Vouch
from signatories.names import NameRefused, clean_name, name_key
from signatories.networks import network_key
from signatories.privacy import what_is_kept

logger = logging.getLogger(__name__)

TRY_AGAIN_AFTER = "60"  # seconds, of a Retry-After
REFUSED = 422  # RFC 9110 §15.5.21: understood, but what was typed cannot be taken
TOO_MANY = 429  # RFC 6585 §4: more than people send; `Retry-After` says when to come again


View = Callable[..., HttpResponse]


def _about_letter(view: View) -> View:
    """Hand a view what is read of a published letter and its text in the address's language, and do all of it in that.

    404 for a draft, which takes no signatures, and for a language in which there is no text.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, slug: str, language: str = "") -> HttpResponse:
        revision = serving.text_to_sign(slug)
        if revision is None:
            raise Http404
        text = revision.texts().get(language or revision.letter.default_language)
        if text is None:
            raise Http404
        with translation.override(text.language):
            return view(request, revision, text)

    return wrapped


def _render(
    request: HttpRequest,
    letter: Letter,
    template: str,
    context: dict[str, Any],
    *,
    text: Text | None = None,
    status: int = 200,
) -> HttpResponse:
    """A page about a letter, in the language that is active; `text` is the one in it, where it is at hand."""
    language, title = shown_as(letter, text)
    about = {
        "letter": letter,
        "frame": frame_of(language),
        "title": title,
        "page_url": page_url(letter, language),
        "days": settings.DECIDE_WITHIN.days,
        "kept": retention.days_kept(letter),
        "privacy_url": address("signatories:privacy", letter, language),
    }
    return render(request, f"signatories/{template}.html", {**about, **context}, status=status)


@gzip_page  # 250 countries, on a bad line
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@_about_letter
def sign(request: HttpRequest, revision: Revision, text: Text) -> HttpResponse:
    """The sign-on form."""
    letter = revision.letter
    if not letter.takes_signatures(at=timezone.now()):
        return _closed(request, letter, text)
    languages = _languages_of(revision)
    is_away = False
    forms = flood.forms_from(_client(request)) if request.method == "POST" else 0
    if flood.are_too_many(forms, _client(request)):
        return _held(request, letter, None, text=text)
    if request.method != "POST":
        initial = {"stamp": new_stamp(), "via": request.GET.get("via", "")}
        form = SignForm(initial=initial, languages=languages)
    elif "more_countries" in request.POST:
        form = SignForm.with_more_countries(request.POST, languages=languages)
    elif "challenge" not in request.POST and (hold := _hold(request, letter, forms)):
        # A flood: its forms are not read, which costs more than to hold them.
        return _held(request, letter, hold, text=text)
    else:
        form = SignForm(request.POST, languages=languages)
        if form.is_valid():
            # A proof is not spent on a form with a slip in it.
            if "challenge" in request.POST and (hold := _hold(request, letter, forms)):
                return _held(request, letter, hold, text=text)
            if _take_in(request, revision, text, form):
                return redirect(address("signatories:sent", letter, text.language))
            is_away = True
            flood.give_back(request.POST.get("challenge", ""))
            form.add_error(
                None,
                gettext(
                    "Your signature could not be saved: our database does not answer at the moment. What you "
                    "typed is still here. Leave this page open and press the button again in a minute."
                ),
            )
    context = {
        "hint_url": address("signatories:hint", letter, text.language),
        "form": form,
        # With a slip in the form its proof, or the wait, is good for the next time.
        "brought": [
            (name, request.POST[name]) for name in ("challenge", "nonce") if name in request.POST
        ],
        "closes_text": closes_text(letter),
        "is_past_deadline": letter.status(at=timezone.now()) == Letter.Status.PAST_DEADLINE,
        "sign_on_text": render_markdown(letter.sign_on_text),
        "privacy_text": render_markdown(letter.privacy_text, prefix="privacy-"),
    }
    status = 503 if is_away else REFUSED if form.errors else 200
    response = _render(request, letter, "sign", context, text=text, status=status)
    if is_away:
        response["Retry-After"] = TRY_AGAIN_AFTER
    return response


def _take_in(request: HttpRequest, revision: Revision, text: Text, form: SignForm) -> bool:
    """Whether a sign-on is safely stored; where it is not, it can be sent again and makes one entry all the same."""
    # While one look finds out whether the database is back, the others who sign keep no thread waiting.
    if serving.is_away():
        return False
    try:
        signatory = _signatory(revision, text, form)
        signatory.network = network_key(_client(request), letter_id=revision.letter.pk)
        moderation.submit(signatory)
    except (OperationalError, InterfaceError):
        logger.warning("A sign-on could not be stored: the database does not answer")
        return False
    return True


def _client(request: HttpRequest) -> str:
    """Whose address it is: config.proxies has put it there, whatever a header says."""
    return str(request.META.get("REMOTE_ADDR", ""))


def _is_too_much(request: HttpRequest) -> bool:
    """Count a form that was sent; whether its client has sent far more than people do."""
    client = _client(request)
    return request.method == "POST" and flood.are_too_many(flood.forms_from(client), client)


def _hold(request: HttpRequest, letter: Letter, forms: float) -> flood.Hold | None:
    """Count a sign-on; what it is asked for before it is taken, if anything."""
    return flood.hold(letter, _client(request), forms, request.POST.dict())


def _held(
    request: HttpRequest, letter: Letter, hold: flood.Hold | None, *, text: Text | None = None
) -> HttpResponse:
    """What was typed, to be sent again: with a proof, or after a while; without `hold` only after a while.

    It has none of the form's thousand countries, so that a flood costs little.
    """
    typed = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in {"csrfmiddlewaretoken", "challenge", "nonce"}
    ]
    shown = what_was_typed(typed)
    context = {"hold": hold, "typed": typed, "shown": shown, "minutes": flood.WINDOW // 60}
    response = _render(request, letter, "held", context, text=text, status=TOO_MANY)
    response["Retry-After"] = str(hold.wait if hold else flood.WINDOW)
    return response


def _languages_of(revision: Revision | None) -> list[str]:
    """In which languages a name can be printed, where there is more than one."""
    languages = list(revision.texts()) if revision else []
    return languages if len(languages) > 1 else []


def _signatory(revision: Revision, text: Text, form: SignForm) -> Signatory:
    via = form.cleaned_data["via"]
    return Signatory(
        letter=revision.letter,
        revision=revision,
        source=Signatory.Source.FORM,
        contact_name=form.cleaned_data["contact_name"],
        contact_role=form.cleaned_data["contact_role"],
        email=form.cleaned_data["email"],
        language=text.language,
        wants_updates=form.cleaned_data["updates"],
        partner=revision.letter.partners.filter(code=via).first() if via else None,
        seconds_taken=form.seconds_taken,
        **form.changes(),
    )


def _closed(request: HttpRequest, letter: Letter, text: Text) -> HttpResponse:
    """What stands in the form's place; a POST that comes too late is told so, with its own status."""
    context = {
        "status": letter.status(at=timezone.now()),
        "opens_text": moment_text(letter.opens_at, letter) if letter.opens_at else "",
        "is_refused": request.method == "POST",
    }
    status = 403 if request.method == "POST" else 200
    return _render(request, letter, "sign_closed", context, text=text, status=status)


@require_safe
def via(request: HttpRequest, slug: str, code: str, language: str = "") -> HttpResponse:
    """The letter as a partner passes it on: the same page, with the partner's word in its links to the form.

    So it is counted by whom a sign-on came, without a cookie and with nothing kept of who only reads.
    """
    code = code.lower()  # as it may have been typed from paper
    served = serving.find_page(slug, language, at=timezone.now())
    letter = serving.public_letter(slug)
    if served is None or letter is None:
        raise Http404

    def make() -> bytes:
        if not letter.partners.filter(code=code).exists():
            raise LookupError(code)
        return _with_code(letter, served.body.decode(), code).encode()

    key = ("via", code, language, served.etag)
    try:
        passed_on = serving.remembered(letter, key, served.content_type, make)
    except LookupError:
        # No partner's, or no more: the letter is what is wanted.
        return redirect(page_url(letter, language or letter.default_language))
    response = serving.respond(request, passed_on)
    response["X-Robots-Tag"] = (
        "noindex"  # search engines are to find the letter, not a partner's link to it
    )
    return response


def _with_code(letter: Letter, page: str, code: str) -> str:
    for language in (letter.default_language, *_languages_of(letter.current_revision())):
        sign, base = (
            address("signatories:sign", letter, language),
            page_url(letter, language),
        )
        page = page.replace(f'href="{sign}"', f'href="{sign}?via={code}"')
        page = page.replace(f'href="{base}" lang=', f'href="{base}via/{code}/" lang=')
    return page


@require_safe
@_about_letter
def sent(request: HttpRequest, revision: Revision, text: Text) -> HttpResponse:
    """The same page for everybody who has signed: it tells a stranger nothing about an address."""
    return _render(request, revision.letter, "sent", {}, text=text)


@require_safe
@_about_letter
def hint(request: HttpRequest, revision: Revision, text: Text) -> HttpResponse:
    """Whether an organisation of this name is on the public list already; what is not public is not hinted at."""
    letter = revision.letter
    if flood.hints_are_too_many(_client(request)):
        return JsonResponse({"listed": False}, status=TOO_MANY)
    try:
        name = clean_name(request.GET.get("name", ""))
    except NameRefused:
        return JsonResponse({"listed": False})
    listing = _listed(letter, name)
    if listing is None:
        return JsonResponse({"listed": False})
    label = label_of(listing.countries, listing.label, letter.default_language)
    line = printed(name_of(listing), label)
    message = gettext("%(line)s is already on the list.")
    if name_key(listing.name) != name_key(name):
        message = gettext("This looks like %(line)s, which is on the list already.")
    message %= {"line": line}
    return JsonResponse(
        {
            "listed": True,
            "line": line,
            "number": number_of(letter, listing.line_id),
            "url": line_url(letter, text.language, listing.line_id),
            "message": message,
        }
    )


def _listed(letter: Letter, name: str) -> Listing | None:
    """The line of this name, or of one very like it, by what the public list says and nothing else."""
    approved = Signatory.objects.for_letter(letter).approved()
    same = approved.filter(name_key=name_key(name)).values_list("line_id", flat=True).first()
    entries = approved.filter(pk__in=candidates(name, letter=letter)).order_by("pk")
    line_ids = [same] if same else list(entries.values_list("line_id", flat=True))
    # The printed name is judged, not the entry's: that may have been corrected since.
    scored = [
        (likeness(name, listing.name), listing)
        for listing in letter.listings.current().filter(line_id__in=line_ids).order_by("pk")
    ]
    score, listing = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return listing if score >= LIKELY else None


def _opened_by(find: Callable[[str, str], Signatory | Vouch | None]) -> Callable[[View], View]:
    """Hand a view what the link's secret opens, in the contact's language.

    The secret is kept out of caches and referrers.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        @never_cache
        def wrapped(request: HttpRequest, slug: str, token: str) -> HttpResponse:
            found = find(slug, token)
            if found is None:
                letter = get_object_or_404(Letter.objects.public(), slug=slug)
                with translation.override(letter.default_language):
                    response = _render(request, letter, "link_unknown", {}, status=404)
            else:
                signatory = found if isinstance(found, Signatory) else found.signatory
                # The whole view, since it compares a line with the one that its page showed.
                with translation.override(signatory.language):
                    response = view(request, found, token)
            # Not "no-referrer": browsers then send "Origin: null" with the forms here, which CSRF checks refuse.
            response["Referrer-Policy"] = "same-origin"
            response["X-Robots-Tag"] = "noindex"
            return response

        return wrapped

    return decorate


_with_secret = _opened_by(links.find)


@_with_secret
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, signatory: Signatory, token: str) -> HttpResponse:
    """A button to confirm the address; once confirmed, the link shows where things stand."""
    if request.POST.get("seen", signatory.line) != signatory.line:
        # Somebody has sent the form again meanwhile; what is confirmed is what was seen.
        context = {"signatory": signatory, "token": token, "is_changed": True}
        return _render(request, signatory.letter, "confirm", context, status=409)
    if request.method == "POST":
        # Refused where it was pressed twice, or in two windows: the next page says where things stand.
        with suppress(moderation.Refused):
            moderation.decide(signatory.pk, Event.CONFIRM, by=moderation.CONTACT)
        return redirect("signatories:signature", signatory.letter.slug, token)
    if signatory.state != Signatory.State.SUBMITTED:
        return redirect("signatories:signature", signatory.letter.slug, token)
    return _render(request, signatory.letter, "confirm", {"signatory": signatory, "token": token})


@_with_secret
@require_http_methods(["GET", "HEAD", "POST"])
def not_us(request: HttpRequest, signatory: Signatory, token: str) -> HttpResponse:
    """For the owner of an address that somebody else typed: a button that erases the entry."""
    letter = signatory.letter
    # What a coordinator or the contact has settled is not erased behind anyone's back.
    if signatory.state in moderation.SETTLED:
        return redirect("signatories:signature", letter.slug, token)
    if request.method == "POST":
        try:
            moderation.erase(signatory.pk)
        except moderation.Gone:
            pass
        except moderation.TransitionRefused:
            return redirect("signatories:signature", letter.slug, token)
        language, _title = shown_as(letter)
        return redirect(address("signatories:erased", letter, language))
    return _render(request, letter, "not_us", {"signatory": signatory, "token": token})


@_opened_by(links.find_vouch)
@require_http_methods(["GET", "HEAD", "POST"])
def organization(request: HttpRequest, vouch: Vouch, token: str) -> HttpResponse:
    """For the organisation that was asked: the letter, the line, and two buttons. The answer decides nothing."""
    signatory = vouch.signatory
    letter = signatory.letter
    if _is_too_much(request):
        return _held(request, letter, None)
    form = AnswerForm(request.POST if request.method == "POST" else None)
    is_valid = form.is_valid()
    status, is_changed = REFUSED if form.errors else 200, False
    if is_valid:
        answered = form.cleaned_data
        try:
            vouching.answer(
                vouch.pk, answered["answer"], words=answered["words"], line=answered["line"]
            )
        except vouching.LineChanged:
            signatory.refresh_from_db()
            status, is_changed = 409, True
        except moderation.Refused:
            # Answered, settled or erased meanwhile: the page says so.
            return redirect("signatories:organization", letter.slug, token)
        else:
            return redirect("signatories:organization", letter.slug, token)
    text = signatory.revision.texts().get(letter.default_language)
    context = {
        "signatory": signatory,
        "form": form,
        "is_changed": is_changed,
        "answered": vouching.answer_of(vouch),
        "is_open": vouching.is_open(vouch, at=timezone.now()),
        "is_settled": signatory.state not in vouching.OPEN_STATES,
        "link_days": vouching.LINK_WORKS_FOR.days,
        "domain": domain_of_address(vouch.email),
        "text": text,
        "body": render_markdown(text.body, prefix="letter-") if text else "",
    }
    return _render(request, letter, "organization", context, status=status)


@require_safe
@_about_letter
def erased(request: HttpRequest, revision: Revision, text: Text) -> HttpResponse:
    """What is told whoever has had something erased, by what it was; the link that they had opens nothing any more."""
    context = {"is_kept": "kept" in request.GET, "is_withdrawn": "withdrawn" in request.GET}
    return _render(request, revision.letter, "erased", context, text=text)


@require_safe
@_about_letter
def privacy(request: HttpRequest, revision: Revision, text: Text) -> HttpResponse:
    """What is kept of whoever signs, why, for how long and who sees it, and what they can do about it."""
    letter = revision.letter
    context = {
        "privacy_text": render_markdown(letter.privacy_text, prefix="privacy-"),
        "rows": what_is_kept(letter),
        "sign_url": address("signatories:sign", letter, text.language),
    }
    return _render(request, letter, "privacy", context, text=text)


@_with_secret
@require_safe
def signature(request: HttpRequest, signatory: Signatory, token: str) -> HttpResponse:
    """The contact's own page: where things stand, what is or will be printed, and what they can do."""
    if signatory.state == Signatory.State.SUBMITTED:
        return redirect("signatories:confirm", signatory.letter.slug, token)
    initial = {
        "organization": signatory.name,
        "countries": signatory.countries,
        "website": signatory.website,
    }
    form = CorrectionForm(initial=initial, **_names_asked(signatory))
    return _signature_page(request, signatory, token, form)


def _names_asked(signatory: Signatory) -> dict[str, Any]:
    """What a correction needs to know of the names in other languages."""
    return {
        "languages": _languages_of(signatory.letter.current_revision()),
        "other_names": signatory.other_names,
    }


def _signature_page(
    request: HttpRequest,
    signatory: Signatory,
    token: str,
    form: CorrectionForm,
    *,
    status: int = 200,
) -> HttpResponse:
    letter = signatory.letter
    events = moderation.possible_events(signatory.state, moderation.Actor.CONTACT)
    # What it was asked to change or refused for, whatever happened since in that state.
    told = signatory.decisions.in_order().filter(to_state=signatory.state).exclude(reason="")
    standing = signatory.standing()
    language, _title = shown_as(letter)
    # A withdrawn line may stand there for another second.
    is_approved = signatory.state == Signatory.State.APPROVED
    number = number_of(letter, signatory.line_id) if is_approved else None
    context = {
        "signatory": signatory,
        "token": token,
        "form": form,
        "number": number,
        "badge": badge_of(letter, signatory.line_id, language) if is_approved else None,
        "line_url": line_url(letter, language, signatory.line_id),
        "reason": last.reason if (last := told.last()) else "",
        "is_late": moderation.is_late(signatory, at=timezone.now()),
        "history": signatory.decisions.in_order(),
        "is_saved": "saved" in request.GET,
        "is_renewed": "renewed" in request.GET,
        **_revised(signatory, language),
        "can_withdraw": Event.WITHDRAW in events,
        "can_correct": signatory.state
        in {Signatory.State.PENDING, Signatory.State.RETURNED, Signatory.State.APPROVED},
        # Of another sign-on that stands for this one, what is public and no more.
        "standing": standing if standing.pk != signatory.pk else None,
        "standing_number": number_of(letter, standing.line_id),
        "open_correction": signatory.corrections.filter(settled_at__isnull=True).first(),
    }
    return _render(request, letter, "signature", context, status=status)


def _revised(signatory: Signatory, language: str) -> dict[str, Any]:
    """The text that the contact is asked to sign again, and where its changes can be read; nothing where none is."""
    to_sign = moderation.text_to_sign(signatory)
    if to_sign is None:
        return {}
    return {
        "to_sign": to_sign.text,
        "note": to_sign.asked.note,
        "changes_url": revision_url(signatory.letter, language, to_sign.asked.number),
    }


@_with_secret
@require_POST
def correct(request: HttpRequest, signatory: Signatory, token: str) -> HttpResponse:
    """Correct the line: at once before approval, through a coordinator after it."""
    if _is_too_much(request):
        return _held(request, signatory.letter, None)
    if "more_countries" in request.POST:
        form = CorrectionForm.with_more_countries(request.POST, **_names_asked(signatory))
        return _signature_page(request, signatory, token, form)
    form = CorrectionForm(request.POST, **_names_asked(signatory))
    if not form.is_valid():
        return _signature_page(request, signatory, token, form, status=REFUSED)
    # Refused where it was decided meanwhile: the page says where things stand now.
    page = reverse("signatories:signature", args=[signatory.letter.slug, token])
    with suppress(moderation.Refused):
        moderation.correct(signatory.pk, form.changes())
        page += "?saved"
    return redirect(page)


@_with_secret
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, signatory: Signatory, token: str) -> HttpResponse:
    """One question, one button; then the line goes off the list with the next edition."""
    if request.method == "POST":
        # Refused where it was withdrawn or rejected already: the page says so.
        with suppress(moderation.Refused):
            moderation.decide(signatory.pk, Event.WITHDRAW, by=moderation.CONTACT)
        return redirect("signatories:signature", signatory.letter.slug, token)
    if Event.WITHDRAW not in moderation.possible_events(signatory.state, moderation.Actor.CONTACT):
        return redirect("signatories:signature", signatory.letter.slug, token)
    return _render(request, signatory.letter, "withdraw", {"signatory": signatory, "token": token})


@_with_secret
@require_POST
def renew(request: HttpRequest, signatory: Signatory, token: str) -> HttpResponse:
    """Put the signature under the revised text, if that is still the one that was shown."""
    page = reverse("signatories:signature", args=[signatory.letter.slug, token])
    to_sign = moderation.text_to_sign(signatory)
    if to_sign is None or request.POST.get("text") != str(to_sign.text.number):
        return redirect(page)
    with suppress(moderation.Refused):
        moderation.decide(signatory.pk, Event.RENEW, by=moderation.CONTACT)
        page += "?renewed"
    return redirect(page)


# A mail program that stops the updates by itself sends no cookie and knows no token but the link's (RFC 8058).
@csrf_exempt
@_with_secret
@require_http_methods(["GET", "HEAD", "POST"])
def updates(request: HttpRequest, signatory: Signatory, token: str) -> HttpResponse:
    """Whether the contact gets updates by mail: a button that says so, and the one click of mail programs."""
    if request.method != "POST":
        context = {"signatory": signatory, "token": token}
        return _render(request, signatory.letter, "updates", context)
    with suppress(moderation.Refused):
        moderation.want_updates(signatory.pk, wants="wanted" in request.POST)
    return redirect("signatories:updates", signatory.letter.slug, token)


@_with_secret
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, signatory: Signatory, token: str) -> HttpResponse:
    """For the contact: to be erased, with or without their organisation's line."""
    letter = signatory.letter
    signed = retention.signed_by(signatory)
    # Opened again meanwhile, it would go as a whole, which is more than was chosen.
    is_changed = "keep" in request.POST and signed.state in moderation.UNDECIDED
    if request.method == "POST" and not is_changed:
        withdraw = "withdraw" in request.POST
        try:
            what = retention.erase_contact(signatory.pk, withdraw=withdraw, at=timezone.now())
        except moderation.Gone:
            what = retention.Erased.ALL
        page = address("signatories:erased", letter, shown_as(letter)[0])
        return redirect(page if what == retention.Erased.ALL else f"{page}?{what}")
    context = {
        "signed": signed,
        "token": token,
        "is_undecided": signed.state in moderation.UNDECIDED,
        "is_changed": is_changed,
    }
    return _render(request, letter, "erase", context, status=409 if is_changed else 200)


@_with_secret
@require_safe
def data(request: HttpRequest, signatory: Signatory, token: str) -> HttpResponse:
    """All that is kept about this sign-on, for its contact to take along (GDPR, article 20)."""
    document = subject.of_signature(signatory)
    response = JsonResponse(document, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Content-Disposition"] = f'attachment; filename="{signatory.reference}.json"'
    return response
