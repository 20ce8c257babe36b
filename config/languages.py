"""The language of the desk: what a coordinator's browser asks for, of those that the product speaks.

The public pages are in the language of their address, so that everybody gets the same bytes of each;
a contact's pages and mails are in the language in which the form was filled in.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from config.desk import is_desk


def speak_to_coordinators(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: answer under /admin/ in the language that the browser asks for (RFC 9110 §12.5.4)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not is_desk(request):
            return get_response(request)
        language = translation.get_language_from_request(request)
        with translation.override(language):
            response = get_response(request)
            patch_vary_headers(response, ["Accept-Language"])
            response.headers.setdefault("Content-Language", language)
            return response

    return middleware
