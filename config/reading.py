"""How a request is read: in UTF-8, which is what our pages send, whatever it says of itself.

Django decodes by the charset that a request's Content-Type names, and Python knows some that are no character sets
("base64") or that make half characters (UTF-7). And it reads the header's parameters (RFC 2231) before any of its
handlers stands ready to answer for what is wrong with them.
"""

from typing import Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import HttpRequest
from django.utils.http import parse_header_parameters


class _InUtf8(HttpRequest):
    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(
                meta.get("CONTENT_TYPE", "")
            )
        except (TypeError, ValueError):  # as the standard library's parser breaks
            self.content_type, self.content_params = "", {}

    def _load_post_and_files(self) -> None:
        try:
            super()._load_post_and_files()
        except TypeError as error:  # the same parser, in the headers of a part
            self._mark_post_parse_error()  # type: ignore[attr-defined]
            raise MultiPartParserError("a part has headers that cannot be read") from error


class _WsgiRequest(_InUtf8, WSGIRequest):
    pass


class _AsgiRequest(_InUtf8, ASGIRequest):
    pass


class WsgiApplication(WSGIHandler):
    """Django, as `get_wsgi_application` gives it."""

    request_class = _WsgiRequest


class AsgiApplication(ASGIHandler):
    """Django, as `get_asgi_application` gives it."""

    request_class = _AsgiRequest
