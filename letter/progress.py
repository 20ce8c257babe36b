"""A page that grows while long work is done: its beginning goes out at once, then a line with each step.

The page's template has GAP where the lines go.
"""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any, Final

from django.http import HttpRequest, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString

GAP: Final = "<!-- progress -->"


def growing_page(
    request: HttpRequest, template: str, context: dict[str, Any], lines: Generator[SafeString]
) -> StreamingHttpResponse:
    """The page with `lines`, which do the work: each goes out as it is made, in the language of the request."""
    before, after = render_to_string(template, context, request).split(GAP)
    lines = _in_language(translation.get_language(), lines)
    response = StreamingHttpResponse(_around(before, lines, after))
    response.headers["X-Accel-Buffering"] = "no"  # a proxy is to hand each line on
    return response


def _around(before: str, lines: Iterator[str], after: str) -> Iterator[str]:
    # A generator: where the reader goes away, it is closed, and all that it goes through with it.
    yield before
    yield from lines
    yield after


def _in_language(language: str | None, lines: Generator[SafeString]) -> Generator[SafeString]:
    """The lines, each made in the language of the request, which is over by then."""
    with closing(lines):
        while True:
            with translation.override(language):
                line = next(lines, None)
            if line is None:
                return
            yield line
